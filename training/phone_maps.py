"""Phone maps: the names that synthesisers give to sounds, in IPA letters.

Flow      voices -> phone_maps -> utterance, whose phones portravox.articulation.phones reads
"""

from __future__ import annotations

import re
from typing import Final

from portravox.articulation.phones import SILENCE, parse_ipa

_SAME: Final = {letter: letter for letter in "bdefhijklmnopstuvwz"}
"""Letters that mean in every set what they mean in IPA."""

ARPABET: Final = {
    "aa": "ɑ", "ae": "æ", "ah": "ʌ", "ao": "ɔ", "aw": "aʊ", "ax": "ə", "axr": "ɚ", "ay": "aɪ",
    "eh": "ɛ", "er": "ɝ", "ey": "eɪ", "ih": "ɪ", "ix": "ɨ", "iy": "i", "ow": "oʊ", "oy": "ɔɪ",
    "uh": "ʊ", "uw": "u", "b": "b", "ch": "tʃ", "d": "d", "dh": "ð", "dx": "ɾ", "el": "l",
    "em": "m", "en": "n", "f": "f", "g": "ɡ", "hh": "h", "hv": "ɦ", "jh": "dʒ", "k": "k",
    "l": "l", "m": "m", "n": "n", "nx": "n", "ng": "ŋ", "p": "p", "r": "ɹ", "s": "s", "sh": "ʃ",
    "t": "t", "th": "θ", "v": "v", "w": "w", "y": "j", "z": "z", "zh": "ʒ",
    "pau": SILENCE, "sil": SILENCE, "ssil": SILENCE, "h#": SILENCE, "brth": SILENCE,
}  # fmt: skip
"""The set of CMU's American voices (flite; festival's radio set)."""

CZECH: Final = _SAME | {
    "#": SILENCE, "_": "ʔ", "a": "a", "c": "ts", "c~": "tʃ", "ch": "x", "d~": "ɟ", "dz": "dz",
    "dz~": "dʒ", "e": "ɛ", "g": "ɡ", "h": "ɦ", "i": "ɪ", "i:": "i", "n*": "ŋ", "n~": "ɲ",
    "r": "r", "r~": "r", "r~*": "r", "s~": "ʃ", "t~": "c", "z~": "ʒ",
}  # fmt: skip
"""festival-czech, czech.scm."""

ITALIAN: Final = _SAME | {
    "#": SILENCE, "a": "a", "E": "ɛ", "O": "ɔ", "g": "ɡ", "S": "ʃ", "Z": "ʒ", "ts": "ts",
    "tS": "tʃ", "dz": "dz", "dZ": "dʒ", "J": "ɲ", "ng": "ŋ", "nf": "ɱ", "L": "ʎ", "r": "r",
}  # fmt: skip
"""festlex-ifd, italian_phoneset.scm, which follows SAMPA."""

CATALAN: Final = ITALIAN | {"ax": "ə", "r": "ɾ", "rr": "r", "pau": SILENCE, "_": SILENCE}
"""festival-ca, upc_catalan_phones-central.scm."""

FINNISH: Final = _SAME | {
    "#": SILENCE, "##": SILENCE, "a": "ɑ", "y": "y", "@": "æ", "7": "ø", "&": "ə", "g": "ɡ",
    "T": "θ", "D": "ð", "S": "ʃ", "Z": "ʒ", "v": "ʋ", "N": "ŋ", "L": "l", "r": "r",
}  # fmt: skip
"""festvox-suopuhe-common, finnish_phones.scm."""

_RUSSIAN_PAIRS: Final = {letter: letter for letter in "bdfklmnprstvz"}

RUSSIAN: Final = (
    _RUSSIAN_PAIRS
    | {letter * 2: letter for letter in _RUSSIAN_PAIRS}  # the palatalised ones
    | {
        "pau": SILENCE, "ii": "i", "yy": "ɨ", "uu": "u", "ee": "e", "oo": "o", "aa": "a",
        "a": "ɐ", "e": "e", "i": "ɪ", "y": "ɨ", "u": "u", "ae": "ə", "ay": "ɪ", "ur": "ʊ",
        "c": "ts", "ch": "tɕ", "sh": "ʂ", "sch": "ɕ", "zh": "ʐ", "g": "ɡ", "gg": "ɡ",
        "h": "x", "hh": "x", "j": "j",
    }
)  # fmt: skip
"""festvox-ru, msu_ru_nsh_phoneset.scm."""

INDIC: Final = {
    "pau": SILENCE, "x": SILENCE, "a": "ə", "@": "ə", "aa": "a", "ih": "ɪ", "iy": "i",
    "uh": "ʊ", "uw": "u", "eh": "e", "ee": "e", "ay": "aɪ", "oh": "o", "oo": "o", "aw": "aʊ",
    "k": "k", "kh": "kʰ", "g": "ɡ", "gh": "ɡʰ", "ch": "tʃ", "j": "dʒ", "zh": "dʒʰ",
    "T": "ʈ", "td": "ʈʰ", "D": "ɖ", "N": "ɳ", "th": "t", "tth": "tʰ", "dh": "d", "ddh": "dʰ",
    "n": "n", "p": "p", "f": "f", "b": "b", "bh": "bʰ", "m": "m", "y": "j", "r": "ɾ", "R": "ɽ",
    "l": "l", "L": "ɭ", "v": "ʋ", "w": "w", "s": "s", "sh": "ʃ", "h": "ɦ", "ksh": "kʂ",
    "sri": "ʃɾ",
}  # fmt: skip
"""festival-te, -mr and -hi share one set: telugu_phones.scm."""

FESTIVAL_SETS: Final = {
    "en": ARPABET, "cs": CZECH, "it": ITALIAN, "ca": CATALAN, "fi": FINNISH, "ru": RUSSIAN,
    "te": INDIC, "mr": INDIC, "hi": INDIC,
}  # fmt: skip
"""Language -> the phone set of its festival voices."""

_ESPEAK_SPELLINGS: Final = {
    "ts.": "ʈʂ", "s.": "ʂ", "i.": "ɨ", "i̪": "ɨ", "o-": "ɤ", "nɡ": "ŋ", "ər": "ɚ",  # Mandarin
    "sx": "ɧ",  # Swedish
    # the Japanese nasal at a syllable's end; nasal vowels elsewhere are a vowel and a tilde
    "\u0169": "ɴ", "\u0129": "ɴ",
    "??": "ʔ",  # German, where a vowel begins
}  # fmt: skip
"""Where espeak-ng does not write IPA, or not the sound that lips make."""


def ipa_from_set(name: str, phone_set: dict[str, str]) -> str | None:
    """IPA letters of a phone in a synthesiser's own set, None where the set lacks it.

    Stress digits and length marks behind a name are passed over.
    """
    short = name.rstrip(":")
    return phone_set.get(name) or phone_set.get(short) or phone_set.get(short.rstrip("0123456789"))


def ipa_from_espeak(name: str) -> str | None:
    """IPA letters of a phone of espeak-ng, None where no sound can be read from it.

    A name in brackets announces another language; it and an empty name are silence.
    """
    if not name or name.startswith("("):
        return SILENCE
    if name == "ʲ":
        return "j"  # as a phone of its own it is the glide after a soft consonant
    for written, meant in _ESPEAK_SPELLINGS.items():
        name = name.replace(written, meant)
    name = re.sub(r"(?<=[ptkʂɕs])h", "ʰ", name)  # breath is no phone, it ends the stop
    return name if parse_ipa(name) else None
