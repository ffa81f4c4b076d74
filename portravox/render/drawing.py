"""Soft shapes on small canvases: how eyes and mouth get edges without steps.

Flow      render.eyes, render.mouth, render.backdrop -> render.drawing

Positions count from the middle of the first pixel, as everywhere.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from portravox.arrays import AnyFloat, Float32, Float64, Int32, UInt8

_SUBPIXEL_BITS = 4
"""OpenCV draws at sixteenths of a pixel."""


SOFT_REACH = 4.0
"""What is drawn is blurred so many standard deviations far."""

CHANGED = 1
"""Of 255: what differs by more in brightness has been drawn. Our choice."""


class Box(NamedTuple):
    """Whole pixels of a frame; x1 and y1 lie just outside."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def corner(self) -> Float64:
        return np.array([self.x0, self.y0], np.float64)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) as OpenCV wants it."""
        return self.x1 - self.x0, self.y1 - self.y0

    def of(self, frame: UInt8) -> UInt8:
        """The box's pixels, a view."""
        return frame[self.y0 : self.y1, self.x0 : self.x1]


def box_around(points: AnyFloat, margin: float, frame: UInt8) -> Box | None:
    """The box around points, (P, 2), with a margin, as far as it lies in the frame.

    None when less than two pixels of either side are left.
    """
    height, width = frame.shape[:2]
    x0, y0 = np.floor(points.min(axis=0) - margin).astype(int)
    x1, y1 = np.ceil(points.max(axis=0) + margin).astype(int) + 1
    box = Box(max(int(x0), 0), max(int(y0), 0), min(int(x1), width), min(int(y1), height))
    return box if min(box.size) >= 2 else None


def polygon_cover(outline: AnyFloat, size: tuple[int, int], fine: int = 4) -> Float32:
    """(h, w) 0..1 how much of each pixel lies inside a polygon, (P, 2).

    size   (w, h)
    fine   drawn with so many times finer pixels and averaged
    """
    canvas = np.zeros((size[1] * fine, size[0] * fine), np.uint8)
    cv2.fillPoly(canvas, [_subpixels((outline + 0.5) * fine - 0.5)], 255, cv2.LINE_AA, 4)
    return _averaged(canvas, size)


def line_cover(
    path: AnyFloat, strength: AnyFloat, thickness: float, size: tuple[int, int], fine: int = 4
) -> Float32:
    """(h, w) 0..1 a line along points, (P, 2), as strong at each as `strength`, (P,), says.

    thickness  px
    size       (w, h)
    """
    canvas = np.zeros((size[1] * fine, size[0] * fine), np.uint8)
    points = _subpixels((path + 0.5) * fine - 0.5)[:, 0]
    width = max(1, round(thickness * fine))
    for i in range(len(points) - 1):
        grey = int(255 * strength[i])
        if grey > 0:
            start, end = (tuple(p) for p in points[i : i + 2].tolist())
            cv2.line(canvas, start, end, grey, width, cv2.LINE_AA, _SUBPIXEL_BITS)
    return _averaged(canvas, size)


def line_over(
    cover: Float32, path: AnyFloat, strength: AnyFloat, thickness: float, fine: int = 4
) -> None:
    """Draw a line into cover, (h, w) 0..1, which keeps the larger value; see `line_cover`."""
    height, width = cover.shape
    margin = thickness / 2 + 2
    x0, y0 = np.clip(np.floor(path.min(axis=0) - margin), 0, (width, height)).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(path.max(axis=0) + margin), 0, (width, height)).astype(int).tolist()
    if x1 > x0 and y1 > y0:
        near = cover[y0:y1, x0:x1]
        size = (x1 - x0, y1 - y0)
        drawn = line_cover(path - np.array([x0, y0]), strength, thickness, size, fine)
        np.maximum(near, drawn, out=near)


def lay_over(below: UInt8, colour: AnyFloat | UInt8, cover: AnyFloat) -> None:
    """Blend colour, (h, w, 3) or (3,), into pixels, (h, w, 3), as far as cover, (h, w), says."""
    under = below.astype(np.float32)
    blended = under + (colour - under) * cover[..., None]
    below[:] = np.clip(blended + 0.5, 0, 255).astype(np.uint8)


def soften_drawn(drawn: UInt8, before: UInt8, sigma_px: float) -> None:
    """Blur what has been drawn into pixels, (h, w, 3), and nothing far from it.

    before    (h, w, 3) what they were
    sigma_px  standard deviation of the Gaussian
    """
    difference = cv2.cvtColor(cv2.absdiff(drawn, before), cv2.COLOR_RGB2GRAY)
    changed = cv2.compare(difference, CHANGED, cv2.CMP_GT)
    x, y, width, height = cv2.boundingRect(changed)
    if not width:
        return
    margin = math.ceil(SOFT_REACH * sigma_px)
    part = (
        slice(max(y - margin, 0), y + height + margin),
        slice(max(x - margin, 0), x + width + margin),
    )
    side = 2 * round(2 * sigma_px) + 1
    near = cv2.dilate(changed[part], np.ones((side, side), np.uint8))
    share = cv2.blur(near, (side, side)).astype(np.float32) / np.float32(255)
    soft = cv2.GaussianBlur(drawn[part], (0, 0), sigma_px)
    drawn[part] = cv2.blendLinear(soft, drawn[part], share, 1 - share)


def blurred(picture: Float32, sigma: float) -> Float32:
    """Gaussian blur, sigma in pixels, also of (h, w, c)."""
    soft: Float32 = cv2.GaussianBlur(picture, (0, 0), sigma)
    return soft


def disc(radius_px: float) -> UInt8:
    """(2 r + 1, 2 r + 1) a round neighbourhood for OpenCV's morphology, r at least 1."""
    r = max(1, round(radius_px))
    return np.asarray(
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1)), np.uint8
    )


def _subpixels(points: AnyFloat) -> Int32:
    """(P, 1, 2) in sixteenths, as OpenCV takes them."""
    rounded: Int32 = np.round(points * (1 << _SUBPIXEL_BITS)).astype(np.int32)[:, None]
    return rounded


def _averaged(canvas: UInt8, size: tuple[int, int]) -> Float32:
    small: UInt8 = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    shares: Float32 = small.astype(np.float32) / np.float32(255)
    return shares
