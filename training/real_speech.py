"""Real speech in the corpus: Mandarin by people, its sounds timed by forced alignment.

Flow      training.mandarin, articulation.alignment -> real_speech -> parts of the corpus
          -> training.features
Run       python -m training.real_speech --out CORPUS [--mandarin FOLDER] [--network FILE]

What is said is known from the names, when is not. A network that exists already lays the sounds of
each reading along the recording; recordings in which they fit badly are left out. The silence of a
stop that begins a recording cannot be found in its sound: its lips meet until the burst, which is
where the level rises. The recordings that training.mandarin holds out are never taken.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from portravox.arrays import Float32
from portravox.articulation.acoustic_model import ARTICULATION_MODEL, infer
from portravox.articulation.alignment import align
from portravox.articulation.phones import CLASS_OF, PHONE_CLASSES, SILENCE, parse_ipa
from portravox.articulation.transcript import pinyin_ipa
from portravox.inference import open_network
from portravox.speech.log_mel import normalized_log_mel
from portravox.speech.loudness import loudness_dbfs
from portravox.speech.mel import mel_power
from training.mandarin import CORPUS, MandarinTake, Syllable, mandarin_takes
from training.utterance import PERSON, RATE_HZ, SYLLABLES, WORDS, Phone, Utterance, save

ROW_S: Final = 0.01

PEAK: Final = 0.7

ASPIRATED: Final = {"p": "h", "t": "h", "k": "h"}
"""Initials whose breath, 60-100 ms long in Mandarin (Lisker & Abramson 1964), is a sound of its
own between burst and vowel: lips that closed for it are apart by then."""

STOPS: Final = frozenset("bpdtgk")

CLOSED_BEFORE_S: Final = 0.09
"""How long before its burst a stop closes that begins the recording. Our choice."""

RISE_DB: Final = 28.0
"""Below the recording's loudest row: what is softer is not yet the burst."""

TAKEN_FOR: Final = (("y", ("i", "j")), ("p", ("t",)))
"""What the first generation hears instead: ü as i, an aspirated p as t (decision 49). Laid along
rows that it calls i, a ü would shrink to nothing, and its sound would be taught as silence."""

WORST_FIT: Final = -2.6
"""Mean logarithm of alignment.Alignment.fit; below, name and sound do not belong together."""

EDGE_ROWS: Final = 30
"""Silence that is kept at both ends."""

OTHER_SPEAKER: Final = (0.74, 1.10)
"""Each recording comes a second time with pitch, formants and tempo times a number drawn from here,
evenly in its logarithm: two women are all that there is, and men's formants lie a sixth lower than
women's (Peterson & Barney, J. Acoust. Soc. Am. 24, 1952)."""


def sounds_of(syllables: Sequence[Syllable]) -> tuple[str, ...]:
    """IPA symbols of a reading, the breath of aspirated stops as one of them."""
    sounds: list[str] = []
    for initial, final in syllables:
        ipa = parse_ipa(pinyin_ipa(initial, final))
        sounds += [ipa[0], ASPIRATED[initial], *ipa[1:]] if initial in ASPIRATED else ipa
    return tuple(sounds)


def timed(take: MandarinTake, samples: Float32, network: Path) -> tuple[Phone, ...]:
    """The sounds of a recording with their times, silences too; none where they do not fit.

    samples  (N,) at RATE_HZ
    network  that aligns
    """
    rows = len(samples) * 100 // RATE_HZ
    power = mel_power(samples, rows)
    # the first generation has learnt without a prior
    acoustic = infer(normalized_log_mel(power, prior_rows=0.0), open_network(network))
    sounds = sounds_of(take.syllables)
    alignment = align(_as_heard(acoustic.classes), [tuple(CLASS_OF[sound] for sound in sounds)])
    if alignment is None or alignment.fit < WORST_FIT:
        return ()
    said = iter(sounds)
    phones = [
        Phone(
            SILENCE if segment.word < 0 else next(said),
            segment.start * ROW_S,
            segment.stop * ROW_S,
        )
        for segment in alignment.segments
    ]
    if take.syllables[0][0] in STOPS:
        phones = _from_the_burst(phones, loudness_dbfs(power))
    return tuple(phones)


def _as_heard(classes: Float32) -> Float32:
    """Probabilities (T, classes) in which a sound may also be what it is taken for."""
    heard = classes.copy()
    for sound, others in TAKEN_FOR:
        for other in others:
            heard[:, PHONE_CLASSES.index(sound)] += classes[:, PHONE_CLASSES.index(other)]
    return np.minimum(heard, 1.0)


