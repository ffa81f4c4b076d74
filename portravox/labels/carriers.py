"""Where files keep what they say about themselves: metadata, XMP packets, C2PA manifests.

Flow      bytes of a picture, sound or video -> carriers -> inspection

Nothing is decoded: containers are walked by the lengths that their parts give, with bounds on
parts, on depth and on what is unpacked, so that a hostile file costs no more than a look.

Sources: PNG (W3C, third edition) 11.3.3; JPEG (ITU-T T.81) B.1.1; RIFF (Microsoft, 1991); ISO
14496-12 4.2; QuickTime File Format, metadata atoms; C2PA 2.2, A.3 (where manifests lie); XMP part 3
(where packets lie); ID3v2.3 and 2.4; RFC 9559 (Matroska), 5.1.8 (tags), on RFC 8794 (EBML).
"""

from __future__ import annotations

import mmap
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

Bytes = bytes | memoryview | mmap.mmap

MAX_PARTS = 10_000
"""Chunks, segments, boxes or frames looked at, of one file. Our choice."""

MAX_TEXT_BYTES = 1_000_000
"""Of one entry; longer ones are passed over. An XMP packet has some 10 kB. Our choice."""

MAX_ENTRIES = 1_000
"""Entries kept. Our choice."""

MAX_KEPT_CHARACTERS = 4_000_000
"""Of all texts of one file together, kept or unpacked: who reads them needs time for each. Our
choice."""

_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"


@dataclass(slots=True)
class Carried:
    """What a file says about itself."""

    kind: str
    """PNG, JPEG, WebP, WAV, MP4, MOV, HEIC, AVIF, MP3 or WebM."""

    entries: list[tuple[str, str]] = field(default_factory=list)
    """Names and texts of its metadata, in their order."""

    xmp: list[str] = field(default_factory=list)
    """XMP packets, which are XML."""

    has_c2pa: bool = False
    """Whether a C2PA manifest lies in it; it may be broken."""

    room: int = MAX_KEPT_CHARACTERS
    """Characters that may still be kept."""


def read_carried(content: Bytes) -> Carried | None:
    """Look through a file. None where it is of no kind that is known here.

    A file that breaks off or contradicts itself gives what was found until then.
    """
    view = memoryview(content)
    start = bytes(view[:16])
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(view)
    if start.startswith(b"\xff\xd8\xff"):
        return _jpeg(view)
    if start[:4] == b"RIFF" and start[8:12] in (b"WEBP", b"WAVE"):
        return _riff(view, "WebP" if start[8:12] == b"WEBP" else "WAV")
    if start[4:8] == b"ftyp":
        return _mp4(view, start[8:12])
    if start[:3] == b"ID3":
        return _id3(view)
    if start[:4] == b"\x1aE\xdf\xa3":
        return _matroska(view)
    return None


def _png(view: memoryview) -> Carried:
    found, at = Carried("PNG"), 8
    for _ in range(MAX_PARTS):
        kind, length = bytes(view[at + 4 : at + 8]), _whole(view[at : at + 4])
        body = view[at + 8 : at + 8 + length]
        if len(kind) < 4 or kind == b"IEND":
            break
        if kind == b"caBX":
            found.has_c2pa = True
        elif kind in (b"tEXt", b"zTXt", b"iTXt") and length <= MAX_TEXT_BYTES:
            _keep_png_text(found, kind, bytes(body))
        at += 12 + length
    return found


def _keep_png_text(found: Carried, kind: bytes, body: bytes) -> None:
    name, _, rest = body.partition(b"\0")
    if kind == b"tEXt":
        text = rest.decode("latin-1")
    elif kind == b"zTXt":
        text = _unpacked(found, rest[1:]).decode("latin-1")
    else:
        is_packed = rest[:1] == b"\1"
        words = rest[2:].split(b"\0", 2)[-1]  # after language and translated name
        text = (_unpacked(found, words) if is_packed else words).decode("utf-8", "replace")
    if name == b"XML:com.adobe.xmp":
        _keep_xmp(found, text)
    else:
        _keep(found, name.decode("latin-1"), text)


def _unpacked(found: Carried, packed: bytes) -> bytes:
    most = min(MAX_TEXT_BYTES, found.room)
    if most == 0:
        return b""  # to zlib, 0 is without limit
    try:
        text = zlib.decompressobj().decompress(packed, most)
    except zlib.error:
        return b""
    found.room -= len(text)
    return text


