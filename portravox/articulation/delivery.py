"""Delivery: how loud and how high a voice speaks, against its own habit.

Flow      speech.features -> articulation.delivery -> articulation.from_voice
Reads     SpeechFeatures, the rows with a sound of the voice
Gives     the curves `loudness` and `pitch`
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Bool, Float32
from portravox.articulation.smoothing import smoothed
from portravox.speech.features import SpeechFeatures

RANGE_DB = (-40.0, 20.0)

BELL_ROWS = 7
"""How softly loudness begins and ends."""


def relative_loudness(features: SpeechFeatures, sounding: Bool) -> Float32:
    """(T,) dB against the median of the sounding rows."""
    median_db = float(np.median(features.loudness_db[sounding])) if sounding.any() else 0.0
    against = np.clip(features.loudness_db - median_db, *RANGE_DB)
    return smoothed(against.astype(np.float32), BELL_ROWS)


def relative_pitch(features: SpeechFeatures, sounding: Bool) -> Float32:
    """(T,) semitones against the median of the voiced rows; 0 where unvoiced."""
    voiced = (features.pitch_hz > 0.0) & sounding
    semitones = np.zeros(len(voiced), dtype=np.float32)
    if voiced.any():
        pitch_hz = features.pitch_hz[voiced]
        semitones[voiced] = 12.0 * np.log2(pitch_hz / float(np.median(pitch_hz)))
    return semitones
