"""Curves beside lips."""

import numpy as np
import pytest

from benchmarks.articulation.baselines import Answer
from benchmarks.articulation.faces import TalkingClip, difference, score_face
from portravox.articulation.curves import CHANNELS, ArticulationCurves
from portravox.media.waveform import Waveform

VOICE = Waveform(np.zeros((48_000, 1), np.float32), 16_000)


def speaking(times_s):
    return 0.5 + 0.3 * np.sin(2 * np.pi * 1.3 * times_s) + 0.2 * np.sin(2 * np.pi * 2.9 * times_s)


def clip(late_s):
    times_s = (np.arange(75) + 0.5) / 25
    lips = 0.1 * speaking(times_s - late_s)
    return TalkingClip("made", VOICE, 25.0, lips, 1.2 - lips)


ANSWER = Answer(
    ArticulationCurves(
        np.repeat(speaking((np.arange(300) + 0.5) / 100)[:, np.newaxis], len(CHANNELS), 1).astype(
            np.float32
        ),
        3.0,
    ),
    None,
)


def test_the_same_motion_correlates_fully_and_without_lag():
    score = score_face(clip(0.0), ANSWER)
    assert score.aperture > 0.99
    assert score.best_lag_s == pytest.approx(0.0, abs=0.011)
    assert score.jaw < -0.99


def test_lips_that_come_later_have_a_positive_lag():
    score = score_face(clip(0.08), ANSWER)
    assert score.best_lag_s == pytest.approx(0.08, abs=0.011)
    assert score.best > score.aperture


def test_the_interval_of_a_difference_holds_it_and_knows_a_clear_one():
    rng = np.random.default_rng(0)
    theirs = rng.normal(0.3, 0.2, 9)
    mean, low, high = difference(theirs + rng.normal(0.1, 0.02, 9), theirs)
    assert 0.0 < low < mean < high
    _, low, high = difference(theirs + rng.normal(0.0, 0.1, 9), theirs)
    assert low < 0.0 < high
