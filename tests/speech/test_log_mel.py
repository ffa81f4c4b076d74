import numpy as np

from portravox.media import sample_file
from portravox.speech.log_mel import RANGE, normalized_log_mel
from portravox.speech.mel import BANDS


def speech_like(seed: int = 1, rows: int = 400) -> np.ndarray:
    """Loud and soft rows with a changing spectrum."""
    rng = np.random.default_rng(seed)
    level = np.repeat(rng.uniform(-50.0, 0.0, rows // 10), 10)[:, np.newaxis]
    bands = 6.0 * np.repeat(rng.standard_normal((rows // 10, BANDS)), 10, axis=0)
    return (10.0 ** ((level + bands - 40.0) / 10.0)).astype(np.float32)


def _loud(power: np.ndarray) -> np.ndarray:
    level_db = 10.0 * np.log10(power.sum(axis=1))
    return level_db > np.percentile(level_db, 95.0) - 24.0


def test_level_does_not_matter() -> None:
    power = speech_like()
    assert np.allclose(
        normalized_log_mel(power * np.float32(1e-3)), normalized_log_mel(power), atol=1e-2
    )


def test_the_microphone_does_not_matter() -> None:
    power = speech_like()
    # a slope of 6 dB from the lowest to the highest band
    tilt = 10.0 ** (np.linspace(-3.0, 3.0, BANDS) / 10.0)
    plain, coloured = (
        normalized_log_mel(power),
        normalized_log_mel((power * tilt).astype(np.float32)),
    )
    loud = power.sum(axis=1) > np.percentile(power.sum(axis=1), 60.0)
    assert np.abs(coloured[loud] - plain[loud]).mean() < 0.1


def test_loud_rows_are_centred_and_everything_is_in_range() -> None:
    power = speech_like(rows=4000)
    spectrum = normalized_log_mel(power)
    assert spectrum.dtype == np.float32
    assert abs(float(spectrum[_loud(power)].mean())) < 0.05
    assert RANGE[0] <= spectrum.min() <= spectrum.max() <= RANGE[1]


def test_of_one_sound_the_usual_colour_of_speech_counts_more_than_its_own() -> None:
    vowel = speech_like()[:10].repeat(8, axis=0)
    own = normalized_log_mel(vowel, prior_rows=0.0)
    assert np.abs(own).max() < 1e-3, "against itself alone, a sound has no colour"
    known = normalized_log_mel(vowel)
    assert known.std() > 0.3
    assert np.allclose(normalized_log_mel(vowel.repeat(60, axis=0)), 0.0, atol=0.02)


def test_silence_and_nothing_give_finite_rows() -> None:
    assert np.isfinite(normalized_log_mel(np.zeros((50, BANDS), dtype=np.float32))).all()
    assert normalized_log_mel(np.zeros((0, BANDS), dtype=np.float32)).shape == (0, BANDS)


def test_pieces_make_no_difference(monkeypatch):
    """To the last bit: the training's recipe gives the shipped bytes."""
    power = np.random.default_rng(5).random((5000, BANDS), dtype=np.float32) ** 9
    whole = normalized_log_mel(power)
    monkeypatch.setattr(sample_file, "ROWS_AT_ONCE", 777)
    assert np.array_equal(normalized_log_mel(power), whole)
