"""What many machines around one PostgreSQL bear, and what happens when parts of them die.

Flow      processes of benchmarks.cluster.noop -> PostgreSQL on this machine -> tables
Gives     OUT/cluster.json, cluster.md

    python -m benchmarks.cluster.campaign -o out/cluster [--tasks 10000] [--kills 20] [--away 60]

needs PostgreSQL's programs (apt-get install postgresql). Tasks make nothing: what is measured is
the engine, the queue and the database. Commits wait for the disk. All share this machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from benchmarks.cluster.server import PostgresServer, programs
from portravox.service.accounts import keys_of
from portravox.service.database.database import Database
from portravox.service.errors import QueueUnavailable
from portravox.service.settings import read_settings
from portravox.service.tasks.postgres import PostgresTaskQueue
from portravox.service.tasks.queue import Job
from portravox.service.tasks.states import TaskState

JOB = Job(
    model="liveportrait",
    image_url="https://host.example/portrait.png?signature=0123456789abcdef",
    audio_url="https://host.example/voice.wav?signature=0123456789abcdef",
    parameters={"template_id": "calm"},
    resolve_oss=False,
)
WORKERS = 4
SUBMITTED_PER_S = 300
SUBMIT_S = 10.0
HTTP_PORT = 8390
HTTP_CONNECTIONS = 64
ENDS_WITHIN_S = 300.0
"""Before a part of the campaign counts as failed."""


class Cluster:
    """A database and the worker processes around it."""

    def __init__(self, folder: Path) -> None:
        found = programs()
        if found is None:
            sys.exit("the programs of PostgreSQL are missing: apt-get install postgresql")
        self.folder = folder
        self.server = PostgresServer(found, is_safe=True)
        self.workers: list[subprocess.Popen[bytes]] = []
        self.serving: subprocess.Popen[bytes] | None = None
        self._started = 0
        self.url = ""

    def fresh(self, name: str) -> PostgresTaskQueue:
        """A queue in a database of its own, without workers."""
        self.stop_workers()
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as db:
            db.execute(f'CREATE DATABASE "{name}"'.encode())
        self.url = self.server.url(name)
        return PostgresTaskQueue(Database(self.url))

    def start_worker(self, *, slots: int, task_s: float) -> None:
        self._started += 1
        with (self.folder / f"worker-{self._started}.log").open("wb") as log:
            self.workers.append(
                subprocess.Popen(
                    [sys.executable, "-m", "benchmarks.cluster.noop", self.url, str(slots),
                     str(task_s)],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )  # fmt: skip

    async def serve(self, key_name: str) -> str:
        """Start a server that answers and makes nothing, at HTTP_PORT; gives a key of it."""
        settings = read_settings({"data_dir": self.folder / "data", "database_url": self.url})
        _, key = keys_of(settings).create(key_name)
        environment = {
            **os.environ,
            "PORTRAVOX_DATABASE_URL": self.url,
            "PORTRAVOX_DATA_DIR": str(self.folder / "data"),
        }
        main = "from portravox.cli.main import main; main()"
        command = [sys.executable, "-c", main, "serve", "--workers", "0", "--port", str(HTTP_PORT)]
        with (self.folder / "server.log").open("wb") as log:
            self.serving = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=environment
            )

        async def is_there() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", HTTP_PORT)
            except OSError:
                return False
            writer.close()
            return True

        await until(is_there)
        return key

    def stop_serving(self) -> None:
        if self.serving is not None:
            self.serving.terminate()
            self.serving.wait(60)
            self.serving = None

    def stop_workers(self) -> None:
        for worker in self.workers:
            worker.send_signal(signal.SIGCONT)
            worker.terminate()
        for worker in self.workers:
            try:
                worker.wait(30)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        self.workers.clear()

    def cpu_s(self) -> dict[str, float]:
        """Time on processors so far, of all workers, of PostgreSQL, of a server that answers and of
        this process, which submits: what a machine that others use, too, can tell of a machine of
        one's own."""
        postmaster = int((self.server.data / "postmaster.pid").read_text().split()[0])
        workers = {worker.pid for worker in self.workers}
        server = None if self.serving is None else self.serving.pid
        ticks = {"workers": 0, "postgresql": 0, "server": 0, "submitting": 0}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                told = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended
            pid, parent = int(stat.parent.name), int(told[1])
            own = int(told[11]) + int(told[12])
            if pid in workers:
                ticks["workers"] += own
            elif pid == server:
                ticks["server"] += own
            elif pid == os.getpid():
                ticks["submitting"] += own
            elif pid == postmaster:
                ticks["postgresql"] += own + int(told[13]) + int(told[14])
            elif parent == postmaster:
                ticks["postgresql"] += own
        return {name: each / os.sysconf("SC_CLK_TCK") for name, each in ticks.items()}

    def cpu_ms_since(self, before: dict[str, float], tasks: int) -> dict[str, float]:
        """Of each task, in milliseconds."""
        now = self.cpu_s()
        return {name: round(1000 * (now[name] - before[name]) / tasks, 2) for name in now}

    def close(self) -> None:
        self.stop_serving()
        self.stop_workers()
        self.server.close()

    def takes(self, since: int) -> Counter[str]:
        """How often each task was taken as done, by what workers said since the so-manieth."""
        told: Counter[str] = Counter()
        for number in range(since, self._started + 1):
            for line in (self.folder / f"worker-{number}.log").read_text().splitlines():
                if line.startswith("end") and line.endswith("True"):
                    told[line.split()[1]] += 1
        return told

    async def are_ready(self, since: int) -> bool:
        """Whether all workers from the so-manieth on take tasks."""
        logs = [self.folder / f"worker-{n}.log" for n in range(since, self._started + 1)]
        return all("ready" in log.read_text() for log in logs)

    @property
    def next_worker(self) -> int:
        return self._started + 1


