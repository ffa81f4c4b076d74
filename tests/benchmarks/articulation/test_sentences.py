"""Aligned recordings: their phones are IPA, and outliers are told by a robust statistic."""

import numpy as np
import pytest

from benchmarks.articulation.arpabet import IPA, ipa_of
from benchmarks.articulation.chart import OPENNESS, expected_aperture
from benchmarks.articulation.sentences import least_score, read_sentences
from portravox.articulation.phones import CLASS_OF, PHONE_CLASSES, parse_ipa
from training.utterance import Phone


def test_every_arpabet_phone_has_a_class():
    for ipa in IPA.values():
        assert all(symbol in CLASS_OF for symbol in parse_ipa(ipa))
    assert (ipa_of("AH0"), ipa_of("SIL"), ipa_of("+NOISE+")) == ("ʌ", "sil", "sil")


def test_the_chart_knows_every_class_and_opens_a_wider_than_i():
    assert OPENNESS.keys() == set(PHONE_CLASSES)
    opened = expected_aperture((Phone("ɑ", 0.0, 0.3), Phone("i", 0.3, 0.6)), 60)
    assert opened[15] > opened[45] > 0.0


def test_one_bad_alignment_does_not_move_the_limit_for_the_others():
    scores = np.random.default_rng(0).normal(-20.0, 2.0, 200)
    limit = least_score(scores)
    assert limit == pytest.approx(-26.0, abs=1.0)
    assert least_score([*scores, -1e6]) == pytest.approx(limit, abs=0.1)


def test_the_samples_are_read_in_both_bands(samples):
    sentences = list(read_sentences(samples))
    assert {s.band for s in sentences} == {"wideband_16k", "telephone_8k"}
    for sentence in sentences:
        assert sentence.spoken[-1].end_s <= sentence.voice.duration_s + 0.02
