"""What inference costs: time on one core and memory, each length in a process of its own.

Flow      the demo's voice -> cost -> Part

    python -m benchmarks.articulation.cost METHOD SECONDS     the child: one line of JSON
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.articulation.baselines import all_methods
from benchmarks.articulation.bench import Bench
from benchmarks.quality.chapter import Check, Part, Row
from benchmarks.speed import demo_voice, looped

LENGTHS_S = (30.0, 180.0)
QUICK_LENGTHS_S = (10.0, 60.0)
WARM_UP_S = 3.0
"""Processed before the clock starts: compiled code and weights are loaded once in a process."""

MOST_REAL_TIME = 0.02

MOST_GROWTH_MB = 100.0
"""From the short recording to the long one, whose samples and features alone take 80. Our choice:
flat but for what the result itself needs."""


def cost(bench: Bench) -> list[Part]:
    """Real-time factor and peak memory: ours for two lengths, the others for the short one."""
    short_s, long_s = QUICK_LENGTHS_S if bench.quick else LENGTHS_S
    ours, *others = bench.methods
    runs = [(ours, short_s), (ours, long_s), *((name, short_s) for name in others)]
    spent = [_in_own_process(*run) for run in runs]
    rows: list[Row] = [
        (f"{name}, {length_s:g} s", run.work_s, run.work_s / length_s, run.peak_mb)
        for (name, length_s), run in zip(runs, spent, strict=True)
    ]
    real_time = spent[1].work_s / long_s
    growth_mb = spent[1].peak_mb - spent[0].peak_mb
    checks = (
        Check(
            f"real-time factor {real_time:.4f} (wanted ≤ {MOST_REAL_TIME})",
            real_time <= MOST_REAL_TIME,
        ),
        Check(
            f"memory grows by {growth_mb:.0f} MB from {short_s:g} to {long_s:g} s"
            f" (wanted ≤ {MOST_GROWTH_MB:.0f})",
            growth_mb <= MOST_GROWTH_MB,
        ),
    )
    about = "Voice to curves on one core, without reading the file; memory is the whole process's."
    columns = ("recording", "seconds", "real-time factor", "peak memory MB")
    return [Part("cost", "Time and memory", about, columns, tuple(rows), checks)]


@dataclass(frozen=True, slots=True)
class Spent:
    """By one process."""

    work_s: float
    """Processor time for one recording."""
    peak_mb: float


def _in_own_process(name: str, length_s: float) -> Spent:
    command = [sys.executable, "-m", "benchmarks.articulation.cost", name, str(length_s)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return Spent(**json.loads(told))


def spend(name: str, length_s: float) -> Spent:
    """Hear the demo's voice, as often as it takes to last so long, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    method = all_methods()[name]
    method(looped(demo_voice(), WARM_UP_S))
    voice = looped(demo_voice(), length_s)
    begin_s = time.process_time()
    method(voice)
    work_s = time.process_time() - begin_s
    return Spent(work_s, _peak_mb())


def _peak_mb() -> float:
    """Most memory held since the program began; getrusage would count the parent's before it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kb = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(kb) / 1024.0


if __name__ == "__main__":
    print(json.dumps(asdict(spend(sys.argv[1], float(sys.argv[2])))))