def _jpeg(view: memoryview) -> Carried:
    found, at = Carried("JPEG"), 2
    for _ in range(MAX_PARTS):
        marker = bytes(view[at : at + 2])
        if len(marker) < 2 or marker[0] != 0xFF or marker[1] in (0xDA, 0xD9):
            break
        length = _whole(view[at + 2 : at + 4])
        body = bytes(view[at + 4 : at + 2 + length])
        if marker[1] == 0xE1 and body.startswith(_JPEG_XMP):
            _keep_xmp(found, body[len(_JPEG_XMP) :].decode("utf-8", "replace"))
        elif marker[1] == 0xEB and body.startswith(b"JP") and b"c2pa" in body[:64]:
            found.has_c2pa = True
        elif marker[1] == 0xFE:
            _keep(found, "comment", body.decode("utf-8", "replace"))
        at += 2 + max(length, 2)
    return found


def _riff(view: memoryview, kind: str) -> Carried:
    found, at = Carried(kind), 12
    for _ in range(MAX_PARTS):
        name = bytes(view[at : at + 4])
        if len(name) < 4:
            break
        length = int.from_bytes(view[at + 4 : at + 8], "little")
        body = view[at + 8 : at + 8 + length]
        if name == b"C2PA":
            found.has_c2pa = True
        elif name in (b"XMP ", b"_PMX") and length <= MAX_TEXT_BYTES:
            _keep_xmp(found, bytes(body).decode("utf-8", "replace"))
        elif name == b"LIST" and bytes(body[:4]) == b"INFO" and length <= MAX_TEXT_BYTES:
            _keep_riff_info(found, bytes(body[4:]))
        at += 8 + length + length % 2
    return found


def _keep_riff_info(found: Carried, body: bytes) -> None:
    at = 0
    while at + 8 <= len(body):
        length = int.from_bytes(body[at + 4 : at + 8], "little")
        text = body[at + 8 : at + 8 + length].rstrip(b"\0").decode("utf-8", "replace")
        _keep(found, body[at : at + 4].decode("latin-1"), text)
        at += 8 + length + length % 2


