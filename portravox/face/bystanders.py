"""Who stands behind the person, out of focus, and was taken for a part of them.

Flow      face.matte -> face.bystanders -> rig.fit, render
Reads     pixels, the matte, Face
Gives     the matte without them: what does not go along when the person moves

For another background they stay (`staging`): a shoulder may be out of focus, too, and it is better
that it rests than that it is cut off.
"""

from __future__ import annotations

import cv2
import numpy as np

from portravox.arrays import Bool, Float32, UInt8
from portravox.face.face import Face
from portravox.face.focus import detail
from portravox.face.outlines import OVAL

FACE_PX = 128.0
"""Width of the face at which this is looked at."""

PERSON = 0.35

OFF_FACE_FW = 0.2
"""So far from the outline of the face in face widths, and below the eyes: hair in the back may be
out of focus, too."""

CHEST_FW = 0.45
"""Below the chin, what is less than this aside of it is the chest, in face widths."""

WINDOW_FW = 0.24
"""Focus is told over squares of this side, in face widths."""

OUT_OF_FOCUS, LEAST_COARSE = 0.45, 1.0
"""Where the finest detail against coarser one is less than this share of the face's, and there is
so much of the latter, in levels of 255, a place is out of focus. On 24 portraits photographers
behind a man came to .22 to .45, others' own clothes to .49 and more; black cloth has no detail."""

SHARP_QUANTILE = 0.97
"""No place is, close to finest detail that is more than so much of the face has."""

THIN_FW, LEAST_FW2 = 0.08, 0.1
"""Such places do not hang together by what is thinner than twice the first, in face widths; smaller
ones than the second, in squares of these, do not count."""

BESIDE_FW, BESIDE_SHARE = 0.06, 0.15
"""Of what is so near around such a place, so much is background or lies beyond the picture's sides:
shirts have the person's coat around them. Our choice."""

ENDS_FW = 0.03
"""Its edge is as soft as this, in face widths."""


def without_bystanders(pixels: UInt8, matte: Float32, face: Face) -> Float32:
    """The matte, (H, W), without people out of focus; the same where there are none.

    pixels  (H, W, 3)
    """
    height, width = matte.shape
    scale = min(1.0, FACE_PX / face.width_px)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    unit = face.width_px * scale
    there = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)
    oval = np.rint(face.landmarks[list(OVAL), :2] * scale).astype(np.int32)
    inside = cv2.fillConvexPoly(np.zeros(there.shape, np.uint8), cv2.convexHull(oval), (1,))
    asked = there > PERSON
    asked[: max(0, round(float(face.landmarks[[33, 263], 1].mean()) * scale))] = False
    from_face = cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    asked &= from_face > OFF_FACE_FW * unit
    chin_x, chin_y = (face.landmarks[152, :2] * scale).tolist()
    chest = np.abs(np.arange(size[0]) - chin_x) < CHEST_FW * unit
    asked &= ~((np.arange(size[1]) > chin_y)[:, None] & chest)
    least = LEAST_FW2 * unit * unit
    if asked.sum() < least or not inside.any():
        return matte
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    behind = asked & _blurred(small, inside > 0, unit)
    thin = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(THIN_FW * unit) + 1,) * 2)
    behind = cv2.morphologyEx(behind.astype(np.uint8), cv2.MORPH_OPEN, thin) > 0
    count, piece, stats, _ = cv2.connectedComponentsWithStats(behind.astype(np.uint8))
    large = [k for k in range(1, count) if stats[k, cv2.CC_STAT_AREA] >= least]
    others = np.zeros(there.shape, np.float32)
    for k in large:
        if _stands_beside(piece == k, there < PERSON, max(1, round(BESIDE_FW * unit))):
            others[piece == k] = 1.0
    if not others.any():
        return matte
    others = cv2.GaussianBlur(others, (0, 0), ENDS_FW * unit)
    others = cv2.resize(others, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(matte * (1.0 - others), np.float32)


def _stands_beside(place: Bool, background: Bool, reach: int) -> bool:
    """Whether what is around a place, (h, w), within a reach, px, is background often enough."""
    aside = ((0, 0), (reach, reach))
    wide = np.pad(place.astype(np.uint8), aside)
    around = cv2.dilate(wide, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) - wide
    share = np.pad(background, aside, constant_values=True)[around > 0].mean()
    return bool(share > BESIDE_SHARE)


def _blurred(small: UInt8, face: Bool, unit: float) -> Bool:
    """(h, w) what is out of focus, though the face, (h, w), is not."""
    window = 2 * round(WINDOW_FW * unit / 2) + 1
    fine, coarse = detail(small)
    sharp = (fine > np.quantile(fine[face], SHARP_QUANTILE)).astype(np.uint8)
    near_sharp = cv2.dilate(sharp, np.ones((window // 2, window // 2), np.uint8)) > 0
    fine, coarse = (cv2.blur(part, (window, window)) for part in (fine, coarse))
    usual = float(np.median((fine / np.maximum(coarse, LEAST_COARSE))[face]))
    found: Bool = (coarse > LEAST_COARSE) & (fine < OUT_OF_FOCUS * usual * coarse) & ~near_sharp
    return found
