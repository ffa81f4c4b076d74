"""Speaking: the rows in which the mouth moves for speech.

Flow      speech.features, articulation.network -> articulation.speaking -> articulation.from_voice
Reads     SpeechFeatures, Heard
Gives     one decision a row

Two witnesses are heard. The level above the noise says that there is a sound, and knows silence
surely; the network says whether it sounds like a voice, and knows music, breath and laughter.
Lips that move where both agree are right; in noise, where soft speech hardly stands out, the
network may also decide alone, if it is sure for longer. The mouth rests elsewhere.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from portravox.arrays import Bool, Float32
from portravox.articulation.network import Heard
from portravox.speech.features import SpeechFeatures
from portravox.speech.stretches import stretches

SPEECH_BEGIN, SPEECH_STAY = 0.6, 0.3
"""Probabilities of speech that are enough to begin and to go on."""

SURE, SURE_ROWS = 0.85, 25
"""Mean probability over 0.25 s from which the network needs no second witness. It keeps a third of
the aperture's correlation that white noise at 10 dB takes otherwise."""

SPEECH_MEAN_ROWS = 5
"""A click is no voice, and a stop is no pause."""

DOUBT_ROWS = 30
"""What the network does not take for speech is a word border or a stop up to this length: 0.3 s."""

HANGOVER_ROWS = 6
"""The last sound of a phrase dies away before the mouth has finished it."""


def speaking_rows(features: SpeechFeatures, heard: Heard) -> Bool:
    """(T,) somebody speaks or sings, aloud or in a whisper."""
    sure: Bool = ndimage.uniform_filter1d(heard.speech, SURE_ROWS, mode="nearest") >= SURE
    return (features.speaking | sure) & _taken_for_speech(heard.speech)


def _taken_for_speech(speech: Float32) -> Bool:
    """(T,) by the network alone, with hysteresis, short doubts bridged."""
    mean: Float32 = ndimage.uniform_filter1d(speech, SPEECH_MEAN_ROWS, mode="nearest")
    taken = np.zeros(len(speech), dtype=np.bool_)
    for stretch in stretches(mean >= SPEECH_STAY):
        if mean[stretch].max() >= SPEECH_BEGIN:
            around = slice(max(0, stretch.start - HANGOVER_ROWS), stretch.stop + HANGOVER_ROWS)
            taken[around] = True
    gaps = stretches(~taken)
    for gap in gaps:
        inside = gap.start > 0 and gap.stop < len(taken)
        if inside and gap.stop - gap.start <= DOUBT_ROWS:
            taken[gap] = True
    return taken
