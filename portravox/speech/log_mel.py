"""Log-mel spectrum, normalized as the acoustic model expects it: free of level and microphone.

Flow      speech.mel -> speech.log_mel -> articulation.acoustic_model,
          articulation.streaming; also training
Reads     mel power
Gives     normalized log-mel rows: free of level and spectral tilt, in a narrow range

A recording is normalized by its own statistics, a live voice by those of what was said so far. Of
less than a few seconds the mean colour is that of the few sounds in it, too: the usual colour of
speech counts beside it, the less the more is known.
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Float32, Float64
from portravox.media.sample_file import GrowingRows, in_pieces
from portravox.speech.mel import BANDS

LOUD_PERCENTILE = 95.0
LOUD_RANGE_DB = 24.0
"""Rows within this of the loud level give the colouring by microphone and room."""

FLOOR_DB = 42.0
"""Below the loud level: what lies deeper is noise in real recordings and nothing in made ones."""

SPREAD_DB = 9.0
"""What one unit of the network's input is, about the standard deviation of log-mel in speech."""

RANGE = (-5.0, 4.0)

BAND_BELOW_DB = 19.0
"""A band holds about a hundredth of the whole."""

_SILENCE_POWER = 1e-13

LEAST_LOUD_DB = -50.0
"""Loud level of a live voice before it begins, dBFS: a soft voice at a far microphone. Long silence
does not take it lower."""

PEAK_OVER_LOUD_DB = 2.0
LOUD_FALLS_DB = 0.01
"""A live voice's loud level lies so far below its loudest row, and is forgotten by so much a row:
1 dB/s."""

PRIOR_ROWS = 100.0
"""How many loud rows the usual colour of speech counts like: what is known before the first second
of a live voice."""

MEMORY_ROWS = 2000.0
"""Time constant with which a live voice's colour is forgotten: 20 s of its loud rows."""

_USUAL_COLOUR_DB = np.interp(
    np.arange(BANDS),
    np.arange(0, BANDS + 8, 8),
    (-32.0, -26.0, -32.0, -41.0, -45.0, -46.5, -46.0, -48.0, -53.0, -55.0, -57.0),
)
"""(BANDS,) mean of a voice's loud rows against its loud level: of the voices of our corpus."""


def normalized_log_mel(power: Float32, prior_rows: float = PRIOR_ROWS) -> Float32:
    """Normalize the log-mel spectrum. All numbers are our choice.

    power       (T, BANDS) mel power, any level
    prior_rows  of so many loud rows the usual colour of speech counts as much as they do, of twice
                as many a quarter as much; 0: never
    returns     (T, BANDS) units of SPREAD_DB around the mean of the loud rows and the usual one
    """
    if not len(power):
        return power.copy()
    total = np.concatenate([power[some].sum(axis=1) for some in in_pieces(power)])
    level_db = 10.0 * np.log10(total + _SILENCE_POWER)
    loud_db = float(np.percentile(level_db, LOUD_PERCENTILE))
    floor = np.float32(10.0 ** ((loud_db - BAND_BELOW_DB - FLOOR_DB) / 10.0) + _SILENCE_POWER)
    loud = level_db > loud_db - LOUD_RANGE_DB
    sum_db = np.zeros((1, BANDS), np.float32)
    for some in in_pieces(power):
        # row after row from the first one on, so that spans make no difference to the last bit
        rows_db = np.concatenate([sum_db, _over_floor_db(power[some], floor)])
        counted = np.append(True, loud[some])[:, np.newaxis]
        sum_db = rows_db.sum(axis=0, where=counted, keepdims=True)
    count = np.count_nonzero(loud)
    # the prior's pseudo-count falls with the rows, or hours of speech would still carry it
    known = float(count) ** 2
    share = known / (known + prior_rows**2)
    usual_db = (1.0 - share) * (loud_db + _USUAL_COLOUR_DB)
    mean_db = (share * (sum_db[0] / np.float32(count)) + usual_db).astype(np.float32)
    with GrowingRows(BANDS) as normalized:
        for some in in_pieces(power):
            apart_db = _over_floor_db(power[some], floor) - mean_db
            normalized.add(np.clip(apart_db / np.float32(SPREAD_DB), *RANGE))
        return normalized.whole()


def _over_floor_db(power: Float32, floor: np.float32) -> Float32:
    """(T, BANDS) dB, of nothing less than the floor."""
    return np.float32(10.0) * np.log10(np.maximum(power, floor))


class RunningLogMel:
    """Normalize a live voice by what was said so far.

    What is known does not depend on the pieces in which the rows come.
    """

    def __init__(self) -> None:
        self._rows = 0
        # against the fall of LOUD_FALLS_DB a row, so that a running maximum is enough
        self._peak_db = -np.inf
        self._loud_db = LEAST_LOUD_DB
        # of the loud rows so far, the older the less: their colour, and their number
        self._sums: Float64 = PRIOR_ROWS * np.append(_USUAL_COLOUR_DB, 1.0)

    def hear(self, power: Float32) -> None:
        """Take the next rows into account. power (T, BANDS)"""
        if not len(power):
            return
        level_db = 10.0 * np.log10(power.sum(axis=1, dtype=np.float64) + _SILENCE_POWER)
        fallen_db = LOUD_FALLS_DB * np.arange(self._rows, self._rows + len(power))
        peak_db = np.maximum(np.maximum.accumulate(level_db + fallen_db), self._peak_db)
        self._rows += len(power)
        self._peak_db = float(peak_db[-1])
        loud_db = np.maximum(peak_db - fallen_db - PEAK_OVER_LOUD_DB, LEAST_LOUD_DB)
        self._loud_db = float(loud_db[-1])
        relative_db = _relative_db(power, loud_db[:, np.newaxis])
        loud = (level_db > loud_db - LOUD_RANGE_DB).astype(np.float64)
        for added in loud[:, np.newaxis] * np.column_stack([relative_db, loud]):
            # rows that are not loud add nothing, and take nothing away
            self._sums = added + (1.0 - added[-1] / MEMORY_ROWS) * self._sums

    def by_now(self, power: Float32) -> Float32:
        """Rows from before, all by what was said up to now.

        power    (T, BANDS) mel power of rows that were heard
        returns  (T, BANDS) units of SPREAD_DB around the mean of the loud rows so far
        """
        relative_db = _relative_db(power, np.array(self._loud_db))
        apart_db = relative_db - self._sums[:-1] / self._sums[-1]
        return np.asarray(np.clip(apart_db / SPREAD_DB, *RANGE), np.float32)


def _relative_db(power: Float32, loud_db: Float64) -> Float64:
    """(T, BANDS) against a loud level, dB, not below FLOOR_DB under it."""
    floor = 10.0 ** ((loud_db - BAND_BELOW_DB - FLOOR_DB) / 10.0) + _SILENCE_POWER
    relative_db: Float64 = 10.0 * np.log10(np.maximum(power, floor)) - loud_db
    return relative_db
