"""A picture file into upright, opaque sRGB pixels.

Flow      a path -> media.picture_file -> Picture -> face, rig, render
Reads     JPEG, PNG, BMP, WebP, and the first frame of a GIF or other moving picture
Gives     Picture

The kind is judged by the content. Sides and pixels are checked from the header, before memory is
spent on them.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from portravox.arrays import UInt8
from portravox.errors import (
    PictureTooLarge,
    PictureTooNarrow,
    PictureUnreadable,
    PictureUnsupported,
    SettingOutOfRange,
)
from portravox.media.files import MIB, kind_in_words, read_bytes
from portravox.media.picture import Picture

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

BACKDROP_RGB = (224, 224, 224)
"""Put behind transparent pictures. A light grey, our choice: cut-out people carry soft edges in
the colour of their old background, which show as a dark fringe on white and as a bright one on
black; light grey hides most of both and does not outshine the face."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureLimits:
    """Which pictures are taken. The defaults are those of the library and the command line."""

    max_bytes: int = 10 * MIB

    max_side_px: int = 4096
    """Of the longer side."""

    max_ratio: float = 3.0
    """Longer side over shorter side."""

    max_pixels: float = 64e6
    """Width times height in the file: what a picture may cost to decode. 64 million pixels are
    256 MB; phones make up to 50 million by default. Our choice."""

    oversize: Literal["scale", "refuse"] = "scale"
    """What happens to a side beyond max_side_px: scaled down with a notice, or PictureTooLarge."""

    def __post_init__(self) -> None:
        if self.max_bytes < 1:
            raise SettingOutOfRange("max_bytes", self.max_bytes, "1 or more")
        if self.max_side_px < 1:
            raise SettingOutOfRange("max_side_px", self.max_side_px, "1 or more")
        if not self.max_ratio >= 1.0:
            raise SettingOutOfRange("max_ratio", self.max_ratio, "1.0 or more")
        if not self.max_pixels >= 1:
            raise SettingOutOfRange("max_pixels", self.max_pixels, "1 or more")
        if self.oversize not in ("scale", "refuse"):
            raise SettingOutOfRange("oversize", self.oversize, "'scale' or 'refuse'")

    @classmethod
    def service(cls) -> PictureLimits:
        """The contract of the DashScope `liveportrait` service."""
        return cls(max_ratio=2.0, oversize="refuse")


def read_picture(
    path: str | Path, limits: PictureLimits | None = None, max_side_px: int | None = None
) -> Picture:
    """Read a picture file, turn it upright and bring it to opaque sRGB.

    max_side_px   scale down until the longer side is at most this, whatever the limits allow;
                  None keeps the size

    Raises FileMissing, PictureUnreadable (empty, damaged or cut off), PictureUnsupported (another
    kind of file), PictureTooLarge (bytes, sides, pixels) and PictureTooNarrow.
    """
    limits = limits or PictureLimits()
    path = Path(path)
    if max_side_px is not None and max_side_px < 1:
        raise SettingOutOfRange("max_side_px", max_side_px, "1 or more, or None")
    content = read_bytes(path, limits.max_bytes, empty=PictureUnreadable, too_large=PictureTooLarge)
    opener = _opener(content)
    if opener is None:
        raise PictureUnsupported(
            f"{path.name} is {kind_in_words(content)}; wanted a JPEG, PNG, BMP or WebP picture"
        )
    try:
        image = opener(io.BytesIO(content))
    except Exception as error:  # Pillow raises a dozen kinds for damaged headers
        raise PictureUnreadable(f"{path.name} is damaged: {error}") from error
    _check_size(path.name, image.size, limits)

    side_px = min(limits.max_side_px, max_side_px or limits.max_side_px)
    full_size = image.size
    try:
        # Asking looks for a second frame, which may be damaged. MPO is a still photograph that
        # carries a second view or a depth map.
        moves = image.format != "MPO" and getattr(image, "is_animated", False)
        pixels, profile_failed = _upright_srgb(image, side_px)
    except MemoryError:
        raise
    except Exception as error:  # the same dozen, now for damaged or missing pixels
        raise PictureUnreadable(f"{path.name} is damaged or cut off: {error}") from error
    notices = []
    if moves:
        notices.append(f"{path.name} is a moving picture; its first frame was taken")
    if profile_failed:
        notices.append(
            f"the colour profile of {path.name} could not be used; its colours were taken as sRGB"
        )
    if max(pixels.shape) < max(full_size):
        notices.append(
            f"{path.name} has {full_size[0]}x{full_size[1]} pixels; "
            f"it was scaled down so that the longer side is {max(pixels.shape)}"
        )
    return Picture(pixels, tuple(notices))


