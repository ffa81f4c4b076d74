"""The command: `python -m benchmarks.quality -o OUT`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.machine import this_machine
from benchmarks.quality.articulation import articulation
from benchmarks.quality.chapter import Part
from benchmarks.quality.expression import expression
from benchmarks.quality.head import blinks, heads
from benchmarks.quality.inputs import Inputs
from benchmarks.quality.mouth import closures, lag, mouth_strength, silence
from benchmarks.quality.people import identity, likeness_to_people, steadiness
from benchmarks.quality.picture import gallery, rest, surroundings
from benchmarks.quality.report import write_report
from benchmarks.quality.studio import Studio
from benchmarks.quality.texture import texture
from benchmarks.samples import SAMPLES

PARTS: Mapping[str, Callable[[Studio], Part]] = {
    "articulation": articulation,
    "blinks": blinks,
    "head": heads,
    "strength": mouth_strength,
    "closures": closures,
    "silence": silence,
    "lag": lag,
    "surroundings": surroundings,
    "expression": expression,
    "likeness": likeness_to_people,
    "steadiness": steadiness,
    "identity": identity,
    "rest": rest,
    "texture": texture,
    "gallery": gallery,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure finished videos and write a report.")
    parser.add_argument("-o", "--out", type=Path, default=Path("out/quality"))
    parser.add_argument("--quick", action="store_true", help="shorter videos, fewer portraits")
    parser.add_argument("--only", nargs="+", choices=tuple(PARTS), help="these parts")
    parser.add_argument("--samples", type=Path, default=SAMPLES)
    wanted = parser.parse_args()
    folder = wanted.out / "inputs"
    folder.mkdir(parents=True, exist_ok=True)
    machine = this_machine()
    studio = Studio(Inputs(wanted.samples, folder), wanted.out, wanted.quick)
    parts = []
    for key in wanted.only or PARTS:
        begun = time.perf_counter()
        part = PARTS[key](studio)
        parts.append(part)
        write_report(wanted.out, machine, parts)  # what is there is there, whatever comes next
        missed = [check.text for check in part.checks if not check.met]
        met = len(part.checks) - len(missed)
        print(f"{part.title}: {met} of {len(part.checks)} met, {time.perf_counter() - begun:.0f} s")
        for text in missed:
            print(f"    missed: {text}", flush=True)
        if part.skipped:
            print(f"    skipped: {part.skipped}")
    print(f"report: {wanted.out / 'index.html'}")


if __name__ == "__main__":
    main()
