"""Any recording -> the one form in which speech is looked at: mono, 16 kHz.

Flow      media.waveform -> speech.resample -> speech.mel, speech.pitch
Reads     Waveform, any rate, one or two channels
Gives     mono samples at 16 kHz, whole or piece by piece, and the number of rows that cover them
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from portravox.arrays import Float32
from portravox.clock import sample_count
from portravox.media.waveform import PIECE_SAMPLES, Waveform

SPEECH_RATE_HZ = 16_000
"""Keeps what tells speech sounds apart (up to 8 kHz)."""

ROW_RATE_HZ = 100
"""Rows of features per second."""

SAMPLES_PER_ROW = SPEECH_RATE_HZ // ROW_RATE_HZ  # 160

CANCELLED_SHARE = 0.05
"""Of the loudest channel's power: a mean with less has cancelled itself out; our choice."""


def row_count(voice: Waveform) -> int:
    """Rows that cover the recording, the last one perhaps only in part."""
    return -(-len(voice.samples) * ROW_RATE_HZ // voice.rate_hz)


def speech_samples(voice: Waveform) -> Float32:
    """(N,) the recording in mono at 16 kHz, as long as the recording; see `speech_pieces`."""
    samples = np.zeros(sample_count(voice.duration_s, SPEECH_RATE_HZ), dtype=np.float32)
    at = 0
    for piece in speech_pieces(voice):
        samples[at : at + len(piece)] = piece
        at += len(piece)
    return samples


def speech_pieces(voice: Waveform) -> Iterator[Float32]:
    """The recording in mono at 16 kHz, piece by piece, so that an hour of it is never held twice.

    Channels that cancel each other out (one of them inverted) would leave silence in
    their mean; then the louder channel speaks for both.
    """
    left = sample_count(voice.duration_s, SPEECH_RATE_HZ)
    for piece in _at_speech_rate(voice):
        yield piece[:left]
        left -= min(left, len(piece))
    if left:
        yield np.zeros(left, dtype=np.float32)


def _at_speech_rate(voice: Waveform) -> Iterator[Float32]:
    mono = _mono_pieces(voice, _loudest_if_cancelled(voice))
    if voice.rate_hz == SPEECH_RATE_HZ:
        yield from mono
        return
    stream = soxr.ResampleStream(voice.rate_hz, SPEECH_RATE_HZ, 1, dtype="float32", quality="HQ")
    for piece in mono:
        yield stream.resample_chunk(piece)
    yield stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)


def _mono_pieces(voice: Waveform, channel: int | None) -> Iterator[Float32]:
    """One channel, or the mean of all."""
    for piece in voice.pieces():
        if channel is None:
            yield piece.mean(axis=1, dtype=np.float32)
        else:
            yield np.ascontiguousarray(piece[:, channel])


def _loudest_if_cancelled(voice: Waveform) -> int | None:
    """Which channel speaks for all, where their mean is next to nothing."""
    channels = voice.samples.shape[1]
    if channels == 1:
        return None
    each, mean = np.zeros(channels), 0.0
    for piece in voice.pieces():
        each += np.square(piece, dtype=np.float64).sum(axis=0)
        mean += float(np.square(piece.mean(axis=1, dtype=np.float32), dtype=np.float64).sum())
    return int(each.argmax()) if mean < CANCELLED_SHARE * float(each.max()) else None


def spans(pieces: Iterable[Float32], rows: int, span_rows: int, reach: int) -> Iterator[Float32]:
    """Samples for so many rows at a time, with those around, for `framed`.

    pieces   the sound from its beginning, in pieces of any length
    rows     in all; sound beyond the last one is no part
    reach    samples before the first row of a span and behind its last; 0 beyond the sound
    """
    coming = iter(pieces)
    held = [np.zeros(reach, dtype=np.float32)]
    left = rows * SAMPLES_PER_ROW
    for first in range(0, rows, span_rows):
        own = min(span_rows, rows - first) * SAMPLES_PER_ROW
        count = sum(map(len, held))
        while count < own + 2 * reach and left:
            piece = next(coming, None)
            if piece is None:
                break
            held.append(piece[:left])
            left -= len(held[-1])
            count += len(held[-1])
        missing = max(0, own + 2 * reach - count)
        span = np.concatenate([*held, np.zeros(missing, dtype=np.float32)])
        yield span[: own + 2 * reach]
        held = [span[own:].copy()]


def pieces_of(samples: Float32) -> Iterator[Float32]:
    """A sound, (N,), as `spans` takes it."""
    return (samples[at : at + PIECE_SAMPLES] for at in range(0, len(samples), PIECE_SAMPLES))


def framed(span: Float32, width: int, reach: int) -> Float32:
    """A view of the samples around the middle of each row.

    span     (N,) one of `spans`, with so many samples before and behind
    width    samples in each frame; reaches no further than that
    returns  (rows, width); each row is centred on its 10 ms
    """
    before = (width - SAMPLES_PER_ROW) // 2
    windows = np.lib.stride_tricks.sliding_window_view(span[reach - before :], width)
    rows = (len(span) - 2 * reach) // SAMPLES_PER_ROW
    view: Float32 = windows[::SAMPLES_PER_ROW][:rows]
    return view
