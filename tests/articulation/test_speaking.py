"""The mouth moves where both the sound's level and the network say that somebody speaks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from portravox.articulation.speaking import DOUBT_ROWS, HANGOVER_ROWS, speaking_rows
from portravox.speech.features import speech_features

ROWS = 400


@pytest.fixture(scope="module")
def features(mono):
    silent = speech_features(mono(np.zeros(ROWS * 160)))
    return lambda *spans: dataclasses.replace(silent, speaking=inside(*spans))


def inside(*spans):
    mask = np.zeros(ROWS, dtype=np.bool_)
    for start, stop in spans:
        mask[start:stop] = True
    return mask


def heard_speech(make_heard, *spans, probability=0.95):
    heard = make_heard(ROWS)
    return dataclasses.replace(heard, speech=(inside(*spans) * probability).astype(np.float32))


def test_both_must_agree_where_the_network_is_not_sure(make_heard, features):
    heard = heard_speech(make_heard, (0, 100), (200, 300), probability=0.8)
    speaking = speaking_rows(features((50, 250)), heard)
    assert speaking[52:98].all()
    assert speaking[202:248].all()
    assert not speaking[:50].any()
    assert not speaking[100 + 2 * HANGOVER_ROWS : 200 - 2 * HANGOVER_ROWS].any()
    assert not speaking[250:].any()


def test_a_network_that_is_sure_for_longer_decides_alone(make_heard, features):
    # in noise the level tells nothing
    speaking = speaking_rows(features(), heard_speech(make_heard, (100, 200)))
    assert speaking[120:180].all()
    assert not speaking[:90].any()
    assert not speaking[210:].any()
    short = heard_speech(make_heard, (100, 115))
    assert not speaking_rows(features(), short).any()


def test_music_before_a_voice_does_not_move_the_mouth(make_heard, features):
    speaking = speaking_rows(features((0, ROWS)), heard_speech(make_heard, (200, 400)))
    assert 200 - 2 * HANGOVER_ROWS <= np.flatnonzero(speaking)[0] <= 200


def test_a_doubt_within_a_word_is_bridged(make_heard, features):
    heard = heard_speech(make_heard, (100, 200), (200 + DOUBT_ROWS, 350))
    assert speaking_rows(features((100, 350)), heard)[100:350].all()


def test_a_click_and_a_lasting_half_belief_are_no_speech(make_heard, features):
    click = heard_speech(make_heard, (100, 102))
    assert not speaking_rows(features((0, ROWS)), click).any()
    half = heard_speech(make_heard, (50, 350), probability=0.5)
    assert not speaking_rows(features((0, ROWS)), half).any()


def test_a_phrase_that_fades_is_followed_to_its_end(make_heard, features):
    heard = heard_speech(make_heard, (100, 200))
    fading = heard.speech.copy()
    fading[200:240] = np.linspace(0.9, 0.3, 40)
    speaking = speaking_rows(features((90, 260)), dataclasses.replace(heard, speech=fading))
    assert speaking[100:236].all()
