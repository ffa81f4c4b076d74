"""The eyes stay on the camera while the head moves."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.animation.blink import Blinks
from portravox.animation.gaze import gaze_motion
from portravox.animation.head import HeadMotion
from portravox.animation.styles import STYLES
from portravox.clock import frame_times

FPS = 30
TIMES_S = frame_times(60 * FPS, FPS)
STILL = np.zeros(len(TIMES_S))
OPEN = Blinks(STILL, STILL)
NO_HEAD = HeadMotion(STILL, STILL, STILL, STILL, STILL)


def gaze(head=NO_HEAD, lids=OPEN, template="normal", seed=0):
    rng = np.random.default_rng(seed)
    return gaze_motion(head, lids, STYLES[template], 60.0, TIMES_S, rng)


def test_eyes_take_back_four_fifths_of_a_head_turn():
    turn = 5.0 * np.sin(TIMES_S)
    moved = gaze(HeadMotion(turn, 0.5 * turn, STILL, STILL, STILL))
    rest = gaze()
    assert np.all((moved.yaw_deg - rest.yaw_deg) * -np.sign(turn) >= 0.8 * np.abs(turn) - 1e-9)
    assert np.all((moved.pitch_deg - rest.pitch_deg) * -np.sign(turn) >= 0.4 * np.abs(turn) - 1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_small_shifts_are_jumps_about_the_camera(seed):
    look = gaze(seed=seed)
    size = np.hypot(look.yaw_deg, look.pitch_deg)
    assert 0.3 < size.max() < 3.0
    moving = np.abs(np.diff(look.yaw_deg)) + np.abs(np.diff(look.pitch_deg)) > 1e-6
    jumps = np.diff(np.concatenate(([0], moving, [0])))
    lengths = np.flatnonzero(jumps == -1) - np.flatnonzero(jumps == 1)
    assert lengths.max() <= 2
    assert 60 / 3.2 <= len(lengths) <= 60 / 0.8
    assert (size[0], size[-1]) == (0.0, 0.0)


def test_only_active_looks_away():
    for seed in range(3):
        away = {name: np.abs(gaze(template=name, seed=seed).yaw_deg).max() for name in STYLES}
        assert away["calm"] == away["normal"] < 3.0
    far = [
        np.hypot(g.yaw_deg, g.pitch_deg).max()
        for g in (gaze(template="active", seed=s) for s in range(5))
    ]
    assert min(far) > 2.0


def test_presenters_look_at_the_camera_nine_tenths_of_the_time():
    for template in STYLES:
        look = gaze(template=template, seed=1)
        assert np.mean(np.hypot(look.yaw_deg, look.pitch_deg) < 3.0) >= 0.9


def test_eyes_sink_under_a_falling_lid():
    shut = Blinks(np.ones_like(STILL), np.ones_like(STILL))
    sunk = gaze().pitch_deg - gaze(lids=shut).pitch_deg
    assert np.all((sunk >= 1.0) & (sunk <= 2.0))


def test_eyes_keep_within_their_range():
    wild = HeadMotion(30.0 * np.sin(TIMES_S), 30.0 * np.cos(TIMES_S), STILL, STILL, STILL)
    look = gaze(wild)
    assert np.abs(look.yaw_deg).max() == 8.0
    assert np.abs(look.pitch_deg).max() == 5.0
