"""Live plans: what is decided about head, eyes, brows and breath while a session runs.

Flow      phrases, emphasis -> animation.live_plans -> animation.live
Reads     when the person speaks and the stressed syllables, as far as they are known
Gives     the same postures, nods, lids, gaze steps and breaths as plans of whole videos

A plan of a whole video draws all its movements at once; here they are drawn one by one, each when
its time has come, from the same ranges. A movement that has begun is played to its end: what
becomes known later changes only what has not begun. Movements that are over are forgotten.
"""

from __future__ import annotations

from collections import deque
from dataclasses import astuple
from typing import Final

import numpy as np

from portravox.animation.attention import GAZE_HOLD, GAZE_RADIUS
from portravox.animation.blink import (
    DOUBLE_SHARE,
    DOUBLE_SPACING_S,
    FIRST_S,
    LEAST_SPACING_S,
    LONGEST_S,
    PULL,
    Blinks,
    BlinkShapes,
    draw_shapes,
    lids_at,
    waits_s,
)
from portravox.animation.breath import FASTEST_HZ, SHALLOWEST, SLOWEST_HZ, Breathing
from portravox.animation.brows import (
    FALL_S,
    HABIT,
    HEIGHT,
    HOLD_S,
    RISE_S,
    SKEW_DEVIATION,
    lift_at,
)
from portravox.animation.gaze import (
    AWAY_HOLD_S,
    AWAY_INTERVAL_S,
    SHIFT_INTERVAL_S,
    UPRIGHT_SHARE,
    look_away,
    small_shift,
    stepped,
)
from portravox.animation.head import (
    NOD_DEPTH,
    NOD_DOWN_SHARE,
    NOD_LEAD_S,
    NOD_S,
    NOD_SHARE,
    NOD_SPACING_S,
    Nods,
)
from portravox.animation.postures import (
    BEAT_DONE,
    BEAT_KEPT,
    BEAT_S,
    BEAT_SHARE,
    LARGEST,
    SETTLE_S,
    Postures,
)
from portravox.animation.styles import Style
from portravox.arrays import Float64

IDLE_POSE_SHARE: Final = 0.45
IDLE_HOLD_S: Final = (1.5, 14.0)
IDLE_HOLD_MEDIAN_S: Final = 4.5
IDLE_HOLD_SIGMA: Final = 0.6
IDLE_MOVE_S: Final = (0.6, 1.3)
IDLE_AFTER_S: Final = (0.8, 1.8)
"""Who listens takes up smaller poses, more slowly and less often, the first one so long after the
last word. Holds are log-normal within bounds: alike, they would be noticed. Our choice."""

MOVING_PACE: Final = 1.4
SPOKEN_PACE: Final = 0.1
HELD_PACE: Final = 0.05
"""Pace of the sway while a pose is taken up or a beat made, between those of a speaker, and between
those of a listener, whose head is nearly still (Hadar 1984). A head that sways all the time is
seen to float; slowed and not taken back, it stands where it is. The numbers are our choice."""

LIFTS_NONE: Final = 0.6
LIFTS_ALL: Final = 1.15
LIFTS_APART_S: Final = (2.0, 5.0)
"""Weight of a stress up to which it lifts no brows, and at which each would; least time from one
lift to the next. Weights are judged by what came before alone and come out larger than those of
whole recordings: by chance, as there, brows would go up 18 times a minute. Our choice."""

LIFTS_AFTER_S: Final = 1.2
"""A stress so soon after the voice began lifts no brows: what stands out is not known before there
is something that it stands out of. Else half of all turns began with raised brows."""

COUNT_PULL: Final = 0.06
"""By what share an interval is shorter for each blink that is missing so far, or longer for each
that is too many: left to chance, ten minutes would have a twelfth more or less than asked."""

MOST_PULLED: Final = 0.5

JUST_ENDED_S: Final = 0.3
"""A phrase that ended, or a turn that began, no longer ago than this still attracts a blink."""

ATTRACTING: Final = 0.75
"""Share of the turns of the head that do: with all of them, it is seen. Our choice."""

LATEST_S: Final = 0.3
"""A movement that would come later than this after its syllable is left out."""


