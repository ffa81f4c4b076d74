"""Sounds and pictures for the tests of media; the sample material where it is present."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pytest

from portravox.media.waveform import Waveform


class ToneMaker(Protocol):
    def __call__(
        self, duration_s: float, rate_hz: int, channels: int = 1, level: float = 0.5
    ) -> Waveform: ...


@pytest.fixture(scope="session")
def tone() -> ToneMaker:
    """Makes 440 Hz tones; the channels differ in level, so that a mix-up shows."""

    def make(duration_s: float, rate_hz: int, channels: int = 1, level: float = 0.5) -> Waveform:
        times_s = np.arange(round(duration_s * rate_hz)) / rate_hz
        wave = level * np.sin(2 * np.pi * 440 * times_s)
        gains = 1.0 / np.arange(1, channels + 1)
        return Waveform((wave[:, None] * gains).astype(np.float32), rate_hz)

    return make
