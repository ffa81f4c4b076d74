"""Breathing is at an adult's pace, starts and stops without a jolt and never holds."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.animation.breath import draw_breathing


@pytest.mark.parametrize("seed", range(5))
def test_12_to_18_breaths_a_minute_within_0_and_1(seed):
    breathing = draw_breathing(60.0, np.random.default_rng(seed))
    times_s = np.arange(0.0, 60.0, 0.01)
    risen = breathing.at(times_s)
    crests = np.sum((risen[1:-1] > risen[:-2]) & (risen[1:-1] >= risen[2:]) & (risen[1:-1] > 0.5))
    assert 11 <= crests <= 18
    assert risen.min() >= -1e-12
    assert risen.max() <= 1.0
    assert np.abs(np.gradient(risen, times_s)).max() < 2.0
    assert risen[0] == 0.0


def test_breaths_cover_any_length():
    for duration_s in (0.1, 1.0, 180.0):
        breathing = draw_breathing(duration_s, np.random.default_rng(0))
        assert breathing.starts_s[-1] >= duration_s
