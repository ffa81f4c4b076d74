from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from portravox.arrays import Float32
from training.styles import VOWEL_STRETCH, sung, whispered
from training.utterance import RATE_HZ, Phone

pytest.importorskip("pyworld", reason="needs the training environment")
pytestmark = pytest.mark.filterwarnings("ignore:pkg_resources is deprecated:UserWarning")

PHONES = (
    Phone("sil", 0.0, 0.2),
    Phone("m", 0.2, 0.3),
    Phone("a", 0.3, 0.7),
    Phone("sil", 0.7, 0.9),
)
PITCH_HZ = 125.0


def spoken() -> Float32:
    """A humming "ma": harmonics of PITCH_HZ, silence around them."""
    time_s = np.arange(round(0.9 * RATE_HZ)) / RATE_HZ
    harmonics = np.arange(1, 24)[:, None]
    tone = (np.sin(2 * np.pi * PITCH_HZ * harmonics * time_s) / harmonics).sum(axis=0)
    loud = 0.2 * ((time_s > 0.2) & (time_s < 0.7))
    noise = np.random.default_rng(2).normal(0.0, 1e-4, len(time_s))
    return np.asarray(loud * tone + noise, dtype=np.float32)


def harmonic_share(samples: Float32) -> float:
    """How well the sound repeats itself after one period of some pitch from 80 to 400 Hz."""
    sound = samples - samples.mean()
    spectrum = np.abs(np.fft.rfft(sound, 2 * len(sound))) ** 2
    repeats = np.fft.irfft(spectrum)
    return float(repeats[RATE_HZ // 400 : RATE_HZ // 80].max() / repeats[0])


def test_sung_vowels_last_longer_and_consonants_as_long() -> None:
    samples, phones = sung(spoken(), PHONES, np.random.default_rng(3))
    lengths = [phone.end_s - phone.start_s for phone in phones]
    assert lengths[1] == pytest.approx(0.1)
    assert VOWEL_STRETCH[0] <= lengths[2] / 0.4 <= VOWEL_STRETCH[1]
    assert len(samples) / RATE_HZ == pytest.approx(phones[-1].end_s, abs=0.02)
    assert [phone.ipa for phone in phones] == ["sil", "m", "a", "sil"]
    assert all(a.end_s == b.start_s for a, b in pairwise(phones))


def test_sung_sound_lies_where_its_phones_say() -> None:
    samples, phones = sung(spoken(), PHONES, np.random.default_rng(3))
    power = [
        float(
            np.mean(
                samples[int((p.start_s + 0.03) * RATE_HZ) : int((p.end_s - 0.03) * RATE_HZ)] ** 2
            )
        )
        for p in phones
    ]
    assert min(power[1], power[2]) > 100 * max(power[0], power[3])


def test_whisper_has_no_pitch_and_keeps_its_length() -> None:
    voiced = spoken()
    breath = whispered(voiced)
    assert len(breath) == len(voiced)
    vowel = slice(round(0.35 * RATE_HZ), round(0.65 * RATE_HZ))
    assert harmonic_share(voiced[vowel]) > 0.8
    assert harmonic_share(breath[vowel]) < 0.5


def test_whisper_is_softer_than_voice_and_lighter_at_the_bottom() -> None:
    voiced, breath = spoken(), whispered(spoken())
    assert np.mean(breath**2) < 0.3 * np.mean(voiced**2)
    hz = np.fft.rfftfreq(len(voiced), 1 / RATE_HZ)

    def low_share(samples: Float32) -> float:
        power = np.abs(np.fft.rfft(samples)) ** 2
        return float(power[hz < 500].sum() / power.sum())

    assert low_share(breath) < low_share(voiced)
