"""Other languages: closures where the known text has p, b, m, and rest where nobody speaks.

Flow      readings.json, samples/voices, Debian's prompts -> sphinx -> languages -> Part

There are no phone times for these. The text, in IPA, is laid on the recording by PocketSphinx with
its English model, each sound by the English phone nearest to it: a foreigner's ear, but one that
knows nothing of our network. Its times are rougher, so events may lie twice as far off as in
English.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.articulation import sphinx
from benchmarks.articulation.baselines import Answer
from benchmarks.articulation.bench import Bench
from benchmarks.articulation.measures import TOLERANCE_ROWS, Events, count_contacts
from benchmarks.articulation.prompts import read_sound_file
from benchmarks.articulation.sentences import Sentence
from benchmarks.quality.chapter import Check, Part, Row
from portravox.arrays import Float32
from portravox.articulation.curves import CURVE_RATE_HZ
from portravox.articulation.phones import CLASS_OF, SILENCE, parse_ipa
from portravox.speech.resample import speech_samples
from training.utterance import Phone

READINGS = Path(__file__).with_name("readings.json")
SOUNDS = Path("/usr/share/asterisk/sounds")

REACH_ROWS = 2 * TOLERANCE_ROWS

NAMES = {
    "de": "German", "es": "Spanish", "fr": "French", "it": "Italian", "ja": "Japanese",
    "ru": "Russian", "zh": "Mandarin",
}  # fmt: skip

NEAREST = {
    "p": "P", "b": "B", "m": "M", "f": "F", "v": "V", "th": "TH", "t": "T", "d": "D", "n": "N",
    "l": "L", "r": "R", "s": "S", "z": "Z", "sh": "SH", "zh": "ZH", "k": "K", "g": "G",
    "ng": "NG", "h": "HH", "rr": "R", "w": "W", "j": "Y", "i": "IY", "y": "UW", "e": "EY",
    "eh": "EH", "a": "AA", "ah": "AH", "aw": "AO", "o": "OW", "u": "UW", "oe": "ER", "er": "ER",
}  # fmt: skip
"""Class of phones -> the ARPAbet phone that sounds most like it."""

REST_S, REST_EDGE_S = 0.5, 0.25
"""Pauses that are looked at, and what is left out at both ends: lips come to rest and get ready."""

VOICELESS = ("noise_no_voice.wav", "digital_silence_1_5s.wav")
"""Recordings of samples/bad_audio in which nobody speaks: all of each is a pause."""

STILL = 0.05
"""Of a loud vowel's opening: less is not seen. Our choice."""


def other_languages(bench: Bench) -> list[Part]:
    """Closures by language, and what moves in pauses."""
    about = (
        "Known texts laid on the recordings by PocketSphinx with English phones; events count "
        "within 80 ms. 'reading': one recording of the samples; 'words': days, months and numbers "
        "of Debian's prompts."
    )
    if not sphinx.there_is_sphinx():
        return [Part("languages", "Other languages", about, skipped="PocketSphinx is missing")]
    spoken = aligned_readings(bench.samples, bench.cache / "languages.json")
    if bench.quick:
        spoken = {label: sentences[:12] for label, sentences in spoken.items()}
        spoken.pop("German, reading", None)
    if not spoken:
        missing = "neither the voices (samples/voices) nor the prompts are there"
        return [Part("languages", "Other languages", about, skipped=missing)]
    answers = {
        name: {label: [method(s.voice) for s in sentences] for label, sentences in spoken.items()}
        for name, method in bench.methods.items()
    }
    closures = _closures(spoken, answers, about)
    silent = list(_voiceless(bench.samples))
    for sentence in silent:
        spoken[sentence.name] = [sentence]
        for name, method in bench.methods.items():
            answers[name][sentence.name] = [method(sentence.voice)]
    return [closures, _pauses(spoken, answers)]


def aligned_readings(samples: Path, cache: Path) -> dict[str, list[Sentence]]:
    """Language and kind -> the recordings whose text could be laid on them.

    The alignments are kept in the file `cache`.
    """
    kept = json.loads(cache.read_text("utf-8")) if cache.exists() else {}
    found: dict[str, list[Sentence]] = {}
    for label, path, ipa in _readings(samples):
        voice = read_sound_file(path)
        if str(path.name) + label not in kept:
            phones = laid_on(speech_samples(voice), ipa)
            kept[str(path.name) + label] = [[p.ipa, p.start_s, p.end_s] for p in phones]
        phones = tuple(Phone(*phone) for phone in kept[str(path.name) + label])
        if phones:
            found.setdefault(label, []).append(Sentence(path.name, label, phones, voice))
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_text(json.dumps(kept, ensure_ascii=False), "utf-8")
    return found


