"""PocketSphinx with its own model of American English: the one doorway to it.

Flow      speech.resample -> sphinx -> baselines, sentences
Reads     mono samples at 16 kHz
Gives     phones with times: recognised freely, or a known sequence laid on the sound

Its model was trained on wide-band read speech; its times are steps of 10 ms and wrong by 20-50 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.articulation.arpabet import ipa_of
from portravox.arrays import Float32
from portravox.speech.resample import ROW_RATE_HZ, SPEECH_RATE_HZ
from training.utterance import Phone

if TYPE_CHECKING:
    from pocketsphinx import Decoder

PEAK = 0.8
QUIETEST_PEAK = 0.02
"""Quieter recordings are not brought up to PEAK: there is nothing in them but noise."""

DITHER = 1e-4
"""Standard deviation of noise that is laid over: its model knows no digital silence."""

PADDING_S = 0.25
"""Silence before and after; without it an alignment often does not reach its last state."""

BEAMS: tuple[dict[str, Any], ...] = (
    {},
    {"beam": 1e-60, "wbeam": 1e-40, "pbeam": 1e-60},
    {"bestpath": False},
    {"beam": 1e-90, "wbeam": 1e-60, "pbeam": 1e-90},
)
"""Ways to search, the quickest first; what one cannot align another often can."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """A known sequence of phones laid on a recording."""

    phones: tuple[Phone, ...]
    score: float
    """Log likelihood of the phones per row, in units of the library; lower fits worse."""


def there_is_sphinx() -> bool:
    """The package is installed and its model complete."""
    try:
        from pocketsphinx import get_model_path
    except ImportError:
        return False
    return Path(get_model_path("en-us/en-us-phone.lm.bin")).exists()


def recognised(samples: Float32) -> tuple[Phone, ...]:
    """The phones found, without a dictionary, by the model's own statistics of phone sequences."""
    decoder = _recogniser()
    decoder.reinit_feat()  # or it would remember the noise of the recording before
    _listen(decoder, _pcm(samples, 0.0))
    return tuple(
        Phone(ipa_of(s.word), s.start_frame / ROW_RATE_HZ, (s.end_frame + 1) / ROW_RATE_HZ)
        for s in decoder.seg()
        if not s.word.startswith("(")
    )


def aligned(samples: Float32, words: Sequence[Sequence[str]]) -> Alignment | None:
    """Times for the ARPAbet phones of each word; None where no way of searching finds any.

    The silence after the last word may end up to PADDING_S after the recording.
    """
    pcm = _pcm(samples, PADDING_S)
    for beams in BEAMS:
        found = _aligned(pcm, words, beams)
        if found is not None:
            return found
    return None


@cache
def dictionary() -> dict[str, tuple[str, ...]]:
    """English words in small letters and the phones of their first pronunciation."""
    from pocketsphinx import get_model_path

    lines = Path(get_model_path("en-us/cmudict-en-us.dict")).read_text("utf-8").splitlines()
    entries = (line.split() for line in lines)
    return {word: tuple(phones) for word, *phones in entries if not word.endswith(")")}


@cache
def _recogniser() -> Decoder:
    from pocketsphinx import Decoder, get_model_path

    return Decoder(
        hmm=get_model_path("en-us/en-us"),
        allphone=get_model_path("en-us/en-us-phone.lm.bin"),
        # as the library's own guide to phone recognition has them
        lw=2.0,
        pip=0.3,
        beam=1e-20,
        pbeam=1e-20,
        dict=None,
        lm=None,
        loglevel="FATAL",
    )


def _aligned(pcm: bytes, words: Sequence[Sequence[str]], beams: dict[str, Any]) -> Alignment | None:
    from pocketsphinx import Decoder, get_model_path

    decoder = Decoder(
        hmm=get_model_path("en-us/en-us"), dict=None, lm=None, loglevel="FATAL", **beams
    )
    names = ["_".join(word) for word in words]
    for name, word in dict(zip(names, words, strict=True)).items():
        decoder.add_word(name, " ".join(word), True)
    try:
        decoder.set_align_text(" ".join(names))
        _listen(decoder, pcm)
        if decoder.hyp() is None:
            return None
        decoder.set_alignment()
        _listen(decoder, pcm)
    except RuntimeError:  # how it says that the last state was not reached
        return None
    found = [phone for word in decoder.get_alignment() for phone in word]
    spoken = [phone for phone in found if ipa_of(phone.name) != ipa_of("SIL")]
    if not spoken:
        return None
    phones = tuple(
        Phone(
            ipa_of(phone.name),
            max(0.0, phone.start / ROW_RATE_HZ - PADDING_S),
            max(0.0, (phone.start + phone.duration) / ROW_RATE_HZ - PADDING_S),
        )
        for phone in found
    )
    return Alignment(phones, sum(p.score for p in spoken) / sum(p.duration for p in spoken))


def _listen(decoder: Decoder, pcm: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(pcm, no_search=False, full_utt=True)
    decoder.end_utt()


def _pcm(samples: Float32, padding_s: float) -> bytes:
    """16-bit samples at PEAK."""
    padding = np.zeros(round(padding_s * SPEECH_RATE_HZ), np.float32)
    peak = max(QUIETEST_PEAK, float(np.abs(samples).max(initial=0.0)))
    level = np.concatenate([padding, samples * (PEAK / peak), padding])
    level = level + np.random.default_rng(0).normal(0.0, DITHER, len(level))
    return bytes((np.clip(level, -1.0, 1.0) * 32767.0).astype(np.int16))
