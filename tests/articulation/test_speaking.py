"""The mouth moves where both the sound's level and the network say that somebody speaks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from portravox.articulation.speaking import (
    DOUBT_ROWS,
    HANGOVER_ROWS,
    SURE_OF_A_WHISPER,
    speaking_rows,
)
from portravox.speech.features import speech_features

ROWS = 400


@pytest.fixture(scope="module")
def features(mono):
    silent = speech_features(mono(np.zeros(ROWS * 160)))
    voiced = dataclasses.replace(silent, pitch_hz=np.full(ROWS, 120.0, np.float32))
    return lambda *spans: dataclasses.replace(voiced, speaking=inside(*spans))


def inside(*spans):
    mask = np.zeros(ROWS, dtype=np.bool_)
    for start, stop in spans:
        mask[start:stop] = True
    return mask


def acoustic_speech(make_acoustic, *spans, probability=0.95):
    acoustic = make_acoustic(ROWS)
    return dataclasses.replace(acoustic, speech=(inside(*spans) * probability).astype(np.float32))


def test_both_must_agree_where_the_network_is_not_sure(make_acoustic, features):
    acoustic = acoustic_speech(make_acoustic, (0, 100), (200, 300), probability=0.8)
    speaking = speaking_rows(features((50, 250)), acoustic)
    assert speaking[52:98].all()
    assert speaking[202:248].all()
    assert not speaking[:50].any()
    assert not speaking[100 + 2 * HANGOVER_ROWS : 200 - 2 * HANGOVER_ROWS].any()
    assert not speaking[250:].any()


def test_a_network_that_is_sure_for_longer_decides_alone(make_acoustic, features):
    # in noise the level tells nothing
    speaking = speaking_rows(features(), acoustic_speech(make_acoustic, (100, 200)))
    assert speaking[120:180].all()
    assert not speaking[:90].any()
    assert not speaking[210:].any()
    short = acoustic_speech(make_acoustic, (100, 115))
    assert not speaking_rows(features(), short).any()


def test_music_before_a_voice_does_not_move_the_mouth(make_acoustic, features):
    speaking = speaking_rows(features((0, ROWS)), acoustic_speech(make_acoustic, (200, 400)))
    assert 200 - 2 * HANGOVER_ROWS <= np.flatnonzero(speaking)[0] <= 200


def test_a_doubt_within_a_word_is_bridged(make_acoustic, features):
    acoustic = acoustic_speech(make_acoustic, (100, 200), (200 + DOUBT_ROWS, 350))
    assert speaking_rows(features((100, 350)), acoustic)[100:350].all()


def test_a_click_and_a_lasting_half_belief_are_no_speech(make_acoustic, features):
    click = acoustic_speech(make_acoustic, (100, 102))
    assert not speaking_rows(features((0, ROWS)), click).any()
    half = acoustic_speech(make_acoustic, (50, 350), probability=0.5)
    assert not speaking_rows(features((0, ROWS)), half).any()


def test_a_phrase_that_fades_is_followed_to_its_end(make_acoustic, features):
    acoustic = acoustic_speech(make_acoustic, (100, 200))
    fading = acoustic.speech.copy()
    fading[200:240] = np.linspace(0.9, 0.3, 40)
    speaking = speaking_rows(features((90, 260)), dataclasses.replace(acoustic, speech=fading))
    assert speaking[100:236].all()


def unvoiced(features):
    return dataclasses.replace(features, pitch_hz=np.zeros(ROWS, np.float32))


def test_what_is_nowhere_voiced_is_a_whisper_or_a_breath(make_acoustic, features):
    loud = unvoiced(features((0, ROWS)))
    breath = acoustic_speech(make_acoustic, (100, 200), probability=SURE_OF_A_WHISPER - 0.02)
    assert not speaking_rows(loud, breath).any()
    whisper = acoustic_speech(make_acoustic, (100, 200), probability=SURE_OF_A_WHISPER + 0.01)
    assert speaking_rows(loud, whisper)[100:200].all()


def test_one_voiced_row_is_enough(make_acoustic, features):
    loud = unvoiced(features((0, ROWS)))
    loud.pitch_hz[180] = 120.0
    assert speaking_rows(loud, acoustic_speech(make_acoustic, (100, 200), probability=0.8))[150]


def test_what_goes_on_is_not_judged_yet(make_acoustic, features):
    """A live voice begins with an s whose vowel has not been heard."""
    loud = unvoiced(features((0, ROWS)))
    assert speaking_rows(loud, acoustic_speech(make_acoustic, (380, ROWS), probability=0.8))[390]
