"""What the endurance run measures lips against sound by."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.live_endurance import MOST_LAG, Hour, lag_frames, slope_mb_per_hour


@pytest.mark.parametrize("lag", [-2.0, 0.0, 0.5, 3.0])
def test_the_lag_of_one_curve_behind_another_is_found_between_frames(lag: float) -> None:
    at = np.arange(120.0)
    tones = np.array([7.0, 11.0, 23.0])[:, np.newaxis]
    louds = 5_000.0 + 1_000.0 * np.sin(2.0 * np.pi * at / tones).sum(axis=0)
    gaps = 0.1 + 0.02 * np.sin(2.0 * np.pi * (at - lag) / tones).sum(axis=0)
    assert lag_frames(gaps, louds) == pytest.approx(lag, abs=0.1)


def test_silence_and_too_little_have_no_lag() -> None:
    assert lag_frames(np.zeros(120), np.full(120, 5_000.0)) is None
    assert lag_frames(np.ones(3 * MOST_LAG), np.ones(3 * MOST_LAG)) is None


def test_memory_is_judged_after_the_first_hour() -> None:
    hours = [Hour(memory_mb=[100.0, 300.0]), *(Hour(memory_mb=[400.0 + n] * 2) for n in range(3))]
    slope = slope_mb_per_hour(hours)
    assert slope is not None and 0.8 < slope < 1.2
    assert slope_mb_per_hour(hours[:1]) is None