class PoseQueue:
    """Poses taken up one after the other, each reached before the next is set out for."""

    def __init__(self, axes: int) -> None:
        self._axes = axes
        self._moves: deque[tuple[float, float, Float64]] = deque()
        self.free_s = -np.inf
        """When the last of them is reached."""

    def add(self, start_s: float, length_s: float, pose: Float64) -> None:
        """start_s: or later, when the pose before is reached."""
        start_s = max(start_s, self.free_s)
        self._moves.append((start_s, length_s, pose))
        self.free_s = start_s + length_s

    def drop_after(self, now_s: float) -> None:
        """Leave out what has not begun."""
        while self._moves and self._moves[-1][0] > now_s:
            self._moves.pop()
        self.free_s = sum(self._moves[-1][:2]) if self._moves else -np.inf

    def moves(self, now_s: float) -> bool:
        """Whether a pose is being taken up."""
        return any(start_s <= now_s < start_s + length_s for start_s, length_s, _ in self._moves)

    def plan(self, now_s: float) -> Postures:
        """What is needed from now on."""
        # the last pose that is reached, and the one before it, from which `Postures` starts
        while len(self._moves) > 2 and self._moves[2][0] <= now_s:
            self._moves.popleft()
        starts_s, lengths_s, poses = zip(*self._moves, strict=True) if self._moves else ((), (), ())
        return Postures(
            np.array(starts_s), np.array(lengths_s), np.array(poses).reshape(-1, self._axes)
        )


class PhrasePoses:
    """A new pose with each phrase and, in long ones, every so often; smaller ones in idleness."""

    def __init__(
        self,
        axes: int,
        hold_s: tuple[float, float],
        move_s: tuple[float, float],
        rng: np.random.Generator,
        idles: bool,
    ) -> None:
        """idles: whether poses go on in pauses; where they do not, pauses end the last one, and
        the first of a phrase comes later, by as long as one is held"""
        self._hold_s, self._move_s, self._rng, self._idles = hold_s, move_s, rng, idles
        self._axes = axes
        self.queue = PoseQueue(axes)
        self.left_s = -np.inf
        """When a pose was left for another one last, of those that attract blinks."""
        self._due_s = 0.0
        self._speaking = False

    def decide(self, now_s: float, speaking: bool, ending: bool) -> None:
        """Once a frame.

        speaking  the head is in a phrase, or about to be
        ending    its end is near: no other pose is worth while
        """
        if speaking != self._speaking:
            self._speaking = speaking
            wait_s = self._rng.uniform(*(self._hold_s if speaking else IDLE_AFTER_S))
            self._due_s = now_s + (0.0 if speaking and self._idles else wait_s)
            if not (speaking or self._idles):
                self.queue.add(now_s, self._move_s[1], np.zeros(self._axes))
        if now_s < self._due_s or (speaking and ending) or not (speaking or self._idles):
            return
        pose = np.clip(self._rng.standard_normal(self._axes), -LARGEST, LARGEST)
        if self._rng.uniform() < ATTRACTING:
            self.left_s = now_s
        if speaking:
            self.queue.add(now_s, self._rng.uniform(*self._move_s), pose)
            self._due_s = now_s + self._rng.uniform(*self._hold_s)
        else:
            move_s = self._rng.uniform(*IDLE_MOVE_S)
            self.queue.add(now_s, move_s, IDLE_POSE_SHARE * pose)
            hold_s = IDLE_HOLD_MEDIAN_S * self._rng.lognormal(0.0, IDLE_HOLD_SIGMA)
            self._due_s = now_s + move_s + float(np.clip(hold_s, *IDLE_HOLD_S))


class BeatsAndNods:
    """What the head does on stressed syllables."""

    def __init__(self, axes: int, rng: np.random.Generator) -> None:
        self._beat_rng, self._nod_rng = rng.spawn(2)
        self._axes = axes
        self.beats = PoseQueue(axes)
        self._pose = np.zeros(axes)
        self._nods: deque[tuple[float, float, float]] = deque()
        """Lowest moment, length and weight."""

    def on_stress(self, moment_s: float, weight: float, now_s: float) -> None:
        """A stressed syllable; its movements begin now or later."""
        rng = self._beat_rng
        chosen, length_s = rng.uniform() < BEAT_SHARE, rng.uniform(*BEAT_S)
        size = np.clip(rng.standard_normal(self._axes), -LARGEST, LARGEST)
        start_s = max(moment_s - BEAT_DONE * length_s, now_s)
        late = start_s + BEAT_DONE * length_s - moment_s > LATEST_S
        if chosen and not late and start_s >= self.beats.free_s:
            self._pose = BEAT_KEPT * self._pose + weight * size
            self.beats.add(start_s, length_s, self._pose)
        rng = self._nod_rng
        chosen, lead_s, length_s = (
            rng.uniform() < NOD_SHARE,
            rng.uniform(*NOD_LEAD_S),
            rng.uniform(*NOD_S),
        )
        depth = rng.uniform(*NOD_DEPTH) * weight
        lowest_s = max(moment_s - lead_s, now_s + NOD_DOWN_SHARE * length_s)
        apart = not self._nods or lowest_s - self._nods[-1][0] >= NOD_SPACING_S
        if chosen and apart and lowest_s - moment_s <= LATEST_S:
            self._nods.append((lowest_s, length_s, depth))

    def settle(self, now_s: float) -> None:
        """The phrase is over: back to the middle."""
        if np.any(self._pose):
            self._pose = np.zeros(self._axes)
            self.beats.add(now_s, SETTLE_S, self._pose)

    def drop_after(self, now_s: float) -> None:
        """Leave out what has not begun."""
        self.beats.drop_after(now_s)
        while self._nods and self._nods[-1][0] - NOD_DOWN_SHARE * self._nods[-1][1] > now_s:
            self._nods.pop()

    def nods(self, now_s: float) -> Nods:
        """That are seen from now on."""
        while self._nods and sum(self._nods[0][:2]) < now_s:
            self._nods.popleft()
        lowest_s, lengths_s, weights = zip(*self._nods, strict=True) if self._nods else ((),) * 3
        return Nods(np.array(lowest_s), np.array(lengths_s), np.array(weights))