async def submit(queue: PostgresTaskQueue, key_id: str = "1") -> str:
    task = await queue.submit(JOB, key_id=key_id, key_group="all", request_id="r")
    return task.task_id


async def submit_many(queue: PostgresTaskQueue, count: int, key_id: str = "1") -> list[str]:
    ids: list[str] = []
    for first in range(0, count, 500):
        many = min(500, count - first)
        ids += await asyncio.gather(*(submit(queue, key_id) for _ in range(many)))
    return ids


async def until(holds: Callable[[], Awaitable[bool]], *, within_s: float = ENDS_WITHIN_S) -> float:
    """How long it took. Raises TimeoutError."""
    began = time.monotonic()
    async with asyncio.timeout(within_s):
        while True:
            try:
                if await holds():
                    return time.monotonic() - began
            except QueueUnavailable:
                pass
            await asyncio.sleep(0.1)


async def all_ended(queue: PostgresTaskQueue) -> bool:
    counts = await queue.counts()
    return counts[TaskState.PENDING] == counts[TaskState.RUNNING] == 0


async def throughput(cluster: Cluster, *, tasks: int) -> dict[str, Any]:
    """So many tasks that make nothing, by WORKERS processes."""
    queue = cluster.fresh("throughput")
    first = cluster.next_worker
    for _ in range(WORKERS):
        cluster.start_worker(slots=8, task_s=0.0)
    await until(lambda: cluster.are_ready(first))
    for worker in cluster.workers:  # what counts begins when all tasks wait
        worker.send_signal(signal.SIGSTOP)
    ids = await submit_many(queue, tasks)
    for worker in cluster.workers:
        worker.send_signal(signal.SIGCONT)

    async def begun() -> bool:
        return (await queue.counts())[TaskState.SUCCEEDED] > 0

    await until(begun)
    before = (await queue.counts())[TaskState.SUCCEEDED]
    spent_before = cluster.cpu_s()
    took_s = await until(lambda: all_ended(queue))
    spent_ms = cluster.cpu_ms_since(spent_before, tasks - before)
    taken = cluster.takes(first)
    found = {
        "tasks": tasks,
        "worker_processes": WORKERS,
        "tasks_per_s": round((tasks - before) / took_s, 1),
        "cpu_ms_per_task": spent_ms,
        "lost": len(set(ids) - set(taken)),
        "doubled": sum(times > 1 for times in taken.values()),
    }
    await queue.close()
    return found


