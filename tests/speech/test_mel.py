import numpy as np
import pytest

from portravox.speech.mel import BANDS, SPAN_ROWS, band_centres_hz, bands_between, mel_power


def test_bands_hold_all_the_power_of_noise(white_noise):
    power = mel_power(white_noise, 300).sum(axis=1)
    # what lies outside 60-7800 Hz is left out: about 4 %
    assert 0.9 < power[5:-5].mean() / np.mean(white_noise**2) < 1.0


@pytest.mark.parametrize("frequency_hz", [300.0, 1000.0, 3000.0, 6000.0])
def test_a_tone_is_strongest_in_its_own_band(frequency_hz):
    tone = np.sin(2.0 * np.pi * frequency_hz * np.arange(16_000) / 16_000).astype(np.float32)
    loudest = mel_power(tone, 100)[50].argmax()
    assert loudest == np.abs(band_centres_hz() - frequency_hz).argmin()


def test_twice_the_amplitude_is_four_times_the_power(white_noise):
    assert np.allclose(
        mel_power(2.0 * white_noise, 300), 4.0 * mel_power(white_noise, 300), rtol=1e-4
    )


def test_chunks_leave_no_seam():
    samples = np.random.default_rng(1).normal(0.0, 0.1, 160 * (SPAN_ROWS + 20))
    whole = mel_power(samples.astype(np.float32), SPAN_ROWS + 20)
    start = SPAN_ROWS - 10
    part = mel_power(samples[160 * start :].astype(np.float32), 30)
    assert np.allclose(whole[start + 2 : start + 30], part[2:], rtol=1e-4)


def test_neighbouring_spans_share_no_band():
    assert bands_between(0.0, 8000.0).sum() == BANDS
    assert not (bands_between(100.0, 500.0) & bands_between(500.0, 900.0)).any()
