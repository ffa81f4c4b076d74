"""Poses are reached, held and left without a jolt."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.animation.emphasis import Stresses
from portravox.animation.postures import (
    BEAT_SPACING_S,
    Postures,
    draw_beats,
    draw_postures,
)

PHRASES = np.array([[1.0, 9.0], [11.5, 19.0]])
STRESSED = Stresses(np.arange(1.2, 19.0, 0.4), np.linspace(0.2, 1.0, 45))
TIMES_S = np.arange(0.0, 22.0, 0.001)


def test_a_pose_is_held_from_when_it_is_reached():
    postures = Postures(np.array([1.0, 3.0]), np.array([0.5, 0.5]), np.array([[1.0], [-1.0]]))
    seen = postures.at(np.array([0.9, 1.0, 1.25, 1.5, 2.9, 3.25, 3.5, 9.0]))[:, 0]
    assert seen == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.0, 0.0, -1.0, -1.0])


def test_without_poses_nothing_moves():
    silent = draw_postures(np.zeros((0, 2)), 3, (1.0, 2.0), (0.4, 0.6), np.random.default_rng(0))
    assert silent.at(TIMES_S[:10]).shape == (10, 3)
    assert not silent.at(TIMES_S).any()
    calm = draw_beats(Stresses(np.zeros(0), np.zeros(0)), PHRASES, 3, np.random.default_rng(0))
    assert not calm.at(TIMES_S).any()


@pytest.mark.parametrize("seed", range(5))
def test_no_pose_is_left_before_it_is_reached(seed):
    rng = np.random.default_rng(seed)
    for drawn in (
        draw_postures(PHRASES, 3, (1.0, 2.0), (0.4, 0.6), rng),
        draw_beats(STRESSED, PHRASES, 3, rng),
    ):
        assert np.all(drawn.starts_s[1:] >= drawn.starts_s[:-1] + drawn.lengths_s[:-1] - 1e-9)
        speed = np.abs(np.diff(drawn.at(TIMES_S), axis=0))
        assert speed.max() < 0.02  # in a millisecond, of poses that lie up to 3 apart


@pytest.mark.parametrize("seed", range(5))
def test_beats_come_with_stresses_and_end_with_the_phrase(seed):
    beats = draw_beats(STRESSED, PHRASES, 2, np.random.default_rng(seed))
    for settled_s in (10.9, 21.0):
        assert not beats.at(np.array([settled_s])).any()
    moving = beats.starts_s[np.any(beats.poses != 0.0, axis=1)]
    assert len(moving) > 8
    nearest = np.abs(STRESSED.times_s - (moving[:, None] + 0.3)).min(axis=1)
    assert nearest.max() < 0.2
    assert np.diff(beats.starts_s).min() >= BEAT_SPACING_S - 1e-9