async def submissions(cluster: Cluster) -> dict[str, Any]:
    """How long a submission takes at SUBMITTED_PER_S, beside workers that do what comes."""
    queue = cluster.fresh("submissions")
    for _ in range(WORKERS):
        cluster.start_worker(slots=4, task_s=0.0)
    await asyncio.sleep(5.0)
    took: list[float] = []

    async def one() -> None:
        began = time.monotonic()
        await submit(queue)
        took.append(time.monotonic() - began)

    began = time.monotonic()
    spent_before = cluster.cpu_s()
    running = []
    for number in range(int(SUBMITTED_PER_S * SUBMIT_S)):
        await asyncio.sleep(max(began + number / SUBMITTED_PER_S - time.monotonic(), 0.0))
        running.append(asyncio.create_task(one()))
    await asyncio.gather(*running)
    per_s = round(len(took) / (time.monotonic() - began), 1)
    p50, p99 = np.percentile(took, [50, 99])
    await until(lambda: all_ended(queue))
    spent_ms = cluster.cpu_ms_since(spent_before, len(took))
    await queue.close()
    return {
        "per_s": per_s,
        "asked_per_s": SUBMITTED_PER_S,
        "p50_ms": round(1000 * p50, 1),
        "p99_ms": round(1000 * p99, 1),
        "cpu_ms_per_task": spent_ms,
    }


