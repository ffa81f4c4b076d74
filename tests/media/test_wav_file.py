"""Every form of WAV gives its samples, and no header is heard or believed against the sound."""

from __future__ import annotations

import contextlib
import struct
import time
from pathlib import Path

import numpy as np
import pytest

from portravox.errors import VoiceTooComplex, VoiceTooLong, VoiceUnreadable, VoiceUnsupported
from portravox.media import wav_file
from portravox.media.voice_file import VoiceLimits, read_voice
from portravox.media.wav_file import MAX_CHUNKS, take_apart

RATE_HZ = 16_000
TIMES_S = np.arange(RATE_HZ * 3 // 2) / RATE_HZ
TONE = (0.5 * np.sin(2 * np.pi * 300 * TIMES_S)).astype(np.float32)
STEPS = np.round(TONE * 32_768).astype("<i2")
CLOSE = 1 / 32_768


def chunk(kind: bytes, body: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "4sI", kind, len(body)) + body + b"\0" * (len(body) & 1)


def fmt(
    bits: int = 16, code: int = 1, channels: int = 1, order: str = "<", rate_hz: int = RATE_HZ
) -> bytes:
    block = channels * -(-bits // 8)
    return chunk(
        b"fmt ",
        struct.pack(order + "HHIIHH", code, channels, rate_hz, rate_hz * block, block, bits),
        order,
    )


def riff(*chunks: bytes, name: bytes = b"RIFF", order: str = "<", size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return struct.pack(order + "4sI", name, len(body) if size is None else size) + body


WIDE = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, RATE_HZ, 4 * RATE_HZ, 4, 24))
"""24 bits in 4 bytes: which of them, nobody says."""


def read(tmp_path: Path, content: bytes):
    path = tmp_path / "v.wav"
    path.write_bytes(content)
    return read_voice(path)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("bits", "code"),
    [
        (16, 1),
        (24, 1),
        (32, 1),
        (40, 1),
        (48, 1),
        (64, 1),
        (12, 1),
        (20, 1),
        (32, 3),
        (64, 3),
        (16, 3),
    ],
)
def test_both_byte_orders_of_every_sample(tmp_path: Path, order: str, bits: int, code: int) -> None:
    width = -(-bits // 8)
    if code == 3:
        body = TONE.astype(f"{order}f{width}").tobytes()
    else:
        whole = STEPS.astype(np.int64) << (8 * width - 16)
        raw = whole.astype(">i8").view(np.uint8).reshape(-1, 8)[:, 8 - width :]
        body = (raw if order == ">" else raw[:, ::-1]).tobytes()
    name = b"RIFX" if order == ">" else b"RIFF"
    content = riff(
        fmt(bits, code, order=order), chunk(b"data", body, order), name=name, order=order
    )
    got = read(tmp_path, content)
    assert got.rate_hz == RATE_HZ and got.samples.shape == (len(TONE), 1)
    assert np.abs(got.samples[:, 0] - TONE).max() <= (2e-4 if bits == 16 and code == 3 else CLOSE)


@pytest.mark.parametrize("name", [b"RF64", b"BW64"])
@pytest.mark.parametrize("bogus", [False, True])
def test_sizes_of_64_bits(tmp_path: Path, name: bytes, bogus: bool) -> None:
    body = STEPS.tobytes()
    long = chunk(
        b"ds64", struct.pack("<QQQI", len(body) + 80, 0 if bogus else len(body), len(STEPS), 0)
    )
    data = b"data\xff\xff\xff\xff" + body + (b"" if bogus else chunk(b"LIST", b"INFOISFTxx"))
    got = read(tmp_path, riff(long, fmt(), data, name=name, size=0xFFFFFFFF))
    assert np.array_equal(got.samples[:, 0], STEPS / np.float32(32_768))


def test_wave64(tmp_path: Path) -> None:
    riff_id = bytes.fromhex("726966662e91cf11a5d628db04c10000")
    tail = bytes.fromhex("f3acd3118cd100c04f8edb8a")
    body = STEPS.tobytes()
    form = fmt()[8:]
    chunks = b"fmt " + tail + struct.pack("<Q", 24 + len(form)) + form
    chunks += b"data" + tail + struct.pack("<Q", 24 + len(body)) + body
    content = riff_id + struct.pack("<Q", 40 + len(chunks)) + b"wave" + tail + chunks
    got = read(tmp_path, content)
    assert np.array_equal(got.samples[:, 0], STEPS / np.float32(32_768))


@pytest.mark.parametrize("declared", [0, 100, 0xFFFFFFFF, None])
@pytest.mark.parametrize("count", [2, 3, 7])
def test_glued_files_are_read_through_and_their_headers_are_no_sound(
    tmp_path: Path, declared: int | None, count: int
) -> None:
    files = b""
    for part in np.array_split(STEPS, count):
        body = part.tobytes()
        size = len(body) if declared is None else declared
        files += riff(fmt(), b"data" + struct.pack("<I", size) + body)
    got = read(tmp_path, files)
    assert np.array_equal(got.samples[:, 0], STEPS / np.float32(32_768))


def test_headers_within_samples_of_a_mended_size_are_no_sound(tmp_path: Path) -> None:
    first, second = np.array_split(STEPS, 2)
    inner = riff(fmt(), chunk(b"data", second.tobytes()))
    got = read(tmp_path, riff(fmt(), chunk(b"data", first.tobytes() + inner)))
    assert np.array_equal(got.samples[:, 0], STEPS / np.float32(32_768))


@pytest.mark.parametrize("searched", range(33, 60))
def test_inner_headers_are_found_wherever_the_search_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, searched: int
) -> None:
    monkeypatch.setattr(wav_file, "SEARCHED_BYTES", searched)
    test_headers_within_samples_of_a_mended_size_are_no_sound(tmp_path)


