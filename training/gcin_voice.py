"""Mandarin by a third person: the syllables of Debian's package gcin-voice, one recording a tone.

Flow      /usr/share/gcin-voice -> gcin_voice -> benchmarks.articulation
Gives     MandarinTake: samples and the syllable that is said

A folder is named by the syllable in Bopomofo and its tone. The man speaks them fast, 0.2 to 0.5 s
each, and they are cut tightly, some within their first sound. The package's second voice is left
out: a singing synthesiser spoke it. No network has learnt from any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from portravox.articulation.transcript import pinyin_ipa
from training.mandarin import MandarinTake, Syllable
from training.utterance import LIU

FOLDER: Final = Path("/usr/share/gcin-voice/ogg")

FILE: Final = "3.ogg"
"""In each folder, spoken by Edward Der-Hua Liu (/usr/share/doc/gcin-voice/copyright)."""

TONES: Final = "1234"
"""Behind the Bopomofo; without, the first tone. "1" is the neutral one."""

NEUTRAL: Final = "˙"
"""What pypinyin writes behind a syllable without a tone."""


def gcin_takes(folder: Path = FOLDER) -> Iterator[MandarinTake]:
    """All recordings whose name can be read, by name."""
    for path in sorted(folder.glob(f"*/{FILE}")):
        name = path.parent.name
        syllable = _syllables().get(name.rstrip(TONES))
        if syllable and pinyin_ipa(*syllable):
            yield MandarinTake(name, LIU, (syllable,), path.read_bytes())


@cache
def _syllables() -> dict[str, Syllable]:
    """Bopomofo without its tone -> initial and final, of all syllables of the dictionary."""
    from pypinyin import Style, pinyin_dict
    from pypinyin.contrib.tone_convert import to_finals, to_initials, to_normal
    from pypinyin.style import convert

    plain = {
        to_normal(reading, v_to_u=False)
        for readings in pinyin_dict.pinyin_dict.values()
        for reading in readings.split(",")
    }
    return {
        convert(syllable, Style.BOPOMOFO, strict=True).rstrip(NEUTRAL): (
            to_initials(syllable, strict=True),
            to_finals(syllable, strict=True, v_to_u=False),
        )
        for syllable in sorted(plain)
    }
