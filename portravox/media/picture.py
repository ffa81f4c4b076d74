"""A still picture as the whole product knows it.

Flow      media.picture_file -> Picture -> face, rig, render
"""

from __future__ import annotations

from dataclasses import dataclass, field

from portravox.arrays import Float32, UInt8


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Upright, opaque, sRGB."""

    pixels: UInt8
    """(H, W, 3), red first, contiguous."""

    notices: tuple[str, ...] = field(default=())
    """What was changed on the way in, in words for the caller: scaled down, first frame taken."""

    matte: Float32 | None = None
    """(H, W) 0..1 how much of each pixel is the person, where that is known already."""

    see_through: bool = False
    """Whether frames are to say, in `Planes.alpha`, what is the person, by the matte."""

    @property
    def height_px(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width_px(self) -> int:
        return int(self.pixels.shape[1])
