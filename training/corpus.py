"""Corpus: hours of synthesised speech in many voices and languages, with exact phone times.

Flow      texts, voices, styles -> corpus -> utterance, kept in one folder -> training.features
Run       python -m training.corpus --out DIR [--hours H] [--seed S] [--licences all|permissive]

The corpus is a list of parts, one file a voice and language; a part that is there already is kept,
so that a broken run goes on where it ended. Every part has random numbers and a process of its own
(espeak-ng's sound depends on what it said before): the same seed gives the same part, whatever else
is made.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

import numpy as np
import soxr

from portravox.articulation.phones import SILENCE
from portravox.errors import PortravoxError
from training import styles
from training.texts import texts
from training.utterance import RATE_HZ, Phone, Utterance, load, save
from training.voices import VOICES, Recording, Voice, VoiceFailed, espeak, festival, flite

USUAL_HOURS = 9.6

PEAK = 0.7
"""Of full scale; levels do not reach the network."""

RESAMPLED_SHARE = 0.75
RESAMPLING = (0.86, 1.18)
"""Pitch, formants and tempo times so much: one recorded voice stands for a family of them."""

LONGEST_SILENCE_S = 0.3
"""At the beginning and the end; what is longer is cut."""

SHORTEST_S = 0.4
LONGEST_S = 20.0

SUNG_MINUTES = 25.0
WHISPERED_MINUTES = 20.0

_SUNG_FROM = (
    "flite-slt-en", "flite-rms-en", "flite-awb-en", "festival-ked_diphone-en",
    "festival-cmu_us_slt_arctic_hts-en", "festival-lp_diphone-it", "festival-pc_diphone-it",
    "festival-czech_dita-cs", "festival-msu_ru_nsh_clunits-ru", "festival-suo_fi_lj_diphone-fi",
    "festival-upc_ca_ona_hts-ca", "espeak-cmn-latn-pinyin-zh", "espeak-fr-fr", "espeak-ja-ja",
)  # fmt: skip
_WHISPERED_FROM = (
    "flite-slt-en", "flite-rms-en", "flite-awb-en", "festival-ked_diphone-en",
    "festival-kal_diphone-en", "festival-czech_machac-cs", "festival-czech_dita-cs",
    "festival-msu_ru_nsh_clunits-ru", "festival-hy_fi_mv_diphone-fi",
    "festival-telugu_NSK_diphone-te", "espeak-cmn-latn-pinyin-zh", "espeak-es-es",
)  # fmt: skip

_SYNTHESISERS: dict[str, ModuleType] = {"espeak": espeak, "flite": flite, "festival": festival}

_BATCH = 60
_USUAL_S = 3.2
"""One utterance, to guess how many are still needed."""

_FRUITLESS_BATCHES = 3


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the corpus."""

    voice: Voice
    style: str
    seconds: float

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        prefix = "" if self.style == "plain" else f"{self.style}-"
        return prefix + part_name(self.voice)


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a part."""

    part: Part
    seconds: float
    unknown: Counter[str]
    """Phone names that made utterances unusable."""

    failure: str = ""


def part_name(voice: Voice) -> str:
    """A voice's plain part; espeak-ng's voices are told apart by their own names."""
    source = voice.source if voice.recorded else f"{voice.source}-{voice.name}"
    return f"{source}-{voice.language}"


def plan(hours: float, licences: str = "all") -> list[Part]:
    """The parts of a corpus.

    hours     with all licences; "permissive" is what remains of that plan, for more voices teach
              more than more text
    licences  "all", or "permissive" for voices under no GPL
    """
    by_name = {part_name(voice): voice for voice in VOICES}
    parts = [Part(voice, "plain", 60.0 * voice.minutes) for voice in VOICES]
    for style, minutes, names in (
        ("sung", SUNG_MINUTES, _SUNG_FROM),
        ("whispered", WHISPERED_MINUTES, _WHISPERED_FROM),
    ):
        parts += [Part(by_name[name], style, 60.0 * minutes / len(names)) for name in names]
    scale = 3600.0 * hours / sum(part.seconds for part in parts)
    return [
        Part(part.voice, part.style, scale * part.seconds)
        for part in parts
        if licences == "all" or part.voice.permissive
    ]


def utterances(part: Part, seed: int, unknown: Counter[str]) -> Iterator[Utterance]:
    """The utterances of a part, until they last as long as it should.

    unknown  collects the names of phones that we cannot read
    raises   VoiceFailed where the voice gives nothing
    """
    rng = np.random.default_rng([seed, zlib.crc32(part.name.encode())])
    said = texts(part.voice.language, rng)
    synthesiser = _SYNTHESISERS[part.voice.synthesiser]
    left_s, fruitless = part.seconds, 0
    while left_s > 0.0:
        batch = list(islice(said, min(_BATCH, 1 + int(left_s / _USUAL_S))))
        before_s = left_s
        for recording in synthesiser.speak(part.voice, batch, rng):
            unknown.update(recording.unknown)
            utterance = finished(recording, part, rng)
            if utterance is not None and left_s > 0.0:
                left_s -= len(utterance.samples) / RATE_HZ
                yield utterance
        fruitless = fruitless + 1 if left_s == before_s else 0
        if fruitless == _FRUITLESS_BATCHES:
            raise VoiceFailed(f"{part.name}: no speech from {fruitless * len(batch)} texts")


def finished(recording: Recording, part: Part, rng: np.random.Generator) -> Utterance | None:
    """A recording as the corpus keeps it, or None where it is of no use.

    Resampled at random, cut to its speech, in the part's style, at PEAK.
    """
    if recording.unknown or not any(phone.ipa != SILENCE for phone in recording.phones):
        return None
    factor = 1.0
    if rng.random() < RESAMPLED_SHARE:
        factor = float(np.exp(rng.uniform(*np.log(RESAMPLING))))
    samples = np.asarray(
        soxr.resample(recording.samples, recording.rate_hz * factor, RATE_HZ), dtype=np.float32
    )
    length_s = len(samples) / RATE_HZ
    samples, phones = trimmed(samples, _fitted(recording.phones, 1.0 / factor, length_s))
    length_s = len(samples) / RATE_HZ
    if not SHORTEST_S < length_s < LONGEST_S or not np.abs(samples).max() > 0.0:
        return None
    if part.style == "sung":
        samples, phones = styles.sung(samples, phones, rng)
    elif part.style == "whispered":
        samples = styles.whispered(samples)
    loudest = float(np.abs(samples).max())
    if not (np.isfinite(loudest) and loudest > 0.0):
        return None
    prefix = "" if part.style == "plain" else f"{part.style}-"
    return Utterance(
        np.rint(samples * (PEAK * 32767.0 / loudest)).astype(np.int16),
        phones,
        prefix + part.voice.source,
        part.voice.language,
        recording.text,
        part.style,
    )


def _fitted(phones: Sequence[Phone], scale: float, length_s: float) -> tuple[Phone, ...]:
    """The phones at another tempo, the last one ending with the sound."""
    fitted = [
        Phone(phone.ipa, scale * phone.start_s, min(scale * phone.end_s, length_s))
        for phone in phones
        if scale * phone.start_s < length_s
    ]
    last = fitted[-1]
    if last.ipa == SILENCE:
        fitted[-1] = Phone(SILENCE, last.start_s, length_s)
    elif last.end_s < length_s:
        fitted.append(Phone(SILENCE, last.end_s, length_s))
    return tuple(fitted)


def trimmed(
    samples: np.ndarray[tuple[int], np.dtype[np.float32]], phones: Sequence[Phone]
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float32]], tuple[Phone, ...]]:
    """Without what exceeds LONGEST_SILENCE_S of silence at either end.

    samples  (N,) at RATE_HZ, as long as the phones
    """
    spoken = [phone for phone in phones if phone.ipa != SILENCE]
    from_s = max(0.0, spoken[0].start_s - LONGEST_SILENCE_S)
    first = round(from_s * RATE_HZ)
    last = min(len(samples), round((spoken[-1].end_s + LONGEST_SILENCE_S) * RATE_HZ))
    from_s, to_s = first / RATE_HZ, last / RATE_HZ
    kept = tuple(
        Phone(phone.ipa, max(phone.start_s, from_s) - from_s, min(phone.end_s, to_s) - from_s)
        for phone in phones
        if phone.end_s > from_s and phone.start_s < to_s
    )
    return samples[first:last], kept


def make(part: Part, folder: Path, seed: int) -> Made:
    """Make a part, or find it made; a voice that fails is reported and leaves no file."""
    path = folder / f"{part.name}.npz"
    unknown: Counter[str] = Counter()
    if not path.exists():
        try:
            save(utterances(part, seed, unknown), path)
        except PortravoxError as error:
            return Made(part, 0.0, unknown, str(error))
    seconds = sum(len(utterance.samples) for utterance in load(path)) / RATE_HZ
    return Made(part, seconds, unknown)


def make_alone(part: Part, folder: Path, seed: int) -> Made:
    """make() in a fresh process, whose end by a synthesiser's fault is a failure like others."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        try:
            return alone.submit(make, part, folder, seed).result()
        except BrokenProcessPool:
            return Made(part, 0.0, Counter(), "its process broke down")


