"""Noise: the steady part of the sound, which no mouth makes.

Flow      speech.mel, speech.pitch -> speech.noise -> speech.activity, speech.features
Reads     mel power, voiced rows
Gives     power of the noise in each band and row
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Bool, Float32
from portravox.filters import moving_mean
from portravox.speech.resample import ROW_RATE_HZ

BLOCK_ROWS = ROW_RATE_HZ // 2
REACH_BLOCKS = 6
"""Each side: 3 s, longer than people speak without a gap between two words."""

QUIET_SHARE = 10.0
"""Percent of the rows that hold nothing but noise, at least. Our choice."""

LEVEL_SMOOTHING_ROWS = 5

BANDS_AT_ONCE, ROWS_AT_ONCE = 4, 8192
"""Worked on in parts, so that a long recording takes little beyond the result."""

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
    smooth = np.empty_like(power)
    for band in range(0, power.shape[1], BANDS_AT_ONCE):  # sums are in double precision
        bands = slice(band, band + BANDS_AT_ONCE)
        smooth[:, bands] = moving_mean(power[:, bands], LEVEL_SMOOTHING_ROWS)
    blocks = -(-rows // BLOCK_ROWS)
    floors = np.zeros((blocks, power.shape[1]), dtype=np.float32)
    for block in range(blocks):
        near = slice(
            max(0, (block - REACH_BLOCKS) * BLOCK_ROWS), (block + REACH_BLOCKS + 1) * BLOCK_ROWS
        )
        floors[block] = quiet_floor(smooth[near], voiced[near])
    middles = (np.arange(blocks) + 0.5) * BLOCK_ROWS
    steady = smooth  # its room, for what takes its place
    for first in range(0, rows, ROWS_AT_ONCE):
        some = slice(first, min(first + ROWS_AT_ONCE, rows))
        place = np.interp(np.arange(some.start, some.stop), middles, np.arange(blocks))
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, blocks - 1)
        share = (place - below)[:, np.newaxis].astype(np.float32)
        steady[some] = ((1.0 - share) * floors[below] + share * floors[above]) * UNDERRATED
    return steady


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
