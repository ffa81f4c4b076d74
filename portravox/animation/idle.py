"""Idle: what a face does while its owner says nothing: lips that press, a corner that tightens, a
swallow, brows and lids that shift a little.

Flow      animation.idle -> animation.direct, animation.live -> ControlTrack -> rig
Reads     when the person is silent
Gives     small amounts of some controls, which are added to those of the other parts

A face that blinks and breathes and is still otherwise looks like a photograph with eyes. Each of
these movements is one or two of the field's action units at the least intensity that is scored (A
to B of FACS: a trace, slight), takes one to three seconds, and has no meaning. Nothing parts the
lips, and a face that speaks has none of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

import numpy as np

from portravox.animation.controls import CONTROLS
from portravox.animation.easing import minimum_jerk
from portravox.arrays import Float32, Float64

UPPER: Final = ("brow_raise", "brow_lower", "brow_skew", "squint")
MOUTH: Final = ("smile", "smile_skew", "corner_drop", "lip_tight")
PARTS: Final = (*MOUTH, *UPPER)
"""Controls that move."""

IS_MOUTH: Final = np.array([name in MOUTH for name in PARTS])
"""(P,) which of them are the mouth's."""

Amounts = Mapping[str, tuple[float, float]]

KINDS: Final[tuple[tuple[float, Amounts], ...]] = (
    (0.22, {"lip_tight": (0.25, 0.6)}),
    (0.18, {"smile": (0.05, 0.11), "smile_skew": (0.06, 0.12), "squint": (0.0, 0.06)}),
    (0.10, {"corner_drop": (0.05, 0.14), "lip_tight": (0.0, 0.3)}),
    (0.22, {"brow_raise": (0.05, 0.16), "brow_skew": (0.0, 0.06)}),
    (0.13, {"brow_lower": (0.05, 0.13), "squint": (0.04, 0.12)}),
    (0.15, {"squint": (0.08, 0.2)}),
)
"""Share of each kind, and how much of its controls it brings: pressed lips (24), one corner (12,
14), lowered ones (15), brows up (1 + 2), together (4), narrowed lids (7). The numbers are our
choice."""

APART_MEDIAN_S: Final = 4.0
APART_SIGMA: Final = 0.6
APART_S: Final = (1.2, 15.0)
RISE_S: Final = (0.25, 0.6)
HOLD_S: Final = (0.1, 1.4)
FALL_S: Final = (0.4, 1.0)
"""From one to the next, log-normal within bounds, and how long the parts of one take. Our
choice."""

SWALLOWS_HZ: Final = 0.98 / 60.0
SWALLOW: Final[Amounts] = {"lip_tight": (0.4, 0.7), "corner_drop": (0.03, 0.1)}
SWALLOW_S: Final = (0.3, 0.35, 0.45)
"""Rate of swallows of healthy people who are awake (Bulmer et al., Gerontol. Geriatr. Med. 7,
2021), what is seen of one, and how long it takes to press the lips, to swallow, to let go."""

QUIET_S: Final = 0.8
FADE_S: Final = 0.35
"""The face is its own again so long after the last word, and given back to speech within this time
before the next. Our choice."""

SMILE_HELD_S: Final = 4.0
RELAX_S: Final = 2.5
RELAXED: Final = 0.45
"""A smile is held for so long after the last word, and then within so much time gives way by such a
share: felt smiles last for 4 s at the most (Ekman & Friesen, J. Nonverbal Behav. 6, 1982), and
somebody who beams for minutes looks like a photograph.
How far is our choice, by eye: the teeth of a broad smile stay in sight."""


class Idle:
    """The movements of one face, one after the other, without end."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng, self._swallow_rng = rng.spawn(2)
        self._due_s = self._rng.uniform(*APART_S) / 2
        self._swallow_s = self._swallow_rng.exponential(1.0 / SWALLOWS_HZ)
        self._begun: deque[tuple[float, float, float, float, Float64]] = deque()
        """Start, rise, hold, fall and amounts of PARTS."""

    def at(self, times_s: Float64) -> Float64:
        """(T,) moments, none before those of the last call -> (T, P) of PARTS."""
        self._draw_until(float(times_s[-1]))
        shown = np.zeros((len(times_s), len(PARTS)))
        for start_s, rise_s, hold_s, fall_s, amounts in self._begun:
            since_s = times_s - start_s
            up = minimum_jerk(since_s / rise_s)
            share = up - minimum_jerk((since_s - rise_s - hold_s) / fall_s)
            shown += share[:, None] * amounts
        while self._begun and sum(self._begun[0][:4]) < times_s[-1]:
            self._begun.popleft()
        return shown

    def _draw_until(self, last_s: float) -> None:
        rng = self._rng
        while self._due_s <= last_s:
            kind = int(rng.choice(len(KINDS), p=[share for share, _ in KINDS]))
            rise_s, hold_s, fall_s = (rng.uniform(*span) for span in (RISE_S, HOLD_S, FALL_S))
            amounts = _drawn(KINDS[kind][1], rng)
            self._begun.append((self._due_s, rise_s, hold_s, fall_s, amounts))
            wait_s = APART_MEDIAN_S * rng.lognormal(0.0, APART_SIGMA)
            self._due_s += float(np.clip(wait_s, *APART_S))
        while self._swallow_s <= last_s:
            amounts = _drawn(SWALLOW, self._swallow_rng)
            self._begun.append((self._swallow_s, *SWALLOW_S, amounts))
            self._swallow_s += 2.0 + self._swallow_rng.exponential(1.0 / SWALLOWS_HZ - 2.0)


def with_idle(rows: Float32, amounts: Float64) -> Float32:
    """(T, C) rows of controls with (T, P) amounts of PARTS added."""
    added = rows.copy()
    for name, amount in zip(PARTS, amounts.T, strict=True):
        column = CONTROLS.index(name)
        low = -1.0 if name.startswith("smile") or "skew" in name else 0.0
        added[:, column] = np.clip(rows[:, column] + amount, low, 1.0)
    return added


def _drawn(amounts: Amounts, rng: np.random.Generator) -> Float64:
    """(P,) of PARTS; what leans to a side leans to either."""
    side = rng.choice((-1.0, 1.0))
    drawn = np.zeros(len(PARTS))
    for name, span in amounts.items():
        drawn[PARTS.index(name)] = rng.uniform(*span) * (side if "skew" in name else 1.0)
    return drawn
