"""A listener nods while somebody speaks to it, as listeners do, and otherwise not."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.animation.attention import Attention
from portravox.animation.head import nodding

FPS = 100


def attended(seconds, *, seed=0, heard=((0.0, np.inf),), spoken=()):
    """(T,) how low the chin is nodded and how far the brows are lifted, at 100 Hz."""
    attention = Attention(np.random.default_rng(seed))
    low, lifted = [], []
    for now_s in np.arange(int(seconds * FPS)) / FPS:
        attention.change(any(a <= now_s < b for a, b in heard), now_s)
        attention.decide(now_s, any(a <= now_s < b for a, b in spoken))
        low.append(nodding(attention.nods(now_s), np.array([now_s]))[0])
        lifted.append(attention.lifted(now_s)[0])
    return np.array(low), np.array(lifted)


def lowest(low):
    """Rows at which the chin is lowest."""
    inside = low[1:-1]
    return 1 + np.flatnonzero((inside > low[:-2]) & (inside >= low[2:]) & (inside > 0.05))


def test_nobody_who_is_not_spoken_to_nods():
    low, lifted = attended(60.0, heard=())
    assert not low.any() and not lifted.any()


def test_nods_come_several_times_a_minute_at_uneven_intervals():
    low, _ = attended(600.0)
    rows = lowest(low)
    begins = rows[np.diff(rows, prepend=-1000) > FPS]
    gaps_s = np.diff(begins) / FPS
    assert 6.0 < len(begins) / 10.0 < 13.0
    assert gaps_s.min() > 2.0 and gaps_s.max() < 20.0
    assert gaps_s.std() > 0.35 * gaps_s.mean()


def test_what_goes_down_more_than_once_does_so_at_a_nods_pace_and_less_each_time():
    low, _ = attended(900.0, seed=1)
    rows = lowest(low)
    pace_s = np.diff(rows) / FPS
    within = pace_s < 1.0
    assert np.all((pace_s[within] >= 0.29) & (pace_s[within] <= 0.43))  # 2.4 to 3.3 Hz
    assert np.all(low[rows[1:]][within] < low[rows[:-1]][within])
    share = 1.0 - within.sum() / len(rows)
    assert 0.4 < share < 0.75  # once down on the average, or twice


def test_the_chin_begins_and_ends_a_nod_at_rest_without_a_jump():
    low, _ = attended(120.0, seed=2)
    assert low.min() == 0.0
    assert np.abs(np.diff(low)).max() < 0.15


def test_the_end_of_what_is_said_is_often_nodded_to_at_once():
    answered = 0
    for seed in range(40):
        low, _ = attended(3.0, seed=seed, heard=((0.0, 1.0),))
        rows = lowest(low)
        answered += len(rows) > 0
        assert not low[: int(1.1 * FPS)].any()
        assert np.all(rows < 2.8 * FPS)
    assert 14 <= answered <= 34


def test_who_speaks_does_not_nod_to_others():
    low, _ = attended(120.0, spoken=((0.0, 120.0),))
    assert not low.any()


def test_brows_go_up_a_little_now_and_then():
    _, lifted = attended(600.0, seed=3)
    assert 0.1 < lifted.max() <= 0.22
    assert 0.005 < np.mean(lifted > 0.05) < 0.15
    assert np.abs(np.diff(lifted)).max() * FPS < 2.5


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_chance_the_same_listener(seed):
    assert np.array_equal(attended(60.0, seed=seed)[0], attended(60.0, seed=seed)[0])
    assert not np.array_equal(attended(60.0, seed=seed)[0], attended(60.0, seed=seed + 7)[0])
