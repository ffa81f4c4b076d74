"""What a server would refuse for its kind is sent in another; all else is sent as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from portravox.cli.uploadable import uploadable
from portravox.demo import VOICE
from portravox.media.picture_file import PictureLimits, read_picture
from portravox.media.voice_file import VoiceLimits, read_voice
from portravox.media.waveform import Waveform
from tests.media.test_voice_file import compressed


def tone(duration_s: float, channels: int = 1) -> Waveform:
    times_s = np.arange(round(duration_s * 48_000)) / 48_000
    wave = 0.5 * np.sin(2 * np.pi * 440 * times_s)
    return Waveform(np.repeat(wave[:, None], channels, axis=1).astype(np.float32), 48_000)


@pytest.mark.parametrize(
    ("container", "codec"), [("mp4", "aac"), ("ogg", "libopus"), ("matroska", "libopus")]
)
def test_recordings_of_phones_become_wav(tmp_path: Path, container: str, codec: str) -> None:
    path = compressed(tmp_path / "memo.m4a", tone(1.5), container, codec)
    with uploadable("https://a.example/face.jpg", str(path)) as (portrait, voice):
        assert portrait == "https://a.example/face.jpg"
        sent = read_voice(voice, VoiceLimits.service())
        assert voice.endswith("memo.wav")
        assert np.abs(sent.samples - read_voice(path).samples).max() < 1e-3
    assert not Path(voice).exists()


def test_long_ones_become_mp3(tmp_path: Path) -> None:
    path = compressed(tmp_path / "memo.flac", tone(170.0), "flac", "flac")
    with uploadable("x", str(path)) as (_, voice):
        assert voice.endswith("memo.mp3")
        sent = read_voice(voice, VoiceLimits.service())
        assert sent.duration_s == pytest.approx(170.0, abs=0.01)
        assert np.abs(sent.samples).max() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("kind", ["gif", "avif"])
def test_other_pictures_become_png(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"face.{kind}"
    Image.new("RGB", (60, 50), (200, 100, 50)).save(path)
    with uploadable(str(path)) as (portrait, _):
        sent = read_picture(portrait, PictureLimits.service())
        assert portrait.endswith("face.png")
        assert np.array_equal(sent.pixels, read_picture(path).pixels)


def test_pictures_too_large_are_scaled(tmp_path: Path) -> None:
    path = tmp_path / "face.jpg"
    Image.new("RGB", (4_200, 3_000), (200, 100, 50)).save(path)
    with uploadable(str(path)) as (portrait, _):
        assert max(read_picture(portrait, PictureLimits.service()).pixels.shape) == 4_096


def test_what_is_fit_or_cannot_be_read_is_sent_as_it_is(tmp_path: Path) -> None:
    fit, text = tmp_path / "face.png", tmp_path / "notes.txt"
    Image.new("RGB", (60, 50)).save(fit)
    text.write_text("no picture and no voice")
    for given in ((fit, VOICE), (text, text), (tmp_path / "none.jpg", tmp_path / "none.wav")):
        with uploadable(*map(str, given)) as sent:
            assert sent == tuple(map(str, given))
