"""What goes in comes out in the same call, in step, however long it lasts."""

from __future__ import annotations

import subprocess
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from benchmarks.probe import probe_video, read_frames, read_sound
from portravox.errors import EncodingFailed, SettingOutOfRange
from portravox.inspection import inspect_file
from portravox.labels.aigc import AiLabel
from portravox.media.encode import VideoSettings
from portravox.media.live_video import LIVE, RATES_HZ, LiveVideo
from portravox.media.planes import Planes
from tests.media.test_fragments import needs_ffmpeg, runs

WIDTH, HEIGHT = 96, 64


def grey(level: int) -> Planes:
    return Planes.of(np.full((HEIGHT, WIDTH, 3), level, np.uint8))


def opened(**options) -> LiveVideo:
    return LiveVideo(width_px=WIDTH, height_px=HEIGHT, **{"fps": 25, **options})


def silence(video_fps: int = 25, rate_hz: int = 48_000, channels: int = 1) -> np.ndarray:
    return np.zeros((rate_hz // video_fps, channels), np.float32)


def test_each_frame_comes_out_with_its_sound_at_once() -> None:
    video, sound_until = opened(), 0
    for count in range(1, 60):
        fragment = video.add(grey(2 * count), silence())
        tracks = {run[0]: run for run in runs(fragment)}
        assert len(tracks[1][2]) == 1
        assert tracks[1][1] == (count - 1) * 1000
        sound_ticks = sum(sample[0] for sample in tracks[2][2]) if 2 in tracks else 0
        sound_until += sound_ticks
        # What fills no packet waits, and the encoder holds one, beside the one it put before all.
        assert 0 <= count * 1920 - (sound_until - 1024) < 3 * 1024


@needs_ffmpeg
@pytest.mark.parametrize(("rate_hz", "channels", "at_once"), [(16_000, 2, 3), (44_100, 1, 7)])
def test_a_flash_and_a_click_stay_together(
    tmp_path: Path, rate_hz: int, channels: int, at_once: int
) -> None:
    fps, flashes = 24, (10, 40, 70)
    video = opened(fps=fps, rate_hz=rate_hz, channels=channels, frames_per_fragment=at_once)
    pieces = [video.init_segment]
    for n in range(80):
        samples = np.zeros(((n + 1) * rate_hz // fps - n * rate_hz // fps, channels), np.float32)
        if n in flashes:
            samples[: rate_hz // 200] = 0.9 * np.sin(np.arange(rate_hz // 200) / 5)[:, None]
        pieces.append(video.add(grey(230 if n in flashes else 30), samples))
    pieces.append(video.finish())
    path = tmp_path / "live.mp4"
    path.write_bytes(b"".join(pieces))
    read = ["ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-"]
    assert subprocess.run(read, capture_output=True, text=True, check=True).stderr == ""
    assert probe_video(path).frames == 80
    assert [n for n, frame in enumerate(read_frames(path)) if frame.mean() > 150] == list(flashes)
    sound = read_sound(path)
    loud = np.flatnonzero(np.abs(sound.mono()) > 0.3)
    for flash in flashes:
        assert np.abs(loud / rate_hz - flash / fps).min() < 0.002


def test_it_is_labelled(tmp_path: Path) -> None:
    video = opened(label=AiLabel(producer="Someone", content_id="5"))
    (tmp_path / "begun.mp4").write_bytes(video.init_segment)
    marks = inspect_file(tmp_path / "begun.mp4").marks
    assert any(mark.scheme == "aigc" and mark.valid and mark.is_ours for mark in marks)
    plain = next(iter(runs(opened().add(grey(30), silence()))))
    drawn = next(iter(runs(opened(settings=VideoSettings(**LABELLED)).add(grey(30), silence()))))
    assert len(drawn[3]) > len(plain[3])


LABELLED = {
    "crf": LIVE.crf,
    "b_frames": 0,
    "lookahead_frames": 0,
    "threads": 1,
    "visible_label": "en",
}


def test_memory_does_not_grow() -> None:
    video, frame, sound = opened(frames_per_fragment=5), grey(90), silence()
    for _ in range(50):
        video.add(frame, sound)
    tracemalloc.start()
    for _ in range(500):
        video.add(frame, sound)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 64 * 1024


def test_frames_to_begin_with_come_again() -> None:
    video = opened(fps=15)
    keys = [
        n
        for n in range(65)
        if runs(video.add(grey(30 + n), silence(15)))[0][2][0][2] & 0x10000 == 0
    ]
    assert keys == [0, 30, 60]


def test_what_does_not_fit_is_refused() -> None:
    for wrong in (
        {"fps": 0},
        {"rate_hz": 11_000},
        {"channels": 3},
        {"frames_per_fragment": 0},
        {"settings": VideoSettings()},
    ):
        with pytest.raises(SettingOutOfRange):
            opened(**wrong)
    with pytest.raises(SettingOutOfRange):
        LiveVideo(width_px=95, height_px=64, fps=25)
    video = opened()
    with pytest.raises(EncodingFailed):
        video.add(Planes.of(np.zeros((32, 32, 3), np.uint8)), silence())
    with pytest.raises(EncodingFailed):
        video.add(grey(0), silence(channels=2))
    assert video.add(grey(0), silence())  # it goes on


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_every_rate_opens(rate_hz: int) -> None:
    assert b"mp4a" in opened(rate_hz=rate_hz).init_segment
