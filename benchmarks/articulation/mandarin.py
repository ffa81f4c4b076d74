"""Mandarin by people: which initials shut the lips, bite them and round them.

Flow      training.mandarin, training.gcin_voice -> mandarin -> Part

No phone times are needed: a recording of one syllable is right when the lips meet exactly if its
initial is b, p or m. A word of several syllables is right when they meet as often as it has such
initials.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.articulation.baselines import Answer, Method
from benchmarks.articulation.bench import QUICK_STEP, Bench
from benchmarks.articulation.measures import ACTIVE, CONTACT, area_under_curve
from benchmarks.quality.chapter import Check, Part, Row
from portravox.articulation.curves import ArticulationCurves
from portravox.media.waveform import Waveform
from portravox.segments import segments
from training.gcin_voice import gcin_takes
from training.mandarin import FOR_CHOOSING, MEASURED, MandarinTake, mandarin_takes
from training.utterance import LIU

SHUT, BITTEN = frozenset("bpm"), frozenset("f")
ROUNDED_FINALS, OPEN_FINALS = {"u": ("u",), "ü": ("v",)}, ("a", "i", "e")
"""ü and u against a, i, e: of syllables in which the vowel stands alone."""

HISSING = frozenset(("zh", "ch", "sh", "r", "z", "c", "s"))
"""After these, pinyin's i is no i."""

MOST_FALSE = 0.05
LEAST_FOUND = 0.95
LEAST_BITTEN = 0.90
LEAST_ROUNDING = 0.90

SILENCE_S = 0.3
"""Put before and behind a recording that is cut tightly. Our choice."""

ABOUT = (
    "A tenth of the recordings of two women (hugolpz/audio-cmn), held out of all training. "
    "'syllables' are recordings of one syllable, by its initial; 'words' have two and more: "
    "'shut' is the share of those with b, p or m in which the lips meet at all, 'others shut' that "
    "of words without them in which they do. Rounding: the area under the ROC curve, by the mean "
    "rounding less spread while speaking."
)

ABOUT_LIU = (
    "Nine tenths of Debian's gcin-voice, whom no network has learnt from: a man says each syllable "
    f"fast, in each tone; with {SILENCE_S} s of silence on either side, since the recordings are "
    "cut at the first sound, some of them within it. Figures as for the two women."
)


@dataclass(slots=True)
class MandarinScore:
    """Counts of one method."""

    taken: Counter[str] = field(default_factory=Counter)
    """Kind of recording -> how many."""
    shut: Counter[str] = field(default_factory=Counter)
    """... in which the lips meet."""
    bitten: Counter[str] = field(default_factory=Counter)
    """... in which the lip is at the teeth."""
    rounding: dict[str, list[float]] = field(default_factory=dict)
    """Final -> rounding less spread, of syllables."""

    def add(self, take: MandarinTake, curves: ArticulationCurves) -> None:
        """Take one recording into the counts."""
        shut = bool(segments(curves["closure"] >= CONTACT))
        bitten = bool(segments(curves["labiodental"] >= CONTACT))
        for kind in kinds_of(take):
            self.taken[kind] += 1
            self.shut[kind] += shut
            self.bitten[kind] += bitten
        if len(take.syllables) == 1:
            initial, final = take.syllables[0]
            active = curves["activity"] >= ACTIVE
            if active.any() and not (final == "i" and initial in HISSING):
                lips = curves["rounding"] - curves["spread"]
                self.rounding.setdefault(final, []).append(float(lips[active].mean()))

    def figures(self) -> dict[str, float]:
        """All of it as shares and areas."""
        found = {
            "shut for b p m": self._share(self.shut, "b p m"),
            "shut for others": self._share(self.shut, "not b p m"),
            "bitten for f": self._share(self.bitten, "f"),
            "bitten for others": self._share(self.bitten, "not f"),
            "words with b p m shut": self._share(self.shut, "word with b p m"),
            "words without shut": self._share(self.shut, "word without b p m"),
            "words with f bitten": self._share(self.bitten, "word with f"),
            "words without bitten": self._share(self.bitten, "word without f"),
        }
        spread = [value for final in OPEN_FINALS for value in self.rounding.get(final, [])]
        for name, finals in ROUNDED_FINALS.items():
            rounded = [value for final in finals for value in self.rounding.get(final, [])]
            found[f"rounding of {name}, AUC"] = area_under_curve(rounded, spread)
        initials = [kind for kind in self.taken if kind.startswith("initial ")]
        for kind in sorted(initials):
            found[f"shut, {kind}"] = self._share(self.shut, kind)
        return found

    def _share(self, counts: Counter[str], kind: str) -> float:
        return counts[kind] / self.taken[kind] if self.taken[kind] else float("nan")


