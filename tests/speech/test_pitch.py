import numpy as np
import pytest

from portravox.speech.pitch import pitch


@pytest.mark.parametrize("pitch_hz", [75.0, 120.0, 210.0, 350.0, 620.0])
def test_the_pitch_of_a_buzz_is_found(harmonic_tone, pitch_hz):
    found_hz = pitch(harmonic_tone(1.0, pitch_hz), 100).frequency_hz[10:90]
    assert np.all(np.abs(12.0 * np.log2(found_hz / pitch_hz)) < 0.25)


def test_a_glide_has_no_octave_leaps():
    times_s = np.arange(32_000) / 16_000
    pitch_hz = 100.0 * 2.0**times_s  # one octave a second
    phase = 2.0 * np.pi * np.cumsum(pitch_hz) / 16_000
    # strong even harmonics invite the octave error
    buzz = 0.2 * np.sin(2.0 * phase) + 0.1 * np.sin(phase) + 0.1 * np.sin(3.0 * phase)
    found_hz = pitch(buzz.astype(np.float32), 200).frequency_hz[10:190]
    wanted_hz = pitch_hz[80::160][10:190]
    assert np.all(np.abs(np.log2(found_hz / wanted_hz)) < 0.1)


def test_noise_has_no_pitch(white_noise):
    assert not pitch(white_noise, 300).frequency_hz.any()


def test_silence_and_no_sound_have_no_pitch():
    assert not pitch(np.zeros(1_600, np.float32), 10).frequency_hz.any()
    assert len(pitch(np.zeros(0, np.float32), 0).frequency_hz) == 0


def test_level_does_not_matter(harmonic_tone):
    tone = harmonic_tone(0.5, 150.0)
    loud, soft = pitch(tone, 50).frequency_hz, pitch(0.02 * tone, 50).frequency_hz
    assert np.allclose(loud, soft, rtol=1e-3)
