"""Bad recordings: what is lost of the clean figures.

Flow      sentences -> robustness (noise, telephone, faint, music, babble) -> measures -> Part
Reads     the aligned sentences
Gives     figures in each condition, and the loss against clean
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import soxr
from scipy import signal

from benchmarks.articulation.bench import QUICK_STEP, Bench
from benchmarks.articulation.english import ABOUT as ENGLISH
from benchmarks.articulation.english import TITLES, scored
from benchmarks.articulation.measures import Score
from benchmarks.articulation.sentences import Sentence, read_sentences, well_aligned
from benchmarks.quality.chapter import Check, Part, Row
from portravox.arrays import Float32
from portravox.media.waveform import Waveform
from portravox.speech.resample import SPEECH_RATE_HZ, speech_samples

MOST_LOST = 0.15
"""Of the clean figure."""

NOISE_DB, BABBLE_DB, MUSIC_DB = 10.0, 10.0, 12.0
"""How far noise, other voices and music lie below the voice (mean powers)."""

FAINT_DBFS = -50.0
"""Level of the whole recording, with a 16-bit file's steps."""

TELEPHONE_HZ = (300.0, 3400.0)
TELEPHONE_RATE_HZ = 8_000

BABBLE_VOICES = 6

CHORD_S = 0.5
CHORDS_HZ = (
    (130.8, 261.6, 329.6, 392.0),  # C
    (110.0, 261.6, 329.6, 440.0),  # A minor
    (87.3, 261.6, 349.2, 440.0),  # F
    (98.0, 246.9, 293.7, 392.0),  # G
)
OVERTONES = 8
BEAT_DECAY_S = 0.05

FIGURES = ("aperture r", "6-class accuracy", "closure F1", "f/v recall", "rounding AUC")

Spoil = Callable[[Float32, np.random.Generator], Float32]
"""(N,) at 16 kHz -> (N,)"""


def white_noise(samples: Float32, rng: np.random.Generator) -> Float32:
    """Of equal power at all frequencies."""
    return mixed(samples, rng.standard_normal(len(samples)).astype(np.float32), NOISE_DB)


def telephone(samples: Float32, rng: np.random.Generator) -> Float32:
    """300 to 3400 Hz in 8-bit mu-law (ITU-T G.711)."""
    narrow = soxr.resample(samples, SPEECH_RATE_HZ, TELEPHONE_RATE_HZ)
    band = signal.butter(4, TELEPHONE_HZ, "bandpass", fs=TELEPHONE_RATE_HZ, output="sos")
    narrow = signal.sosfilt(band, narrow)
    narrow = 0.5 * narrow / max(float(np.abs(narrow).max()), 1e-6)
    steps = np.round(127.0 * np.sign(narrow) * np.log1p(255.0 * np.abs(narrow)) / np.log(256.0))
    decoded = np.sign(steps) * (256.0 ** np.abs(steps / 127.0) - 1.0) / 255.0
    wide = soxr.resample(decoded.astype(np.float32), TELEPHONE_RATE_HZ, SPEECH_RATE_HZ)
    fitted = np.zeros_like(samples)
    fitted[: len(wide)] = wide[: len(samples)]
    return fitted


def faint(samples: Float32, rng: np.random.Generator) -> Float32:
    """Recorded far too low."""
    level = 10.0 ** (FAINT_DBFS / 20.0) / max(float(np.sqrt(np.mean(samples**2))), 1e-9)
    stepped: Float32 = (np.round(samples * level * 32767.0) / 32767.0).astype(np.float32)
    return stepped


def music(samples: Float32, rng: np.random.Generator) -> Float32:
    """Chords of strings and a beat under the voice."""
    times_s = np.arange(len(samples)) / SPEECH_RATE_HZ
    number = (times_s / CHORD_S).astype(int) % len(CHORDS_HZ)
    within_s = times_s % CHORD_S
    band = np.zeros(len(samples))
    for index, chord in enumerate(CHORDS_HZ):
        for note_hz in chord:
            for overtone in range(1, OVERTONES + 1):
                tone = np.sin(2.0 * np.pi * note_hz * overtone * times_s) / overtone
                band += np.where(number == index, tone, 0.0)
    band *= 0.4 + 0.6 * np.exp(-within_s / CHORD_S)
    beat = rng.standard_normal(len(samples)) * np.exp(-within_s / BEAT_DECAY_S)
    return mixed(samples, (band + 2.0 * beat).astype(np.float32), MUSIC_DB)


