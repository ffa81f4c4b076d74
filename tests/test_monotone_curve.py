from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from portravox.monotone_curve import MonotoneCurve


def test_curve_goes_through_its_points_and_stays_between_neighbours() -> None:
    x, y = np.array([0.0, 1.0, 2.0, 5.0, 6.0]), np.array([0.0, 3.0, 3.0, -1.0, 4.0])
    curve = MonotoneCurve(x, y)
    np.testing.assert_allclose(curve(x), y, atol=1e-12)
    for k in range(len(x) - 1):
        between = curve(np.linspace(x[k], x[k + 1], 101))
        low, high = min(y[k : k + 2]), max(y[k : k + 2])
        assert low - 1e-12 <= between.min() and between.max() <= high + 1e-12
        assert np.all(np.diff(between) >= -1e-12) or np.all(np.diff(between) <= 1e-12)


def test_curve_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        x = np.cumsum(rng.uniform(0.1, 3.0, 8))
        y = rng.integers(-2, 3, 8).astype(float)
        at = np.linspace(x[0], x[-1], 101)
        np.testing.assert_allclose(MonotoneCurve(x, y)(at), PchipInterpolator(x, y)(at), atol=1e-12)
