"""Alignment: when each sound of a known text is spoken, and what that says about the lips.

Flow      articulation.transcript, articulation.acoustic_model -> articulation.alignment
          -> articulation.lip_closures
Reads     words as phone classes, AcousticOutput
Gives     Segments in time; AcousticOutput with its lip closures corrected by them

The Viterbi algorithm (`best_path`) finds the path through the words that the acoustic output makes
most probable.
Between words, and before and after all, there may be silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Final

import numpy as np

from portravox.arrays import Bool, Float32, Int32
from portravox.articulation.acoustic_model import ACOUSTIC_CHANNELS, AcousticOutput
from portravox.articulation.phones import PHONE_CLASSES, SILENCE
from portravox.articulation.transcript import Word
from portravox.best_path import best_path

ANYTHING: Final = "?"
"""Class of a word of which it is not known how it sounds."""

FLOOR: Final = 0.01
"""Least probability of any class in any row: people do not say what dictionaries say."""

ANYTHING_PROBABILITY: Final = 0.2
"""What an unknown word counts in every row: less than a sound that is clearly found, more than
a wrong one. Our choice."""

PHONE_ROWS: Final = 2
"""No sound is shorter than 20 ms."""

FITS: Final = -1.1
"""Mean logarithm of how much less probable the text's sounds are than the likeliest. A text that
is below does not belong to the voice: of 68 real English prompts 97 % of the right texts are
above, 98 % of the wrong ones below."""

WORD_FITS: Final = -2.2
"""The same for a single word: above, its lip closures replace the network's."""

BELIEVED: Final = 0.95
"""Probability of a lip closure where the text has one, and 1 - this where it has none."""

REACH_ROWS: Final = 3
"""How far a lip closure may lie outside of its segment."""

CLOSURE_ROWS: Final = 5
"""Least length of a lip closure: a sound of low probability shrinks to less than lips need."""

CLOSED_SHARE: Final = {"p": 0.75, "b": 0.88, "m": 1.0, "f": 1.0, "v": 1.0}
"""The part of a segment in which the lips touch: what follows in p is its breath."""

_SILENT: Final = PHONE_CLASSES.index(SILENCE)

_CHANNEL_OF: Final = {
    **dict.fromkeys(("p", "b", "m"), "closure"),
    **dict.fromkeys(("f", "v"), "labiodental"),
}


