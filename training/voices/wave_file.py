"""Wave files as synthesisers write them: 16 bit, one channel."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from portravox.arrays import Float32


def read_wave(path: Path) -> tuple[Float32, int]:
    """Samples (N,) in -1..1, and their rate in Hz."""
    with wave.open(str(path), "rb") as file:
        rate_hz = file.getframerate()
        data = file.readframes(file.getnframes())
    return np.frombuffer(data, np.int16).astype(np.float32) / 32768.0, rate_hz
