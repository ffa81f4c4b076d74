"""What is counted, on sentences whose every row is known."""

import math

import numpy as np
import pytest

from benchmarks.articulation.baselines import Answer, of_phones, oracle
from benchmarks.articulation.measures import Events, Score, correlation
from benchmarks.articulation.sentences import Sentence
from portravox.articulation.curves import CHANNELS, ArticulationCurves
from portravox.articulation.phones import PHONE_CLASSES
from portravox.media.waveform import Waveform
from training.utterance import Phone

PHONES = (
    Phone("sil", 0.0, 0.9),
    Phone("m", 0.9, 1.0),
    Phone("u", 1.0, 1.2),
    Phone("f", 1.2, 1.3),
    Phone("i", 1.3, 1.5),
    Phone("p", 1.5, 1.6),
    Phone("ɑ", 1.6, 1.8),
    Phone("sil", 1.8, 2.0),
)
VOICE = Waveform(np.zeros((32_000, 1), np.float32), 16_000)
SENTENCE = Sentence("made", "wideband_16k", PHONES, VOICE)


def at_rest(**channels):
    values = np.zeros((200, len(CHANNELS)), np.float32)
    for name, curve in channels.items():
        values[:, CHANNELS.index(name)] = curve
    return Answer(ArticulationCurves(values, 2.0), None)


def shown(*spans):
    curve = np.zeros(200, np.float32)
    for first, last in spans:
        curve[first:last] = 1.0
    return curve


def figures(answer):
    score = Score()
    score.add(SENTENCE, answer)
    return score.figures()


def test_the_targets_of_the_phones_themselves_are_perfect():
    found = figures(oracle(SENTENCE))
    perfect = ("aperture r", "6-class accuracy", "16-class accuracy", "closure F1", "f/v recall",
               "f/v precision", "rounding AUC")  # fmt: skip
    assert [found[name] for name in perfect] == pytest.approx([1.0] * len(perfect))


def test_a_closure_counts_within_40_ms_of_its_phone_and_not_beyond():
    near, far = shown((86, 87), (163, 164)), shown((85, 86), (164, 165))
    assert figures(at_rest(closure=near))["closure recall"] == 1.0
    assert figures(at_rest(closure=far))["closure recall"] == 0.0


def test_lips_that_shut_in_vowels_too_are_not_precise():
    found = figures(at_rest(closure=shown((95, 98), (110, 118), (140, 142), (152, 158))))
    assert found["closure recall"] == 1.0
    assert found["closure precision"] == 0.5


def test_a_false_closure_is_told_by_what_was_said_there():
    score = Score()
    score.add(SENTENCE, at_rest(closure=shown((108, 112), (152, 158))))
    assert dict(score.false_closures) == {"u": 1}
    found = score.figures()
    assert (found["closure recall p"], found["closure recall m"]) == (1.0, 0.0)
    assert math.isnan(found["closure recall b"])


def test_closures_in_pauses_are_nobodys_fault():
    found = figures(at_rest(closure=shown((20, 30), (92, 98), (152, 158))))
    assert found["closure precision"] == 1.0


def test_spread_lips_on_u_and_round_ones_on_i_are_the_wrong_way_round():
    wrong = at_rest(rounding=shown((130, 150)), spread=shown((100, 120)))
    assert figures(wrong)["rounding AUC"] == 0.0
    assert figures(at_rest())["rounding AUC"] == 0.5


def test_p_for_b_is_the_same_group_and_i_for_a_is_not():
    spoken_as_b = (*PHONES[:5], Phone("b", 1.5, 1.6), Phone("i", 1.6, 1.8), PHONES[7])
    found = figures(of_phones(spoken_as_b, VOICE))
    assert found["6-class accuracy"] == pytest.approx(0.9)


def test_a_method_without_classes_has_no_accuracy():
    assert math.isnan(figures(at_rest())["6-class accuracy"])


def test_curves_that_do_not_move_correlate_with_nothing():
    moving = np.sin(np.arange(50)).astype(np.float32)
    assert correlation(moving, np.full(50, 0.3, np.float32)) == 0.0
    assert correlation(moving, -2.0 * moving) == pytest.approx(-1.0)


def test_an_interval_holds_its_figure_and_shrinks_to_it_where_all_sentences_are_alike():
    score = Score()
    found, missed = shown((95, 98), (152, 158)), shown((95, 98))
    for closure in (found, missed, found, missed):
        score.add(SENTENCE, at_rest(closure=closure))
    low, high = score.intervals()["closure F1"]
    assert low < score.figures()["closure F1"] < high
    alike = Score()
    for _ in range(3):
        alike.add(SENTENCE, oracle(SENTENCE))
    assert alike.intervals()["aperture r"] == pytest.approx((1.0, 1.0))
    assert alike.intervals()["closure F1"] == (1.0, 1.0)


def test_counts_of_two_sets_add_up():
    both = Events(4, 3, 5, 2) + Events(6, 3, 1, 1)
    assert (both.recall, both.precision) == (0.6, 0.5)


def test_every_class_is_in_one_group():
    from benchmarks.articulation.groups import SIX, SIXTEEN

    for groups in (SIX, SIXTEEN):
        assert sorted(name for group in groups for name in group) == sorted(PHONE_CLASSES)
