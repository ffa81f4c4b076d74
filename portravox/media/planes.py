"""Frames as the encoder takes them: luma whole, colour at half the size.

Flow      render -> Planes -> media.encode
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from portravox.arrays import UInt8


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """One frame, YUV 4:2:0, BT.709, limited range. Height and width are even."""

    luma: UInt8
    """(H, W) 16..235"""

    cb: UInt8
    """(H / 2, W / 2) 16..240, each the mean of a block of 2 x 2 pixels"""

    cr: UInt8
    """(H / 2, W / 2) likewise"""

    alpha: UInt8 | None = None
    """(H, W) 0..255 how much of each pixel is there at all; None: all of it"""

    @classmethod
    def of(cls, rgb: UInt8) -> Self:
        """From pixels, (H, W, 3) sRGB, H and W even."""
        from portravox.media.yuv import rgb_to_yuv420  # brings numba in

        height, width = rgb.shape[:2]
        half = (height // 2, width // 2)
        planes = cls(
            np.empty((height, width), np.uint8), np.empty(half, np.uint8), np.empty(half, np.uint8)
        )
        rgb_to_yuv420(np.ascontiguousarray(rgb), planes.luma, planes.cb, planes.cr)
        return planes

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)"""
        height, width = self.luma.shape
        return height, width

    def copy(self) -> Planes:
        """One of its own, for a frame that would be overwritten."""
        alpha = None if self.alpha is None else self.alpha.copy()
        return Planes(self.luma.copy(), self.cb.copy(), self.cr.copy(), alpha)

    def part(self, x0: int, y0: int, x1: int, y1: int) -> Planes:
        """The planes of a rectangle, all corners even; views, so that it can be written to."""
        half = (slice(y0 // 2, y1 // 2), slice(x0 // 2, x1 // 2))
        return Planes(self.luma[y0:y1, x0:x1], self.cb[half], self.cr[half])

    def overwrite(self, other: Planes) -> None:
        """Take over what another of the same size shows."""
        np.copyto(self.luma, other.luma)
        np.copyto(self.cb, other.cb)
        np.copyto(self.cr, other.cr)
        if self.alpha is not None and other.alpha is not None:
            np.copyto(self.alpha, other.alpha)

    def rgb(self) -> UInt8:
        """(H, W, 3) sRGB, to look at. Colour is smoothed between its samples."""
        from portravox.media.yuv import yuv_to_rgb

        height, width = self.shape
        cb, cr = (
            cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR)
            for plane in (self.cb, self.cr)
        )
        out = np.empty((height, width, 3), np.uint8)
        yuv_to_rgb(np.ascontiguousarray(self.luma), cb, cr, out)
        return out


def even_sides(pixels: UInt8) -> UInt8:
    """(H, W, 3) less the last row or column where there is an odd number of them: colour is halved
    both ways."""
    height, width = pixels.shape[:2]
    return np.ascontiguousarray(pixels[: height // 2 * 2, : width // 2 * 2])
