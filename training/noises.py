"""Noises: what else is in recordings, as mel power, ready to be added to voices.

Flow      training.features -> noises -> training.augment

All made here, none recorded: coloured noise, hum, clicks, music of struck and held tones with
drums, and babble of the corpus's own voices.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import signal

from portravox.arrays import Float32, Float64
from portravox.speech.mel import mel_power
from training.utterance import RATE_HZ

LENGTH_S = 30
ROWS = LENGTH_S * 100
_COUNT = LENGTH_S * RATE_HZ

STEADY = 3
"""So many of the bank's first pieces are steady noise."""


def bank(seed: int) -> list[Float32]:
    """Pieces of LENGTH_S, (ROWS, BANDS) each, of mean power 1."""
    rng = np.random.default_rng(seed)
    makers: list[Callable[[np.random.Generator], Float64]] = [white, pink, brown, hum, clicks]
    makers += [music] * 12 + [pad] * 4
    pieces = []
    for make in makers:
        sound = make(rng)
        power = mel_power(sound.astype(np.float32), ROWS)
        pieces.append((power / power.sum(axis=1).mean()).astype(np.float32))
    return pieces


def babble(spectra: list[Float32], rng: np.random.Generator) -> Float32:
    """Several voices at once: (ROWS, BANDS) of mean power 1 from mel power of many utterances."""
    total = np.zeros((ROWS, spectra[0].shape[1]), dtype=np.float32)
    for _ in range(int(rng.integers(3, 8))):
        at = 0
        while at < ROWS:
            power = spectra[int(rng.integers(len(spectra)))][: ROWS - at]
            total[at : at + len(power)] += power / max(float(power.sum(axis=1).mean()), 1e-9)
            at += len(power)
    mixed: Float32 = total / total.sum(axis=1).mean()
    return mixed


def white(rng: np.random.Generator) -> Float64:
    return rng.standard_normal(_COUNT)


def pink(rng: np.random.Generator) -> Float64:
    return _coloured(0.5, rng)


def brown(rng: np.random.Generator) -> Float64:
    return _coloured(1.0, rng)


def _coloured(slope: float, rng: np.random.Generator) -> Float64:
    spectrum = np.fft.rfft(rng.standard_normal(_COUNT))
    frequency_hz = np.maximum(np.arange(len(spectrum)) / LENGTH_S, 20.0)
    return np.fft.irfft(spectrum / frequency_hz**slope, _COUNT)


def hum(rng: np.random.Generator) -> Float64:
    """Mains and a fan."""
    times_s = np.arange(_COUNT) / RATE_HZ
    mains_hz = float(rng.choice([50.0, 60.0]))
    tones = sum(
        np.sin(2.0 * np.pi * mains_hz * k * times_s + rng.uniform(0.0, 6.3)) / k
        for k in range(1, 15)
    )
    return np.asarray(tones + 0.1 * rng.standard_normal(_COUNT))


def clicks(rng: np.random.Generator) -> Float64:
    """Keys, doors, steps over faint noise."""
    sound = 0.01 * rng.standard_normal(_COUNT)
    for _ in range(90):
        length = int(rng.integers(50, 1500))
        start = int(rng.integers(_COUNT - length))
        decay = np.exp(-5.0 * np.arange(length) / length)
        sound[start : start + length] += rng.standard_normal(length) * decay * rng.uniform(0.3, 2.0)
    return sound


_SCALE = (0, 2, 3, 4, 5, 7, 8, 9, 11)


def music(rng: np.random.Generator) -> Float64:
    """Tones with overtones, struck or held, some with drums, at 70 to 150 beats a minute."""
    sound = np.zeros(_COUNT)
    beat_s = 60.0 / rng.uniform(70.0, 150.0)
    drums = rng.random() < 0.6
    held = rng.random() < 0.4
    for onset_s in np.arange(0.0, LENGTH_S - 2.0, beat_s / 2.0):
        start = int(onset_s * RATE_HZ)
        for _ in range(int(rng.integers(1, 4))):
            root_hz = float(rng.choice([110.0, 220.0, 440.0]))
            tone_hz = root_hz * 2.0 ** (float(rng.choice(_SCALE)) / 12.0)
            tone = _tone(tone_hz, rng.uniform(0.2, 1.6), held, rng)
            sound[start : start + len(tone)] += tone[: _COUNT - start]
        if drums and rng.random() < 0.6:
            length = RATE_HZ // 8
            decay = np.exp(-rng.uniform(20.0, 60.0) * np.arange(length) / RATE_HZ)
            sound[start : start + length] += (
                rng.uniform(0.5, 3.0) * decay * rng.standard_normal(length)
            )
        if drums and rng.random() < 0.4:
            times_s = np.arange(RATE_HZ // 5) / RATE_HZ
            sweep = 2.0 * np.pi * 60.0 * times_s * (1.0 + 2.0 * np.exp(-30.0 * times_s))
            sound[start : start + len(times_s)] += 4.0 * np.sin(sweep) * np.exp(-15.0 * times_s)
    return sound


def pad(rng: np.random.Generator) -> Float64:
    """Chords held for seconds, swelling and beating like strings, organs or a choir."""
    sound = np.zeros(_COUNT)
    times_s = np.arange(_COUNT) / RATE_HZ
    onset_s = 0.0
    while onset_s < LENGTH_S:
        length_s = float(rng.uniform(1.0, 5.0))
        around = slice(int(onset_s * RATE_HZ), int((onset_s + length_s) * RATE_HZ))
        count = len(sound[around])
        root_hz = float(rng.choice([82.0, 110.0, 147.0, 196.0]))
        chord = np.zeros(count)
        for step in rng.choice(_SCALE, int(rng.integers(2, 5))):
            tone_hz = root_hz * 2.0 ** (float(step) / 12.0)
            slow_hz, depth = rng.uniform(0.3, 7.0), rng.uniform(0.0, 0.6)
            swell = 1.0 + depth * np.sin(2.0 * np.pi * slow_hz * times_s[:count])
            chord += swell * _overtones(tone_hz, times_s[:count], rng)
        sound[around] += chord * signal.windows.tukey(count, 0.3)
        onset_s += 0.8 * length_s
    return sound


def _tone(tone_hz: float, length_s: float, held: bool, rng: np.random.Generator) -> Float64:
    times_s = np.arange(int(length_s * RATE_HZ)) / RATE_HZ
    wave = _overtones(tone_hz, times_s, rng)
    shape = signal.windows.tukey(len(wave), 0.2) if held else np.exp(-rng.uniform(1, 6) * times_s)
    return np.asarray(wave * shape)


def _overtones(tone_hz: float, times_s: Float64, rng: np.random.Generator) -> Float64:
    wave = np.zeros_like(times_s)
    for overtone in range(1, 12):
        if tone_hz * overtone < 0.49 * RATE_HZ:
            wave += (
                np.sin(2.0 * np.pi * tone_hz * overtone * times_s)
                * rng.uniform(0.2, 1.0)
                / overtone
            )
    return wave
