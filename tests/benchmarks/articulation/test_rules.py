"""Articulation by rule still finds what it once did: made-up vowels, syllables of p, hiss."""

import numpy as np
import pytest
from scipy import signal

from benchmarks.articulation.rules.curves import curves_from_features
from benchmarks.articulation.rules.features import rule_features
from portravox.media.waveform import Waveform

RATE_HZ = 16_000
FORMANTS_HZ = {"a": (730, 1290, 2440), "i": (280, 2250, 2900), "u": (310, 750, 2300)}
"""Roughly those of Peterson & Barney, J. Acoust. Soc. Am. 24, 1952."""

PAUSE = np.zeros(RATE_HZ // 3)


def vowel(name, duration_s):
    pulses = np.zeros(round(duration_s * RATE_HZ))
    pulses[:: RATE_HZ // 120] = 1.0
    sound = signal.lfilter([1.0], [1.0, -0.96], pulses)
    for formant_hz in FORMANTS_HZ[name]:
        radius = np.exp(-np.pi * 100.0 / RATE_HZ)
        swing = -2.0 * radius * np.cos(2.0 * np.pi * formant_hz / RATE_HZ)
        sound = signal.lfilter([1.0 + swing + radius**2], [1.0, swing, radius**2], sound)
    sound *= np.minimum(1.0, np.minimum(np.arange(len(sound)), np.arange(len(sound))[::-1]) / 160)
    return 0.3 * sound / np.abs(sound).max()


def curves_of(*parts):
    samples = np.concatenate(parts)
    samples = samples + np.random.default_rng(0).normal(0.0, 1e-4, len(samples))
    return curves_from_features(
        rule_features(Waveform(samples.astype(np.float32)[:, np.newaxis], RATE_HZ))
    )


@pytest.fixture(scope="module")
def vowels():
    """Curves at the middle of a, i and u, each 0.4 s with a third of a second around it."""
    curves = curves_of(*(part for name in "aiu" for part in (PAUSE, vowel(name, 0.4))), PAUSE)
    rows = {name: round(100 * (1 / 3 + 0.2 + n * (1 / 3 + 0.4))) for n, name in enumerate("aiu")}
    channels = ("aperture", "spread", "rounding")
    return {name: {c: float(curves[c][row]) for c in channels} for name, row in rows.items()}


def test_a_is_wider_open_than_i_and_u(vowels):
    assert vowels["a"]["aperture"] > 1.3 * max(vowels["i"]["aperture"], vowels["u"]["aperture"])


def test_i_spreads_and_u_rounds_the_lips(vowels):
    assert vowels["i"]["spread"] > 0.5 > vowels["u"]["spread"]
    assert vowels["u"]["rounding"] > 0.5 > vowels["i"]["rounding"]


def test_lips_shut_before_each_weak_low_burst_and_not_before_hiss():
    rng = np.random.default_rng(11)

    def syllables(burst_hz, strength):
        band = signal.butter(2, burst_hz, "bandpass", fs=RATE_HZ)
        parts = [PAUSE, vowel("a", 0.2)]
        for _ in range(4):
            sound = vowel("a", 0.2)
            burst = signal.lfilter(*band, rng.normal(0.0, 1.0, 192))
            sound[:192] += strength * burst / burst.std()
            parts += [np.zeros(RATE_HZ * 8 // 100), sound]
        return curves_of(*parts, PAUSE)

    def lip_closures(curves):
        shut = curves["closure"] >= 0.5
        return int((shut[1:] & ~shut[:-1]).sum())

    assert lip_closures(syllables((200.0, 1000.0), 0.05)) == 4
    assert lip_closures(syllables((4000.0, 7000.0), 0.15)) == 0


def test_silence_moves_nothing():
    curves = curves_of(np.zeros(RATE_HZ))
    assert curves["aperture"].max() == 0.0
    assert curves["closure"].max() == 0.0
