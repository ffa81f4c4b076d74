"""The words of a job's transcript, as a file in its scratch folder.

Flow      transcripts -> words.json -> words_in -> child
"""

from __future__ import annotations

import json
from pathlib import Path

from portravox.articulation.phones import PHONE_CLASSES
from portravox.articulation.transcript import Transcript

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
    words = checked_words(json.loads((folder / WORDS_NAME).read_bytes()))
    return Transcript(text, language, tuple(map(tuple, words)))


def checked_words(answer: object) -> list[list[str]]:
    """Words as lists of phone classes. Raises ValueError."""
    known = frozenset(PHONE_CLASSES)
    if not isinstance(answer, list) or not 0 < len(answer) <= MAX_WORDS:
        raise ValueError("not a list of words")
    for word in answer:
        if not isinstance(word, list) or not all(isinstance(p, str) and p in known for p in word):
            raise ValueError("not a word")
    return answer
