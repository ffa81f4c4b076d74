"""How fast tasks are submitted, read and claimed, with few and with many of them waiting.

Flow      callers in one event loop -> service.tasks.sqlite -> a file on the disk to be measured
Gives     OUT/queue.json, queue.md

    python -m benchmarks.queue -o out/bench [--folder DIR] [--waiting 100000]

Submissions are durable: each caller waits until its task is on the disk, then submits the next one.
How fast a commit is depends on the disk, so its time is measured first and told beside the rest.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.machine import this_machine
from portravox.service.tasks.queue import Job, Result, TaskFilter
from portravox.service.tasks.sqlite import SqliteTaskQueue

CALLERS = 64
"""As many as the connections of the load that the service is to bear."""

SPELL_S = 3.0
"""How long each kind of call is repeated."""

KEYS = 20

CLAIMS = 500

TARGETS = {"claim, many waiting": 20.0, "submit": 100.0}
"""Milliseconds that 99 of 100 calls are to stay below."""

JOB = Job(
    model="liveportrait",
    image_url="https://bucket.example.com/portraits/2026/11/portrait.png?Expires=1766806402",
    audio_url="https://bucket.example.com/voices/2026/11/voice.mp3?Expires=1766806402",
    parameters={"template_id": "normal", "video_fps": 30, "head_move_strength": 0.7},
    resolve_oss=False,
)


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of one kind."""

    what: str
    calls: int
    per_s: float
    median_ms: float
    p99_ms: float
    slowest_ms: float


def calls(what: str, took_s: list[float], wall_s: float) -> Calls:
    in_order = sorted(took_s)
    return Calls(
        what=what,
        calls=len(in_order),
        per_s=round(len(in_order) / wall_s, 1),
        median_ms=round(1e3 * median(in_order), 3),
        p99_ms=round(1e3 * in_order[int(0.99 * (len(in_order) - 1))], 3),
        slowest_ms=round(1e3 * in_order[-1], 3),
    )


async def repeat(
    what: str, call: Callable[[int], Awaitable[object]], *, callers: int, limit: int | None = None
) -> Calls:
    """Call again and again, for SPELL_S or `limit` times, with the number of the call."""
    took_s: list[float] = []
    began = time.perf_counter()
    issued = 0

    async def caller() -> None:
        nonlocal issued
        while issued < limit if limit else time.perf_counter() - began < SPELL_S:
            number = issued
            issued += 1
            start = time.perf_counter()
            await call(number)
            took_s.append(time.perf_counter() - start)

    await asyncio.gather(*(caller() for _ in range(callers)))
    return calls(what, took_s, time.perf_counter() - began)


def sync_time(folder: Path) -> Calls:
    """How long this disk takes to keep 4 KiB, the least that a commit writes."""
    took_s = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        began = time.perf_counter()
        while time.perf_counter() - began < 1.0:
            start = time.perf_counter()
            os.pwrite(file.fileno(), b"x" * 4096, 0)
            os.fdatasync(file.fileno())
            took_s.append(time.perf_counter() - start)
    return calls("write and sync 4 KiB", took_s, time.perf_counter() - began)


async def measure(folder: Path, waiting: int) -> list[Calls]:
    """All kinds of calls on a new queue in a folder."""
    queue = SqliteTaskQueue(folder / "tasks.db", max_pending=2 * waiting)
    ids: list[str] = []

    async def submit(number: int) -> None:
        key = f"key {number % KEYS}"
        task = await queue.submit(JOB, key_id=key, key_group="all", request_id="r")
        ids.append(task.task_id)

    async def get(number: int) -> None:
        await queue.get(ids[number * 7919 % len(ids)], key_group="all")

    async def claim(number: int) -> None:
        task = await queue.claim(f"worker {number}", lease_s=60.0)
        assert task is not None
        claimed.append((task.task_id, task.attempt))

    async def finish(number: int) -> None:
        await queue.finish(*claimed[number], Result(video_name="v.mp4", duration_s=2.8))

    claimed: list[tuple[str, int]] = []
    measured = [
        sync_time(folder),
        await repeat("submit, one caller", submit, callers=1),
        await repeat("submit", submit, callers=CALLERS),
        await repeat("query", get, callers=CALLERS),
    ]
    await repeat("fill", submit, callers=CALLERS, limit=max(1, waiting - len(ids)))
    measured += [
        await repeat("submit, many waiting", submit, callers=CALLERS),
        await repeat("query, many waiting", get, callers=CALLERS),
        await repeat("claim, many waiting", claim, callers=1, limit=CLAIMS),
        await repeat("finish, many waiting", finish, callers=1, limit=CLAIMS),
        await repeat(
            "position of the last, many waiting",
            lambda number: queue.position(ids[-1]),
            callers=1,
            limit=CLAIMS,
        ),
        await repeat(
            "list, many waiting",
            lambda number: queue.list(TaskFilter(), key_group="all"),
            callers=1,
            limit=CLAIMS // 10,
        ),
    ]
    await queue.close()
    start = time.perf_counter()
    await SqliteTaskQueue(folder / "tasks.db").close()
    opened_s = time.perf_counter() - start
    return [*measured, calls("open again, many waiting", [opened_s], opened_s)]


def table(measured: list[Calls]) -> str:
    rows = [
        f"| {row.what} | {row.calls} | {row.per_s:.0f} | {row.median_ms:.2f} | {row.p99_ms:.2f} |"
        f" {row.slowest_ms:.1f} | {TARGETS.get(row.what, '')} |"
        for row in measured
    ]
    head = "| | calls | a second | median, ms | 99 % below, ms | slowest, ms | aimed at, 99 %, ms |"
    return "\n".join([head, "|---|---|---|---|---|---|---|", *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--folder", type=Path, help="on the disk to be measured; default: OUT")
    parser.add_argument("--waiting", type=int, default=100_000)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    machine = this_machine()
    with tempfile.TemporaryDirectory(dir=options.folder or options.out) as folder:
        measured = asyncio.run(measure(Path(folder), options.waiting))
    report = {
        "machine": machine.facts(),
        "waiting": options.waiting,
        "callers": CALLERS,
        "keys": KEYS,
        "calls": [asdict(row) for row in measured],
    }
    (options.out / "queue.json").write_text(json.dumps(report, indent=1))
    text = f"{machine.sentence()}; {CALLERS} callers, {KEYS} keys, 'many' is {options.waiting}\n\n"
    text += table(measured) + "\n"
    (options.out / "queue.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
