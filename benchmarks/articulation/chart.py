"""The opening of the lips that a phone lets expect, by the chart of vowels alone.

Flow      sentences -> chart -> measures, baselines
Reads     phones with times
Gives     expected aperture, row by row

Kept apart from the targets that the network is trained with: a yardstick made of what is measured
would praise it for agreeing with itself.
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Float32
from portravox.articulation.phones import PHONE_CLASSES
from training.targets import targets
from training.utterance import Phone

OPENNESS = {
    # vowels by height, as in the chart of the International Phonetic Association
    "a": 0.9, "ah": 0.65, "eh": 0.75, "aw": 0.65, "oe": 0.5, "e": 0.5, "er": 0.45, "o": 0.45,
    "i": 0.36, "y": 0.22, "u": 0.22,
    # consonants by how far they keep the lips apart; our choice
    "h": 0.35, "k": 0.35, "g": 0.35, "ng": 0.35, "l": 0.35, "r": 0.3, "t": 0.25, "d": 0.25,
    "n": 0.25, "th": 0.25, "j": 0.25, "rr": 0.25, "s": 0.2, "z": 0.2, "sh": 0.2, "zh": 0.2,
    "w": 0.1, "f": 0.1, "v": 0.1, "p": 0.0, "b": 0.0, "m": 0.0, "sil": 0.0,
}  # fmt: skip

BLEND_ROWS = 8
"""Lips need 80 ms from one place to the next."""


def expected_aperture(phones: tuple[Phone, ...], rows: int) -> Float32:
    """(T,) 0..1, openness of the phone at each row, blended over 80 ms."""
    openness = np.array([OPENNESS[name] for name in PHONE_CLASSES], dtype=np.float32)
    bell = np.hanning(BLEND_ROWS + 2)[1:-1]
    blended = np.convolve(openness[targets(phones, rows).classes], bell / bell.sum(), "same")
    return blended.astype(np.float32)
