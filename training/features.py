"""Features: the corpus as the training run reads it: spectra and targets, row by row.

Flow      training.corpus -> features -> training.fit
Reads     part files of utterances
Gives     Rows

    python -m training.features CORPUS OUT [--seed N]
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from portravox.arrays import Bool, Float32
from portravox.speech.mel import mel_power
from training.degrade import CODECS, coded, degraded, draw_kinds
from training.targets import targets
from training.utterance import RATE_HZ, Utterance, load
from training.voices import CLOSED_SHARE

ROWS_PER_S = 100
LOWEST_DB = -95.0


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """All utterances end to end; utterance u has the rows starts[u] to starts[u + 1]."""

    clean_db: NDArray[np.float16]
    """(N, BANDS) mel power in dB full scale."""

    degraded_db: NDArray[np.float16]
    """(N, BANDS) the same through a room, a telephone, a codec ..."""

    curves: NDArray[np.float16]
    """(N, 7) as training.targets.CURVES."""

    classes: NDArray[np.int8]
    voiced: Bool
    starts: NDArray[np.int64]
    """(U + 1,)"""

    sources: NDArray[np.str_]
    """(U,) source and language of each utterance: "flite-slt en"."""


def rows_of(utterances: list[Utterance], rng: np.random.Generator) -> Rows:
    """Spectra and targets of these utterances."""
    voices = [u.samples.astype(np.float32) / 32768.0 for u in utterances]
    kinds = draw_kinds(len(voices), rng)
    worse = [
        voice if kind == "codec" else degraded(voice, kind, rng)
        for voice, kind in zip(voices, kinds, strict=True)
    ]
    to_code = [index for index, kind in enumerate(kinds) if kind == "codec"]
    for offset, codec in enumerate(CODECS):
        chosen = to_code[offset :: len(CODECS)]
        for index, voice in zip(chosen, coded([voices[i] for i in chosen], codec), strict=True):
            worse[index] = voice
    counts = [len(voice) * ROWS_PER_S // RATE_HZ for voice in voices]
    aims = [
        targets(u.phones, count, _closed_share(u.voice))
        for u, count in zip(utterances, counts, strict=True)
    ]
    return Rows(
        clean_db=np.concatenate([spectrum_db(v, n) for v, n in zip(voices, counts, strict=True)]),
        degraded_db=np.concatenate([spectrum_db(v, n) for v, n in zip(worse, counts, strict=True)]),
        curves=np.concatenate([aim.curves for aim in aims]).astype(np.float16),
        classes=np.concatenate([aim.classes for aim in aims]),
        voiced=np.concatenate([aim.voiced for aim in aims]),
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        sources=np.array([f"{u.source} {u.language}" for u in utterances]),
    )


def _closed_share(voice: str) -> Mapping[str, float]:
    """How the voice's synthesiser draws the borders of p, b, m."""
    return CLOSED_SHARE.get(voice, CLOSED_SHARE[voice.partition("-")[0]])


def spectrum_db(voice: Float32, rows: int) -> NDArray[np.float16]:
    """(rows, BANDS) mel power in dB full scale."""
    power = mel_power(voice, rows)
    level_db = 10.0 * np.log10(np.maximum(power, 10.0 ** (LOWEST_DB / 10.0)))
    spectrum: NDArray[np.float16] = level_db.astype(np.float16)
    return spectrum


def joined(parts: list[Rows]) -> Rows:
    """Several as one."""
    offsets = np.cumsum([0, *(part.starts[-1] for part in parts)])
    shifted = [part.starts[1:] + by for part, by in zip(parts, offsets, strict=False)]
    return Rows(
        clean_db=np.concatenate([part.clean_db for part in parts]),
        degraded_db=np.concatenate([part.degraded_db for part in parts]),
        curves=np.concatenate([part.curves for part in parts]),
        classes=np.concatenate([part.classes for part in parts]),
        voiced=np.concatenate([part.voiced for part in parts]),
        starts=np.concatenate([np.zeros(1, dtype=np.int64), *shifted]),
        sources=np.concatenate([part.sources for part in parts]),
    )


def save(rows: Rows, path: Path) -> None:
    # no .npz until it is whole: the folder is read by that ending
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, **{name: getattr(rows, name) for name in Rows.__slots__})
    part.replace(path)


def read(folder: Path) -> Rows:
    """Everything that main() wrote into a folder."""
    parts = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as arrays:
            parts.append(Rows(**{name: arrays[name] for name in Rows.__slots__}))
    if not parts:
        raise FileNotFoundError(f"no features in {folder}: run python -m training.features first")
    return joined(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(wanted.corpus.glob("*.npz")):
        out = wanted.out / path.name
        if out.exists():
            continue
        # by the name: whatever other parts there are
        rng = np.random.default_rng((wanted.seed, zlib.crc32(path.stem.encode())))
        rows = rows_of(load(path), rng)
        save(rows, out)
        print(f"{path.stem:28s}{rows.starts[-1] / ROWS_PER_S / 60:8.1f} min", flush=True)


if __name__ == "__main__":
    main()
