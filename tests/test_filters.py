from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from portravox.filters import (
    gaussian_mean,
    moving_mean,
    without_short_gaps,
    without_short_segments,
)

LENGTHS = (1, 2, 7, 300)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("rows", [1, 4, 5, 25])
def test_moving_mean_is_that_of_scipy(length: int, rows: int) -> None:
    values = np.random.default_rng(rows).normal(size=(length, 3))
    wanted = ndimage.uniform_filter1d(values, rows, axis=0, mode="nearest")
    np.testing.assert_allclose(moving_mean(values, rows), wanted, atol=1e-12)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("sigma", [0.3, 2.0, 100.0])
def test_bell_is_that_of_scipy(length: int, sigma: float) -> None:
    values = np.random.default_rng(length).normal(size=length)
    wanted = ndimage.gaussian_filter1d(values, sigma, mode="nearest")
    np.testing.assert_allclose(gaussian_mean(values, sigma), wanted, atol=1e-12)


@pytest.mark.parametrize("rows", [1, 2, 5, 15])
def test_short_segments_and_gaps_go_as_by_opening_and_closing(rows: int) -> None:
    rng = np.random.default_rng(rows)
    for share in (0.2, 0.5, 0.9):
        mask = rng.random(200) < share
        opened = ndimage.binary_opening(mask, np.ones(rows))
        closed = ndimage.binary_closing(np.pad(mask, rows), np.ones(rows))[rows:-rows]
        assert np.array_equal(without_short_segments(mask, rows), opened)
        assert np.array_equal(without_short_gaps(mask, rows), closed)


def test_quiet_rows_after_loud_ones_keep_their_precision() -> None:
    values = np.concatenate([np.full(50, 1e6), np.full(50, 1e-12)])
    assert moving_mean(values, 5)[60:] == pytest.approx(1e-12, rel=1e-9)


def test_nothing_stays_nothing() -> None:
    nothing = np.zeros(0, np.float32)
    assert len(moving_mean(nothing, 5)) == len(gaussian_mean(nothing, 2.0)) == 0
    assert len(without_short_gaps(nothing > 0, 3)) == 0
