"""Known texts of other languages."""

import json

import numpy as np

from benchmarks.articulation.languages import NAMES, NEAREST, READINGS, REST_EDGE_S, rests
from portravox.articulation.phones import BILABIAL, PHONE_CLASSES, SILENCE, parse_ipa
from training.utterance import Phone

FACTS = json.loads(READINGS.read_text("utf-8"))


def bilabials(ipa):
    return sum(symbol in BILABIAL for symbol in parse_ipa(ipa))


def test_every_class_has_an_english_neighbour():
    assert NEAREST.keys() == set(PHONE_CLASSES) - {SILENCE}


def test_readings_have_as_many_lips_as_their_texts():
    said = {name: bilabials(entry["ipa"]) for name, entry in FACTS["recordings"].items()}
    assert said["zh_man_mandarin_16k.wav"] == 3  # da mo yuan, bie, mo xing
    assert said["zh_woman_mandarin_float_24k.wav"] == 1  # bi
    assert {entry["language"] for entry in FACTS["recordings"].values()} <= NAMES.keys()


def test_words_are_spelt_with_the_sounds_of_their_language():
    words = FACTS["words"]
    assert bilabials(words["it"]["ipa"]["digits/mon-8"]) == 2  # settembre
    assert bilabials(words["ru"]["ipa"]["digits/5"]) == 1  # pyat
    assert all(parse_ipa(ipa) for entry in words.values() for ipa in entry["ipa"].values())


def test_only_the_inside_of_long_pauses_is_rest():
    phones = (Phone(SILENCE, 0.0, 0.4), Phone("a", 0.4, 1.0), Phone(SILENCE, 1.0, 2.0))
    (rest,) = rests(phones)
    assert np.isclose(rest.start / 100, 1.0 + REST_EDGE_S)
    assert np.isclose(rest.stop / 100, 2.0 - REST_EDGE_S)
