"""Targets: what the network is to say of each 10 ms of an utterance whose phones are known.

Flow      training.utterance, training.gestures -> targets -> training.features
Reads     phones with their times
Gives     Targets: curves, classes, voicing

Neighbouring gestures are blended by dominance: each grows and fades exponentially around the core
of its sound (Cohen & Massaro 1993). Closures are not blended but cut out: lips that must meet do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portravox.arrays import Bool, Float32, Float64
from portravox.articulation.acoustic_model import ACOUSTIC_CHANNELS
from portravox.articulation.alignment import CLOSED_SHARE
from portravox.articulation.phones import (
    BILABIAL,
    CLASS_OF,
    LABIODENTAL,
    PHONE_CLASSES,
    SILENCE,
    VOWELS,
    parse_ipa,
)
from training.gestures import CHANNELS, gesture
from training.utterance import Phone

ROW_S = 0.01
CURVES = ACOUSTIC_CHANNELS
"""Columns of Targets.curves: what the network gives."""

ANTICIPATION_S = dict(zip(CHANNELS, (0.060, 0.034, 0.080, 0.110, 0.035), strict=True))
CARRY_OVER_S = dict(zip(CHANNELS, (0.060, 0.036, 0.070, 0.080, 0.035), strict=True))
"""Time constants of growing and fading: the jaw is heavier than the lips, rounding begins well
before its vowel (motion facts, section 4.1). Our choice, near Cohen & Massaro's."""

CORE_SHARE = 0.4
"""The middle of a sound, in which its dominance is full."""

CONTACT_IN_S, CONTACT_OUT_S = 0.040, 0.035
"""From apart to contact and back: half-closed to burst takes about 67 ms in all."""

BITTEN_SHARE = 0.82
"""How much of the opening is gone with the lower lip at the upper teeth."""

SHORT_PAUSE_S = 0.15
"""Shorter silences within speech are no rest: the lips wait between the neighbours."""
SHORT_PAUSE_DOMINANCE = 0.3
TO_REST_S = 0.08
"""How far into a pause the lips are on their way."""

