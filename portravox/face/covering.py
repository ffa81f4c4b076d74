"""Whether the mouth is seen at all: masks, hands and other things before it.

Flow      face.landmarks, face.mouth -> face.covering -> face.verdict
Reads     pixels, MeshFit
Gives     Covering

The mesh network draws lips on a surgical mask as readily as on a face, so its own score says
nothing. What a cover can't imitate is what we ask for: a dark line or an opening between two
lips, and a mouth found at the same place whatever the crop. Hands, which have lines enough,
are looked for as hands.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import AnyFloat, Float32, UInt8
from portravox.face.crop import Square, cut, to_picture
from portravox.face.landmarks import MeshFit, face_width_px
from portravox.face.models import find_hands
from portravox.face.mouth import (
    LOWER_INNER,
    LOWER_OUTER,
    UPPER_INNER,
    UPPER_OUTER,
    MouthView,
    central,
    mouth_evidence,
    mouth_view,
    seam,
)
from portravox.face.objects import objects_at_chin

_MOUTH_IDS = np.concatenate([UPPER_INNER, LOWER_INNER, UPPER_OUTER, LOWER_OUTER])

_WANDERING = 0.018
"""Scatter of the mouth's points between the crops, in face widths, from which on the network is
guessing. Measured: mouths in plain sight 0.002 to 0.011, masks 0.010 to 0.08."""

_UNSTEADY = 0.008
"""From here on a mouth must at least show a line or an opening."""

_LEAST_SEAM = 0.045
"""Least depth of the line between the lips, as a share of the skin's lightness. Measured: closed
lips 0.059 (blurred, dark) to 0.53, masks up to 0.03."""

_LEAST_OPENING = 0.02
"""Least share of the mouth's area that looks dark or like teeth, if there is no line."""

_HAND_LOOK = 2.4
"""Side of the crop searched for hands, in face widths."""

_HAND_LOOK_PX = 320

_LEAST_HAND = 0.6
"""A hand is about as long as a face is wide; what is much smaller is a fold or an ornament."""

FINGER_WIDTH_FW = 0.11
"""Thickness of a finger. Our choice, on the wide side."""

_COVERED_BY_HAND = 0.30
"""Share of the mouth under a hand from which on it counts as covered."""

HAND_BONES = (
    *((0, 1), (1, 2), (2, 3), (3, 4)),
    *((0, 5), (5, 6), (6, 7), (7, 8)),
    *((0, 9), (9, 10), (10, 11), (11, 12)),
    *((0, 13), (13, 14), (14, 15), (15, 16)),
    *((0, 17), (17, 18), (18, 19), (19, 20)),
)

PALM = (0, 1, 5, 9, 13, 17)
"""Joints that a finger or the palm joins, and those around the palm."""


@dataclass(frozen=True, slots=True)
class Covering:
    """What stands between the camera and the mouth."""

    hidden_by: str
    """In words for the caller; empty when the mouth is seen."""

    hands: tuple[Float32, ...]
    """(21, 2) px each: hands that touch the face, joints as in `models.find_hands`."""

    objects: tuple[Float32, ...] = ()
    """(P, 2) px each: outlines of other things before the chin."""


def covering(pixels: UInt8, fit: MeshFit) -> Covering:
    """Look for what covers the mouth of a fitted face.

    pixels   (H, W, 3)
    """
    share, hands = _hands(pixels, fit.landmarks)
    if share >= _COVERED_BY_HAND:
        return Covering("a hand", hands)
    if not _mouth_is_seen(mouth_view(pixels, fit.landmarks), fit.spread(_MOUTH_IDS)):
        return Covering("a mask or an object", hands)
    return Covering("", hands, () if hands else objects_at_chin(pixels, fit.landmarks))


def _mouth_is_seen(view: MouthView, wandering: float) -> bool:
    if wandering < _UNSTEADY:
        return True
    if wandering >= _WANDERING:
        return False
    return _seam_depth(view) >= _LEAST_SEAM or _open_share(view) >= _LEAST_OPENING


def _seam_depth(view: MouthView) -> float:
    """How much darker the line between the lips is than the lips on both sides of it.

    In shares of the skin's lightness; the median of the middle half of the mouth, negative
    where there is no line.
    """
    columns = np.arange(view.left, view.right + 1, 3)
    middle = (view.inner_upper + view.inner_lower)[columns] / 2.0
    line = seam(view, columns, middle)

    def light(shift: float) -> Float32:
        rows = np.clip(np.round(line + shift * view.width_px), 0, view.lab.shape[0] - 1)
        return np.asarray(view.lab[rows.astype(np.int64), columns, 0], np.float32)

    # thin lips end early, so the lightest of three distances counts
    upper = np.max([light(-shift) for shift in (0.04, 0.06, 0.08)], axis=0)
    lower = np.max([light(shift) for shift in (0.04, 0.06, 0.08)], axis=0)
    depth = (np.minimum(upper, lower) - light(0.0)) / max(float(view.skin[0]), 1.0)
    return float(np.median(central(depth.astype(np.float64))))


def _open_share(view: MouthView) -> float:
    """Share of the area within the outer edges that looks dark or like teeth."""
    y = np.arange(view.lab.shape[0])[:, None]
    x = np.arange(view.lab.shape[1])
    inside = (y > view.outer_upper) & (y < view.outer_lower) & (x > view.left) & (x < view.right)
    if not inside.any():
        return 0.0
    return float(mouth_evidence(view).opening[inside].mean())


def _hands(pixels: UInt8, landmarks: Float32) -> tuple[float, tuple[Float32, ...]]:
    """Share of the mouth under hands, and those that touch the face, px."""
    width = face_width_px(landmarks)
    middle = landmarks[:468, :2].mean(axis=0)
    square = Square(float(middle[0]), float(middle[1] + 0.15 * width), _HAND_LOOK * width)
    to_crop = square.to_crop(_HAND_LOOK_PX)
    scale = _HAND_LOOK_PX / square.side_px
    face = _filled(landmarks[:468, :2] @ to_crop[:, :2].T + to_crop[:, 2])
    mouth = _filled(landmarks[_MOUTH_IDS, :2] @ to_crop[:, :2].T + to_crop[:, 2])
    covered = np.zeros_like(mouth)
    touching = []
    for hand in find_hands(cut(pixels, square, _HAND_LOOK_PX)):
        in_picture = to_picture(hand, square, _HAND_LOOK_PX)
        if np.ptp(in_picture, axis=0).max() < _LEAST_HAND * width:
            continue
        points = np.round(hand).astype(np.int32)
        thickness = max(1, round(FINGER_WIDTH_FW * width * scale))
        this = np.zeros_like(covered)
        for start, end in HAND_BONES:
            cv2.line(this, points[start].tolist(), points[end].tolist(), (1,), thickness)
        cv2.fillConvexPoly(this, cv2.convexHull(points[list(PALM)]), (1,))
        if (this & face).any():
            touching.append(in_picture)
        covered |= this
    share = float(covered[mouth > 0].mean()) if mouth.any() else 0.0
    return share, tuple(touching)


def _filled(points: AnyFloat) -> UInt8:
    """(_HAND_LOOK_PX, _HAND_LOOK_PX) 1 inside the points' hull."""
    area = np.zeros((_HAND_LOOK_PX, _HAND_LOOK_PX), np.uint8)
    cv2.fillConvexPoly(area, cv2.convexHull(np.round(points).astype(np.int32)), (1,))
    return area
