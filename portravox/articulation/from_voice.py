"""Voice -> articulation curves.

Flow      media.waveform -> articulation.from_voice -> animation
Reads     Waveform, Transcript
Gives     ArticulationCurves
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.arrays import Float32
from portravox.articulation.acoustic_model import AcousticOutput, infer
from portravox.articulation.alignment import FITS, align, sharpened
from portravox.articulation.curves import CHANNELS, ArticulationCurves
from portravox.articulation.delivery import (
    relative_loudness,
    relative_pitch,
    usual_loudness_db,
    usual_pitch_hz,
)
from portravox.articulation.lip_closures import (
    RECORDING,
    ContactRules,
    closures,
    labiodentals,
)
from portravox.articulation.openness import OPEN, opening_of, openness_of
from portravox.articulation.smoothing import closure_curve, followed, smoothed, with_rest
from portravox.articulation.speaking import speaking_rows
from portravox.articulation.transcript import Transcript
from portravox.media.waveform import Waveform
from portravox.speech.features import SpeechFeatures, speech_features

SOUNDING_DB = -34.0
"""Against the speech level: below, the mouth makes no audible sound."""

APERTURE_P90 = OPEN
"""What the aperture's 90th percentile in speech is brought to: full range, short of shouting.
The network is trained to about this."""

GAIN_LIMITS = (0.85, 1.25)
"""As far as clips may differ by microphone; beyond, they differ by how people speak."""

DOES_NOT_FIT = "the transcript does not fit the voice and was left out"

BITTEN_SHARE = 0.88
"""How much of the opening is gone when the lower lip is at the teeth."""

HISSES = ("s", "z", "sh", "zh")
"""Behind nearly closed teeth the tongue is raised, but not seen."""

LIP_BELL_ROWS, JAW_BELL_ROWS, CORNER_BELL_ROWS = 3, 7, 5
"""Lips are quick, the jaw is heavy: 30, 70, 50 ms at the foot. The network's curves are smooth
already; wider bells cost likeness to measured lips."""

EDGE_BELL_ROWS = 7
"""How softly activity begins and ends."""


@dataclass(frozen=True, slots=True)
class Habit:
    """What is usual for a speaker: against it a moment is wide, loud or high."""

    aperture: float
    """See `usual_aperture`."""

    loudness_db: float
    """Median, against the speech level."""

    pitch_hz: float
    """Median; 0 where nothing was voiced."""


def articulate(voice: Waveform, transcript: Transcript | None = None) -> ArticulationCurves:
    """Curves of any recording, of any rate and level, in any language.

    transcript  what is said in it, where that is known: closures of the lips become surer. One
                that does not fit the voice is left out, with a notice.

    Raises ModelUnavailable.
    """
    return curves_from_features(speech_features(voice), transcript)


def curves_from_features(
    features: SpeechFeatures,
    transcript: Transcript | None = None,
    acoustic: AcousticOutput | None = None,
    habit: Habit | None = None,
    rules: ContactRules = RECORDING,
) -> ArticulationCurves:
    """The same from features already at hand.

    acoustic  of the same recording, where it was inferred in another way (articulation.streaming)
    habit     what is usual for the speaker, where more is known than these rows say
    rules     how lip closures are decided: those of a recording, or of a live voice
    """
    if acoustic is None:
        acoustic = infer(features.log_mel)
    notices: tuple[str, ...] = ()
    if transcript is not None:
        corrected = _corrected(acoustic, transcript)
        if corrected is None:
            notices = (DOES_NOT_FIT,)
        else:
            acoustic = corrected
    speaking = speaking_rows(features, acoustic)
    sounding = speaking & (features.loudness_db > SOUNDING_DB)
    rows = len(speaking)
    shut = closures(acoustic, speaking, features.loudness_db, rules)
    bitten = labiodentals(acoustic, speaking, shut, rules)
    closure = closure_curve(shut, rows)
    labiodental = closure_curve(bitten, rows) * (1.0 - closure)

    def moved(channel: str, bell_rows: int) -> Float32:
        return smoothed(np.where(speaking, acoustic[channel], 0.0).astype(np.float32), bell_rows)

    hissing = smoothed(acoustic.probability(*HISSES), LIP_BELL_ROWS)
    openness = np.where(speaking, openness_of(acoustic), 0.0).astype(np.float32)
    aperture = opening_of(smoothed(openness, LIP_BELL_ROWS))
    if habit is None:
        habit = Habit(
            aperture=usual_aperture(aperture[sounding]),
            loudness_db=usual_loudness_db(features, sounding),
            pitch_hz=usual_pitch_hz(features, sounding),
        )
    gain = _gain(habit.aperture)
    aperture = with_rest(np.minimum(aperture * gain, 1.0), sounding)
    aperture = followed(np.minimum(aperture, 1.0 - np.maximum(closure, BITTEN_SHARE * labiodental)))
    curves = {
        "jaw": moved("jaw", JAW_BELL_ROWS),
        "aperture": aperture,
        "spread": moved("spread", CORNER_BELL_ROWS),
        "rounding": moved("rounding", CORNER_BELL_ROWS),
        "closure": closure,
        "labiodental": labiodental,
        "tongue": moved("tongue", LIP_BELL_ROWS) * (1.0 - np.maximum(closure, hissing)),
        "activity": smoothed(speaking.astype(np.float32), EDGE_BELL_ROWS),
        "loudness": relative_loudness(features, sounding, habit.loudness_db),
        "pitch": relative_pitch(features, sounding, habit.pitch_hz),
    }
    values = np.stack([curves[channel] for channel in CHANNELS], axis=1).astype(np.float32)
    return ArticulationCurves(values, features.duration_s, notices)


def _corrected(acoustic: AcousticOutput, transcript: Transcript) -> AcousticOutput | None:
    """The acoustic output, corrected by the transcript; None if that does not fit."""
    alignment = align(acoustic.classes, transcript.words)
    return sharpened(acoustic, alignment) if alignment and alignment.fit >= FITS else None


def usual_aperture(openings: Float32) -> float:
    """The opening that a tenth of the sounding rows exceed; APERTURE_P90 where there are none.

    openings  (N,) before the gain
    """
    return float(np.percentile(openings, 90.0)) if len(openings) else APERTURE_P90


def _gain(usual: float) -> float:
    """What brings the speaker's wide openings to APERTURE_P90."""
    return float(np.clip(APERTURE_P90 / max(usual, 1e-3), *GAIN_LIMITS))
