"""Openness: how far each sound parts the lips, corrected where the network is known to err.

Flow      articulation.acoustic_model -> articulation.openness -> articulation.from_voice,
          articulation.live
Reads     AcousticOutput: aperture, rounding, probabilities of phones
Gives     openness as phonetics grades it, and the opening that real lips make of it

The network's aperture errs in three ways, all of them seen beside the lips of people
(`python -m benchmarks.articulation --only sounds`) and described in the literature.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from portravox.arrays import Float32
from portravox.articulation.acoustic_model import AcousticOutput

OPEN: Final = 0.75
"""Openness of a wide vowel in ordinary speech; there lips part as far as the network says."""

OPENING_EXPONENT: Final = 1.5
"""The network grades openness as phonetics does, a close vowel about half of an open one; the gap
between real lips spreads more. This power, after the constriction below, spreads ours alike: the
same command prints the percentiles of people's openings and ours. Our choice."""

CONSTRICTION: Final = 0.4
"""How much of openness full rounding takes. Rounding is first of all a smaller opening: the area
between the lips shows it more reliably than protrusion does, and shrinks as early as rounding
begins, up to several consonants ahead (Noiray et al. 2011, J. Acoust. Soc. Am. 129(1),
PMC3055290); lips that protrude more stand closer together (Westbury, Severson & Hashi 1999,
"Lip laws for consonants", ICPhS-14). The network's rounding follows that time course, its aperture
only the vowel. The number is our choice, see OPENING_EXPONENT."""

NARROWEST: Final = 0.3
"""Openness below which rounding takes nothing: between the lips of u stays a hole of some
millimetres that is seen. Our choice."""

FLARED: Final = ("sh", "zh")
FLARE: Final = 0.1
"""Postalveolar hisses protrude the lips, too, but with a wide opening between them (Toda, Maeda,
Carlen & Meftahi 2003, ICPhS-15: two lip gestures, of w and of sh): they take no part in the
constriction and open by so much more than the network says. The number is our choice."""

FREE: Final = ("h", "k", "g")
"""Made behind the mouth's front: jaw and lips stand as the neighbours want them, most of all in h
and least in alveolars (Keating, Lindblom, Lubker & Kreiman 1994, J. Phonetics 22). The network
takes their noise and silence for lips that have closed a little."""

FREE_ROWS: Final = 8
"""As far before and after them the openness is looked for that they take over: 80 ms, about half
a syllable. Our choice."""


def openness_of(acoustic: AcousticOutput) -> Float32:
    """(T,) 0..1 as phonetics grades openness, before anything is smoothed."""
    openness = acoustic["aperture"]
    free = acoustic.probability(*FREE)
    openness = openness + free * (_widest_near(openness, FREE_ROWS) - openness)
    flared = acoustic.probability(*FLARED)
    openness = np.minimum(openness + FLARE * flared, 1.0)
    narrowed = openness - CONSTRICTION * acoustic["rounding"] * (1.0 - flared)
    corrected: Float32 = np.maximum(narrowed, np.minimum(openness, NARROWEST)).astype(np.float32)
    return corrected


def opening_of(openness: Float32) -> Float32:
    """(T,) how far real lips part where a sound is so open."""
    opening: Float32 = openness * (openness / OPEN) ** (OPENING_EXPONENT - 1.0)
    return opening


def _widest_near(curve: Float32, reach: int) -> Float32:
    """(T,) the highest value up to `reach` rows before and after each."""
    widest = curve.copy()
    for rows in range(1, min(reach, len(curve) - 1) + 1):
        np.maximum(widest[rows:], curve[:-rows], out=widest[rows:])
        np.maximum(widest[:-rows], curve[rows:], out=widest[:-rows])
    return widest
