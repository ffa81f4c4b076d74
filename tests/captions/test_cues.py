"""Cues can be read: two lines of 42 at most, long enough, apart from each other."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from portravox.captions.cues import GAP_S, LEAST_S, LINE_WIDTH, MOST_S, Cue, _width, cues_of
from portravox.captions.files import written
from portravox.captions.words import TimedWord, written_words

ENGLISH = (
    "Good morning, everybody. My name is Pam, and I make maps for a living: twenty-five of them a"
    " year! Really? you may ask. Yes, really, and every single one of them is drawn by hand, at"
    " night, with a pencil, while the others sleep and the moon goes slowly over the roofs."
)
CHINESE = (
    "大家早上好，我叫小明，今天是新年的第一天。我们去公园散步，然后一起吃饭、喝茶，好不好？" * 2
)


def timed(text: str, per_letter_s: float = 0.06) -> list[TimedWord]:
    """Words said at an even pace."""
    now, words = 0.0, []
    for word in written_words(text):
        end = now + per_letter_s * max(len(word.text), 3)
        words.append(TimedWord(word.text, word.spaced, now, end))
        now = end
    return words


@pytest.mark.parametrize("text", [ENGLISH, CHINESE, ENGLISH + CHINESE])
@pytest.mark.parametrize("pace_s", [0.03, 0.06, 0.3])
def test_every_word_is_shown_once_in_lines_that_can_be_read(text: str, pace_s: float) -> None:
    words = timed(text, pace_s)
    cues = cues_of(words, words[-1].end_s + 1.0)
    shown = "".join("".join(cue.lines) for cue in cues)
    assert shown.replace(" ", "") == text.replace(" ", "")
    for cue in cues:
        assert 1 <= len(cue.lines) <= 2
        assert max(map(_width, cue.lines)) <= LINE_WIDTH
        assert cue.end_s - cue.start_s <= MOST_S + 0.5
    for before, after in pairwise(cues):
        assert after.start_s - before.end_s >= GAP_S - 1e-9


def test_a_chinese_line_has_sixteen_letters_at_most() -> None:
    for cue in cues_of(timed(CHINESE, 0.1), 60.0):
        assert max(map(len, cue.lines)) <= 16


def test_cues_end_where_sentences_do() -> None:
    cues = cues_of(timed(ENGLISH), 60.0)
    ends = [cue.lines[-1][-1] for cue in cues]
    assert all(mark in ".!?,:" for mark in ends)
    assert cues[0].lines == ("Good morning, everybody.",)


def test_a_short_word_stays_long_enough() -> None:
    (cue,) = cues_of([TimedWord("Yes.", False, 1.0, 1.2)], 5.0)
    assert cue.end_s - cue.start_s == pytest.approx(LEAST_S)
    (last,) = cues_of([TimedWord("Yes.", False, 1.0, 1.2)], 1.4)
    assert last.end_s == 1.4  # no caption outlives its video


@pytest.mark.parametrize("text", ["a " * 10_000, "中" * 20_000, ("b" * 199 + " ") * 100])
def test_the_longest_texts_are_divided_in_no_time(text: str) -> None:
    """They held a place for renders for up to two minutes."""
    words = timed(text, 0.002)
    began = time.process_time()
    cues = cues_of(words, words[-1].end_s)
    assert time.process_time() - began < 5.0
    assert "".join("".join(cue.lines) for cue in cues).replace(" ", "") == text.replace(" ", "")


def test_files_are_as_players_read_them() -> None:
    cues = [Cue(0.0, 1.25, ("A < B & C --> D",)), Cue(3661.0014, 3662.9996, ("One", "two"))]
    assert written(cues, "srt") == (
        "1\n00:00:00,000 --> 00:00:01,250\nA < B & C → D\n\n"
        "2\n01:01:01,001 --> 01:01:03,000\nOne\ntwo\n"
    )
    assert written(cues, "vtt") == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.250\nA &lt; B &amp; C → D\n\n"
        "01:01:01.001 --> 01:01:03.000\nOne\ntwo\n"
    )