def test_glued_files_of_two_rates_keep_pitch_and_length(tmp_path: Path) -> None:
    slow = riff(fmt(rate_hz=8_000), chunk(b"data", STEPS[::2].tobytes()))
    fast = riff(fmt(channels=2), chunk(b"data", np.repeat(STEPS, 2).tobytes()))
    got = read(tmp_path, slow + fast + fast)
    assert got.rate_hz == RATE_HZ and got.duration_s == pytest.approx(4.5, abs=0.001)
    for start in (0, len(STEPS)):
        piece = got.samples[start : start + len(STEPS), 0]
        assert np.abs(np.fft.rfft(piece)).argmax() == 450  # 300 Hz in 1.5 s


@pytest.mark.parametrize("said", [2, 1_000, 30_000])
def test_sound_behind_what_the_header_says_is_read_and_told(tmp_path: Path, said: int) -> None:
    got = read(
        tmp_path, riff(fmt(), b"data" + struct.pack("<I", said) + STEPS.tobytes(), size=said + 36)
    )
    assert np.array_equal(got.samples[:, 0], STEPS / np.float32(32_768))
    assert "sound goes on; 1.5 s were read" in got.notices[0]


@pytest.mark.parametrize(
    ("tail", "told"),
    [
        (b"TAG" + bytes(4_000), False),
        (b"ID3\4\0\0" + b"text " * 2_000, False),
        (bytes(50_000), False),
        (b"\1" * 100, False),
        (np.random.default_rng(1).bytes(50_000), True),
        (b"some text that a program wrote behind the sound\n" * 500, True),
    ],
)
def test_what_is_no_sound_behind_the_sound_is_left_out(
    tmp_path: Path, tail: bytes, told: bool
) -> None:
    got = read(tmp_path, riff(fmt(), chunk(b"data", STEPS.tobytes())) + tail)
    assert len(got.samples) == len(STEPS)
    assert [("no sound" in notice) for notice in got.notices] == [True] * told


