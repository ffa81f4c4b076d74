"""Lip closures: bilabial, where the lips are shut for p, b, m, and labiodental, for f, v.

Flow      articulation.acoustic_model -> articulation.lip_closures -> articulation.from_voice
Reads     AcousticOutput: probabilities of closure and of the phones that need it
Gives     segments of rows, decided: a mouth cannot be half shut

Viewers notice a closure that is missing, and lips that meet in the middle of a vowel. So the
evidence of a whole segment decides, strong and short or weaker and longer; what is accepted as a
closure is then shown as a full one, for as long as lips need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from portravox.arrays import Bool, Float32
from portravox.articulation.acoustic_model import AcousticOutput
from portravox.segments import segments

LipClosures = list[tuple[int, int]]
"""(first row, row of the release) of each, in order; they do not overlap."""

CLASS_SHARE = 0.2
"""How much the phone classes count beside the closure's own output. They are learnt from the
same sounds, but err in other places: their mean is better than either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enough:
    """Evidence that is enough for a contact."""

    begin: float
    """The highest row has at least this."""

    stay: float
    """So have all rows."""

    mass: float
    """The least sum over the rows of a segment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRules:
    """How lip closures are decided."""

    closure: Enough

    hum: float
    """What the highest row of an m has at least, instead of closure.begin: n, ng, l and voiced th
    are hums, too, and sound like it."""

    labiodental: Enough

    rounded: float
    """How much the probability of ROUNDED takes from the evidence of a bite: rounded lips are not
    at the teeth, but w and the noise of a close vowel sound like v and f."""


RECORDING: Final = ContactRules(
    closure=Enough(begin=0.40, stay=0.30, mass=3.6),
    hum=0.50,
    labiodental=Enough(begin=0.40, stay=0.20, mass=2.4),
    rounded=1.0,
)
"""Chosen for this network, on recordings that are not reported
(`python -m benchmarks.articulation --choosing`; decisions 76 and 85)."""

LIVE: Final = ContactRules(
    closure=Enough(begin=0.40, stay=0.30, mass=2.6),
    hum=0.55,
    labiodental=Enough(begin=0.30, stay=0.15, mass=2.4),
    rounded=1.0,
)
"""For a voice that is still being spoken, of which the network sees less: its evidence of a closure
is briefer and that of a bite less clear. Chosen on recordings that are not reported
(`python -m benchmarks.articulation --choosing`; decisions 73 and 96)."""

EDGE_SHARE = 0.5
"""A closure lasts from half of its highest evidence to half of it."""

FADED_DB, FADED_ROWS, SURE_OF_FADED = -24.0, 12, 0.8
"""A closure after which the voice stays softer than this, against the speech level, for 120 ms, is
never released aloud: a fading vowel sounds like m, since its high overtones end first. It needs
more evidence. On Mandarin syllables of people that takes away a third of the false closures, on
aligned English neither found nor false ones change (decision 49)."""

SHORTEST_ROWS, LONGEST_ROWS = 6, 9
"""Lips stay shut for 60-90 ms (Löfqvist: 50-75 ms for short and 100-150 ms for long consonants;
beyond 90 ms a shut mouth looks held)."""

LONGEST_HUM_ROWS = 15
"""But for a long m, which sounds throughout."""

ROUNDED: Final = ("w", "u", "o", "y")
"""Classes of phones with rounded lips."""

LONGEST_BITE_ROWS = 12
"""f and v last as long as they hiss."""

BEFORE_SPEECH_ROWS = 8
"""The lips may be shut this long before the first audible sound: the closure of a p is silent."""


def closures(
    acoustic: AcousticOutput,
    speaking: Bool,
    loudness_db: Float32 | None = None,
    rules: ContactRules = RECORDING,
) -> LipClosures:
    """Where the lips are shut.

    speaking     (T,) somebody speaks; there is no closure elsewhere
    loudness_db  (T,) against the speech level; left out, no voice fades
    """
    evidence = closure_evidence(acoustic)
    humming = acoustic.probability("m") > 0.5 * np.maximum(
        acoustic.probability("p", "b", "m"), 1e-3
    )
    found: LipClosures = []
    for first, release in _accepted(evidence * _may_touch(speaking), rules.closure):
        peak = float(evidence[first:release].max())
        hum = bool(np.mean(humming[first:release]) > 0.5)
        faded = loudness_db is not None and _faded(loudness_db, release)
        if (hum and peak < rules.hum) or (faded and peak < SURE_OF_FADED):
            continue
        longest = LONGEST_HUM_ROWS if hum else LONGEST_ROWS
        # of a long closure the end is kept: the release is audible, and has to be seen in time
        first = max(first, release - longest)
        found.append(_at_least(SHORTEST_ROWS, first, release, len(evidence)))
    return _apart(found)


def labiodentals(
    acoustic: AcousticOutput,
    speaking: Bool,
    shut: LipClosures,
    rules: ContactRules = RECORDING,
) -> LipClosures:
    """Where the lower lip is at the upper teeth, and the lips neither are shut nor likelier so."""
    evidence = labiodental_evidence(acoustic, rules.rounded)
    free = speaking & (evidence > closure_evidence(acoustic))
    for first, release in shut:
        free[first:release] = False
    found = [
        _at_least(SHORTEST_ROWS, max(first, release - LONGEST_BITE_ROWS), release, len(evidence))
        for first, release in _accepted(evidence * free, rules.labiodental)
    ]
    return _apart(found)


def closure_evidence(acoustic: AcousticOutput) -> Float32:
    """(T,) 0..1 how probable it is that the lips are shut."""
    return _evidence(acoustic["closure"], acoustic.probability("p", "b", "m"))


def labiodental_evidence(acoustic: AcousticOutput, rounded: float = 0.0) -> Float32:
    """(T,) 0..1 how probable it is that the lower lip is at the teeth.

    rounded  how much the probability of rounded lips takes from it
    """
    likely = _evidence(acoustic["labiodental"], acoustic.probability("f", "v"))
    against = np.float32(rounded) * acoustic.probability(*ROUNDED)
    evidence: Float32 = np.maximum(likely - against, 0.0)
    return evidence


def _evidence(contact: Float32, phones: Float32) -> Float32:
    evidence: Float32 = (1.0 - CLASS_SHARE) * contact + CLASS_SHARE * phones
    return evidence


def _accepted(evidence: Float32, enough: Enough) -> LipClosures:
    """Segments with enough evidence, from half of their peak to half of it."""
    found: LipClosures = []
    for around in segments(evidence >= enough.stay):
        within = evidence[around]
        for core in segments(within >= max(enough.stay, EDGE_SHARE * float(within.max()))):
            if within[core].max() >= enough.begin and within[core].sum() >= enough.mass:
                found.append((around.start + core.start, around.start + core.stop))
    return found


def _faded(loudness_db: Float32, release: int) -> bool:
    """No sound of the voice follows the release."""
    after = loudness_db[release : release + FADED_ROWS]
    return not len(after) or float(after.max()) < FADED_DB


def _may_touch(speaking: Bool) -> Bool:
    """(T,) speaking, or just about to."""
    allowed = speaking.copy()
    for segment in segments(speaking):
        allowed[max(0, segment.start - BEFORE_SPEECH_ROWS) : segment.start] = True
    return allowed


def _at_least(rows: int, first: int, release: int, end: int) -> tuple[int, int]:
    """The closure made as long as lips need, most of it before the release; within the clip."""
    missing = max(0, rows - (release - first))
    release = min(end, release + missing // 3)
    return max(0, min(first, release - rows)), release


def _apart(closures: LipClosures) -> LipClosures:
    """Merge closures that overlap or touch: lips that close twice must part in between."""
    joined: LipClosures = []
    for first, release in closures:
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(release, joined[-1][1]))
        else:
            joined.append((first, release))
    return joined
