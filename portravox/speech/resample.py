"""Any recording -> the one form in which speech is looked at: mono, 16 kHz.

Flow      media.waveform -> speech.resample -> speech.mel, speech.pitch
Reads     Waveform, any rate, one or two channels
Gives     mono samples at 16 kHz and the number of rows that cover them
"""

from __future__ import annotations

import numpy as np
import soxr

from portravox.arrays import Float32
from portravox.clock import sample_count
from portravox.media.waveform import Waveform

SPEECH_RATE_HZ = 16_000
"""Keeps what tells speech sounds apart (up to 8 kHz)."""

ROW_RATE_HZ = 100
"""Rows of features per second."""

SAMPLES_PER_ROW = SPEECH_RATE_HZ // ROW_RATE_HZ  # 160


def row_count(voice: Waveform) -> int:
    """Rows that cover the recording, the last one perhaps only in part."""
    return -(-len(voice.samples) * ROW_RATE_HZ // voice.rate_hz)


def speech_samples(voice: Waveform) -> Float32:
    """(N,) the recording in mono at 16 kHz, as long as the recording.

    Channels that cancel each other out (one of them inverted) would leave silence in
    their mean; then the louder channel speaks for both.
    """
    mono = voice.mono()
    if voice.samples.shape[1] > 1 and len(mono):
        power = np.mean(np.square(voice.samples), axis=0)
        if float(np.mean(np.square(mono))) < 0.05 * float(power.max()):
            mono = np.ascontiguousarray(voice.samples[:, int(power.argmax())])
    count = sample_count(voice.duration_s, SPEECH_RATE_HZ)
    if voice.rate_hz != SPEECH_RATE_HZ:
        mono = soxr.resample(mono, voice.rate_hz, SPEECH_RATE_HZ, quality="HQ")
    samples = np.zeros(count, dtype=np.float32)
    samples[: min(count, len(mono))] = mono[:count]
    return samples


def framed(samples: Float32, rows: int, width: int) -> Float32:
    """A view of the samples around the middle of each row.

    samples  (N,)
    width    samples in each frame
    returns  (rows, width), zeros beyond the ends of the sound; row n is centred on its 10 ms
    """
    before = (width - SAMPLES_PER_ROW) // 2
    padded = np.zeros(rows * SAMPLES_PER_ROW + width, dtype=np.float32)
    kept = min(len(samples), rows * SAMPLES_PER_ROW)
    padded[before : before + kept] = samples[:kept]
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    view: Float32 = windows[::SAMPLES_PER_ROW][:rows]
    return view
