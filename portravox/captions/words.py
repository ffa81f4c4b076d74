"""When each word of a text is spoken.

Flow      Waveform, SpokenText -> captions.words -> captions.cues
Reads     what is said in a recording, as it is written
Gives     TimedWord: every written word, with its marks, in order

The same acoustic model and the same alignment as for the lips; the words are read one by one here,
so that each can be told from its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from portravox.articulation.acoustic_model import infer
from portravox.articulation.alignment import FITS, align
from portravox.articulation.transcript import Word, read_words
from portravox.errors import ModelUnavailable, SettingOutOfRange
from portravox.media.waveform import Waveform
from portravox.options import SpokenText
from portravox.speech.features import SpeechFeatures, speech_features

ROWS_PER_S: Final = 100

WIDE: Final = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002ffff"
"""Letters that are words by themselves, as far as captions go: Chinese, kana."""

_WIDE_MARKS: Final = "\u3001-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
_PIECE: Final = re.compile(
    rf"(?P<space>\s+)|(?P<wide>[{WIDE}])|(?P<marks>[{_WIDE_MARKS}]+)"
    rf"|(?P<word>[^\s{WIDE}{_WIDE_MARKS}]+)"
)
_OPENING: Final = frozenset("「『（《〈【〔“‘([{¿¡\"'")


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word as it is written, and when it is said."""

    text: str
    """With the marks that belong to it."""

    spaced: bool
    """Whether a space stands before it."""

    start_s: float = 0.0
    end_s: float = 0.0


def written_words(text: str) -> list[TimedWord]:
    """The words of a text in order, each with its marks, not timed yet."""
    words: list[TimedWord] = []
    held, spaced = "", False
    for piece in _PIECE.finditer(text):
        found = piece[0]
        if piece.lastgroup == "space":
            spaced = bool(words)
        elif not any(letter.isalnum() for letter in found):
            if all(mark in _OPENING for mark in found) and (spaced or not words):
                held += found  # belongs to what follows
            elif words and not held:
                before = words[-1]
                gap = " " if spaced else ""
                words[-1] = replace(before, text=f"{before.text}{gap}{found}")
                spaced = False
            else:
                held += found
        else:
            words.append(TimedWord(f"{held}{found}", spaced))
            held, spaced = "", False
    if held and words:
        words[-1] = replace(words[-1], text=words[-1].text + held)
    return words


Readings = Sequence[tuple[Word, ...]]
"""How each written word sounds."""


def readings_of(said: SpokenText) -> Readings:
    """How the words of `written_words` sound; nothing where they cannot be read."""
    try:
        return read_words([word.text for word in written_words(said.text)], said.language)
    except (SettingOutOfRange, ModelUnavailable):
        return ()


def timed_words(
    voice: Waveform, said: SpokenText, readings: Readings | None = None
) -> tuple[list[TimedWord], bool]:
    """Every word with its time; whether the times are heard.

    They are estimated, by the letters, where the words cannot be read or do not fit the voice.

    readings   from elsewhere, for a process that may start no program

    Raises ModelUnavailable where there is no acoustic model.
    """
    words = written_words(said.text)
    features = speech_features(voice)
    if readings is None:
        readings = readings_of(said)
    if len(readings) != len(words):
        return _estimated(words, features), False
    sounds = [sound for reading in readings for sound in reading]
    alignment = align(infer(features.log_mel).classes, sounds) if any(sounds) else None
    if alignment is None or alignment.fit < FITS:
        return _estimated(words, features), False
    starts = np.full(len(sounds), -1)
    stops = np.full(len(sounds), -1)
    for segment in alignment.segments:
        if segment.word >= 0:
            if starts[segment.word] < 0:
                starts[segment.word] = segment.start
            stops[segment.word] = segment.stop
    return _in_time(words, readings, starts.tolist(), stops.tolist()), True


def _in_time(
    words: Sequence[TimedWord],
    readings: Sequence[tuple[Word, ...]],
    starts: Sequence[int],
    stops: Sequence[int],
) -> list[TimedWord]:
    """starts, stops: rows of each sound that was aligned"""
    timed, first, end_s = [], 0, 0.0
    for word, reading in zip(words, readings, strict=True):
        last = first + len(reading)
        rows = [row for row in starts[first:last] if row >= 0]
        ends = [row for row in stops[first:last] if row >= 0]
        start_s = max(end_s, min(rows) / ROWS_PER_S) if rows else end_s
        end_s = max(start_s, max(ends) / ROWS_PER_S) if ends else start_s
        timed.append(replace(word, start_s=start_s, end_s=end_s))
        first = last
    return timed


def _estimated(words: Sequence[TimedWord], features: SpeechFeatures) -> list[TimedWord]:
    """Spread over what is spoken, by the number of letters; a Chinese one counts as three."""
    rows = np.flatnonzero(features.speaking)
    if not len(rows):
        rows = np.arange(len(features.speaking))
    letters = [sum(3 if re.match(f"[{WIDE}]", c) else 1 for c in word.text) for word in words]
    bounds = np.cumsum([0, *letters]) / max(sum(letters), 1) * (len(rows) - 1)
    at_s = rows[bounds.astype(int)] / ROWS_PER_S
    return [
        replace(word, start_s=float(start), end_s=float(max(start, end)))
        for word, start, end in zip(words, at_s[:-1], at_s[1:], strict=True)
    ]
