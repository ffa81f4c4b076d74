"""Log-mel spectrum, normalized as the acoustic model expects it: free of level and microphone.

Flow      speech.mel -> speech.log_mel -> articulation.acoustic_model; also training
Reads     mel power
Gives     normalized log-mel rows: free of level and spectral tilt, in a narrow range
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Float32

LOUD_PERCENTILE = 95.0
LOUD_RANGE_DB = 24.0
"""Rows within this of the loud level give the colouring by microphone and room."""

FLOOR_DB = 42.0
"""Below the loud level: what lies deeper is noise in real recordings and nothing in made ones."""

SPREAD_DB = 9.0
"""What one unit of the network's input is, about the standard deviation of log-mel in speech."""

RANGE = (-5.0, 4.0)

_SILENCE_POWER = 1e-13


def normalized_log_mel(power: Float32) -> Float32:
    """Normalize the log-mel spectrum. All numbers are our choice.

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
