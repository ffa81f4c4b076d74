"""Utterances: synthesised speech with exact phone times, and the folder they are kept in.

Flow      training.voices -> utterance -> training.features
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000

PERSON = "person"
"""How the source of a real person's recording begins: training.real_speech."""

SYLLABLES, WORDS = "syllables", "words"
"""The rest of it, and the sets of Mandarin: of Chen Wang and of Yue Tan (training.mandarin)."""

LIU = "liu"
"""Syllables of Mandarin by Edward Der-Hua Liu (training.gcin_voice)."""


@dataclass(frozen=True, slots=True)
class Phone:
    """One segment; segments of an utterance follow each other without gaps."""

    ipa: str
    """IPA letters, one phone or a diphthong, affricate, syllable final; "sil" for silence."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """One sentence in one voice."""

    samples: NDArray[np.int16]
    """(N,) mono, RATE_HZ."""

    phones: tuple[Phone, ...]
    source: str
    """What made it: "espeak", "flite-slt", "festival-czech_ph" ..."""

    language: str
    """ISO 639-1 code of what is spoken."""

    text: str
    style: str = "plain"
    """plain, whispered, sung."""

    @property
    def voice(self) -> str:
        """The source whatever the style: "sung-flite-slt" is said by "flite-slt"."""
        return self.source.removeprefix(f"{self.style}-")


def save(utterances: Iterable[Utterance], path: Path) -> None:
    """One .npz with all samples end to end, and a .json of the same name with the rest."""
    kept = list(utterances)
    path.parent.mkdir(parents=True, exist_ok=True)
    lengths = np.array([len(u.samples) for u in kept], dtype=np.int64)
    samples = np.concatenate([u.samples for u in kept]) if kept else np.zeros(0, np.int16)
    notes = [
        {
            "source": u.source,
            "language": u.language,
            "text": u.text,
            "style": u.style,
            "phones": [[p.ipa, round(p.start_s, 5), round(p.end_s, 5)] for p in u.phones],
        }
        for u in kept
    ]
    # the .npz last and in one move: its presence says that the part is whole
    path.with_suffix(".json").write_text(json.dumps(notes, ensure_ascii=False), encoding="utf-8")
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, samples=samples, lengths=lengths)
    part.replace(path.with_suffix(".npz"))


def load(path: Path) -> list[Utterance]:
    """What save() kept."""
    with np.load(path.with_suffix(".npz")) as arrays:
        samples, lengths = arrays["samples"], arrays["lengths"]
    notes = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    ends = np.cumsum(lengths)
    return [
        Utterance(
            samples[end - length : end],
            tuple(Phone(*p) for p in note["phones"]),
            note["source"],
            note["language"],
            note["text"],
            note["style"],
        )
        for note, length, end in zip(notes, lengths, ends, strict=True)
    ]
