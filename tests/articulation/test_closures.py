import numpy as np

from portravox.articulation.closures import LONGEST_ROWS, SHORTEST_ROWS, closures
from portravox.speech.features import speech_features


def test_lips_shut_once_before_each_p(papapa, mono):
    found = closures(speech_features(mono(papapa.samples)))
    assert len(found) == len(papapa.releases_s)
    for (first, release), release_s in zip(found, papapa.releases_s, strict=True):
        assert abs(release / 100 - release_s) <= 0.02
        assert SHORTEST_ROWS <= release - first <= LONGEST_ROWS


def test_gaps_that_end_in_hiss_are_the_tongues(sasasa, mono):
    assert closures(speech_features(mono(sasasa.samples))) == []


def test_a_held_vowel_has_no_closure(vowel, mono):
    pause = np.zeros(8_000)
    sound = np.concatenate([pause, vowel("a", 2.0), pause])
    assert closures(speech_features(mono(sound))) == []


def test_silence_has_no_closure(mono):
    assert closures(speech_features(mono(np.zeros(16_000)))) == []
