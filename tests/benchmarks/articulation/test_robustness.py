"""Spoilt recordings are spoilt as much as they claim."""

import numpy as np
import pytest

from benchmarks.articulation.robustness import (
    CONDITIONS,
    FAINT_DBFS,
    faint,
    mixed,
    music,
    telephone,
    white_noise,
)

RATE_HZ = 16_000
TIMES_S = np.arange(RATE_HZ) / RATE_HZ
VOICE = (0.2 * np.sin(2 * np.pi * 1000 * TIMES_S)).astype(np.float32)


def level_db(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)))


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(("spoil", "below_db"), [(white_noise, 10.0), (music, 12.0)])
def test_what_is_added_lies_that_far_below_the_voice(spoil, below_db):
    added = spoil(VOICE, rng()) - VOICE
    assert level_db(VOICE) - level_db(added) == pytest.approx(below_db, abs=0.01)


def test_a_faint_recording_has_the_level_it_is_named_after():
    assert level_db(faint(VOICE, rng())) == pytest.approx(FAINT_DBFS, abs=0.1)


def test_the_telephone_passes_1_khz_and_stops_6_khz_and_100_hz():
    def through(frequency_hz):
        mixture = VOICE + 0.2 * np.sin(2 * np.pi * frequency_hz * TIMES_S)
        spectrum = np.abs(np.fft.rfft(telephone(mixture.astype(np.float32), rng())))
        return spectrum[frequency_hz] / spectrum[1000]

    assert through(2000) > 0.5
    assert through(6000) < 0.01
    assert through(100) < 0.05


@pytest.mark.parametrize("name", CONDITIONS)
def test_spoiling_keeps_the_length_and_repeats_itself(name):
    once, again = CONDITIONS[name](VOICE, rng()), CONDITIONS[name](VOICE, rng())
    assert len(once) == len(VOICE)
    np.testing.assert_array_equal(once, again)


def test_silence_can_be_mixed():
    np.testing.assert_array_equal(mixed(VOICE, np.zeros_like(VOICE), 10.0), VOICE)
