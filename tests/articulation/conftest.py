"""Made-up syllables: a glottal buzz through the resonances of vowels, with gaps and bursts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import signal

from portravox.arrays import Float64
from portravox.articulation.acoustic_model import ACOUSTIC_CHANNELS, AcousticOutput
from portravox.articulation.phones import PHONE_CLASSES
from portravox.media.waveform import Waveform

RATE_HZ = 16_000

FORMANTS_HZ = {
    "a": (730.0, 1290.0, 2440.0, 3400.0),
    "i": (280.0, 2250.0, 2900.0, 3600.0),
    "u": (310.0, 750.0, 2300.0, 3300.0),
}
"""First four resonances, roughly those of Peterson & Barney, J. Acoust. Soc. Am. 24, 1952."""

BANDWIDTHS_HZ = (80.0, 100.0, 160.0, 250.0)


def _vowel(name: str, duration_s: float, pitch_hz: float = 120.0) -> Float64:
    """A vowel with slight vibrato and 10 ms fades, peaking at 0.3."""
    times_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    turns = np.cumsum(pitch_hz * (1.0 + 0.01 * np.sin(2.0 * np.pi * 3.0 * times_s))) / RATE_HZ
    pulses = (np.diff(np.floor(turns), prepend=-1.0) > 0.0).astype(np.float64)
    sound = signal.lfilter([1.0], [1.0, -0.96], pulses)
    for formant_hz, bandwidth_hz in zip(FORMANTS_HZ[name], BANDWIDTHS_HZ, strict=True):
        radius = np.exp(-np.pi * bandwidth_hz / RATE_HZ)
        swing = -2.0 * radius * np.cos(2.0 * np.pi * formant_hz / RATE_HZ)
        sound = signal.lfilter([1.0 + swing + radius**2], [1.0, swing, radius**2], sound)
    fade = np.minimum(np.minimum(times_s, times_s[::-1]) / 0.01, 1.0)
    return 0.3 * sound / np.abs(sound).max() * fade


@dataclass(frozen=True)
class Babble:
    """Syllables and where their consonants are let go."""

    samples: Float64
    releases_s: tuple[float, ...]


def _babble(burst_hz: tuple[float, float], strength: float, syllables: int = 6) -> Babble:
    """Vowels of 200 ms with silent gaps of 80 ms, each let go with a noise burst of 12 ms."""
    rng = np.random.default_rng(11)
    band = signal.butter(2, burst_hz, "bandpass", fs=RATE_HZ)
    parts = [np.zeros(RATE_HZ // 2)]
    releases_s = []
    for number in range(syllables):
        sound = _vowel("a", 0.2)
        if number:
            parts.append(np.zeros(RATE_HZ * 80 // 1000))
            releases_s.append(sum(map(len, parts)) / RATE_HZ)
            burst = signal.lfilter(*band, rng.normal(0.0, 1.0, RATE_HZ * 12 // 1000))
            sound[: len(burst)] += strength * burst / burst.std()
        parts.append(sound)
    samples = np.concatenate([*parts, np.zeros(RATE_HZ // 2)])
    return Babble(samples + rng.normal(0.0, 1e-4, len(samples)), tuple(releases_s))


def _mono(samples: Float64, rate_hz: int = RATE_HZ) -> Waveform:
    return Waveform(np.asarray(samples, dtype=np.float32).reshape(-1, 1), rate_hz)


def _make_acoustic(rows: int, **phones: list[tuple[int, int, float]]) -> AcousticOutput:
    """What a network would say of a held /a/ with these phones in it.

    phones  name of a class -> (first row, row behind the last, probability) of each
    """
    curves = np.zeros((rows, len(ACOUSTIC_CHANNELS)), dtype=np.float32)
    curves[:, [ACOUSTIC_CHANNELS.index("jaw"), ACOUSTIC_CHANNELS.index("aperture")]] = 0.6
    classes = np.zeros((rows, len(PHONE_CLASSES)), dtype=np.float32)
    for name, places in phones.items():
        contact = {"p": "closure", "b": "closure", "m": "closure"}.get(name, "labiodental")
        for first, stop, probability in places:
            classes[first:stop, PHONE_CLASSES.index(name)] = probability
            if name in "pbmfv":
                curves[first:stop, ACOUSTIC_CHANNELS.index(contact)] = probability
    classes[:, PHONE_CLASSES.index("a")] += np.maximum(0.0, 1.0 - classes.sum(axis=1))
    ones = np.ones(rows, dtype=np.float32)
    return AcousticOutput(curves, classes, speech=ones)


@pytest.fixture(scope="session")
def make_acoustic() -> Callable[..., AcousticOutput]:
    """(rows, p=[(first, stop, probability)], ...) -> AcousticOutput."""
    return _make_acoustic


@pytest.fixture(scope="session")
def vowel() -> Callable[..., Float64]:
    """(name, duration_s, pitch_hz=120) -> samples."""
    return _vowel


@pytest.fixture(scope="session")
def mono() -> Callable[..., Waveform]:
    """(samples, rate_hz=16000) -> Waveform of one channel."""
    return _mono


@pytest.fixture(scope="session")
def papapa() -> Babble:
    """Released with a weak burst of low frequency, as p is."""
    return _babble((200.0, 1000.0), 0.05)
