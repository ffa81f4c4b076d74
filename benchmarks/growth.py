"""What a server and its worker processes hold, time after time, and whether it grows.

Flow      /proc -> sample -> soak -> growth -> table, verdict
Gives     memory, open descriptors and threads by role; their slopes against limits

Memory rises and falls, and a process that is replaced begins anew. So what is held against the
limit is the median of the slopes between all pairs of moments (Theil 1950, Sen 1968): a few high
moments do not move it, a leak does.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from portravox.arrays import Float64

SERVER = "server"

_ROLE = re.compile(rb"\0portravox\.service\.worker\.child\0([a-z]+)\0")
_PROGRAM = re.compile(rb"\0portravox\.service\.worker\.transcript_reader\0")

ENDS = 10
"""A tenth of the samples is what was held in the beginning, the last tenth what in the end."""


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """What one process held at a moment."""

    pid: int
    role: str
    memory_mib: float
    """Resident, pages of files included."""

    descriptors: int
    threads: int


@dataclass(frozen=True, slots=True)
class Sample:
    """What all processes held at a moment."""

    at_s: float
    requests: int
    """Sent until then."""

    processes: tuple[ProcessUse, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """How much something may grow."""

    noise: float
    """Whatever the time: what a median of samples wanders by where nothing leaks."""

    per_hour: float

    def over(self, hours: float) -> float:
        return self.noise + self.per_hour * hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How something that one role of processes holds went on."""

    role: str
    unit: str
    begin: float
    end: float
    """Medians of the first and of the last tenth of the time."""

    most: float
    per_hour: float
    """The median of the slopes."""

    grown: float
    """By that slope over the whole time."""

    allowed: float

    @property
    def holds(self) -> bool:
        return self.grown <= self.allowed


LIMITS = {
    (SERVER, "MiB"): Limit(noise=6.0, per_hour=4.0),
    (SERVER, "descriptors"): Limit(noise=3.0, per_hour=1.0),
    (SERVER, "threads"): Limit(noise=1.0, per_hour=0.5),
    ("worker", "MiB"): Limit(noise=16.0, per_hour=8.0),
    ("worker", "descriptors"): Limit(noise=1.0, per_hour=0.5),
    ("worker", "threads"): Limit(noise=1.0, per_hour=0.5),
}
"""Of the server, and of each process of a role that works for it: those are replaced after 20
requests, so theirs is what one generation passes to the next. At 100,000 requests an hour 4 MiB are
40 bytes of each. Our choice."""


def slope(at: Sequence[float], values: Sequence[float]) -> float:
    """The median of the slopes between all pairs of points, in values a unit of `at`; 0 where all
    points are at one moment."""
    x, y = np.asarray(at, np.float64), np.asarray(values, np.float64)
    first, second = np.triu_indices(len(x), 1)
    apart: Float64 = x[second] - x[first]
    risen: Float64 = y[second] - y[first]
    there = apart != 0.0
    return float(np.median(risen[there] / apart[there])) if there.any() else 0.0


def growth(samples: Sequence[Sample]) -> list[Growth]:
    """How memory, descriptors and threads of the server went on, and of each role of worker
    processes from one process to the next."""
    rows = []
    hours = (samples[-1].at_s - samples[0].at_s) / 3600
    for role in _roles(samples):
        for unit in ("MiB", "descriptors", "threads"):
            at, held = _course(samples, role, unit)
            per_hour = slope(at, held) * 3600
            tenth = max(len(held) // ENDS, 1)
            limit = LIMITS[role if role == SERVER else "worker", unit]
            rows.append(
                Growth(
                    role=role,
                    unit=unit,
                    begin=median(held[:tenth]),
                    end=median(held[-tenth:]),
                    most=max(held),
                    per_hour=per_hour,
                    grown=per_hour * hours,
                    allowed=limit.over(hours),
                )
            )
    return rows


def _roles(samples: Sequence[Sample]) -> list[str]:
    found = {process.role for sample in samples for process in sample.processes}
    return sorted(found, key=lambda role: (role != SERVER, role))


def _held(process: ProcessUse, unit: str) -> float:
    if unit == "MiB":
        return process.memory_mib
    return process.descriptors if unit == "descriptors" else process.threads


def _course(samples: Sequence[Sample], role: str, unit: str) -> tuple[list[float], list[float]]:
    """What the server held at each moment; of worker processes, the most that each of them held,
    at the moment when it was seen last. Those that were seen while they loaded only are no part."""
    at: dict[int, float] = {}
    most: dict[int, float] = {}
    for number, sample in enumerate(samples):
        for process in sample.processes:
            if process.role == role:
                point = number if role == SERVER else process.pid
                at[point] = sample.at_s
                most[point] = max(most.get(point, 0.0), _held(process, unit))
    ready = median(most.values()) / 2
    points = [point for point in at if most[point] >= ready]
    return [at[point] for point in points], [most[point] for point in points]


def processes_of(pid: int) -> tuple[ProcessUse, ...]:
    """What the server and all that it started hold now."""
    children = defaultdict(list)
    for process, parent in _parents():
        children[parent].append(process)
    found, waiting = [], [pid]
    while waiting:
        process = waiting.pop()
        waiting += children[process]
        use = _use(process, SERVER if process == pid else None)
        if use is not None:
            found.append(use)
    return tuple(found)


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                # After the name, which may hold spaces and brackets; proc_pid_stat(5).
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended meanwhile
            yield int(folder.name), int(fields[1])


def _use(pid: int, role: str | None) -> ProcessUse | None:
    """Of one process; None where it has ended, or is not yet what it will be."""
    folder = Path(f"/proc/{pid}")
    try:
        role = role or _role((folder / "cmdline").read_bytes())
        if role is None:
            return None
        status = dict(
            line.split(":", 1)
            for line in (folder / "status").read_text().splitlines()
            if ":" in line
        )
        descriptors = len(os.listdir(folder / "fd"))  # noqa: PTH208 - names alone
        memory_kib = float(status["VmRSS"].split()[0])
        threads = int(status["Threads"])
    except (OSError, KeyError):
        return None
    return ProcessUse(pid, role, memory_kib / 1024, descriptors, threads)


def _role(command: bytes) -> str | None:
    if found := _ROLE.search(command):
        return found.group(1).decode()
    return "transcript" if _PROGRAM.search(command) else None
