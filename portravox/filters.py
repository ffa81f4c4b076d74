"""Filters along time that hold the ends: what lies beyond them is taken to be as they are.

Flow      speech, articulation, animation -> filters

All look as far back as ahead, so nothing is delayed. Sums are made in double precision and each
anew: a running sum would carry the errors of loud rows into quiet ones.
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import AnyFloat, Bool, Float64
from portravox.segments import segments

GAUSSIAN_REACH = 4.0
"""A bell is cut off at so many standard deviations, where it holds all but 6e-5 of itself."""


def moving_mean(values: AnyFloat, rows: int) -> Float64:
    """The mean of so many rows around each; an even number reaches one row further back.

    values   (T, ...)
    returns  (T, ...)
    """
    back, ahead = rows // 2, (rows - 1) // 2
    padded = _with_held_ends(values, back, ahead)
    total = np.zeros(values.shape, np.float64)
    for first in range(rows):
        total += padded[first : first + len(values)]
    return total / rows


def weighted_mean(values: AnyFloat, weights: Float64) -> Float64:
    """The mean of the rows around each, weighted.

    values   (T,)
    weights  (2R + 1,) the same forwards and backwards, with a sum of 1
    returns  (T,)
    """
    reach = len(weights) // 2
    if not len(values):
        return values.astype(np.float64)
    mean: Float64 = np.convolve(_with_held_ends(values, reach, reach), weights, "valid")
    return mean


def gaussian_mean(values: AnyFloat, sigma_rows: float) -> Float64:
    """`weighted_mean` by a bell of this standard deviation. values (T,)"""
    reach = int(GAUSSIAN_REACH * sigma_rows + 0.5)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_rows) ** 2)
    return weighted_mean(values, bell / bell.sum())


def without_short_segments(mask: Bool, rows: int) -> Bool:
    """The mask less its segments of fewer rows. mask (T,)"""
    kept = np.zeros_like(mask)
    for segment in segments(mask):
        kept[segment] = segment.stop - segment.start >= rows
    return kept


def without_short_gaps(mask: Bool, rows: int) -> Bool:
    """The mask with gaps of fewer rows between two segments filled. mask (T,)"""
    filled = mask.copy()
    for gap in segments(~mask):
        between = gap.start > 0 and gap.stop < len(mask)
        filled[gap] = between and gap.stop - gap.start < rows
    return filled


def _with_held_ends(values: AnyFloat, before: int, after: int) -> Float64:
    """(before + T + after, ...) the first and the last row repeated; nothing where T is 0."""
    if not len(values):
        return values.astype(np.float64)
    # as np.pad with mode "edge" has it, in a fifth of the time
    held = np.empty((before + len(values) + after, *values.shape[1:]))
    held[:before] = values[0]
    held[before : before + len(values)] = values
    held[before + len(values) :] = values[-1]
    return held
