"""Pitch: how high the voice is, and how surely there is one, each 10 ms.

Flow      speech.resample -> speech.pitch -> speech.noise, speech.activity, articulation
Reads     mono samples at 16 kHz
Gives     fundamental frequency and voicing

The autocorrelation of a frame, divided by that of its window (Boersma, Proc. Inst. Phonetic
Sciences Amsterdam 17, 1993), has a peak at the period and at its multiples. Which of the peaks is
the period is decided for the whole recording at once: the path through the candidates that
gains most voicing and leaps least (`best_path`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from portravox.arrays import Float32, Float64, Int32
from portravox.best_path import best_path
from portravox.filters import without_short_segments
from portravox.speech.resample import SPEECH_RATE_HZ, framed, pieces_of, spans

LOW_HZ, HIGH_HZ = 60.0, 800.0
"""From a low man's voice to a woman singing high."""

WINDOW_SAMPLES = SPEECH_RATE_HZ * 40 // 1000  # 640: more than two periods of the lowest voice
FFT_SAMPLES = 1024
SHORTEST_LAG = int(SPEECH_RATE_HZ / HIGH_HZ)
LONGEST_LAG = int(SPEECH_RATE_HZ / LOW_HZ) + 1
CANDIDATES = 5
SPAN_ROWS = 1024

VOICED_FROM = 0.5
"""Voicing at or above this counts as voiced. Boersma uses 0.45; ours is against noise."""

OCTAVE_COST = 0.06
"""Gain taken off per octave below HIGH_HZ, so that the period wins over its multiples."""

LEAP_COST = 0.35
"""Gain lost by a leap of one octave from one row to the next; Boersma's octave-jump cost."""

SHORTEST_ROWS = 5
"""A voice does not come and go within 50 ms; a whisper's formants sound periodic for less."""

FAINT_RMS = 1e-5
"""-100 dBFS: a frame below has no pitch, whatever its autocorrelation says."""


@dataclass(frozen=True, slots=True, eq=False)
class Pitch:
    """Of one recording."""

    frequency_hz: Float32
    """(T,) 0 where unvoiced: voicing below VOICED_FROM, or above it for less than 50 ms."""

    voicing: Float32
    """(T,) 0..1: height of the autocorrelation peak; 1 is perfectly periodic."""


def pitch(samples: Float32, rows: int) -> Pitch:
    """Pitch and voicing around the middle of each row.

    samples  (N,) mono, 16 kHz
    """
    return pitch_among(*pitch_candidates(samples, rows))


def pitch_among(lags: Float32, heights: Float32) -> Pitch:
    """The pitch that gains most among the candidates of all rows.

    lags, heights  (T, CANDIDATES) of `pitch_candidates`
    """
    path = _smoothest_path(lags, heights)
    row = np.arange(len(lags))
    voicing = np.clip(heights[row, path], 0.0, 1.0).astype(np.float32)
    voiced = without_short_segments(voicing >= VOICED_FROM, SHORTEST_ROWS)
    frequency_hz = np.where(voiced, SPEECH_RATE_HZ / lags[row, path], 0.0)
    return Pitch(frequency_hz.astype(np.float32), voicing)


def pitch_candidates(samples: Float32, rows: int) -> tuple[Float32, Float32]:
    """(T, CANDIDATES) lags in samples, with fractions, and heights of the best peaks.

    Those of a row depend on the WINDOW_SAMPLES around its middle alone.
    """
    lags = np.zeros((rows, CANDIDATES), dtype=np.float32)
    heights = np.zeros((rows, CANDIDATES), dtype=np.float32)
    for n, span in enumerate(spans(pieces_of(samples), rows, SPAN_ROWS, WINDOW_SAMPLES)):
        some = slice(n * SPAN_ROWS, (n + 1) * SPAN_ROWS)
        lags[some], heights[some] = pitch_candidates_in(span, WINDOW_SAMPLES)
    return lags, heights


