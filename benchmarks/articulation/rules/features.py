"""Speech features with the spectrum itself, which rules read and the product does not.

Flow      speech -> rules.features -> rules.spectral, rules.closures
Reads     Waveform
Gives     RuleFeatures
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from portravox.arrays import Float32
from portravox.media.waveform import Waveform
from portravox.speech.activity import activity
from portravox.speech.features import SpeechFeatures, speech_features
from portravox.speech.mel import mel_power
from portravox.speech.noise import noise_power
from portravox.speech.pitch import pitch
from portravox.speech.resample import row_count, speech_samples


@dataclass(frozen=True, slots=True, eq=False)
class RuleFeatures(SpeechFeatures):
    """Of one recording."""

    power: Float32
    """(T, BANDS) mel power with the noise taken off; the sum over the bands is 1 at the speech
    level, which the loudest twentieth of the speaking rows exceed."""


def rule_features(voice: Waveform) -> RuleFeatures:
    """Features of a recording of any rate, one or two channels, any level."""
    plain = speech_features(voice)
    samples, rows = speech_samples(voice), row_count(voice)
    spectrum = mel_power(samples, rows)
    voiced = pitch(samples, rows).frequency_hz > 0.0
    noise = noise_power(spectrum, voiced)
    active = activity(spectrum, noise, voiced)
    clean = np.maximum(spectrum - noise, 0.0)
    if not active.speaking.any():
        clean = np.zeros_like(clean)
    power = clean / np.float32(10.0 ** (active.level_dbfs / 10.0))
    return RuleFeatures(
        **{field.name: getattr(plain, field.name) for field in fields(plain)}, power=power
    )
