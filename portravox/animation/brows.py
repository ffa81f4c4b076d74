"""Brows: set anew with each phrase, following the melody, lifted on stressed syllables.

Flow      phrases, emphasis, postures, blink -> animation.brows -> ControlTrack -> rig
Reads     when the person speaks, the stressed syllables, the melody, the lids, the style
Gives     BrowMotion: brows and the lids that go with them, one value per video frame
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.animation.blink import Blinks
from portravox.animation.easing import away_from_ends, minimum_jerk
from portravox.animation.emphasis import Stresses
from portravox.animation.phrases import joined, presence
from portravox.animation.postures import draw_postures
from portravox.animation.styles import Style
from portravox.arrays import Float64

RAISED_SHARE = 0.5
"""Of the stresses; lifting the brows on each looks like a salesman. Our choice."""

SPACING_S = (1.2, 3.0)
RISE_S = (0.15, 0.3)
HOLD_S = (0.05, 0.4)
FALL_S = (0.35, 0.8)
HEIGHT = (0.4, 1.0)
"""Time from one lift to the next at the least, how long the parts of one take, and how high it goes
of what the stress would give: lifts that are all alike look like a clockwork. Our choice."""

SET_HOLD_S = (1.6, 3.4)
SET_MOVE_S = (0.45, 0.8)
PAUSE_S = 0.4
SET_FADE_S = 0.5
"""The brows keep their setting so long within a phrase, take so long to change it, and let go of it
in pauses. Our choice."""

HABIT = 0.3
SKEW_DEVIATION = 0.15
"""Most people lift one brow higher: the largest share of a lift by which both differ from their
mean, always to the same side, and how that varies from lift to lift. Our choice."""

WIDE_SHARE = 0.42
"""The upper lids rise with a lift of the brows, eye_wide as share of brow_raise."""

SQUINT_SHARE = 0.45
"""The lower lids come up a little where the brows draw together."""

BLINK_DROP = 0.06
"""brow_lower while the eyes are shut."""


@dataclass(frozen=True, slots=True, eq=False)
class BrowMotion:
    """(T,) each, named and ranged as in controls.CONTROLS."""

    raised: Float64
    lowered: Float64
    skew: Float64
    eye_wide: Float64
    squint: Float64


def brow_motion(
    stresses: Stresses,
    spans: Float64,
    melody: Float64,
    blinks: Blinks,
    style: Style,
    duration_s: float,
    times_s: Float64,
    rng: np.random.Generator,
) -> BrowMotion:
    """The brows at each frame; at rest on the first and the last.

    spans    (S, 2) segments of speech
    melody   (T,) -1..1, the voice's pitch at the frames
    times_s  (T,) of the frames
    """
    lift_rng, set_rng, habit_rng = rng.spawn(3)
    lifted, skew = _lifts(stresses, style, times_s, habit_rng.uniform(-HABIT, HABIT), lift_rng)
    phrases = joined(spans, PAUSE_S)
    sets = draw_postures(phrases, 2, SET_HOLD_S, SET_MOVE_S, set_rng).at(times_s)
    sets *= style.brow_set * presence(times_s, phrases, SET_FADE_S, SET_FADE_S)[:, None]
    away = away_from_ends(times_s, duration_s)
    level = (lifted + sets[:, 0] + style.brow_follow * melody) * away
    return brows_at(level, lifted * away, (skew + 0.5 * sets[:, 1]) * away, blinks)


def brows_at(level: Float64, lifted: Float64, skew: Float64, blinks: Blinks) -> BrowMotion:
    """Brows and lids of how high the brows are asked to be.

    level   (T,) in all: brow_raise, or brow_lower where it is negative
    lifted  (T,) the part of it on stresses, which the upper lids go along with
    skew    (T,)
    """
    lowered = np.maximum(0.0, -level) + 0.0  # 0 and not -0 where they are not
    return BrowMotion(
        raised=np.clip(level, 0.0, 1.0),
        lowered=np.minimum(lowered + BLINK_DROP * blinks.both, 1.0),
        skew=skew + 0.0,
        eye_wide=np.clip(WIDE_SHARE * lifted, 0.0, 1.0),
        squint=np.minimum(SQUINT_SHARE * lowered, 1.0),
    )


def _lifts(
    stresses: Stresses, style: Style, times_s: Float64, habit: float, rng: np.random.Generator
) -> tuple[Float64, Float64]:
    """(T,) each: how far both brows are lifted on stresses, and how much the right one more."""
    count = len(stresses.times_s)
    chosen = rng.uniform(size=count) < RAISED_SHARE
    rises_s, holds_s, falls_s, spacings_s = (
        rng.uniform(*span, size=count) for span in (RISE_S, HOLD_S, FALL_S, SPACING_S)
    )
    skews = np.clip(habit + SKEW_DEVIATION * rng.standard_normal(count), -0.5, 0.5)
    lightest, heaviest = style.brow_raise
    heights = lightest + (heaviest - lightest) * stresses.weights
    heights *= rng.uniform(*HEIGHT, size=count)
    lifted, skew = np.zeros_like(times_s), np.zeros_like(times_s)
    next_s = -np.inf
    for i in np.flatnonzero(chosen):
        peak_s = stresses.times_s[i]
        if peak_s < next_s:
            continue
        next_s = peak_s + spacings_s[i]
        first, last = np.searchsorted(
            times_s, (peak_s - rises_s[i], peak_s + holds_s[i] + falls_s[i])
        )
        since_s = times_s[first:last] - peak_s
        lift = heights[i] * lift_at(since_s, rises_s[i], holds_s[i], falls_s[i])
        # one may still be falling when the next one rises
        lifted[first:last] = np.maximum(lifted[first:last], lift)
        skew[first:last] += skews[i] * lift
    return lifted, skew


def lift_at(since_s: Float64, rise_s: float, hold_s: float, fall_s: float) -> Float64:
    """(T,) share of a lift that is up so long after its peak; negative before."""
    up = minimum_jerk(since_s / rise_s + 1.0)
    down = minimum_jerk((since_s - hold_s) / fall_s)
    lift: Float64 = up - down
    return lift
