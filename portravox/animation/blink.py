"""Blinks: when the eyes shut, and how the lids get there and back.

Flow      phrases, eye_move_freq -> animation.blink -> gaze, brows, ControlTrack
Reads     where phrases end; how often to blink
Gives     Blinks: both lids, one value per video frame
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from portravox.arrays import Float64
from portravox.monotone_curve import MonotoneCurve

_LID_TIMES_S = (0.0, 0.04, 0.08, 0.10, 0.16, 0.24, 0.32)
_LID_OPENING = (1.0, 0.45, 0.03, 0.0, 0.40, 0.85, 1.0)
"""A spontaneous blink: down in 80 ms, up in 220 ms, fast and then slow (Stern 1984, Sforza
2008, Kwon 2013). The points are our choice."""

_LID_CURVE = MonotoneCurve(_LID_TIMES_S, _LID_OPENING)

_LOWEST_S = 0.10

BLINK_S = _LID_TIMES_S[-1]
"""Of the usual blink."""

SHUT_FROM_S = 0.076
SHUT_TO_S = 0.118
"""Between these its lids are down by 0.9 of their way and more."""

CLOSING = (0.85, 1.35)
OPENING = (0.75, 1.45)
"""How long lids take to fall and to rise, of the usual: 85 to 135 ms down, 165 to 320 ms up, within
what is measured (100 to 400 ms in all, Stern 1984)."""

LONGEST_S = _LOWEST_S * CLOSING[1] + (BLINK_S - _LOWEST_S) * OPENING[1]

SHALLOW_SHARE = 0.2
SHALLOW = (0.8, 0.92)
"""Blinks in which the lids do not meet, and how far they come. In life half of all blinks are such,
many of them far less deep (Ousler 2014, Sforza 2008); on video half-shut eyes read as sleepy, and
those of the people in our recordings meet. Our choice."""

LARGEST_LAG_S = 0.008
"""One eye follows the other by up to this: more would look like a wink. Our choice."""

FIRST_S = 0.2
"""The eyes stay open this long at the start of a video: its first frame is its poster."""

LAST_S = LONGEST_S + 0.15
"""The last blink starts this long before the end, so that the last frame is open whatever
the frame rate (the frame count is rounded, and a blink may be moved by half a frame)."""

LEAST_SPACING_S = BLINK_S + 0.2
DOUBLE_SPACING_S = BLINK_S + 0.08
DOUBLE_SHARE = 0.05
LEAST_WAIT_S = 0.1
"""Between two blinks; between the two of a double blink; how many gaps are of that kind; the least
mean of what the others have beyond the first of these."""

VARIATION = 0.7
LARGEST_VARIATION = 1.0
"""Deviation / mean of the intervals, and the most of what is left of them beyond the least spacing,
which is log-normal (Bentivoglio 1997). People's are skewed: many are short, few are long (Cruz et
al., IOVS 52, 2011). The numbers are our choice; with less, eyes blink like a clock."""

PULL = 0.4
"""A blink moves by up to this share of its interval to meet the end of a phrase: speakers
blink there (Nakano & Kitazawa 2010). The number is our choice."""


@dataclass(frozen=True, slots=True, eq=False)
class BlinkShapes:
    """(B,) each: how blinks differ from each other."""

    lags_s: Float64
    """By which the left eye is later; negative if the right one is."""

    closing: Float64
    opening: Float64
    """Length of the way down and of the way up, of the usual one."""

    depths: Float64
    """How far the lids come down: 1 is shut."""


@dataclass(frozen=True, slots=True, eq=False)
class Blinks:
    """(T,) each: 0 open, 1 shut; left and right of the picture."""

    left: Float64
    right: Float64

    @property
    def both(self) -> Float64:
        """(T,) their mean."""
        return 0.5 * (self.left + self.right)


def blinks(
    rate_hz: float,
    phrase_ends_s: Float64,
    duration_s: float,
    times_s: Float64,
    fps: int,
    rng: np.random.Generator,
) -> Blinks:
    """Both lids at each frame. Each blink has a frame on which both eyes are shut.

    rate_hz        0..1 blinks per second; 0 gives zeros
    phrase_ends_s  (P,) moments that attract blinks
    times_s        (T,) of the frames
    """
    starts_s = blink_starts(rate_hz, phrase_ends_s, duration_s, rng)
    return lids_at(starts_s, draw_shapes(len(starts_s), rng), times_s, fps)


def draw_shapes(count: int, rng: np.random.Generator) -> BlinkShapes:
    """So many blinks, no two of which are alike."""
    lags_s = rng.uniform(-LARGEST_LAG_S, LARGEST_LAG_S, count)
    closing, opening = rng.uniform(*CLOSING, count), rng.uniform(*OPENING, count)
    shallow = rng.uniform(size=count) < SHALLOW_SHARE
    depths = np.where(shallow, rng.uniform(*SHALLOW, count), 1.0)
    return BlinkShapes(lags_s, closing, opening, depths)


def lids_at(starts_s: Float64, shapes: BlinkShapes, times_s: Float64, fps: int) -> Blinks:
    """Both lids of some blinks at each frame, each shown on one as far down as they come.

    starts_s  (B,)
    """
    starts_s = _shown_shut(starts_s, shapes, fps)
    left = _lids(times_s, starts_s + np.maximum(shapes.lags_s, 0.0), shapes)
    right = _lids(times_s, starts_s + np.maximum(-shapes.lags_s, 0.0), shapes)
    return Blinks(left, right)


def blink_starts(
    rate_hz: float, phrase_ends_s: Float64, duration_s: float, rng: np.random.Generator
) -> Float64:
    """Moments at which the lids begin to fall, (B,) seconds in order.

    As many as rate_hz * duration_s says, to the nearest, unless the video is too short for
    them. Intervals are drawn and then stretched together to fill the video: left to chance, a
    minute could have a third too many.
    """
    room_s = duration_s - LAST_S - FIRST_S
    if room_s < 0.0:
        return np.zeros(0)
    fitting = math.floor(room_s / LEAST_SPACING_S) + 1
    count = min(fitting, math.floor(rate_hz * duration_s + 0.5))
    if count == 0:
        return np.zeros(0)

    elastic_s = waits_s(duration_s / count, count + 1, rng)
    elastic_s[[0, -1]] *= rng.uniform(size=2)  # the video opens and ends amid an interval

    double = rng.uniform(size=count - 1) < DOUBLE_SHARE
    least_s = np.where(double, DOUBLE_SPACING_S, LEAST_SPACING_S)
    elastic_s[1:-1][double] = 0.0
    elastic_s *= (room_s - least_s.sum()) / elastic_s.sum()
    gaps_s = elastic_s[:-1] + np.concatenate(([0.0], least_s))
    return _pulled(FIRST_S + np.cumsum(gaps_s), least_s, phrase_ends_s, FIRST_S + room_s)


def waits_s(mean_s: float, count: int, rng: np.random.Generator) -> Float64:
    """(count,) what the intervals between blinks have beyond LEAST_SPACING_S.

    mean_s  of the intervals
    """
    mean_wait_s = max(mean_s - LEAST_SPACING_S, LEAST_WAIT_S)
    variation = min(VARIATION * mean_s / mean_wait_s, LARGEST_VARIATION)
    sigma = math.sqrt(math.log(1.0 + variation**2))
    drawn_s: Float64 = mean_wait_s * rng.lognormal(-(sigma**2) / 2.0, sigma, count)
    return drawn_s


def _pulled(starts_s: Float64, least_s: Float64, towards_s: Float64, latest_s: float) -> Float64:
    """Move blinks towards the nearest of the given moments, keeping order and least spacings."""
    if len(towards_s) == 0:
        return starts_s
    pulled_s = starts_s.copy()
    lows_s = np.concatenate(([-np.inf], least_s))
    for i, start_s in enumerate(starts_s):
        low_s = pulled_s[i - 1] + lows_s[i] if i else FIRST_S
        high_s = starts_s[i + 1] - least_s[i] if i + 1 < len(starts_s) else latest_s
        interval_s = start_s - (starts_s[i - 1] if i else 0.0)
        way_s = towards_s[np.argmin(np.abs(towards_s - start_s))] - start_s
        moved_s = start_s + np.clip(way_s, -PULL * interval_s, PULL * interval_s)
        pulled_s[i] = np.clip(moved_s, low_s, max(low_s, high_s))
    return pulled_s


def _shown_shut(starts_s: Float64, shapes: BlinkShapes, fps: int) -> Float64:
    """Move each blink by as little as it takes for a frame to fall where both eyes are shut.

    At 15 fps the frames are further apart than a blink stays shut, and a blink without a shut
    frame reads as a flicker. The largest move is less than half a frame.
    """
    lags_s = np.abs(shapes.lags_s)
    from_s = starts_s + lags_s + SHUT_FROM_S * shapes.closing
    to_s = starts_s + _LOWEST_S * shapes.closing + (SHUT_TO_S - _LOWEST_S) * shapes.opening
    frame_s = np.round(0.5 * (from_s + to_s) * fps) / fps
    shifted: Float64 = (
        starts_s + np.minimum(frame_s - from_s, 0.0) + np.maximum(frame_s - to_s, 0.0)
    )
    return shifted


def _lids(times_s: Float64, starts_s: Float64, shapes: BlinkShapes) -> Float64:
    """(T,) how far one eye's lid is down, given when its blinks start, (B,)."""
    down = np.zeros_like(times_s)
    each = zip(starts_s, shapes.closing, shapes.opening, shapes.depths, strict=True)
    for start_s, closing, opening, depth in each:
        first, last = np.searchsorted(times_s, (start_s, start_s + LONGEST_S))
        since_s = times_s[first:last] - start_s
        falling_s = np.minimum(since_s / closing, _LOWEST_S)
        rising_s = np.maximum(since_s - _LOWEST_S * closing, 0.0) / opening
        lid = depth * (1.0 - lid_opening(falling_s + rising_s))
        down[first:last] = np.maximum(down[first:last], lid)
    return down


def lid_opening(since_s: Float64) -> Float64:
    """How far the eye is open so long after the usual blink began: 1 open, 0 shut.

    Monotone on the way down and on the way up.

    since_s  (...)  seconds
    returns  (...)
    """
    opening: Float64 = np.clip(_LID_CURVE(np.clip(since_s, 0.0, BLINK_S)), 0.0, 1.0)
    return opening
