"""Speaking: the rows in which the mouth moves for speech.

Flow      speech.features, articulation.acoustic_model -> articulation.speaking
          -> articulation.lip_closures, articulation.from_voice
Reads     SpeechFeatures, AcousticOutput
Gives     one decision a row

Two detectors must agree. The level above the noise tells sound from silence reliably; the network
tells speech from music, breath and laughter. In noise, where the level of soft speech hardly rises,
the network alone is enough if it is sure for longer. What has no voiced row at all is a whisper or
somebody who breathes: there the network has to be surer. Elsewhere the mouth rests.
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Bool, Float32
from portravox.articulation.acoustic_model import AcousticOutput
from portravox.filters import moving_mean
from portravox.segments import segments
from portravox.speech.features import SpeechFeatures

SPEECH_BEGIN, SPEECH_STAY = 0.6, 0.3
"""Probabilities of speech that are enough to begin and to go on."""

SURE, SURE_ROWS = 0.85, 25
"""Mean probability over 0.25 s from which the network is enough alone. It keeps a third of the
aperture's correlation that white noise at 10 dB takes otherwise."""

SPEECH_MEAN_ROWS = 5
"""Longer than a click, and a stop consonant does not count as a pause."""

DOUBT_ROWS = 30
"""Gaps in the speech up to this length, 0.3 s, are word borders or stops and are filled."""

SURE_OF_A_WHISPER = 0.97
"""The same mean, once at least in what is nowhere voiced. Computed breaths reach .96, whispers .995
(30 and 14 stretches; decision 85)."""

HANGOVER_ROWS = 6
"""The last sound of a phrase dies away before the mouth has finished it."""


def speaking_rows(features: SpeechFeatures, acoustic: AcousticOutput) -> Bool:
    """(T,) somebody speaks or sings, aloud or in a whisper."""
    certainty = moving_mean(acoustic.speech, SURE_ROWS)
    taken = _taken_for_speech(acoustic.speech)
    for segment in segments(taken):
        # what goes on beyond the rows that are known may be voiced there
        inside = segment.start > 0 and segment.stop < len(taken)
        voiced = bool((features.pitch_hz[segment] > 0.0).any())
        if inside and not voiced and certainty[segment].max() < SURE_OF_A_WHISPER:
            taken[segment] = False
    sure: Bool = certainty >= SURE
    return (features.speaking | sure) & taken


def _taken_for_speech(speech: Float32) -> Bool:
    """(T,) by the network alone, with hysteresis, short doubts bridged."""
    mean = moving_mean(speech, SPEECH_MEAN_ROWS)
    taken = np.zeros(len(speech), dtype=np.bool_)
    for segment in segments(mean >= SPEECH_STAY):
        if mean[segment].max() >= SPEECH_BEGIN:
            around = slice(max(0, segment.start - HANGOVER_ROWS), segment.stop + HANGOVER_ROWS)
            taken[around] = True
    gaps = segments(~taken)
    for gap in gaps:
        inside = gap.start > 0 and gap.stop < len(taken)
        if inside and gap.stop - gap.start <= DOUBT_ROWS:
            taken[gap] = True
    return taken
