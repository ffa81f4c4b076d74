"""The letters of American English phone recognisers, and what they stand for.

Flow      sphinx, sentences -> arpabet -> groups, chart
"""

from __future__ import annotations

from portravox.articulation.phones import SILENCE

IPA = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ", "B": "b", "CH": "tʃ",
    "D": "d", "DH": "ð", "EH": "ɛ", "ER": "ɝ", "EY": "eɪ", "F": "f", "G": "ɡ", "HH": "h",
    "IH": "ɪ", "IY": "i", "JH": "dʒ", "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ",
    "OW": "oʊ", "OY": "ɔɪ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t", "TH": "θ",
    "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip


def ipa_of(arpabet: str) -> str:
    """IPA of a phone, stress left out; what is no phone (SIL, noises) is silence."""
    return IPA.get(arpabet.rstrip("012"), SILENCE)
