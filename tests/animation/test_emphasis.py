"""Stressed syllables are found, and only those."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import find_peaks

from portravox.animation.emphasis import _peaks, melody, stresses


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


def test_the_melody_goes_with_the_pitch_and_rests_in_silence(voice, silence):
    tune = melody(voice.curves)
    spoken = voice.curves["activity"] >= 0.5
    assert np.all(np.abs(tune) <= 1.0)
    assert np.corrcoef(tune[spoken], voice.curves["pitch"][spoken])[0, 1] > 0.4
    assert not melody(silence).any()


def test_an_octave_error_lifts_the_melody_no_more_than_a_high_note(voice, curves_from):
    usual = {name: voice.curves[name].astype(float) for name in ("activity", "loudness", "pitch")}
    jump, high = usual["pitch"].copy(), usual["pitch"].copy()
    jump[200:210], high[200:210] = 30.0, 8.0
    jumped = melody(curves_from(12.0, **{**usual, "pitch": jump}))
    assert jumped == pytest.approx(melody(curves_from(12.0, **{**usual, "pitch": high})))


def test_peaks_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    for spacing in (1, 3, 8):
        values = rng.normal(size=400)
        values[100:103] = 2.5  # flat on top
        wanted, _ = find_peaks(values, height=0.0, distance=spacing)
        assert _peaks(values, spacing) == wanted.tolist()
