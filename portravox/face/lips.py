"""The mouth in the photograph: shut, parted, smiling with teeth or open.

Flow      face.landmarks -> face.lips -> Face
Reads     pixels, landmarks
Gives     Lips
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.face.face import Lips, LipState
from portravox.face.landmarks import face_width_px

UPPER_INNER = np.array([78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308])
"""Inner edge of the upper lip, from the picture's left corner to the right one."""

LOWER_INNER = np.array([78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308])
"""Inner edge of the lower lip, the same way; both share their ends."""


def read_lips(pixels: UInt8, landmarks: Float32) -> Lips:
    upper, lower = landmarks[UPPER_INNER, :2].copy(), landmarks[LOWER_INNER, :2].copy()
    gap = float(np.linalg.norm(upper[5] - lower[5])) / face_width_px(landmarks)
    if gap < 0.02:
        middle = (upper + lower) / 2
        return Lips(LipState.CLOSED, middle, middle, 0.0)
    return Lips(LipState.OPEN, upper, lower, 0.0)