CONDITIONS: Mapping[str, Spoil] = {
    "noise 10 dB": white_noise,
    "telephone": telephone,
    "-50 dBFS": faint,
    "music -12 dB": music,
}

BABBLE = "babble 10 dB"
"""Other people talking, for information: they move their lips too."""


def mixed(samples: Float32, other: Float32, below_db: float) -> Float32:
    """Two sounds, the second that far below the first."""
    ratio = np.mean(samples**2) / max(float(np.mean(other**2)), 1e-12)
    return samples + other * np.float32(np.sqrt(ratio) * 10.0 ** (-below_db / 20.0))


def bad_recordings(bench: Bench) -> list[Part]:
    """Each band of the aligned sentences in each condition."""
    if not (bench.samples / "aligned_english").is_dir():
        missing = "the aligned recordings (samples/aligned_english) are not there"
        return [Part("robustness", "Bad recordings", ENGLISH, skipped=missing)]
    sentences = well_aligned(
        list(read_sentences(bench.samples)), bench.cache / "alignment_scores.json"
    )
    if bench.quick:
        sentences = sentences[:: 4 * QUICK_STEP]
    spoilt = {
        "clean": sentences,
        **{name: list(spoil_all(sentences, spoil)) for name, spoil in CONDITIONS.items()},
        BABBLE: list(with_babble(sentences)),
    }
    scores = {
        name: {condition: scored(takes, method) for condition, takes in spoilt.items()}
        for name, method in bench.methods.items()
    }
    return [_part(band, scores) for band in TITLES]


def spoil_all(sentences: Sequence[Sentence], spoil: Spoil) -> Iterator[Sentence]:
    """The same sentences, spoilt alike in every run."""
    for index, sentence in enumerate(sentences):
        samples = spoil(speech_samples(sentence.voice), np.random.default_rng(index))
        yield replace(sentence, voice=_voice(samples))


def with_babble(sentences: Sequence[Sentence]) -> Iterator[Sentence]:
    """The same sentences, each with several others behind it."""
    voices = [speech_samples(sentence.voice) for sentence in sentences]
    for index, sentence in enumerate(sentences):
        rng = np.random.default_rng(index)
        others = rng.permutation([i for i in range(len(voices)) if i != index])[:BABBLE_VOICES]
        crowd = np.zeros_like(voices[index])
        for other in others:
            voice = np.resize(voices[other], len(crowd))
            crowd += voice / max(float(np.sqrt(np.mean(voice**2))), 1e-6)
        yield replace(sentence, voice=_voice(mixed(voices[index], crowd, BABBLE_DB)))


def _part(band: str, scores: Mapping[str, Mapping[str, Mapping[str, Score]]]) -> Part:
    """A row for each figure in each condition; two columns for each method, ours first."""
    figures = {
        (name, condition): score[band].figures()
        for name, conditions in scores.items()
        for condition, score in conditions.items()
    }
    rows: list[Row] = []
    checks = []
    for condition in next(iter(scores.values())):
        for figure in FIGURES:
            cells: list[float] = []
            for name in scores:
                clean, spoilt = figures[name, "clean"][figure], figures[name, condition][figure]
                cells += [spoilt, 1.0 - spoilt / clean if clean else math.nan]
            rows.append((f"{condition}, {figure}", *cells))
            lost = cells[1]
            if condition in CONDITIONS and not math.isnan(lost):
                text = f"{figure} loses {100 * lost:.0f} % by {condition} (allowed 15 %)"
                checks.append(Check(text, lost <= MOST_LOST))
    columns = (column for name in scores for column in (name, f"{name} loses"))
    return Part(
        f"robustness_{band}",
        TITLES[band].replace("Aligned English", "Bad recordings"),
        "The aligned sentences, spoilt. A loss is a share of the same method's clean figure; "
        "babble is there for information.",
        ("condition, figure", *columns),
        tuple(rows),
        tuple(checks),
    )


def _voice(samples: Float32) -> Waveform:
    return Waveform(samples[:, np.newaxis], SPEECH_RATE_HZ)
