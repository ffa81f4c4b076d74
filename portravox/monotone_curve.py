"""A smooth curve through points that never overshoots them.

Flow      face.eyes, animation.blink -> monotone_curve
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portravox.arrays import Float64


class MonotoneCurve:
    """A cubic curve through points, whose slope is continuous.

    Between two points it goes only from one value to the other: where points rise it rises, and
    where they turn it turns at a point.

    Source: Fritsch & Butland, "A method for constructing local monotone piecewise cubic
    interpolants", SIAM J. Sci. Stat. Comput. 5(2), 1984; at the ends the slope of the parabola
    through the three points there, as far as it is monotone.
    """

    def __init__(self, x: npt.ArrayLike, y: npt.ArrayLike) -> None:
        """x (P,) strictly rising, at least three; y (P,)."""
        self._x = np.asarray(x, np.float64)
        self._y = np.asarray(y, np.float64)
        self._slope = _slopes(self._x, self._y)

    def __call__(self, x: npt.ArrayLike) -> Float64:
        """The curve at places between the first and the last point, (...)."""
        at = np.asarray(x, np.float64)
        piece = np.clip(np.searchsorted(self._x, at, side="right") - 1, 0, len(self._x) - 2)
        step = self._x[piece + 1] - self._x[piece]
        t = (at - self._x[piece]) / step
        rise = self._y[piece + 1] - self._y[piece]
        begin, end = self._slope[piece] * step, self._slope[piece + 1] * step
        value: Float64 = self._y[piece] + t * (
            begin + t * (3.0 * rise - 2.0 * begin - end + t * (begin + end - 2.0 * rise))
        )
        return value


def _slopes(x: Float64, y: Float64) -> Float64:
    """(P,) of the curve at the points."""
    step = np.diff(x)
    slope = np.diff(y) / step
    before, after = slope[:-1], slope[1:]
    weight_before = step[:-1] + 2.0 * step[1:]
    weight_after = 2.0 * step[:-1] + step[1:]
    rising = before * after > 0.0
    # a weighted harmonic mean: the flatter neighbour decides
    mean = np.zeros(len(before))
    np.divide(
        (weight_before + weight_after) * before * after,
        weight_before * after + weight_after * before,
        out=mean,
        where=rising,
    )
    first = _end_slope(step[0], step[1], slope[0], slope[1])
    last = _end_slope(step[-1], step[-2], slope[-1], slope[-2])
    return np.concatenate([[first], mean, [last]])


def _end_slope(step: float, next_step: float, slope: float, next_slope: float) -> float:
    """Of the parabola through the outermost three points, kept monotone."""
    found = ((2.0 * step + next_step) * slope - step * next_slope) / (step + next_step)
    if found * slope <= 0.0:
        return 0.0
    if slope * next_slope <= 0.0 and abs(found) > 3.0 * abs(slope):
        return 3.0 * slope
    return float(found)
