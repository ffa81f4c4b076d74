"""Filters neither delay nor invent."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.animation.smoothing import low_pass, slowed, spread_out, weighted_smooth

ROWS_S = np.arange(1000) / 100.0


def test_gain_at_the_cutoff_is_minus_3_db_and_there_is_no_delay():
    wave = np.sin(2.0 * np.pi * 5.0 * ROWS_S)
    filtered = low_pass(wave, 5.0)[200:-200]
    wave = wave[200:-200]
    assert filtered.max() == pytest.approx(2**-0.5, rel=0.01)
    assert np.corrcoef(filtered, wave)[0, 1] == pytest.approx(1.0, abs=1e-9)


def test_a_slowed_step_takes_the_time_asked_for_and_is_down_when_the_step_is():
    step = np.where((ROWS_S > 3.0) & (ROWS_S < 6.0), 1.0, 0.0)
    slow = slowed(step, rise_s=0.08, fall_s=0.06)
    assert np.diff(slow).max() <= 0.01 / 0.08 + 1e-9
    assert np.diff(slow).min() >= -0.01 / 0.06 - 1e-9
    assert np.all(slow[step == 0.0] == 0.0)
    assert slow.max() == 1.0


def test_slowed_leaves_slow_curves_as_they_are():
    wave = 0.5 + 0.5 * np.sin(2.0 * np.pi * ROWS_S)
    assert np.allclose(slowed(wave, 0.08, 0.06), wave)


def test_spread_out_stays_above_and_eases_off_on_both_sides():
    pulse = np.where((ROWS_S > 3.0) & (ROWS_S < 3.1), 0.9, 0.0)
    wide = spread_out(pulse, 0.1)
    assert np.all(wide >= pulse - 1e-12)
    assert np.abs(np.diff(wide)).max() <= 0.1 + 1e-9


def test_rows_without_weight_do_not_count():
    weights = (ROWS_S < 5.0).astype(float)
    values = np.where(ROWS_S < 5.0, 3.0, 1000.0)
    assert weighted_smooth(values, weights, 0.2)[:500] == pytest.approx(np.full(500, 3.0))
    assert weighted_smooth(values, np.zeros(1000), 0.2).max() == 0.0
