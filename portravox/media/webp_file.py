"""What is in a WebP file, looked at before anything is decoded.

Flow      media.picture_file -> media.webp_file

Source: RFC 9649.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from portravox.errors import PictureTooComplex, PictureUnreadable
from portravox.media.exif import orientation

MAX_CHUNKS = 10_000
"""A still picture has up to 7, a moving one as many more as it has frames. Our choice."""


@dataclass(frozen=True, slots=True)
class WebpFacts:
    size: tuple[int, int]
    """(width, height) of the canvas, which is allocated as soon as a decoder is made."""

    moves: bool
    profile: bytes | None
    orientation: int


def look(name: str, content: bytes) -> WebpFacts:
    """Raises PictureUnreadable, PictureTooComplex."""
    at, count, frames = 12, 0, 0
    kept: dict[bytes, bytes] = {}
    size: tuple[int, int] | None = None
    while at + 8 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, at)
        if count == 0:
            size = _size(kind, content[at + 8 : at + 18])
        frames += kind == b"ANMF"
        if kind in (b"ICCP", b"EXIF"):
            kept.setdefault(kind, content[at + 8 : at + 8 + length])
        at += 8 + length + (length & 1)
        count += 1
        if count > MAX_CHUNKS:
            raise PictureTooComplex(f"{name} consists of more than {MAX_CHUNKS} chunks")
    if size is None:
        raise PictureUnreadable(f"{name} is damaged: it begins without a picture")
    return WebpFacts(size, frames > 1, kept.get(b"ICCP"), orientation(kept.get(b"EXIF")))


def _size(kind: bytes, body: bytes) -> tuple[int, int] | None:
    if kind == b"VP8X" and len(body) >= 10:
        return (
            1 + int.from_bytes(body[4:7], "little"),
            1 + int.from_bytes(body[7:10], "little"),
        )
    if kind == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(body) >= 10 and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    return None
