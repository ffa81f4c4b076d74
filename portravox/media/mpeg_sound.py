"""MP3, and its relatives that are not read: frames found by their headers.

Flow      media.voice_file -> media.mpeg_sound -> frames for the decoder

Read by hand: FFmpeg's reader of MP3 files gives up after some kilobytes of other data, and a
decoder fed frame by frame needs nothing that guesses formats.

Source: ISO 11172-3, 13818-3 and 13818-7; G. Bouvigne, "Mp3 Info Tag rev 1" (LAME).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from portravox.errors import VoiceTooComplex

SEARCH_BYTES = 1024 * 1024
"""How far into a file the first frame may begin. Web servers and recorders put up to some ten
kilobytes of other data before it; our choice."""

MAX_TAGS = 100
"""ID3v2 tags before the sound; a file has one or two. Our choice."""

MAX_TRIES = 50_000
"""Places looked at for a frame where none is expected: two seconds of noise in a cut file give
some hundred. Our choice: this many take a tenth of a second."""

_SYNC = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")
"""Eleven bits of sync, a version, layer III."""

_BITRATES_KBPS = {
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""MPEG version -> Layer III bit rates by index 1 to 14."""

_DECODER_DELAY = 528 + 1
"""Samples that every decoder of layer III puts before the sound."""


@dataclass(frozen=True, slots=True)
class Mp3Frame:
    start: int
    size: int
    rate_hz: int
    samples: int
    channels: int


@dataclass(frozen=True, slots=True)
class Trim:
    """Which samples the recording has, of all that are decoded."""

    first: int
    end: int | None
    """None: all that follow."""


def sound_start(content: bytes) -> int:
    """Where the first ID3v2 tags and the zeros behind them end; 0 without any."""
    start = 0
    for _ in range(MAX_TAGS):
        if content[start : start + 3] != b"ID3" or len(content) < start + 10:
            break
        # 7 bits a byte (ID3v2.4 section 6.2); a fourth flag says that a footer follows.
        size = sum(
            (byte & 0x7F) << (7 * n) for n, byte in enumerate(content[start + 9 : start + 5 : -1])
        )
        start += 10 + size + (10 if content[start + 5] & 0x10 else 0)
    return len(content) - len(content[start:].lstrip(b"\0")) if start else 0


def first_frame(content: bytes, start: int) -> int | None:
    """Where the first MP3 frame begins, in the first megabyte behind `start`; None without one.

    MP3 has no signature, and its sync bits turn up in any file by chance. So frames must follow
    each other: three, or four behind other data.
    """
    places = _SYNC.finditer(content, start, start + SEARCH_BYTES)
    for found in islice(places, MAX_TRIES):
        if _join_up(content, found.start(), 3 if found.start() == start else 4):
            return found.start()
    return None


def other_mpeg(content: bytes) -> str | None:
    """'AAC', 'layer I' or 'layer II' where frames of those begin the sound; else None."""
    start = sound_start(content)
    for offset in range(start, min(start + 16, len(content) - 7)):
        if content[offset] != 0xFF or content[offset + 1] & 0xE0 != 0xE0:
            continue
        if _adts_join_up(content, offset):
            return "AAC"
        layer = content[offset + 1] >> 1 & 3
        if layer in (2, 3) and _other_layer_joins_up(content, offset):
            return "layer I" if layer == 3 else "layer II"
    return None


def frames(name: str, content: bytes, start: int) -> Iterator[Mp3Frame]:
    """All frames from the one at `start` on; what lies between frames is passed over.

    Raises VoiceTooComplex.
    """
    tries = 0
    at = start
    joined = False
    while at + 4 <= len(content):
        frame = _frame(content, at)
        if frame is not None:
            behind = at + frame.size
            # The last one may be cut off: what it borrows from those before decodes.
            if joined or behind + 4 > len(content) or _frame(content, behind):
                yield frame
                at = behind
                joined = True
                continue
        joined = False
        for found in _SYNC.finditer(content, at + (frame is not None)):
            tries += 1
            if tries > MAX_TRIES:
                raise VoiceTooComplex(f"{name} is no MP3 that plays: its frames do not follow on")
            if _join_up(content, found.start(), 2):
                at = found.start()
                break
        else:
            return


def is_info(content: bytes, frame: Mp3Frame) -> bool:
    """True for the frame in which encoders put facts about the others, and no sound."""
    body = content[frame.start : frame.start + frame.size]
    return body[_info_at(body) :][:4] in (b"Xing", b"Info") or body[36:40] == b"VBRI"