def _opener(content: bytes) -> Callable[[io.BytesIO], ImageFile] | None:
    """Pillow's reader for this content; None for a kind we do not take.

    The readers are called by themselves and not through `Image.open`: that warns about large
    pictures in a process-wide way, and our own limit is checked right after.
    """
    from PIL import BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    if content.startswith(b"\xff\xd8\xff"):
        return JpegImagePlugin.jpeg_factory
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImagePlugin.PngImageFile
    if content.startswith((b"GIF87a", b"GIF89a")):
        return GifImagePlugin.GifImageFile
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile
    # Two letters alone are a weak sign; the four bytes at 6 are reserved and 0 in real BMP files.
    if content.startswith(b"BM") and content[6:10] == bytes(4):
        return BmpImagePlugin.BmpImageFile
    return None


def _check_size(name: str, size: tuple[int, int], limits: PictureLimits) -> None:
    """Raise PictureTooLarge or PictureTooNarrow for a (width, height) beyond the limits."""
    width_px, height_px = size
    shown = f"{name} has {width_px}x{height_px} pixels"
    if width_px < 1 or height_px < 1:
        raise PictureUnreadable(f"{shown}; wanted at least one")
    if width_px * height_px > limits.max_pixels:
        raise PictureTooLarge(f"{shown}; wanted {limits.max_pixels / 1e6:g} million at most")
    longer_px, shorter_px = max(size), min(size)
    if longer_px > limits.max_side_px and limits.oversize == "refuse":
        raise PictureTooLarge(f"{shown}; wanted {limits.max_side_px} at most on the longer side")
    if longer_px > limits.max_ratio * shorter_px:
        raise PictureTooNarrow(
            f"{shown}, {longer_px / shorter_px:.2f} times as long as wide; "
            f"wanted {limits.max_ratio:g} times at most"
        )


def _upright_srgb(image: ImageFile, side_px: int) -> tuple[UInt8, bool]:
    """Decode, shrink to `side_px`, turn upright, and bring to opaque sRGB, in the order that
    costs least memory.

    returns   (H, W, 3), and whether an embedded colour profile could not be used
    """
    from PIL import Image as Pillow

    shrink = min(1.0, side_px / max(image.size))
    size = (
        max(1, math.floor(image.width * shrink + 0.5)),
        max(1, math.floor(image.height * shrink + 0.5)),
    )
    if shrink < 1.0:
        # JPEG can be decoded at 1/2, 1/4 or 1/8. Twice the wanted size leaves the resampling
        # filter enough to work with.
        image.draft(None, (2 * size[0], 2 * size[1]))
    image.load()
    profile = image.info.get("icc_profile")
    orientation = _orientation(image)

    still: Image = _eight_bit(image)
    if still.size != size:
        still = still.resize(size, Pillow.Resampling.LANCZOS, reducing_gap=3.0)
    turn = _TURNS.get(orientation)
    if turn is not None:
        still = still.transpose(Pillow.Transpose[turn])

    alpha = still.getchannel("A") if still.mode in ("RGBA", "LA") else None
    if alpha is not None:
        still = still.convert(still.mode[:-1])
    colour, profile_failed = _srgb(still, profile)
    if alpha is not None and alpha.getextrema() != (255, 255):
        backdrop = Pillow.new("RGB", colour.size, BACKDROP_RGB)
        backdrop.paste(colour, mask=alpha)
        colour = backdrop
    return np.array(colour), profile_failed


_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""EXIF orientation -> what turns the stored pixels upright (EXIF 2.32, tag 0x0112)."""

_ORIENTATION_TAG = 0x0112


def _orientation(image: ImageFile) -> int:
    """The EXIF orientation; 1 (upright) where there is none or the EXIF block is damaged."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # a broken side note is no reason to refuse a good picture
        return 1


def _eight_bit(image: Image) -> Image:
    """Any mode that the readers give -> L, LA, RGB, RGBA or CMYK, 8 bits a channel."""
    from PIL import Image as Pillow

    if image.mode.startswith("I"):  # 16-bit grey; Pillow's own conversion clips at 255
        # The upper byte, which is also what Pillow's reader leaves of 16-bit colour.
        return Pillow.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        return image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _srgb(image: Image, profile: bytes | None) -> tuple[Image, bool]:
    """L, RGB or CMYK in the colours of `profile` -> RGB in sRGB.

    returns   the picture, and whether the profile could not be used
    """
    from PIL import ImageCms

    failed = False
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            # sRGB to sRGB would only add rounding.
            if image.mode == "CMYK" or "sRGB" not in ImageCms.getProfileDescription(source):
                converted = ImageCms.profileToProfile(
                    image,
                    source,
                    ImageCms.createProfile("sRGB"),
                    renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                    outputMode="RGB",
                    # Without it the shadows of CMYK pictures, whose black is not black, drown.
                    flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
                )
                if converted is not None:
                    return converted, False
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            failed = True
    return image.convert("RGB"), failed
