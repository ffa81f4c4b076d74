from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from training.utterance import Phone
from training.voices import VOICES, VoiceFailed
from training.voices.festival import phones_of, speak

KED = next(voice for voice in VOICES if voice.source == "festival-ked_diphone")
CZECH = next(voice for voice in VOICES if voice.source == "festival-czech_ph")


def installed(name: str) -> bool:
    voices = Path("/usr/share/festival/voices")
    return shutil.which("festival") is not None and bool(list(voices.glob(f"*/{name}")))


def test_a_label_file_becomes_segments() -> None:
    listing = "#\n0.2800 100 pau\n0.3620 100 m\n0.4346 100 aa\n"
    phones, unknown = phones_of(listing, "te")
    assert phones == (Phone("sil", 0.0, 0.28), Phone("m", 0.28, 0.362), Phone("a", 0.362, 0.4346))
    assert unknown == ()


def test_a_name_that_the_language_lacks_is_told() -> None:
    assert phones_of("0.1 100 r~*\n", "cs")[1] == ()
    assert phones_of("0.1 100 r~*\n", "it")[1] == ("r~*",)


@pytest.mark.skipif(not installed("ked_diphone"), reason="needs festvox-kdlpc16k")
def test_all_texts_come_back_even_with_quotes_in_them() -> None:
    texts = ["My mama.", 'A "quoted" word \\ and more.']
    first, second = speak(KED, texts, np.random.default_rng(1))
    assert first.text == "My mama."
    assert second.text == "A quoted word  and more."
    assert [p.ipa for p in first.phones if p.ipa != "sil"] == ["m", "aɪ", "m", "ɑ", "m", "ə"]


@pytest.mark.skipif(not installed("czech_ph"), reason="needs festvox-czech-ph")
def test_letters_beyond_ascii_reach_the_voice() -> None:
    (one,) = speak(CZECH, ["Říše."], np.random.default_rng(1))
    assert [p.ipa for p in one.phones if p.ipa != "sil"] == ["r", "i", "ʃ", "ɛ"]


def test_without_festival_our_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(VoiceFailed, match="not installed"):
        list(speak(KED, ["Mama."], np.random.default_rng(1)))
