"""Trailing: shoulders and loose hair, which come after the head: late, damped and little.

Flow      animation.direct, animation.live -> animation.trailing -> ControlTrack -> rig.deform
Reads     rows of controls, whole but for what trails
Gives     body_x, body_y, hair_x, hair_y

Each of them is a mass that a damped spring draws to where the head would have it. It is solved in
the controls, frame after frame, and not where frames are drawn: those may be drawn in any order,
and by several machines. Nothing is looked ahead, so a live session does the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from portravox.animation.controls import CONTROLS
from portravox.arrays import Float32, Float64
from portravox.ramps import soft_limit

TRAILING: Final = ("body_x", "body_y", "hair_x", "hair_y")

BODY_HZ: Final = 0.9
BODY_DAMPING: Final = 0.85
"""Natural frequency of the trunk and its damping, as a share of the critical one: it follows a head
that keeps its pace by .3 s and hardly swings past where that stops. Our choice."""

HAIR_HZ: Final = 1.3
HAIR_DAMPING: Final = 0.45
"""The same of hair and ear-rings. A pendulum of 0.15 m swings as fast, about as long as hair to the
shoulders hangs free. .11 s late; where the head stops it swings past once, by a fifth. Our
choice."""

SHOULDERS_FOLLOW: Final = 0.25
"""Shoulders do so much of what the head does as a whole. Our choice."""

SWAY_FW_PER_DEG: Final = 0.0008
"""They go to the side to which the head turns or leans, .8 mm in 7 degrees. Our choice."""

HAIR_FW_PER_YAW_DEG: Final = 0.006
"""Hair that hangs beside the face goes to the side with it when the head turns: so much as what is
.35 face widths before the axis."""

ROOTS_FW_PER_ROLL_DEG: Final = 0.006
TIPS_FW_PER_ROLL_DEG: Final = 0.0035
"""When the head leans, roots that are .35 face widths above the pivot go so far, and tips, turned
along like the rest of the picture, so far. They are to hang below the roots."""

HAIR_FW_PER_PITCH_DEG: Final = 0.003
HAIR_BOUNCE: Final = 0.5
"""Up and down, hair moves by nods, and by this share of what it would do: it is long, and hardly
stretches. Our choice."""

HAIR_LIMIT_FW: Final = 0.025
"""It never swings out further, 3.6 mm: what it uncovers is made up. Our choice."""

ROWS_AT_ONCE: Final = 1000
"""Python's own numbers take five times as much memory as an array's: an hour of them 33 MB."""

ARRIVED: Final = 1e-6
"""In face widths: nearer to its goal, and slower a second, a mass is there; so what is asked to be
still is exactly still."""


@dataclass(slots=True)
class Spring:
    """A mass that is drawn to a goal through a damped spring, at a constant frame rate.

    y'' = w² (goal - y) - 2 z w y', solved exactly for a goal that moves evenly from frame to frame.
    So it lags by 2 z / w behind a goal of constant speed.
    """

    frequency_hz: float
    damping: float
    step_s: float
    place: float = 0.0
    speed: float = 0.0
    _goal: float = 0.0

    def follow(self, goal: float) -> float:
        """The next frame's place."""
        w = 2.0 * math.pi * self.frequency_hz
        pace = (goal - self._goal) / self.step_s
        behind = 2.0 * self.damping / w * pace
        # what is left of the swing around the steady motion, which lies `behind` the goal
        away, drift = self.place - self._goal + behind, self.speed - pace
        self._goal = goal
        own = w * math.sqrt(1.0 - self.damping**2)
        fade, decay = math.exp(-self.damping * w * self.step_s), self.damping * w
        sine, cosine = math.sin(own * self.step_s), math.cos(own * self.step_s)
        swing = (drift + decay * away) / own
        self.place = goal - behind + fade * (away * cosine + swing * sine)
        self.speed = pace + fade * (
            (swing * own - decay * away) * cosine - (away * own + decay * swing) * sine
        )
        if abs(self.place - goal) < ARRIVED and abs(self.speed) < ARRIVED and pace == 0.0:
            self.place, self.speed = goal, 0.0
        return self.place


class Trailing:
    """What trails of one person, frame after frame. Begins at rest."""

    def __init__(self, fps: int) -> None:
        self._body = [Spring(BODY_HZ, BODY_DAMPING, 1.0 / fps) for _ in range(2)]
        self._hair = [Spring(HAIR_HZ, HAIR_DAMPING, 1.0 / fps) for _ in range(2)]

    def follow(self, head: tuple[float, float, float, float, float]) -> list[float]:
        """TRAILING of the next frame. head: yaw, pitch and roll, deg, and shifts, face widths"""
        yaw, pitch, roll, right, up = head
        lean = SWAY_FW_PER_DEG * (yaw + roll)
        goals = (SHOULDERS_FOLLOW * right + lean, SHOULDERS_FOLLOW * up)
        body = [spring.follow(goal) for spring, goal in zip(self._body, goals, strict=True)]
        aside = right + HAIR_FW_PER_YAW_DEG * yaw
        rise = up + HAIR_FW_PER_PITCH_DEG * pitch
        hung = self._hair[0].follow(aside + ROOTS_FW_PER_ROLL_DEG * roll)
        hung -= aside + TIPS_FW_PER_ROLL_DEG * roll
        bounced = HAIR_BOUNCE * (self._hair[1].follow(rise) - rise)
        return [*body, hung, bounced]


_HEAD = [
    CONTROLS.index(name)
    for name in ("head_yaw_deg", "head_pitch_deg", "head_roll_deg", "head_shift_x", "head_shift_y")
]
_COLUMNS = [CONTROLS.index(name) for name in TRAILING]


def with_trailing(rows: Float32, trailing: Trailing, shown: Float64 | None = None) -> Float32:
    """(T, C) rows of controls with what trails behind the head in them.

    rows   (T, C) of frames that follow those before, if any
    shown  (T,) how far the person may have left the photograph's pose
    """
    filled = rows.copy()
    for first in range(0, len(rows), ROWS_AT_ONCE):
        part = slice(first, first + ROWS_AT_ONCE)
        head = rows[part, _HEAD].astype(np.float64).tolist()
        found = np.array([trailing.follow(tuple(row)) for row in head])
        found[:, 2:] = soft_limit(found[:, 2:], HAIR_LIMIT_FW)
        if shown is not None:
            found *= shown[part, None]
        filled[part, _COLUMNS] = found + 0.0  # -0 would make "no motion" depend on who compares
    return filled
