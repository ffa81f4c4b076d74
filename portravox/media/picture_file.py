"""A picture file into upright, opaque sRGB pixels.

Flow      a path -> media.picture_file -> Picture -> face, rig, render
Reads     JPEG, PNG, BMP, WebP; where the limits allow it GIF, AVIF and HEIC; of moving pictures
          the first frame
Gives     Picture

The kind is judged by the content. Sides, pixels and what decoding will cost are checked from the
file's structure, before memory and time are spent on it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from portravox.arrays import UInt8
from portravox.errors import (
    PictureError,
    PictureTooLarge,
    PictureTooNarrow,
    PictureTransparent,
    PictureUnreadable,
    PictureUnsupported,
    SettingOutOfRange,
)
from portravox.media import bmp_file, gif_file, jpeg_file, png_file, webp_file
from portravox.media.color_profile import safe_profile
from portravox.media.exif import UPRIGHT, orientation
from portravox.media.files import MIB, kind_in_words, read_bytes
from portravox.media.picture import Picture

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

T = TypeVar("T")

Kind = Literal["JPEG", "PNG", "BMP", "WebP", "GIF", "AVIF", "HEIC"]

CONTRACT_KINDS: tuple[Kind, ...] = ("JPEG", "PNG", "BMP", "WebP")
"""What the DashScope `liveportrait` service takes."""

ALL_KINDS: tuple[Kind, ...] = (*CONTRACT_KINDS, "GIF", "AVIF", "HEIC")

CONTRACT_RATIO = 2.0
"""Longer side over shorter side, at most, in the DashScope `liveportrait` service."""

OWN_RATIO = 3.0
"""The same for the library and the command line: tall screenshots and banners with a person in them
still render well. Our choice."""

BACKDROP_RGB = (224, 224, 224)
"""Put behind transparent pictures. A light grey, our choice: cut-out people carry soft edges in
the colour of their old background, which show as a dark fringe on white and as a bright one on
black; light grey hides most of both and does not outshine the face."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureLimits:
    """Which pictures are taken. The defaults are those of the library and the command line."""

    kinds: tuple[Kind, ...] = ALL_KINDS

    max_bytes: int = 10 * MIB

    max_side_px: int = 4096
    """Of the longer side."""

    max_ratio: float = OWN_RATIO
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
    def service(cls, formats: Literal["original", "all"] = "original") -> PictureLimits:
        """The contract of the DashScope `liveportrait` service, or what its operator adds."""
        kinds = CONTRACT_KINDS if formats == "original" else ALL_KINDS
        return cls(kinds=kinds, max_ratio=CONTRACT_RATIO, oversize="refuse")


def read_picture(
    path: str | Path, limits: PictureLimits | None = None, max_side_px: int | None = None
) -> Picture:
    """Read a picture file, turn it upright and bring it to opaque sRGB.

    max_side_px   scale down until the longer side is at most this, whatever the limits allow;
                  None keeps the size

    Raises FileMissing, PictureUnreadable (empty, damaged or cut off), PictureUnsupported (another
    kind of file), PictureTooLarge (bytes, sides, pixels), PictureTooNarrow, PictureTooComplex and
    PictureTransparent.

    >>> from portravox import read_picture
    >>> picture = read_picture("face.png", max_side_px=256)
    >>> picture.pixels.shape, picture.pixels.dtype.name
    ((256, 256, 3), 'uint8')
    """
    limits = limits or PictureLimits()
    path = Path(path)
    if max_side_px is not None and max_side_px < 1:
        raise SettingOutOfRange("max_side_px", max_side_px, "1 or more, or None")
    content = read_bytes(path, limits.max_bytes, empty=PictureUnreadable, too_large=PictureTooLarge)
    kind = _kind(content)
    if kind is None or kind not in limits.kinds:
        raise PictureUnsupported(
            f"{path.name} is {kind_in_words(content)}; wanted {_listed(limits.kinds)}"
        )
    source = _guarded(path.name, lambda: _OPENERS[kind](path.name, content))
    _check_size(path.name, source.size, limits)
    side_px = min(limits.max_side_px, max_side_px or limits.max_side_px)
    pixels, profile_failed = _guarded(path.name, lambda: _upright_srgb(path.name, source, side_px))
    notices = []
    if source.moves:
        notices.append(f"{path.name} is a moving picture; its first frame was taken")
    if profile_failed:
        notices.append(
            f"the colour profile of {path.name} could not be used; its colours were taken as sRGB"
        )
    if max(pixels.shape) < max(source.size):
        notices.append(
            f"{path.name} has {source.size[0]}x{source.size[1]} pixels; "
            f"it was scaled down so that the longer side is {max(pixels.shape)}"
        )
    return Picture(pixels, tuple(notices))


