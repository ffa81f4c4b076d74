"""Mandarin by people: recordings of syllables and words whose readings are known from their names.

Flow      archives of MP3 files -> mandarin -> training.real_speech, benchmarks.articulation
Reads     syllables.tar (`cmn-{pinyin}{tone}.mp3`) and words.tar (`cmn-{hanzi}.mp3`) from the
          public repository hugolpz/audio-cmn, folders 64k/syllabs and 64k/hsk, both CC BY-SA
Gives     MandarinTake: samples and the syllables that are said

A tenth of each set, drawn by the names, is measured, and another tenth is there for choosing
thresholds and mixes of weights. Both are held out of all training: what is measured was never
learnt from and nothing was chosen by it.
"""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np

from portravox.arrays import Float32
from portravox.articulation.transcript import pinyin_ipa
from portravox.media.sound_frames import float_samples
from portravox.media.waveform import Waveform
from portravox.speech.resample import speech_samples
from training.utterance import SYLLABLES, WORDS

CORPUS: Final = Path(__file__).resolve().parents[2] / "shared" / "corpora" / "mandarin"
"""Where the two archives lie beside a checkout; MANDARIN=... of `make` names another folder."""

TENTHS: Final = 10
MEASURED, FOR_CHOOSING = 0, 1
"""Recordings are dealt into so many parts of equal size by their names: these two are held out."""

NO_ERHUA: Final = frozenset("女幼婴孤胎少男健宠孩混")
"""Before 儿, these keep two syllables: daughter, infant ..."""

Syllable = tuple[str, str]
"""Initial and final in pinyin, as the scheme of 1958 spells them in full; "v" is ü."""


@dataclass(frozen=True, slots=True)
class MandarinTake:
    """One recording."""

    name: str
    """Its file's name without `cmn-` and ending."""

    speaker: str
    """SYLLABLES or WORDS, each read by one woman; LIU of training.gcin_voice."""

    syllables: tuple[Syllable, ...]
    data: bytes
    """MP3"""

    @property
    def tenth(self) -> int:
        """Which of the TENTHS it belongs to, by its name alone."""
        return zlib.crc32(f"{self.speaker} {self.name}".encode()) % TENTHS

    @property
    def held_out(self) -> bool:
        """Not to be learnt from."""
        return self.tenth in (MEASURED, FOR_CHOOSING)

    def voice(self) -> Waveform:
        """Decode."""
        with av.open(io.BytesIO(self.data), "r") as container:
            blocks = [float_samples(frame) for frame in container.decode(audio=0)]
            rate_hz = container.streams.audio[0].codec_context.sample_rate
        return Waveform(np.concatenate(blocks), rate_hz)

    def samples(self) -> Float32:
        """(N,) mono, 16 kHz."""
        return speech_samples(self.voice())


def mandarin_takes(folder: Path = CORPUS) -> Iterator[MandarinTake]:
    """All recordings whose name can be read, syllables first, by name."""
    for speaker in (SYLLABLES, WORDS):
        path = folder / f"{speaker}.tar"
        if not path.exists():
            continue
        with tarfile.open(path) as archive:
            for member in sorted(archive.getmembers(), key=lambda member: member.name):
                name = Path(member.name).stem.removeprefix("cmn-")
                file = archive.extractfile(member) if member.isfile() else None
                said = reading(name, speaker) if file else ()
                if file and said:
                    yield MandarinTake(name, speaker, said, file.read())


def reading(name: str, speaker: str) -> tuple[Syllable, ...]:
    """The syllables of a recording by its name; none where that is no reading.

    A pattern with a gap ("_") and rare sounds without a vowel are left out.
    """
    if "_" in name:
        return ()
    said = _of_pinyin(name) if speaker == SYLLABLES else _of_characters(name)
    return said if all(pinyin_ipa(*syllable) for syllable in said) else ()


def _of_pinyin(name: str) -> tuple[Syllable, ...]:
    from pypinyin.contrib.tone_convert import to_finals, to_initials

    plain = name.rstrip("12345")
    return ((to_initials(plain, strict=True), to_finals(plain, strict=True, v_to_u=False)),)


def _of_characters(name: str) -> tuple[Syllable, ...]:
    """Read in its context by pypinyin; 儿 at the end colours the vowel before it (erhua)."""
    import pypinyin

    initials, finals = (
        pypinyin.lazy_pinyin(name, style=style, strict=True)
        for style in (pypinyin.Style.INITIALS, pypinyin.Style.FINALS)
    )
    if len(initials) != len(name) or len(finals) != len(name):
        return ()
    said = list(zip(initials, finals, strict=True))
    coloured = len(name) > 1 and name[-1] == "儿" and name[-2] not in NO_ERHUA
    if coloured and said[-2][1].endswith("n"):
        initial, final = said[-2]
        said[-2] = initial, _WITHOUT_N.get(final, final)
    return tuple(said)


_WITHOUT_N: Final = {
    "an": "a", "ian": "ia", "uan": "ua", "van": "ve", "en": "e", "in": "i", "uen": "uei", "vn": "v",
}  # fmt: skip
"""Finals that lose their n when the tongue curls: 一点儿 is said diar."""
