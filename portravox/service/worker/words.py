"""The words of a job's transcript, as a file in its scratch folder.

Flow      transcripts -> words.json -> words_in -> child
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from portravox.articulation.phones import PHONE_CLASSES
from portravox.articulation.transcript import Transcript
from portravox.captions.words import Readings

WORDS_NAME = "words.json"
"""In the scratch folder."""

MAX_WORDS = 40_000
"""No more than letters and signs in the longest transcript, twice over; our choice."""


def words_in(
    folder: Path, text: str | None, language: str | None, *, spoken: str | None = None
) -> Transcript | None:
    """The transcript of that text, whose words lie in a folder. Raises OSError, ValueError.

    spoken   a text from which the voice was made: its words lie there if they could be read
    """
    if text is None:
        if spoken is None or not (folder / WORDS_NAME).is_file():
            return None
        text = spoken
    words = checked_words(json.loads((folder / WORDS_NAME).read_bytes()))["words"]
    return Transcript(text, language, tuple(map(tuple, words)))


def readings_in(folder: Path) -> Readings:
    """How each word of the captions sounds; nothing where none were read. Raises ValueError."""
    if not (folder / WORDS_NAME).is_file():
        return ()
    captions = checked_words(json.loads((folder / WORDS_NAME).read_bytes()))["captions"]
    return [tuple(map(tuple, reading)) for reading in captions]


def checked_words(answer: object) -> dict[str, Any]:
    """Words as lists of phone classes: of a transcript, and of each word of captions.

    Raises ValueError.
    """
    if not isinstance(answer, dict) or set(answer) != {"words", "captions"}:
        raise ValueError("not the words of a transcript")
    words, captions = answer["words"], answer["captions"]
    if not _is_list_of_words(words) or not words:
        raise ValueError("not a list of words")
    if not isinstance(captions, list) or not all(map(_is_list_of_words, captions)):
        raise ValueError("not the words of captions")
    if sum(map(len, captions)) > MAX_WORDS:
        raise ValueError("too many words of captions")
    return answer


def _is_list_of_words(words: object) -> bool:
    known = frozenset(PHONE_CLASSES)
    return (
        isinstance(words, list)
        and len(words) <= MAX_WORDS
        and all(
            isinstance(word, list) and all(isinstance(p, str) and p in known for p in word)
            for word in words
        )
    )
