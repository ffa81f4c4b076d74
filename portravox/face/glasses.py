"""Whether the person wears glasses, which are stiff and may be dark.

Flow      face.landmarks -> face.glasses -> Face -> rig.fit
Reads     pixels, landmarks
Gives     how clear the bridge of a pair of glasses is to see, and the answer; whether a lens
          hides the eye
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.face.crop import Square, cut
from portravox.face.eyes import EyeView

BRIDGE = 6
"""Landmark in the middle of the nose's root."""

INNER_EYE_CORNERS = (133, 362)

VIEW_PX = 96
VIEW_EYES = 0.72
"""Side of the view, in distances of the inner corners of the eyes: the root of the nose alone."""

LEAST_COLUMNS = 20.0
"""Percentile over the columns: a bridge crosses nearly all of them, wrinkles and hairs do not."""

LEAST_STEP = 0.033
"""Measured: 30 faces without glasses up to 0.019, 3 with glasses from 0.051 on."""


DARK_LENS = 0.40
"""Of the skin's brightness, at most, that skin shows through a dark lens. Measured behind clear
lenses: 0.43 to 0.71."""

LEAST_EYE_CONTRAST = 0.30
"""Between white and pupil, in skin brightnesses. Measured: 0.28 (blurred, in low light) to 1.3;
behind clear lenses from 0.34 on."""


def hidden_by_lens(view: EyeView, skin: float) -> bool:
    """True where all about an eye is dark and no white or iris shows, as behind sunglasses.

    skin  brightness of bare skin, 0..255
    """
    grey = cv2.cvtColor(view.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) / max(skin, 1.0)
    y = np.arange(len(grey), dtype=np.float32)[:, None]
    columns = view.lower - view.upper > 1.0
    above, below = view.upper - y, y - view.lower
    near, far = 2.0 * view.mm, 6.0 * view.mm
    ring = ((above > near) & (above < far)) | ((below > near) & (below < far))
    opening = (above < 0) & (below < 0) & columns
    if not opening.any():
        return False
    dark, light = np.percentile(grey[opening], (5, 95))
    around = float(np.median(grey[ring & columns]))
    return around < DARK_LENS and float(light - dark) < LEAST_EYE_CONTRAST


def wears_glasses(pixels: UInt8, landmarks: Float32) -> bool:
    """True where a rim crosses the root of the nose."""
    return bridge_step(pixels, landmarks) >= LEAST_STEP


def bridge_step(pixels: UInt8, landmarks: Float32) -> float:
    """The steepest change of brightness down the root of the nose, in skin brightnesses a pixel.

    pixels     (H, W, 3)
    landmarks  (478, 3) px
    returns    0 on even skin; that of the column at the percentile LEAST_COLUMNS
    """
    left, right = (landmarks[i, :2].astype(float) for i in INNER_EYE_CORNERS)
    across = right - left
    roll_deg = math.degrees(math.atan2(across[1], across[0]))
    x, y = landmarks[BRIDGE, :2]
    side = VIEW_EYES * float(np.hypot(*across))
    view = cut(pixels, Square(float(x), float(y), max(side, 1.0), roll_deg), VIEW_PX)
    grey = cv2.GaussianBlur(view.astype(np.float32), (0, 0), 1.5).mean(axis=-1)
    steps = np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8.0
    skin = max(float(np.median(grey)), 20.0)
    return float(np.percentile(steps.max(axis=0), LEAST_COLUMNS)) / skin
