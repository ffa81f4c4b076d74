import numpy as np

from portravox.speech.loudness import loudness_dbfs
from portravox.speech.mel import mel_power


def test_ten_times_the_amplitude_is_20_db(white_noise):
    louder = loudness_dbfs(mel_power(white_noise, 300))
    softer = loudness_dbfs(mel_power(0.1 * white_noise, 300))
    assert np.allclose(louder - softer, 20.0, atol=0.01)


def test_hum_is_not_loud():
    hum = 0.5 * np.sin(2.0 * np.pi * 50.0 * np.arange(16_000) / 16_000).astype(np.float32)
    assert loudness_dbfs(mel_power(hum, 100))[20:80].max() < -40.0


def test_silence_is_at_the_floor():
    assert np.allclose(loudness_dbfs(np.zeros((5, 80), np.float32)), -140.0)
