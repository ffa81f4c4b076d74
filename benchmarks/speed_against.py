"""Time and memory of a video, against another version of Portravox, in one run.

Flow      an older checkout with an environment of its own, this one -> benchmarks.speed -> ratios
Gives     OUT/against.json, against.md: medians of both, and the ratio new / old

    git worktree add --detach ../old eac1b06 && make -C ../old setup-dev
    python -m benchmarks.speed_against ../old -o out/bench [--rounds 3] [--lasting]

Both versions make the same videos out of the same files, each in a process of its own, in turns: a
machine that slows down for a minute slows both. What counts is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from statistics import median

from benchmarks.machine import this_machine
from benchmarks.speed import Case, Timing, run_case, write_cases

MEASURES = (
    "job s",
    "processor s",
    "first frame s",
    "render ms/frame",
    "encode ms/frame",
    "peak MB",
)
"""What is compared, as the table's columns name it."""

SHORT_S, LASTING_S = "3 s", "30 s"
"""Ends of the names of `benchmarks.speed`'s cases that are taken; three minutes tell nothing more
about a ratio than half a minute does."""


def measures(timing: Timing) -> tuple[float, ...]:
    """One number for each of MEASURES."""
    return (
        timing.total_s,
        timing.processor_s,
        timing.first_frame_s,
        1000 * timing.stages_s["render"] / timing.frames,
        1000 * timing.stages_s["encode"] / timing.frames,
        timing.peak_mb,
    )


def in_turns(case: Case, old: Path, rounds: int) -> tuple[list[Timing], list[Timing]]:
    """The case by the version in the folder OLD and by this one, as often as asked."""
    python = str(old / ".venv" / "bin" / "python")
    before, after = [], []
    for i in range(rounds):
        first_is_old = i % 2 == 0
        if first_is_old:
            before.append(run_case(case, python, old))
        after.append(run_case(case))
        if not first_is_old:
            before.append(run_case(case, python, old))
    return before, after


def row(name: str, before: list[Timing], after: list[Timing]) -> str:
    """A line of the table: old -> new (ratio) for each measure."""
    cells = []
    for old, new in zip(
        zip(*map(measures, before), strict=True),
        zip(*map(measures, after), strict=True),
        strict=True,
    ):
        ratio = median(now / then for then, now in zip(old, new, strict=True))
        cells.append(f"{median(old):.4g} → {median(new):.4g} ({ratio:.2f})")
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("against", type=Path, help="folder of the other version, set up")
    parser.add_argument("-o", "--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lasting", action="store_true", help="30-s videos, too")
    asked = parser.parse_args()
    old = asked.against.resolve()
    if not (old / ".venv" / "bin" / "python").exists():
        sys.exit(f"{old} has no environment; run: make -C {old} setup-dev")
    ends = (SHORT_S, "sample job", *([LASTING_S] if asked.lasting else []))
    lines = [
        f"Measured {this_machine().sentence()}; medians of {asked.rounds} rounds in turns,"
        " old → new (new ÷ old).",
        "",
        f"| picture, video | {' | '.join(MEASURES)} |",
        "|---" * (1 + len(MEASURES)) + "|",
    ]
    found = {}
    for case in write_cases((asked.out / "inputs").resolve()):
        if not case.name.endswith(ends):
            continue
        before, after = in_turns(case, old, asked.rounds)
        lines.append(row(case.name, before, after))
        print(lines[-1], flush=True)
        found[case.name] = {
            "old": [asdict(timing) for timing in before],
            "new": [asdict(timing) for timing in after],
        }
        (asked.out / "against.json").write_text(json.dumps(found, indent=1) + "\n")
        (asked.out / "against.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
