"""What is counted on aligned speech.

Flow      sentences, baselines -> measures -> tables
Reads     Sentence, Answer
Gives     figures of one method, over all sentences of a band
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.articulation.baselines import Answer
from benchmarks.articulation.chart import expected_aperture
from benchmarks.articulation.groups import SIX, SIXTEEN, group_of_class
from benchmarks.articulation.sentences import Sentence
from portravox.arrays import Bool, Float32
from portravox.articulation.curves import CURVE_RATE_HZ, ArticulationCurves
from portravox.articulation.phones import (
    BILABIAL,
    LABIODENTAL,
    PHONE_CLASSES,
    SILENCE,
    parse_ipa,
)
from portravox.segments import segments
from training.targets import CURVES, targets
from training.utterance import Phone

TOLERANCE_ROWS = 4
"""How far a closure may lie from its phone: the alignment is not better than 40 ms."""

CONTACT = 0.5
"""From here on lips are shut, or the lip is at the teeth."""

ACTIVE = 0.5

MARGIN_ROWS = 10
"""Silence around the sentence that takes part in correlations."""

DRAWS = 2000
"""Of sentences with replacement."""

PAUSE_S, LONG_PAUSE_S = 0.05, 0.5
"""From where on a silence hides closures (lips may shut as they like), and rests the mouth."""

PAUSE_EDGE_ROWS = 20
"""Lips come to rest and get ready here."""

NEARLY_SHUT = frozenset("β")
"""The b between vowels of Spanish: whether the lips touch is up to the speaker."""

ROUNDED, SPREAD = frozenset("uʊɔw") | {"oʊ"}, frozenset("iɪɛæ") | {"eɪ"}
"""Vowels (and w) whose lips cannot be mistaken."""


APERTURE = CURVES.index("aperture")


@dataclass(slots=True)
class Events:
    """Short events that should be where their phones are."""

    wanted: int = 0
    found: int = 0
    shown: int = 0
    right: int = 0

    def count(
        self, contact: Bool, phones: list[slice], pauses: Bool, reach_rows: int
    ) -> list[slice]:
        """Take one sentence into the counts; returns the events that no phone wants.

        contact     (T,) the event is shown
        phones      rows of each phone that wants it
        pauses      (T,) rows in which it may be shown without being wrong
        reach_rows  how far it may lie from its phone
        """
        allowed = np.zeros_like(contact)
        for rows in phones:
            around = slice(max(0, rows.start - reach_rows), rows.stop + reach_rows)
            allowed[around] = True
            self.wanted += 1
            self.found += bool(contact[around].any())
        shown = [event for event in segments(contact) if not pauses[event].any()]
        wrong = [event for event in shown if not allowed[event].any()]
        self.shown += len(shown)
        self.right += len(shown) - len(wrong)
        return wrong

    def __add__(self, other: Events) -> Events:
        return Events(
            self.wanted + other.wanted,
            self.found + other.found,
            self.shown + other.shown,
            self.right + other.right,
        )

    @property
    def recall(self) -> float:
        return self.found / self.wanted if self.wanted else math.nan

    @property
    def precision(self) -> float:
        return self.right / self.shown if self.shown else 0.0

    @property
    def f1(self) -> float:
        both = self.recall + self.precision
        return 2.0 * self.recall * self.precision / both if both else 0.0


def count_contacts(
    phones: tuple[Phone, ...],
    curves: ArticulationCurves,
    closures: Events,
    labiodentals: Events,
    reach_rows: int = TOLERANCE_ROWS,
) -> list[slice]:
    """Take the p, b, m and the f, v of one recording into the counts.

    Returns the closures that no phone wants.
    """
    pauses = np.zeros(len(curves.values), dtype=np.bool_)
    for phone in phones:
        silent = phone.ipa == SILENCE and phone.end_s - phone.start_s > PAUSE_S
        if silent or phone.ipa in NEARLY_SHUT:
            rows = _rows(phone)
            pauses[max(0, rows.start - reach_rows) : rows.stop + reach_rows] = True
    bitten = rows_of(phones, LABIODENTAL - NEARLY_SHUT)
    labiodentals.count(curves["labiodental"] >= CONTACT, bitten, pauses, reach_rows)
    return closures.count(
        curves["closure"] >= CONTACT, rows_of(phones, BILABIAL), pauses, reach_rows
    )


def rows_of(phones: tuple[Phone, ...], symbols: frozenset[str]) -> list[slice]:
    """Rows of each phone that is, or holds, one of these."""
    return [_rows(phone) for phone in phones if symbols & set(parse_ipa(phone.ipa))]


@dataclass(slots=True)
class Score:
    """Counts over all sentences of one band."""

    with_targets: list[float] = field(default_factory=list)
    """Correlation of the aperture of each sentence with what its phones ask for."""
    with_chart: list[float] = field(default_factory=list)
    """The same with the chart of vowels, which no method was made from."""
    weights: list[int] = field(default_factory=list)
    closures: Events = field(default_factory=Events)
    labiodentals: Events = field(default_factory=Events)
    by_phone: dict[str, Events] = field(
        default_factory=lambda: {symbol: Events() for symbol in "pbm"}
    )
    """Closures wanted and found, for each phone alone."""
    false_closures: Counter[str] = field(default_factory=Counter)
    """Class of what was really said -> closures shown there."""
    rounded: list[float] = field(default_factory=list)
    """Rounding less spread in the middle of each rounded vowel."""
    spread: list[float] = field(default_factory=list)
    """The same in each spread vowel."""
    pause_aperture: list[float] = field(default_factory=list)
    speech_aperture: list[float] = field(default_factory=list)
    activity_in_speech: list[float] = field(default_factory=list)
    activity_in_pause: list[float] = field(default_factory=list)
    classified: int = 0
    right_of_six: int = 0
    right_of_sixteen: int = 0
    speech_s: float = 0.0
    tallies: list[tuple[float, ...]] = field(default_factory=list)
    """What has been counted after each sentence, for intervals."""

    def add(self, sentence: Sentence, answer: Answer) -> None:
        """Take one sentence into the counts."""
        curves = answer.curves
        rows = len(curves.values)
        self.speech_s += sentence.voice.duration_s
        wanted = targets(sentence.phones, rows)
        self._correlate(sentence, curves["aperture"], wanted.curves[:, APERTURE])
        wrong = count_contacts(sentence.phones, curves, self.closures, self.labiodentals)
        at_fault = (wanted.classes[(event.start + event.stop) // 2] for event in wrong)
        self.false_closures.update(PHONE_CLASSES[index] for index in at_fault)
        nowhere = np.zeros(rows, dtype=np.bool_)
        for symbol, events in self.by_phone.items():
            places = rows_of(sentence.phones, frozenset(symbol))
            events.count(curves["closure"] >= CONTACT, places, nowhere, TOLERANCE_ROWS)
        self._look_at_phones(sentence, curves)
        if answer.classes is not None:
            six, sixteen = group_of_class(SIX), group_of_class(SIXTEEN)
            self.classified += rows
            self.right_of_six += int((six[wanted.classes] == six[answer.classes]).sum())
            self.right_of_sixteen += int((sixteen[wanted.classes] == sixteen[answer.classes]).sum())

        self.tallies.append(self._tally())

    def _tally(self) -> tuple[float, ...]:
        weighted = float(np.dot(self.with_targets, self.weights))
        return (
            *(weighted, sum(self.weights)),
            *(self.right_of_six, self.classified),
            *(self.closures.found, self.closures.wanted),
            *(self.closures.right, self.closures.shown),
            *(self.labiodentals.found, self.labiodentals.wanted),
        )

    def intervals(self) -> dict[str, tuple[float, float]]:
        """The figures that have goals -> what holds 95 % of DRAWS draws of the sentences.

        How far a figure would scatter with other sentences of the same kind; with few p, b, m and
        f, v that is much.
        """
        first = np.zeros((1, len(self.tallies[0])))
        each = np.diff(np.concatenate([first, np.array(self.tallies)]), axis=0)  # (S, 10)
        draws = np.random.default_rng(0).integers(0, len(each), (DRAWS, len(each)))
        sums = each[draws].sum(axis=1)  # (DRAWS, 10)
        with np.errstate(invalid="ignore", divide="ignore"):
            r, six, recall, precision, bitten = (sums[:, 0::2] / sums[:, 1::2]).T
            f1 = np.nan_to_num(2.0 * recall * precision / (recall + precision))
        drawn = {"aperture r": r, "6-class accuracy": six, "closure F1": f1, "f/v recall": bitten}
        return {
            name: (float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5)))
            for name, values in drawn.items()
        }

    def _correlate(self, sentence: Sentence, aperture: Float32, wanted: Float32) -> None:
        spoken = sentence.spoken
        first = max(0, _row(spoken[0].start_s) - MARGIN_ROWS)
        last = min(len(aperture), _row(spoken[-1].end_s) + MARGIN_ROWS)
        charted = expected_aperture(sentence.phones, len(aperture))
        self.with_targets.append(correlation(aperture[first:last], wanted[first:last]))
        self.with_chart.append(correlation(aperture[first:last], charted[first:last]))
        self.weights.append(last - first)

    def _look_at_phones(self, sentence: Sentence, curves: ArticulationCurves) -> None:
        aperture, activity = curves["aperture"], curves["activity"]
        rounding = curves["rounding"] - curves["spread"]
        for phone in sentence.phones:
            rows = _rows(phone)
            middle = min(len(rounding) - 1, (rows.start + rows.stop) // 2)
            if phone.ipa in ROUNDED:
                self.rounded.append(float(rounding[middle]))
            elif phone.ipa in SPREAD:
                self.spread.append(float(rounding[middle]))
            if phone.ipa != SILENCE:
                self.speech_aperture.extend(aperture[rows].tolist())
                self.activity_in_speech.extend(activity[rows].tolist())
            elif phone.end_s - phone.start_s > LONG_PAUSE_S:
                inner = slice(rows.start + PAUSE_EDGE_ROWS, rows.stop - PAUSE_EDGE_ROWS)
                self.pause_aperture.extend(aperture[inner].tolist())
                self.activity_in_pause.extend(activity[inner].tolist())

    def figures(self) -> dict[str, float]:
        """Name -> value, in the order of the table; NaN where a method does not say."""
        return {
            "aperture r": float(np.average(self.with_targets, weights=self.weights)),
            "aperture r, chart": float(np.average(self.with_chart, weights=self.weights)),
            "6-class accuracy": _share(self.right_of_six, self.classified),
            "16-class accuracy": _share(self.right_of_sixteen, self.classified),
            "closure recall": self.closures.recall,
            "closure precision": self.closures.precision,
            "closure F1": self.closures.f1,
            **{f"closure recall {name}": each.recall for name, each in self.by_phone.items()},
            "f/v recall": self.labiodentals.recall,
            "f/v precision": self.labiodentals.precision,
            "rounding AUC": area_under_curve(self.rounded, self.spread),
            "aperture median": float(np.median(self.speech_aperture)),
            "aperture p90": float(np.percentile(self.speech_aperture, 90.0)),
            "aperture in pauses": _mean(self.pause_aperture),
            "activity in speech": _mean(self.activity_in_speech),
            "activity in pauses": _mean(self.activity_in_pause),
            "activity recall": _mean(np.array(self.activity_in_speech) >= ACTIVE),
        }


def area_under_curve(above: Sequence[float], below: Sequence[float]) -> float:
    """How often a value of the first kind lies above one of the second; NaN where one is missing.

    That is the area under the ROC curve.
    """
    if not (above and below):
        return math.nan
    higher, lower = np.array(above)[:, np.newaxis], np.array(below)
    return float(((higher > lower) + 0.5 * (higher == lower)).mean())


def correlation(a: Float32, b: Float32) -> float:
    """Pearson's; 0 where one of them does not move."""
    if min(float(a.std()), float(b.std())) < 1e-6:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _row(time_s: float) -> int:
    return round(time_s * CURVE_RATE_HZ)


def _rows(phone: Phone) -> slice:
    return slice(_row(phone.start_s), _row(phone.end_s))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _mean(values: list[float] | Bool) -> float:
    return float(np.mean(values)) if len(values) else math.nan
