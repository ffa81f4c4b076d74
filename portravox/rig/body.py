"""Shoulders and chest: how far each place of the picture goes along with the body.

Flow      face.matte, Face -> rig.body -> rig.fit, rig.deform, render.scene
Gives     FollowWeights: 1 on the shoulders, 0 on the head, below the chest and at the picture's
          lower edge

Only a field, no mesh: the body shifts by a few pixels, and what it uncovers is background that
travels along with its outline (see render.backdrop).
"""

from __future__ import annotations

import cv2
import numpy as np

from portravox.arrays import Float32
from portravox.face.face import Face
from portravox.ramps import smoothstep
from portravox.rig.follow_weights import NOWHERE, FollowWeights

CELLS_PER_FACE = 32
"""The field is smooth: it is kept at so many places across the face."""

FROM_CHIN = (-0.05, 0.30)
"""Between these it grows from 0 to 1, in face heights below the chin: over the neck the mesh
mixes it with the head's own motion."""

REACH_DOWN = 1.3
"""It ends so many face heights below the chin, or at the picture's lower edge: what moved there
would show that nothing comes after."""

FULL_SHARE = 0.45
"""Of the way from the chin to where it ends, so much moves fully; the rest is stretched."""

REACH_ASIDE_FW = (1.3, 1.7)
"""Between these it falls to 0 at the sides, in face widths from the middle of the face."""

SPREAD_FW = 0.12
"""It holds for so much of the background around the body, so that the outline moves as a whole."""

PERSON = 0.35


def find_body(face: Face, matte: Float32) -> FollowWeights:
    """Where the shoulders are: from the person matte, (H, W), below the face."""
    height, width = matte.shape
    chin = float(face.landmarks[152, 1])
    face_height = float(np.linalg.norm(face.landmarks[10] - face.landmarks[152]))
    middle = float(face.landmarks[:468, 0].mean())
    aside = REACH_ASIDE_FW[1] * face.width_px
    x0, x1 = (int(np.clip(middle + d, 0, width)) for d in (-aside, aside))
    y0 = int(np.clip(chin + FROM_CHIN[0] * face_height, 0, height))
    y1 = int(np.clip(chin + REACH_DOWN * face_height, 0, height))
    cell = face.width_px / CELLS_PER_FACE
    columns, rows = int((x1 - x0) / cell), int((y1 - y0) / cell)
    if min(columns, rows) < 3:
        return NOWHERE
    cell_px = (x1 - x0) / columns, (y1 - y0) / rows
    x = x0 + (np.arange(columns) + 0.5) * cell_px[0] - 0.5
    y = y0 + (np.arange(rows) + 0.5) * cell_px[1] - 0.5
    person = cv2.resize(matte[y0:y1, x0:x1], (columns, rows), interpolation=cv2.INTER_AREA)
    spread = max(1, round(SPREAD_FW * CELLS_PER_FACE))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * spread + 1, 2 * spread + 1))
    near = cv2.dilate((person > PERSON).astype(np.float32), disc)
    near = cv2.GaussianBlur(near, (0, 0), spread * 0.6)
    below = (y - chin) / face_height
    ends = (y1 - 1 - chin) / face_height
    down = smoothstep(*FROM_CHIN, below) * (1.0 - smoothstep(FULL_SHARE * ends, ends, below))
    across = 1.0 - smoothstep(*REACH_ASIDE_FW, np.abs(x - middle) / face.width_px)
    weights = near * down[:, None] * across
    weights[[0, -1]] = 0.0  # what lies above and below takes the nearest row
    origin = float(x[0]), float(y[0])
    return FollowWeights(weights.astype(np.float32), origin, cell_px, (x0, y0, x1, y1))
