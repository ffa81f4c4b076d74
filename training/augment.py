"""Augmentation: the network never gets the same example twice.

Flow      training.features, training.noises -> augment -> training.fit
Reads     Rows, the bank of noises
Gives     Example: a few seconds of normalised spectrum with its targets

Everything here works on mel power, which is cheap; waveforms were degraded before.
All ranges are our choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portravox.arrays import Bool, Float32, Float64
from portravox.articulation.phones import PHONE_CLASSES
from portravox.speech.log_mel import PRIOR_ROWS, RunningLogMel, normalized_log_mel
from portravox.speech.mel import BANDS
from training.features import Rows
from training.gestures import REST
from training.noises import ROWS as NOISE_ROWS
from training.targets import CURVES
from training.utterance import PERSON

EXAMPLE_ROWS = 512
"""5.12 s, where nothing else is asked for."""

PERSON_SHARE = 0.25
ENGLISH_SHARE = 0.45
"""Of the examples from real people, of those from English voices; the others share what is left.
Where people were half of the examples and English a fifth, the English f and v got lost; with .30
and .32, a part of them."""

SOUGHT = {"y": 4.0, "f": 2.0, "p": 1.5, "m": 1.5, "h": 1.5, "k": 1.3}
"""A recording of a person with such a sound is drawn so many times as often as one without: ü is
rare (54 of 1,156 syllables) and was taken for i, breath was taken for f, k and h for p."""

WARPED_SHARE, WARP = 0.7, (0.84, 1.18)
"""How often the vocal tract gets another length, and which: mean formants of men, women and
children of ten lie about so far apart (Peterson & Barney, J. Acoust. Soc. Am. 24, 1952)."""

FADING_SHARE = 0.25
FADING_ROWS = (12, 45)
FADING_DB = (6.0, 28.0)
FADING_TREBLE_DB = (0.0, 25.0)
"""Before a pause the voice fades so often, for so long, by so much, in the highest band by so much
more. A faded vowel was taken for m: decision 49."""

RUNNING_SHARE = 0.4
RUNNING_DB = (-25.0, 5.0)
"""Of the examples, normalized as a live voice is, at levels so far from the corpus's."""

GOES_ON = (0.0, 1.0)
"""The other examples are pieces of a recording that is so much longer: the usual colour of speech
counts with them like this share of what it counts with a recording as short as they are."""

SILENCE_DB = -95.0
SILENT_LEVEL = 1e-3
NOISE_ONLY = 0.12
"""Share of the examples in which nobody speaks, and how loud speech would be there (power)."""

BREATHING_SHARE = 0.6
"""Of those, in so many somebody breathes without a word."""
BREATHING_DB = (-25.0, 5.0)
BREATH_ROWS, BETWEEN_BREATHS_ROWS = (20, 220), (5, 200)

