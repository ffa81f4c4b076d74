"""What MediaPipe gave for the demo's portrait, and the parts of it that it was given."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from portravox.arrays import UInt8

RECORDED = Path(__file__).with_name("mediapipe_recorded.npz")


def looks(pixels: UInt8) -> tuple[UInt8, UInt8]:
    """(192, 192, 3) around the face of the demo's portrait, and (256, 256, 3) all of it."""
    crop = np.ascontiguousarray(pixels[26:218, 126:318])
    small = cv2.resize(pixels, (256, 256), interpolation=cv2.INTER_AREA)
    return crop, np.asarray(small, np.uint8)
