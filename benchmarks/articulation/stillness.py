"""Sounds that nobody says: how much of their time the mouth moves.

Flow      breath, hum, clicks, noise, music -> stillness -> Part
Reads     nothing; the sounds are computed
Gives     share of the rows in which lips are apart
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import signal

from benchmarks.articulation.bench import OURS, Bench
from benchmarks.articulation.languages import STILL
from benchmarks.articulation.robustness import music
from benchmarks.quality.chapter import Check, Part, Row
from portravox.arrays import Float32, Float64
from portravox.media.waveform import Waveform
from portravox.speech.resample import SPEECH_RATE_HZ

LENGTH_S = 12.0
SEED = 7

MOST_MOVING = 0.02
"""Of the time."""

BREATHS_S = (1.0, 4.0, 7.0, 10.0)
BREATH_S, BREATH_HZ = 1.0, (400.0, 5000.0)
HUM_HZ = (100.0, 200.0, 300.0)
"""Of a transformer at 50 Hz."""
CLICKS_S = (0.7, 1.9, 2.4, 4.1, 5.5, 6.2, 8.8, 9.9)
CLICK_HZ = (500.0, 6000.0)


def sounds() -> Mapping[str, Float32]:
    """Name -> (N,) at SPEECH_RATE_HZ. Levels and colours are our choice."""
    rng = np.random.default_rng(SEED)
    times_s = np.arange(round(LENGTH_S * SPEECH_RATE_HZ)) / SPEECH_RATE_HZ
    within_s = [np.clip(times_s - start_s, 0.0, BREATH_S) for start_s in BREATHS_S]
    swelling = sum(np.sin(np.pi * within / BREATH_S) ** 2 for within in within_s)
    clicks = np.zeros_like(times_s)
    clicks[np.rint(np.array(CLICKS_S) * SPEECH_RATE_HZ).astype(int)] = 0.8
    carrier = np.full(len(times_s), 0.3, np.float32)
    made = {
        "breath": 0.05 * swelling * _band(rng.standard_normal(len(times_s)), BREATH_HZ),
        "hum": 0.1 * sum(np.sin(2.0 * np.pi * f * times_s) / n for n, f in enumerate(HUM_HZ, 1)),
        "clicks": _band(clicks, CLICK_HZ),
        "white noise": 0.05 * rng.standard_normal(len(times_s)),
        "music": music(carrier, rng) - carrier,
    }
    return {name: np.asarray(samples, np.float32) for name, samples in made.items()}


def _band(samples: Float64, band_hz: tuple[float, float]) -> Float64:
    around = signal.butter(2, band_hz, "bandpass", fs=SPEECH_RATE_HZ, output="sos")
    return np.asarray(signal.sosfilt(around, samples), np.float64)


def stillness(bench: Bench) -> list[Part]:
    """One part: a row for each sound, a column for each method."""
    rows: list[Row] = []
    checks = []
    for name, samples in sounds().items():
        voice = Waveform(samples[:, np.newaxis], SPEECH_RATE_HZ)
        moving = {
            column: float((method(voice).curves["aperture"] > STILL).mean())
            for column, method in bench.methods.items()
        }
        rows.append((name, *moving.values()))
        text = f"{name}: lips are apart in {moving[OURS]:.3f} of the time (wanted ≤ {MOST_MOVING})"
        checks.append(Check(text, moving[OURS] <= MOST_MOVING))
    return [
        Part(
            "stillness",
            "Nothing moves for what nobody says",
            f"Share of {LENGTH_S:.0f} s of computed sounds, alone, in which the aperture is above "
            f"{STILL}; 1 is a loud open vowel.",
            ("sound", *bench.methods),
            tuple(rows),
            tuple(checks),
        )
    ]
