"""The command: `python -m benchmarks.articulation [SAMPLES] [--quick] [--only ...] [-o OUT]`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks.articulation.bench import Bench
from benchmarks.articulation.by_sound import openings_by_sound
from benchmarks.articulation.cost import cost
from benchmarks.articulation.english import aligned_english
from benchmarks.articulation.faces import talking_faces
from benchmarks.articulation.languages import other_languages
from benchmarks.articulation.mandarin import mandarin_syllables, mandarin_words
from benchmarks.articulation.prompts import english_prompts
from benchmarks.articulation.robustness import bad_recordings
from benchmarks.articulation.stillness import stillness
from benchmarks.articulation.tables import write_tables
from benchmarks.machine import this_machine
from benchmarks.quality.chapter import Part
from benchmarks.quality.report import number
from benchmarks.samples import SAMPLES
from portravox.articulation.acoustic_model import ARTICULATION_MODEL

CHAPTERS: Mapping[str, Callable[[Bench], list[Part]]] = {
    "english": aligned_english,
    "prompts": english_prompts,
    "faces": talking_faces,
    "sounds": openings_by_sound,
    "languages": other_languages,
    "mandarin": mandarin_words,
    "syllables": mandarin_syllables,
    "robustness": bad_recordings,
    "stillness": stillness,
    "cost": cost,
}

CHOOSING = ("prompts", "mandarin", "syllables")
"""Chapters that have recordings to choose by, apart from those that are reported."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure articulation on real speech.")
    parser.add_argument("samples", type=Path, nargs="?", default=SAMPLES)
    parser.add_argument("-o", "--out", type=Path, default=Path("out/articulation"))
    parser.add_argument("--quick", action="store_true", help="a part of each set, under 30 s")
    parser.add_argument(
        "--choosing",
        action="store_true",
        help="the recordings to choose thresholds by: Mandarin and English prompts only",
    )
    parser.add_argument("--only", nargs="+", choices=tuple(CHAPTERS), help="these chapters")
    parser.add_argument(
        "--network",
        type=Path,
        default=ARTICULATION_MODEL,
        help="weights in training, measured without decisions and smoothing",
    )
    parser.add_argument(
        "--methods", nargs="+", default=(), help="these beside ours, such as: earlier rules"
    )
    parser.add_argument("--faces", action="store_true", help="the same as --only english faces")
    wanted = parser.parse_args()
    chosen = ["english", "faces"] if wanted.faces else wanted.only or list(CHAPTERS)
    if wanted.choosing:
        chosen = [key for key in chosen if key in CHOOSING]
    cache = wanted.out / "cache"
    bench = Bench(wanted.samples, cache, wanted.quick, wanted.choosing, wanted.network)
    bench = replace(bench, named=frozenset(wanted.methods))
    machine = this_machine()
    parts: list[Part] = []
    for key in chosen:
        begun = time.perf_counter()
        measured = CHAPTERS[key](bench)
        parts += measured
        write_tables(wanted.out, machine, parts)
        for part in measured:
            print_part(part)
        print(f"({key}: {time.perf_counter() - begun:.0f} s)\n", flush=True)


def print_part(part: Part) -> None:
    """The table with straight columns."""
    print(part.title)
    if part.skipped:
        print(f"  skipped: {part.skipped}")
    cells = [part.columns, *(tuple(number(cell) for cell in row) for row in part.rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(part.columns))]
    for label, *values in cells:
        row = "".join(f"{v:>{w + 2}}" for v, w in zip(values, widths[1:], strict=True))
        print(f"  {label:<{widths[0]}}{row}")
    for check in part.checks:
        print(f"  {'met   ' if check.met else 'missed'}  {check.text}")
    for name, value in part.figures.items():
        print(f"  {name}: {number(float(value))}")


if __name__ == "__main__":
    main()
