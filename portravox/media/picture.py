"""A still picture as the whole product knows it.

Flow      media.picture_file -> Picture -> face, rig, render
"""

from __future__ import annotations

from dataclasses import dataclass, field

from portravox.arrays import UInt8


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Upright, opaque, sRGB."""

    pixels: UInt8
    """(H, W, 3), red first, contiguous."""

    notices: tuple[str, ...] = field(default=())
    """What was changed on the way in, in words for the caller: scaled down, first frame taken."""

    @property
    def height_px(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width_px(self) -> int:
        return int(self.pixels.shape[1])
