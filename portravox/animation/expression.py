"""Expression: the face that a person has on while speaking, by facial action units.

Flow      Direction, what the photograph shows -> animation.expression -> ControlTrack -> rig
Reads     rows of controls, expression and expression_strength
Gives     the same rows with the expression in them

What the voice does stays as it is: openings, closures and rounding of the lips are absolute targets
of the rig, whatever the corners of the mouth do.

Sources. Which action units make an emotion: Ekman & Friesen, Facial Action Coding System, 1978,
table 11-1, and the tables of EMFACS after it: happiness 6 + 12, sadness 1 + 4 + 15, surprise 1 + 2
+ 5B + 26. Seriousness is no emotion of theirs; brows drawn down (4) with tightened lids (7) are
what concentration shows: Rozin & Cohen, Emotion 3(1), 2003. How far each goes at the most: Salles
et al., Braz. J. Otorhinolaryngol. (objective computerized evaluation of normal patterns of facial
muscles contraction), motion capture of 12 adults: corners of the mouth 9.3 mm in a smile, brows
10.6 mm in a lift. Heads are bowed in sadness: Wallbott, Eur. J. Soc. Psychol. 28, 1998. Smiles wax
and wane after an attack of half a second: Tarantili et al., Am. J. Orthod. Dentofacial Orthop.
128, 2005. The shares of these that somebody shows who goes on speaking are our choice: about half,
the intensities B to C of FACS.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from portravox.animation.controls import CONTROLS
from portravox.animation.drift import Drift, draw_drift
from portravox.animation.easing import REST_BEFORE_END_S, SHRINK_BELOW_S, minimum_jerk
from portravox.animation.styles import TABLE_STRENGTH
from portravox.arrays import Float32, Float64
from portravox.options import Direction

EASE_IN_S = 0.7
EASE_OUT_S = 0.9
"""From the photograph's face to the expression, and back. A smile takes half a second (Tarantili);
a head that is bowed goes along, and that is slower."""

WANES = 0.15
WANE_BAND_HZ = (0.05, 0.2)
"""A face that is held is a mask: the expression wanes by up to so much, so slowly. Our choice."""

FULL: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "neutral": {},
        # AU 12, 5.0 of 9.3 mm; 6; the chin rises a little
        "happy": {"smile": 0.85, "squint": 0.5, "head_pitch_deg": 1.0},
        # AU 4, 7
        "serious": {"brow_lower": 0.7, "squint": 0.35, "head_pitch_deg": -1.0},
        # AU 1 + 4, 4 of 10.6 mm; 15; upper lids sink; the head is bowed
        "sad": {
            "brow_inner": 0.9,
            "corner_drop": 0.9,
            "eye_wide": -0.35,
            "squint": 0.1,
            "head_pitch_deg": -3.0,
        },
        # AU 1 + 2, 4.5 of 10.6 mm; 5B. 26, the dropped jaw, is left to the voice
        "surprised": {"brow_raise": 0.9, "eye_wide": 0.7, "head_pitch_deg": 1.5},
    }
)
"""Of each expression at strength 1, what is added to which control."""

UNSMILING: Mapping[str, float] = MappingProxyType({"serious": 1.0, "sad": 1.0, "surprised": 0.6})
"""How much of a smile, of the photograph and of the speaking face, is taken back at strength 1."""

ADDED = (
    "smile",
    "corner_drop",
    "brow_raise",
    "brow_inner",
    "brow_lower",
    "squint",
    "eye_wide",
    "head_pitch_deg",
)

CORNERS_LOWERED = 0.6
"""Of a photograph that smiles, settled lips keep an upward turn: corner_drop while its smile is
taken back. Our choice."""

_MOST = {"head_pitch_deg": np.inf}
_OF_SPEECH = (
    "lip_gap",
    "jaw",
    "lip_wide",
    "lip_round",
    "lip_press",
    "lip_teeth",
    "tongue_up",
)

LEFT_BY_SPEECH = 0.2
"""Of a photograph's smile, so much is there while its mouth speaks: speech takes the rest back
(`rig.shapes`, CORNERS_TAKEN_BACK)."""

SQUINT_OF_SMILE = 0.7
"""Cheeks and lids of a photograph that smiles are raised already, by so much of what is possible.
Our choice."""

YIELDS: Mapping[str, float] = MappingProxyType(
    {"lip_round": 0.5, "lip_press": 0.3, "lip_teeth": 0.3}
)
"""Corners give way to what the lips have to do: so much less at 1 of each. Our choice."""


def amounts(direction: Direction) -> Float64:
    """(A + 1,) what is added to each control of ADDED, and how much of smiles is taken back.

    All 0 for a neutral face and at strength 0.
    """
    full = FULL[direction.expression]
    added = [full.get(name, 0.0) for name in ADDED]
    return direction.expression_strength * np.array(
        [*added, UNSMILING.get(direction.expression, 0.0)]
    )


def drawn_wane(rng: np.random.Generator) -> Drift:
    """How the expression wanes over time."""
    return draw_drift(WANE_BAND_HZ, rng)


def shown(wane: Drift, times_s: Float64) -> Float64:
    """(T,) 1 - WANES .. 1, how much of the expression there is."""
    waned: Float64 = 1.0 - WANES * (0.5 + 0.5 * np.tanh(wane.at(times_s)))
    return waned


def eased(times_s: Float64, duration_s: float) -> Float64:
    """(T,) 0 at the start and from 0.1 s before the end, as `easing.away_from_ends`, but slower."""
    shrink = min(1.0, duration_s / SHRINK_BELOW_S)
    come = minimum_jerk(times_s / (EASE_IN_S * shrink))
    go = minimum_jerk((duration_s - REST_BEFORE_END_S - times_s) / (EASE_OUT_S * shrink))
    return come * go


def with_expression(
    rows: Float32,
    amount: Float64,
    *,
    head_strength: float,
    mouth_strength: float,
    photo_smile: float,
) -> Float32:
    """(T, C) rows of controls with an expression added; the same rows where there is none.

    rows            (T, C)
    amount          (T, A + 1) as `amounts`, eased
    head_strength   head_move_strength and ...
    mouth_strength  ... mouth_move_strength: what is to be still is still in expressions, too
    photo_smile     0..1 how much the photograph smiles: what it shows is not shown twice
    """
    if not amount.any():
        return rows
    column = {name: rows[:, i].astype(np.float64) for i, name in enumerate(CONTROLS)}
    part = dict(zip((*ADDED, "unsmiling"), amount.T, strict=True))
    mouth = min(1.0, mouth_strength)
    head = min(1.0, head_strength / TABLE_STRENGTH)
    part["head_pitch_deg"] = part["head_pitch_deg"] * head
    part["unsmiling"] = part["unsmiling"] * mouth

    column["smile"] *= 1.0 - part["unsmiling"]
    column["smile_skew"] *= 1.0 - part["unsmiling"]
    # a smile is taken back as speech does it: by lips given over to it, which then say nothing
    before = column["speech"]
    given = np.maximum(before, photo_smile * part["unsmiling"])
    kept = np.divide(before, given, out=np.ones_like(before), where=given > 0.0)
    for name in _OF_SPEECH:
        column[name] *= kept
    column["speech"] = given

    room = 1.0 - photo_smile * (1.0 - (1.0 - LEFT_BY_SPEECH) * given)
    yielding = np.prod([1.0 - share * given * column[n] for n, share in YIELDS.items()], axis=0)
    part["smile"] = part["smile"] * mouth * room * yielding
    lowered = CORNERS_LOWERED * photo_smile * part["unsmiling"]
    part["corner_drop"] = (part["corner_drop"] * mouth + lowered) * yielding
    part["squint"] = part["squint"] * (1.0 - SQUINT_OF_SMILE * photo_smile)
    for name in ADDED:
        most = _MOST.get(name, 1.0)
        column[name] = np.clip(column[name] + part[name], -most, most)
    return np.stack([column[name] for name in CONTROLS], axis=1).astype(np.float32)