def _mp4(view: memoryview, brand: bytes) -> Carried:
    kinds = {b"qt  ": "MOV", b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIC", b"avif": "AVIF"}
    found = Carried(kinds.get(brand, "MP4"))
    budget = [MAX_PARTS]
    for kind, body in _boxes(view, budget):
        if kind == b"uuid":
            _keep_uuid_box(found, body)
        elif kind in (b"moov", b"meta"):
            _look_into(found, kind, body, budget, depth=0)
    return found


def _keep_uuid_box(found: Carried, body: memoryview) -> None:
    name = bytes(body[:16])
    if name == _C2PA_BOX:
        found.has_c2pa = True
    elif name == _XMP_BOX and len(body) <= MAX_TEXT_BYTES:
        _keep_xmp(found, bytes(body[16:]).decode("utf-8", "replace"))


def _look_into(
    found: Carried, kind: bytes, body: memoryview, budget: list[int], *, depth: int
) -> None:
    """moov, udta and meta: where QuickTime and ISO files keep metadata."""
    if kind == b"meta" and bytes(body[4:8]) != b"hdlr":
        body = body[4:]  # an ISO one has version and flags before its boxes
    names: list[str] = []
    for inner, content in _boxes(body, budget):
        if inner in (b"udta", b"meta") and depth < 3:
            _look_into(found, inner, content, budget, depth=depth + 1)
        elif inner == b"uuid":
            _keep_uuid_box(found, content)
        elif inner == b"keys" and len(content) <= MAX_TEXT_BYTES:
            names = [
                bytes(name).decode("utf-8", "replace") for _, name in _boxes(content[8:], budget)
            ]
        elif inner == b"ilst":
            _keep_items(found, content, names, budget)


def _keep_items(found: Carried, view: memoryview, names: list[str], budget: list[int]) -> None:
    """Texts of an ilst box, whose items are named by their number or by four letters."""
    for index, item in _boxes(view, budget):
        number = int.from_bytes(index, "big") - 1
        name = names[number] if 0 <= number < len(names) else index.decode("latin-1")
        for data, value in _boxes(item, budget):
            if data == b"data" and len(value) <= MAX_TEXT_BYTES:
                _keep(found, name, bytes(value[8:]).decode("utf-8", "replace"))


def _boxes(view: memoryview, budget: list[int]) -> Iterator[tuple[bytes, memoryview]]:
    """(type, content) of each box; `budget` holds how many may still be looked at."""
    at = 0
    while at + 8 <= len(view) and budget[0] > 0:
        budget[0] -= 1
        size, head = _whole(view[at : at + 4]), 8
        if size == 1:
            size, head = _whole(view[at + 8 : at + 16]), 16
        elif size == 0:
            size = len(view) - at
        if size < head:
            return
        yield bytes(view[at + 4 : at + 8]), view[at + head : at + size]
        at += size


_SEGMENT, _TAGS, _TAG, _SIMPLE_TAG = 0x18538067, 0x1254C367, 0x7373, 0x67C8
_TAG_NAME, _TAG_STRING = 0x45A3, 0x4487


MAX_ELEMENT_DEPTH = 8
"""Of elements in each other: SimpleTags may hold others; ours stand in the fourth. Our choice."""


def _matroska(view: memoryview) -> Carried:
    """Tags of the whole file, of WebM and Matroska."""
    found = Carried("WebM")
    _look_into_elements(found, view, [MAX_PARTS], depth=0)
    return found


def _look_into_elements(found: Carried, view: memoryview, budget: list[int], *, depth: int) -> None:
    name = text = ""
    for kind, body in _elements(view, budget):
        if kind in (_SEGMENT, _TAGS, _TAG, _SIMPLE_TAG):
            if depth < MAX_ELEMENT_DEPTH:
                _look_into_elements(found, body, budget, depth=depth + 1)
        elif kind in (_TAG_NAME, _TAG_STRING) and len(body) <= MAX_TEXT_BYTES:
            said = bytes(body).rstrip(b"\0").decode("utf-8", "replace")
            name, text = (said, text) if kind == _TAG_NAME else (name, said)
    if name:  # names are in capitals there, and ours have one home
        _keep(found, "comment" if name == "COMMENT" else name, text)


def _elements(view: memoryview, budget: list[int]) -> Iterator[tuple[int, memoryview]]:
    """(id, content) of each element; one of unknown size ends with what holds it."""
    at = 0
    while at < len(view) and budget[0] > 0:
        budget[0] -= 1
        kind, at = _vint(view, at, keeps_marker=True)
        size, at = _vint(view, at, keeps_marker=False)
        if kind < 0 or size < 0:
            return
        yield kind, view[at : at + size]
        at += size


def _vint(view: memoryview, at: int, *, keeps_marker: bool) -> tuple[int, int]:
    """A number of variable length and where it ends; -1 where there is none. All ones: as long as
    what holds it."""
    first = view[at] if at < len(view) else 0
    length = 9 - first.bit_length()
    if first == 0 or at + length > len(view):
        return -1, at
    value = _whole(view[at : at + length])
    if keeps_marker:
        return value, at + length
    value &= (1 << 7 * length) - 1
    return (len(view) if value == (1 << 7 * length) - 1 else value), at + length


def _id3(view: memoryview) -> Carried:
    found = Carried("MP3")
    version, end = _whole(view[3:4]), 10 + _synchsafe(view[6:10])
    at = 10
    for _ in range(MAX_PARTS):
        name = bytes(view[at : at + 4])
        if at >= end or len(name) < 4 or not name.strip(b"\0"):
            break
        sized = view[at + 4 : at + 8]
        length = _synchsafe(sized) if version >= 4 else _whole(sized)
        body = bytes(view[at + 10 : min(at + 10 + length, end)])
        if name in (b"TXXX", b"COMM") and len(body) <= MAX_TEXT_BYTES:
            _keep_id3_text(found, name, body)
        elif name == b"GEOB" and b"c2pa" in body[:256]:
            found.has_c2pa = True
        at += 10 + length
    return found


def _keep_id3_text(found: Carried, name: bytes, body: bytes) -> None:
    codings = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}
    text = body[1 if name == b"TXXX" else 4 :].decode(codings.get(body[0], "latin-1"), "replace")
    described, _, value = text.partition("\0")
    _keep(found, described or "comment", value.lstrip("\ufeff").rstrip("\0"))


def _keep(found: Carried, name: str, text: str) -> None:
    if len(found.entries) < MAX_ENTRIES and _has_room(found, len(name) + len(text)):
        found.entries.append((name, text))


def _keep_xmp(found: Carried, packet: str) -> None:
    if len(found.xmp) < MAX_ENTRIES and _has_room(found, len(packet)):
        found.xmp.append(packet)


def _has_room(found: Carried, characters: int) -> bool:
    """Whether a text may be kept; then its room is taken."""
    if characters > found.room:
        return False
    found.room -= characters
    return True


def _whole(part: Bytes) -> int:
    return int.from_bytes(part, "big")


def _synchsafe(part: Bytes) -> int:
    """ID3v2, 6.2: seven bits of each byte."""
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(reversed(bytes(part))))
