"""Cues: which words stand on the screen together, in how many lines, from when to when.

Flow      TimedWord -> captions.cues -> captions.files

Source of the numbers: Netflix, Timed Text Style Guide, General Requirements, and those for English
and Simplified Chinese. What a break costs is our choice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from portravox.captions.words import WIDE, TimedWord

LINE_WIDTH: Final = 42.0
"""Characters of a line; 16 where they are Chinese, so each of those is this much wider."""

WIDE_WIDTH: Final = LINE_WIDTH / 16.0
LEAST_S: Final = 5.0 / 6.0
MOST_S: Final = 7.0
GAP_S: Final = 2.0 / 24.0
"""Two frames between cues."""

LINGER_S: Final = 0.5
"""Twelve frames: so long a cue may stay after its last word."""

_MOST_WORDS: Final = 40

_SENTENCE_END: Final = re.compile(r"[.!?…。！？][\"'”’」』）)]*$")
_CLAUSE_END: Final = re.compile(r"[,;:、，；：—–][\"'”’」』）)]*$")
_PAUSE_S: Final = 0.7


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown at one time."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]
    """One or two."""


def cues_of(words: Sequence[TimedWord], duration_s: float) -> list[Cue]:
    """Every word in one cue, in order; cues do not overlap.

    duration_s   of the video, in which the last one ends
    """
    bounds = _bounds(words)
    spans = [words[start:stop] for start, stop in pairwise(bounds)]
    cues = []
    for place, span in enumerate(spans):
        start_s = span[0].start_s
        limit_s = duration_s
        if place + 1 < len(spans):
            limit_s = max(start_s, spans[place + 1][0].start_s - GAP_S)
        wanted_s = max(span[-1].end_s + LINGER_S, start_s + LEAST_S)
        cues.append(Cue(start_s, min(wanted_s, limit_s), _lines(span)))
    return cues


def _bounds(words: Sequence[TimedWord]) -> list[int]:
    """Where cues begin, and the end: the division of the least cost."""
    cost, origin = [0.0], [0]
    for stop in range(1, len(words) + 1):
        first = max(0, stop - _MOST_WORDS)
        costs = {start: cost[start] + _cost(words, start, stop) for start in range(first, stop)}
        best = min(costs, key=costs.__getitem__)
        cost.append(costs[best])
        origin.append(best)
    bounds = [len(words)]
    while bounds[-1] > 0:
        bounds.append(origin[bounds[-1]])
    return bounds[::-1]


def _cost(words: Sequence[TimedWord], start: int, stop: int) -> float:
    span = words[start:stop]
    seconds = span[-1].end_s - span[0].start_s
    width = _width(_joined(span))
    cost = 1.0
    if max(map(_width, _lines(span))) > LINE_WIDTH:
        cost += 100.0 + width
    if seconds > MOST_S:
        cost += 50.0 * (seconds - MOST_S)
    elif seconds < LEAST_S:
        cost += 0.5
    if stop < len(words):
        cost += _break_cost(span[-1])
    for before, after in pairwise(span):
        cost += 0.7 * (_SENTENCE_END.search(before.text) is not None)
        cost += 1.5 * (after.start_s - before.end_s > _PAUSE_S)
    return cost


def _break_cost(word: TimedWord) -> float:
    """Of a break behind a word."""
    if _SENTENCE_END.search(word.text):
        return 0.0
    return 0.4 if _CLAUSE_END.search(word.text) else 1.2


def _lines(span: Sequence[TimedWord]) -> tuple[str, ...]:
    """One line, or two of about the same length, broken behind a mark where that is possible."""
    whole = _joined(span)
    if _width(whole) <= LINE_WIDTH or len(span) < 2:
        return (whole,)

    def cost(at: int) -> float:
        upper, lower = _width(_joined(span[:at])), _width(_joined(span[at:]))
        beyond = max(upper, lower, LINE_WIDTH) - LINE_WIDTH
        return 10.0 * beyond + abs(upper - lower) / LINE_WIDTH + _break_cost(span[at - 1]) / 2.0

    at = min(range(1, len(span)), key=cost)
    return _joined(span[:at]), _joined(span[at:])


def _joined(span: Sequence[TimedWord]) -> str:
    first, *others = span
    return first.text + "".join(f"{' ' if word.spaced else ''}{word.text}" for word in others)


def _width(text: str) -> float:
    wide = len(re.findall(f"[{WIDE}\u3001-\u303f\uff01-\uff65]", text))
    return wide * WIDE_WIDTH + (len(text) - wide)
