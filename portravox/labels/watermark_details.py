"""Details of a picture in which a watermark lies, and how much each place tells about it.

Flow      luma -> watermark_details -> labels.watermark, which plans with them; watermark_reading
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from portravox.arrays import Float32, UInt8

SIDE_PX: Final = 512
"""Larger pictures are made smaller until their shorter side has so many pixels."""

MAX_RATIO: Final = 3.0
"""Of the longer side to the shorter; what is beyond is not looked at."""

_MAX_SIDE_PX = 2048

_DETAIL, _NEIGHBOURHOOD = 0.007, 0.005
"""Widths of the Gaussians that part details from the rest and measure their strength, over the
shorter side. Our choice, of some that were tried on compressed and cropped clips."""

_NOISE_LEVELS = 0.6
"""Details weaker than this count as this. Our choice, likewise."""


def reduced(luma: Float32 | UInt8) -> Float32:
    """All of a picture that is looked at: its shorter side has SIDE_PX pixels at most."""
    height, width = luma.shape
    smaller = min(1.0, SIDE_PX / min(height, width))
    picture = luma.astype(np.float32, copy=False)
    if smaller < 1:
        size = (max(1, round(width * smaller)), max(1, round(height * smaller)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    most = min(int(MAX_RATIO * min(picture.shape)), _MAX_SIDE_PX)
    top, left = (max(0, (side - most) // 2) for side in picture.shape)
    middle: Float32 = picture[top : top + most, left : left + most]
    return middle


def weights_of(picture: Float32) -> tuple[Float32, Float32]:
    """(h, w) details as fine as the mark, and the weight of each: one over the variance of those
    around it. Weighed so, they are the matched filter of a mark that is equally strong everywhere,
    in noise that is not.

    picture  (h, w) as `reduced` gives it
    """
    short = min(picture.shape)
    details = picture - cv2.GaussianBlur(picture, (0, 0), _DETAIL * short)
    variance = cv2.GaussianBlur(details * details, (0, 0), _NEIGHBOURHOOD * short)
    weights: Float32 = 1 / (variance + np.float32(_NOISE_LEVELS**2))
    return details, weights
