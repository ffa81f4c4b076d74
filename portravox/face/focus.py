"""How sharp a picture is from place to place.

Flow      pixels -> face.focus -> face.matte, rig.body
"""

from __future__ import annotations

import cv2
import numpy as np

from portravox.arrays import Float32, UInt8

BELLS_PX = (0.8, 3.2)
"""Standard deviations: detail finer than the first against that between both tells focus. Flat
places have noise, which is as fine as elsewhere, and so do not count as blurred."""

LEAST_COARSE = 0.3
"""Levels of coarser detail below which there is none."""


def detail(pixels: UInt8) -> tuple[Float32, Float32]:
    """(h, w) each, levels: how much finest detail there is at each place, and how much coarser."""
    grey = pixels.astype(np.float32).mean(axis=-1)
    softer = [cv2.GaussianBlur(grey, (0, 0), bell) for bell in BELLS_PX]
    fine, coarse = np.abs(grey - softer[0]), np.abs(softer[0] - softer[1])
    return np.asarray(fine, np.float32), np.asarray(coarse, np.float32)