@dataclass(frozen=True, slots=True)
class Segment:
    """One sound of the text."""

    phone: str
    """One of PHONE_CLASSES, or ANYTHING."""

    start: int
    stop: int
    """Rows."""

    word: int
    """Which word it belongs to; -1 for silence."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """A text laid along a voice."""

    segments: tuple[Segment, ...]
    """Without gaps, from the first row to the last."""

    word_fits: tuple[float, ...]
    """Of each word: mean over its rows of log(probability of its sound / of the likeliest)."""

    fit: float
    """The same over all rows of words, and all others that are not silent: a text that is much
    shorter than what was said does not fit either. Unknown words say nothing."""


def align(classes: Float32, words: Sequence[Word]) -> Alignment | None:
    """The likeliest times of all sounds of the words; None if there are more than fit in.

    classes  (T, 34) probability of each of PHONE_CLASSES
    """
    states = _States.of(words)
    rows = len(classes)
    if rows < states.least_rows:
        return None
    log_p = np.log(np.maximum(classes, FLOOR)).astype(np.float32)
    best = log_p.max(axis=1)
    log_p = np.column_stack([log_p, np.full(rows, np.log(ANYTHING_PROBABILITY), np.float32)])
    path = _likeliest_path(log_p, states)
    ratio = np.minimum(log_p[np.arange(rows), states.column[path]] - best, 0.0)
    word = states.word[path]
    spoken = word >= 0
    known = states.column[path] < len(PHONE_CLASSES)
    counted = known & (spoken | (classes.argmax(axis=1) != _SILENT))
    counts = np.bincount(word[spoken], minlength=len(words))
    sums = np.bincount(word[spoken], weights=ratio[spoken], minlength=len(words))
    fits = sums / np.maximum(counts, 1)
    return Alignment(
        segments=_segments(path, states),
        word_fits=tuple(fits.tolist()),
        fit=float(ratio[counted].mean()) if counted.any() else 0.0,
    )


def sharpened(acoustic: AcousticOutput, alignment: Alignment) -> AcousticOutput:
    """The acoustic output, with lip closures where the text has them and none where it has none.

    Words that fit badly keep the output of the network.
    """
    curves, classes = acoustic.curves.copy(), acoustic.classes.copy()
    believed = [fit >= WORD_FITS for fit in alignment.word_fits]
    free = np.zeros(len(curves), dtype=np.bool_)
    for segment in alignment.segments:
        if segment.phone != ANYTHING and (segment.word < 0 or believed[segment.word]):
            free[segment.start : segment.stop] = True
    closing = [
        segment
        for segment in alignment.segments
        if segment.phone in _CHANNEL_OF and believed[segment.word]
    ]
    for channel in ("closure", "labiodental"):
        column = ACOUSTIC_CHANNELS.index(channel)
        members = np.array(
            [PHONE_CLASSES.index(name) for name, of in _CHANNEL_OF.items() if of == channel]
        )
        evidence = acoustic[channel].copy()
        curves[free, column] = np.minimum(evidence[free], 1.0 - BELIEVED)
        classes[np.ix_(free, members)] = 0.0
        for segment in closing:
            if _CHANNEL_OF[segment.phone] == channel:
                rows = _closure_rows(segment, evidence)
                curves[rows, column] = np.maximum(evidence[rows], BELIEVED)
                classes[rows] = 0.0
                classes[rows, PHONE_CLASSES.index(segment.phone)] = 1.0
    return replace(acoustic, curves=curves, classes=classes)


def _closure_rows(segment: Segment, evidence: Float32) -> slice:
    """Where in a segment the lips touch: where the evidence is greatest, within its reach."""
    length = max(CLOSURE_ROWS, round(CLOSED_SHARE[segment.phone] * (segment.stop - segment.start)))
    first = max(0, segment.start - REACH_ROWS)
    last = max(first, min(segment.stop + REACH_ROWS, len(evidence)) - length)
    starts = np.arange(first, last + 1)
    sums = np.concatenate(([0.0], np.cumsum(evidence, dtype=np.float64)))
    sum_within = sums[starts + length] - sums[starts]
    # where there is no evidence, where the text has it
    best = starts[int(np.argmax(sum_within - 1e-3 * np.abs(starts - segment.start)))]
    return slice(int(best), int(best) + length)


@dataclass(frozen=True, slots=True, eq=False)
class _States:
    """All words in a row, each sound PHONE_ROWS states long, an optional silence between them."""

    column: Int32
    """(S,) which column of the probabilities."""

    word: Int32
    """(S,) -1 in silence."""

    sound: Int32
    """(S,) the same number for the states of one sound."""

    optional: Bool
    """(S,) may be left out."""

    @staticmethod
    def of(words: Sequence[Word]) -> _States:
        anything = len(PHONE_CLASSES)
        sounds = [(_SILENT, -1)]
        for number, word in enumerate(words):
            columns = [PHONE_CLASSES.index(name) for name in word] or [anything]
            sounds += [(column, number) for column in columns]
            sounds.append((_SILENT, -1))
        states = [
            (column, word, number)
            for number, (column, word) in enumerate(sounds)
            for _ in range(1 if word < 0 else PHONE_ROWS)
        ]
        table = np.array(states, dtype=np.int32)
        return _States(table[:, 0], table[:, 1], table[:, 2], optional=table[:, 1] < 0)

    @property
    def least_rows(self) -> int:
        return int(np.sum(~self.optional))


def _likeliest_path(log_p: Float32, states: _States) -> Int32:
    """(T,) the state of each row. Takes a byte for each row and state.

    States are numbered from the last: of equal ends the later is taken.
    """
    rows, count = len(log_p), len(states.column)
    column = states.column[::-1]
    never = np.float32(-np.inf)

    def gains() -> Iterator[Float32]:
        for row in range(rows):
            gain = log_p[row, column]
            if row == 0:
                gain[:-2] = never  # silence or the first sound
            if row == rows - 1:
                gain[2:] = never  # the last sound or silence
            yield gain

    # stay, go to the next state, leave out an optional one
    came_from = np.arange(count) + np.arange(3)[:, np.newaxis]
    cost = np.where(came_from < count, 0.0, np.inf).astype(np.float32)
    cost[2, :-2][~states.optional[::-1][1:-1]] = np.inf
    path = best_path(gains(), np.minimum(came_from, count - 1), repeat(cost))
    return (count - 1 - path).astype(np.int32)


def _segments(path: Int32, states: _States) -> tuple[Segment, ...]:
    sound = states.sound[path]
    starts = np.flatnonzero(np.diff(sound, prepend=-1))
    stops = np.append(starts[1:], len(path))
    names = (*PHONE_CLASSES, ANYTHING)
    return tuple(
        Segment(names[states.column[path[a]]], int(a), int(b), int(states.word[path[a]]))
        for a, b in zip(starts, stops, strict=True)
    )