def laid_on(samples: Float32, ipa: str) -> tuple[Phone, ...]:
    """The sounds of a text with their times; empty where the aligner finds no way.

    ipa  words with blanks between
    """
    words = [symbols for word in ipa.split() if (symbols := parse_ipa(word))]
    found = sphinx.aligned(samples, [[NEAREST[CLASS_OF[s]] for s in word] for word in words])
    if found is None:
        return ()
    said = iter([symbol for word in words for symbol in word])
    return tuple(
        phone if phone.ipa == SILENCE else Phone(next(said), phone.start_s, phone.end_s)
        for phone in found.phones
    )


def _readings(samples: Path) -> Iterator[tuple[str, Path, str]]:
    """(label, file, IPA) of all that are there."""
    readings = json.loads(READINGS.read_text("utf-8"))
    for name, entry in readings["recordings"].items():
        path = samples / "voices" / name
        if path.exists():
            yield f"{NAMES[entry['language']]}, reading", path, entry["ipa"]
    for language, entry in readings["words"].items():
        for name, ipa in entry["ipa"].items():
            path = SOUNDS / entry["folder"] / f"{name}.g722"
            if path.exists():
                yield f"{NAMES[language]}, words", path, ipa


def _voiceless(samples: Path) -> Iterator[Sentence]:
    """Recordings that are one long pause."""
    for name in VOICELESS:
        path = samples / "bad_audio" / name
        if path.exists():
            voice = read_sound_file(path)
            yield Sentence(name, name, (Phone(SILENCE, 0.0, voice.duration_s),), voice)


def _closures(
    spoken: Mapping[str, Sequence[Sentence]],
    answers: Mapping[str, Mapping[str, Sequence[Answer]]],
    about: str,
) -> Part:
    """Recall, precision and F1 of p, b, m and of f, v."""
    rows: list[Row] = []
    totals = {name: Events() for name in answers}
    for label, sentences in spoken.items():
        closures = {name: Events() for name in answers}
        labiodentals = {name: Events() for name in answers}
        for name in answers:
            for sentence, answer in zip(sentences, answers[name][label], strict=True):
                count_contacts(
                    sentence.phones,
                    answer.curves,
                    closures[name],
                    labiodentals[name],
                    REACH_ROWS,
                )
            totals[name] += closures[name]
        rows.append((f"{label}, p b m", *_cells(closures)))
        rows.append((f"{label}, f v", *_cells(labiodentals)))
    rows.append(("all, p b m", *_cells(totals)))
    columns = (f"{name} {what}" for name in answers for what in ("recall", "precision", "F1"))
    return Part("languages", "Other languages", about, ("speech", "wanted", *columns), tuple(rows))


def _cells(events: Mapping[str, Events]) -> list[float]:
    """How many were wanted, then three figures for each method."""
    figures = [figure for e in events.values() for figure in (e.recall, e.precision, e.f1)]
    return [next(iter(events.values())).wanted, *figures]


def _pauses(
    spoken: Mapping[str, Sequence[Sentence]],
    answers: Mapping[str, Mapping[str, Sequence[Answer]]],
) -> Part:
    """What the mouth does where nobody speaks."""
    rows: list[Row] = []
    checks = []
    ours = next(iter(answers))
    for label, sentences in spoken.items():
        openings = {
            name: np.concatenate(
                [
                    answer.curves["aperture"][rest]
                    for sentence, answer in zip(sentences, by_label[label], strict=True)
                    for rest in rests(sentence.phones)
                ]
                or [np.zeros(0, np.float32)]
            )
            for name, by_label in answers.items()
        }
        if not len(openings[ours]):
            continue
        largest = {name: float(np.percentile(o, 95.0)) for name, o in openings.items()}
        rows.append((label, len(openings[ours]) / CURVE_RATE_HZ, *largest.values()))
        text = f"{label}: opening in pauses {largest[ours]:.3f} (wanted ≤ {STILL})"
        checks.append(Check(text, largest[ours] <= STILL))
    return Part(
        "pauses",
        "Nothing moves in silence",
        "95th percentile of the aperture in pauses of half a second and more, less a quarter of a "
        "second at both ends; 1 is a loud open vowel.",
        ("speech", "seconds of pause", *answers),
        tuple(rows),
        tuple(checks),
    )


def rests(phones: tuple[Phone, ...]) -> Iterator[slice]:
    """Rows of each pause in which the mouth should have come to rest."""
    for phone in phones:
        if phone.ipa == SILENCE and phone.end_s - phone.start_s >= REST_S:
            first_s, last_s = phone.start_s + REST_EDGE_S, phone.end_s - REST_EDGE_S
            yield slice(round(first_s * CURVE_RATE_HZ), round(last_s * CURVE_RATE_HZ))