def _guarded(name: str, step: Callable[[], T]) -> T:
    """Our errors as they are, and PictureUnreadable for the dozen that Pillow raises."""
    try:
        return step()
    except (PictureError, MemoryError):
        raise
    except Exception as error:
        raise PictureUnreadable(f"{name} is damaged or cut off: {error}") from error


def _listed(kinds: tuple[Kind, ...]) -> str:
    """'a JPEG, PNG, BMP or WebP picture'."""
    return f"a {', '.join(kinds[:-1])} or {kinds[-1]} picture" if len(kinds) > 1 else f"{kinds[0]}"


def _kind(content: bytes) -> Kind | None:
    """By the content; None for what no reader here takes."""
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(png_file.SIGNATURE):
        return "PNG"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WebP"
    # Two letters alone are a weak sign; real BMP files have a header of a known size at 14.
    if content.startswith(b"BM") and 12 <= int.from_bytes(content[14:18], "little") <= 4096:
        return "BMP"
    if content[4:8] == b"ftyp":
        brands = _brands(content)
        if brands & {b"avif", b"avis"}:
            return "AVIF"
        if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}:
            return "HEIC"
    return None


def _brands(content: bytes) -> set[bytes]:
    """Of an ISO base media file (ISO 14496-12, section 4.3)."""
    box = content[8 : min(int.from_bytes(content[:4], "big"), 256)]
    return {box[at : at + 4] for at in range(0, len(box), 4) if at != 4}


@dataclass(frozen=True, slots=True)
class _Source:
    """A file whose structure is known and whose pixels are not decoded yet."""

    size: tuple[int, int]
    """(width, height) as stored."""

    load: Callable[[tuple[int, int] | None], Image]
    """The stored pixels; with a size, at any size that is at least that large."""

    profile: bytes | None = None
    orientation: int = UPRIGHT
    moves: bool = False


def _open_jpeg(name: str, content: bytes) -> _Source:
    parts = jpeg_file.take_apart(name, content)

    def load(at_least: tuple[int, int] | None) -> Image:
        image = _decoded_jpeg(parts.content, at_least)
        if not parts.whole:
            # Only the end marker may be missing, and nothing before it.
            other = _decoded_jpeg(parts.with_noise(), at_least)
            if not parts.complete or not np.array_equal(np.asarray(image), np.asarray(other)):
                raise PictureUnreadable(f"{name} is cut off: its last rows are missing")
        return image

    return _Source(parts.size, load, parts.profile, parts.orientation)


def _decoded_jpeg(content: bytes, at_least: tuple[int, int] | None) -> Image:
    from PIL.JpegImagePlugin import JpegImageFile

    image = JpegImageFile(io.BytesIO(content))
    if at_least is not None:
        image.draft(None, at_least)  # JPEG can be decoded at 1/2, 1/4 or 1/8
    image.load()
    return image


def _open_png(name: str, content: bytes) -> _Source:
    from PIL.PngImagePlugin import PngImageFile

    parts = png_file.take_apart(name, content)

    def load(at_least: tuple[int, int] | None) -> Image:
        del at_least
        image = PngImageFile(io.BytesIO(parts.content))
        image.load()
        return image

    return _Source(parts.size, load, parts.profile, parts.orientation, parts.moves)


def _open_bmp(name: str, content: bytes) -> _Source:
    from PIL import Image as Pillow

    header = bmp_file.read_header(name, content)

    def load(at_least: tuple[int, int] | None) -> Image:
        del at_least
        return Pillow.fromarray(bmp_file.decode(name, content, header))

    return _Source(header.size, load, header.profile)


def _open_webp(name: str, content: bytes) -> _Source:
    from PIL.WebPImagePlugin import WebPImageFile

    facts = webp_file.look(name, content)

    def load(at_least: tuple[int, int] | None) -> Image:
        del at_least
        image = WebPImageFile(io.BytesIO(content))
        image.load()
        return image

    return _Source(facts.size, load, facts.profile, facts.orientation, facts.moves)