@pytest.mark.parametrize("name", [b"RIFF", b"RIFX"])
def test_chunks_behind_the_sound_are_no_sound_in_either_byte_order(
    tmp_path: Path, name: bytes
) -> None:
    order = ">" if name == b"RIFX" else "<"
    body = STEPS.astype(f"{order}i2").tobytes()
    behind = chunk(b"LIST", b"INFO" + bytes(range(200)) * 20, order)
    content = riff(fmt(order=order), chunk(b"data", body, order), behind, name=name, order=order)
    got = read(tmp_path, content)
    assert np.array_equal(got.samples[:, 0], STEPS / np.float32(32_768)) and got.notices == ()


@pytest.mark.parametrize("odd", [False, True])
def test_chunks_in_any_order_and_number(tmp_path: Path, odd: bool) -> None:
    notes = [
        chunk(kind, b"x" * size)
        for kind, size in ((b"LIST", 27), (b"bext", 602), (b"JUNK", 0), (b"id3 ", 9))
    ]
    body = STEPS.tobytes() + b"\0" * odd
    content = riff(*notes, fmt(), *notes, chunk(b"data", body), *notes)
    assert len(read(tmp_path, content).samples) == len(STEPS)
    unfilled = riff(fmt(), b"LIST" + struct.pack("<I", 5) + b"abcde", chunk(b"data", body))
    assert len(read(tmp_path, unfilled).samples) == len(STEPS)
    late = riff(chunk(b"data", STEPS.tobytes()), fmt())
    assert len(read(tmp_path, late).samples) == len(STEPS)


def test_an_empty_file_with_chunks_behind_is_empty(tmp_path: Path) -> None:
    with pytest.raises(VoiceUnreadable, match="empty"):
        read(tmp_path, riff(fmt(), chunk(b"data", b""), chunk(b"LIST", b"INFO" + bytes(40_000))))


@pytest.mark.parametrize(
    ("header", "error", "text"),
    [
        (fmt(bits=72), VoiceUnsupported, "72 bits"),
        (fmt(bits=8, code=3), VoiceUnsupported, "8 bits"),
        (fmt(channels=0), VoiceUnreadable, "0 channels"),
        (chunk(b"fmt ", b"short"), VoiceUnreadable, "fmt chunk"),
        (b"", VoiceUnreadable, "does not say"),
        (
            chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, RATE_HZ, 4 * RATE_HZ, 4, 24)),
            VoiceUnsupported,
            "4 bytes",
        ),
    ],
)
def test_other_headers_are_named(tmp_path: Path, header: bytes, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        read(tmp_path, riff(header, chunk(b"data", STEPS.tobytes())))


@pytest.mark.parametrize(
    "filling", [chunk(b"abcd", b""), riff(b""), riff(fmt(), chunk(b"data", b""))]
)
def test_chunks_without_end_are_refused_at_once(filling: bytes) -> None:
    count = 15 * 1024 * 1024 // len(filling)
    assert count > MAX_CHUNKS
    start = time.process_time()
    with pytest.raises((VoiceTooComplex, VoiceUnreadable)):
        take_apart("v.wav", riff(filling * count))
    # Behind samples of unknown size they may as well be samples.
    with contextlib.suppress(VoiceTooComplex):
        take_apart("v.wav", riff(fmt(), b"data\0\0\0\0" + filling * count))
    assert time.process_time() - start < 1.0


def test_hours_in_few_bytes_are_refused_before_they_are_converted(tmp_path: Path) -> None:
    content = riff(fmt(bits=8, rate_hz=8_000), chunk(b"data", bytes(range(256)) * 59_000))
    start = time.process_time()
    path = tmp_path / "v.wav"
    path.write_bytes(content)
    with pytest.raises(VoiceTooLong):
        read_voice(path, VoiceLimits.service())
    assert time.process_time() - start < 1.0
