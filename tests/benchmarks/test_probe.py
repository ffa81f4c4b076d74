"""What is told about a video is what is in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.probe import probe_video, read_frames, read_sound
from portravox.errors import FileMissing


def test_sample_videos_are_described(samples: Path) -> None:
    for path in sorted((samples / "talking").iterdir()):
        info = probe_video(path)
        assert info.fps == 25.0
        assert info.video_codec == "h264" and info.sound_codec == "aac"
        assert info.frames == pytest.approx(info.duration_s * 25)
        assert abs(info.sound_duration_s - info.duration_s) < 0.1
        assert info.aigc is None
        sound = read_sound(path)
        assert (sound.rate_hz, sound.samples.shape[1]) == (info.sound_rate_hz, info.sound_channels)
        assert sound.duration_s == pytest.approx(info.sound_start_s + info.sound_duration_s)


def test_sample_frames_are_read(samples: Path) -> None:
    path = samples / "talking" / "talk_grid_man_dark_hair_3s.mp4"
    frames = list(read_frames(path))
    assert len(frames) == probe_video(path).frames == 75
    assert all(f.shape == (288, 360, 3) and f.dtype == np.uint8 for f in frames)
    assert frames[0][:40].mean(axis=(0, 1)).argmax() == 2  # a blue wall


def test_what_is_no_video_is_refused(tmp_path: Path, samples: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    for path in (tmp_path / "none.mp4", tmp_path / "text.mp4", tmp_path):
        with pytest.raises(FileMissing):
            probe_video(path)
    with pytest.raises(FileMissing, match="no moving pictures"):
        read_sound(samples / "voices" / "en_one_word_1s.wav")
