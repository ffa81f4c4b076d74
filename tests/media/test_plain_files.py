"""What is written so is read again as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from portravox.media.picture_file import read_picture
from portravox.media.plain_files import write_jpeg, write_mp3, write_png, write_wav
from portravox.media.voice_file import read_voice
from portravox.media.waveform import Waveform

PIXELS = np.stack(np.meshgrid(np.arange(128), np.arange(96), [100]), axis=-1)[:, :, 0]
PIXELS = PIXELS.astype(np.uint8)
"""(96, 128, 3) a smooth gradient."""


def tone(rate_hz: int, channels: int) -> Waveform:
    """A second of 440 Hz, the second channel at half its level."""
    samples = 0.5 * np.sin(2 * np.pi * 440.0 * np.arange(rate_hz) / rate_hz)
    levels = np.array([1.0, 0.5])[:channels]
    return Waveform((samples[:, None] * levels).astype(np.float32), rate_hz)


def test_a_png_keeps_every_pixel(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", PIXELS)
    assert np.array_equal(read_picture(tmp_path / "a.png").pixels, PIXELS)


def test_a_jpeg_is_close(tmp_path: Path) -> None:
    write_jpeg(tmp_path / "a.jpg", PIXELS)
    read = read_picture(tmp_path / "a.jpg").pixels.astype(int)
    assert read.shape == PIXELS.shape
    assert np.abs(read - PIXELS).mean() < 2.0


@pytest.mark.parametrize("rate_hz", [8000, 44_100, 192_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_wav_keeps_every_step(tmp_path: Path, rate_hz: int, channels: int) -> None:
    voice = tone(rate_hz, channels)
    write_wav(tmp_path / "a.wav", voice)
    read = read_voice(tmp_path / "a.wav")
    assert read.rate_hz == rate_hz
    assert read.samples.shape == voice.samples.shape
    assert np.abs(read.samples - voice.samples).max() < 1.0 / 32_000


@pytest.mark.parametrize(("rate_hz", "written_hz"), [(44_100, 44_100), (22_050, 48_000)])
@pytest.mark.parametrize("channels", [1, 2])
def test_an_mp3_has_the_tone_and_its_length(
    tmp_path: Path, rate_hz: int, written_hz: int, channels: int
) -> None:
    write_mp3(tmp_path / "a.mp3", tone(rate_hz, channels))
    read = read_voice(tmp_path / "a.mp3")
    assert (read.rate_hz, read.samples.shape[1]) == (written_hz, channels)
    assert read.duration_s == pytest.approx(1.0, abs=0.06)
    spectrum = np.abs(np.fft.rfft(read.samples[:written_hz, 0]))
    assert spectrum.argmax() * written_hz / len(read.samples[:written_hz]) == pytest.approx(
        440, abs=2
    )