def pitch_candidates_in(span: Float32, reach: int) -> tuple[Float32, Float32]:
    """The same for the rows of one span, see `resample.spans`."""
    window, own = _window()
    frame = framed(span, WINDOW_SAMPLES, reach)
    frame = (frame - frame.mean(axis=1, keepdims=True)) * window
    spectrum = np.fft.rfft(frame, FFT_SAMPLES, axis=1)
    # 640 + the longest lag stays below 1024: no peak wraps around
    product = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, axis=1)[:, : LONGEST_LAG + 2]
    faint = product[:, 0] < FAINT_RMS**2 * WINDOW_SAMPLES
    similarity = product / np.maximum(product[:, :1], 1e-20) / own
    similarity[faint] = 0.0
    return _peaks(similarity.astype(np.float32))


@cache
def _window() -> tuple[Float32, Float64]:
    """(WINDOW_SAMPLES,) Hann's, and (LONGEST_LAG + 2,) its autocorrelation."""
    window = np.hanning(WINDOW_SAMPLES + 1)[:-1].astype(np.float32)
    own = np.fft.irfft(np.abs(np.fft.rfft(window, FFT_SAMPLES)) ** 2)[: LONGEST_LAG + 2]
    return window, own / own[0]


def _peaks(similarity: Float32) -> tuple[Float32, Float32]:
    """The best CANDIDATES local maxima of each row, placed between samples by a parabola."""
    mid = similarity[:, SHORTEST_LAG : LONGEST_LAG + 1]
    left = similarity[:, SHORTEST_LAG - 1 : LONGEST_LAG]
    right = similarity[:, SHORTEST_LAG + 1 : LONGEST_LAG + 2]
    octaves = np.log2(np.arange(SHORTEST_LAG, LONGEST_LAG + 1) / SHORTEST_LAG)
    worth = np.where((mid > left) & (mid >= right), mid - OCTAVE_COST * octaves, -1.0)
    best = np.argpartition(worth, -CANDIDATES, axis=1)[:, -CANDIDATES:]
    row = np.arange(len(mid))[:, np.newaxis]
    is_peak = worth[row, best] > -1.0
    a, b, c = left[row, best], mid[row, best], right[row, best]
    bend = np.where(is_peak, a - 2.0 * b + c, -1.0)
    shift = np.where(is_peak, np.clip(0.5 * (a - c) / np.minimum(bend, -1e-9), -0.5, 0.5), 0.0)
    lags = (best + SHORTEST_LAG + shift).astype(np.float32)
    heights = np.where(is_peak, np.clip(b - 0.25 * (a - c) * shift, 0.0, 1.0), 0.0)
    return lags, heights.astype(np.float32)


def _smoothest_path(lags: Float32, heights: Float32) -> Int32:
    """(T,) which candidate to take in each row."""
    from_any = np.repeat(np.arange(CANDIDATES)[:, np.newaxis], CANDIDATES, axis=1)
    gains = (gain for some in _few_rows(len(lags)) for gain in _gains(lags[some], heights[some]))
    # one row more: steps lead from each of these to the next
    costs = (
        cost
        for some in _few_rows(len(lags))
        for cost in _leaps(lags[some.start : some.stop + 1], heights[some.start : some.stop + 1])
    )
    return best_path(gains, from_any, costs)


def _few_rows(rows: int) -> Iterator[slice]:
    """All rows, in parts: what steps cost takes fifty times the memory of the candidates."""
    return (slice(first, first + SPAN_ROWS) for first in range(0, rows, SPAN_ROWS))


def _gains(lags: Float32, heights: Float32) -> Float64:
    """(T, CANDIDATES)"""
    octave = np.log2(lags.astype(np.float64))
    gains: Float64 = heights - OCTAVE_COST * (octave - np.log2(SHORTEST_LAG))
    return gains


def _leaps(lags: Float32, heights: Float32) -> Float64:
    """(T - 1, from, to) what the steps between these rows cost."""
    octave = np.log2(lags.astype(np.float64))
    # a leap counts only as far as both sides are voiced
    sure = np.minimum(heights[:-1, :, np.newaxis], heights[1:, np.newaxis, :])
    apart = np.abs(octave[:-1, :, np.newaxis] - octave[1:, np.newaxis, :])
    leaps: Float64 = LEAP_COST * sure * apart
    return leaps
