"""The letters of American English phone recognisers, and what they stand for.

Flow      sphinx, sentences -> arpabet -> groups, chart
"""

from __future__ import annotations

from portravox.articulation.phones import SILENCE
from training.phone_maps import ARPABET

_NAMES = (
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW"
    " V W Y Z ZH"
)
"""The 39 phones of CMU's pronouncing dictionary; the synthesisers' set has more."""

IPA = {name: ARPABET[name.lower()] for name in _NAMES.split()}


def ipa_of(arpabet: str) -> str:
    """IPA of a phone, stress left out; what is no phone (SIL, noises) is silence."""
    return IPA.get(arpabet.rstrip("012"), SILENCE)
