"""Real English with phone times.

Flow      ../shared/samples/aligned_english -> sentences -> baselines, measures
Gives     Sentence: a recording, its band and its phones
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from benchmarks.articulation import sphinx
from benchmarks.articulation.arpabet import IPA, ipa_of
from portravox.articulation.phones import SILENCE
from portravox.media.waveform import Waveform
from portravox.speech.resample import speech_samples
from training.utterance import Phone

WIDEBAND, TELEPHONE = "wideband_16k", "telephone_8k"

OUTLIER_DEVIATIONS = 3.0
"""An alignment that fits worse than the set's median by this many standard deviations, these
estimated by the median absolute deviation, is dropped. Our choice, the usual one."""

MAD_TO_DEVIATION = 1.4826
"""Of a normal distribution."""


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """One aligned recording."""

    name: str
    band: str
    phones: tuple[Phone, ...]
    voice: Waveform

    @property
    def spoken(self) -> tuple[Phone, ...]:
        """Its phones without the silences."""
        return tuple(phone for phone in self.phones if phone.ipa != SILENCE)


def read_sentences(samples: Path) -> Iterator[Sentence]:
    """All aligned recordings, in the order of their file names."""
    folder = samples / "aligned_english"
    alignments = json.loads((folder / "alignments.json").read_text("utf-8"))
    for name, entry in sorted(alignments.items()):
        rate_hz, samples_int16 = wavfile.read(folder / name)
        voice = Waveform((samples_int16.astype(np.float32) / 32768.0)[:, np.newaxis], rate_hz)
        phones = tuple(Phone(ipa_of(p), float(a), float(b)) for p, a, b in entry["phones"])
        yield Sentence(name, entry["set"], phones, voice)


def well_aligned(sentences: Sequence[Sentence], cache: Path) -> list[Sentence]:
    """The sentences less those whose alignment fits by far worse than is usual in their band.

    The samples carry no scores. They are made again: each known sequence of phones is laid on its
    recording by PocketSphinx, which gives the same times and says how well they fit. Kept in the
    file `cache`, since that takes half a minute. Without PocketSphinx all are kept.
    """
    scores: dict[str, float] = json.loads(cache.read_text()) if cache.exists() else {}
    missing = [s for s in sentences if s.name not in scores]
    if missing and not sphinx.there_is_sphinx():
        return list(sentences)
    for sentence in missing:
        samples = speech_samples(sentence.voice)
        found = sphinx.aligned(samples, list(_arpabet_words(sentence.phones)))
        scores[sentence.name] = found.score if found else -np.inf
    if missing:
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(json.dumps(scores, indent=1))
    kept = []
    for band in dict.fromkeys(s.band for s in sentences):
        inside = [s for s in sentences if s.band == band]
        least = least_score([scores[s.name] for s in inside])
        kept += [s for s in inside if scores[s.name] >= least]
    return kept


def least_score(scores: Iterable[float]) -> float:
    """The score below which one stands out of these."""
    values = np.array(list(scores))
    median = float(np.median(values))
    deviation = MAD_TO_DEVIATION * float(np.median(np.abs(values - median)))
    return median - OUTLIER_DEVIATIONS * deviation


def _arpabet_words(phones: Iterable[Phone]) -> Iterator[list[str]]:
    """What is spoken between silences, each as one long word."""
    arpabet = {ipa: name for name, ipa in IPA.items()}
    word: list[str] = []
    for phone in phones:
        if phone.ipa != SILENCE:
            word.append(arpabet[phone.ipa])
        elif word:
            yield word
            word = []
    if word:
        yield word
