"""Filters on curves: low-pass without delay or overshoot, and limits on how fast they move.

Flow      articulation.curves -> animation.smoothing -> animation.lips, animation.emphasis
"""

from __future__ import annotations

import math

import numpy as np

from portravox.arrays import AnyFloat, Float64
from portravox.articulation.curves import CURVE_RATE_HZ
from portravox.filters import gaussian_mean
from portravox.ramps import slope_limited


def gaussian_smooth(values: AnyFloat, sigma_s: float) -> Float64:
    """Mean of each row's neighbourhood, in curve rows; no delay, no overshoot.

    values   (T,)
    sigma_s  standard deviation of the bell
    returns  (T,)
    """
    return gaussian_mean(values, sigma_s * CURVE_RATE_HZ)


def low_pass(values: AnyFloat, cutoff_hz: float) -> Float64:
    """Gaussian low-pass whose gain is 1/sqrt(2) at the cutoff.

    The gain of a Gaussian is exp(-2 (pi sigma f)^2); solved for -3 dB.

    values   (T,)
    returns  (T,)
    """
    return gaussian_smooth(values, math.sqrt(math.log(2.0)) / (2.0 * math.pi * cutoff_hz))


def weighted_smooth(values: AnyFloat, weights: AnyFloat, sigma_s: float) -> Float64:
    """Mean of the neighbourhood where rows count by their weight; 0 where none counts.

    values, weights  (T,)  weights not negative
    returns          (T,)
    """
    mass = gaussian_smooth(weights, sigma_s)
    total = gaussian_smooth(values * weights, sigma_s)
    mean: Float64 = np.divide(total, mass, out=np.zeros_like(total), where=mass > 1e-6)
    return mean


def slowed(values: Float64, rise_s: float, fall_s: float) -> Float64:
    """The highest curve nowhere above `values` that climbs and falls no faster than asked.

    It gives way before a drop instead of coming late to it: what is 0 stays 0.

    values   (T,)  in curve rows
    rise_s   least time from 0 to 1
    fall_s   least time from 1 to 0
    returns  (T,)
    """
    return slope_limited(values, np.arange(len(values)) / CURVE_RATE_HZ, rise_s, fall_s)


def spread_out(values: Float64, reach_s: float) -> Float64:
    """The lowest curve nowhere below `values` that takes at least reach_s from 1 to 0.

    values   (T,)  0..1, in curve rows
    returns  (T,)
    """
    return 1.0 - slowed(1.0 - values, reach_s, reach_s)
