"""Brows rise with stressed syllables and rest otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.animation.blink import Blinks
from portravox.animation.brows import brow_motion
from portravox.animation.emphasis import Stresses
from portravox.animation.styles import STYLES

TIMES_S = np.arange(0.0, 30.0, 0.01)
OPEN = Blinks(np.zeros_like(TIMES_S), np.zeros_like(TIMES_S))
STRESSED = Stresses(np.arange(2.0, 28.0, 1.5), np.linspace(0.3, 1.0, 18))


def brows(template="normal", seed=0, stressed=STRESSED, lids=OPEN):
    rng = np.random.default_rng(seed)
    return brow_motion(stressed, lids, STYLES[template], 30.0, TIMES_S, rng)


@pytest.mark.parametrize("seed", range(5))
def test_lifts_are_some_of_the_stresses_and_as_high_as_the_style_says(seed):
    raised = brows(seed=seed).raised
    low, high = STYLES["normal"].brow_raise
    assert low < raised.max() <= high
    at_stress = np.interp(STRESSED.times_s, TIMES_S, raised)
    lifted = np.mean(at_stress > low - 1e-6)
    assert 0.1 < lifted < 0.9


def test_active_brows_rise_higher_than_calm_ones():
    highest = [brows(name).raised.max() for name in STYLES]
    assert highest[0] < highest[1] < highest[2]


def test_brows_rise_within_150_to_300_ms():
    one = Stresses(np.array([10.0]), np.array([1.0]))
    lifts = [brows(seed=seed, stressed=one).raised for seed in range(20)]
    lifts = [raised for raised in lifts if raised.any()]
    assert lifts
    for raised in lifts:
        onset_s = TIMES_S[np.argmax(raised > 0.0)]
        assert 0.14 <= 10.0 - onset_s <= 0.31
        assert raised[1000] == pytest.approx(raised.max())


def test_without_stress_and_blinks_brows_rest():
    still = brows(stressed=Stresses(np.zeros(0), np.zeros(0)))
    assert not still.raised.any()
    assert not still.lowered.any()


def test_a_blink_lowers_the_brows_a_little():
    shut = Blinks(np.ones_like(TIMES_S), np.ones_like(TIMES_S))
    lowered = brows(lids=shut).lowered
    assert np.all((lowered > 0.0) & (lowered < 0.1))