_VOICELESS = frozenset(
    "p t ʈ k q c f θ s ʃ ʂ ɕ ç x χ h ħ ʔ ts tʃ tɕ tʂ ʈʂ ɸ ɬ".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Of one utterance, a row each 10 ms; row n is centred on n * 0.01 + 0.005 s."""

    curves: Float32
    """(T, 7) in the order of CURVES, 0..1."""

    classes: NDArray[np.int8]
    """(T,) index into PHONE_CLASSES."""

    voiced: Bool
    """(T,)"""


@dataclass(frozen=True, slots=True)
class _Sound:
    symbol: str
    start_s: float
    end_s: float


def targets(
    phones: Sequence[Phone], rows: int, closed_share: Mapping[str, float] = CLOSED_SHARE
) -> Targets:
    """Curves, classes and voicing of an utterance.

    phones        in order, without gaps
    rows          how many rows of 10 ms
    closed_share  the part of p, b, m in which the lips touch; synthesisers draw the border
                  differently: training.voices has each one's
    """
    sounds = _sounds(phones)
    classes = np.zeros(rows, dtype=np.int8)
    voiced = np.zeros(rows, dtype=np.bool_)
    for sound in sounds:
        near = slice(round(sound.start_s / ROW_S), round(sound.end_s / ROW_S))
        classes[near] = PHONE_CLASSES.index(CLASS_OF.get(sound.symbol, SILENCE))
        voiced[near] = sound.symbol != SILENCE and sound.symbol not in _VOICELESS
    times_s: Float64 = ((np.arange(rows) + 0.5) * ROW_S).astype(np.float64)
    curves = dict.fromkeys(CURVES, np.zeros(rows))
    curves.update(_blended(sounds, times_s, closed_share))
    curves["closure"] = _contacts(
        [_contact(s, closed_share) for s in sounds if s.symbol in BILABIAL], times_s
    )
    curves["labiodental"] = _contacts(
        [_core(s, 0.8) for s in sounds if s.symbol in LABIODENTAL], times_s
    )
    shut = np.maximum(curves["closure"], BITTEN_SHARE * curves["labiodental"])
    curves["aperture"] = np.minimum(curves["aperture"], 1.0 - shut)
    stacked = np.stack([curves[name] for name in CURVES], axis=1)
    return Targets(stacked.astype(np.float32), classes, voiced)


def _sounds(phones: Sequence[Phone]) -> list[_Sound]:
    """Each segment split into the symbols it is written with."""
    sounds: list[_Sound] = []
    for phone in phones:
        length_s = phone.end_s - phone.start_s
        if length_s <= 0.0:
            continue
        symbols = [] if phone.ipa == SILENCE else parse_ipa(phone.ipa)
        if not symbols and phone.ipa != SILENCE and sounds:
            last = sounds[-1]
            sounds[-1] = _Sound(last.symbol, last.start_s, phone.end_s)
            continue
        if not symbols:
            sounds.append(_Sound(SILENCE, phone.start_s, phone.end_s))
            continue
        weights = np.array(_shares(symbols))
        edges = phone.start_s + length_s * np.concatenate([[0.0], np.cumsum(weights)])
        sounds += [
            _Sound(symbol, float(start_s), float(end_s))
            for symbol, start_s, end_s in zip(symbols, edges[:-1], edges[1:], strict=True)
        ]
    return sounds


def _shares(symbols: list[str]) -> list[float]:
    """How a segment's time is divided: consonants and glides are shorter, first vowels longer."""
    if len(symbols) == 2 and all(symbol in VOWELS for symbol in symbols):
        return [0.6, 0.4]
    weights = [1.0 if symbol in VOWELS else 0.6 for symbol in symbols]
    return [weight / sum(weights) for weight in weights]


def _core(sound: _Sound, share: float = CORE_SHARE) -> tuple[float, float]:
    edge_s = 0.5 * (1.0 - share) * (sound.end_s - sound.start_s)
    return sound.start_s + edge_s, sound.end_s - edge_s


def _contact(sound: _Sound, closed_share: Mapping[str, float]) -> tuple[float, float]:
    share = closed_share[CLASS_OF[sound.symbol]]
    return sound.start_s, sound.start_s + share * (sound.end_s - sound.start_s)


def _contacts(spans_s: list[tuple[float, float]], times_s: Float64) -> Float64:
    """(T,) 1 in each span, smooth slopes outside."""
    curve = np.zeros_like(times_s)
    for start_s, end_s in spans_s:
        outside = np.maximum((start_s - times_s) / CONTACT_IN_S, (times_s - end_s) / CONTACT_OUT_S)
        nearness = np.clip(1.0 - outside, 0.0, 1.0)
        curve = np.maximum(curve, nearness * nearness * (3.0 - 2.0 * nearness))
    return curve


def _blended(
    sounds: list[_Sound], times_s: Float64, closed_share: Mapping[str, float]
) -> dict[str, Float64]:
    """Channel -> (T,) gestures weighted by their dominance."""
    above = {name: np.zeros_like(times_s) for name in CHANNELS}
    below = {name: np.full_like(times_s, 1e-12) for name in CHANNELS}
    reach_s = 1.0
    for sound in sounds:
        length_s = sound.end_s - sound.start_s
        scale = 1.0
        if sound.symbol == SILENCE:
            edge_s = min(TO_REST_S, 0.5 * length_s)
            core_s = sound.start_s + edge_s, sound.end_s - edge_s
            scale = SHORT_PAUSE_DOMINANCE if length_s < SHORT_PAUSE_S else 1.0
        elif sound.symbol in BILABIAL:
            core_s = _contact(sound, closed_share)
        else:
            core_s = _core(sound)
        first, last = np.searchsorted(times_s, (core_s[0] - reach_s, core_s[1] + reach_s))
        near = slice(first, last)
        before_s = np.maximum(core_s[0] - times_s[near], 0.0)
        after_s = np.maximum(times_s[near] - core_s[1], 0.0)
        wanted = gesture(sound.symbol)
        for name in CHANNELS:
            goal, dominance = getattr(wanted, name)
            weight = (
                scale
                * dominance
                * np.exp(-before_s / ANTICIPATION_S[name] - after_s / CARRY_OVER_S[name])
            )
            above[name][near] += weight * goal
            below[name][near] += weight
    return {name: above[name] / below[name] for name in CHANNELS}
