import numpy as np
from scipy import signal

from portravox.speech.activity import FAINT_DBFS
from portravox.speech.features import speech_features


def speaking(waveform):
    return speech_features(waveform).speaking


def test_speech_is_active_from_its_start_until_the_hangover_ends(mono, syllables):
    active = np.flatnonzero(speaking(mono(syllables)))
    # syllables sound from 0.5 s to 1.95 s
    assert 45 <= active[0] <= 50
    assert 195 + 10 <= active[-1] <= 195 + 20
    assert len(active) == active[-1] - active[0] + 1


def test_steady_noise_is_no_speech_at_any_level(mono, white_noise):
    for gain in (1.0, 0.1, 0.001):
        assert not speaking(mono(gain * white_noise)).any()


def test_noise_that_begins_and_ends_is_no_speech(mono, white_noise):
    silence = np.zeros(16_000, dtype=np.float32)
    assert not speaking(mono(np.concatenate([silence, white_noise[:16_000], silence]))).any()


def test_clicks_are_no_speech(mono):
    clicks = np.zeros(48_000, dtype=np.float32)
    clicks[::8_000] = 0.9
    assert not speaking(mono(clicks)).any()


def test_silence_is_no_speech(mono):
    assert not speaking(mono(np.zeros(16_000))).any()
    assert not speaking(mono(np.full(16_000, 0.3))).any()
    assert not speaking(mono(np.zeros(0))).any()


def test_what_is_fainter_than_a_sound_card_is_no_speech(mono, syllables):
    faint = 10.0 ** ((FAINT_DBFS - 20.0) / 20.0)
    assert not speaking(mono(faint * syllables)).any()


def test_a_breath_before_speech_is_no_speech(mono, syllables):
    rng = np.random.default_rng(3)
    breath = 0.003 * np.hanning(6_400) * rng.normal(0.0, 1.0, 6_400)
    silence = np.zeros(8_000)
    active = speaking(mono(np.concatenate([silence, breath, silence, syllables])))
    # the breath lasts from 0.5 s to 0.9 s, the syllables begin at 1.9 s
    assert not active[:180].any()
    assert active[190:300].all()


def test_whisper_is_speech(mono):
    """Noise whose colour changes with every syllable, without any pitch."""
    rng = np.random.default_rng(5)
    parts = [np.zeros(8_000)]
    for centre_hz in (800.0, 2200.0, 500.0, 1500.0, 5000.0, 900.0):
        band = signal.butter(2, [0.7 * centre_hz, 1.3 * centre_hz], "bandpass", fs=16_000)
        syllable = signal.lfilter(*band, rng.normal(0.0, 0.02, 2_400)) * np.hanning(2_400)
        parts += [syllable, np.zeros(480)]
    active = speaking(mono(np.concatenate([*parts, np.zeros(8_000)])))
    assert active[55:150].mean() > 0.9
    assert not active[:40].any()


def test_speech_is_found_in_noise_10_db_below(mono, syllables):
    noise = np.random.default_rng(9).normal(0.0, 1.0, len(syllables))
    voice_rms = np.sqrt(np.mean(syllables[8_000:-8_000] ** 2))
    active = speaking(mono(syllables + 0.316 * voice_rms * noise))
    assert active[60:190].mean() > 0.9
    assert active[:40].mean() < 0.1
