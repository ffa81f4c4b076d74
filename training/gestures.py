"""Gestures: where each sound wants jaw, lips and tongue tip, and how much it insists.

Flow      portravox.articulation.phones -> gestures -> training.targets

What the sounds of the world have in common is taken from phonetics:
  - height, backness and rounding of vowels: chart of the International Phonetic Association, 2020
  - lips and jaw are two drives: lips stand far apart in spread vowels although the jaw is nearly
    shut (JALI: Edwards et al., ACM Trans. Graph. 35(4), 2016, doi 10.1145/2897824.2925984)
  - p, b, m and f, v must be reached whatever stands beside them, s and sh need the teeth together
    (same; and the obligatory visemes of lipreading studies)
  - what is made by the tongue leaves the lips to the neighbouring vowels: coarticulation as
    overlap of gestures (Browman & Goldstein 1992; Cohen & Massaro 1993, dominance)
  - rounded vowels narrow the opening more than their height says (Abry & Boë 1986, "Laws for lips")
The numbers are ours, rounded; seen on talking faces to be of the right order, never fitted.
"""

from __future__ import annotations

from dataclasses import dataclass

from portravox.articulation.phones import CLASS_OF, SILENCE, VOWELS

CHANNELS = ("jaw", "aperture", "spread", "rounding", "tongue")
"""What is blended between sounds. closure and labiodental are not: targets.py."""


@dataclass(frozen=True, slots=True)
class Gesture:
    """One sound; pairs are (where to, dominance), dominance 1 being a stressed vowel's."""

    jaw: tuple[float, float]
    aperture: tuple[float, float]
    spread: tuple[float, float]
    rounding: tuple[float, float]
    tongue: tuple[float, float]


_HEIGHT = {
    **dict.fromkeys("iyɨʉɯu", 0.0),
    **dict.fromkeys("ɪʏʊ", 0.2),
    **dict.fromkeys("eøɘɵɤo", 0.35),
    **dict.fromkeys("əɚɝ", 0.4),
    **dict.fromkeys("ɛœɜɞʌɔ", 0.65),
    **dict.fromkeys("æɐ", 0.85),
    **dict.fromkeys("aɶɑɒ", 1.0),
}
"""Openness: 0 close, 1 open."""

_ROUNDED = {
    **dict.fromkeys("uy", 1.0),
    **dict.fromkeys("oøʉ", 0.85),
    **dict.fromkeys("ʊʏ", 0.7),
    **dict.fromkeys("ɔœɵ", 0.6),
    **dict.fromkeys("ɒɶɞɚɝ", 0.35),
}

_FRONT = {
    **dict.fromkeys("ie", 0.85),
    **dict.fromkeys("ɪɛæ", 0.65),
    **dict.fromkeys("aɐɨɘɯɤʌəɜ", 0.5),
}
"""Corners drawn apart, of the unrounded."""

_WEAK = frozenset("əɨɘɜɐɚ")
"""Reduced vowels leave much to their neighbours."""


def _vowel(symbol: str) -> Gesture:
    openness = _HEIGHT[symbol]
    rounding = _ROUNDED.get(symbol, 0.0)
    rounded, unrounded = 0.26 + 0.5 * openness + 0.2 * (1.0 - rounding), 0.7 + 0.25 * openness
    weight = 0.5 if symbol in _WEAK else 1.0
    insists = 1.3 if rounding >= 0.6 else 1.0
    return Gesture(
        jaw=(0.14 + 0.78 * openness, weight),
        aperture=(rounded if rounding else unrounded, weight * insists),
        spread=(_FRONT.get(symbol, 0.45) * (1.0 - 0.85 * rounding), weight),
        rounding=(rounding, weight * insists),
        tongue=(0.0, 0.6),
    )


