"""Emphasis: the syllables that a speaker nods and lifts the brows on.

Flow      articulation.curves -> animation.emphasis -> animation.head, brows, postures
Reads     loudness, pitch, activity
Gives     Stresses: their moments and weights; the voice's melody
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from portravox.animation.phrases import SPEECH_ON
from portravox.animation.smoothing import gaussian_smooth, weighted_smooth
from portravox.arrays import Float64
from portravox.articulation.curves import CURVE_RATE_HZ, ArticulationCurves
from portravox.segments import segments

LOUDNESS_FLOOR_DB = -25.0
"""Below it all is silence: how deep the pauses are says nothing about stress."""

PITCH_WEIGHT = 0.8
"""Against 1 for loudness. Our choice, tried on one public speech: the peaks fell on the words
that carry it."""

SYLLABLE_SIGMA_S = 0.05
"""Smooths away glottal pulses and keeps syllables (4 to 6 a second)."""

LOCAL_SIGMA_S = 1.0
"""Stress is relative to the phrase around it. Our choice."""

LEAST_DEVIATION_DB = 1.0
LEAST_DEVIATION_SEMITONES = 0.5
"""A voice steadier than this has no stresses: its ripples are not meant. Our choice."""

LEAST_SPACING_S = 0.3

MELODY_SIGMA_S = 0.2
MELODY_HELD_S = 0.3
MELODY_SEMITONES = 8.0
"""The melody is smoothed to what brows can follow, dies away within this time where the voice has
no pitch, and goes no further from the speaker's usual pitch: larger jumps are octave errors more
often than they are meant. Our choice."""

ENERGY_SEARCH_S = 0.1
"""The syllable's energy peak is looked for this far around the peak of emphasis."""


@dataclass(frozen=True, slots=True, eq=False)
class Stresses:
    """Stressed syllables in order of time."""

    times_s: Float64
    """(S,) the syllable's energy peak."""

    weights: Float64
    """(S,) 0..1: how far it stands out."""


def stresses(curves: ArticulationCurves) -> Stresses:
    """Peaks of loudness and pitch that stand out of the local mean by one deviation."""
    spoken = (curves["activity"] >= SPEECH_ON).astype(np.float64)
    if not spoken.any():
        return Stresses(np.zeros(0), np.zeros(0))
    energy = gaussian_smooth(
        np.maximum(curves["loudness"], LOUDNESS_FLOOR_DB), sigma_s=SYLLABLE_SIGMA_S / 2
    )
    loudness = gaussian_smooth(energy, SYLLABLE_SIGMA_S)
    voiced = spoken * (curves["pitch"] != 0.0)
    pitch = weighted_smooth(curves["pitch"], voiced, SYLLABLE_SIGMA_S)
    stand_out = _standardised(loudness, spoken, LEAST_DEVIATION_DB)
    stand_out += PITCH_WEIGHT * _standardised(pitch, voiced, LEAST_DEVIATION_SEMITONES)

    excess = np.where(spoken > 0.0, stand_out, -1.0) - 1.0
    peaks = _peaks(excess, math.ceil(LEAST_SPACING_S * CURVE_RATE_HZ))
    reach = round(ENERGY_SEARCH_S * CURVE_RATE_HZ)
    rows = [_highest(energy, peak - reach, peak + reach + 1) for peak in peaks]
    times_s = curves.times_s[np.array(rows, dtype=np.int64)]
    weights: Float64 = np.clip(0.5 + 0.4 * excess[peaks], 0.0, 1.0)
    # Two peaks of emphasis may share one energy peak: that is one syllable.
    times_s, first = np.unique(times_s, return_index=True)
    return Stresses(times_s, weights[first])


def melody(
    curves: ArticulationCurves, usual: float | None = None, deviation: float | None = None
) -> Float64:
    """(R,) -1..1 in curve rows: how far the voice's pitch stands above or below its usual one.

    usual, deviation  semitones, where they are known from more than these curves

    0 in silence. Brows rise and fall with it (Cavé et al., ICSLP 1996).
    """
    voiced = (curves["activity"] >= SPEECH_ON) & (curves["pitch"] != 0.0)
    if not voiced.any():
        return np.zeros(len(voiced))
    weights = voiced.astype(np.float64)
    pitch = np.clip(curves["pitch"], -MELODY_SEMITONES, MELODY_SEMITONES)
    contour = weighted_smooth(pitch, weights, MELODY_SIGMA_S)
    if usual is None:
        usual = float(np.median(contour[voiced]))
    if deviation is None:
        deviation = max(float(contour[voiced].std()), LEAST_DEVIATION_SEMITONES)
    voiced = np.clip(2.0 * gaussian_smooth(weights, MELODY_HELD_S), 0.0, 1.0)
    above: Float64 = voiced * np.tanh((contour - usual) / deviation)
    return gaussian_smooth(above, MELODY_SIGMA_S)


def _peaks(values: Float64, spacing_rows: int) -> list[int]:
    """Rows of the local maxima from 0 up, in order, the higher of any two that stand closer.

    The middle counts where a maximum is flat; the first and the last row are none.
    """
    level = segments(np.concatenate([[False], np.diff(values) == 0.0]))
    flat = {segment.start - 1: segment.stop - 1 for segment in level}  # first row: last row
    starts = np.flatnonzero(np.diff(values) > 0.0) + 1
    found: list[int] = []
    for start in starts.tolist():
        end = flat.get(start, start)
        if end + 1 < len(values) and values[end + 1] < values[end] and values[start] >= 0.0:
            found.append((start + end) // 2)
    kept: list[int] = []
    for row in sorted(found, key=lambda row: (values[row], row), reverse=True):
        if all(abs(row - other) >= spacing_rows for other in kept):
            kept.append(row)
    return sorted(kept)


def _standardised(values: Float64, weights: Float64, least_deviation: float) -> Float64:
    """Distance from the local mean in local deviations; 0 where no weight is near."""
    mean = weighted_smooth(values, weights, LOCAL_SIGMA_S)
    variance = weighted_smooth((values - mean) ** 2, weights, LOCAL_SIGMA_S)
    deviation = np.maximum(np.sqrt(variance), least_deviation)
    standing_out: Float64 = (values - mean) / deviation * np.minimum(1.0, weights)
    return standing_out


def _highest(values: Float64, first: int, last: int) -> int:
    first = max(0, first)
    return first + int(np.argmax(values[first:last]))