def _open_gif(name: str, content: bytes) -> _Source:
    from PIL.GifImagePlugin import GifImageFile

    gif_file.check_blocks(name, content)
    return _opened(GifImageFile(io.BytesIO(content)))


def _open_avif(name: str, content: bytes) -> _Source:
    from PIL import features
    from PIL.AvifImagePlugin import AvifImageFile

    if not features.check("avif"):
        raise PictureUnsupported(
            f"{name} is an AVIF picture, which this build of Pillow cannot read"
        )
    return _opened(AvifImageFile(io.BytesIO(content)))


def _open_heic(name: str, content: bytes) -> _Source:
    try:
        from pillow_heif import HeifImageFile
    except ModuleNotFoundError as error:
        unsupported = PictureUnsupported(
            f"{name} is a HEIC picture, and pillow-heif is not installed"
        )
        unsupported.hint = (
            "Install it: `pip install 'portravox[heif]'`; or convert the picture: "
            "`heif-convert picture.heic new.jpg`."
        )
        raise unsupported from error
    return _opened(HeifImageFile(io.BytesIO(content)))


def _opened(image: ImageFile) -> _Source:
    """Of a reader of Pillow's that does all by itself."""
    # Asking looks for a second frame, which may be damaged.
    moves = bool(getattr(image, "is_animated", False))

    def load(at_least: tuple[int, int] | None) -> Image:
        del at_least
        image.load()
        return image

    return _Source(
        image.size, load, image.info.get("icc_profile"), orientation(image.info.get("exif")), moves
    )


_OPENERS: Mapping[Kind, Callable[[str, bytes], _Source]] = {
    "JPEG": _open_jpeg,
    "PNG": _open_png,
    "BMP": _open_bmp,
    "WebP": _open_webp,
    "GIF": _open_gif,
    "AVIF": _open_avif,
    "HEIC": _open_heic,
}
"""Pillow's readers are called by themselves and not through `Image.open`: that tries all it knows,
and warns about large pictures in a process-wide way."""


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


def _upright_srgb(name: str, source: _Source, side_px: int) -> tuple[UInt8, bool]:
    """Decode, shrink to `side_px`, turn upright, and bring to opaque sRGB, in the order that
    costs least memory.

    returns   (H, W, 3), and whether an embedded colour profile could not be used
    """
    from PIL import Image as Pillow

    width_px, height_px = source.size
    shrink = min(1.0, side_px / max(source.size))
    size = (
        max(1, math.floor(width_px * shrink + 0.5)),
        max(1, math.floor(height_px * shrink + 0.5)),
    )
    # Twice the wanted size leaves the resampling filter enough to work with.
    stored = source.load((2 * size[0], 2 * size[1]) if shrink < 1.0 else None)
    still: Image = _eight_bit(stored)
    alpha = still.getchannel("A") if still.mode in ("RGBA", "LA") else None
    if alpha is not None and alpha.getextrema() == (0, 0):
        raise PictureTransparent(f"{name} is transparent everywhere: there is nothing to see in it")
    if still.size != size:
        still = still.resize(size, Pillow.Resampling.LANCZOS, reducing_gap=3.0)
    turn = _TURNS.get(source.orientation)
    if turn is not None:
        still = still.transpose(Pillow.Transpose[turn])

    alpha = still.getchannel("A") if still.mode in ("RGBA", "LA") else None
    if alpha is not None:
        still = still.convert(still.mode[:-1])
    colour, profile_failed = _srgb(still, source.profile)
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


def _eight_bit(image: Image) -> Image:
    """Any mode that the readers give -> L, LA, RGB, RGBA or CMYK, 8 bits a channel."""
    from PIL import Image as Pillow

    if image.mode.startswith("I"):  # 16-bit grey; Pillow's own conversion clips at 255
        # The upper byte, which is also what Pillow's reader leaves of 16-bit colour.
        values = np.asarray(image)
        grey = Pillow.fromarray((values >> 8).astype(np.uint8))
        clear = image.info.get("transparency")
        if clear is not None:
            grey.putalpha(Pillow.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
        return grey
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

    safe = safe_profile(profile)
    failed = bool(profile) and safe is None
    if safe:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(safe))
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
