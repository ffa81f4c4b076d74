"""What stands before the face and must not be bent with it: hands, microphones.

Flow      face.covering (hands, objects) -> rig.occluders -> rig.fit
Gives     how far each point of the mesh lies under them
"""

from __future__ import annotations

import cv2
import numpy as np

from portravox.arrays import Float32
from portravox.face.covering import FINGER_WIDTH_FW, HAND_BONES, PALM
from portravox.face.face import Face
from portravox.ramps import smoothstep

FADE_FW = 0.07
"""Beside a hand the skin follows the face again within this, in face widths: closer, it would
tear; further, half of the mouth would stand still. Our choice."""


def covered_share(points: Float32, face: Face) -> Float32:
    """(n,) 1 under a hand or a thing before the face, falling to 0 beside it.

    points  (n, 2) px
    """
    covered = np.zeros(len(points), np.float32)
    unit = face.width_px
    away = [_from_hand(points, hand) / unit - FINGER_WIDTH_FW / 2 for hand in face.hands]
    away += [_from_outline(points, outline) / unit for outline in face.objects]
    for distance in away:
        near = 1.0 - smoothstep(0.0, FADE_FW, distance)
        covered = np.maximum(covered, near.astype(np.float32))
    return covered


def _from_hand(points: Float32, hand: Float32) -> Float32:
    """(n,) px from each point to the nearest bone or the palm; 0 on the palm.

    hand  (21, 2) joints as in `face.models.find_hands`
    """
    away = [_from_line(points, hand[start], hand[end]) for start, end in HAND_BONES]
    palm = cv2.convexHull(hand[list(PALM)])[:, 0]
    nearest: Float32 = np.minimum(np.min(away, axis=0), _from_outline(points, palm))
    return nearest


def _from_outline(points: Float32, outline: Float32) -> Float32:
    """(n,) px from each point to an area with an outline, (P, 2); 0 inside."""
    away = np.full(len(points), np.inf, np.float32)
    inside = np.zeros(len(points), bool)
    x, y = points.T
    for start, end in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        away = np.minimum(away, _from_line(points, start, end))
        # inside is where a ray to the right crosses the outline an odd number of times
        crosses = (start[1] > y) != (end[1] > y)
        rise = end[1] - start[1] if end[1] != start[1] else np.float32(1.0)
        inside ^= crosses & (x < start[0] + (y - start[1]) / rise * (end[0] - start[0]))
    return np.where(inside, np.float32(0.0), away)


def _from_line(points: Float32, start: Float32, end: Float32) -> Float32:
    """(n,) px from each point to a line between two others."""
    along = end - start
    way = (points - start) @ along / max(float(along @ along), 1e-9)
    nearest = start + np.clip(way, 0.0, 1.0)[:, None] * along
    return np.asarray(np.linalg.norm(points - nearest, axis=1), np.float32)