def _from_the_burst(phones: list[Phone], level_db: Float32) -> list[Phone]:
    """The first sound ends with the burst, where the level rises, and begins well before it."""
    spoken = next((n for n, phone in enumerate(phones) if phone.ipa != SILENCE), None)
    if spoken is None or spoken + 1 >= len(phones):
        return phones
    first, after = phones[spoken], phones[spoken + 1]
    loud = np.flatnonzero(level_db > float(level_db.max()) - RISE_DB)
    if not len(loud):
        return phones
    # the sound after it keeps a row at least
    burst_s = min(float(loud[0] + 1) * ROW_S, after.end_s - ROW_S)
    start_s = max(0.0, burst_s - CLOSED_BEFORE_S)
    if spoken:
        start_s = max(start_s, phones[spoken - 1].start_s)
    if burst_s <= start_s:
        return phones
    moved = [
        Phone(first.ipa, start_s, burst_s),
        Phone(after.ipa, burst_s, after.end_s),
        *phones[spoken + 2 :],
    ]
    before = [Phone(SILENCE, 0.0, start_s)] if start_s > 0.0 else []
    return before + moved


def utterances(takes: Iterator[MandarinTake], speaker: str, network: Path) -> Iterator[Utterance]:
    """What can be learnt from, of one speaker: each recording, and as another would speak it."""
    rng = np.random.default_rng(zlib.crc32(speaker.encode()))
    for take in takes:
        if take.held_out or take.speaker != speaker:
            continue
        samples = _trimmed(take.samples())
        loudest = float(np.abs(samples).max()) if len(samples) else 0.0
        if loudest == 0.0:
            continue
        samples = (samples * (PEAK / loudest)).astype(np.float32)
        phones = timed(take, samples, network)
        if not phones:
            continue
        phones = _lasting(phones, len(samples))
        source = f"{PERSON}-{speaker}"
        yield Utterance(_pcm(samples), phones, source, "zh", take.name)
        factor = float(np.exp(rng.uniform(*np.log(OTHER_SPEAKER))))
        other = np.asarray(soxr.resample(samples, RATE_HZ * factor, RATE_HZ), dtype=np.float32)
        yield Utterance(
            _pcm(np.clip(other, -1.0, 1.0)),
            _lasting(tuple(_at_tempo(phones, factor)), len(other)),
            source,
            "zh",
            take.name,
        )


def _at_tempo(phones: Sequence[Phone], factor: float) -> Iterator[Phone]:
    """The same sounds, so many times as fast."""
    for phone in phones:
        yield Phone(phone.ipa, phone.start_s / factor, phone.end_s / factor)


def _lasting(phones: Sequence[Phone], samples: int) -> tuple[Phone, ...]:
    """The last sound ends with the recording."""
    last = phones[-1]
    return (*phones[:-1], Phone(last.ipa, last.start_s, samples / RATE_HZ))


def _pcm(samples: Float32) -> NDArray[np.int16]:
    whole: NDArray[np.int16] = np.rint(samples * 32767.0).astype(np.int16)
    return whole


def _trimmed(samples: Float32) -> Float32:
    """Without what exceeds EDGE_ROWS of silence at either end."""
    step = RATE_HZ // 100
    rows = len(samples) // step
    if not rows:
        return samples
    level_db = loudness_dbfs(mel_power(samples, rows))
    loud = np.flatnonzero(level_db > float(level_db.max()) - 40.0)
    first, last = max(0, loud[0] - EDGE_ROWS), min(rows, loud[-1] + EDGE_ROWS)
    return samples[first * step : last * step]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the corpus")
    parser.add_argument("--mandarin", type=Path, default=CORPUS, help="folder of the archives")
    parser.add_argument("--network", type=Path, default=ARTICULATION_MODEL, help="that aligns")
    wanted = parser.parse_args()
    for speaker in (SYLLABLES, WORDS):
        path = wanted.out / f"{PERSON}-{speaker}-zh.npz"
        if path.exists():
            continue
        if not (wanted.mandarin / f"{speaker}.tar").exists():
            print(f"{speaker}.tar is not there: the corpus does without it", flush=True)
            continue
        kept = list(utterances(mandarin_takes(wanted.mandarin), speaker, wanted.network))
        save(kept, path)
        print(f"{path.stem}: {len(kept)} recordings", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
