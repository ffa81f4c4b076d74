"""Phrases: when the person speaks, and when they are silent.

Flow      articulation.curves -> animation.phrases -> animation.lips, blink, head, smile
Reads     the channel `activity`
Gives     spans (S, 2): start and end of each segment of speech, seconds, in order
"""

from __future__ import annotations

import numpy as np

from portravox.animation.easing import minimum_jerk
from portravox.arrays import AnyFloat, Bool, Float64
from portravox.articulation.curves import CURVE_RATE_HZ
from portravox.segments import segments

SPEECH_ON = 0.5
SPEECH_OFF = 0.35
"""Speech begins above the one and ends below the other, so that a curve that hovers at one
level doesn't make the mouth flutter. Our choice."""


def spans_of(mask: Bool) -> Float64:
    """Where a mask over curve rows is true: (S, 2) seconds, start and end of each segment."""
    rows = [(segment.start, segment.stop) for segment in segments(mask)]
    return np.array(rows, dtype=np.float64).reshape(-1, 2) / CURVE_RATE_HZ


def speech_spans(activity: AnyFloat) -> Float64:
    """Segments of speech, with hysteresis.

    activity  (T,)  0..1, in curve rows
    returns   (S, 2)
    """
    rows = [
        (segment.start + int(np.argmax(activity[segment] >= SPEECH_ON)), segment.stop)
        for segment in segments(activity >= SPEECH_OFF)
        if activity[segment].max() >= SPEECH_ON
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, 2) / CURVE_RATE_HZ


def joined(spans: Float64, pause_s: float) -> Float64:
    """The spans with all pauses shorter than pause_s left out."""
    if len(spans) == 0:
        return spans
    apart = spans[1:, 0] - spans[:-1, 1] >= pause_s
    starts = spans[np.concatenate(([True], apart)), 0]
    ends = spans[np.concatenate((apart, [True])), 1]
    return np.stack([starts, ends], axis=1)


def presence(times_s: Float64, spans: Float64, rise_s: float, fall_s: float) -> Float64:
    """How much each moment belongs to speech: 1 inside the spans, eased to 0 around them.

    times_s  (T,)
    spans    (S, 2)
    rise_s   time from 0 to 1, ending where a span starts
    fall_s   time from 1 to 0, starting where a span ends
    returns  (T,)
    """
    level = np.zeros_like(times_s)
    for start_s, end_s in spans:
        # Only the rows near the span: a long recording has hundreds of spans.
        first, last = np.searchsorted(times_s, (start_s - rise_s, end_s + fall_s))
        near_s = times_s[first:last]
        rise = minimum_jerk((near_s - start_s) / rise_s + 1.0)
        fall = minimum_jerk((end_s - near_s) / fall_s + 1.0)
        level[first:last] = np.maximum(level[first:last], np.minimum(rise, fall))
    return level
