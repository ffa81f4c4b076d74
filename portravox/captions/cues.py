"""Cues: which words stand on the screen together, in how many lines, from when to when.

Flow      TimedWord -> captions.cues -> captions.files

Source of the numbers: Netflix, Timed Text Style Guide, General Requirements, and those for English
and Simplified Chinese. What a break costs is our choice.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
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
    measures = _Measures(words)
    bounds = _bounds(measures)
    cues = []
    for place, (start, stop) in enumerate(pairwise(bounds)):
        start_s = words[start].start_s
        limit_s = duration_s
        if place + 2 < len(bounds):
            limit_s = max(start_s, words[stop].start_s - GAP_S)
        wanted_s = max(words[stop - 1].end_s + LINGER_S, start_s + LEAST_S)
        cues.append(Cue(start_s, min(wanted_s, limit_s), _lines(measures, start, stop)))
    return cues


class _Measures:
    """Sums over words: of every division of a long text, so that none is measured anew."""

    def __init__(self, words: Sequence[TimedWord]) -> None:
        self.words = words
        self.break_costs = [_break_cost(word) for word in words]
        widths = (word.spaced + _width(word.text) for word in words)
        self._widths = list(accumulate(widths, initial=0.0))
        inner = (
            0.7 * (cost == 0.0) + 1.5 * (after.start_s - before.end_s > _PAUSE_S)
            for cost, (before, after) in zip(self.break_costs, pairwise(words), strict=False)
        )
        self._inner_costs = list(accumulate(inner, initial=0.0))

    def width(self, start: int, stop: int) -> float:
        """Of words in a line."""
        return self._widths[stop] - self._widths[start] - self.words[start].spaced

    def inner_cost(self, start: int, stop: int) -> float:
        """Of sentences that end and pauses that lie between words of a cue."""
        return self._inner_costs[stop - 1] - self._inner_costs[start]

    def fills_line(self, start: int, stop: int) -> int:
        """Behind which word a line is as full as it may be; the first word is in it anyway."""
        bound = self._widths[start] + self.words[start].spaced + LINE_WIDTH
        return max(start + 1, min(bisect_right(self._widths, bound) - 1, stop))

    def fits(self, start: int, stop: int) -> bool:
        """Whether two lines hold the words."""
        at = self.fills_line(start, stop)
        if self.width(start, at) > LINE_WIDTH:
            return False
        return at == stop or self.width(at, stop) <= LINE_WIDTH


def _bounds(measures: _Measures) -> list[int]:
    """Where cues begin, and the end: the division of the least cost."""
    count = len(measures.words)
    cost, origin = [0.0], [0]
    for stop in range(1, count + 1):
        first = max(0, stop - _MOST_WORDS)
        costs = {start: cost[start] + _cost(measures, start, stop) for start in range(first, stop)}
        best = min(costs, key=costs.__getitem__)
        cost.append(costs[best])
        origin.append(best)
    bounds = [count]
    while bounds[-1] > 0:
        bounds.append(origin[bounds[-1]])
    return bounds[::-1]


def _cost(measures: _Measures, start: int, stop: int) -> float:
    words = measures.words
    seconds = words[stop - 1].end_s - words[start].start_s
    cost = 1.0
    if not measures.fits(start, stop):
        cost += 100.0 + measures.width(start, stop)
    if seconds > MOST_S:
        cost += 50.0 * (seconds - MOST_S)
    elif seconds < LEAST_S:
        cost += 0.5
    if stop < len(words):
        cost += measures.break_costs[stop - 1]
    return cost + measures.inner_cost(start, stop)


def _break_cost(word: TimedWord) -> float:
    """Of a break behind a word."""
    if _SENTENCE_END.search(word.text):
        return 0.0
    return 0.4 if _CLAUSE_END.search(word.text) else 1.2


def _lines(measures: _Measures, start: int, stop: int) -> tuple[str, ...]:
    """One line, or two of about the same length, broken behind a mark where that is possible."""
    words = measures.words[start:stop]
    if measures.width(start, stop) <= LINE_WIDTH or len(words) < 2:
        return (_joined(words),)

    def cost(at: int) -> float:
        upper, lower = measures.width(start, at), measures.width(at, stop)
        beyond = max(upper, lower, LINE_WIDTH) - LINE_WIDTH
        return 10.0 * beyond + abs(upper - lower) / LINE_WIDTH + measures.break_costs[at - 1] / 2.0

    at = min(range(start + 1, stop), key=cost)
    return _joined(measures.words[start:at]), _joined(measures.words[at:stop])


def _joined(span: Sequence[TimedWord]) -> str:
    first, *others = span
    return first.text + "".join(f"{' ' if word.spaced else ''}{word.text}" for word in others)


def _width(text: str) -> float:
    wide = len(re.findall(f"[{WIDE}\u3001-\u303f\uff01-\uff65]", text))
    return wide * WIDE_WIDTH + (len(text) - wide)
