"""The head moves as much as its template says, nods on stress, and comes home."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from portravox.animation.breath import draw_breathing
from portravox.animation.emphasis import stresses
from portravox.animation.head import Nods, draw_score, head_motion, nodding
from portravox.animation.phrases import speech_spans
from portravox.animation.styles import STYLES
from portravox.clock import frame_count, frame_times

AXES = ("yaw_deg", "pitch_deg", "roll_deg")
ALL = (*AXES, "shift_x", "shift_y")


def head_at(curves, fps=30, template="normal", strength=0.7, seed=0):
    times_s = frame_times(frame_count(curves.duration_s, fps), fps)
    rng = np.random.default_rng(seed)
    breathing = draw_breathing(curves.duration_s, rng)
    score = draw_score(speech_spans(curves["activity"]), stresses(curves), curves.duration_s, rng)
    return times_s, head_motion(score, breathing, STYLES[template], strength, times_s)


def angles(head):
    return np.stack([getattr(head, axis) for axis in AXES], axis=1)


def fast_speed(head, fps=30):
    """95th percentile of the angular speed, degrees per second."""
    return np.percentile(np.linalg.norm(np.diff(angles(head), axis=0), axis=1) * fps, 95.0)


@pytest.mark.parametrize("seed", range(4))
def test_calm_moves_less_than_normal_and_normal_less_than_active(long_voice, seed):
    heads = [head_at(long_voice.curves, template=name, seed=seed)[1] for name in STYLES]
    for weaker, stronger in pairwise(heads):
        for name in ALL:
            assert getattr(weaker, name).std() < getattr(stronger, name).std()
        assert fast_speed(weaker) < fast_speed(stronger)


@pytest.mark.parametrize("template", STYLES)
@pytest.mark.parametrize("fps", [15, 30])
def test_speed_and_range_keep_to_the_style(long_voice, template, fps):
    style = STYLES[template]
    for strength in (0.7, 1.0):
        _, head = head_at(long_voice.curves, fps, template, strength, seed=1)
        assert np.abs(angles(head)).max() <= style.limit_deg
    _, head = head_at(long_voice.curves, fps, template, 0.7, seed=1)
    assert fast_speed(head, fps) <= style.speed_limit_deg_s
    assert angles(head)[:, 0].std() > 0.5 * style.yaw_sway_deg


def test_strength_0_is_stillness(voice):
    _, head = head_at(voice.curves, strength=0.0)
    for name in ALL:
        assert not getattr(head, name).any(), name


def test_half_the_strength_is_half_the_motion(voice):
    _, full = head_at(voice.curves, strength=0.7)
    _, half = head_at(voice.curves, strength=0.35)
    small = np.abs(angles(full)).max(axis=1) < 4.0
    assert 2.0 * angles(half)[small] == pytest.approx(angles(full)[small])


@pytest.mark.parametrize("fps", [15, 24, 25, 30])
def test_first_and_last_frame_show_the_photographs_pose(voice, fps):
    _, head = head_at(voice.curves, fps)
    for name in ALL:
        column = getattr(head, name)
        assert (column[0], column[-1]) == (0.0, 0.0)


@pytest.mark.parametrize("fps", [15, 24, 25])
def test_frame_rates_agree_at_common_times(voice, fps):
    times_s, coarse = head_at(voice.curves, fps)
    fine_s, fine = head_at(voice.curves, 30)
    common = np.isclose(times_s[:, None], fine_s, atol=1e-9)
    ours, theirs = np.nonzero(common)
    assert len(ours) > 50
    assert angles(coarse)[ours] == pytest.approx(angles(fine)[theirs], abs=1e-9)


def test_the_velocity_has_no_steps(voice):
    times_s = np.arange(0.0, 12.0, 0.001)
    curves = voice.curves
    rng = np.random.default_rng(0)
    breathing = draw_breathing(12.0, rng)
    score = draw_score(speech_spans(curves["activity"]), stresses(curves), 12.0, rng)
    head = head_motion(score, breathing, STYLES["active"], 0.7, times_s)
    velocity = np.diff(angles(head), axis=0) / 0.001
    assert np.abs(np.diff(velocity, axis=0)).max() < 1.5  # deg/s within a millisecond


def test_pauses_are_calmer_than_speech(make_voice):
    voice = make_voice(60.0, ((0.5, 20.0), (40.0, 59.5)))
    times_s, head = head_at(voice.curves, template="active")
    speed = np.abs(np.diff(head.yaw_deg)) * 30
    pause = (times_s[:-1] > 21.0) & (times_s[:-1] < 39.0)
    assert 0.0 < speed[pause].mean() < 0.6 * speed[~pause].mean()


def test_the_head_breathes_in_silence(silence):
    _, head = head_at(silence)
    assert head.pitch_deg.std() > 0.02


def test_nods_are_lowest_just_before_the_stressed_syllable(voice):
    found = stresses(voice.curves)
    spans = speech_spans(voice.curves["activity"])
    count = 0
    for seed in range(10):
        nods = draw_score(spans, found, 12.0, np.random.default_rng(seed)).nods
        lead_s = [
            (found.times_s - low_s)[np.argmin(abs(found.times_s - low_s))]
            for low_s in nods.lowest_s
        ]
        assert all(0.0 <= lead <= 0.06 for lead in lead_s)
        assert np.all(np.diff(nods.lowest_s) >= 0.6)
        count += len(lead_s)
    assert 0.4 < count / (10 * len(found.times_s)) < 0.8


def test_a_nod_goes_down_faster_than_up_and_is_over_within_its_length():
    nods = Nods(np.array([1.0]), np.array([0.4]), np.array([0.8]))
    times_s = np.arange(0.0, 2.0, 0.001)
    depth = nodding(nods, times_s)
    assert times_s[depth.argmax()] == pytest.approx(1.0, abs=0.001)
    assert depth.max() == pytest.approx(0.8, abs=1e-4)
    moving_s = times_s[depth > 1e-9]
    assert moving_s[-1] - moving_s[0] <= 0.4
    assert 1.0 - moving_s[0] < moving_s[-1] - 1.0
