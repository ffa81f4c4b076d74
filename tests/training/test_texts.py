from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from training.texts import FORTUNES, WORD_LISTS, texts
from training.voices import VOICES

LANGUAGES = sorted({voice.language for voice in VOICES})
WITHOUT_FILES = ("ja", "ko", "ar", "hi", "mr", "te", "fi", "tr")


def some(language: str, count: int = 200, seed: int = 5) -> list[str]:
    if language not in WITHOUT_FILES and not (FORTUNES.exists() and WORD_LISTS.exists()):
        pytest.skip("needs Debian's fortunes and word lists (training/packages.txt)")
    if language == "zh":
        pytest.importorskip("pypinyin", reason="needs the training environment")
    return list(islice(texts(language, np.random.default_rng(seed)), count))


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_do_not_repeat_and_take_seconds_to_say(language: str) -> None:
    said = some(language)
    assert len(set(said)) > 0.97 * len(said)
    assert all(5 <= len(text) <= 200 for text in said)


@pytest.mark.parametrize("language", ["ja", "ko", "ar", "fi"])
def test_a_seed_gives_the_same_texts_and_another_others(language: str) -> None:
    assert some(language, seed=1) == some(language, seed=1)
    assert some(language, seed=1) != some(language, seed=2)


@pytest.mark.parametrize(("language", "share"), [("en", 0.08), ("fi", 0.12), ("tr", 0.2)])
def test_lip_consonants_are_frequent(language: str, share: float) -> None:
    letters = "".join(some(language)).replace(" ", "").lower()
    assert sum(letter in "pbmfv" for letter in letters) > share * len(letters)


def test_no_code_and_no_quotes_reach_the_synthesisers() -> None:
    assert not set("".join(some("en"))) & set('"\\<>{}()@=_|/\n\t')


def test_korean_is_written_in_whole_syllables() -> None:
    letters = set("".join(some("ko"))) - set(" ,")
    assert all("가" <= letter <= "힣" for letter in letters)


def test_mandarin_has_every_initial_that_shuts_the_lips_and_the_rare_vowels() -> None:
    syllables = " ".join(some("zh", 400)).replace(",", " ").split()
    assert all(syllable[-1] in "12345" for syllable in syllables)
    for start in ("b", "p", "m", "f", "bo", "mo", "wo", "zhuo", "lv", "nv", "yu", "xue"):
        assert any(syllable.startswith(start) for syllable in syllables), start


def test_letters_beyond_ascii_survive_in_old_word_lists() -> None:
    assert set("åäö") < set("".join(some("sv")))
