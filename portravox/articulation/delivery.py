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


def usual_loudness_db(features: SpeechFeatures, sounding: Bool) -> float:
    """Median of the sounding rows."""
    return float(np.median(features.loudness_db[sounding])) if sounding.any() else 0.0


def usual_pitch_hz(features: SpeechFeatures, sounding: Bool) -> float:
    """Median of the voiced rows; 0 where there are none."""
    voiced = (features.pitch_hz > 0.0) & sounding
    return float(np.median(features.pitch_hz[voiced])) if voiced.any() else 0.0


def relative_loudness(
    features: SpeechFeatures, sounding: Bool, usual_db: float | None = None
) -> Float32:
    """(T,) dB against the usual loudness; that of these rows if none is given."""
    median_db = usual_loudness_db(features, sounding) if usual_db is None else usual_db
    against = np.clip(features.loudness_db - median_db, *RANGE_DB)
    return smoothed(against.astype(np.float32), BELL_ROWS)


def relative_pitch(
    features: SpeechFeatures, sounding: Bool, usual_hz: float | None = None
) -> Float32:
    """(T,) semitones against the usual pitch, that of these rows if none is given; 0 where
    unvoiced."""
    median_hz = usual_pitch_hz(features, sounding) if usual_hz is None else usual_hz
    voiced = (features.pitch_hz > 0.0) & sounding
    semitones = np.zeros(len(voiced), dtype=np.float32)
    if voiced.any() and median_hz > 0.0:
        semitones[voiced] = 12.0 * np.log2(features.pitch_hz[voiced] / median_hz)
    return semitones
