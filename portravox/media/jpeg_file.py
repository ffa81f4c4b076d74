"""A JPEG file, taken apart by its markers and put together again with what decoding needs.

Flow      media.picture_file -> media.jpeg_file -> a clean file, colour profile, orientation

Two things cost far more time than bytes: scans, each of which passes over all coefficients however
few bytes it has, and segments, which Pillow looks at one by one in Python. So scans are counted
before anything is decoded, and the decoder sees no segment that it does not need.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from portravox.errors import PictureTooComplex, PictureUnreadable, PictureUnsupported
from portravox.media.exif import UPRIGHT, orientation

MAX_SCANS = 100
"""Of one picture. libjpeg writes 10, mozjpeg and jpegrescan up to some 20, sequential files at most
4; libjpeg-turbo's own fuzzers stop at 500. Our choice."""

MAX_PASSES = 6.0
"""How often all coefficients may be passed over, on average. Known encoders refine up to three
times, which makes four passes; our choice."""

MAX_SEGMENTS = 10_000
"""Cameras write up to some hundred, of up to 64 kB each. Our choice."""

_SOF_BASELINE, _SOF_EXTENDED, _SOF_PROGRESSIVE = 0xC0, 0xC1, 0xC2
_DHT, _EOI, _SOS, _DQT, _DRI, _SOI = 0xC4, 0xD9, 0xDA, 0xDB, 0xDD, 0xD8
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE

_UNUSUAL = {
    0xC3: "lossless JPEG",
    **dict.fromkeys((0xC5, 0xC6, 0xC7), "hierarchical JPEG"),
    **dict.fromkeys((0xC9, 0xCA, 0xCB), "JPEG with arithmetic coding"),
    **dict.fromkeys((0xCD, 0xCE, 0xCF), "hierarchical JPEG"),
}
"""Other kinds of frames (ITU-T T.81, table B.1), which browsers do not show either."""

_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
"""Ends coded data: the bytes FF 00 are data, FF D0..D7 are restart markers, FF FF is filling."""


@dataclass(frozen=True, slots=True)
class JpegParts:
    content: bytes
    """A JPEG file of nothing but tables, frame and scans; its end marker is always there."""

    size: tuple[int, int]
    """(width, height)."""

    profile: bytes | None
    orientation: int

    whole: bool
    """Whether the file had its end marker. If not, the last scan may be cut off."""

    complete: bool
    """Whether the scans cover all coefficients in full precision."""

    def with_noise(self) -> bytes:
        """The file with noise behind its last scan. It gives the same pixels if and only if the
        scan had all its data: a decoder that misses some takes the noise for it."""
        return self.content[:-2] + _NOISE + self.content[-2:]


_NOISE = b"\xaa" + hashlib.shake_128(b"noise").digest(4096).replace(b"\xff", b"\x55")
"""Any bytes but FF; the first bit is 1, where a decoder without data takes 0."""


@dataclass(frozen=True, slots=True)
class _Frame:
    progressive: bool
    size: tuple[int, int]
    blocks: dict[int, int]
    """Component id -> blocks of 8 x 8 that a scan of it alone passes over."""


@dataclass(frozen=True, slots=True)
class _Scan:
    components: tuple[int, ...]
    first: int
    last: int
    """Coefficients 0..63."""

    low_bit: int
    """The lowest bit that is known after it; 0 is full precision."""


def take_apart(name: str, content: bytes) -> JpegParts:
    """Read the markers of a JPEG file.

    Raises PictureUnreadable, PictureUnsupported (a kind of JPEG that is not read) and
    PictureTooComplex.
    """
    kept = [b"\xff\xd8"]
    exif: list[bytes] = []
    profile: list[bytes] = []
    scans: list[_Scan] = []
    frame: _Frame | None = None
    whole = False
    colours: dict[int, bytes] = {}
    for marker, body, data in _segments(name, content):
        if marker == _EOI:
            whole = True
        elif marker in _UNUSUAL:
            raise PictureUnsupported(f"{name} is a {_UNUSUAL[marker]}; wanted an ordinary JPEG")
        elif marker in (_SOF_BASELINE, _SOF_EXTENDED, _SOF_PROGRESSIVE):
            frame = _only_frame(name, frame, marker, body)
            kept.append(_segment(marker, body))
        elif marker == _SOS:
            scans.append(_scan(name, body))
            _check_cost(name, frame, scans)
            kept += (_segment(marker, body), data)
        elif marker in (_DHT, _DQT, _DRI) or _says_first_how_colours_are(marker, body, colours):
            kept.append(_segment(marker, body))
        elif marker == _APP1 and body.startswith(b"Exif\0"):
            exif.append(body)
        elif marker == _APP2 and body.startswith(b"ICC_PROFILE\0"):
            profile.append(body[12:])
    if frame is None or not scans:
        raise PictureUnreadable(f"{name} is damaged or cut off: there is no picture in it")
    kept[-1] = kept[-1].rstrip(b"\xff")  # half an end marker
    return JpegParts(
        content=b"".join((*kept, b"\xff\xd9")),
        size=frame.size,
        profile=_joined_profile(profile),
        orientation=_first_turn(exif),
        whole=whole,
        complete=_is_complete(frame, scans),
    )


