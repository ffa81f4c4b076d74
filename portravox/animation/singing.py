"""Singing: notes that are held, and a mouth that holds them.

Flow      articulation.curves -> animation.singing -> animation.lips
Reads     pitch, activity, closure, labiodental
Gives     ArticulationCurves whose lips and jaw stay open, and open wider, in held notes

A spoken vowel is on its way to the next sound; a sung one is held, and its opening with it. And the
higher a note, the farther singers open the jaw, first in open vowels: the first resonance of the
mouth must not fall below the note (Sundberg & Skoog 1997, J. Voice 11(3); in a soprano jaw or lips
open wider from four or five semitones below that on, Echternach et al. 2010, J. Voice 24).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from portravox.animation.smoothing import gaussian_smooth
from portravox.arrays import Bool, Float32, Float64
from portravox.articulation.curves import CHANNELS, CURVE_RATE_HZ, ArticulationCurves
from portravox.filters import moving_mean
from portravox.segments import segments

VIBRATO_ROWS: Final = CURVE_RATE_HZ // 5
"""The pitch is looked at without its vibrato, of 5 to 7 Hz."""

NOTE_ROWS: Final = 30
NOTE_SEMITONES: Final = 0.5
"""A note is held when the pitch stays within this for so long. In a song among the samples that is
so for .23 of the voiced rows, in most recordings of speech for none (decision 97). Our choice."""

HELD_PERCENTILE: Final = 75.0
"""Of the opening during a note: it is held where it was nearly widest. Our choice."""

WIDER: Final = 0.15
WIDER_PER_SEMITONE: Final = 0.02
HIGHEST_SEMITONES: Final = 12.0
"""By this share a held note opens wider than the same vowel spoken, and by so much more the higher
it is above the voice's median, up to an octave. Our choice; the sources say that it is so."""

EASE_S: Final = 0.05
"""Standard deviation of the bell under which notes begin and end. Our choice."""


def with_held_notes(curves: ArticulationCurves) -> ArticulationCurves:
    """The curves with lips and jaw held open in notes; those without notes as they are."""
    held = held_rows(curves["pitch"], curves["activity"] >= 0.5)
    if not held.any():
        return curves
    free = 1.0 - np.maximum(curves["closure"], curves["labiodental"])
    share = gaussian_smooth(held.astype(np.float64), EASE_S) * free
    high = np.clip(curves["pitch"], 0.0, HIGHEST_SEMITONES)
    gain = 1.0 + WIDER + WIDER_PER_SEMITONE * gaussian_smooth(high, EASE_S)
    values = curves.values.copy()
    for name in ("aperture", "jaw"):
        values[:, CHANNELS.index(name)] = _held(curves[name], held, share, gain)
    return ArticulationCurves(values, curves.duration_s, curves.notices)


def held_rows(pitch: Float32, speaking: Bool) -> Bool:
    """(T,) within a note that is held.

    pitch     (T,) semitones; 0 where unvoiced
    speaking  (T,) the voice sounds
    """
    held = np.zeros(len(pitch), dtype=np.bool_)
    for voiced in segments((pitch != 0.0) & speaking):
        if voiced.stop - voiced.start < NOTE_ROWS:
            continue
        steady = moving_mean(pitch[voiced], VIBRATO_ROWS)
        windows = np.lib.stride_tricks.sliding_window_view(steady, NOTE_ROWS)
        for first in np.flatnonzero(np.ptp(windows, axis=1) <= NOTE_SEMITONES):
            begin = voiced.start + int(first)
            held[begin : begin + NOTE_ROWS] = True
    return held


def _held(opening: Float32, held: Bool, share: Float64, gain: Float64) -> Float64:
    """(T,) an opening with each note held at its own wide place and opened wider."""
    level = opening.astype(np.float64)
    for note in segments(held):
        level[note] = np.maximum(level[note], np.percentile(opening[note], HELD_PERCENTILE))
    wide = np.minimum(level * gain, 1.0)
    raised: Float64 = opening + share * np.maximum(wide - opening, 0.0)
    return raised
