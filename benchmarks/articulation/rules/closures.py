"""Closures: where the lips are shut for p, b, m.

Flow      speech.features -> rules.closures -> rules.curves
Reads     RuleFeatures
Gives     segments of rows in which the lips touch

Whatever shuts the mouth, lips, tongue tip or tongue back, leaves a dip in the sound above 700 Hz.
The lips are told from the tongue by four facts, each in dB:
  dark     the dip is darker: nothing lies in front of the lips that could still resound
  falling  the spectrum at the release is low; after t and s it is high (Stevens & Blumstein,
           J. Acoust. Soc. Am. 64, 1978: labials diffuse and falling, alveolars rising)
  abrupt   lips part fast, and the whole mouth behind them sounds at once
  clear    the sound beside the dip is strong around 1 kHz
Their weights are ours, rounded, chosen on real English where wide-band and telephone speech asked
for the same ones. On it they find about half of all p, b, m; of the closures found, a third
(telephone) to two fifths are p, b or m, the others mostly n, d, t, th, f, v, w, small openings too.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from benchmarks.articulation.rules.features import RuleFeatures
from benchmarks.articulation.rules.spectral import band_level_db
from portravox.arrays import Float32
from portravox.segments import segments

MOUTH_HZ = (700.0, 3800.0)
LONGEST_DIP_ROWS = 20
"""Dips of 200 ms and more are pauses."""

DEPTH_DB = 10.0
"""From the louder of the surroundings; less is coarticulation, not closure."""

SHORTEST_ROWS, LONGEST_ROWS = 6, 9
"""Lips stay shut for 60-90 ms, ending at the release (Löfqvist: 50-75 ms for short
and 100-150 ms for long consonants; beyond 90 ms a shut mouth looks held)."""

DARK_HZ = ((1300.0, 1900.0), (1900.0, 2700.0), (2700.0, 3800.0))
LOW_HZ = ((120.0, 450.0), (450.0, 800.0), (800.0, 1300.0))
HIGH_HZ = ((1900.0, 2700.0), (2700.0, 3800.0), (3800.0, 7800.0))
CLEAR_HZ = (800.0, 1300.0)

DARK_WEIGHT, FALLING_WEIGHT, ABRUPT_WEIGHT, CLEAR_WEIGHT = 0.05, 0.04, 0.045, 0.06
MOST_ABRUPT_DB = 25.0
"""A step within 10 ms that is larger says how silent the gap was, not how fast it ended."""

USUAL_DARK_DB, LARGEST_VEIL_DB = -55.0, 15.0
"""How dark the darkest fifth of speech is in a clean recording, and how much less it may be where
noise or a large room lies over the dips; darkness is counted from there."""

DARK_PERCENTILE = 20.0

NEEDED = 2.2
"""Sum of the weighted facts from which a dip counts as a closure."""


def closures(features: RuleFeatures) -> list[tuple[int, int]]:
    """(first row, row of the release) of each closure, in order."""
    if not features.speaking.any():
        return []
    mouth_db = band_level_db(features, MOUTH_HZ, 1)
    dip_db = ndimage.grey_closing(mouth_db, LONGEST_DIP_ROWS) - mouth_db
    evidence = _Evidence(features, mouth_db)
    found = []
    for dip in segments(dip_db >= DEPTH_DB):
        if evidence.of(dip.start, dip.stop) >= NEEDED:
            length = min(max(dip.stop - dip.start, SHORTEST_ROWS), LONGEST_ROWS)
            found.append((max(0, dip.stop - length), dip.stop))
    return found


class _Evidence:
    """Band levels of one recording, asked for one dip after the other."""

    def __init__(self, features: RuleFeatures, mouth_db: Float32) -> None:
        self._mouth_db = mouth_db
        self._dark_db = [band_level_db(features, span, 1) for span in DARK_HZ]
        self._low_db = [band_level_db(features, span, 1) for span in LOW_HZ]
        self._high_db = [band_level_db(features, span, 1) for span in HIGH_HZ]
        overall_db = np.mean(self._dark_db, axis=0)[features.speaking]
        darkest_db = float(np.percentile(overall_db, DARK_PERCENTILE))
        self._veil_db = float(np.clip(darkest_db - USUAL_DARK_DB, 0.0, LARGEST_VEIL_DB))
        self._clear_db = band_level_db(features, CLEAR_HZ, 1)

    def of(self, start: int, stop: int) -> float:
        """Sum of the weighted facts for the dip of these rows."""
        middle = start + int(self._mouth_db[start:stop].argmin())
        core = slice(max(start, middle - 2), min(stop, middle + 3))
        darkest_db = float(np.mean([level[core].min() for level in self._dark_db]))
        dark = self._veil_db - darkest_db
        release = slice(stop - 1, stop + 2)
        falling = max(_mean_db(level[release]) for level in self._low_db) - max(
            _mean_db(level[release]) for level in self._high_db
        )
        steps_db = np.diff(self._mouth_db[max(0, stop - 4) : stop + 3])
        abrupt = float(np.clip(steps_db.max(initial=0.0), 0.0, MOST_ABRUPT_DB))
        clear = float(self._clear_db[start:stop].max())
        return (
            DARK_WEIGHT * dark
            + FALLING_WEIGHT * falling
            + ABRUPT_WEIGHT * abrupt
            + CLEAR_WEIGHT * clear
        )


def _mean_db(level_db: Float32) -> float:
    """Level of the mean power."""
    return 10.0 * float(np.log10(np.mean(10.0 ** (level_db / 10.0))))
