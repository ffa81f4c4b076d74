"""Methods to infer what a mouth does: ours, and those that it must beat.

Flow      Sentence, sound of a talking head -> baselines -> Answer -> measures, faces

live       ours on what the network knows 150 ms later (articulation.streaming); the decisions after
           it still see the whole recording
earlier    the product with the network of before (training/third_generation.onnx)
network    ours without what comes after the network
loudness   the jaw follows the level
rules      phonetics on the spectrum, nothing learnt (`rules/`)
allphone   a phone recogniser with its own model of English (PocketSphinx), as lip-sync programs
           of the kind of Rhubarb use it, its phones turned into curves by our own targets
oracle     the same targets from the known phones, where they are known: what a perfect recogniser
           would lead to
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy import ndimage

from benchmarks.articulation import sphinx
from benchmarks.articulation.rules import curves as rule_curves
from benchmarks.articulation.rules.features import rule_features
from benchmarks.articulation.sentences import Sentence
from portravox.arrays import Float32, Int32
from portravox.articulation.acoustic_model import (
    ACOUSTIC_CHANNELS,
    ARTICULATION_MODEL,
    AcousticOutput,
    infer,
)
from portravox.articulation.curves import CHANNELS, ArticulationCurves
from portravox.articulation.from_voice import curves_from_features
from portravox.articulation.lip_closures import LIVE
from portravox.articulation.phones import PHONE_CLASSES, SILENCE
from portravox.articulation.smoothing import smoothed
from portravox.articulation.streaming import infer_live
from portravox.inference import open_network
from portravox.media.waveform import Waveform
from portravox.speech.activity import FAINT_DBFS
from portravox.speech.features import speech_features
from portravox.speech.log_mel import normalized_log_mel
from portravox.speech.loudness import loudness_dbfs
from portravox.speech.mel import mel_power
from portravox.speech.resample import SAMPLES_PER_ROW, row_count, speech_samples
from training.targets import CURVES, targets
from training.utterance import Phone

THIRD_GENERATION = Path(__file__).resolve().parents[2] / "training" / "third_generation.onnx"

LOUD_PERCENTILE = 95.0
LOUD_RANGE_DB = 35.0
"""Between a shut and a wide open mouth, for the jaw that follows loudness."""

LOUD_SHUT = 0.1
"""Of its opening, below which it counts as shut."""


SHORT_PAUSE_ROWS = 15
"""Silence of less than 150 ms, in words and between them, is still speaking."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a method gives for a recording."""

    curves: ArticulationCurves
    classes: Int32 | None
    """(T,) index into PHONE_CLASSES of each row; None where it does not tell phones apart."""


Method = Callable[[Waveform], Answer]


def loudness(voice: Waveform) -> Answer:
    """The plainest: jaw and lips open with the level."""
    rows = row_count(voice)
    level_db = loudness_dbfs(mel_power(speech_samples(voice), rows))
    loud_db = max(FAINT_DBFS, float(np.percentile(level_db, LOUD_PERCENTILE)))
    opening = np.clip(1.0 - (loud_db - level_db) / LOUD_RANGE_DB, 0.0, 1.0) ** 1.5
    aperture = smoothed(opening.astype(np.float32), 7)
    shut = np.clip(1.0 - 0.5 * aperture / LOUD_SHUT, 0.0, 1.0)
    return Answer(
        _curves(
            voice, aperture=aperture, jaw=smoothed(aperture, 9), closure=shut, activity=opening
        ),
        None,
    )


def rules(voice: Waveform) -> Answer:
    """Phonetics on the spectrum."""
    return Answer(rule_curves.curves_from_features(rule_features(voice)), None)


def allphone(voice: Waveform, cache: Path | None = None) -> Answer:
    """Recognised English phones, turned into curves; the phones are kept in the folder `cache`."""
    samples = speech_samples(voice)
    if cache is None:
        return of_phones(sphinx.recognised(samples), voice)
    path = cache / f"{hashlib.sha256(samples.tobytes()).hexdigest()}.json"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        phones = [(p.ipa, p.start_s, p.end_s) for p in sphinx.recognised(samples)]
        path.write_text(json.dumps(phones, ensure_ascii=False), "utf-8")
    return of_phones(tuple(Phone(*phone) for phone in json.loads(path.read_text("utf-8"))), voice)


