"""What stands before the face and must not be bent with it: hands.

Flow      face.covering (hands) -> rig.occluders -> rig.fit
Gives     how far each point of the mesh lies under a hand
"""

from __future__ import annotations

import cv2
import numpy as np

from portravox.arrays import Float32
from portravox.face.covering import FINGER_WIDTH_FW, HAND_BONES, PALM
from portravox.ramps import smoothstep

FADE_FW = 0.07
"""Beside a hand the skin follows the face again within this, in face widths: closer, it would
tear; further, half of the mouth would stand still. Our choice."""


def cover_by_hands(points: Float32, hands: tuple[Float32, ...], face_width_px: float) -> Float32:
    """(n,) 1 under a hand, falling to 0 beside it.

    points  (n, 2) px
    hands   (21, 2) px each, joints as in `face.models.find_hands`
    """
    covered = np.zeros(len(points), np.float32)
    for hand in hands:
        away = _distance(points, hand) / face_width_px
        near = 1.0 - smoothstep(0.0, FADE_FW, away - FINGER_WIDTH_FW / 2)
        covered = np.maximum(covered, near.astype(np.float32))
    return covered


def _distance(points: Float32, hand: Float32) -> Float32:
    """(n,) px from each point to the nearest bone or the palm; 0 on the palm."""
    away = np.full(len(points), np.inf, np.float32)
    for start, end in HAND_BONES:
        along = hand[end] - hand[start]
        way = (points - hand[start]) @ along / max(float(along @ along), 1e-9)
        nearest = hand[start] + np.clip(way, 0.0, 1.0)[:, None] * along
        away = np.minimum(away, np.linalg.norm(points - nearest, axis=1))
    corners = cv2.convexHull(hand[list(PALM)])[:, 0]
    edges = np.roll(corners, -1, axis=0) - corners
    from_corners = points[:, None] - corners  # (n, corners, 2)
    side = edges[:, 0] * from_corners[..., 1] - edges[:, 1] * from_corners[..., 0]
    on_palm = (side >= 0.0).all(axis=1) | (side <= 0.0).all(axis=1)
    return np.where(on_palm, np.float32(0.0), away)
