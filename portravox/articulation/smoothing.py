"""Smoothing: limit curves to the speed of lips and jaw, without delay.

Flow      articulation.acoustic_model, articulation.lip_closures -> articulation.smoothing
          -> animation
Reads     curves of the acoustic output, lip closures, segments of speech
Gives     curves without jitter or jumps, and lips that do meet

Everything here looks as far ahead as it looks back, so no curve lags behind the sound.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from portravox.arrays import Bool, Float32, Float64
from portravox.filters import weighted_mean
from portravox.ramps import slope_limited
from portravox.segments import segments

OPENING_ROWS = 8.0
"""From contact to fully open takes 80 ms or more (reference: motion facts, section 4.1)."""

CLOSING_ROWS = 6.0
"""From fully open to contact takes 60 ms or more."""

CONTACT_IN_ROWS, CONTACT_OUT_ROWS = 4, 3
"""Slopes of the trapezoid: the lips on their way, before and after contact."""

PAUSE_ROWS = 30
"""The mouth goes to rest in pauses longer than 0.3 s."""

READY_ROWS = 8
"""The mouth opens this long before the first sound after a pause: 60-100 ms."""

READY_APERTURE = 0.15
"""And this far; lips part before speech to draw breath. Our choice."""

REST_ROWS = 16
"""After the last sound the mouth comes to rest in 160 ms."""

FADING_ROWS = 3
"""The last rows of a sound are its echo in the analysis window, not the mouth."""


def smoothed(curve: Float32, width_rows: int) -> Float32:
    """The curve under a bell of this width (at its foot); the mean is kept, nothing is delayed.

    curve    (T,)
    width_rows  odd
    """
    bell = np.hanning(width_rows + 2)[1:-1]
    return weighted_mean(curve, bell / bell.sum()).astype(np.float32)


def closure_curve(closures: Iterable[tuple[int, int]], rows: int) -> Float32:
    """(T,) trapezoids: 1 from the first row of each closure to its release, slopes outside."""
    row = np.arange(rows, dtype=np.float32)
    curve = np.zeros(rows, dtype=np.float32)
    for first, release in closures:
        near = slice(max(0, first - CONTACT_IN_ROWS), min(rows, release + CONTACT_OUT_ROWS))
        before = (first - row[near]) / CONTACT_IN_ROWS
        after = (row[near] - (release - 1)) / CONTACT_OUT_ROWS
        trapezoid = np.clip(1.0 - np.maximum(before, after), 0.0, 1.0)
        curve[near] = np.maximum(curve[near], trapezoid)
    return curve


def followed(curve: Float32) -> Float32:
    """The highest curve below the given one that opens and closes no faster than lips do."""
    row: Float64 = np.arange(len(curve), dtype=np.float64)
    return slope_limited(curve, row, OPENING_ROWS, CLOSING_ROWS).astype(np.float32)


def with_rest(aperture: Float32, sounding: Bool) -> Float32:
    """Parted lips just before speech, an unhurried return to rest after it.

    aperture  (T,)
    sounding  (T,) there is sound of a voice
    """
    shaped = aperture.copy()
    rows = len(aperture)
    sounds = segments(sounding)
    always = PAUSE_ROWS + 1
    for index, sound in enumerate(sounds):
        stop_before = sounds[index - 1].stop if index else -always
        start_after = sounds[index + 1].start if index + 1 < len(sounds) else rows + always
        if sound.start - stop_before > PAUSE_ROWS:
            ready = slice(max(0, sound.start - READY_ROWS), sound.start)
            rise = 0.5 - 0.5 * np.cos(np.pi * np.arange(1, READY_ROWS + 1) / READY_ROWS)
            rise = rise[READY_ROWS - (ready.stop - ready.start) :]
            shaped[ready] = np.maximum(shaped[ready], READY_APERTURE * rise)
        if start_after - sound.stop > PAUSE_ROWS:
            leaving = slice(max(sound.start, sound.stop - FADING_ROWS), None)
            fall = 0.5 + 0.5 * np.cos(np.pi * np.arange(REST_ROWS) / REST_ROWS)
            fall = fall[: rows - leaving.start]
            leaving = slice(leaving.start, leaving.start + len(fall))
            shaped[leaving] = np.maximum(shaped[leaving], shaped[leaving.start] * fall)
    return shaped
