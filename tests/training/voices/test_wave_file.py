from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from training.voices.wave_file import read_wave


def test_samples_come_back_between_minus_one_and_one(tmp_path: Path) -> None:
    written = np.array([0, 16384, -32768, 32767], np.int16)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes(written.tobytes())
    samples, rate_hz = read_wave(tmp_path / "a.wav")
    assert rate_hz == 22_050
    assert samples.dtype == np.float32
    assert samples.tolist() == [0.0, 0.5, -1.0, 32767 / 32768]