BREATH_SHARE = 0.3
"""Of the pauses; a breath is a hiss, in all bands together this much softer than the speech."""
BREATH_DB = (-38.0, -10.0)
BREATH_EDGES = (6, 30), (46, 76)
"""Bands (of 80) between which its lowest and its highest one lie: 200-1000 Hz, 2.2-7 kHz."""
BREATH_SLOPES_DB = (0.3, 1.2)
"""By which a band beyond them is softer than its neighbour."""
THROAT_DB, THROAT_BANDS = (0.0, 12.0), (3.0, 8.0)
"""Height and width of the resonances that a throat gives it, as it gives them to an h."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """As many rows each as the Examples that drew it were asked for."""

    log_mel: Float32
    curves: Float32
    classes: NDArray[np.int64]
    voiced: Bool

    untouched: Float32
    """log_mel before noise and fading: what a teacher is shown."""

    taught: bool
    """Whether an earlier network may teach this: not real people, of whom it knows nothing, and not
    noise."""


def rest_curves(count: int) -> Float32:
    """(count, 7) of a mouth that does nothing."""
    rest = np.zeros((count, len(CURVES)), dtype=np.float32)
    rest[:, CURVES.index("spread")] = REST.spread[0]
    rest[:, CURVES.index("rounding")] = REST.rounding[0]
    return rest


class Examples:
    """Endless examples from a corpus: each source as often as its weight says."""

    def __init__(
        self,
        rows: Rows,
        noises: list[Float32],
        utterances: NDArray[np.int64],
        length: int = EXAMPLE_ROWS,
    ) -> None:
        """utterances: the ones to draw from; length: rows of an example, at least 180."""
        self._rows = rows
        self._length = length
        self._noises = noises
        self._of_source = {
            source: utterances[rows.sources[utterances] == source]
            for source in np.unique(rows.sources[utterances])
        }
        self._odds = {
            source: _odds(rows, chosen) if source.startswith(PERSON) else None
            for source, chosen in self._of_source.items()
        }
        lengths = np.diff(rows.starts)
        # the square root: rare voices come more often than their share of the time
        weights = {
            source: float(np.sqrt(lengths[u].sum())) for source, u in self._of_source.items()
        }
        self._shares = _group_shares(weights)
        self._sources = list(self._of_source)

    def draw(self, rng: np.random.Generator) -> Example:
        """One example."""
        silent = rng.random() < NOISE_ONLY
        source, spoken = ("", self._nobody(rng)) if silent else self._spoken(rng)
        spectrum_db, curves, classes, voiced = spoken
        if rng.random() < WARPED_SHARE:
            spectrum_db = warped(spectrum_db, float(rng.uniform(*WARP)))
        if rng.random() < 0.85:
            spectrum_db = spectrum_db + tilt_db(rng)
        power = 10.0 ** (spectrum_db / 10.0)
        untouched = _normalized_plainly(power)
        power = 10.0 ** (faded(spectrum_db, classes, rng) / 10.0)
        loudness = power.sum(axis=1)
        level = SILENT_LEVEL if silent else float(np.percentile(loudness, 92.0)) + 1e-9
        if silent or rng.random() < 0.72:
            for _ in range(int(rng.choice([1, 1, 2]))):
                noise_db = -float(rng.triangular(-2.0, 12.0, 40.0))
                power = power + self._noise(rng) * level * 10.0 ** (noise_db / 10.0)
        # the hiss of the microphone, the same in all bands
        power = power + level * 10.0 ** (-rng.uniform(3.5, 8.0)) / BANDS
        power = _band_limited(power, level, rng)
        if rng.random() < 0.3:
            power = power * 10.0 ** (0.11 * rng.standard_normal(power.shape))
        if rng.random() < RUNNING_SHARE:
            gain = 10.0 ** (rng.uniform(*RUNNING_DB) / 10.0)
            power = (gain * power).astype(np.float32)
            running = RunningLogMel()
            running.hear(power)
            spectrum = running.by_now(power)
        else:
            prior_rows = PRIOR_ROWS * float(rng.uniform(*GOES_ON))
            spectrum = normalized_log_mel(power.astype(np.float32), prior_rows=prior_rows)
        if rng.random() < 0.3:
            first = int(rng.integers(BANDS - 10))
            spectrum[:, first : first + int(rng.integers(2, 9))] = 0.0
        taught = not silent and not source.startswith(PERSON)
        return Example(spectrum, curves, classes, voiced, untouched, taught)

    def _silence(self) -> tuple[Float32, Float32, NDArray[np.int64], Bool]:
        return (
            np.full((self._length, BANDS), SILENCE_DB, dtype=np.float32),
            rest_curves(self._length),
            np.zeros(self._length, dtype=np.int64),
            np.zeros(self._length, dtype=np.bool_),
        )

    def _nobody(self, rng: np.random.Generator) -> tuple[Float32, Float32, NDArray[np.int64], Bool]:
        """Silence, or somebody who breathes."""
        silence = self._silence()
        if rng.random() < BREATHING_SHARE:
            level_db = 10.0 * np.log10(SILENT_LEVEL) + float(rng.uniform(*BREATHING_DB))
            at = 0
            while at < self._length:
                breath = slice(at, at + int(rng.integers(*BREATH_ROWS)))
                _breathe(silence[0][breath], level_db, rng)
                at = breath.stop + int(rng.integers(*BETWEEN_BREATHS_ROWS))
        return silence

    def _spoken(
        self, rng: np.random.Generator
    ) -> tuple[str, tuple[Float32, Float32, NDArray[np.int64], Bool]]:
        """Utterances of one voice, some with pauses between them; whose."""
        source = self._sources[int(rng.choice(len(self._sources), p=self._shares))]
        choices, odds = self._of_source[source], self._odds[source]
        spectrum, curves, classes, voiced = self._silence()
        degraded = rng.random() < 0.5
        spectra = self._rows.degraded_db if degraded else self._rows.clean_db
        at = 0
        while at < self._length:
            utterance = int(rng.choice(choices, p=odds))
            first, last = self._rows.starts[utterance : utterance + 2]
            if at == 0 and last - first > 150:
                first = int(rng.integers(first, last - 120))
            last = min(last, first + self._length - at)
            here, there = slice(at, at + last - first), slice(first, last)
            spectrum[here] = spectra[there]
            curves[here] = self._rows.curves[there]
            classes[here] = self._rows.classes[there]
            voiced[here] = self._rows.voiced[there]
            at += last - first
            if rng.random() < 0.35:
                pause = slice(at, at + int(rng.integers(8, 130)))
                if rng.random() < BREATH_SHARE:
                    level_db = float(np.percentile(_loudness_db(spectrum[here]), 90.0))
                    _breathe(spectrum[pause], level_db + float(rng.uniform(*BREATH_DB)), rng)
                at = pause.stop
        return source, (spectrum, curves, classes, voiced)

    def _noise(self, rng: np.random.Generator) -> Float32:
        """(self._length, BANDS) of mean power 1, in half of the cases of another colour."""
        piece = self._noises[int(rng.integers(len(self._noises)))]
        start = int(rng.integers(NOISE_ROWS - self._length))
        noise = piece[start : start + self._length]
        if rng.random() < 0.5:
            noise = noise * 10.0 ** (tilt_db(rng) / 10.0)
        scaled: Float32 = noise / max(float(noise.sum(axis=1).mean()), 1e-9)
        return scaled


def _odds(rows: Rows, utterances: NDArray[np.int64]) -> NDArray[np.float64]:
    """(U,) how often each utterance is drawn, by the sounds in it that are SOUGHT."""
    odds = np.ones(len(utterances))
    for name, factor in SOUGHT.items():
        there = np.concatenate([[0], np.cumsum(rows.classes == PHONE_CLASSES.index(name))])
        has = there[rows.starts[utterances + 1]] > there[rows.starts[utterances]]
        odds[has] = np.maximum(odds[has], factor)
    shares: NDArray[np.float64] = odds / odds.sum()
    return shares


def _group_shares(weights: dict[str, float]) -> NDArray[np.float64]:
    """How often each source is drawn: groups by their shares, sources in them by weight."""
    groups = [
        "person" if name.startswith(PERSON) else "english" if name.endswith(" en") else "others"
        for name in weights
    ]
    wanted = {
        "person": PERSON_SHARE,
        "english": ENGLISH_SHARE,
        "others": 1.0 - PERSON_SHARE - ENGLISH_SHARE,
    }
    sums = dict.fromkeys(groups, 0.0)
    for group, weight in zip(groups, weights.values(), strict=True):
        sums[group] += weight
    there = sum(wanted[group] for group in sums)
    return np.array(
        [
            wanted[group] / there * weight / sums[group]
            for group, weight in zip(groups, weights.values(), strict=True)
        ]
    )


def _normalized_plainly(power: Float32) -> Float32:
    """Over the faintest hiss, so that silence is no digital one; as the teacher has learnt it."""
    level = float(np.percentile(power.sum(axis=1), 92.0)) + 1e-9
    return normalized_log_mel((power + 1e-6 * level / BANDS).astype(np.float32), prior_rows=0.0)


def faded(spectrum_db: Float32, classes: NDArray[np.int64], rng: np.random.Generator) -> Float32:
    """Before some pauses the voice gets faint and dull, and stays so until it begins anew.

    spectrum_db  (T, BANDS)
    classes      (T,) 0 where nobody speaks
    """
    speaking = np.concatenate([classes > 0, [False]])
    ends = np.flatnonzero(speaking[:-1] & ~speaking[1:]) + 1
    changed = spectrum_db.copy()
    for end in ends:
        if rng.random() >= FADING_SHARE:
            continue
        start = max(0, int(end) - int(rng.integers(*FADING_ROWS)))
        deepest_db = rng.uniform(*FADING_DB) + rng.uniform(*FADING_TREBLE_DB) * (
            np.arange(BANDS) / BANDS
        )
        changed[start:end] -= np.linspace(0.0, 1.0, int(end) - start)[:, np.newaxis] * deepest_db
        after = np.flatnonzero(speaking[end:])
        changed[end : end + int(after[0]) if len(after) else None] -= deepest_db
    return changed.astype(np.float32)


def _loudness_db(spectrum_db: Float32) -> Float32:
    loudness: Float32 = 10.0 * np.log10((10.0 ** (spectrum_db / 10.0)).sum(axis=1))
    return loudness


def _breathe(pause_db: Float32, loudest_db: float, rng: np.random.Generator) -> None:
    """Draw breath in these rows, in place: a hiss that swells and fades.

    pause_db    (T, BANDS)
    loudest_db  of all bands together, where it is loudest
    """
    count = len(pause_db)
    if count < 15:
        return
    # as early or late as may be: breath is drawn in slowly and held, or let go at once
    phase = np.linspace(0.0, 1.0, count + 2)[1:-1] ** rng.uniform(0.5, 2.0)
    swelling_db = 20.0 * np.log10(np.sin(np.pi * phase) ** rng.uniform(0.7, 2.0) + 1e-3)
    colour_db = _breath_colour_db(rng) + tilt_db(rng)
    colour_db -= 10.0 * np.log10((10.0 ** (colour_db / 10.0)).sum())
    grain_db = rng.uniform(0.5, 4.0) * rng.standard_normal((count, BANDS))
    breath_db = loudest_db + swelling_db[:, np.newaxis] + colour_db + grain_db
    pause_db[:] = np.maximum(pause_db, breath_db)


def _breath_colour_db(rng: np.random.Generator) -> Float64:
    """(BANDS,) between two edges, with the throat's resonances."""
    bands = np.arange(BANDS)
    lowest, highest = (int(rng.integers(*edge)) for edge in BREATH_EDGES)
    below, above = rng.uniform(*BREATH_SLOPES_DB, 2)
    colour_db = -below * np.maximum(0, lowest - bands) - above * np.maximum(0, bands - highest)
    for _ in range(3):
        apart = (bands - rng.uniform(lowest, highest)) / rng.uniform(*THROAT_BANDS)
        colour_db = colour_db + rng.uniform(*THROAT_DB) * np.exp(-0.5 * apart**2)
    return np.asarray(colour_db, np.float64)


