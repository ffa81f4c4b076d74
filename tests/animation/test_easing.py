"""Movements start and stop gently and stay where they should."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.animation.easing import away_from_ends, minimum_jerk, raised_cosine
from portravox.clock import frame_count, frame_times
from portravox.ramps import soft_limit

PHASE = np.linspace(0.0, 1.0, 10_001)


@pytest.mark.parametrize("ease", [minimum_jerk, raised_cosine])
def test_a_movement_arrives_and_never_goes_back(ease):
    way = ease(PHASE)
    assert way[0] == 0.0
    assert way[-1] == pytest.approx(1.0, abs=1e-12)
    assert np.all(np.diff(way) >= 0.0)


def test_peak_speed_of_minimum_jerk_is_15_eighths_of_the_mean():
    speed = np.gradient(minimum_jerk(PHASE), PHASE)
    assert PHASE[speed.argmax()] == 0.5
    assert speed.max() == pytest.approx(15 / 8, abs=1e-6)


@pytest.mark.parametrize("fps", range(15, 31))
@pytest.mark.parametrize("duration_s", [0.05, 0.3, 1.0, 2.51, 7.99])
def test_first_and_last_frame_are_at_rest_at_every_frame_rate(fps, duration_s):
    times_s = frame_times(frame_count(duration_s, fps), fps)
    away = away_from_ends(times_s, duration_s)
    assert away[0] == 0.0
    assert away[-1] == 0.0


def test_the_way_back_takes_the_last_second():
    times_s = np.linspace(0.0, 5.0, 501)
    away = away_from_ends(times_s, 5.0)
    assert np.all(away[(times_s >= 0.4) & (times_s <= 4.0)] == 1.0)
    assert np.all(np.diff(away[times_s >= 4.0]) <= 0.0)


def test_soft_limit_keeps_small_values_order_and_sign_and_never_passes_the_limit():
    values = np.linspace(-50.0, 50.0, 2001)
    limited = soft_limit(values, 7.0)
    small = np.abs(values) <= 4.2
    assert np.array_equal(limited[small], values[small])
    assert np.all(np.abs(limited) <= 7.0)
    assert np.all(np.diff(limited) >= 0.0)
    assert np.array_equal(np.sign(limited), np.sign(values))
    assert np.abs(np.diff(limited, 2)).max() < 0.005  # no corner
