"""Aligned English: what each method finds of what was said.

Flow      sentences, baselines -> measures -> english -> Part
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.articulation.baselines import Method, oracle, ours
from benchmarks.articulation.bench import QUICK_STEP, Bench
from benchmarks.articulation.measures import Score
from benchmarks.articulation.sentences import (
    TELEPHONE,
    WIDEBAND,
    Sentence,
    read_sentences,
    well_aligned,
)
from benchmarks.quality.chapter import Check, Part, Row

GOALS: Mapping[str, Mapping[str, float]] = {
    WIDEBAND: {
        "aperture r": 0.85,
        "6-class accuracy": 0.82,
        "closure F1": 0.80,
        "f/v recall": 0.75,
    },
    TELEPHONE: {
        "aperture r": 0.80,
        "6-class accuracy": 0.75,
        "closure F1": 0.70,
        "f/v recall": 0.50,
    },
}
"""At least."""

MOST_FREQUENT = 5
"""Phones on which false closures are told."""

TITLES = {WIDEBAND: "Aligned English, wide-band", TELEPHONE: "Aligned English, telephone"}

ABOUT = (
    "Phone times by PocketSphinx, wrong by 20-50 ms; the phone recogniser 'allphone' has the same "
    "acoustic model, which flatters its classes. 'aperture r' is the correlation with the targets "
    "of the aligned phones, in which our network was trained and allphone's phones are drawn too; "
    "'chart' that with the height of the vowels alone, by which the rules were once adjusted. "
    "The oracle draws the aligned phones themselves. Closures and f/v count when they are within "
    "40 ms of their phone. Brackets hold 95 % of draws of the sentences with replacement."
)


def aligned_english(bench: Bench) -> list[Part]:
    """A part for each band of samples/aligned_english."""
    if not (bench.samples / "aligned_english").is_dir():
        missing = "the aligned recordings (samples/aligned_english) are not there"
        return [Part("english", "Aligned English", ABOUT, skipped=missing)]
    there = list(read_sentences(bench.samples))
    kept = well_aligned(there, bench.cache / "alignment_scores.json")
    dropped = len(there) - len(kept)
    if bench.quick:
        kept = kept[::QUICK_STEP]
    scores = {name: scored(kept, method) for name, method in bench.methods.items()}
    scores["oracle"] = scored_oracle(kept)
    return [
        part_of_band(
            band,
            TITLES[band],
            f"{ABOUT} {dropped} of {len(there)} recordings dropped as badly aligned.",
            {name: by_band[band] for name, by_band in scores.items()},
            GOALS[band],
        )
        for band in TITLES
    ]


def scored(sentences: Iterable[Sentence], method: Method) -> dict[str, Score]:
    """Band -> counts of one method."""
    scores: dict[str, Score] = {}
    for sentence in sentences:
        scores.setdefault(sentence.band, Score()).add(sentence, method(sentence.voice))
    return scores


def scored_oracle(sentences: Iterable[Sentence]) -> dict[str, Score]:
    """Band -> counts of the targets of the aligned phones themselves."""
    scores: dict[str, Score] = {}
    for sentence in sentences:
        scores.setdefault(sentence.band, Score()).add(sentence, oracle(sentence))
    return scores


def part_of_band(
    key: str, title: str, about: str, scores: Mapping[str, Score], goals: Mapping[str, float]
) -> Part:
    """A row for each figure, a column for each method; the first of them is ours."""
    figures = {name: score.figures() for name, score in scores.items()}
    own, own_figures = next(iter(scores.values())), next(iter(figures.values()))
    rows: list[Row] = [
        (name, goals.get(name, math.nan), *(column[name] for column in figures.values()))
        for name in own_figures
    ]
    intervals = own.intervals()
    checks = tuple(
        Check(
            "{} {:.2f} [{:.2f}, {:.2f}] (wanted ≥ {:.2f})".format(
                name, own_figures[name], *intervals[name], goal
            ),
            own_figures[name] >= goal,
        )
        for name, goal in goals.items()
    )
    counted = {
        "seconds of speech": own.speech_s,
        "p, b, m": own.closures.wanted,
        "f, v": own.labiodentals.wanted,
        "closures shown": own.closures.shown,
    }
    wrong = {
        f"false closures on {phone}": count
        for phone, count in own.false_closures.most_common(MOST_FREQUENT)
    }
    columns = ("figure", "goal", *figures)
    return Part(key, title, about, columns, tuple(rows), checks, figures=counted | wrong)


def score(samples: Path) -> dict[str, Score]:
    """Band -> counts of the product over all aligned recordings."""
    return scored(read_sentences(samples), ours)