def warped(spectrum_db: Float32, factor: float) -> Float32:
    """Another length of the vocal tract: the bands stretched by a factor."""
    place = np.clip(np.arange(BANDS) * factor, 0, BANDS - 1)
    below = place.astype(np.int64)
    above = np.minimum(below + 1, BANDS - 1)
    share = (place - below).astype(np.float32)
    stretched: Float32 = spectrum_db[:, below] * (1.0 - share) + spectrum_db[:, above] * share
    return stretched


def tilt_db(rng: np.random.Generator) -> Float32:
    """(BANDS,) a smooth random colour: of the microphone, the effort of the voice, the room."""
    place = np.arange(BANDS) / BANDS
    colour = np.zeros(BANDS)
    for waves in (0.5, 1.0, 1.5, 2.0, 3.0, 4.0):
        colour += (
            4.8 / np.sqrt(waves) * rng.standard_normal()
            * np.cos(np.pi * waves * place + rng.uniform(0.0, 6.3))
        )  # fmt: skip
    return colour.astype(np.float32)


def _band_limited(power: Float32, level: float, rng: np.random.Generator) -> Float32:
    """Sometimes without the top, as after a low sampling rate, sometimes without the bottom."""
    limited = power
    if rng.random() < 0.33:
        limited = power.copy()
        limited[:, int(rng.integers(46, 74)) :] *= 10.0 ** (-rng.uniform(1.3, 5.2))
        limited += level * 10.0 ** (-rng.uniform(5.0, 8.0)) / BANDS
    if rng.random() < 0.12:
        limited = limited.copy()
        limited[:, : int(rng.integers(5, 12))] *= 10.0 ** (-rng.uniform(0.9, 3.0))
    return limited