def ours(voice: Waveform) -> Answer:
    """The product."""
    return _in_one_go(voice, ARTICULATION_MODEL)


def live(voice: Waveform) -> Answer:
    """The product with an acoustic output that looks 150 ms ahead and no farther."""
    # a live voice has whole rows only; the recording's last one may be begun
    samples = np.pad(speech_samples(voice), (0, SAMPLES_PER_ROW))
    known = infer_live(samples)
    rows = row_count(voice)
    acoustic = AcousticOutput(known.curves[:rows], known.classes[:rows], known.speech[:rows])
    classes: Int32 = acoustic.classes.argmax(axis=1).astype(np.int32)
    curves = curves_from_features(speech_features(voice), acoustic=acoustic, rules=LIVE)
    return Answer(curves, classes)


def earlier(voice: Waveform) -> Answer:
    """The product with the third generation of the network."""
    return _in_one_go(voice, THIRD_GENERATION)


def _in_one_go(voice: Waveform, weights: Path) -> Answer:
    """As articulation.from_voice.articulate does it, asking the network once."""
    features = speech_features(voice)
    acoustic = infer(features.log_mel, open_network(weights))
    classes: Int32 = acoustic.classes.argmax(axis=1).astype(np.int32)
    return Answer(curves_from_features(features, acoustic=acoustic), classes)


def network(voice: Waveform, weights: Path = ARTICULATION_MODEL) -> Answer:
    """What the network alone says, before lip closures are decided and anything is smoothed.

    weights  an ONNX file: the product's own, or one that is still being trained
    """
    rows = row_count(voice)
    acoustic = infer(
        normalized_log_mel(mel_power(speech_samples(voice), rows)), open_network(weights)
    )
    channels = dict(zip(ACOUSTIC_CHANNELS, acoustic.curves.T, strict=True))
    classes: Int32 = acoustic.classes.argmax(axis=1).astype(np.int32)
    return Answer(_curves(voice, **channels, activity=acoustic.speech), classes)


def oracle(sentence: Sentence) -> Answer:
    """The targets of the aligned phones: what perfect recognition would lead to."""
    return of_phones(sentence.phones, sentence.voice)


def of_phones(phones: tuple[Phone, ...], voice: Waveform) -> Answer:
    """Curves as these phones let expect, by the table that the network is trained with."""
    rows = row_count(voice)
    wanted = targets(phones, rows)
    spoken = wanted.classes != PHONE_CLASSES.index(SILENCE)
    # the ends are held: outside, scipy takes everything for silence
    padded = np.pad(spoken, SHORT_PAUSE_ROWS, mode="edge")
    closed = ndimage.binary_closing(padded, np.ones(SHORT_PAUSE_ROWS, dtype=np.bool_))
    active = closed[SHORT_PAUSE_ROWS:-SHORT_PAUSE_ROWS]
    curves = dict(zip(CURVES, wanted.curves.T, strict=True))
    return Answer(
        _curves(voice, **curves, activity=active.astype(np.float32)),
        wanted.classes.astype(np.int32),
    )


def _curves(voice: Waveform, **channels: Float32) -> ArticulationCurves:
    """Curves with these channels, the others at rest."""
    values = np.zeros((row_count(voice), len(CHANNELS)), dtype=np.float32)
    for name, curve in channels.items():
        values[:, CHANNELS.index(name)] = curve
    return ArticulationCurves(values, voice.duration_s)


def all_methods(cache: Path | None = None, weights: Path = ARTICULATION_MODEL) -> dict[str, Method]:
    """Name -> method, ours first; network and recogniser only where they are there.

    cache    folder in which recognised phones are kept: they never change and take long
    weights  of the network that is measured alone
    """
    found: dict[str, Method] = {"ours": ours}
    if ARTICULATION_MODEL.exists():
        found["live"] = live
    if THIRD_GENERATION.exists():
        found["earlier"] = earlier
    if weights.exists():
        found["network"] = partial(network, weights=weights)
    found |= {"rules": rules, "loudness": loudness}
    if sphinx.there_is_sphinx():
        found["allphone"] = partial(allphone, cache=cache)
    return found
