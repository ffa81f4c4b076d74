"""The mouth shuts when the voice does, opens with it, and is still without it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from portravox.animation.lips import LipMotion, lip_motion
from portravox.clock import frame_count, frame_times

COLUMNS = LipMotion.__slots__


def lips_at(curves, fps, strength=1.0):
    times_s = frame_times(frame_count(curves.duration_s, fps), fps)
    return times_s, lip_motion(curves, strength, times_s, fps)


@pytest.mark.parametrize("fps", range(15, 31))
def test_every_closure_shows_a_frame_with_pressed_shut_lips(voice, fps):
    times_s, lips = lips_at(voice.curves, fps)
    for start_s, end_s in voice.closures:
        near = (times_s >= start_s - 0.5 / fps - 0.03) & (times_s <= end_s + 0.5 / fps)
        shut = near & (lips.lip_gap == 0.0)
        assert shut.any()
        assert lips.lip_press[shut].max() >= 0.6


@pytest.mark.parametrize("fps", [15, 24, 25, 30])
def test_the_lips_part_again_between_closures(voice, fps):
    times_s, lips = lips_at(voice.curves, fps)
    middles_s = [0.5 * (a + b) for a, b in voice.closures]
    for here_s, next_s in pairwise(middles_s):
        if next_s - here_s < 0.5:
            between = (times_s > here_s) & (times_s < next_s)
            assert lips.lip_gap[between].max() > 0.08


@pytest.mark.parametrize("fps", [15, 24, 30])
@pytest.mark.parametrize("length_s", [0.01, 0.03])
def test_even_the_shortest_closure_is_seen_wherever_it_falls(curves_from, fps, length_s):
    t = (np.arange(300) + 0.5) / 100.0
    for start_s in np.arange(1.0, 1.1, 0.01):
        shut = (t > start_s) & (t < start_s + length_s)
        curves = curves_from(
            3.0,
            activity=(t > 0.5) & (t < 2.5),
            aperture=np.where(shut, 0.0, 0.6),
            loudness=np.zeros(300),
            closure=0.8 * shut,
        )
        times_s, lips = lips_at(curves, fps)
        assert np.sum((lips.lip_gap == 0.0) & (abs(times_s - start_s) < 0.1)) >= 1


def test_corners_rest_in_an_open_vowel_and_part_in_a_spread_one(curves_from):
    t = (np.arange(300) + 0.5) / 100.0
    speaking = {"activity": (t > 0.5) & (t < 2.5), "loudness": np.zeros(300)}
    times_s = frame_times(frame_count(3.0, 25), 25)
    middle = (times_s > 1.2) & (times_s < 1.8)

    def said(spread):
        curves = curves_from(
            3.0, aperture=np.full(300, 0.6), spread=np.full(300, spread), **speaking
        )
        return lip_motion(curves, 1.0, times_s, 25)

    open_vowel, spread_vowel = said(0.45), said(0.8)
    assert open_vowel.lip_wide[middle].max() < 0.01
    assert spread_vowel.lip_wide[middle].min() > 0.9
    # the lower lip stays before the lower teeth
    assert spread_vowel.lip_gap[middle].max() < open_vowel.lip_gap[middle].min()


def test_lips_are_pressed_only_when_together(voice):
    _, lips = lips_at(voice.curves, 30)
    assert np.all(lips.lip_gap[lips.lip_press > 0.0] < 0.08)


def test_no_opening_is_faster_than_80_ms_and_no_closing_faster_than_60(voice):
    times_s = np.arange(0.0, 12.0, 0.001)
    lips = lip_motion(voice.curves, 1.0, times_s, 1000)
    speed = np.diff(lips.lip_gap) / 0.001
    assert speed.max() <= 0.34 / 0.08 + 0.01
    assert speed.min() >= -0.34 / 0.06 - 0.01


def test_strength_0_moves_nothing(voice):
    _, lips = lips_at(voice.curves, 24, strength=0.0)
    for name in COLUMNS:
        assert not getattr(lips, name).any(), name


def test_opening_grows_with_strength_and_in_proportion_below_the_limit(voice):
    gaps = [lips_at(voice.curves, 24, strength)[1].lip_gap for strength in (0.3, 0.6, 1.0, 1.5)]
    for weaker, stronger in pairwise(gaps):
        assert np.all(weaker <= stronger + 1e-12)
    assert gaps[1] == pytest.approx(2.0 * gaps[0])
    assert gaps[3].max() <= 0.5


def test_the_mouth_is_still_in_a_silent_gap_and_back_at_the_photograph(make_voice):
    voice = make_voice(8.0, ((0.5, 2.5), (6.0, 7.5)))
    times_s, lips = lips_at(voice.curves, 30)
    gap = (times_s > 2.5 + 0.5) & (times_s < 6.0 - 0.25)
    for name in COLUMNS:
        assert not getattr(lips, name)[gap].any(), name


def test_noise_without_activity_moves_nothing(curves_from):
    rng = np.random.default_rng(3)
    noise = {name: rng.uniform(0, 1, 500) for name in ("jaw", "aperture", "spread", "closure")}
    _, lips = lips_at(curves_from(5.0, activity=rng.uniform(0, 0.3, 500), **noise), 30)
    for name in COLUMNS:
        assert not getattr(lips, name).any(), name


@pytest.mark.parametrize(("pause_s", "lowest"), [(0.2, 1.0), (0.38, 0.9), (1.2, 0.0)])
def test_short_pauses_keep_the_mouth_from_the_photograph(make_voice, pause_s, lowest):
    voice = make_voice(6.0, ((0.5, 2.5), (2.5 + pause_s, 5.5)))
    times_s, lips = lips_at(voice.curves, 30)
    pause = (times_s > 2.5) & (times_s < 2.5 + pause_s)
    assert lowest <= lips.speech[pause].min() <= lowest + 0.1
    # Whether or not the photograph comes back, the lips come together in pauses.
    assert lips.lip_gap[pause].min() < 0.06


@pytest.mark.parametrize("fps", [15, 24, 25, 30])
def test_a_frame_before_the_first_sound_shows_parted_lips(make_voice, fps):
    # onsets anywhere between two frames, after a pause and at the beginning
    for late_s in np.arange(0.0, 0.07, 0.01):
        starts_s = (0.5 + late_s, 2.0 + late_s)
        spans = tuple((start_s, start_s + 1.0) for start_s in starts_s)
        voice = make_voice(3.5, spans, closure_every=100)
        times_s, lips = lips_at(voice.curves, fps)
        for start_s in starts_s:
            before = (times_s > start_s - 0.15) & (times_s <= start_s)
            assert lips.lip_gap[before].max() > 0.0
            assert not lips.lip_gap[(times_s > start_s - 0.4) & (times_s < start_s - 0.15)].any()


@pytest.mark.parametrize("fps", range(15, 31))
def test_shut_lips_are_never_seen_more_than_20_ms_after_they_are_heard(curves_from, fps):
    t = (np.arange(200) + 0.5) / 100.0
    for start_s in np.arange(1.0, 1.07, 0.01):
        shut = (t > start_s) & (t < start_s + 0.06)
        curves = curves_from(
            2.0,
            activity=(t > 0.3) & (t < 1.8),
            aperture=np.where(shut, 0.0, 0.6),
            loudness=np.zeros(200),
            closure=shut,
        )
        times_s, lips = lips_at(curves, fps)
        first_s = times_s[(lips.lip_gap == 0.0) & (abs(times_s - start_s) < 0.3)][0]
        # a frame stands until the next: some of it has to be seen by the release at the latest
        assert start_s - 0.04 - 1.0 / fps <= first_s <= start_s + 0.06 + 0.02


@pytest.mark.parametrize("fps", [15, 24, 30])
def test_even_a_short_f_shows_the_teeth_wherever_it_falls(curves_from, fps):
    t = (np.arange(300) + 0.5) / 100.0
    for start_s in np.arange(1.0, 1.1, 0.01):
        bitten = (t > start_s) & (t < start_s + 0.06)
        slopes = np.interp(
            t, (start_s - 0.04, start_s, start_s + 0.06, start_s + 0.09), (0, 1, 1, 0)
        )
        curves = curves_from(
            3.0,
            activity=(t > 0.5) & (t < 2.5),
            aperture=np.where(bitten, 0.1, 0.6),
            loudness=np.zeros(300),
            labiodental=slopes,
        )
        times_s, lips = lips_at(curves, fps)
        near = abs(times_s - start_s) < 0.15
        frame = np.flatnonzero(near)[lips.lip_teeth[near].argmax()]
        assert lips.lip_teeth[frame] > 0.6
        assert lips.lip_gap[frame] < 0.1


def test_the_mouth_opens_60_to_120_ms_before_the_first_sound(make_voice):
    voice = make_voice(4.0, ((1.0, 3.0),), closure_every=100)
    times_s = np.arange(0.0, 4.0, 0.001)
    lips = lip_motion(voice.curves, 1.0, times_s, 30)
    opened_s = times_s[np.argmax(lips.lip_gap > 0.005)]
    assert 0.06 <= 1.0 - opened_s <= 0.12
    # before that it gathers: a smile has to be gone when the first sound shuts the lips
    gathered_s = times_s[np.argmax(lips.speech > 0.005)]
    assert 0.1 <= 1.0 - gathered_s <= 0.3


@pytest.mark.parametrize("fps", [15, 24, 25, 30])
def test_the_mouth_runs_0_to_40_ms_ahead_of_the_voice(long_voice, fps):
    curves = long_voice.curves
    times_s, lips = lips_at(curves, fps)
    lags_s = np.arange(-0.15, 0.15, 0.005)
    aperture = curves["aperture"]
    match = [
        np.corrcoef(lips.lip_gap, np.interp(times_s + lag_s, curves.times_s, aperture))[0, 1]
        for lag_s in lags_s
    ]
    ahead_s = lags_s[int(np.argmax(match))]
    assert 0.0 <= ahead_s <= 0.04
    assert max(match) > 0.9


def test_timing_does_not_drift_over_180_seconds(curves_from):
    t = (np.arange(18000) + 0.5) / 100.0
    clicks_s = (1.0, 179.0)
    spoken = sum(((t >= at) & (t < at + 0.3)).astype(float) for at in clicks_s)
    curves = curves_from(180.0, activity=spoken, aperture=spoken, loudness=-40.0 * (1 - spoken))
    times_s, lips = lips_at(curves, 24)
    opened_s = [
        times_s[(abs(times_s - at) < 0.5) & (lips.lip_gap > 0.1)][0] - at for at in clicks_s
    ]
    assert abs(opened_s[1] - opened_s[0]) < 1 / 24


def test_quiet_phrases_open_less_than_loud_ones(curves_from):
    t = (np.arange(400) + 0.5) / 100.0
    spoken = ((t > 0.5) & (t < 3.5)).astype(float)
    widest = []
    for level_db in (-15.0, 0.0, 10.0):
        curves = curves_from(
            4.0, activity=spoken, aperture=0.6 * spoken, loudness=level_db * spoken
        )
        widest.append(lips_at(curves, 24)[1].lip_gap.max())
    assert widest[0] == pytest.approx(0.6 * widest[1], rel=0.02)
    assert widest[2] == pytest.approx(1.25 * widest[1], rel=0.02)


def test_the_jaw_swings_less_the_faster_the_speech(curves_from):
    t = (np.arange(600) + 0.5) / 100.0
    swings = []
    for rate_hz in (2.0, 5.0, 8.0):
        wave = 0.3 - 0.3 * np.cos(2 * np.pi * rate_hz * t)
        curves = curves_from(6.0, activity=np.ones(600), jaw=wave, loudness=np.zeros(600))
        jaw = lips_at(curves, 30)[1].jaw[30:-30]
        swings.append(np.ptp(jaw))
    assert swings[0] > swings[1] > swings[2]


def test_f_and_v_show_the_teeth_through_a_narrow_gap(curves_from):
    t = (np.arange(300) + 0.5) / 100.0
    fricative = ((t > 1.4) & (t < 1.5)).astype(float)
    curves = curves_from(
        3.0,
        activity=(t > 0.5) & (t < 2.5),
        aperture=np.full(300, 0.6),
        loudness=np.zeros(300),
        labiodental=fricative,
    )
    for fps in (15, 24, 30):
        times_s, lips = lips_at(curves, fps)
        frame = np.argmin(abs(times_s + 0.02 - 1.45))
        assert lips.lip_teeth[frame] > 0.6
        assert lips.lip_gap[frame] < 0.1
        assert lips.lip_gap[np.argmin(abs(times_s - 2.0))] > 0.18


@pytest.mark.parametrize(("pause_s", "apart"), [(0.45, True), (1.2, False)])
def test_lips_wait_apart_in_short_pauses_and_rest_in_long_ones(make_voice, pause_s, apart):
    voice = make_voice(6.0, ((0.5, 2.5), (2.5 + pause_s, 5.5)))
    times_s = frame_times(frame_count(6.0, 30), 30)
    lips = lip_motion(voice.curves, 1.0, times_s, 30, parted=True)
    pause = (times_s > 2.75) & (times_s < 2.5 + pause_s - 0.12)
    assert pause.any()
    assert bool(np.all(lips.lip_gap[pause] > 0.02)) is apart
    assert lips.lip_gap[pause].max() < 0.06
    assert not lips.lip_gap[times_s > 5.9].any()


def test_lips_that_wait_apart_still_meet_for_p_b_m(voice):
    times_s = frame_times(frame_count(voice.curves.duration_s, 25), 25)
    lips = lip_motion(voice.curves, 1.0, times_s, 25, parted=True)
    for start_s, end_s in voice.closures:
        near = (times_s >= start_s - 0.05) & (times_s <= end_s + 0.02)
        assert lips.lip_gap[near].min() == 0.0