def _first_turn(exif: list[bytes]) -> int:
    return next((turn for turn in map(orientation, exif) if turn != UPRIGHT), UPRIGHT)


def _only_frame(name: str, before: _Frame | None, marker: int, body: bytes) -> _Frame:
    if before is not None:
        raise PictureUnreadable(f"{name} is damaged: it has two frames")
    return _frame(name, marker, body)


def _says_first_how_colours_are(marker: int, body: bytes, known: dict[int, bytes]) -> bool:
    """Whether it is the first segment of JFIF or of Adobe, which say how colours are stored."""
    is_one = (marker, body[:5]) in ((_APP0, b"JFIF\0"), (_APP14, b"Adobe"))
    return is_one and known.setdefault(marker, body) is body


def _segments(name: str, content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """(marker, body, coded data behind it) up to the end marker or the end of the file."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(content, at)
        if found is None:
            return
        marker = content[found.end() - 1]
        at = found.end()
        if marker == _EOI:
            yield marker, b"", b""
            return
        if marker == _SOI:
            continue
        size = int.from_bytes(content[at : at + 2], "big")
        if at + size > len(content) or len(content) - at < 2:
            return  # cut off in this segment
        if size < 2:
            raise PictureUnreadable(f"{name} is damaged: a segment with a size of {size}")
        body = content[at + 2 : at + size]
        at += size
        data = b""
        if marker == _SOS:
            found = _MARKER.search(content, at)
            data = content[at : found.start() if found else len(content)]
            at += len(data)
        yield marker, body, data
    raise PictureTooComplex(f"{name} has more than {MAX_SEGMENTS} segments beside its picture")


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _frame(name: str, marker: int, body: bytes) -> _Frame:
    if len(body) < 6 or len(body) != 6 + 3 * body[5]:
        raise PictureUnreadable(f"{name} is damaged: its frame header")
    depth, height, width, _ = struct.unpack_from(">BHHB", body)
    if depth != 8:
        raise PictureUnsupported(f"{name} is a JPEG of {depth} bits a colour; wanted 8")
    factors = {
        part: (both >> 4, both & 15) for part, both, _ in zip(*[iter(body[6:])] * 3, strict=True)
    }
    if any(not 1 <= f <= 4 for pair in factors.values() for f in pair):
        raise PictureUnreadable(f"{name} is damaged: its frame header")
    across = max(h for h, _ in factors.values())
    down = max(v for _, v in factors.values())
    blocks = {
        part: -(-width * h // (8 * across)) * -(-height * v // (8 * down))
        for part, (h, v) in factors.items()
    }
    return _Frame(marker == _SOF_PROGRESSIVE, (width, height), blocks)


def _scan(name: str, body: bytes) -> _Scan:
    parts = body[0] if body else 0
    if not 1 <= parts <= 4 or len(body) != 4 + 2 * parts:
        raise PictureUnreadable(f"{name} is damaged: a scan header")
    first, last, bits = body[1 + 2 * parts :]
    if not first <= last <= 63:
        raise PictureUnreadable(f"{name} is damaged: a scan header")
    return _Scan(tuple(body[1 : 1 + 2 * parts : 2]), first, last, bits & 15)


def _check_cost(name: str, frame: _Frame | None, scans: list[_Scan]) -> None:
    """Raise PictureTooComplex where the scans pass over the coefficients too often, and
    PictureUnreadable where there is no frame that they could belong to."""
    if frame is None:
        raise PictureUnreadable(f"{name} is damaged: a scan without a frame")
    if len(scans) > MAX_SCANS:
        raise PictureTooComplex(
            f"{name} is built up in more than {MAX_SCANS} scans; known programs write up to 20"
        )
    passed = sum(
        frame.blocks.get(part, 0) * (scan.last - scan.first + 1 if frame.progressive else 64)
        for scan in scans
        for part in scan.components
    )
    if passed > MAX_PASSES * 64 * sum(frame.blocks.values()):
        raise PictureTooComplex(
            f"the scans of {name} go over the picture more than {MAX_PASSES:g} times; "
            f"known programs write up to 4"
        )


def _is_complete(frame: _Frame, scans: list[_Scan]) -> bool:
    for part in frame.blocks:
        told = [s for s in scans if part in s.components and (s.low_bit == 0)]
        if not frame.progressive:
            if not told:
                return False
            continue
        known = {c for s in told for c in range(s.first, s.last + 1)}
        if len(known) < 64:
            return False
    return True


def _joined_profile(pieces: list[bytes]) -> bytes | None:
    """ICC profiles come in numbered pieces of at most 64 kB (ICC.1:2022, annex B.4)."""
    pieces = sorted(piece for piece in pieces if len(piece) > 2)
    if not pieces or pieces[0][1] != len(pieces) or pieces[0][0] != 1:
        return None
    if any(b[0] - a[0] != 1 for a, b in pairwise(pieces)):
        return None
    return b"".join(piece[2:] for piece in pieces)
