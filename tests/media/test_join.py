"""A video joined of parts is, to players, the one that was encoded at once."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.probe import probe_video, read_frames, read_sound
from portravox.errors import EncodingFailed
from portravox.labels.aigc import AiLabel
from portravox.media.encode import QUALITIES, VideoWriter
from portravox.media.join import join_parts
from portravox.media.planes import Planes
from portravox.media.waveform import Waveform

FPS = 24
SIDES = (96, 64)
LABEL = AiLabel(producer="Tester", content_id="42")


def frames_of(count: int) -> list[Planes]:
    """Something that moves."""
    y, x = np.mgrid[: SIDES[1], : SIDES[0]]
    drawn = []
    for number in range(count):
        waves = 100 + 60 * np.sin(0.1 * x + 0.2 * number) + 40 * np.cos(0.15 * y - 0.1 * number)
        drawn.append(Planes.of(np.stack([waves, waves / 2, 200 - waves], 2).astype(np.uint8)))
    return drawn


def write(
    path: Path, frames: list[Planes], voice: Waveform | None, *, quality: str, first: int = 0
) -> Path:
    with VideoWriter(
        path,
        width_px=SIDES[0],
        height_px=SIDES[1],
        fps=FPS,
        frames=len(frames),
        voice=voice,
        settings=QUALITIES[quality],
        label=LABEL,
        first=first,
    ) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def joined(folder: Path, voice: Waveform, cuts: list[int], quality: str = "standard") -> Path:
    frames = frames_of(round(voice.duration_s * FPS))
    ends = [*cuts, len(frames)]
    parts, counts, first = [], [], 0
    for end in ends:
        part = folder / f"{first}.mp4"
        parts.append(write(part, frames[first:end], None, quality=quality, first=first))
        counts.append(end - first)
        first = end
    join_parts(parts, folder / "v.mp4", frames=counts, fps=FPS, voice=voice, label=LABEL)
    return folder / "v.mp4"


def times_of(path: Path, kind: str) -> list[tuple[int, int]]:
    with av.open(str(path)) as file:
        packets = [packet for packet in file.demux(**{kind: 0}) if packet.dts is not None]
    return sorted((packet.pts, packet.duration) for packet in packets)


@pytest.mark.parametrize("quality", ["draft", "standard", "high"])
def test_no_time_and_no_sample_differs(tmp_path: Path, tone, quality: str) -> None:
    voice = tone(5.02, 44_100, 2)
    whole = write(tmp_path / "whole.mp4", frames_of(120), voice, quality=quality)
    video = joined(tmp_path, voice, [50, 51], quality)
    for kind in ("video", "audio"):
        assert times_of(video, kind) == times_of(whole, kind)
    told, wanted = probe_video(video), probe_video(whole)
    assert told == wanted
    assert np.array_equal(read_sound(video).samples, read_sound(whole).samples)
    content = video.read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_pictures_at_a_join_are_as_good_as_elsewhere(tmp_path: Path, tone) -> None:
    voice = tone(5.0, 48_000)
    psnr = []
    for sent, seen in zip(frames_of(120), read_frames(joined(tmp_path, voice, [60])), strict=True):
        error = np.mean((seen.astype(float) - sent.rgb()) ** 2)
        psnr.append(10 * np.log10(255**2 / error))
    assert min(psnr[55:65]) > min(psnr[5:55]) - 0.5


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_another_reader_has_nothing_to_say(tmp_path: Path, tone) -> None:
    video = joined(tmp_path, tone(5.0, 48_000), [60], "high")
    command = ["ffmpeg", "-v", "error", "-i", str(video), "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout == said.stderr == ""


def test_pictures_and_sound_lie_beside_each_other_in_the_file(tmp_path: Path, tone) -> None:
    with av.open(str(joined(tmp_path, tone(5.0, 48_000), [60]))) as file:
        times = [packet.dts * packet.time_base for packet in file.demux() if packet.dts is not None]
    assert max(earlier - later for earlier, later in itertools.pairwise(times)) < 0.6


def test_a_player_that_jumps_comes_to_the_picture_it_wants(tmp_path: Path, tone) -> None:
    frames = frames_of(120)
    with av.open(str(joined(tmp_path, tone(5.0, 48_000), [60]))) as file:
        stream = file.streams.video[0]
        for wanted in (59, 60, 61, 100):
            file.seek(round(wanted / FPS / stream.time_base), stream=stream)
            times = range(round(wanted / FPS / stream.time_base), 10**9)
            seen = next(frame for frame in file.decode(video=0) if frame.pts in times)
            error = np.abs(seen.to_ndarray(format="rgb24").astype(int) - frames[wanted].rgb())
            assert error.mean() < 4.0


@pytest.mark.parametrize(
    ("quality", "counts", "reason"),
    [
        ("standard", [50, 69], "a picture at no frame of its own"),
        ("standard", [50, 71], "70 pictures; wanted 71"),
        ("high", [50, 70], "other settings"),
    ],
)
def test_what_is_not_the_part_that_was_wanted_is_refused(
    tmp_path: Path, tone, quality: str, counts: list[int], reason: str
) -> None:
    frames = frames_of(120)
    one = write(tmp_path / "a.mp4", frames[:50], None, quality="standard")
    other = write(tmp_path / "b.mp4", frames[50:], None, quality=quality)
    with pytest.raises(EncodingFailed, match=reason):
        join_parts(
            [one, other], tmp_path / "v.mp4", frames=counts, fps=FPS, voice=tone(5.0, 48_000)
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


@pytest.mark.parametrize("content", [b"", b"no video", b"\0\0\0\x18ftypmp42" + bytes(200)])
def test_what_is_no_video_is_refused(tmp_path: Path, tone, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(EncodingFailed):
        join_parts(
            [tmp_path / "a.mp4"], tmp_path / "v.mp4", frames=[1], fps=FPS, voice=tone(1.0, 48_000)
        )
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
