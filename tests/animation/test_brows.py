"""Brows rise with stressed syllables, keep a setting per phrase, and rest otherwise."""

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
NO_STRESS = Stresses(np.zeros(0), np.zeros(0))
SILENT = np.zeros((0, 2))
SPOKEN = np.array([[2.0, 12.0], [16.0, 28.0]])
MONOTONE = np.zeros_like(TIMES_S)


def brows(template="normal", seed=0, stressed=STRESSED, lids=OPEN, spans=SILENT, melody=MONOTONE):
    rng = np.random.default_rng(seed)
    return brow_motion(stressed, spans, melody, lids, STYLES[template], 30.0, TIMES_S, rng)


@pytest.mark.parametrize("seed", range(5))
def test_lifts_are_some_of_the_stresses_and_as_high_as_the_style_says(seed):
    raised = brows(seed=seed).raised
    low, high = STYLES["normal"].brow_raise
    assert 0.4 * low < raised.max() <= high
    at_stress = np.interp(STRESSED.times_s, TIMES_S, raised)
    lifted = np.mean(at_stress > 0.4 * low - 1e-6)
    assert 0.1 < lifted < 0.9


@pytest.mark.parametrize("seed", range(3))
def test_active_brows_move_more_than_calm_ones(seed):
    melody = np.sin(TIMES_S)
    spreads = []
    for template in STYLES:
        motion = brows(template, seed, spans=SPOKEN, melody=melody)
        spreads.append((motion.raised - motion.lowered).std())
    assert spreads[0] < spreads[1] < spreads[2]


def test_brows_rise_within_150_to_300_ms():
    one = Stresses(np.array([10.0]), np.array([1.0]))
    lifts = [brows(seed=seed, stressed=one).raised for seed in range(20)]
    lifts = [raised for raised in lifts if raised.any()]
    assert lifts
    for raised in lifts:
        onset_s = TIMES_S[np.argmax(raised > 0.0)]
        assert 0.14 <= 10.0 - onset_s <= 0.31
        assert raised[1000] == pytest.approx(raised.max())


def test_lifts_are_not_all_alike():
    raised = brows().raised
    tops = raised[1:-1][(raised[1:-1] > raised[:-2]) & (raised[1:-1] >= raised[2:])]
    assert len(tops) > 4
    assert tops.std() > 0.15 * tops.mean()


def test_one_brow_is_lifted_higher_than_the_other_and_never_sinks():
    for seed in range(5):
        motion = brows(seed=seed)
        assert np.all(np.abs(motion.skew) <= 0.5 * motion.raised + 1e-9)
    assert any(brows(seed=seed).skew.any() for seed in range(5))


def test_the_eyes_widen_with_the_brows():
    motion = brows()
    assert np.corrcoef(motion.eye_wide, motion.raised)[0, 1] > 0.99
    assert np.all(motion.eye_wide <= motion.raised)


def test_brows_follow_the_melody():
    melody = 0.8 * np.sin(2 * np.pi * 0.3 * TIMES_S)
    motion = brows(stressed=NO_STRESS, melody=melody)
    level = motion.raised - motion.lowered
    assert np.corrcoef(level, melody)[0, 1] > 0.95
    assert level.max() == pytest.approx(0.8 * STYLES["normal"].brow_follow, rel=0.01)


def test_each_phrase_has_a_setting_of_its_own_and_pauses_have_none():
    motion = brows(stressed=NO_STRESS, spans=SPOKEN)
    level = motion.raised - motion.lowered
    assert level[(TIMES_S > 3.0) & (TIMES_S < 11.0)].std() > 0.02
    assert not level[(TIMES_S > 12.6) & (TIMES_S < 15.2)].any()


def test_brows_that_draw_together_bring_up_the_lower_lids():
    motion = brows(stressed=NO_STRESS, melody=-np.ones_like(TIMES_S))
    assert motion.squint.max() > 0.0
    assert motion.squint == pytest.approx(0.45 * motion.lowered)


def test_without_stress_speech_and_blinks_brows_rest():
    still = brows(stressed=NO_STRESS)
    for part in (still.raised, still.lowered, still.skew, still.eye_wide, still.squint):
        assert not part.any()


def test_a_blink_lowers_the_brows_a_little():
    shut = Blinks(np.ones_like(TIMES_S), np.ones_like(TIMES_S))
    lowered = brows(stressed=NO_STRESS, lids=shut).lowered
    assert np.all((lowered > 0.0) & (lowered < 0.1))
