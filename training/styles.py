"""Styles: plain speech made into song and whisper, its phone times carried along.

Flow      voices -> styles -> corpus

Both go through the WORLD vocoder (Morise, Yokomori & Ozawa, IEICE Trans. E99-D(7), 2016; PyPI
pyworld), which takes speech apart into pitch, spectral envelope and share of noise. Numbers
without a source are our choice.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from portravox.arrays import Float32, Float64
from portravox.articulation.phones import VOWELS, parse_ipa
from training.utterance import RATE_HZ, Phone

FRAME_MS = 5.0
_FRAMES_PER_S = 1000.0 / FRAME_MS

VOWEL_STRETCH = (1.4, 3.5)
"""Sung vowels last so many times as long as spoken ones; consonants keep their length."""

VIBRATO_HZ = (5.0, 6.5)
VIBRATO_SEMITONES = (0.2, 0.6)
VIBRATO_FROM_S = 0.15
"""Within what singers do; it sets in after the beginning of a note."""

NOTE_STEPS = (-4, -2, -1, 0, 0, 2, 3, 5)
"""Semitones from one note to the next."""

NOTE_RANGE = (-4, 10)
"""Semitones around the voice's own pitch: song lies higher than speech."""

GLIDE_S = 0.06
"""From one note to the next."""

WHISPER_LOW_HZ = 900.0
WHISPER_LOW_DB = -14.0
"""Whisper lacks the strong low harmonics: what lies below loses up to so much."""

WHISPER_VOICED_DB = -9.0
"""Whispered vowels are hardly louder than consonants; what was voiced loses so much."""


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """Speech as WORLD takes it apart; F frames, B bands."""

    pitch_hz: Float64
    """(F,), 0 where nothing is voiced."""

    envelope: Float64
    """(F, B) power."""

    noise: Float64
    """(F, B) share of noise in the amplitude, 0..1."""


def sung(
    samples: Float32, phones: Sequence[Phone], rng: np.random.Generator
) -> tuple[Float32, tuple[Phone, ...]]:
    """The words as a melody: each vowel long and on a note of its own.

    samples  (N,) at RATE_HZ
    returns  longer samples, and the phones at their new times
    """
    parts = _taken_apart(samples)
    sung_phones = _stretched(phones, rng)
    source = np.array([p.start_s for p in phones] + [phones[-1].end_s])
    target = np.array([p.start_s for p in sung_phones] + [sung_phones[-1].end_s])
    time_s = np.arange(int(target[-1] * _FRAMES_PER_S)) / _FRAMES_PER_S
    origin = np.rint(np.interp(time_s, target, source) * _FRAMES_PER_S).astype(np.intp)
    origin = np.minimum(origin, len(parts.pitch_hz) - 1)
    voiced = parts.pitch_hz[origin] > 0.0
    own_hz = float(np.median(parts.pitch_hz[parts.pitch_hz > 0.0])) if voiced.any() else 0.0
    melody = own_hz * 2.0 ** (_melody(sung_phones, time_s, rng) / 12.0)
    pitch_hz = np.where(voiced, melody, 0.0)
    return (
        _put_together(_Parts(pitch_hz, parts.envelope[origin], parts.noise[origin])),
        sung_phones,
    )


def whispered(samples: Float32) -> Float32:
    """The same words without voice: breath in place of pitch.

    samples  (N,) at RATE_HZ
    returns  (N,) as long
    """
    parts = _taken_apart(samples)
    bands = parts.envelope.shape[1]
    hz = np.linspace(0.0, RATE_HZ / 2, bands)
    low_db = WHISPER_LOW_DB * np.clip(1.0 - hz / WHISPER_LOW_HZ, 0.0, 1.0)
    # smoothed over 25 ms, for a step in level would click
    voicing = np.convolve(parts.pitch_hz > 0.0, np.full(5, 0.2), mode="same")
    change_db = voicing[:, None] * (low_db + WHISPER_VOICED_DB)
    breath = _Parts(
        np.zeros_like(parts.pitch_hz),
        parts.envelope * 10.0 ** (change_db / 10.0),
        np.ones_like(parts.noise),
    )
    whisper = np.zeros_like(samples)
    made = _put_together(breath)[: len(samples)]
    whisper[: len(made)] = made
    return whisper


def _stretched(phones: Sequence[Phone], rng: np.random.Generator) -> tuple[Phone, ...]:
    """The phones one after the other, vowels longer."""
    stretched = []
    at_s = 0.0
    for phone in phones:
        factor = rng.uniform(*VOWEL_STRETCH) if _is_vowel(phone) else 1.0
        end_s = at_s + factor * (phone.end_s - phone.start_s)
        stretched.append(Phone(phone.ipa, at_s, end_s))
        at_s = end_s
    return tuple(stretched)


def _melody(phones: Sequence[Phone], time_s: Float64, rng: np.random.Generator) -> Float64:
    """(F,) semitones from the voice's own pitch: a note a vowel, gliding, with vibrato."""
    notes = np.zeros_like(time_s)
    since_s = np.zeros_like(time_s)
    note = int(rng.integers(0, 6))
    for phone in phones:
        if _is_vowel(phone):
            note = int(np.clip(note + rng.choice(NOTE_STEPS), *NOTE_RANGE))
        span = slice(*np.searchsorted(time_s, (phone.start_s, phone.end_s)))
        notes[span] = note
        since_s[span] = time_s[span] - phone.start_s
    glide = np.hanning(int(2 * GLIDE_S * _FRAMES_PER_S) + 1)
    edge = len(glide) // 2
    padded = np.pad(notes, edge, mode="edge")
    smooth = np.convolve(padded, glide / glide.sum(), mode="valid")[: len(notes)]
    depth = rng.uniform(*VIBRATO_SEMITONES) * np.clip(since_s / VIBRATO_FROM_S - 1.0, 0.0, 1.0)
    melody: Float64 = smooth + depth * np.sin(2 * np.pi * rng.uniform(*VIBRATO_HZ) * time_s)
    return melody


def _is_vowel(phone: Phone) -> bool:
    symbols = parse_ipa(phone.ipa)
    return bool(symbols) and all(symbol in VOWELS for symbol in symbols)


def _taken_apart(samples: Float32) -> _Parts:
    pyworld = _world()
    sound = samples.astype(np.float64)
    rough_hz, time_s = pyworld.dio(sound, RATE_HZ, frame_period=FRAME_MS)
    pitch_hz = pyworld.stonemask(sound, rough_hz, time_s, RATE_HZ)
    return _Parts(
        pitch_hz,
        pyworld.cheaptrick(sound, pitch_hz, time_s, RATE_HZ),
        pyworld.d4c(sound, pitch_hz, time_s, RATE_HZ),
    )


def _put_together(parts: _Parts) -> Float32:
    pyworld = _world()
    sound: Float32 = pyworld.synthesize(
        parts.pitch_hz,
        np.ascontiguousarray(parts.envelope),
        np.ascontiguousarray(parts.noise),
        RATE_HZ,
        frame_period=FRAME_MS,
    ).astype(np.float32)
    return sound


def _world() -> Any:
    """The vocoder, which only the training environment has; it knows no types."""
    return importlib.import_module("pyworld")