#                jaw          aperture      spread        rounding      tongue tip
_CONSONANTS = {
    "lips": Gesture((0.12, 0.8), (0.00, 1.0), (0.45, 0.20), (0.10, 0.15), (0.2, 0.1)),
    "teeth": Gesture((0.14, 0.8), (0.18, 1.0), (0.50, 0.35), (0.10, 0.30), (0.2, 0.2)),
    "dental": Gesture((0.18, 0.7), (0.50, 0.40), (0.50, 0.20), (0.05, 0.20), (1.0, 4.0)),
    "tip": Gesture((0.20, 0.6), (0.58, 0.25), (0.50, 0.10), (0.10, 0.10), (0.9, 3.0)),
    "lateral": Gesture((0.28, 0.6), (0.60, 0.25), (0.50, 0.10), (0.05, 0.10), (1.0, 3.0)),
    "trill": Gesture((0.25, 0.6), (0.58, 0.25), (0.50, 0.15), (0.05, 0.15), (0.8, 2.0)),
    "hiss": Gesture((0.05, 1.3), (0.64, 0.50), (0.60, 0.45), (0.05, 0.40), (0.5, 1.5)),
    "hush": Gesture((0.07, 1.2), (0.55, 0.60), (0.25, 0.90), (0.55, 1.00), (0.4, 1.5)),
    "palatal": Gesture((0.06, 1.2), (0.62, 0.50), (0.70, 0.80), (0.02, 0.60), (0.4, 1.5)),
    "back": Gesture((0.30, 0.4), (0.64, 0.15), (0.50, 0.08), (0.10, 0.08), (0.0, 0.4)),
    "breath": Gesture((0.35, 0.2), (0.64, 0.10), (0.50, 0.05), (0.05, 0.05), (0.0, 0.2)),
    "bunched": Gesture((0.22, 0.6), (0.25, 0.80), (0.30, 0.70), (0.50, 0.80), (0.2, 0.8)),
    "w": Gesture((0.14, 0.9), (0.12, 1.6), (0.05, 1.50), (1.00, 1.60), (0.0, 0.3)),
    "ɥ": Gesture((0.12, 0.9), (0.20, 1.5), (0.10, 1.40), (0.95, 1.50), (0.0, 0.3)),
    "j": Gesture((0.14, 0.7), (0.66, 0.40), (0.85, 0.90), (0.00, 0.50), (0.1, 0.4)),
}

_PLACE = {
    **dict.fromkeys(("p", "b", "m"), "lips"),
    **dict.fromkeys(("f", "v"), "teeth"),
    "th": "dental",
    **dict.fromkeys(("t", "d", "n"), "tip"),
    "l": "lateral",
    "r": "trill",
    **dict.fromkeys(("s", "z"), "hiss"),
    **dict.fromkeys(("sh", "zh"), "hush"),
    **dict.fromkeys(("k", "g", "ng"), "back"),
    "h": "breath",
    "rr": "bunched",
    "j": "j",
}
"""Class of phones -> row of the table; exceptions below."""

_EXCEPTIONS = {
    "ɥ": "ɥ",
    **dict.fromkeys(("ts", "dz"), "hiss"),
    **dict.fromkeys(("ɕ", "ʑ", "ç", "ʝ", "tɕ", "dʑ"), "palatal"),
    **dict.fromkeys(("c", "ɟ", "ɲ", "ʔ", "q", "ɢ"), "back"),
    **dict.fromkeys(("w", "ʍ", "ɰ"), "w"),
}

REST = Gesture((0.0, 0.8), (0.0, 0.9), (0.45, 0.35), (0.05, 0.35), (0.0, 0.7))
"""Silence."""


def gesture(symbol: str) -> Gesture:
    """Of one symbol as parse_ipa gives it, or of SILENCE.

    Raises KeyError for a letter that parse_ipa does not know.
    """
    if symbol == SILENCE:
        return REST
    if symbol in VOWELS:
        return _vowel(symbol)
    if symbol in _EXCEPTIONS:
        return _CONSONANTS[_EXCEPTIONS[symbol]]
    return _CONSONANTS[_PLACE[CLASS_OF[symbol]]]