class LiveBlinks:
    """Blinks at a rate that may change, drawn to the ends of phrases and to turns of the head
    (Evinger 1994)."""

    def __init__(self, rate_hz: float, fps: int, rng: np.random.Generator) -> None:
        self._rate_hz, self._fps, self._rng = rate_hz, fps, rng
        self._interval_s = 0.0
        self._ahead = 0.0
        """Blinks that were made or are due, less those that were asked for by then."""
        self._due_s = FIRST_S + self._next_s() * rng.uniform() if rate_hz else np.inf
        self._blinks: deque[tuple[float, Float64]] = deque()
        """Start, and its row of BlinkShapes."""
        self._last_s = -np.inf

    def change(self, rate_hz: float, now_s: float) -> None:
        """From now on; the wait for the next blink becomes longer or shorter in proportion."""
        if rate_hz == self._rate_hz:
            return
        waits = self._rate_hz > 0.0
        share = self._rate_hz / rate_hz if rate_hz else np.inf
        self._rate_hz = rate_hz
        if not rate_hz:
            self._due_s = np.inf
        elif waits:
            self._due_s = now_s + max(0.0, self._due_s - now_s) * share
        else:
            self._due_s = now_s + self._next_s() * self._rng.uniform()

    def at(self, now_s: float, drawn_s: float) -> Blinks:
        """(1,) the lids now. drawn_s: when a phrase ended last, or a turn of the head began"""
        is_drawn = 0.0 <= now_s - drawn_s <= JUST_ENDED_S
        pulled = is_drawn and self._due_s - now_s <= PULL * self._interval_s
        start_s = now_s + 1.0 / self._fps
        if (now_s >= self._due_s or pulled) and start_s >= self._last_s + DOUBLE_SPACING_S:
            shape = np.concatenate(astuple(draw_shapes(1, self._rng)))
            self._blinks.append((start_s, shape))
            self._last_s = start_s
            # from when it was due, so that pulled blinks do not make them more
            double = self._rng.uniform() < DOUBLE_SHARE
            wait_s = DOUBLE_SPACING_S if double else self._next_s()
            self._ahead += 1.0 - self._rate_hz * wait_s
            self._due_s = max(self._due_s, now_s) + wait_s
        while self._blinks and self._blinks[0][0] + LONGEST_S + 1.0 < now_s:
            self._blinks.popleft()
        starts_s = np.array([start_s for start_s, _ in self._blinks])
        shapes = np.array([shape for _, shape in self._blinks]).reshape(-1, 4)
        return lids_at(starts_s, BlinkShapes(*shapes.T), np.array([now_s]), self._fps)

    def _next_s(self) -> float:
        """Wait for the next blink, not a double one."""
        # double ones come on top: the others are so much rarer
        mean_s = (1.0 / self._rate_hz - DOUBLE_SHARE * DOUBLE_SPACING_S) / (1.0 - DOUBLE_SHARE)
        mean_s *= 1.0 + float(np.clip(COUNT_PULL * self._ahead, -MOST_PULLED, MOST_PULLED))
        self._interval_s = LEAST_SPACING_S + float(waits_s(mean_s, 1, self._rng)[0])
        return self._interval_s


