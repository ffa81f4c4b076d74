"""Made-up voices: articulation curves whose every event is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from portravox.arrays import Float32, Float64
from portravox.articulation.curves import CHANNELS, CURVE_RATE_HZ, ArticulationCurves

SYLLABLE_S = 0.2
"""Five syllables a second: ordinary speech."""

CLOSURE_S = 0.07


@dataclass(frozen=True)
class MadeUpVoice:
    """Curves and where their events lie."""

    curves: ArticulationCurves
    spans: tuple[tuple[float, float], ...]
    closures: tuple[tuple[float, float], ...]
    stressed_s: tuple[float, ...]


def _curves_from(duration_s: float, **channels: Float64) -> ArticulationCurves:
    """Curves with the channels given and all others silent."""
    rows = int(np.ceil(duration_s * CURVE_RATE_HZ - 1e-9))
    values: Float32 = np.zeros((rows, len(CHANNELS)), dtype=np.float32)
    values[:, CHANNELS.index("loudness")] = -40.0
    for name, column in channels.items():
        values[:, CHANNELS.index(name)] = column
    return ArticulationCurves(values, duration_s)


def _rows_s(duration_s: float) -> Float64:
    """The middles of the rows."""
    return (np.arange(int(np.ceil(duration_s * CURVE_RATE_HZ - 1e-9))) + 0.5) / CURVE_RATE_HZ


def _make_voice(
    duration_s: float = 12.0,
    spans: tuple[tuple[float, float], ...] | None = None,
    *,
    stress_every: int = 5,
    closure_every: int = 2,
    seed: int = 1,
) -> MadeUpVoice:
    """Syllables of 200 ms inside the spans.

    Each is a bump of aperture, jaw and loudness; each closure_every-th begins with a closure
    of 70 ms, each stress_every-th is 8 dB louder and 4 semitones higher.
    """
    if spans is None:
        edges = np.arange(0.4, duration_s - 1.0, 3.0)
        spans = tuple((float(a), float(min(a + 2.4, duration_s - 0.4))) for a in edges)
    t = _rows_s(duration_s)
    rng = np.random.default_rng(seed)
    channel = {name: np.zeros(len(t)) for name in CHANNELS}
    channel["loudness"][:] = -40.0
    closures: list[tuple[float, float]] = []
    stressed: list[float] = []
    number = 0
    for start, end in spans:
        channel["activity"][(t >= start) & (t < end)] = 1.0
        for onset in np.arange(start, end - SYLLABLE_S + 1e-6, SYLLABLE_S):
            here = (t >= onset) & (t < onset + SYLLABLE_S)
            bump = np.sin(np.pi * (t[here] - onset) / SYLLABLE_S)
            size = rng.uniform(0.5, 0.9)
            channel["aperture"][here] = size * bump
            channel["jaw"][here] = 0.6 * size * bump
            vowel = "spread" if number % 3 == 0 else "rounding"
            channel[vowel][here] = 0.6 * bump
            loud = -9.0 + 6.0 * bump
            if number % stress_every == stress_every - 1:
                loud += 8.0 * bump
                channel["pitch"][here] = 4.0 * bump
                stressed.append(float(onset + SYLLABLE_S / 2))
            else:
                channel["pitch"][here] = rng.uniform(-1.0, 1.0)
            channel["loudness"][here] = loud
            if number % closure_every == closure_every - 1:
                shut = (t >= onset - CLOSURE_S / 2) & (t < onset + CLOSURE_S / 2)
                channel["closure"][shut] = 0.9
                channel["aperture"][shut] = 0.0
                closures.append((float(onset - CLOSURE_S / 2), float(onset + CLOSURE_S / 2)))
            number += 1
    curves = _curves_from(duration_s, **channel)
    return MadeUpVoice(curves, spans, tuple(closures), tuple(stressed))


@pytest.fixture(scope="session")
def make_voice() -> Callable[..., MadeUpVoice]:
    """make_voice(duration_s, spans, stress_every=, closure_every=) -> MadeUpVoice."""
    return _make_voice


@pytest.fixture(scope="session")
def curves_from() -> Callable[..., ArticulationCurves]:
    """curves_from(duration_s, aperture=..., ...) -> curves with only these channels."""
    return _curves_from


@pytest.fixture(scope="session")
def voice() -> MadeUpVoice:
    """12 seconds: phrases of 2.4 s with pauses of 0.6 s between."""
    return _make_voice()


@pytest.fixture(scope="session")
def long_voice() -> MadeUpVoice:
    """A minute, for statistics."""
    return _make_voice(60.0)


@pytest.fixture(scope="session")
def silence() -> ArticulationCurves:
    return _curves_from(6.0)
