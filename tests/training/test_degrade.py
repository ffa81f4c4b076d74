import shutil

import numpy as np
import pytest

from training.degrade import CODECS, coded, room, saturated, telephone
from training.utterance import RATE_HZ


def bursts(seed: int = 0) -> np.ndarray:
    """Two seconds of noise bursts: their onsets show any shift in time."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(2 * RATE_HZ) / RATE_HZ
    sound = 0.3 * rng.standard_normal(len(times_s)) * (times_s % 0.37 < 0.12)
    return sound.astype(np.float32)


def shift_ms(before: np.ndarray, after: np.ndarray) -> float:
    """By how much the loudness of one lies behind the other's."""
    a, b = (np.convolve(np.abs(x), np.ones(80) / 80, "same") for x in (before, after))
    likeness = np.correlate(b[::16] - b.mean(), a[::16] - a.mean(), "full")
    return float(np.argmax(likeness) - (len(a[::16]) - 1)) * 16_000 / RATE_HZ


@pytest.mark.parametrize("change", [telephone, saturated, room])
def test_length_and_timing_stay(change) -> None:  # type: ignore[no-untyped-def]
    sound = bursts()
    worse = change(sound, np.random.default_rng(1))
    assert worse.shape == sound.shape
    assert worse.dtype == np.float32
    assert abs(shift_ms(sound, worse)) <= 5.0


def test_telephone_has_no_treble() -> None:
    spectrum = np.abs(np.fft.rfft(telephone(bursts(), np.random.default_rng(2)))) ** 2
    treble = spectrum[len(spectrum) // 2 + 400 :].sum()
    assert treble < 1e-3 * spectrum.sum()


def test_room_rings_on() -> None:
    sound = bursts()
    gap = slice(int(0.14 * RATE_HZ), int(0.3 * RATE_HZ))
    assert np.abs(sound[gap]).max() == 0.0
    assert np.abs(room(sound, np.random.default_rng(3))[gap]).max() > 0.01


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the program ffmpeg is not installed")
@pytest.mark.parametrize("codec", sorted(CODECS))
def test_codecs_give_every_voice_back_in_its_place(codec: str) -> None:
    voices = [bursts(1), bursts(2)[: RATE_HZ + 123]]
    decoded = coded(voices, codec)
    assert [len(voice) for voice in decoded] == [len(voice) for voice in voices]
    for voice, degraded in zip(voices, decoded, strict=True):
        assert abs(shift_ms(voice, degraded)) <= 5.0
        assert np.abs(degraded).mean() > 0.2 * np.abs(voice).mean()
