"""Stressed syllables are found, and only those."""

from __future__ import annotations

import numpy as np

from portravox.animation.emphasis import stresses


def test_louder_and_higher_syllables_are_found_at_their_energy_peak(voice):
    found = stresses(voice.curves)
    expected = np.array(voice.stressed_s)
    distance = np.abs(found.times_s[:, None] - expected)
    assert np.all(distance.min(axis=0) <= 0.03)  # each is found
    assert np.all(distance.min(axis=1) <= 0.03)  # and nothing else
    assert np.all((found.weights > 0.0) & (found.weights <= 1.0))


def test_a_steady_voice_has_no_stresses(curves_from):
    t = (np.arange(600) + 0.5) / 100.0
    spoken = ((t > 1.0) & (t < 5.0)).astype(float)
    loudness = np.where(spoken > 0, 0.3 * np.sin(2 * np.pi * 5 * t), -40.0)
    steady = curves_from(6.0, activity=spoken, loudness=loudness, pitch=0.1 * spoken)
    inside = stresses(steady).times_s
    assert not np.any((inside > 1.5) & (inside < 4.5))


def test_silence_has_no_stresses(silence):
    assert len(stresses(silence).times_s) == 0
