"""Fragments hold the very packets of the file, in time without a gap, under the same labels."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from struct import unpack

import numpy as np
import pytest

from benchmarks.probe import probe_video, read_frames, read_sound
from portravox.clock import frame_count
from portravox.inspection import inspect_file
from portravox.labels.aigc import AiLabel
from portravox.media.encode import FRAGMENT_S, QUALITIES, VideoWriter
from portravox.media.fragments import TICKS_PER_FRAME, with_lengths
from portravox.media.planes import Planes
from portravox.media.waveform import Waveform

WIDTH, HEIGHT, FPS = 96, 64, 24

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="the program ffmpeg is not installed"
)


def boxes(content: bytes) -> list[tuple[bytes, bytes]]:
    """(type, content) of each."""
    found, at = [], 0
    while at < len(content):
        size, kind = unpack(">I4s", content[at : at + 8])
        assert 8 <= size <= len(content) - at
        found.append((kind, content[at + 8 : at + size]))
        at += size
    return found


def runs(fragment: bytes) -> list[tuple[int, int, list[tuple[int, int, int, int]], bytes]]:
    """(track, beginning, samples, their bytes) of each track in a fragment; a sample is (ticks,
    size, flags, offset of composition)."""
    (moof_kind, moof), (mdat_kind, _) = boxes(fragment)
    assert (moof_kind, mdat_kind) == (b"moof", b"mdat")
    found = []
    for kind, traf in boxes(moof):
        if kind != b"traf":
            continue
        parts = dict(boxes(traf))
        (track,) = unpack(">I", parts[b"tfhd"][4:8])
        (before,) = unpack(">Q", parts[b"tfdt"][4:])
        count, at = unpack(">Ii", parts[b"trun"][4:12])
        samples = [unpack(">IIIi", parts[b"trun"][12 + 16 * n :][:16]) for n in range(count)]
        size = sum(sample[1] for sample in samples)
        found.append((track, before, samples, fragment[at : at + size]))
    return found


def noise(frames: int, seed: int = 0) -> list[Planes]:
    """Frames that give the encoder something to do."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 200, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    return [Planes.of(np.roll(pixels, 2 * n, axis=1) + np.uint8(n % 50)) for n in range(frames)]


def fragments(path: Path, voice: Waveform, *, quality: str = "standard", fps: int = FPS):
    """Write a video, and give its fragments."""
    heard: list[bytes] = []
    frames = noise(frame_count(voice.duration_s, fps))
    with VideoWriter(
        path,
        width_px=WIDTH,
        height_px=HEIGHT,
        fps=fps,
        frames=len(frames),
        voice=voice,
        settings=QUALITIES[quality],
        label=AiLabel(producer="Someone", content_id="77"),
        on_fragment=heard.append,
    ) as writer:
        for frame in frames:
            writer.write(frame)
    return heard


@pytest.fixture(scope="module")
def streamed(tmp_path_factory, tone) -> tuple[list[bytes], Path, Path]:
    """Fragments of a video with B-frames, the file beside them, and them as a file."""
    folder = tmp_path_factory.mktemp("streamed")
    heard = fragments(folder / "whole.mp4", tone(2.3, 44_100, channels=2))
    (folder / "streamed.mp4").write_bytes(b"".join(heard))
    return heard, folder / "whole.mp4", folder / "streamed.mp4"


@needs_ffmpeg
def test_readers_have_nothing_to_say_against_it(streamed) -> None:
    _, _, path = streamed
    read = ["ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-"]
    answered = subprocess.run(read, capture_output=True, text=True, check=True)
    assert answered.stdout == answered.stderr == ""
    info = probe_video(path)
    assert (info.video_codec, info.profile, info.pixel_format) == ("h264", "High", "yuv420p")
    assert (info.color_primaries, info.color_transfer, info.color_matrix) == (1, 1, 1)
    assert info.limited_range
    assert (info.width_px, info.height_px, info.fps) == (WIDTH, HEIGHT, FPS)
    assert info.duration_s == pytest.approx(frame_count(2.3, FPS) / FPS)


def test_it_shows_and_sounds_like_the_file(streamed) -> None:
    _, whole, path = streamed
    assert all(
        np.array_equal(a, b) for a, b in zip(read_frames(whole), read_frames(path), strict=True)
    )
    first, second = read_sound(whole).samples, read_sound(path).samples
    assert len(first) == round(2.3 * 44_100)
    np.testing.assert_array_equal(first, second[: len(first)])


@pytest.mark.parametrize("quality", ["draft", "high"])
def test_who_listens_changes_nothing_about_the_file(tmp_path: Path, tone, quality: str) -> None:
    voice = tone(1.0, 48_000)
    fragments(tmp_path / "heard.mp4", voice, quality=quality)
    with VideoWriter(
        tmp_path / "alone.mp4",
        width_px=WIDTH,
        height_px=HEIGHT,
        fps=FPS,
        frames=FPS,
        voice=voice,
        settings=QUALITIES[quality],
        label=AiLabel(producer="Someone", content_id="77"),
    ) as writer:
        for frame in noise(FPS):
            writer.write(frame)
    sums = [hashlib.sha256(path.read_bytes()).digest() for path in sorted(tmp_path.iterdir())]
    assert sums[0] == sums[1]


def test_time_has_no_gap_and_frames_are_shown_once_each(streamed) -> None:
    heard, _, _ = streamed
    ends = {1: 0, 2: 0}
    shown = []
    for fragment in heard[1:]:
        for track, before, samples, _ in runs(fragment):
            assert before == ends[track]
            for ticks, _, _, offset in samples:
                if track == 1:
                    shown.append((ends[track] + offset) // TICKS_PER_FRAME)
                ends[track] += ticks
    count = frame_count(2.3, FPS)
    assert sorted(shown) == list(range(count))
    assert shown != sorted(shown)  # there are B-frames, so that their order matters
    assert ends[1] == count * TICKS_PER_FRAME
    assert ends[2] == round(2.3 * 44_100) + 1024  # the encoder's delay, which the edit list cuts


def test_a_fragment_is_short_and_only_the_first_frame_needs_to_be_a_beginning(streamed) -> None:
    heard, _, _ = streamed
    pictures = [run for fragment in heard[1:] for run in runs(fragment) if run[0] == 1]
    longest = max(sum(sample[0] for sample in run[2]) for run in pictures)
    assert longest == round(FRAGMENT_S * FPS) * TICKS_PER_FRAME
    keys = [sample[2] & 0x10000 == 0 for run in pictures for sample in run[2]]
    assert keys[0]
    assert sum(keys) == 1


def test_its_first_bytes_carry_the_labels(streamed, tmp_path: Path) -> None:
    heard, _, _ = streamed
    assert [kind for kind, _ in boxes(heard[0])] == [b"ftyp", b"moov"]
    path = tmp_path / "beginning.mp4"
    path.write_bytes(heard[0])
    found = inspect_file(path)
    assert {mark.scheme for mark in found.marks if mark.is_ours} == {"aigc", "comment"}
    (aigc,) = (mark for mark in found.marks if mark.scheme == "aigc")
    assert aigc.valid
    assert (aigc.fields["ContentProducer"], aigc.fields["ProduceID"]) == ("Someone", "77")


def test_start_codes_become_lengths() -> None:
    packet = b"\0\0\0\1\x67abc" + b"\0\0\1\x68d" + b"\0\0\0\1\x65\0\0\3\1e"
    assert with_lengths(packet) == b"\0\0\0\4\x67abc" + b"\0\0\0\2\x68d" + b"\0\0\0\6\x65\0\0\3\1e"
