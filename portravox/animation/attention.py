"""Attention: a listener nods, lifts the brows, blinks less and keeps the eyes on who speaks.

Flow      whoever knows that somebody speaks to the person -> animation.attention -> animation.live
Reads     when the other side speaks and is silent, when the person does
Gives     nods, as those of a speaker, and lifts of the brows

What is said to the person is not heard here, only that something is. So nods come at uneven
intervals while it is said, and where it ends, as listeners' do: they answer the ends of clauses
(Dittmann & Llewellyn, J. Pers. Soc. Psychol. 9, 1968).
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from portravox.animation.brows import lift_at
from portravox.animation.head import NOD_DOWN_SHARE, Nods
from portravox.arrays import Float64

APART_MEDIAN_S: Final = 5.0
APART_SIGMA: Final = 0.5
APART_S: Final = (2.5, 16.0)
"""From one nod to the next while the other side speaks: log-normal within bounds, some ten a
minute. How many there are differs more between listeners than between matters (Blomsma et al.,
Language and Cognition 16, 2024). Our choice."""

FIRST_S: Final = (1.2, 5.0)
"""The first one comes so long after somebody began to speak. Our choice."""

ANSWERED: Final = 0.6
ANSWER_S: Final = (0.1, 0.45)
"""Share of the ends, and of the pauses that are told, that are nodded to, and how soon. Our
choice."""

CYCLES: Final = (0.5, 0.32, 0.13, 0.05)
"""Shares of nods that go down once, twice, ... Our choice; most of people's are one or two."""

SINGLE_S: Final = (0.5, 0.8)
CYCLE_S: Final = (0.30, 0.42)
"""Length of a nod that goes down once, and of each time in one that does more than once: 2.4 to
3.3 Hz, the slower end of listeners' fast nods (2.6 to 6.5 Hz: Hale et al., J. Nonverbal Behav. 44,
2020), the faster one of which is too quick for 15 frames a second."""

DEPTH: Final = (0.45, 0.95)
"""Of the first time, as share of the deepest nod of a speaker of the style, the more the more times
it goes down."""

RISING: Final = 0.12
DECLINING: Final = 0.75
FINAL: Final = 0.7
"""Each further time adds to the first one (anticipatory rising), goes so far of the one before
(declination), and the last one less than that (final lowering): Mori, Den & Jokinen, PLOS ONE
20(5), 2025. The numbers are our choice."""

WITH_BROWS: Final = 0.25
AT_FIRST: Final = 0.5
LIFT: Final = (0.08, 0.22)
RISE_S: Final = (0.2, 0.35)
HOLD_S: Final = (0.2, 0.8)
FALL_S: Final = (0.5, 0.9)
"""Share of the nods, and of the beginnings, with which the brows go up, how far, and how long that
takes: less than a speaker's, and longer. Our choice."""

BLINKS: Final = 17.0 / 26.0
"""Of the blinks that are asked for, while the other side speaks: rest against conversation
(Bentivoglio 1997); it is speaking that makes them more (Brych 2021)."""

GAZE_HOLD: Final = 1.7
GAZE_RADIUS: Final = 0.6
"""Shifts of gaze come so much more rarely and lead so far: listeners look at their partner in .75
of the time, speakers in .40 (Argyle). The numbers are our choice."""


class Attention:
    """What a listener does. Not for two threads at once."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._attends = False
        self._due_s = np.inf
        """When the next nod is."""
        self._nods: deque[tuple[float, float, float]] = deque()
        """Lowest moment, length and weight of each time down, as in head.Nods."""
        self._lifts: deque[tuple[float, float, float, float, float]] = deque()
        """Peak, rise, hold, fall and height."""

    @property
    def attends(self) -> bool:
        """Whether somebody speaks to the person."""
        return self._attends

    def change(self, attends: bool, now_s: float) -> None:
        """Somebody begins to speak to the person, or falls silent."""
        if attends == self._attends:
            return
        self._attends = attends
        if attends:
            self._due_s = now_s + self._rng.uniform(*FIRST_S)
            if self._rng.uniform() < AT_FIRST:
                self._lift(now_s)
        else:
            answers = self._rng.uniform() < ANSWERED
            self._due_s = now_s + self._rng.uniform(*ANSWER_S) if answers else np.inf

    def decide(self, now_s: float, speaking: bool) -> None:
        """Once a frame. speaking: the person does, or is about to, and nods to nobody"""
        if now_s < self._due_s:
            return
        wait_s = APART_MEDIAN_S * self._rng.lognormal(0.0, APART_SIGMA)
        self._due_s = now_s + float(np.clip(wait_s, *APART_S)) if self._attends else np.inf
        if not speaking and (not self._nods or sum(self._nods[-1][:2]) < now_s):
            self._nod(now_s)
            if self._rng.uniform() < WITH_BROWS:
                self._lift(now_s)

    def nods(self, now_s: float) -> Nods:
        """That are seen from now on."""
        while self._nods and sum(self._nods[0][:2]) < now_s:
            self._nods.popleft()
        lowest_s, lengths_s, weights = zip(*self._nods, strict=True) if self._nods else ((),) * 3
        return Nods(np.array(lowest_s), np.array(lengths_s), np.array(weights))

    def lifted(self, now_s: float) -> Float64:
        """(1,) how far the brows are lifted."""
        while self._lifts and sum(self._lifts[0][:1] + self._lifts[0][2:4]) < now_s:
            self._lifts.popleft()
        lifted = np.zeros(1)
        for peak_s, rise_s, hold_s, fall_s, height in self._lifts:
            lift = height * lift_at(np.array([now_s - peak_s]), rise_s, hold_s, fall_s)
            lifted = np.maximum(lifted, lift)
        return lifted

    def _nod(self, now_s: float) -> None:
        """Down and up from now on, once or more often."""
        rng = self._rng
        times = 1 + int(rng.choice(len(CYCLES), p=CYCLES))
        length_s = rng.uniform(*(SINGLE_S if times == 1 else CYCLE_S))
        depth = rng.uniform(*DEPTH) * (1.0 + RISING * (times - 1))
        for time in range(times):
            last = time == times - 1 and times > 1
            lowest_s = now_s + (time + NOD_DOWN_SHARE) * length_s
            self._nods.append((lowest_s, length_s, depth * (FINAL if last else 1.0)))
            depth *= DECLINING

    def _lift(self, now_s: float) -> None:
        rise_s, hold_s, fall_s, height = (
            float(self._rng.uniform(*span)) for span in (RISE_S, HOLD_S, FALL_S, LIFT)
        )
        self._lifts.append((now_s + rise_s, rise_s, hold_s, fall_s, height))
