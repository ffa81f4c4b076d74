"""A PNG file, taken apart by its chunks and put together again with what decoding needs.

Flow      media.picture_file -> media.png_file -> a clean file, colour profile, orientation

Pillow looks at chunks one by one in Python, inflates texts and parses what it stores for us; ours
are counted here, in one pass, and a decoder sees header, palette, transparency and pixels only.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from portravox.errors import PictureTooComplex, PictureUnreadable, PictureUnsupported
from portravox.media.color_profile import MAX_PROFILE_BYTES
from portravox.media.exif import UPRIGHT, orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_CHUNKS = 100_000
"""10 MiB in the pieces of 8 kB that libpng writes are 1,300; a program that ends one with each
line writes 4,096. Our choice: this many take 0.1 s."""


@dataclass(frozen=True, slots=True)
class PngParts:
    content: bytes
    size: tuple[int, int]
    """(width, height)."""

    profile: bytes | None
    orientation: int
    moves: bool
    """Whether it says that further frames follow (APNG)."""


def take_apart(name: str, content: bytes) -> PngParts:
    """Read the chunks of a PNG file.

    Raises PictureUnreadable, PictureUnsupported (Apple's own kind) and PictureTooComplex.
    """
    kept: dict[bytes, bytes] = {}
    pixels: list[bytes] = []
    for kind, body in _chunks(name, content):
        if kind == b"IDAT":
            pixels.append(body)
        elif kind in _READ:
            kept.setdefault(kind, body)
    header = kept.get(b"IHDR", b"")
    if len(header) != 13 or not pixels:
        raise PictureUnreadable(f"{name} is damaged or cut off: there is no picture in it")
    if b"tRNS" in kept:
        kept[b"tRNS"] = _as_decoded(kept[b"tRNS"], depth=header[8], kind=header[9])
    moves = int.from_bytes(kept.get(b"acTL", b"")[:4], "big") > 1
    rebuilt = [SIGNATURE, _chunk(b"IHDR", header)]
    rebuilt += [_chunk(kind, kept[kind]) for kind in (b"PLTE", b"tRNS") if kind in kept]
    rebuilt += [_chunk(b"IDAT", b"".join(pixels)), _chunk(b"IEND", b"")]
    return PngParts(
        content=b"".join(rebuilt),
        size=struct.unpack_from(">II", header),
        profile=_profile(kept.get(b"iCCP")),
        orientation=orientation(kept[b"eXIf"]) if b"eXIf" in kept else UPRIGHT,
        moves=moves,
    )


def _chunks(name: str, content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, body) of each, up to the end; the sums of those that make the picture are right."""
    at, count, kind = len(SIGNATURE), 0, b""
    while at + 8 <= len(content) and kind != b"IEND":
        size, kind = struct.unpack_from(">I4s", content, at)
        body = content[at + 8 : at + 8 + size]
        check = content[at + 8 + size : at + 12 + size]
        if count == 0 and kind == b"CgBI":
            raise PictureUnsupported(f"{name} is a PNG in the form that only iPhone programs read")
        if (count == 0) != (kind == b"IHDR"):
            raise PictureUnreadable(f"{name} is damaged: its chunks are out of order")
        summed = kind in _NEEDED and len(check) == 4
        if summed and zlib.crc32(body, zlib.crc32(kind)) != int.from_bytes(check, "big"):
            raise PictureUnreadable(
                f"{name} is damaged: the check sum of its chunk {kind.decode()}"
            )
        yield kind, body
        at += 12 + size
        count += 1
        if count > MAX_CHUNKS:
            raise PictureTooComplex(f"{name} consists of more than {MAX_CHUNKS} chunks")


_NEEDED = frozenset((b"IHDR", b"PLTE", b"IDAT"))
_READ = frozenset((b"IHDR", b"PLTE", b"tRNS", b"iCCP", b"eXIf", b"acTL"))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return (
        struct.pack(">I", len(body))
        + kind
        + body
        + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))
    )


def _as_decoded(colour: bytes, *, depth: int, kind: int) -> bytes:
    """The one transparent colour of a grey or RGB picture, in the numbers that Pillow compares it
    with: those of the decoded picture, 8 bits, and of 16-bit grey 16."""
    if kind == 0 and depth < 8 and len(colour) >= 2:
        full = 2**depth - 1
        return struct.pack(">H", (colour[1] & full) * 255 // full)
    if kind == 2 and depth == 16 and len(colour) >= 6:
        return b"\0" + colour[0:1] + b"\0" + colour[2:3] + b"\0" + colour[4:5]
    return colour


def _profile(body: bytes | None) -> bytes | None:
    """The profile in an iCCP chunk: a name, 0, a method, and compressed data of any length.

    One that cannot be used is given as it is, so that this is told.
    """
    if body is None:
        return None
    _, _, rest = body.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(rest[1:], MAX_PROFILE_BYTES + 1)
    except zlib.error:
        return rest
