"""Breath: the chest that rises and falls, so that a silent head doesn't look like a stalled video.

Flow      head_move_strength -> animation.breath -> animation.head, ControlTrack
Gives     how far the chest is risen at any moment
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.animation.easing import minimum_jerk
from portravox.arrays import Float64

SLOWEST_HZ = 0.2
FASTEST_HZ = 0.3
"""12 to 18 breaths a minute, those of an adult at rest."""

INHALING_SHARE = 0.4
"""Of a breath's length: in is faster than out."""

SHALLOWEST = 0.7
"""Depth of the shallowest breath; the deepest is 1. Our choice."""


@dataclass(frozen=True, slots=True, eq=False)
class Breathing:
    """The breaths of one video."""

    starts_s: Float64
    """(B + 1,) when each breath begins; the last row ends the last breath."""

    depths: Float64
    """(B,) 0..1"""

    def at(self, times_s: Float64) -> Float64:
        """(T,) seconds -> (T,) chest risen, 0..1; 0 where a breath begins."""
        breath = np.searchsorted(self.starts_s, times_s, side="right") - 1
        breath = np.clip(breath, 0, len(self.depths) - 1)
        lengths_s = np.diff(self.starts_s)
        phase = (times_s - self.starts_s[breath]) / lengths_s[breath]
        inhaled = minimum_jerk(phase / INHALING_SHARE)
        exhaled = minimum_jerk((phase - INHALING_SHARE) / (1.0 - INHALING_SHARE))
        risen: Float64 = self.depths[breath] * (inhaled - exhaled)
        return risen


def draw_breathing(duration_s: float, rng: np.random.Generator) -> Breathing:
    """Breaths of uneven length and depth that cover the video."""
    count = int(duration_s * FASTEST_HZ) + 1
    lengths_s = 1.0 / rng.uniform(SLOWEST_HZ, FASTEST_HZ, count)
    starts_s = np.concatenate(([0.0], np.cumsum(lengths_s)))
    return Breathing(starts_s, rng.uniform(SHALLOWEST, 1.0, count))
