"""Raw curves and closures -> articulation curves, by rule.

Flow      speech.features -> rules.curves -> baselines
Reads     RuleFeatures
Gives     ArticulationCurves
"""

from __future__ import annotations

import numpy as np

from benchmarks.articulation.rules.closures import closures
from benchmarks.articulation.rules.features import RuleFeatures
from benchmarks.articulation.rules.spectral import raw_curves
from portravox.arrays import Bool, Float32
from portravox.articulation.curves import CHANNELS, ArticulationCurves
from portravox.articulation.delivery import relative_loudness, relative_pitch
from portravox.articulation.smoothing import closure_curve, followed, smoothed, with_rest

SOUNDING_DB = -34.0
"""Against the speech level: below, the mouth makes no audible sound."""

APERTURE_P90 = 0.82
"""What the aperture's 90th percentile in speech is brought to: full range, short of shouting."""

GAIN_LIMITS = (0.7, 1.6)
"""As far as clips may differ by microphone; beyond, they differ by how people speak."""

BITTEN_SHARE = 0.88
"""How much of the opening is gone when the lower lip is at the teeth."""

LIP_BELL_ROWS, JAW_BELL_ROWS, CORNER_BELL_ROWS = 7, 13, 15
"""Lips are quick, the jaw is heavy, corners and protrusion are slow: 70, 130, 150 ms."""


def curves_from_features(features: RuleFeatures) -> ArticulationCurves:
    """Curves of a recording whose features are at hand."""
    rows = len(features.speaking)
    raw = raw_curves(features)
    closure = closure_curve(closures(features), rows)
    speaking = features.speaking
    sounding = speaking & (features.loudness_db > SOUNDING_DB)

    aperture = smoothed(np.where(speaking, raw.aperture, 0.0).astype(np.float32), LIP_BELL_ROWS)
    gain = _gain(aperture, sounding)
    aperture = with_rest(np.minimum(aperture * gain, 1.0), sounding)
    labiodental = smoothed(raw.labiodental, LIP_BELL_ROWS) * (1.0 - closure)
    shut = np.maximum(closure, BITTEN_SHARE * labiodental)
    aperture = followed(np.minimum(aperture, 1.0 - shut))
    jaw = smoothed(np.where(speaking, raw.jaw, 0.0).astype(np.float32), JAW_BELL_ROWS)
    curves = {
        "jaw": np.minimum(jaw * gain, 1.0),
        "aperture": aperture,
        "spread": smoothed(raw.spread, CORNER_BELL_ROWS),
        "rounding": smoothed(raw.rounding, CORNER_BELL_ROWS),
        "closure": closure,
        "labiodental": labiodental,
        "tongue": smoothed(raw.tongue, LIP_BELL_ROWS) * (1.0 - closure),
        "activity": smoothed(speaking.astype(np.float32), LIP_BELL_ROWS),
        "loudness": relative_loudness(features, sounding),
        "pitch": relative_pitch(features, sounding),
    }
    values = np.stack([curves[channel] for channel in CHANNELS], axis=1).astype(np.float32)
    return ArticulationCurves(values, features.duration_s)


def _gain(aperture: Float32, sounding: Bool) -> float:
    """What brings the clip's wide openings to APERTURE_P90."""
    if not sounding.any():
        return 1.0
    usual = float(np.percentile(aperture[sounding], 90.0))
    return float(np.clip(APERTURE_P90 / max(usual, 1e-3), *GAIN_LIMITS))
