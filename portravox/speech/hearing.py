"""Hearing: the spectrum as the network is used to it, whatever the level and the microphone.

Flow      speech.mel -> speech.hearing -> articulation.network; also training
Reads     mel power
Gives     log-mel rows, free of level and tilt, in a narrow range
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Float32

LOUD_PERCENTILE = 95.0
LOUD_RANGE_DB = 24.0
"""Rows within this of the loud level tell how microphone and room colour the voice."""

FLOOR_DB = 42.0
"""Below the loud level: what lies deeper is noise in real recordings and nothing in made ones."""

SPREAD_DB = 9.0
"""What one unit of the network's input is, about the standard deviation of log-mel in speech."""

RANGE = (-5.0, 4.0)

_SILENCE_POWER = 1e-13


def heard(power: Float32) -> Float32:
    """Normalised log-mel spectrum. All numbers are our choice.

    power    (T, BANDS) mel power, any level
    returns  (T, BANDS) units of SPREAD_DB around the mean of the clip's own loud rows
    """
    if not len(power):
        return power.copy()
    level_db = 10.0 * np.log10(power.sum(axis=1) + _SILENCE_POWER)
    loud_db = float(np.percentile(level_db, LOUD_PERCENTILE))
    # a band holds about a hundredth of the whole
    floor = 10.0 ** ((loud_db - 19.0 - FLOOR_DB) / 10.0) + _SILENCE_POWER
    spectrum_db = 10.0 * np.log10(np.maximum(power, floor))
    loud = level_db > loud_db - LOUD_RANGE_DB
    mean_db = spectrum_db[loud].mean(axis=0)
    low, high = RANGE
    normal: Float32 = np.clip((spectrum_db - mean_db) / SPREAD_DB, low, high).astype(np.float32)
    return normal
