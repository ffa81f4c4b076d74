"""Loudness and pitch are told against the voice's own habit."""

import dataclasses

import numpy as np
import pytest

from portravox.articulation.delivery import RANGE_DB, relative_loudness, relative_pitch
from portravox.speech.features import speech_features

ROWS = 300


@pytest.fixture(scope="module")
def features(mono):
    return speech_features(mono(np.zeros(ROWS * 160)))


def test_an_octave_is_twelve_semitones_and_silence_none(features):
    pitch_hz = np.zeros(ROWS, dtype=np.float32)
    pitch_hz[50:151], pitch_hz[200:250] = 110.0, 220.0
    sounding = np.ones(ROWS, dtype=np.bool_)
    semitones = relative_pitch(dataclasses.replace(features, pitch_hz=pitch_hz), sounding)
    assert np.allclose(semitones[50:151], 0.0)
    assert np.allclose(semitones[200:250], 12.0)
    assert not semitones[:50].any()


def test_the_usual_level_is_0_db_whatever_it_is(features):
    sounding = np.zeros(ROWS, dtype=np.bool_)
    sounding[100:200] = True
    for level_db in (-3.0, -25.0):
        loudness_db = np.where(sounding, level_db, -60.0).astype(np.float32)
        told = relative_loudness(dataclasses.replace(features, loudness_db=loudness_db), sounding)
        assert np.allclose(told[110:190], 0.0, atol=1e-4)
        assert np.allclose(told[:90], max(-60.0 - level_db, RANGE_DB[0]), atol=1e-3)
