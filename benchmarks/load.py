"""What a server on this machine bears: submissions, queries, both beside a render, a full queue.

Flow      portravox serve in a process of its own <- wrk (load.lua), 64 connections -> tables
Gives     OUT/load.json, load.md

    python -m benchmarks.load -o out/load [--folder DIR] [--waiting 100000] [--spell 10]

needs wrk (apt-get install wrk). Every request carries one of four keys that have limits, too high
to be reached. Addresses in the tasks lead to a server that takes connections and says nothing, so
that the worker has a task and little to do, except where a render is wanted. Client and server
share the machine: what wrk takes is missing elsewhere.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from statistics import mean, median
from typing import Any

import httpx
import numpy as np

from benchmarks.machine import Machine, this_machine
from benchmarks.queue import CLAIMS, KEYS, Calls, calls, sync_time
from benchmarks.speed import SAMPLE_JOB, close_up, demo_portrait, demo_voice, looped
from portravox.media.plain_files import write_wav
from portravox.service.keys import ApiKeys
from portravox.service.limits import Limits
from portravox.service.tasks.queue import Job, Result
from portravox.service.tasks.sqlite import SqliteTaskQueue

CONNECTIONS = 64

API_KEYS = 4

LIMITS = Limits(requests_per_s=1e6, polls_per_s=1e6, max_pending=10**7, video_s_per_day=1e7)
"""All kinds that a key may have, counted with every request and never reached."""

MIX_SUBMISSIONS = 20
"""Of a hundred requests beside a render; the others are queries. A client asks every few seconds
and waits for minutes, so real ones query more. Our choice."""

MIX_PER_S = 900
"""What is sent beside a render if answers take no time; some milliseconds each make it less. More
than the target, less than the server can bear."""

LARGE_PX = 2000
"""Side of the picture that is drawn beside the mixed load: of a smaller one, quick machines had
made all frames before the load was over."""

RENDER_SPELLS = 3
"""Of load, with a quiet one before each and after the last: a machine drifts."""

ENDED_TASKS = 1000
"""With videos, whose links are signed for each query."""

RUNS = 5
"""Of the sample job, and starts of a server."""

ORIGINAL_SAMPLE_JOB_S = 9.1
"""From `scheduled_time` to `end_time` in the sample answer of DashScope's documentation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What we set out to reach."""

    least_per_s: float | None = None
    most: float | None = None
    """In the unit of the row."""


TARGETS = {
    "submit": Target(least_per_s=600, most=100.0),
    "query": Target(least_per_s=1500, most=60.0),
    "mixed, beside a render": Target(least_per_s=800),
    "claim": Target(most=20.0),
    "ready": Target(most=3.0),
    "slowed": Target(most=0.20),
    "sample job": Target(most=ORIGINAL_SAMPLE_JOB_S),
}


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw in one spell."""

    requests: int
    wall_s: float
    refused: int
    """Answers of 400 and more."""

    broken: int
    """Connections and answers that failed, or took more than 2 s."""

    median_ms: float
    p99_ms: float
    slowest_ms: float

    @property
    def per_s(self) -> float:
        return self.requests / self.wall_s


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was measured."""

    machine: Machine
    waiting: int
    disk: Calls
    claim: Calls
    ready_new_s: list[float]
    ready_full_s: list[float]
    """From starting the process to the first 200 of /readyz: in an empty folder, and with `waiting`
    tasks in it."""

    loads: dict[str, Load]
    accepted: int
    """Submissions that were answered with 200, and how many tasks more than before there were."""

    kept: int
    frame_rates: dict[str, list[float]]
    """`quiet` and `loaded`: of the video 1.0 is, seconds of progress a second, spell by spell."""

    sample_job_s: list[float]

    @property
    def slowed(self) -> float:
        """Share of its speed that a render lost beside the mixed load."""
        return 1 - mean(self.frame_rates["loaded"]) / mean(self.frame_rates["quiet"])


class Server:
    """`portravox serve` as users start it."""

    def __init__(self, folder: Path, *arguments: str, source: Path | None = None) -> None:
        """Start it and wait until it is ready.

        source  the folder of another version that is to be served by this environment
        """
        begun = time.perf_counter()
        main = "import sys; from portravox.cli.main import main; sys.exit(main())"
        limits = {
            "PORTRAVOX_MAX_QUEUED": "10000000",
            "PORTRAVOX_FETCH_ALLOW_NETS": "127.0.0.0/8",
            "PORTRAVOX_DRAIN_S": "0",
        }
        chosen = {} if source is None else {"PYTHONPATH": str(source)}
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / "log.txt").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", main, "serve", "--port", "0", "--data-dir", str(folder)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **limits, **chosen},
            )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[2].removesuffix("/api/v1")
        while httpx.get(f"{self.url}/readyz").status_code != 200:
            time.sleep(0.005)
        self.ready_s = time.perf_counter() - begun

    @property
    def pid(self) -> int:
        """Of the server; its worker processes are its children."""
        return self._process.pid

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def tasks(self) -> int:
        """How many there are, in all states together."""
        lines = httpx.get(f"{self.url}/metrics").text.splitlines()
        return sum(
            int(float(line.split()[1])) for line in lines if line.startswith("portravox_tasks{")
        )


