"""Phones: the sounds of all languages in the letters of the International Phonetic Association.

Flow      phones -> articulation.acoustic_model, articulation.transcript,
          training, benchmarks

A string of IPA letters is read as a list of symbols; each symbol belongs to one of the classes
that our network tells apart. Classes are what differs on the lips or next to it in the sound, not
what differs in meaning: tones, length, nasality and aspiration are left out.
"""

from __future__ import annotations

from typing import Final

PHONE_CLASSES: Final = (
    "sil", "p", "b", "m", "f", "v", "th", "t", "d", "n", "l", "r", "s", "z", "sh", "zh",
    "k", "g", "ng", "h", "rr", "w", "j", "i", "y", "e", "eh", "a", "ah", "aw", "o", "u", "oe", "er",
)  # fmt: skip
"""sil is silence and whatever is not speech; r a trill or tap, rr the English one; th both dental
fricatives; eh, ah, aw, oe the open-mid and central vowels of bed, but, law, and French peur."""

_MEMBERS: Final = {
    "p": "p ʙ", "b": "b ɓ", "m": "m", "f": "f ɸ", "v": "v ɱ ʋ β ⱱ", "th": "θ ð",
    "t": "t ʈ c ts tɕ ʔ", "d": "d ɗ ɖ ɟ dz dʑ", "n": "n ɳ ɲ", "l": "l ɫ ʎ ɭ ɬ ɮ", "r": "r ɾ ɽ ɺ",
    "s": "s ɕ ç", "z": "z ʑ ʝ", "sh": "ʃ ʂ tʃ tʂ ʈʂ ɧ", "zh": "ʒ ʐ dʒ dʐ ɖʐ",
    "k": "k q", "g": "ɡ ɢ ɠ", "ng": "ŋ ɴ", "h": "h ɦ ħ ʕ x ɣ χ ʁ ʀ ʟ", "rr": "ɹ ɻ",
    "w": "w ʍ ɰ", "j": "j", "i": "i ɪ", "y": "y ʏ ɥ", "e": "e", "eh": "ɛ æ",
    "a": "a ɐ ɑ ɶ", "ah": "ə ʌ ɜ ɘ ɨ ɯ ɤ", "aw": "ɔ ɒ", "o": "o", "u": "u ʊ ʉ ɵ",
    "oe": "ø œ ɞ", "er": "ɝ ɚ",
}  # fmt: skip

CLASS_OF: Final[dict[str, str]] = {
    symbol: name for name, symbols in _MEMBERS.items() for symbol in symbols.split()
}
"""IPA symbol -> its class."""

SILENCE: Final = "sil"
VOWELS: Final = frozenset("iyɨʉɯuɪʏʊeøɘɵɤoəɚɝɛœɜɞʌɔæɐaɶɑɒ")
BILABIAL: Final = frozenset(symbol for name in "pbm" for symbol in _MEMBERS[name].split())
LABIODENTAL: Final = frozenset(symbol for name in "fv" for symbol in _MEMBERS[name].split())

_SPELLINGS: Final = {
    "g": "ɡ", "ᵻ": "ɪ", "ä": "a", "ʦ": "ts", "ʧ": "tʃ", "ʨ": "tɕ", "ʣ": "dz", "ʤ": "dʒ",
    "ʥ": "dʑ", "ɫ": "l",
}  # fmt: skip
"""Other ways to write the same."""

_LONGEST = max(len(symbol) for symbol in CLASS_OF)


def parse_ipa(text: str) -> list[str]:
    """The symbols of a string of IPA letters, in order; marks and unknown letters are passed over.

    "tʃɪmp" gives ["tʃ", "ɪ", "m", "p"]; a vowel written twice is one long vowel.
    """
    for written, meant in _SPELLINGS.items():
        text = text.replace(written, meant)
    text = text.replace("\u0361", "").replace("\u035c", "")  # tie bars
    symbols: list[str] = []
    at = 0
    while at < len(text):
        for length in range(min(_LONGEST, len(text) - at), 0, -1):
            symbol = text[at : at + length]
            if symbol in CLASS_OF:
                if not (symbol in VOWELS and symbols and symbols[-1] == symbol):
                    symbols.append(symbol)
                at += length
                break
        else:
            at += 1
    return symbols
