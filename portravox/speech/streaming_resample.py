"""Resampling of a live sound: from one rate to another, piece by piece, without waiting.

Flow      samples of a live voice -> speech.streaming_resample -> engines.session, articulation.live
Reads     mono samples at one rate, in pieces of any length
Gives     mono samples at another

A recording is resampled by soxr (speech.resample). Its streams hold back 20 to 90 ms of sound and
give it in bursts (measured), which is most of what a live voice may be late; this filter holds back
ZERO_CROSSINGS samples. The result does not depend on the pieces.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from portravox.arrays import Float32, Float64

ZERO_CROSSINGS: Final = 16
"""Of the filter, to each side: 0.7 ms at 24 kHz."""

PASSED_SHARE: Final = 0.92
"""Of the lower rate's band, up to where the filter is 6 dB down. Our choice: speech has little
above."""

KAISER_BETA: Final = 8.0
"""Leaves images at -80 dB."""

MOST_PHASES: Final = 1024
"""Of the filter's table. Rates without a simple ratio take the nearest: an error below -60 dB."""


class StreamingResampler:
    """One live sound. Not for two threads at once."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        divisor = math.gcd(from_hz, to_hz)
        self._up, self._down = to_hz // divisor, from_hz // divisor
        narrow = min(1.0, to_hz / from_hz)
        self._reach = math.ceil(ZERO_CROSSINGS / narrow)
        self._phases = min(self._up, MOST_PHASES)
        self._table = _filters(self._phases, self._reach, narrow * PASSED_SHARE)
        self._samples = np.zeros(self._reach - 1, np.float32)
        """What is still needed, silence before the beginning."""
        self._first = 1 - self._reach
        """Index of its first sample in the sound that came in."""
        self._given = 0

    def push(self, samples: Float32) -> Float32:
        """Take samples; those of the other rate that are known now.

        samples  (N,) following those of the call before
        """
        if self._up == self._down:
            return samples.astype(np.float32)
        self._samples = np.concatenate([self._samples, samples.astype(np.float32, copy=False)])
        known = self._first + len(self._samples) - self._reach
        # the largest k with (k * down) // up <= known - 1
        return self._until(max(self._given, (known * self._up - 1) // self._down + 1))

    def finish(self) -> Float32:
        """The sound has ended: what is left of it. It lasts as long as what came in, to the
        nearest sample."""
        if self._up == self._down:
            return np.zeros(0, np.float32)
        taken = self._first + len(self._samples)
        last = (2 * taken * self._up + self._down) // (2 * self._down)
        silence = np.zeros(self._reach + 1, np.float32)
        self._samples = np.concatenate([self._samples, silence])
        return self._until(max(self._given, last))

    def _until(self, stop: int) -> Float32:
        """The samples up to an index of the rate that is given."""
        moments = np.arange(self._given, stop, dtype=np.int64) * self._down
        self._given = stop
        base, phase = np.divmod(moments, self._up)
        rows = (phase * self._phases + self._up // 2) // self._up
        made = np.zeros(len(moments), np.float32)
        if len(moments):
            windows = np.lib.stride_tricks.sliding_window_view(self._samples, 2 * self._reach)
            places = base - (self._reach - 1) - self._first
            for start in range(0, len(moments), 4096):  # bounded memory, however large the piece
                part = slice(start, start + 4096)
                made[part] = np.einsum("nk,nk->n", windows[places[part]], self._table[rows[part]])
        next_base = self._given * self._down // self._up
        spent = min(len(self._samples), max(0, next_base - (self._reach - 1) - self._first))
        self._samples = self._samples[spent:].copy()
        self._first += spent
        return made


def _filters(phases: int, reach: int, cutoff: float) -> Float32:
    """(phases + 1, 2 * reach) weights of the samples from reach - 1 before a moment on.

    cutoff  share of half the incoming rate that is passed
    """
    fractions = np.arange(phases + 1)[:, np.newaxis] / phases
    distances: Float64 = np.arange(1 - reach, reach + 1)[np.newaxis] - fractions
    inside = np.clip(1.0 - (distances / reach) ** 2, 0.0, None)
    window = np.i0(KAISER_BETA * np.sqrt(inside)) / np.i0(KAISER_BETA)
    weights = cutoff * np.sinc(cutoff * distances) * window
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.astype(np.float32)
