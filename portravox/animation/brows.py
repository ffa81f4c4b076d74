"""Brows: lifted on stressed syllables, lowered a little by blinks.

Flow      emphasis, blink -> animation.brows -> ControlTrack -> rig
Reads     the stressed syllables, the lids, the style
Gives     BrowMotion: one value per video frame
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.animation.blink import Blinks
from portravox.animation.easing import away_from_ends, minimum_jerk
from portravox.animation.emphasis import Stresses
from portravox.animation.styles import Style
from portravox.arrays import Float64

RAISED_SHARE = 0.5
"""Of the stresses; lifting the brows on each looks like a salesman. Our choice."""

SPACING_S = 1.2
RISE_S = (0.15, 0.3)
HOLD_S = (0.1, 0.25)
FALL_S = (0.35, 0.6)
"""Least time between two lifts, and how long the parts of one take. Our choice."""

BLINK_DROP = 0.06
"""brow_lower while the eyes are shut."""


@dataclass(frozen=True, slots=True, eq=False)
class BrowMotion:
    """(T,) each, ranged as in controls.CONTROLS."""

    raised: Float64
    lowered: Float64


def brow_motion(
    stresses: Stresses,
    blinks: Blinks,
    style: Style,
    duration_s: float,
    times_s: Float64,
    rng: np.random.Generator,
) -> BrowMotion:
    """The brows at each frame; at rest on the first and the last.

    times_s  (T,) of the frames
    """
    count = len(stresses.times_s)
    chosen = rng.uniform(size=count) < RAISED_SHARE
    rises_s, holds_s, falls_s = (
        rng.uniform(*span, size=count) for span in (RISE_S, HOLD_S, FALL_S)
    )
    lightest, heaviest = style.brow_raise
    lifts = lightest + (heaviest - lightest) * stresses.weights
    raised = np.zeros_like(times_s)
    last_s = -np.inf
    for i in np.flatnonzero(chosen):
        peak_s = stresses.times_s[i]
        if peak_s - last_s < SPACING_S:
            continue
        last_s = peak_s
        up = minimum_jerk((times_s - peak_s) / rises_s[i] + 1.0)
        down = minimum_jerk((times_s - peak_s - holds_s[i]) / falls_s[i])
        raised = np.maximum(raised, lifts[i] * (up - down))
    return BrowMotion(
        raised=raised * away_from_ends(times_s, duration_s),
        lowered=BLINK_DROP * blinks.both,
    )
