import numpy as np
import pytest

from portravox.speech.mel import band_centres_hz, mel_power
from training.noises import LENGTH_S, ROWS, babble, brown, clicks, hum, music, pad, white
from training.utterance import RATE_HZ


@pytest.mark.parametrize("make", [white, brown, hum, clicks, music, pad])
def test_pieces_are_whole_finite_and_repeatable(make) -> None:  # type: ignore[no-untyped-def]
    sound = make(np.random.default_rng(4))
    assert sound.shape == (LENGTH_S * RATE_HZ,)
    assert np.isfinite(sound).all()
    assert sound.std() > 0.0
    assert np.array_equal(sound, make(np.random.default_rng(4)))


def test_brown_noise_is_darker_than_white() -> None:
    def centre_hz(sound: np.ndarray) -> float:
        power = mel_power(sound[: 2 * RATE_HZ].astype(np.float32), 200).mean(axis=0)
        return float((power * band_centres_hz()).sum() / power.sum())

    rng = np.random.default_rng(5)
    assert centre_hz(brown(rng)) < 500.0 < 3000.0 < centre_hz(white(rng))


def test_babble_is_scaled_and_never_silent_for_long() -> None:
    rng = np.random.default_rng(6)
    spectra = [rng.random((int(rng.integers(80, 300)), 80)).astype(np.float32) for _ in range(9)]
    mixed = babble(spectra, rng)
    assert mixed.shape == (ROWS, 80)
    assert np.isclose(mixed.sum(axis=1).mean(), 1.0, rtol=1e-3)
    assert mixed.sum(axis=1).min() > 0.1
