"""Square looks at a part of a picture: upright, tilted with the head, magnified or shrunk.

Flow      face.detect -> face.crop -> face.landmarks, face.lips, face.matte
Reads     pixels, a place
Gives     small square pictures and the way back to picture coordinates
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np

from portravox.arrays import AnyFloat, Float32, Float64, UInt8

Pixels = TypeVar("Pixels", UInt8, Float32)


@dataclass(frozen=True, slots=True)
class Square:
    """A place in a picture: a square that may lean and may reach outside."""

    x: float
    """px, centre"""

    y: float
    """px, centre"""

    side_px: float

    roll_deg: float = 0.0
    """Clockwise as seen in the picture; a head leaning so stands upright in the crop."""

    def to_crop(self, crop_px: int) -> Float64:
        """(2, 3) affine map from picture px to px of a crop with that side."""
        k = crop_px / self.side_px
        c, s = math.cos(math.radians(self.roll_deg)), math.sin(math.radians(self.roll_deg))
        turn = k * np.array([[c, s], [-s, c]])
        shift = crop_px / 2.0 - turn @ np.array([self.x, self.y])
        return np.column_stack([turn, shift])


def cut(pixels: Pixels, square: Square, crop_px: int, *, smooth: bool = False) -> Pixels:
    """The square's content at crop_px x crop_px; the border pixels repeat outside.

    Pixel centres lie at whole numbers in both, as in cv2.

    pixels   (H, W, 3) or (H, W)
    smooth   cubic instead of linear where the picture is magnified
    """
    way = square.to_crop(crop_px)
    shrink = int(square.side_px / crop_px)
    if shrink >= 2:
        # warpAffine picks single pixels when it shrinks; averaging first keeps fine texture
        # from turning into noise
        pixels, way = _shrunk(pixels, square, shrink, way)
    flags = cv2.INTER_CUBIC if smooth and square.side_px < crop_px else cv2.INTER_LINEAR
    crop = cv2.warpAffine(
        pixels, way, (crop_px, crop_px), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(crop, pixels.dtype)


def cut_finely(pixels: UInt8, square: Square, crop_px: int) -> UInt8:
    """As `cut`, but for people to look at: Lanczos where it is magnified, averaged where shrunk.

    pixels   (H, W, 3)
    """
    way = square.to_crop(crop_px)
    shrink = int(square.side_px / crop_px)
    if shrink >= 2:
        pixels, way = _shrunk(pixels, square, shrink, way)
    # what is left to shrink, at most by two, is turned at full size first and then averaged
    fine_px = max(crop_px, round(square.side_px / max(shrink, 1)))
    scale = fine_px / crop_px
    to_fine = way * scale
    to_fine[:, 2] += (scale - 1.0) / 2.0
    turned = cv2.warpAffine(
        pixels,
        to_fine,
        (fine_px, fine_px),
        flags=cv2.INTER_LANCZOS4,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if fine_px > crop_px:
        turned = cv2.resize(turned, (crop_px, crop_px), interpolation=cv2.INTER_AREA)
    return np.asarray(turned, np.uint8)


def to_picture(points: AnyFloat, square: Square, crop_px: int) -> Float32:
    """Points of a crop, back in the picture.

    points   (P, 2) or (P, 3) px of the crop; z is only scaled
    returns  the same in picture px
    """
    way = square.to_crop(crop_px)
    turn = way[:, :2]
    flat = (points[:, :2] - way[:, 2]) @ np.linalg.inv(turn).T
    depth = points[:, 2:] * (square.side_px / crop_px)
    return np.asarray(np.concatenate([flat, depth], axis=1), np.float32)


def _shrunk(pixels: Pixels, square: Square, shrink: int, way: Float64) -> tuple[Pixels, Float64]:
    """The part of the picture that the square touches, averaged in blocks of shrink px."""
    height, width = pixels.shape[:2]
    reach = square.side_px * 0.75 + shrink  # half the diagonal and a block
    x0, x1 = _blocks_touched(square.x, reach, _half_px(square), shrink, width)
    y0, y1 = _blocks_touched(square.y, reach, _half_px(square), shrink, height)
    part = pixels[y0 : y1 + 1, x0 : x1 + 1]
    columns, rows = max(1, part.shape[1] // shrink), max(1, part.shape[0] // shrink)
    part = part[: rows * shrink, : columns * shrink]
    small = np.asarray(
        cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA), pixels.dtype
    )
    kx, ky = part.shape[1] / columns, part.shape[0] / rows
    # a block's centre lies (k - 1) / 2 behind its first pixel
    from_small = np.array(
        [[kx, 0.0, x0 + (kx - 1.0) / 2.0], [0.0, ky, y0 + (ky - 1.0) / 2.0], [0.0, 0.0, 1.0]]
    )
    return small, way @ from_small


def _half_px(square: Square) -> float:
    """How far a square that leans reaches from its centre, across as well as down."""
    lean = math.radians(square.roll_deg)
    return square.side_px / 2.0 * (abs(math.cos(lean)) + abs(math.sin(lean)))


def _blocks_touched(
    centre: float, reach: float, half_px: float, shrink: int, length: int
) -> tuple[int, int]:
    """The first and the last pixel of the blocks that a look around `centre` touches.

    Blocks are counted from `reach` before the centre, so that they are the same however the square
    leans; those that it does not touch, with two to spare, are left out.
    """
    first, last = (int(np.clip(centre + d, 0, length - 1)) for d in (-reach, reach))
    spare = half_px + 2 * shrink
    before = max(0, int(centre - spare) - first) // shrink
    behind = max(0, last - int(centre + spare)) // shrink
    if first + before * shrink + shrink > last - behind * shrink:
        return first, last
    last = first + (last + 1 - first) // shrink * shrink - 1 if behind else last
    return first + before * shrink, last - behind * shrink