def trim(content: bytes, frame: Mp3Frame) -> Trim:
    """What LAME and its like say about the silence that they added."""
    body = content[frame.start : frame.start + frame.size]
    at = _info_at(body)
    flags = int.from_bytes(body[at + 4 : at + 8], "big")
    at += 8
    count = 0
    if flags & 1:
        count = int.from_bytes(body[at : at + 4], "big")
    for flag, size in ((1, 4), (2, 4), (4, 100), (8, 4)):
        at += size if flags & flag else 0
    if body[at : at + 4] not in (b"LAME", b"Lavf", b"Lavc"):
        return Trim(0, None)
    both = int.from_bytes(body[at + 21 : at + 24], "big")
    before, behind = both >> 12, both & 0xFFF
    end = count * frame.samples - behind + _DECODER_DELAY if count else None
    return Trim(before + _DECODER_DELAY, end)


def _info_at(body: bytes) -> int:
    """Behind header and side information, whose size depends on version and channels."""
    mono = body[3] >> 6 == 3
    if body[1] >> 3 & 3 == 3:
        return 4 + (17 if mono else 32)
    return 4 + (9 if mono else 17)


def _frame(content: bytes, at: int) -> Mp3Frame | None:
    """The Layer III frame whose 4-byte header is here; None if it is none."""
    bits = int.from_bytes(content[at : at + 4], "big")
    version = bits >> 19 & 3  # 3 is MPEG 1, 2 is MPEG 2, 0 is MPEG 2.5, 1 is not used
    layer = bits >> 17 & 3  # 1 is Layer III
    bitrate, rate = bits >> 12 & 15, bits >> 10 & 3
    if bits >> 21 != 0x7FF or version == 1 or layer != 1 or bitrate in (0, 15) or rate == 3:
        return None
    rate_hz = (44_100, 48_000, 32_000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    bits_per_s = 1000 * _BITRATES_KBPS[1 if version == 3 else 2][bitrate - 1]
    count = 1152 if version == 3 else 576
    size = count // 8 * bits_per_s // rate_hz + (bits >> 9 & 1)
    return Mp3Frame(at, size, rate_hz, count, 1 if bits >> 6 & 3 == 3 else 2)


def _join_up(content: bytes, at: int, wanted: int) -> bool:
    """True when `wanted` frames of one rate follow each other, or fewer up to the end."""
    first = _frame(content, at)
    for number in range(wanted):
        frame = _frame(content, at)
        if frame is None or first is None or frame.rate_hz != first.rate_hz:
            return False
        at += frame.size
        if at + 4 > len(content):
            return number > 0 or wanted <= 3
    return True


def _adts_join_up(content: bytes, at: int, wanted: int = 3) -> bool:
    for number in range(wanted):
        head = content[at : at + 7]
        if len(head) < 7:
            return number > 0
        size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        if head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or size < 7 or head[2] >> 2 & 15 > 12:
            return False
        at += size
    return True


_LAYER_2_KBPS = (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
_LAYER_1_KBPS = (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448)
_LOW_1_KBPS = (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256)
_LOW_2_KBPS = _BITRATES_KBPS[2]
"""Bit rates of layers II and I, of MPEG 1 and of its half rates."""


def _other_layer_joins_up(content: bytes, at: int, wanted: int = 3) -> bool:
    for number in range(wanted):
        if at + 4 > len(content):
            return number > 0
        bits = int.from_bytes(content[at : at + 4], "big")
        version, layer = bits >> 19 & 3, bits >> 17 & 3
        bitrate, rate, padding = bits >> 12 & 15, bits >> 10 & 3, bits >> 9 & 1
        if bits >> 21 != 0x7FF or version == 1 or layer not in (2, 3):
            return False
        if bitrate in (0, 15) or rate == 3:
            return False
        rate_hz = (44_100, 48_000, 32_000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
        if layer == 3:
            kbps = (_LAYER_1_KBPS if version == 3 else _LOW_1_KBPS)[bitrate - 1]
            at += (12_000 * kbps // rate_hz + padding) * 4
        else:
            kbps = (_LAYER_2_KBPS if version == 3 else _LOW_2_KBPS)[bitrate - 1]
            at += 144_000 * kbps // rate_hz + padding
    return True
