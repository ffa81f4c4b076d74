"""A WAV file, taken apart by its chunks: which bytes are samples, and of what form.

Flow      media.voice_file -> media.wav_file -> samples

Headers lie: recorders that stream write sizes of 0 or of 4 GiB, some never mend the size of their
first second, and speech synthesisers glue whole files together. So sound that goes on is read
whatever the header says, headers within it are no sound, and what stays unread is told.

Read by hand: FFmpeg guesses codecs from the samples and opens any of its decoders to do so.

Source: Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0"; EBU Tech
3306 (RF64), ITU-R BS.2088 (BW64); Sony, "Wave64".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from portravox.arrays import Float32
from portravox.errors import VoiceTooComplex, VoiceUnreadable, VoiceUnsupported
from portravox.media.files import Content
from portravox.media.sample_file import let_go

MAX_CHUNKS = 10_000
"""Of all headers in a file together. A WAV has 2 to 20; a glued one as many for each sentence. Our
choice: this many take a hundredth of a second."""

PCM, ADPCM_MS, IEEE_FLOAT, A_LAW, MU_LAW, ADPCM_IMA, MP3 = 1, 2, 3, 6, 7, 0x11, 0x55
_EXTENSIBLE = 0xFFFE

NAMES = {
    0x31: "GSM 06.10", 0x22: "TrueSpeech", 0x2000: "AC-3", 0x2001: "DTS", 0x50: "MPEG layer II",
    0xFF: "AAC", 0x1600: "AAC", 0x1601: "AAC", 0x160: "Windows Media", 0x161: "Windows Media",
    0x162: "Windows Media", 0x163: "Windows Media", 0x40: "G.721", 0x45: "G.726", 0x64: "G.726",
    0x65: "G.722", 0x14: "G.723", 0x42: "G.723.1", 0x83: "G.729", 0x10: "OKI ADPCM",
    0x20: "Yamaha ADPCM", 0x69: "Xbox ADPCM", 0x62: "Duck ADPCM", 0x75: "Voxware", 0x674F: "Vorbis",
    0x6750: "Vorbis", 0x6751: "Vorbis", 0xF1AC: "FLAC", 0x704F: "Opus", 0xA109: "Speex",
    0x270: "ATRAC3", 0x92: "Dolby AC-3 over S/PDIF",
}  # fmt: skip
"""wFormatTag (RFC 2361) -> what is inside, for the message."""

SMALLEST_ADPCM_BLOCK = 128
"""Bytes a channel. Programs write 256 to 2048, and each block costs as long as a thousand samples;
our choice."""

_UNKNOWN_SIZES = (0, 0xFFFFFFFF, 0xFFFFFFFF_FFFFFFFF)

_HEADER = re.compile(rb"(?:RIFF|RIFX|RF64|BW64)....WAVE", re.DOTALL)
_INNER_HEADER = re.compile(
    rb"(?:RIFF|RIFX|RF64|BW64)....WAVE(?=fmt |JUNK|junk|bext|LIST|ds64|fact)", re.DOTALL
)

INNER_HEADER_BYTES = 16

SEARCHED_BYTES = 1 << 22
"""Of samples at a time; our choice."""

_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_WAVE = bytes.fromhex("77617665f3acd3118cd100c04f8edb8a")

_TRAILERS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN")
"""What tagging programs hang behind any file."""

_NAMES_IN_USE = frozenset(
    (b"LIST", b"INFO", b"fact", b"cue ", b"plst", b"smpl", b"inst", b"bext", b"iXML", b"axml",
     b"id3 ", b"ID3 ", b"JUNK", b"junk", b"PAD ", b"FLLR", b"PEAK", b"LGWV", b"afsp", b"_PMX")
)  # fmt: skip
"""Of chunks that programs put behind the sound."""

_ALIKE = 0.5
"""Least correlation of each sample with the next in what counts as sound. Speech at
8 kHz has 0.7 and more; noise, text and compressed data have below 0.3. Our choice."""

_SMALLEST_TAIL_S = 0.02
"""Less than that behind a recording is passed over in silence; our choice."""

_SPDIF = {
    b"\xfe\x7f\x01\x80": "DTS", b"\x7f\xfe\x80\x01": "DTS", b"\xff\x1f\x00\xe8": "DTS",
    b"\x1f\xff\xe8\x00": "DTS", b"\x72\xf8\x1f\x4e": "AC-3",
}  # fmt: skip
"""First bytes of compressed sound that calls itself samples, for amplifiers to unpack (ETSI TS 102
114; IEC 61937)."""


@dataclass(frozen=True, slots=True)
class WavFormat:
    code: int
    channels: int
    rate_hz: int
    block_bytes: int
    """Of one sample of all channels, or of one packet of a compressed form."""

    bits: int
    big_endian: bool
    chunk: bytes
    """The whole content of the fmt chunk."""


@dataclass(frozen=True, slots=True)
class WavPiece:
    """Samples of one form."""

    format: WavFormat
    data: bytes | memoryview


@dataclass(frozen=True, slots=True)
class WavParts:
    pieces: tuple[WavPiece, ...]
    notices: tuple[str, ...]


def is_wav(content: Content) -> bool:
    return bool(_HEADER.match(content)) or (
        content[:16] == _W64_RIFF and content[24:40] == _W64_WAVE
    )


def take_apart(name: str, content: Content) -> WavParts:
    """Find all samples of a WAV file.

    Raises VoiceUnreadable, VoiceUnsupported (a form of samples that is not read) and
    VoiceTooComplex.
    """
    reader = _Reader(name, content)
    if content[:16] == _W64_RIFF:
        reader.read_wave64()
    else:
        at: int | None = 0
        while at is not None:
            at = reader.read_file(at)
    return WavParts(tuple(reader.pieces), tuple(reader.notices))


def samples(name: str, piece: WavPiece) -> Float32:
    """(N, channels) of plain samples, -1..1 is full scale. Raises VoiceUnsupported."""
    form = piece.format
    data = piece.data[: len(piece.data) // form.block_bytes * form.block_bytes]
    order = ">" if form.big_endian else "<"
    width = form.block_bytes // form.channels
    if form.code in (A_LAW, MU_LAW):
        table = _A_LAW_TABLE if form.code == A_LAW else _MU_LAW_TABLE
        values = table[np.frombuffer(data, np.uint8)]
    elif form.code == IEEE_FLOAT:
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.frombuffer(data, f"{order}f{width}").astype(np.float32)
    elif width == 1:
        values = (np.frombuffer(data, np.uint8).astype(np.float32) - 128.0) / 128.0
    else:
        # The four upper bytes are more than a float keeps.
        stored = np.frombuffer(data, np.uint8).reshape(-1, width)
        upper = stored[:, :4] if form.big_endian else stored[:, ::-1][:, :4]
        whole = np.zeros((len(stored), 4), np.uint8)  # the highest byte first
        whole[:, : upper.shape[1]] = upper
        values = (whole.view(">i4")[:, 0] / 2.0**31).astype(np.float32)
    return np.ascontiguousarray(values.reshape(-1, form.channels))


def rebuilt(piece: WavPiece) -> bytes:
    """A WAV file of nothing but this piece, with true sizes."""
    fmt = piece.format.chunk
    chunks = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"\0" * (len(fmt) & 1)
    chunks += b"data" + struct.pack("<I", len(piece.data)) + piece.data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


@dataclass(slots=True)
class _Reader:
    name: str
    content: Content
    pieces: list[WavPiece] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    _chunks: int = 0

    def read_file(self, at: int) -> int | None:
        """Read the header at `at` and its samples; where the next header is, if there is one."""
        content = self.content
        order = ">" if content[at : at + 4] == b"RIFX" else "<"
        form: WavFormat | None = None
        long_size: int | None = None
        at += 12
        while at + 8 <= len(content):
            self._count()
            kind, size = struct.unpack_from(order + "4sI", content, at)
            body = at + 8
            if kind == b"data":
                if size == 0xFFFFFFFF and long_size is not None:
                    size = long_size
                following = self._read_data(form or self._late_format(body, order), body, size)
                return None if following is None else self._next_header(following, order)
            if kind == b"ds64":
                long_size = int.from_bytes(content[body + 8 : body + 16], "little")
            elif kind == b"fmt " and form is None:
                form = self._format(content[body : body + size], order)
            elif not _is_name(kind):
                # One byte earlier too: odd chunks are not always filled up.
                at = content.find(b"data" if form else b"fmt ", at - 1)
                if at < 0:
                    break
                continue
            at = body + size + (size & 1)
        if not self.pieces:
            raise VoiceUnreadable(f"{self.name} is damaged or cut off: there are no samples in it")
        return None

    def _next_header(self, at: int, order: str) -> int | None:
        """Where the header of another file stands among the chunks from `at` on."""
        while at + 8 <= len(self.content) and not _HEADER.match(self.content, at):
            self._count()
            (size,) = struct.unpack_from(order + "I", self.content, at + 4)
            at += 8 + size + (size & 1)
        return at if _HEADER.match(self.content, at) else None

    def read_wave64(self) -> None:
        content, at = self.content, 40
        form: WavFormat | None = None
        while at + 24 <= len(content):
            self._count()
            kind = content[at : at + 4]
            (size,) = struct.unpack_from("<Q", content, at + 16)
            body = at + 24
            if kind == b"fmt ":
                form = self._format(content[body : at + size], "<")
            elif kind == b"data" and form is not None:
                self._keep(form, body, min(at + size, len(content)) if size >= 24 else len(content))
                return
            if size < 24:
                break
            at += (size + 7) // 8 * 8
        raise VoiceUnreadable(f"{self.name} is damaged or cut off: there are no samples in it")

    def _count(self) -> None:
        self._chunks += 1
        if self._chunks > MAX_CHUNKS:
            raise VoiceTooComplex(f"{self.name} consists of more than {MAX_CHUNKS} chunks")

    def _late_format(self, after: int, order: str) -> WavFormat:
        """Of a header that comes behind its samples, against all rules."""
        at = self.content.rfind(b"fmt ", after)
        if at < 0:
            raise VoiceUnreadable(f"{self.name} is damaged: its header does not say what is inside")
        (size,) = struct.unpack_from(order + "I", self.content, at + 4)
        return self._format(self.content[at + 8 : at + 8 + size], order)

    def _format(self, chunk: bytes, order: str) -> WavFormat:
        if len(chunk) < 14:
            raise VoiceUnreadable(f"{self.name} is damaged: its fmt chunk has {len(chunk)} bytes")
        code, channels, rate_hz, _, block = struct.unpack_from(order + "HHIIH", chunk)
        bits = struct.unpack_from(order + "H", chunk, 14)[0] if len(chunk) >= 16 else 8
        if code == _EXTENSIBLE and len(chunk) >= 26:
            (code,) = struct.unpack_from(order + "H", chunk, 24)
        if channels == 0:
            raise VoiceUnreadable(f"{self.name} is damaged: its header says 0 channels")
        if code in (PCM, IEEE_FLOAT, A_LAW, MU_LAW):
            width = -(-bits // 8)
            sizes = (
                (2, 4, 8)
                if code == IEEE_FLOAT
                else (1,)
                if code in (A_LAW, MU_LAW)
                else range(1, 9)
            )
            if width not in sizes:
                raise VoiceUnsupported(
                    f"{self.name} has samples of {bits} bits; wanted 8 to 64, as integers or floats"
                )
            if block not in (0, width * channels):
                raise VoiceUnsupported(
                    f"{self.name} keeps {channels} x {bits} bits in {block} bytes; "
                    f"wanted {width * channels}"
                )
            block = width * channels
        elif code not in (ADPCM_MS, ADPCM_IMA, MP3):
            inside = NAMES.get(code, f"an unknown codec (0x{code:04x})")
            raise VoiceUnsupported(f"{self.name} is a WAV file with {inside} inside; wanted PCM")
        elif code != MP3 and block < SMALLEST_ADPCM_BLOCK * channels:
            raise VoiceUnsupported(
                f"{self.name} is ADPCM in blocks of {block} bytes; "
                f"wanted {SMALLEST_ADPCM_BLOCK} a channel at least"
            )
        return WavFormat(code, channels, rate_hz, max(1, block), bits, order == ">", chunk)

    def _read_data(self, form: WavFormat, start: int, size: int) -> int | None:
        """Keep the samples from `start` on; where the next chunk is, if one follows."""
        content = self.content
        order = ">" if form.big_endian else "<"
        end = start + size
        following: int | None = None
        if size in _UNKNOWN_SIZES or end >= len(content) - 1:
            if size == 0 and _is_chain(content, start, order):
                return start  # it is as empty as it says
            end = len(content) if size in _UNKNOWN_SIZES else min(end, len(content))
        else:
            following = next(
                (a for a in (end + (size & 1), end) if _is_chain(content, a, order)), None
            )
            if following is None:
                end, following = self._true_end(form, start, end)
        inner = _inner_header(content, start, end)
        if inner is not None:
            end = following = inner
        self._keep(form, start, end)
        return following

    def _true_end(self, form: WavFormat, start: int, end: int) -> tuple[int, int | None]:
        """Where the samples end that may go on behind their announced end, and where the next
        header is."""
        tail = self.content[end:]
        per_s = form.rate_hz * form.block_bytes
        said_s, more_s = (end - start) / max(1, per_s), len(tail) / max(1, per_s)
        if more_s < _SMALLEST_TAIL_S or tail.startswith(_TRAILERS) or not any(tail):
            return end, None
        inner = _inner_header(tail, 0, len(tail))
        aligned = -(end - start) % form.block_bytes
        beginning = WavPiece(form, tail[aligned : len(tail) if inner is None else inner])
        if form.code in (PCM, IEEE_FLOAT, A_LAW, MU_LAW) and not _is_sound(self.name, beginning):
            if inner is not None:
                return end, end + inner
            self.notices.append(
                f"{self.name}: {len(tail)} bytes behind the {said_s:.1f} s of its header "
                "are no sound and were left out"
            )
            return end, None
        if inner is None:
            self.notices.append(
                f"{self.name}: its header says {said_s:.1f} s, "
                f"and sound goes on; {said_s + more_s:.1f} s were read"
            )
        return len(self.content), None

    def _keep(self, form: WavFormat, start: int, end: int) -> None:
        data = memoryview(self.content)[start:end]  # no copy: of an hour, hundreds of megabytes
        if form.code == PCM and form.bits == 16:
            name = _SPDIF.get(bytes(data[:65536]).lstrip(b"\0")[:4])
            if name is not None:
                raise VoiceUnsupported(f"{self.name} is a WAV file with {name} inside; wanted PCM")
        if data:
            self.pieces.append(WavPiece(form, data))


def _inner_header(content: Content, start: int, end: int) -> int | None:
    """Where the first header lies among samples."""
    while start < end:
        found = _INNER_HEADER.search(content, start, min(start + SEARCHED_BYTES, end))
        if found is not None:
            return found.start()
        let_go(memoryview(content))
        start += SEARCHED_BYTES - INNER_HEADER_BYTES
    return None


def _is_name(kind: bytes) -> bool:
    return all(0x20 <= letter < 0x7F for letter in kind) and any(map(str.isalpha, kind.decode()))


def _is_chain(content: Content, at: int, order: str) -> bool:
    """True where chunks follow each other from here to the end of the file, or to another file.

    Four bytes of sound look like a name now and then; they do not lead on to the end.
    """
    if len(content) - at <= 1:
        return True
    for place, kind in _chunk_starts(content, at, order):
        if _HEADER.match(content, place):
            return True
        if not _is_name(kind):
            return False
        if len(content) - place <= 1:
            break
    else:
        return False
    return True


def _chunk_starts(content: Content, at: int, order: str) -> Iterator[tuple[int, bytes]]:
    for _ in range(MAX_CHUNKS):
        kind = content[at : at + 4]
        yield at, kind if len(kind) == 4 else b"    "
        if at + 8 > len(content):
            return
        (size,) = struct.unpack_from(order + "I", content, at + 4)
        at += 8 + size
        if at >= len(content) - 1:
            # One that is cut off is believed by a name that is in use.
            yield at, b"end " if at <= len(content) + 1 or kind in _NAMES_IN_USE else b"\0\0\0\0"
            return
        if size & 1 and content[at] == 0:
            at += 1


def _is_sound(name: str, piece: WavPiece) -> bool:
    """True where each sample is like the one before, as in all recordings and in no other data."""
    values = samples(name, piece)[:500_000].mean(axis=1, dtype=np.float64)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    values -= values.mean() if len(values) else 0.0
    power = float(np.square(values).sum())
    return power > 0.0 and float((values[1:] * values[:-1]).sum()) > _ALIKE * power


def _law_tables() -> tuple[Float32, Float32]:
    """A-law and mu-law: 256 codes -> -1..1 (ITU-T G.711)."""
    codes = np.arange(256)
    a = codes ^ 0x55
    segment, step = a >> 4 & 7, a & 15
    level = np.where(segment == 0, step * 16 + 8, (step * 16 + 264) << np.maximum(segment - 1, 0))
    a_law = np.where(a & 0x80, level, -level)
    mu = ~codes & 0xFF
    level = (((mu & 15) << 3) + 132 << (mu >> 4 & 7)) - 132
    mu_law = np.where(mu & 0x80, -level, level)
    return (a_law / 32768.0).astype(np.float32), (mu_law / 32768.0).astype(np.float32)


_A_LAW_TABLE, _MU_LAW_TABLE = _law_tables()
