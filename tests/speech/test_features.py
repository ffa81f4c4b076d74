import numpy as np

from portravox.media import sample_file
from portravox.speech.features import SILENCE_DB, speech_features


def test_a_quiet_copy_has_the_same_features(mono, syllables):
    loud = speech_features(mono(syllables))
    quiet = speech_features(mono(10.0 ** (-30.0 / 20.0) * syllables))
    assert np.array_equal(loud.speaking, quiet.speaking)
    assert np.allclose(loud.loudness_db, quiet.loudness_db, atol=0.05)


def test_the_loudest_rows_are_at_the_speech_level(mono, syllables):
    features = speech_features(mono(syllables))
    assert abs(np.percentile(features.loudness_db[features.speaking], 95.0)) < 1.0


def test_without_a_voice_everything_is_silent(mono, white_noise):
    features = speech_features(mono(white_noise))
    assert np.all(features.loudness_db == SILENCE_DB)
    assert not features.pitch_hz.any()


def test_rows_reach_the_end_of_the_sound(mono, syllables):
    voice = mono(syllables[:-37])
    features = speech_features(voice)
    rows = len(features.speaking)
    assert rows == len(features.log_mel) == len(features.loudness_db) == len(features.pitch_hz)
    assert 0.0 <= rows / 100 - voice.duration_s < 0.01


def test_what_the_network_hears_has_a_row_for_each_row_and_no_level(mono, syllables):
    loud = speech_features(mono(syllables)).log_mel
    quiet = speech_features(mono(10.0 ** (-30.0 / 20.0) * syllables)).log_mel
    assert len(loud) == len(speech_features(mono(syllables)).speaking)
    assert np.allclose(loud, quiet, atol=0.05)


def test_a_spectrum_in_a_file_says_the_same(mono, syllables, monkeypatch):
    """Over more than two pieces of rows, so that what lies at their borders counts."""
    voice = mono(np.tile(syllables, 1 + 50 * 16_000 // len(syllables)))
    usual = speech_features(voice)
    monkeypatch.setattr(sample_file, "NUMBERS_IN_MEMORY", 100_000)
    filed = speech_features(voice)
    assert usual.log_mel.flags.writeable and not filed.log_mel.flags.writeable
    assert np.array_equal(usual.log_mel, filed.log_mel)
    assert np.array_equal(usual.loudness_db, filed.loudness_db)
    assert np.array_equal(usual.speaking, filed.speaking)
    assert np.array_equal(usual.pitch_hz, filed.pitch_hz)
