from __future__ import annotations

import ctypes.util
from itertools import pairwise

import numpy as np
import pytest

from training.utterance import Phone
from training.voices import VOICES, Recording, VoiceFailed
from training.voices.espeak import VARIANTS, _library, phones_of, speak, with_closures

needs_espeak = pytest.mark.skipif(
    ctypes.util.find_library("espeak-ng") is None, reason="needs libespeak-ng1"
)


def said(language: str, text: str) -> Recording:
    voice = next(v for v in VOICES if v.synthesiser == "espeak" and v.language == language)
    return next(speak(voice, [text], np.random.default_rng(1)))


def test_silence_before_a_stop_is_its_closure() -> None:
    phones, unknown = phones_of([(0.0, "a"), (0.1, ""), (0.15, "ph"), (0.2, "a")], 0.3)
    assert phones == (Phone("a", 0.0, 0.1), Phone("pʰ", 0.1, 0.2), Phone("a", 0.2, 0.3))
    assert unknown == ()


def test_short_silence_elsewhere_belongs_to_the_sound_before_and_long_is_a_pause() -> None:
    phones, _ = phones_of([(0.0, "a"), (0.1, ""), (0.13, "s"), (0.2, ""), (0.5, "o")], 0.6)
    assert [phone.ipa for phone in phones] == ["a", "s", "sil", "o"]
    assert phones[0].end_s == 0.13


def test_a_stop_takes_the_silence_that_was_counted_to_the_vowel() -> None:
    sound = np.ones(1000, np.float32)
    sound[300:400] = 0.0
    phones = (Phone("a", 0.0, 0.4), Phone("p", 0.4, 0.5), Phone("a", 0.5, 1.0))
    vowel, stop, _ = with_closures(phones, sound, 1000)
    assert vowel.end_s == stop.start_s == pytest.approx(0.3)
    assert stop.end_s == 0.5


def test_nothing_is_taken_where_the_voice_goes_on_or_no_stop_follows() -> None:
    sound = np.ones(1000, np.float32)
    voiced = (Phone("a", 0.0, 0.4), Phone("b", 0.4, 0.5), Phone("a", 0.5, 1.0))
    assert with_closures(voiced, sound, 1000) == voiced
    sound[300:400] = 0.0
    fricative = (Phone("a", 0.0, 0.4), Phone("s", 0.4, 1.0))
    assert with_closures(fricative, sound, 1000) == fricative


@needs_espeak
@pytest.mark.parametrize(
    ("language", "text"), [("en", "a puppy"), ("zh", "ta1 pa2"), ("es", "la papa")]
)
def test_a_spoken_p_begins_in_silence_between_voiced_vowels(language: str, text: str) -> None:
    one = said(language, text)
    assert one.unknown == ()
    at = next(n for n, phone in enumerate(one.phones) if phone.ipa.startswith("p"))
    before, p = one.phones[at - 1], one.phones[at]

    def loudness(start_s: float, end_s: float) -> float:
        part = one.samples[round(start_s * one.rate_hz) : round(end_s * one.rate_hz)]
        return float(np.abs(part).max())

    closed_s = p.start_s + 0.4 * (p.end_s - p.start_s)
    assert loudness(p.start_s + 0.005, closed_s) < 0.01 * loudness(before.start_s, before.end_s)


@needs_espeak
def test_phones_follow_each_other_to_the_end_of_the_sound() -> None:
    one = said("de", "der Apfel, und die Birne")
    assert one.phones[0].start_s == 0.0
    assert one.phones[-1].end_s == pytest.approx(len(one.samples) / one.rate_hz)
    for earlier, later in pairwise(one.phones):
        assert earlier.end_s == later.start_s
        assert earlier.start_s < earlier.end_s


@needs_espeak
def test_all_voices_and_variants_exist() -> None:
    library = _library()
    for voice in VOICES:
        if voice.synthesiser == "espeak":
            assert library.choose(voice.name), voice.name
    assert [variant for variant in VARIANTS if not library.choose(f"en+{variant}")] == []


@needs_espeak
def test_an_unknown_language_is_our_error() -> None:
    voice = next(v for v in VOICES if v.synthesiser == "espeak")
    missing = type(voice)("espeak", "xx-none", "xx", 1.0, "none", "none", False)
    with pytest.raises(VoiceFailed, match="xx-none"):
        list(speak(missing, ["a"], np.random.default_rng(0)))
