"""Held notes."""

import numpy as np
import pytest

from portravox.animation.singing import WIDER, held_rows, with_held_notes
from portravox.articulation.curves import CHANNELS, ArticulationCurves

TIMES_S = (np.arange(200) + 0.5) / 100
VIBRATO = 0.7 * np.sin(2 * np.pi * 6.0 * TIMES_S)
"""Semitones, at 6 Hz."""


def voice(pitch, aperture=0.4, **others):
    """Two seconds of a voice."""
    values = np.zeros((200, len(CHANNELS)), np.float32)
    channels = {"activity": 1.0, "pitch": pitch, "aperture": aperture, "jaw": 0.3} | others
    for name, curve in channels.items():
        values[:, CHANNELS.index(name)] = curve
    return ArticulationCurves(values, 2.0)


def test_a_note_with_vibrato_is_held_and_a_gliding_pitch_is_not():
    speaking = np.ones(200, np.bool_)
    assert held_rows((3.0 + VIBRATO).astype(np.float32), speaking)[20:180].all()
    glide = np.where(TIMES_S < 1.0, 6.0 * TIMES_S, 12.0 - 6.0 * TIMES_S) + 1.0
    assert not held_rows(glide.astype(np.float32), speaking).any()


def test_a_steady_pitch_shorter_than_a_note_is_speech():
    pitch = np.where((TIMES_S > 1.0) & (TIMES_S < 1.25), 2.0, 0.0).astype(np.float32)
    assert not held_rows(pitch, np.ones(200, np.bool_)).any()


def test_speech_is_left_as_it_is():
    curves = voice(8.0 * np.sin(2 * np.pi * 1.5 * TIMES_S) + 0.1)
    assert with_held_notes(curves) is curves


def test_a_held_vowel_does_not_sag_and_opens_wider_than_a_spoken_one():
    sagging = 0.6 - 0.2 * TIMES_S
    held = with_held_notes(voice(0.01 + VIBRATO, sagging))
    middle = held["aperture"][30:170]
    assert middle.min() >= (1.0 + WIDER) * np.percentile(sagging, 75.0) - 1e-3
    assert np.all(held["aperture"] >= sagging - 1e-6)


def test_the_higher_the_note_the_wider_the_mouth():
    low, high = (with_held_notes(voice(pitch)) for pitch in (0.5, 10.0))
    for name in ("aperture", "jaw"):
        assert high[name][100] > low[name][100] > voice(0.5)[name][100]


@pytest.mark.parametrize("contact", ["closure", "labiodental"])
def test_what_is_shut_or_bitten_stays_so(contact):
    touching = np.where((TIMES_S > 0.9) & (TIMES_S < 1.0), 1.0, 0.0)
    held = with_held_notes(voice(3.0, 0.4 * (1.0 - touching), **{contact: touching}))
    assert held["aperture"][touching == 1.0] == pytest.approx(0.0, abs=1e-6)


def test_no_opening_leaves_its_range():
    assert with_held_notes(voice(12.0, 0.95))["aperture"].max() <= 1.0
