"""Made-up sounds whose pitch, level and pauses are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from portravox.arrays import Float32
from portravox.media.waveform import Waveform


def _harmonic_tone(duration_s: float, pitch_hz: float, rate_hz: int = 16_000) -> Float32:
    """A buzz of 20 harmonics, falling 6 dB per octave, with 10 ms fades; peaks at about 0.3."""
    times_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    harmonics = [k for k in range(1, 21) if k * pitch_hz < 0.45 * rate_hz]
    buzz = sum(np.sin(2.0 * np.pi * k * pitch_hz * times_s) / k for k in harmonics)
    fade = np.minimum(times_s, times_s[::-1]) / 0.01
    return (0.15 * buzz * np.minimum(fade, 1.0)).astype(np.float32)


def _waveform(samples: Float32, rate_hz: int = 16_000) -> Waveform:
    return Waveform(np.asarray(samples, dtype=np.float32).reshape(-1, 1), rate_hz)


@pytest.fixture(scope="session")
def harmonic_tone() -> Callable[..., Float32]:
    return _harmonic_tone


@pytest.fixture(scope="session")
def mono() -> Callable[..., Waveform]:
    """(samples, rate_hz=16000) -> Waveform of one channel."""
    return _waveform


@pytest.fixture
def white_noise() -> Float32:
    """Three seconds, -20 dBFS, 16 kHz."""
    return np.random.default_rng(7).normal(0.0, 0.1, 48_000).astype(np.float32)


@pytest.fixture
def syllables() -> Float32:
    """Six voiced syllables with gaps of 50 ms between half a second of silence and another."""
    silence = np.zeros(8_000, dtype=np.float32)
    gap = np.zeros(800, dtype=np.float32)
    parts = [silence]
    for pitch_hz in (110.0, 130.0, 120.0, 140.0, 115.0, 100.0):
        parts += [_harmonic_tone(0.2, pitch_hz), gap]
    return np.concatenate([*parts, silence])
