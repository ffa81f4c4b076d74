"""Noise: the steady part of the sound, which no mouth makes.

Flow      speech.mel, speech.pitch -> speech.noise -> speech.activity, speech.features
Reads     mel power, voiced rows
Gives     power of the noise in each band and row
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Bool, Float32
from portravox.filters import moving_mean
from portravox.media.sample_file import GrowingRows, in_pieces
from portravox.speech.mel import BANDS
from portravox.speech.resample import ROW_RATE_HZ

BLOCK_ROWS = ROW_RATE_HZ // 2
REACH_BLOCKS = 6
"""Each side: 3 s, longer than people speak without a gap between two words."""

QUIET_SHARE = 10.0
"""Percent of the rows that hold nothing but noise, at least. Our choice."""

LEVEL_SMOOTHING_ROWS = 5

UNDERRATED = 1.6
"""The quietest tenth of smoothed noise lies about 2 dB below its mean (measured, white noise)."""

BELOW_VOICE = 0.01
"""Where a voice never pauses (a note held for seconds), the noise is put 20 dB below it."""


def noise_power(power: Float32, voiced: Bool) -> Float32:
    """Power of the noise, from the quietest unvoiced rows within 3 s.

    Voiced rows are left out, so that a sung vowel of several seconds is not taken for noise.

    power    (T, BANDS) mel power
    voiced   (T,)
    returns  (T, BANDS)
    """
    rows = len(power)
    if rows == 0:
        return power.copy()
    floors = _floors(power, voiced)
    blocks = len(floors)
    middles = (np.arange(blocks) + 0.5) * BLOCK_ROWS
    with GrowingRows(BANDS) as steady:
        for some in in_pieces(power):
            place = np.interp(np.arange(some.start, some.stop), middles, np.arange(blocks))
            below = np.floor(place).astype(np.int64)
            above = np.minimum(below + 1, blocks - 1)
            share = (place - below)[:, np.newaxis].astype(np.float32)
            steady.add(((1.0 - share) * floors[below] + share * floors[above]) * UNDERRATED)
        return steady.whole()


def _floors(power: Float32, voiced: Bool) -> Float32:
    """(B, BANDS) what is quietest around each block."""
    rows, reach = len(power), REACH_BLOCKS * BLOCK_ROWS
    floors = np.zeros((-(-rows // BLOCK_ROWS), power.shape[1]), dtype=np.float32)
    for some in in_pieces(power):
        # the blocks whose first row is in this span, and all that lies within their reach
        blocks = range(-(-some.start // BLOCK_ROWS), -(-some.stop // BLOCK_ROWS))
        first = max(0, blocks.start * BLOCK_ROWS - reach)
        smooth = _smoothed(power, slice(first, blocks.stop * BLOCK_ROWS + reach))
        for block in blocks:
            near = slice(max(0, block * BLOCK_ROWS - reach), (block + 1) * BLOCK_ROWS + reach)
            inside = slice(near.start - first, near.stop - first)
            floors[block] = quiet_floor(smooth[inside], voiced[near])
    return floors


def _smoothed(power: Float32, some: slice) -> Float32:
    """Some of the rows, each the mean of LEVEL_SMOOTHING_ROWS of all."""
    before = min(some.start, LEVEL_SMOOTHING_ROWS)
    around = power[some.start - before : some.stop + LEVEL_SMOOTHING_ROWS]
    smooth = moving_mean(around, LEVEL_SMOOTHING_ROWS).astype(np.float32)
    return smooth[before : before + some.stop - some.start]


def quiet_floor(smooth: Float32, voiced: Bool) -> Float32:
    """(BANDS,) power of the quietest unvoiced rows, before UNDERRATED.

    smooth  (T, BANDS) mel power, smoothed over LEVEL_SMOOTHING_ROWS; at least one row
    voiced  (T,)
    """
    quiet = smooth[~voiced]
    if len(quiet) >= LEVEL_SMOOTHING_ROWS:
        floor: Float32 = np.percentile(quiet, QUIET_SHARE, axis=0).astype(np.float32)
    else:
        floor = (smooth.min(axis=0) * BELOW_VOICE).astype(np.float32)
    return floor
