"""Mel spectrum: how much energy each of 80 bands of the ear's scale holds, each 10 ms.

Flow      speech.resample -> speech.mel -> speech.noise, speech.activity, articulation
Reads     mono samples at 16 kHz
Gives     band power; its sum over the bands is the mean square of the sound
"""

from __future__ import annotations

from functools import cache

import numpy as np

from portravox.arrays import Bool, Float32
from portravox.media.sample_file import in_pieces
from portravox.speech.resample import SPEECH_RATE_HZ, framed, pieces_of, spans

BANDS = 80
LOW_HZ, HIGH_HZ = 60.0, 7800.0
"""Below lies hum and rumble, above the resampling filter's slope. Our choice."""

WINDOW_SAMPLES = SPEECH_RATE_HZ * 25 // 1000  # 400: 25 ms, the common choice for speech
FFT_SAMPLES = 512
SPAN_ROWS = 2048
"""Rows transformed at once, so that memory does not grow with the spectrum of long sounds."""

FLOOR_POWER = 1e-14
"""-140 dBFS: below the noise of 24-bit sound."""


def mel_from_hz(frequency_hz: float) -> float:
    """Source: O'Shaughnessy, Speech Communication, 1987: 2595 log10(1 + f / 700)."""
    return 2595.0 * float(np.log10(1.0 + frequency_hz / 700.0))


@cache
def band_edges_hz() -> tuple[float, ...]:
    """BANDS + 2 corners: the triangle of band b starts at b, peaks at b + 1 and ends at b + 2."""
    mels = np.linspace(mel_from_hz(LOW_HZ), mel_from_hz(HIGH_HZ), BANDS + 2)
    return tuple((700.0 * (10.0 ** (mels / 2595.0) - 1.0)).tolist())


@cache
def _triangles() -> Float32:
    """(bins, BANDS) weight of each bin of the transform in each band; a bin's sum is at most 1."""
    edges_hz = np.array(band_edges_hz())
    bins_hz = np.arange(FFT_SAMPLES // 2 + 1)[:, np.newaxis] * (SPEECH_RATE_HZ / FFT_SAMPLES)
    low, mid, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bins_hz - low) / (mid - low)
    falling = (high - bins_hz) / (high - mid)
    weights: Float32 = np.clip(np.minimum(rising, falling), 0.0, None).astype(np.float32)
    return weights


def band_centres_hz() -> Float32:
    """(BANDS,)"""
    return np.array(band_edges_hz()[1:-1], dtype=np.float32)


def bands_between(low_hz: float, high_hz: float) -> Bool:
    """(BANDS,) true for the bands whose centre lies in [low, high)."""
    centres_hz = band_centres_hz()
    chosen: Bool = (centres_hz >= low_hz) & (centres_hz < high_hz)
    return chosen


def power_in(power: Float32, bands: Bool) -> Float32:
    """(T,) sum over some bands, (BANDS,), of mel power, (T, BANDS)."""
    total = np.zeros(len(power), dtype=np.float32)
    for some in in_pieces(power):
        total[some] = power[some][:, bands].sum(axis=1)
    return total


def mel_power(samples: Float32, rows: int) -> Float32:
    """Power in each band around the middle of each row.

    samples  (N,) mono, 16 kHz
    returns  (rows, BANDS), full scale squared; 0 where there is no sound
    """
    power = np.zeros((rows, BANDS), dtype=np.float32)
    for n, span in enumerate(spans(pieces_of(samples), rows, SPAN_ROWS, WINDOW_SAMPLES)):
        power[n * SPAN_ROWS : (n + 1) * SPAN_ROWS] = mel_power_in(span, WINDOW_SAMPLES)
    return power


def mel_power_in(span: Float32, reach: int) -> Float32:
    """(rows, BANDS) of the rows of one span, see `resample.spans`."""
    window = _window()
    # the factor 2 is for the negative frequencies, which rfft leaves out
    scale = np.float32(2.0 / (FFT_SAMPLES * float(np.sum(window**2))))
    frames = framed(span, WINDOW_SAMPLES, reach)
    spectrum = np.fft.rfft(frames * window, FFT_SAMPLES, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2) @ _triangles() * scale
    return np.asarray(power, np.float32)


@cache
def _window() -> Float32:
    """(WINDOW_SAMPLES,) Hann's."""
    window: Float32 = np.hanning(WINDOW_SAMPLES + 1)[:-1].astype(np.float32)
    return window


def decibel(power: Float32) -> Float32:
    """10 log10 of a power, never below -140."""
    level_db: Float32 = (10.0 * np.log10(np.maximum(power, FLOOR_POWER))).astype(np.float32)
    return level_db
