"""Prompts: real voices without labels; an earlier network labels them, to train on again.

Flow      Debian's telephone prompts, training.export -> prompts -> training.features' folder

Self-training: what a first network says of clean recordings is what a second one is to say of
the same recordings in noise, rooms and telephones. Only recordings that the first one is sure of
are taken. The English and Mexican prompts are left out: their speaker is measured against.

    python -m training.prompts TEACHER.onnx OUT [--sounds DIR] [--seed N]
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime

from portravox.arrays import Float32
from portravox.speech.log_mel import normalized_log_mel
from portravox.speech.mel import mel_power
from training.degrade import degraded, draw_kinds
from training.features import ROWS_PER_S, Rows, save, spectrum_db
from training.targets import CURVES
from training.utterance import RATE_HZ

SOUNDS = Path("/usr/share/asterisk/sounds")
SPEAKERS = {
    "fr_CA_f_June": "fr",
    "it_IT_m_Carlo": "it",
    "it_IT_f_Menardi": "it",
    "ru_RU_f_IvrvoiceRU": "ru",
}
"""Folder -> language. Some licences ask for the same licence again; what was trained on these
recordings was measured and not shipped."""

HELD_BACK = ("demo-congrats", "digits")
"""Names of files and folders that are measured against."""

SHORTEST_S = 1.0
SURE = 0.6
"""Mean probability of the likeliest class, over the rows with speech."""

SHARPENING = 12.0
"""Of closure and labiodental around 0.5, as a teacher's answers must be clear."""

CONTACTS = [CURVES.index("closure"), CURVES.index("labiodental")]


def recordings(folder: Path) -> list[Float32]:
    """All prompts of one speaker, wide-band where there is such a version."""
    paths = {path.with_suffix(""): path for path in sorted(folder.rglob("*.wav"))}
    paths |= {path.with_suffix(""): path for path in sorted(folder.rglob("*.g722"))}
    voices = []
    for stem, path in sorted(paths.items()):
        if set(HELD_BACK) & set(stem.parts):
            continue
        command = ["ffmpeg", "-v", "error", "-i", str(path), "-ac", "1", "-ar", str(RATE_HZ)]
        raw = subprocess.run([*command, "-f", "f32le", "-"], capture_output=True, check=True)
        voice = np.frombuffer(raw.stdout, dtype=np.float32)
        if len(voice) >= SHORTEST_S * RATE_HZ and np.abs(voice).max() > 0.01:
            voices.append(voice / np.abs(voice).max() * np.float32(0.7))
    return voices


def taught(
    voices: list[Float32], source: str, teacher: onnxruntime.InferenceSession, seed: int
) -> Rows | None:
    """Rows with the teacher's answers as targets; None where it is sure of nothing."""
    rng = np.random.default_rng(seed)
    kinds = [kind if kind != "codec" else "room" for kind in draw_kinds(len(voices), rng)]
    clean, worse, curves, classes, voiced, counts = [], [], [], [], [], []
    for voice, kind in zip(voices, kinds, strict=True):
        rows = len(voice) * ROWS_PER_S // RATE_HZ
        said, named, spoken = (
            out[0]
            for out in teacher.run(
                None, {"log_mel": normalized_log_mel(mel_power(voice, rows))[None]}
            )
        )
        speech = named.argmax(axis=1) > 0
        if speech.sum() < 50 or named[speech].max(axis=1).mean() < SURE:
            continue
        said[:, CONTACTS] = 1.0 / (1.0 + np.exp(-SHARPENING * (said[:, CONTACTS] - 0.5)))
        clean.append(spectrum_db(voice, rows))
        worse.append(spectrum_db(degraded(voice, kind, rng), rows))
        curves.append(said.astype(np.float16))
        classes.append(named.argmax(axis=1).astype(np.int8))
        voiced.append(spoken[:, 1] > 0.5)
        counts.append(rows)
    if not counts:
        return None
    return Rows(
        clean_db=np.concatenate(clean),
        degraded_db=np.concatenate(worse),
        curves=np.concatenate(curves),
        classes=np.concatenate(classes),
        voiced=np.concatenate(voiced),
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        sources=np.array([source] * len(counts)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sounds", type=Path, default=SOUNDS)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    teacher = onnxruntime.InferenceSession(str(wanted.teacher), providers=["CPUExecutionProvider"])
    for number, (speaker, language) in enumerate(SPEAKERS.items()):
        voices = recordings(wanted.sounds / speaker)
        rows = taught(voices, f"prompts-{speaker} {language}", teacher, wanted.seed + number)
        if rows is None:
            print(f"{speaker}: none of {len(voices)} prompts is clear enough")
            continue
        save(rows, wanted.out / f"prompts-{speaker}.npz")
        minutes = rows.starts[-1] / ROWS_PER_S / 60
        print(f"{speaker:24s}{len(rows.starts) - 1:5d} of {len(voices)} prompts{minutes:8.1f} min")


if __name__ == "__main__":
    main()
