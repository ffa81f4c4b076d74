"""Drifts wander within their band around zero."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.animation.drift import draw_drift


@pytest.mark.parametrize("seed", range(5))
def test_mean_is_0_deviation_1_and_frequencies_keep_to_the_band(seed):
    drift = draw_drift((0.08, 0.5), np.random.default_rng(seed))
    wander = drift.at(np.arange(0.0, 4000.0, 0.1))
    assert wander.mean() == pytest.approx(0.0, abs=0.02)
    assert wander.std() == pytest.approx(1.0, abs=0.05)
    assert np.all((drift.frequencies_hz >= 0.08) & (drift.frequencies_hz <= 0.5))
