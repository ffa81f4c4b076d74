import numpy as np

from benchmarks.articulation.stillness import LENGTH_S, sounds
from portravox.speech.resample import SPEECH_RATE_HZ


def test_sounds_that_nobody_says_are_audible_and_the_same_each_time() -> None:
    first, again = sounds(), sounds()
    assert list(first) == ["breath", "hum", "clicks", "white noise", "music"]
    for name, samples in first.items():
        assert samples.shape == (round(LENGTH_S * SPEECH_RATE_HZ),)
        assert 0.02 < np.abs(samples).max() <= 1.0, name
        assert np.array_equal(samples, again[name]), name