class LiveGaze:
    """Small shifts around the camera, and looks away from it."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._shift_rng, self._away_rng = rng.spawn(2)
        self._here = np.zeros(2)
        self._shift_due_s = self._shift_rng.uniform(*SHIFT_INTERVAL_S)
        self._away_due_s = self._away_rng.uniform(*AWAY_INTERVAL_S)
        self._shifts: deque[tuple[float, Float64]] = deque()
        self._aways: deque[tuple[float, Float64]] = deque()
        self.left_s = -np.inf
        """When the eyes left the camera last: lids often fall with that (Evinger 1994)."""

    def at(self, now_s: float, looks_away: bool, attends: bool = False) -> Float64:
        """(1, 2) degrees from the camera. attends: somebody speaks to the person"""
        if now_s >= self._shift_due_s:
            self._here = small_shift(self._here, self._shift_rng)
            radius = GAZE_RADIUS if attends else 1.0
            self._shifts.append((now_s, radius * self._here * (1.0, UPRIGHT_SHARE)))
            hold = GAZE_HOLD if attends else 1.0
            self._shift_due_s = now_s + hold * self._shift_rng.uniform(*SHIFT_INTERVAL_S)
        if now_s >= self._away_due_s:
            self._away_due_s = now_s + self._away_rng.uniform(*AWAY_INTERVAL_S)
            away, hold_s = look_away(self._away_rng), self._away_rng.uniform(*AWAY_HOLD_S)
            if looks_away and not attends:
                self._aways += [(now_s, away), (now_s + hold_s, np.zeros(2))]
                self.left_s = now_s
        return _steps(self._shifts, now_s) + _steps(self._aways, now_s)


def _steps(steps: deque[tuple[float, Float64]], now_s: float) -> Float64:
    """(1, 2) the direction now; steps that do not count any more are forgotten."""
    while len(steps) > 2 and steps[2][0] <= now_s:
        steps.popleft()
    onsets_s = np.array([onset_s for onset_s, _ in steps])
    targets_deg = np.array([target for _, target in steps]).reshape(-1, 2)
    return stepped(onsets_s, targets_deg, np.array([now_s]))


class BrowLifts:
    """Lifts of the brows on stressed syllables."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._habit = rng.uniform(-HABIT, HABIT)
        self._lifts: deque[tuple[float, float, float, float, float, float]] = deque()
        """Peak, rise, hold, fall, height and skew."""
        self._next_s = -np.inf

    def on_stress(
        self, moment_s: float, weight: float, now_s: float, began_s: float, style: Style
    ) -> None:
        """A stressed syllable; the brows begin to rise now or later.

        began_s  when the voice did
        """
        rng = self._rng
        chosen = rng.uniform() < (weight - LIFTS_NONE) / (LIFTS_ALL - LIFTS_NONE)
        chosen = chosen and moment_s >= began_s + LIFTS_AFTER_S
        rise_s, hold_s, fall_s, spacing_s = (
            float(rng.uniform(*span)) for span in (RISE_S, HOLD_S, FALL_S, LIFTS_APART_S)
        )
        skew = float(np.clip(self._habit + SKEW_DEVIATION * rng.standard_normal(), -0.5, 0.5))
        lightest, heaviest = style.brow_raise
        height = (lightest + (heaviest - lightest) * weight) * float(rng.uniform(*HEIGHT))
        peak_s = max(moment_s, now_s + rise_s)
        if chosen and peak_s >= self._next_s and peak_s - moment_s <= LATEST_S:
            self._next_s = peak_s + spacing_s
            self._lifts.append((peak_s, rise_s, hold_s, fall_s, height, skew))

    def drop_after(self, now_s: float) -> None:
        """Leave out what has not begun."""
        while self._lifts and self._lifts[-1][0] - self._lifts[-1][1] > now_s:
            self._lifts.pop()

    def at(self, now_s: float) -> tuple[Float64, Float64]:
        """(1,) each: how far both brows are lifted, and how much the right one more."""
        while self._lifts and sum(self._lifts[0][:1] + self._lifts[0][2:4]) < now_s:
            self._lifts.popleft()
        lifted, skewed = np.zeros(1), np.zeros(1)
        for peak_s, rise_s, hold_s, fall_s, height, skew in self._lifts:
            lift = height * lift_at(np.array([now_s - peak_s]), rise_s, hold_s, fall_s)
            lifted = np.maximum(lifted, lift)
            skewed += skew * lift
        return lifted, skewed


class LiveBreath:
    """Breaths without end."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._starts_s = deque([0.0])
        self._depths: deque[float] = deque()

    def at(self, now_s: float) -> Float64:
        """(1,) the chest risen, 0..1."""
        while self._starts_s[-1] <= now_s:
            self._starts_s.append(
                self._starts_s[-1] + 1.0 / self._rng.uniform(SLOWEST_HZ, FASTEST_HZ)
            )
            self._depths.append(self._rng.uniform(SHALLOWEST, 1.0))
        while self._starts_s[1] <= now_s:
            self._starts_s.popleft()
            self._depths.popleft()
        return Breathing(np.array(self._starts_s), np.array(self._depths)).at(np.array([now_s]))