async def over_http(cluster: Cluster) -> dict[str, Any]:
    """The same through `portravox serve` by HTTP_CONNECTIONS clients, each moment to its time: who
    finds all of them busy waits, and that counts."""
    queue = cluster.fresh("over_http")
    key = await cluster.serve("load")
    for _ in range(WORKERS):
        cluster.start_worker(slots=4, task_s=0.0)
    await asyncio.sleep(5.0)
    body = json.dumps(
        {
            "model": JOB.model,
            "input": {"image_url": JOB.image_url, "audio_url": JOB.audio_url},
            "parameters": dict(JOB.parameters),
        }
    )
    said = (
        "POST /api/v1/services/aigc/image2video/video-synthesis HTTP/1.1\r\nHost: portravox\r\n"
        f"Authorization: Bearer {key}\r\nX-DashScope-Async: enable\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
    took: list[float] = []
    statuses: Counter[str] = Counter()
    moments: asyncio.Queue[float] = asyncio.Queue()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", HTTP_PORT)
        try:
            while True:
                due = await moments.get()
                writer.write(said)
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = head.partition("content-length:")[2].partition("\r\n")[0]
                await reader.readexactly(int(length))
                took.append(time.monotonic() - due)
                statuses[head.split()[1]] += 1
                moments.task_done()
        finally:
            writer.close()

    clients = [asyncio.create_task(client()) for _ in range(HTTP_CONNECTIONS)]
    spent_before = cluster.cpu_s()
    began = time.monotonic()
    for number in range(int(SUBMITTED_PER_S * SUBMIT_S)):
        due = began + number / SUBMITTED_PER_S
        await asyncio.sleep(max(due - time.monotonic(), 0.0))
        moments.put_nowait(due)
    await moments.join()
    per_s = round(len(took) / (time.monotonic() - began), 1)
    for each in clients:
        each.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    await until(lambda: all_ended(queue))
    spent_ms = cluster.cpu_ms_since(spent_before, len(took))
    cluster.stop_serving()
    await queue.close()
    p50, p99 = np.percentile(took, [50, 99])
    return {
        "per_s": per_s,
        "asked_per_s": SUBMITTED_PER_S,
        "statuses": dict(statuses),
        "p50_ms": round(1000 * p50, 1),
        "p99_ms": round(1000 * p99, 1),
        "cpu_ms_per_task": spent_ms,
    }


async def kills(cluster: Cluster, *, rounds: int) -> dict[str, Any]:
    """kill -9 of a worker at any moment of an attempt; another one takes its place."""
    queue = cluster.fresh("kills")
    first = cluster.next_worker
    chance = random.Random(16)
    ids: list[str] = []
    back_s: list[float] = []
    for _ in range(3):
        cluster.start_worker(slots=2, task_s=1.0)
    for _ in range(rounds):
        ids += await submit_many(queue, 12)
        await asyncio.sleep(chance.uniform(0.5, 2.0))
        victim = cluster.workers.pop(0)
        held = await _running(queue, ids)
        victim.kill()
        victim.wait()
        killed_at = queue.now()
        cluster.start_worker(slots=2, task_s=1.0)
        await until(lambda: all_ended(queue), within_s=120.0)
        again = [task for task in (await queue.find(held)).values() if task.attempt > 1]
        back_s += [max((task.scheduled_at or 0.0) - killed_at, 0.0) for task in again]
    ended = await queue.find(ids)
    taken = cluster.takes(first)
    found = {
        "kills": rounds,
        "tasks": len(ids),
        "attempts_that_died": len(back_s),
        "not_ended": sum(not task.state.ended for task in ended.values()) + len(ids) - len(ended),
        "published_twice": sum(times > 1 for times in taken.values()),
        "back_to_work_s": [round(float(s), 1) for s in (np.median(back_s), max(back_s))]
        if back_s
        else None,
    }
    await queue.close()
    return found


async def _running(queue: PostgresTaskQueue, ids: list[str]) -> list[str]:
    found = await queue.find(ids)
    return [id_ for id_, task in found.items() if task.state is TaskState.RUNNING]


async def database(cluster: Cluster, *, restarts: int, away_s: float) -> dict[str, Any]:
    """PostgreSQL crashes and comes back, then is away, while tasks are submitted and done."""
    queue = cluster.fresh("database")
    first = cluster.next_worker
    for _ in range(2):
        cluster.start_worker(slots=2, task_s=0.5)
    ids: list[str] = []
    refused = 0
    going = True

    async def keep_submitting() -> None:
        nonlocal refused
        while going:
            try:
                ids.append(await submit(queue))
            except QueueUnavailable:
                refused += 1
            await asyncio.sleep(0.25)

    submitting = asyncio.create_task(keep_submitting())
    back_s = []
    for pause_s in [0.0] * restarts + [away_s]:
        await asyncio.sleep(3.0)
        await asyncio.to_thread(cluster.server.stop)
        await asyncio.sleep(pause_s)
        await asyncio.to_thread(cluster.server.start)
        before = await _succeeded(queue)

        async def more(than: int = before) -> bool:
            return (await queue.counts())[TaskState.SUCCEEDED] > than

        back_s.append(await until(more))
    going = False
    await submitting
    await until(lambda: all_ended(queue))
    ended = await queue.find(ids)
    taken = cluster.takes(first)
    found = {
        "immediate_restarts": restarts,
        "then_away_s": away_s,
        "acknowledged": len(ids),
        "refused_meanwhile": refused,
        "acknowledged_and_gone": len(ids) - len(ended),
        "succeeded": sum(task.state is TaskState.SUCCEEDED for task in ended.values()),
        "published_twice": sum(times > 1 for times in taken.values()),
        "first_task_done_after_s": [round(float(s), 1) for s in (np.median(back_s), max(back_s))],
    }
    await queue.close()
    return found


async def _succeeded(queue: PostgresTaskQueue) -> int:
    found = 0

    async def look() -> bool:
        nonlocal found
        found = (await queue.counts())[TaskState.SUCCEEDED]
        return True

    await until(look)
    return found


async def stopped(cluster: Cluster) -> dict[str, Any]:
    """A worker is stopped past its lease, then goes on: what it says is not heard any more."""
    queue = cluster.fresh("stopped")
    first = cluster.next_worker
    cluster.start_worker(slots=1, task_s=3.0)
    [task_id] = await submit_many(queue, 1)

    async def begun() -> bool:
        return bool(await _running(queue, [task_id]))

    await until(begun)
    os.kill(cluster.workers[0].pid, signal.SIGSTOP)
    cluster.start_worker(slots=1, task_s=3.0)
    took_s = await until(lambda: all_ended(queue))
    os.kill(cluster.workers[0].pid, signal.SIGCONT)
    await asyncio.sleep(5.0)
    task = (await queue.find([task_id]))[task_id]
    await queue.close()
    return {
        "done_by_another_after_s": round(took_s, 1),
        "attempt": task.attempt,
        "state": str(task.state),
        "published_by": sum(cluster.takes(first).values()),
    }


async def fairness(cluster: Cluster, *, tasks: int) -> dict[str, Any]:
    """One key's first task behind another key's thousands."""
    queue = cluster.fresh("fairness")
    await submit_many(queue, tasks, "1")
    task_s, slots = 0.5, 4
    for _ in range(2):
        cluster.start_worker(slots=slots // 2, task_s=task_s)

    async def busy() -> bool:
        return (await queue.counts())[TaskState.RUNNING] == slots

    await until(busy)
    await asyncio.sleep(2.0)
    waits = []
    for _ in range(5):
        task_id = await submit(queue, "2")

        async def begun(id_: str = task_id) -> bool:
            return (await queue.find([id_]))[id_].scheduled_at is not None

        await until(begun)
        task = (await queue.find([task_id]))[task_id]
        waits.append((task.scheduled_at or 0.0) - task.submitted_at)
    await queue.close()
    return {
        "waiting_of_the_other_key": tasks,
        "task_s": task_s,
        "slots": slots,
        "first_task_waited_s": [round(float(s), 2) for s in (np.median(waits), max(waits))],
    }


async def run(arguments: argparse.Namespace) -> dict[str, Any]:
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(out)
    parts: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
        "throughput": lambda: throughput(cluster, tasks=arguments.tasks),
        "submissions": lambda: submissions(cluster),
        "over_http": lambda: over_http(cluster),
        "kills": lambda: kills(cluster, rounds=arguments.kills),
        "database": lambda: database(cluster, restarts=arguments.restarts, away_s=arguments.away),
        "stopped": lambda: stopped(cluster),
        "fairness": lambda: fairness(cluster, tasks=arguments.tasks // 2),
    }
    found: dict[str, Any] = {"load_before": os.getloadavg()[0], "cores": os.cpu_count()}
    try:
        for name, part in parts.items():
            if arguments.only and name not in arguments.only:
                continue
            print(name, flush=True)
            try:
                found[name] = await part()
            except TimeoutError:
                found[name] = {"failed": f"did not end within {ENDS_WITHIN_S:.0f} s"}
            print(json.dumps(found[name]), flush=True)
    finally:
        cluster.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-o", "--out", type=Path, default=Path("out/cluster"))
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--away", type=float, default=60.0)
    parser.add_argument("--only", nargs="*", help="parts, by name")
    arguments = parser.parse_args()
    found = asyncio.run(run(arguments))
    (arguments.out / "cluster.json").write_text(json.dumps(found, indent=1) + "\n")
    lines = ["| part | measured |", "|---|---|"]
    for name, measured in found.items():
        lines.append(f"| {name} | {json.dumps(measured)} |")
    (arguments.out / "cluster.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
