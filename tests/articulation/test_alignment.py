"""Known words are found where they are spoken; lips follow them where they fit."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from portravox.articulation.acoustic_model import ACOUSTIC_CHANNELS, AcousticOutput
from portravox.articulation.alignment import ANYTHING, FITS, align, sharpened
from portravox.articulation.lip_closures import closures, labiodentals
from portravox.articulation.phones import PHONE_CLASSES, SILENCE

SENTENCE = [("d", "i", "s"), ("p", "ah", "l"), ("ah", "n"), ("f", "aw", "m"), ("k", "a", "t")]


class Spoken:
    """A sentence as a network that is mostly right gives it, and when each sound is said."""

    def __init__(self, words, seed=3, *, pause_after=2, sure=0.7, missing=()):
        rng = np.random.default_rng(seed)
        timeline = [SILENCE] * 20
        self.starts = []
        for number, word in enumerate(words):
            for phone in word:
                self.starts.append((phone, len(timeline)))
                timeline += [phone] * int(rng.integers(6, 13))
            timeline += [SILENCE] * (25 if number == pause_after else 0)
        timeline += [SILENCE] * 20
        self.timeline = np.array(timeline)
        rows = len(timeline)
        classes = rng.dirichlet(np.full(len(PHONE_CLASSES), 0.3), rows) * (1.0 - sure)
        for row, phone in enumerate(timeline):
            taken_for = "t" if phone in missing else phone
            classes[row, PHONE_CLASSES.index(taken_for)] += sure
        curves = np.zeros((rows, len(ACOUSTIC_CHANNELS)))
        shut = np.isin(self.timeline, [p for p in "pbm" if p not in missing])
        curves[shut, ACOUSTIC_CHANNELS.index("closure")] = 0.8
        ones = np.ones(rows, np.float32)
        self.acoustic = AcousticOutput(curves.astype(np.float32), classes.astype(np.float32), ones)
        self.speaking = np.ones(rows, np.bool_)


@pytest.fixture(scope="module")
def spoken():
    return Spoken(SENTENCE)


def test_every_sound_is_found_where_it_is_said(spoken):
    alignment = align(spoken.acoustic.classes, SENTENCE)
    found = [(s.phone, s.start) for s in alignment.segments if s.word >= 0]
    assert [phone for phone, _ in found] == [phone for phone, _ in spoken.starts]
    for (_, start), (_, truth) in zip(found, spoken.starts, strict=True):
        assert abs(start - truth) <= 2
    assert [s.phone for s in alignment.segments].count(SILENCE) == 3


def test_segments_fill_the_voice_without_gaps(spoken):
    segments = align(spoken.acoustic.classes, SENTENCE).segments
    assert segments[0].start == 0
    assert segments[-1].stop == len(spoken.timeline)
    assert all(a.stop == b.start for a, b in pairwise(segments))


def test_the_right_text_fits_and_others_do_not(spoken):
    assert align(spoken.acoustic.classes, SENTENCE).fit > FITS
    other = [("b", "u", "m"), ("v", "o"), ("sh", "y", "zh"), ("g", "er"), ("h", "aw", "z")]
    assert align(spoken.acoustic.classes, other).fit < FITS


def test_a_text_of_which_much_more_was_said_does_not_fit(spoken):
    assert align(spoken.acoustic.classes, SENTENCE[:1]).fit < FITS


def test_more_words_than_fit_in_are_refused(spoken):
    assert align(spoken.acoustic.classes, SENTENCE * 30) is None
    assert align(np.zeros((0, len(PHONE_CLASSES)), np.float32), SENTENCE) is None


def test_a_word_of_unknown_sound_fits_between_known_ones(spoken):
    words = [*SENTENCE[:3], (), *SENTENCE[4:]]
    alignment = align(spoken.acoustic.classes, words)
    assert alignment.fit > FITS
    (unknown,) = (s for s in alignment.segments if s.phone == ANYTHING)
    truth = [start for phone, start in spoken.starts if phone in "fk"]
    assert abs(unknown.start - truth[0]) <= 3
    assert abs(unknown.stop - truth[1]) <= 3


def test_a_p_and_f_that_the_network_missed_shut_the_lips_all_the_same():
    spoken = Spoken(SENTENCE, missing=("p", "f"))
    acoustic = spoken.acoustic
    assert len(closures(acoustic, spoken.speaking)) == 1
    better = sharpened(acoustic, align(acoustic.classes, SENTENCE))
    shut = closures(better, spoken.speaking)
    truth = dict(spoken.starts)
    assert len(shut) == 2
    assert abs(shut[0][0] - truth["p"]) <= 3
    ((bite, _),) = labiodentals(better, spoken.speaking, shut)
    assert abs(bite - truth["f"]) <= 3


def test_a_closure_that_the_text_does_not_have_is_dropped(spoken):
    acoustic = spoken.acoustic
    acoustic.curves[22:30, ACOUSTIC_CHANNELS.index("closure")] = 0.9  # within "dis"
    assert any(first < 31 for first, _ in closures(acoustic, spoken.speaking))
    better = sharpened(acoustic, align(acoustic.classes, SENTENCE))
    assert not any(first < 31 for first, _ in closures(better, spoken.speaking))


def test_a_word_that_was_not_said_leaves_the_acoustic_output(spoken):
    # the fourth word is another: its neighbours are believed, it is not
    words = [*SENTENCE[:3], ("b", "y", "sh"), *SENTENCE[4:]]
    alignment = align(spoken.acoustic.classes, words)
    before = closures(spoken.acoustic, spoken.speaking)
    after = closures(sharpened(spoken.acoustic, alignment), spoken.speaking)
    assert before[-1] == after[-1]