class Client:
    """One key's calls."""

    def __init__(self, server: Server, key: str) -> None:
        self._http = httpx.Client(
            base_url=f"{server.url}/api/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=60.0,
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def submit(self, body: dict[str, Any]) -> str:
        answered = self._http.post(
            "/services/aigc/image2video/video-synthesis",
            json=body,
            headers={"X-DashScope-Async": "enable"},
        ).raise_for_status()
        task_id: str = answered.json()["output"]["task_id"]
        return task_id

    def get(self, path: str) -> None:
        """Ask for what lies there. Raises httpx.HTTPStatusError."""
        self._http.get(path).raise_for_status()

    def output(self, task_id: str) -> dict[str, Any]:
        """The task, with progress."""
        answered = self._http.get(f"/tasks/{task_id}", params={"progress": "true"})
        output: dict[str, Any] = answered.raise_for_status().json()["output"]
        return output

    def until(
        self, task_id: str, *, stage: str | None = None, apart_s: float = 0.02
    ) -> dict[str, Any]:
        """The task once it has ended or is in a stage. Raises RuntimeError where it failed."""
        while True:
            output = self.output(task_id)
            if output["task_status"] in ("FAILED", "CANCELED"):
                raise RuntimeError(output)
            if output["task_status"] == "SUCCEEDED" or (stage and output.get("stage") == stage):
                return output
            time.sleep(apart_s)

    def cancel(self, task_id: str) -> None:
        self._http.post(f"/tasks/{task_id}/cancel", params={"force": "true"})


def body(picture: str, voice: str, **parameters: Any) -> dict[str, Any]:
    """A submission's."""
    return {
        "model": "liveportrait",
        "input": {"image_url": picture, "audio_url": voice},
        "parameters": {"template_id": "normal", "head_move_strength": 0.7, **parameters},
    }


async def fill(file: Path, waiting: int, *, files: str) -> tuple[list[str], Calls]:
    """Many tasks with files at this address, some of them ended; gives ids, and how long claims
    took."""
    queue = SqliteTaskQueue(file, max_pending=2 * waiting)
    job = Job(
        model="liveportrait",
        image_url=f"{files}/portraits/2026/11/portrait.png?Expires=1766806402",
        audio_url=f"{files}/voices/2026/11/voice.mp3?Expires=1766806402",
        parameters={"template_id": "normal", "video_fps": 30, "head_move_strength": 0.7},
        resolve_oss=False,
    )
    ids: list[str] = []

    async def submit(count: int) -> None:
        for number in range(count):
            task = await queue.submit(
                job, key_id=str(number % KEYS), key_group="default", request_id="r"
            )
            ids.append(task.task_id)

    await asyncio.gather(*(submit(waiting // CONNECTIONS + 1) for _ in range(CONNECTIONS)))
    took_s = []
    began = time.perf_counter()
    claimed = []
    for _ in range(max(CLAIMS, ENDED_TASKS)):
        start = time.perf_counter()
        task = await queue.claim("worker", lease_s=60.0)
        took_s.append(time.perf_counter() - start)
        assert task is not None
        claimed.append(task)
    claim = calls(f"claim, {waiting} waiting", took_s, time.perf_counter() - began)
    for task in claimed:
        video = Result(video_name=f"{task.task_id}-1.mp4", duration_s=2.8)
        await queue.finish(task.task_id, task.attempt, video)
    await queue.close()
    return ids, claim


@contextmanager
def silence() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def files_at(folder: Path) -> Iterator[str]:
    """A folder's files."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Not between the figures."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Wrk:
    """What sends."""

    def __init__(self, folder: Path, keys: list[str], tasks: list[str], body: str) -> None:
        self._plan = folder / "plan"
        self._lines = [
            *(f"key {key}" for key in keys),
            *(f"task {task}" for task in tasks),
            f"body {body}",
        ]

    def begin(
        self, url: str, spell_s: int, *, submissions: int, apart_ms: int = 0
    ) -> subprocess.Popen[str]:
        """Send for so long.

        submissions  of a hundred requests
        apart_ms     mean pause of each connection before each request
        """
        more = [f"submissions {submissions}", f"apart_ms {apart_ms}"]
        self._plan.write_text("\n".join([*self._lines, *more]) + "\n")
        script = Path(__file__).with_suffix(".lua")
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{spell_s}", "-s", str(script), url]
        return subprocess.Popen(
            [*command, "--", str(self._plan)], stdout=subprocess.PIPE, text=True
        )

    def end(self, sending: subprocess.Popen[str]) -> Load:
        """Wait for what it saw."""
        said, _ = sending.communicate()
        if sending.returncode:
            raise RuntimeError(f"wrk ended with {sending.returncode}")
        return Load(**json.loads(said.splitlines()[-1]))

    def send(self, url: str, spell_s: int, *, submissions: int) -> Load:
        return self.end(self.begin(url, spell_s, submissions=submissions))


def progress_rate(client: Client, task_id: str, spell_s: float) -> float:
    """Share of a job done in a second, by a line through the moments at which progress was told."""
    moments: list[tuple[float, float]] = []
    end = time.perf_counter() + spell_s
    while (now := time.perf_counter()) < end:
        done = client.output(task_id)["progress"]
        if not moments or done != moments[-1][1]:
            moments.append((now, done))
        time.sleep(0.05)
    if len(moments) < 4 or moments[-1][1] >= 1.0:
        raise RuntimeError("the render ended before the load did")
    seconds, done = np.array(moments[1:]).T  # the first is older than it looks
    return float(np.polyfit(seconds, done, 1)[0])


def beside_a_render(
    server: Server, client: Client, wrk: Wrk, long_job: dict[str, Any], spell_s: int
) -> tuple[Load, dict[str, list[float]]]:
    """Mixed load in turns with none, while a video is made."""
    rates: dict[str, list[float]] = {"quiet": [], "loaded": []}
    loads = []
    task_id = client.submit(long_job)
    client.until(task_id, stage="render")
    time.sleep(1.0)  # its first frames are not like the others
    apart_ms = round(1000 * CONNECTIONS / MIX_PER_S)
    for _ in range(RENDER_SPELLS):
        rates["quiet"].append(progress_rate(client, task_id, spell_s))
        sending = wrk.begin(server.url, spell_s, submissions=MIX_SUBMISSIONS, apart_ms=apart_ms)
        rates["loaded"].append(progress_rate(client, task_id, spell_s - 0.5))
        loads.append(wrk.end(sending))
    rates["quiet"].append(progress_rate(client, task_id, spell_s))
    client.cancel(task_id)
    together = Load(
        requests=sum(load.requests for load in loads),
        wall_s=sum(load.wall_s for load in loads),
        refused=sum(load.refused for load in loads),
        broken=sum(load.broken for load in loads),
        median_ms=median(load.median_ms for load in loads),
        p99_ms=max(load.p99_ms for load in loads),
        slowest_ms=max(load.slowest_ms for load in loads),
    )
    return together, rates


def sample_job_s(client: Client, job: dict[str, Any]) -> list[float]:
    """From submitting to SUCCEEDED on a server that has nothing else to do."""
    took_s = []
    for _ in range(RUNS):
        time.sleep(1.0)  # a child may be warming up
        begun = time.perf_counter()
        client.until(client.submit(job))
        took_s.append(time.perf_counter() - begun)
    return took_s


def measure(folder: Path, *, waiting: int, spell_s: int) -> Report:
    """Everything, on servers with their data in a folder."""
    machine = this_machine()
    inputs = folder / "inputs"
    inputs.mkdir()
    _, side_px, duration_s, fps = SAMPLE_JOB
    write_picture(inputs / "face.jpg", side_px)
    write_picture(inputs / "large.jpg", LARGE_PX)
    write_wav(inputs / "short.wav", looped(demo_voice(), duration_s))
    write_wav(inputs / "long.wav", looped(demo_voice(), 179.0))

    full, new = folder / "full", folder / "new"
    full.mkdir()
    disk = sync_time(full)
    ready_new_s, ready_full_s = [], []
    loads: dict[str, Load] = {}
    with silence() as nowhere:
        ids, claim = asyncio.run(fill(full / "tasks.db", waiting, files=nowhere))
        keys = [
            ApiKeys(full / "keys.json").create(f"key {number}", limits=LIMITS)[1]
            for number in range(API_KEYS)
        ]
        for number in range(RUNS):
            with Server(new / str(number)) as server:
                ready_new_s.append(server.ready_s)
            with Server(full) as server:
                ready_full_s.append(server.ready_s)
        with Server(full) as server:
            submission = body(f"{nowhere}/face.png", f"{nowhere}/a.wav")
            wrk = Wrk(folder, keys, ids, json.dumps(submission))
            time.sleep(5.0)  # until its children are warm
            before = server.tasks()
            loads["submit"] = wrk.send(server.url, spell_s, submissions=100)
            time.sleep(0.5)
            kept = server.tasks() - before
            loads["query"] = wrk.send(server.url, spell_s, submissions=0)
    alone = folder / "alone"
    with files_at(inputs) as files, Server(alone) as server:
        _, key = ApiKeys(alone / "keys.json").create("sample", limits=LIMITS)
        with Client(server, key) as client:
            time.sleep(5.0)
            parameters = {"video_fps": fps}
            job = body(f"{files}/face.jpg", f"{files}/short.wav", **parameters)
            sample_s = sample_job_s(client, job)
            wrk = Wrk(folder, [key], [client.submit(job)], json.dumps(job))
            long_job = body(f"{files}/large.jpg", f"{files}/long.wav", **parameters)
            loads["mixed, beside a render"], rates = beside_a_render(
                server, client, wrk, long_job, spell_s
            )
    return Report(
        machine=machine,
        waiting=waiting,
        disk=disk,
        claim=claim,
        ready_new_s=ready_new_s,
        ready_full_s=ready_full_s,
        loads=loads,
        accepted=loads["submit"].requests - loads["submit"].refused,
        kept=kept,
        frame_rates=rates,
        sample_job_s=sample_s,
    )


def write_picture(path: Path, side_px: int) -> None:
    from PIL import Image

    Image.fromarray(close_up(demo_portrait(), side_px)).save(path, quality=92)


def verdict(name: str, figure: float, per_s: float | None = None) -> str:
    """What was wanted, and whether it was met."""
    target = TARGETS[name]
    said = []
    if target.least_per_s is not None and per_s is not None:
        met = "met" if per_s >= target.least_per_s else "missed"
        said.append(f"≥ {target.least_per_s:g} a second: {met}")
    if target.most is not None:
        said.append(f"≤ {target.most:g}: {'met' if figure <= target.most else 'missed'}")
    return ", ".join(said)


def markdown(report: Report) -> str:
    """The tables."""
    lines = [
        f"Measured {report.machine.sentence()}; {CONNECTIONS} connections, {API_KEYS} keys with"
        f" limits, {report.waiting} tasks waiting. This disk keeps 4 KiB in"
        f" {report.disk.median_ms:.2f} ms, 99 of 100 times within {report.disk.p99_ms:.1f} ms.",
        "",
        "| load | requests | a second | median ms | 99 % below ms | slowest ms | refused"
        " | broken | wanted |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, load in report.loads.items():
        lines.append(
            f"| {name} | {load.requests} | {load.per_s:.0f} | {load.median_ms:.1f}"
            f" | {load.p99_ms:.1f} | {load.slowest_ms:.0f} | {load.refused} | {load.broken}"
            f" | {verdict(name, load.p99_ms, load.per_s)} |"
        )
    new_s, full_s = median(report.ready_new_s), median(report.ready_full_s)
    job_s = median(report.sample_job_s)
    lines += [
        "",
        f"Of {report.accepted} accepted submissions {report.kept} were in the table afterwards"
        f" (up to {CONNECTIONS} more were on their way when wrk stopped listening).",
        "",
        "| | measured | runs | wanted |",
        "|---|---|---|---|",
        f"| claim with {report.waiting} waiting, 99 % below, ms | {report.claim.p99_ms:.1f}"
        f" | {report.claim.calls} | {verdict('claim', report.claim.p99_ms)} |",
        f"| `serve` ready in a new folder, s | {new_s:.2f} | {spread(report.ready_new_s)}"
        f" | {verdict('ready', new_s)} |",
        f"| `serve` ready with {report.waiting} waiting, s | {full_s:.2f}"
        f" | {spread(report.ready_full_s)} | {verdict('ready', full_s)} |",
        f"| render slowed by the mixed load | {report.slowed:.0%}"
        f" | {RENDER_SPELLS} spells each | {verdict('slowed', report.slowed)} |",
        f"| sample job ({SAMPLE_JOB[2]} s voice, {SAMPLE_JOB[3]} fps, {SAMPLE_JOB[1]} px) from"
        f" submit to SUCCEEDED, s | {job_s:.2f} | {spread(report.sample_job_s)}"
        f" | {verdict('sample job', job_s)} (the original's processing) |",
    ]
    return "\n".join(lines) + "\n"


def spread(figures: list[float]) -> str:
    return f"{len(figures)}: {min(figures):.2f} to {max(figures):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("-o", "--out", type=Path, default=Path("out/load"))
    parser.add_argument("--folder", type=Path, help="on the disk to be measured; default: OUT")
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--spell", type=int, default=8, help="seconds of each load")
    options = parser.parse_args()
    if which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk")
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.folder or options.out) as folder:
        report = measure(Path(folder), waiting=options.waiting, spell_s=options.spell)
    facts = {**asdict(report), "slowed": report.slowed}
    (options.out / "load.json").write_text(json.dumps(facts, indent=1) + "\n")
    (options.out / "load.md").write_text(markdown(report))
    print(markdown(report))


if __name__ == "__main__":
    main()