def kinds_of(take: MandarinTake) -> list[str]:
    """Under which kinds a recording counts."""
    initials = {initial for initial, _ in take.syllables}
    if len(take.syllables) > 1:
        return [
            "word with b p m" if initials & SHUT else "word without b p m",
            "word with f" if initials & BITTEN else "word without f",
        ]
    (initial,) = initials
    return [
        "b p m" if initial in SHUT else "not b p m",
        "f" if initial in BITTEN else "not f",
        f"initial {initial or 'none'}",
    ]


def mandarin_words(bench: Bench) -> list[Part]:
    """One part: a row for each figure, a column for each method."""
    tenth = FOR_CHOOSING if bench.choosing else MEASURED
    takes = [take for take in mandarin_takes(bench.mandarin) if take.tenth == tenth]
    missing = "the recordings (syllables.tar, words.tar; see training.mandarin) are not there"
    return [_measured("mandarin", "Mandarin by people", ABOUT, takes, bench, missing)]


def mandarin_syllables(bench: Bench) -> list[Part]:
    """The same of a man's syllables, without words."""
    takes = [take for take in gcin_takes() if (take.tenth == FOR_CHOOSING) == bench.choosing]
    missing = "the Debian package gcin-voice is not installed"
    return [_measured("mandarin_liu", "Mandarin by a man", ABOUT_LIU, takes, bench, missing)]


def _measured(
    name: str, title: str, about: str, takes: Sequence[MandarinTake], bench: Bench, missing: str
) -> Part:
    if bench.quick:
        takes = takes[::QUICK_STEP]
    if not takes:
        return Part(name, title, about, skipped=missing)
    scores = {name: scored_takes(takes, method) for name, method in bench.methods.items()}
    return _part(scores, name, title, about)


def scored_takes(takes: Sequence[MandarinTake], method: Method) -> MandarinScore:
    """Counts of one method."""
    score = MandarinScore()
    for take in takes:
        voice = take.voice()
        answer: Answer = method(_between_silences(voice) if take.speaker == LIU else voice)
        score.add(take, answer.curves)
    return score


def _between_silences(voice: Waveform) -> Waveform:
    """Nobody's voice begins with the file, as those do that are cut at the burst of a stop."""
    silence = round(SILENCE_S * voice.rate_hz)
    return Waveform(np.pad(voice.samples, ((silence, silence), (0, 0))), voice.rate_hz)


def _part(scores: Mapping[str, MandarinScore], name: str, title: str, about: str) -> Part:
    figures = {name: score.figures() for name, score in scores.items()}
    own_score, own = next(iter(scores.values())), next(iter(figures.values()))
    rows: list[Row] = [(figure, *(column[figure] for column in figures.values())) for figure in own]
    checks = [
        _at_least("shut for b p m", own, LEAST_FOUND),
        _at_most("shut for others", own, MOST_FALSE),
        _at_least("bitten for f", own, LEAST_BITTEN),
        _at_most("bitten for others", own, MOST_FALSE),
        *(_at_least(f"rounding of {name}, AUC", own, LEAST_ROUNDING) for name in ROUNDED_FINALS),
    ]
    counted = {f"recordings: {kind}": own_score.taken[kind] for kind in ("b p m", "not b p m", "f")}
    counted["words of several syllables"] = (
        own_score.taken["word with b p m"] + own_score.taken["word without b p m"]
    )
    return Part(
        name,
        title,
        about,
        ("figure", *figures),
        tuple(rows),
        tuple(checks),
        figures=counted,
    )


def _at_least(name: str, figures: Mapping[str, float], goal: float) -> Check:
    return Check(f"{name} {figures[name]:.2f} (wanted ≥ {goal:.2f})", bool(figures[name] >= goal))


def _at_most(name: str, figures: Mapping[str, float], goal: float) -> Check:
    return Check(f"{name} {figures[name]:.2f} (wanted ≤ {goal:.2f})", bool(figures[name] <= goal))
