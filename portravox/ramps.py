"""The smooth step, which blends what must not show where it begins, and limits without a corner."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from portravox.arrays import Float64


def smoothstep(low: float, high: float, x: npt.NDArray[Any] | float) -> Float64:
    """0 up to `low`, 1 from `high`, 3t² - 2t³ in between: no kink at either end."""
    t = np.clip((np.asarray(x, np.float64) - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def smooth_share(low: float, high: float, x: float) -> float:
    """`smoothstep` of one number, in a tenth of the time."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


def soft_limit(values: npt.NDArray[Any] | float, limit: float, knee_share: float = 0.6) -> Float64:
    """Keep values within ±limit without a corner. Clipping would stop a turning head dead.

    values      (...)
    knee_share  of the limit up to which values stay unchanged; beyond they are bent
    returns     (...)  of the same sign, never further from 0 than before
    """
    knee = knee_share * limit
    room = limit - knee
    size = np.abs(values)
    bent = knee + room * np.tanh((size - knee) / room)
    limited: Float64 = np.copysign(np.where(size <= knee, size, bent), values)
    return limited


def slope_limited(values: npt.NDArray[Any], times: Float64, rise: float, fall: float) -> Float64:
    """The highest curve nowhere above `values` that climbs and falls no faster than asked.

    It gives way before a drop instead of coming late to it: what is 0 stays 0.

    values   (T,) not negative
    times    (T,) of the values, in any unit
    rise     least time from 0 to 1, in that unit
    fall     least time from 1 to 0
    returns  (T,)
    """
    up, down = times / rise, times / fall
    risen = up + np.minimum.accumulate(values - up)
    fallen: Float64 = np.minimum.accumulate((risen + down)[::-1])[::-1] - down
    # The ramps are added and taken off again: without this a 0 would come back as 1e-16.
    return np.where(values == 0.0, 0.0, np.clip(fallen, 0.0, values))
