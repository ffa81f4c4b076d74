"""The phone recogniser finds phones, and lays known words where they are."""

import numpy as np
import pytest

pytest.importorskip("pocketsphinx", reason="needs the extra 'dev'")

from benchmarks.articulation import sphinx
from benchmarks.articulation.sentences import read_sentences
from portravox.articulation.phones import SILENCE
from portravox.speech.resample import speech_samples


@pytest.fixture(scope="module")
def sentence(samples):
    return next(s for s in read_sentences(samples) if s.name == "alsa_Front_Center.wav")


def test_known_words_are_found_where_the_samples_have_them(sentence):
    words = [sphinx.dictionary()[word] for word in ("front", "center")]
    found = sphinx.aligned(speech_samples(sentence.voice), words)
    spoken = [phone for phone in found.phones if phone.ipa != SILENCE]
    assert [p.ipa for p in spoken] == [p.ipa for p in sentence.spoken]
    apart_s = [abs(a.start_s - b.start_s) for a, b in zip(spoken, sentence.spoken, strict=True)]
    assert np.median(apart_s) <= 0.02


def test_most_of_the_recognised_time_is_speech_where_there_is_speech(sentence):
    phones = sphinx.recognised(speech_samples(sentence.voice))
    heard_s = sum(p.end_s - p.start_s for p in phones if p.ipa != SILENCE)
    spoken_s = sum(p.end_s - p.start_s for p in sentence.spoken)
    assert heard_s == pytest.approx(spoken_s, rel=0.3)


def test_words_that_were_not_said_fit_worse(sentence):
    samples = speech_samples(sentence.voice)
    right = sphinx.aligned(samples, [sphinx.dictionary()[w] for w in ("front", "center")])
    wrong = sphinx.aligned(samples, [sphinx.dictionary()[w] for w in ("umbrella", "yes")])
    assert wrong is None or wrong.score < right.score


def test_what_was_heard_before_does_not_matter(sentence):
    samples = speech_samples(sentence.voice)
    alone = sphinx.recognised(samples)
    noise = np.random.default_rng(0).normal(0.0, 0.1, 16_000).astype(np.float32)
    sphinx.recognised(noise)
    assert sphinx.recognised(samples) == alone
