import numpy as np

from portravox.media import sample_file
from portravox.speech.mel import BANDS, mel_power
from portravox.speech.noise import noise_power


def decibel(ratio):
    return 10.0 * np.log10(ratio)


def test_steady_noise_is_found_to_2_db(white_noise):
    power = mel_power(white_noise, 300)
    noise = noise_power(power, np.zeros(300, dtype=np.bool_))
    error_db = decibel(noise.sum(axis=1) / power.sum(axis=1).mean())
    assert np.all(np.abs(error_db) < 2.0)


def test_speech_over_the_noise_does_not_raise_it(white_noise, syllables):
    samples = 0.02 * white_noise[: len(syllables)] + syllables[: len(white_noise)]
    rows = len(samples) // 160
    alone = mel_power(0.02 * white_noise, 300).sum(axis=1).mean()
    noise = noise_power(mel_power(samples, rows), np.zeros(rows, dtype=np.bool_)).sum(axis=1)
    assert abs(decibel(noise.mean() / alone)) < 3.0


def test_a_held_note_is_not_noise(harmonic_tone):
    power = mel_power(harmonic_tone(5.0, 200.0), 500)
    noise = noise_power(power, np.ones(500, dtype=np.bool_))
    assert decibel(power[250].sum() / noise[250].sum()) > 15.0


def test_pieces_make_no_difference(monkeypatch):
    random = np.random.default_rng(6)
    power = random.random((5000, BANDS), dtype=np.float32) ** 4
    voiced = random.random(5000) < 0.4
    whole = noise_power(power, voiced)
    monkeypatch.setattr(sample_file, "ROWS_AT_ONCE", 333)
    assert np.array_equal(noise_power(power, voiced), whole)
