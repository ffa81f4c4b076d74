"""A text in any script becomes the sounds of its words, and what is missing is told."""

from __future__ import annotations

import shutil
import sys
import time

import pytest

from portravox.articulation import transcript
from portravox.articulation.phones import PHONE_CLASSES
from portravox.articulation.transcript import (
    MAX_PROCESSES,
    pinyin_word,
    read_transcript,
    read_words,
)
from portravox.errors import ModelUnavailable, SettingOutOfRange

needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"
)


def lip_closures(words):
    return "".join(phone for word in words for phone in word if phone in "pbmfv")


@pytest.mark.parametrize(
    ("initial", "final", "sounds"),
    [
        ("b", "ei", "p e i"),
        ("j", "ing", "t i ng"),
        ("zh", "i", "sh ah"),
        ("l", "v", "l y"),
        ("", "uei", "w e i"),
        ("q", "van", "t y eh n"),
    ],
)
def test_pinyin_is_read_as_it_sounds(initial, final, sounds):
    assert pinyin_word(initial, final) == tuple(sounds.split())


def test_what_is_no_pinyin_has_no_sounds():
    assert pinyin_word("w", "xyz") == ()


def test_every_sound_of_our_pinyin_is_a_class_of_the_network():
    for initial in transcript._INITIALS:
        for final in transcript._FINALS:
            assert set(pinyin_word(initial, final)) <= set(PHONE_CLASSES)


def test_chinese_has_a_word_a_character_and_its_digits_are_spoken():
    pytest.importorskip("pypinyin", reason="the extra `transcript` is not installed")
    words = read_transcript("北京欢迎你，2024年。").words
    assert len(words) == 5 + 5
    assert lip_closures(words) == "p"
    assert words[5:7] == (("er",), ("l", "i", "ng"))


@needs_espeak
@pytest.mark.parametrize(
    ("text", "language", "lips"),
    [
        ("Bumble, pump; my van!", None, "bmbpmpmv"),
        ("une petite fève", "fr", "pfv"),
        ("Привет, мама", None, "pvmm"),
        ("привіт", "uk", "pv"),
        ("배, 마음", None, "pmm"),
        ("まめ", None, "mm"),
    ],
)
def test_the_lips_letters_are_found_in_many_languages(text, language, lips):
    assert lip_closures(read_transcript(text, language).words) == lips


@needs_espeak
def test_each_script_goes_to_its_own_language():
    pytest.importorskip("pypinyin", reason="the extra `transcript` is not installed")
    words = read_transcript("我们用 Python 3 写").words
    assert lip_closures(words) == "mp"
    assert words[0] == ("w", "o")


@needs_espeak
def test_a_text_of_many_changes_of_script_is_read_word_by_word():
    words = read_transcript("mama папа, " * 40).words
    assert len(words) == 80
    assert lip_closures(words) == "mmpp" * 40


@pytest.mark.parametrize(
    "text", ["aд" * 10_000, "a д " * 5_000, "pa ma " * 3_000, "aдαבعअ가" * 2_500, "a- " * 6_000]
)
def test_a_text_starts_no_more_processes_than_it_may(monkeypatch, text):
    """One for each change of script, 20,000 of them, was half a minute of a core for 20 kB."""
    read: list[str] = []

    def espeak(part: str, language: str) -> str:
        read.append(language)
        return "pa"  # one line, however many words there are: so halves are tried

    monkeypatch.setattr(transcript, "_espeak", espeak)
    assert read_transcript(text).words
    assert len(read) <= MAX_PROCESSES
    read.clear()
    words = text.split()
    assert len(read_words(words)) == len(words)
    assert len(read) <= MAX_PROCESSES


@pytest.mark.parametrize(
    ("word", "bare"),
    [("“Hi!”", "Hi"), ("a-b", "a-b"), ("3", "3"), ("?!", ""), ("a" + 20_000 * "!" + "b", None)],
)
def test_marks_around_a_word_are_left_out_in_no_time(word, bare):
    began = time.process_time()
    assert transcript._bare(word) == (word if bare is None else bare)
    assert time.process_time() - began < 0.5


@needs_espeak
def test_a_kanji_is_a_word_that_fits_anything():
    unknown, known = read_transcript("日だ").words
    assert unknown == ()
    assert known == ("d", "a")


@pytest.mark.parametrize("text", ["", "  ", "!?", "日" * 30_000])
def test_nothing_to_read_is_the_callers_error(text):
    with pytest.raises(SettingOutOfRange):
        read_transcript(text, "en")


@pytest.mark.parametrize("language", ["english language", "12", "-v x", "e"])
def test_a_language_is_a_code(language):
    with pytest.raises(SettingOutOfRange):
        read_transcript("hello", language)


@needs_espeak
def test_a_language_that_nobody_speaks_is_the_callers_error():
    with pytest.raises(SettingOutOfRange, match="xx"):
        read_transcript("hello", "xx")


def test_the_missing_program_and_package_are_named(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ModelUnavailable, match="apt-get install espeak-ng"):
        read_transcript("hello")
    monkeypatch.setitem(sys.modules, "pypinyin", None)
    with pytest.raises(ModelUnavailable, match="pip install pypinyin"):
        read_transcript("你好")
