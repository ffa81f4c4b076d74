"""Voices: who speaks in the corpus, under which licence, and what a synthesiser gives.

Flow      texts -> voices.espeak, voices.flite, voices.festival -> corpus
Gives     Recording: sound and phone times of one text, as the synthesiser made them

All synthesisers come from Debian packages (packages.txt). They are run as programs or, for
espeak-ng, through its C library; none of their code or data becomes part of the product.
"""

from __future__ import annotations

from dataclasses import dataclass

from portravox.arrays import Float32
from portravox.errors import EngineError
from training.utterance import Phone


class VoiceFailed(EngineError):
    """A synthesiser is not installed, or a voice gives no speech; other voices are unharmed."""

    code = "voice_failed"


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker of one synthesiser in one language."""

    synthesiser: str
    """espeak, flite or festival."""

    name: str
    """What the synthesiser calls the voice."""

    language: str
    """ISO 639-1 code of what it speaks."""

    minutes: float
    """Its weight in the corpus: about its speaking time in nine hours (training.corpus.plan)."""

    package: str
    """The Debian package with the voice."""

    licence: str
    """As /usr/share/doc/<package>/copyright states it (Debian 12)."""

    recorded: bool
    """Whether the sound derives from recordings of a person; espeak-ng computes it."""

    encoding: str = "utf-8"
    """What the voice wants its text in."""

    @property
    def source(self) -> str:
        """The voice's key in utterances and file names."""
        return self.synthesiser if not self.recorded else f"{self.synthesiser}-{self.name}"

    @property
    def permissive(self) -> bool:
        """Whether the licence asks nothing of what is made with the voice: all but the GPL."""
        return not self.licence.replace("LGPL", "").count("GPL")


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One text, spoken."""

    text: str

    samples: Float32
    """(N,) mono, any level."""

    rate_hz: int

    phones: tuple[Phone, ...]
    """From 0 to the end of the sound."""

    unknown: tuple[str, ...] = ()
    """Phone names of the synthesiser that we cannot read; such a recording is of no use."""


_ESPEAK = ("libespeak-ng1", "GPL-3+", False)
_FLITE = ("flite", "BSD-like (CMU)", True)
_CZECH = ("GPL-3+", True, "iso-8859-2")
_ITALIAN = ("GPL-2+", True, "iso-8859-1")
_FINNISH = ("LGPL-2+", True, "iso-8859-1")
_INDIC = ("GPL-2+", True)

VOICES: tuple[Voice, ...] = (
    # The clear shares go to voices cut from recordings: their sound is nearer to people.
    Voice("flite", "slt", "en", 37, *_FLITE),
    Voice("flite", "rms", "en", 37, *_FLITE),
    Voice("flite", "awb", "en", 37, *_FLITE),
    Voice("flite", "kal16", "en", 8, *_FLITE),
    Voice("flite", "kal", "en", 4, *_FLITE),
    Voice(
        "festival", "cmu_us_slt_arctic_hts", "en", 22,
        "festvox-us-slt-hts", "EST-2003 and BSD-3-clause", True,
    ),
    Voice("festival", "kal_diphone", "en", 12, "festvox-kallpc16k", "BSD-like (CSTR)", True),
    Voice("festival", "ked_diphone", "en", 20, "festvox-kdlpc16k", "BSD-like (CSTR)", True),
    Voice("festival", "czech_dita", "cs", 13, "festvox-czech-dita", *_CZECH),
    Voice("festival", "czech_machac", "cs", 13, "festvox-czech-machac", *_CZECH),
    Voice("festival", "czech_krb", "cs", 13, "festvox-czech-krb", *_CZECH),
    Voice("festival", "czech_ph", "cs", 13, "festvox-czech-ph", "GPL-2+", True, "iso-8859-2"),
    Voice("festival", "lp_diphone", "it", 16, "festvox-italp16k", *_ITALIAN),
    Voice("festival", "pc_diphone", "it", 16, "festvox-itapc16k", *_ITALIAN),
    Voice(
        "festival", "upc_ca_ona_hts", "ca", 13,
        "festvox-ca-ona-hts", "LGPL-2.1+ and BSD-3-clause", True, "iso-8859-1",
    ),
    Voice("festival", "suo_fi_lj_diphone", "fi", 13, "festvox-suopuhe-lj", *_FINNISH),
    Voice("festival", "hy_fi_mv_diphone", "fi", 13, "festvox-suopuhe-mv", *_FINNISH),
    Voice(
        "festival", "msu_ru_nsh_clunits", "ru", 22,
        "festvox-ru", "BSD-like, packaging GPL-3", True,
    ),
    # One speaker in three languages. The voices need the packages festival-te, -mr and -hi,
    # which they do not ask for themselves.
    Voice("festival", "telugu_NSK_diphone", "te", 8, "festvox-te-nsk", *_INDIC),
    Voice("festival", "marathi_NSK_diphone", "mr", 8, "festvox-mr-nsk", *_INDIC),
    Voice("festival", "hindi_NSK_diphone", "hi", 8, "festvox-hi-nsk", *_INDIC),
    # Mandarin twice as much as any other language.
    Voice("espeak", "cmn-latn-pinyin", "zh", 46, *_ESPEAK),
    Voice("espeak", "en-us", "en", 14, *_ESPEAK),
    Voice("espeak", "en", "en", 9, *_ESPEAK),
    Voice("espeak", "es", "es", 6, *_ESPEAK),
    Voice("espeak", "es-419", "es", 7, *_ESPEAK),
    Voice("espeak", "fr", "fr", 14, *_ESPEAK),
    Voice("espeak", "de", "de", 12, *_ESPEAK),
    Voice("espeak", "ja", "ja", 14, *_ESPEAK),
    Voice("espeak", "ko", "ko", 10, *_ESPEAK),
    Voice("espeak", "ru", "ru", 8, *_ESPEAK),
    Voice("espeak", "pt-br", "pt", 6, *_ESPEAK),
    Voice("espeak", "pt", "pt", 4, *_ESPEAK),
    Voice("espeak", "ar", "ar", 8, *_ESPEAK),
    Voice("espeak", "hi", "hi", 8, *_ESPEAK),
    Voice("espeak", "it", "it", 6, *_ESPEAK),
    Voice("espeak", "nl", "nl", 6, *_ESPEAK),
    Voice("espeak", "sv", "sv", 6, *_ESPEAK),
    Voice("espeak", "pl", "pl", 6, *_ESPEAK),
    Voice("espeak", "cs", "cs", 4, *_ESPEAK),
    Voice("espeak", "tr", "tr", 5, *_ESPEAK),
)  # fmt: skip

CLOSED_SHARE: dict[str, dict[str, float]] = {
    "espeak": {"p": 0.53, "b": 0.60, "m": 0.75},
    "flite": {"p": 0.78, "b": 0.85, "m": 1.0},
    "flite-slt": {"p": 0.65, "b": 0.82, "m": 1.0},
    "flite-rms": {"p": 0.57, "b": 0.81, "m": 0.95},
    "flite-awb": {"p": 0.79, "b": 0.90, "m": 1.0},
    "festival": {"p": 0.87, "b": 0.94, "m": 1.0},
    "festival-cmu_us_slt_arctic_hts": {"p": 0.52, "b": 0.85, "m": 1.0},
    "festival-ked_diphone": {"p": 0.75, "b": 0.94, "m": 1.0},
    "festival-msu_ru_nsh_clunits": {"p": 0.75, "b": 0.81, "m": 0.85},
    "festival-telugu_NSK_diphone": {"p": 0.77, "b": 0.85, "m": 0.9},
    "festival-marathi_NSK_diphone": {"p": 0.77, "b": 0.91, "m": 1.0},
    "festival-hindi_NSK_diphone": {"p": 0.77, "b": 0.91, "m": 1.0},
    "person": {"p": 0.9, "b": 0.9, "m": 1.0},
}
"""Share of the segment of a p, b or m for which the lips stay shut; by synthesiser, or by full
source name where one voice differs. "person" is training.real_speech, whose stops end with the
burst.

Measured on the corpus: median, over 15 to 300 segments between vowels, of the moment when the level
from 1.2 to 7 kHz has risen half way (in dB) from its lowest to that of the following sound. The
quartiles lie 0.02 to 0.1 to either side. What comes after is the burst, breath, or the opening into
the vowel.
"""
