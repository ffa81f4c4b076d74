import numpy as np
import pytest
from scipy import signal

from portravox.articulation.spectral import ramp, raw_curves
from portravox.speech.features import speech_features

VOWEL_S, PAUSE_S = 0.4, 0.3


@pytest.fixture(scope="module")
def curves(vowel, mono):
    """Raw curves of a, i, u, s, one after the other, at the middle of each."""
    rng = np.random.default_rng(4)
    hiss = signal.lfilter(
        *signal.butter(2, [4500.0, 7500.0], "bandpass", fs=16_000), rng.normal(0.0, 1.0, 6_400)
    )
    pause = np.zeros(round(PAUSE_S * 16_000))
    sounds = [vowel("a", VOWEL_S), vowel("i", VOWEL_S), vowel("u", VOWEL_S), 0.05 * hiss]
    parts = [part for sound in sounds for part in (pause, sound)]
    raw = raw_curves(speech_features(mono(np.concatenate([*parts, pause]))))
    middles = {
        name: round(100 * (PAUSE_S + VOWEL_S / 2 + n * (PAUSE_S + VOWEL_S)))
        for n, name in enumerate("aius")
    }
    return {
        name: {channel: getattr(raw, channel)[row] for channel in raw.__slots__}
        for name, row in middles.items()
    }


def test_a_is_wider_open_than_i_and_u(curves):
    assert curves["a"]["aperture"] > 0.6
    assert curves["a"]["aperture"] > 1.5 * curves["i"]["aperture"]
    assert curves["a"]["aperture"] > 1.5 * curves["u"]["aperture"]
    assert curves["a"]["jaw"] > 1.5 * max(curves["i"]["jaw"], curves["u"]["jaw"])


def test_i_spreads_and_u_rounds_the_lips(curves):
    assert curves["i"]["spread"] > 0.6
    assert curves["u"]["spread"] < 0.1
    assert curves["u"]["rounding"] > 0.6
    assert curves["i"]["rounding"] < 0.1
    assert curves["a"]["rounding"] < 0.3


def test_s_keeps_the_teeth_together_however_loud(curves):
    assert curves["s"]["jaw"] < 0.1
    assert curves["s"]["aperture"] <= 0.2 + 1e-6
    assert curves["s"]["spread"] > 0.3


def test_all_stay_within_0_and_1(papapa, mono):
    raw = raw_curves(speech_features(mono(papapa.samples)))
    for channel in raw.__slots__:
        assert 0.0 <= getattr(raw, channel).min() <= getattr(raw, channel).max() <= 1.0


def test_a_ramp_may_fall():
    level = np.array([-30.0, -20.0, -10.0, 0.0], dtype=np.float32)
    assert np.allclose(ramp(level, -20.0, -10.0), [0.0, 0.0, 1.0, 1.0])
    assert np.allclose(ramp(level, 0.0, -20.0), [1.0, 1.0, 0.5, 0.0])