def report(made: Sequence[Made]) -> str:
    """Lines on what there is now: hours, whose voices, what failed."""
    total_s = sum(one.seconds for one in made) or 1.0
    recorded_s = sum(one.seconds for one in made if one.part.voice.recorded)
    unknown = sum((one.unknown for one in made), Counter[str]())
    lines = [
        f"{total_s / 3600:.2f} h in {len(made)} parts, "
        f"{100 * recorded_s / total_s:.0f} % from voices of recorded people",
        f"unknown phones: {dict(unknown) or 'none'}",
    ]
    lines += [f"failed: {one.part.name}: {one.failure}" for one in made if one.failure]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None, tell: Callable[[str], object] = print) -> int:
    """The command line; 1 where a voice failed."""
    parser = argparse.ArgumentParser(prog="python -m training.corpus", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the parts")
    parser.add_argument("--hours", type=float, default=USUAL_HOURS, help="of the whole plan")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--licences", choices=("all", "permissive"), default="all")
    parser.add_argument("--only", default="*", help='parts to make, such as "flite-*"')
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="parts at a time")
    options = parser.parse_args(arguments)
    parts = [
        part
        for part in plan(options.hours, options.licences)
        if fnmatch.fnmatch(part.name, options.only)
    ]
    made = []
    with ThreadPoolExecutor(options.jobs) as jobs:
        for one in jobs.map(lambda part: make_alone(part, options.out, options.seed), parts):
            made.append(one)
            tell(f"{one.part.name:42} {one.seconds:6.0f} s {one.failure}")
    tell(report(made))
    return 1 if any(one.failure for one in made) else 0


if __name__ == "__main__":
    sys.exit(main())
