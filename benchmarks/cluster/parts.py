"""A long video by one worker and by two of one core each, whole and in parts.

Flow      portravox worker processes -> PostgreSQL and a folder on this machine -> a table
Gives     OUT/parts.json, and the videos

    python -m benchmarks.cluster.parts -o out/cluster-parts [--seconds 180] [--side 1024]

needs PostgreSQL's programs, and taskset of util-linux. Processor time is that of the workers and
all their processes, from the submission to the end: also a machine that others use tells it.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from PIL import Image

from benchmarks.cluster.server import PostgresServer, programs
from portravox.demo import VOICE, demo_portrait
from portravox.media.plain_files import write_wav
from portravox.media.voice_file import read_voice
from portravox.media.waveform import Waveform
from portravox.service.database.database import Database
from portravox.service.tasks.postgres import PostgresTaskQueue
from portravox.service.tasks.queue import Job
from portravox.service.tasks.task import Task

RUNS = (
    ("one worker, whole", 1, 0.0),
    ("one worker, in parts", 1, 30.0),
    ("two workers, in parts", 2, 30.0),
)
"""Name, workers, seconds of a part (0: as a whole)."""

READY_S = 300.0
ENDS_S = 1800.0


def inputs(folder: Path, *, seconds: float, side_px: int) -> None:
    """A portrait and a recording so large and so long."""
    folder.mkdir(exist_ok=True)
    picture = Image.open(demo_portrait()).convert("RGB").resize((side_px, side_px))
    picture.save(folder / "face.png")
    said = read_voice(VOICE)
    times = int(np.ceil(seconds * said.rate_hz / len(said.samples)))
    samples = np.tile(said.samples, (times, 1))[: int(seconds * said.rate_hz)]
    write_wav(folder / "voice.wav", Waveform(samples, said.rate_hz))


@contextmanager
def served(folder: Path, address: str = "127.0.0.1") -> Iterator[int]:
    """The folder over HTTP; gives the port. An address that ends with ?SECONDS is answered so much
    later."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(float(self.path.partition("?")[2] or 0.0))
            super().do_GET()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(
        (address, 0), functools.partial(Quiet, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


class Workers:
    """`portravox worker` processes, each with a core of its own."""

    def __init__(self, count: int, *, url: str, data: Path, port: int, part_s: float) -> None:
        environment = {
            **os.environ,
            "PORTRAVOX_DATABASE_URL": url,
            "PORTRAVOX_DATA_DIR": str(data),
            "PORTRAVOX_FETCH_ALLOW_NETS": "127.0.0.0/8",
            "PORTRAVOX_FETCH_PORTS": str(port),
            "PORTRAVOX_PART_S": str(part_s),
            "PORTRAVOX_CORES": "1",
        }
        self._processes = []
        for number in range(count):
            core = str(number % (os.cpu_count() or 1))
            with (data / f"worker-{number}.log").open("wb") as log:
                self._processes.append(
                    subprocess.Popen(
                        ["taskset", "-c", core, sys.executable, "-c",
                         "from portravox.cli.main import main; main()", "worker", "--slots", "1"],
                        env=environment,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                    )
                )  # fmt: skip

    def wait_until_warm(self) -> None:
        """Until all their processes have nothing to do any more."""
        ends = time.monotonic() + READY_S
        before = sum(self.cpu_s())
        while time.monotonic() < ends:
            time.sleep(3.0)
            if any(process.poll() is not None for process in self._processes):
                sys.exit("a worker has ended; see its log")
            now = sum(self.cpu_s())
            if now - before < 0.3 and now > 1.0:
                return
            before = now
        raise TimeoutError("the workers do not get ready")

    def cpu_s(self) -> list[float]:
        """Of each of them and of what it started, ended or not."""
        parents: dict[int, int] = {}
        ticks: dict[int, int] = {}
        for file in Path("/proc").glob("[0-9]*/stat"):
            try:
                told = file.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            pid = int(file.parent.name)
            parents[pid] = int(told[1])
            ticks[pid] = sum(map(int, told[11:15]))
        return [_of_tree(process.pid, parents, ticks) for process in self._processes]

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(60)


def _of_tree(top: int, parents: dict[int, int], ticks: dict[int, int]) -> float:
    """Seconds of a process and all below it."""
    ours = {top}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(ticks.get(pid, 0) for pid in ours) / os.sysconf("SC_CLK_TCK")


async def one_video(url: str, port: int) -> Task:
    queue = PostgresTaskQueue(Database(url))
    address = f"http://127.0.0.1:{port}"
    job = Job(
        model="liveportrait",
        image_url=f"{address}/face.png",
        audio_url=f"{address}/voice.wav",
        parameters={"video_fps": 30, "seed": 7},
        resolve_oss=False,
    )
    task = await queue.submit(job, key_id="1", key_group="all", request_id="r")
    told = -1.0
    async with asyncio.timeout(ENDS_S):
        while not task.state.ended:
            await asyncio.sleep(0.2)
            task = (await queue.find([task.task_id]))[task.task_id]
            if task.done - told > 0.1:
                told = task.done
                print(f"  {told:.2f}", flush=True)
    await queue.close()
    return task


def run(out: Path, *, seconds: float, side_px: int, only: int | None) -> dict[str, Any]:
    found = programs()
    if found is None:
        sys.exit("the programs of PostgreSQL are missing: apt-get install postgresql")
    out.mkdir(parents=True, exist_ok=True)
    measured: dict[str, Any] = {"load_before": os.getloadavg()[0], "seconds": seconds}
    server = PostgresServer(found)
    with tempfile.TemporaryDirectory() as given:
        inputs(Path(given), seconds=seconds, side_px=side_px)
        with served(Path(given)) as port:
            try:
                for number, (name, count, part_s) in enumerate(RUNS):
                    if only is not None and number != only:
                        continue
                    print(name, flush=True)
                    with psycopg.connect(server.url("postgres"), autocommit=True) as db:
                        db.execute(f'CREATE DATABASE "run{number}"'.encode())
                    data = Path(tempfile.mkdtemp(prefix="portravox-parts-"))
                    url = server.url(f"run{number}")
                    PostgresTaskQueue(Database(url))  # makes the tables
                    workers = Workers(count, url=url, data=data, port=port, part_s=part_s)
                    try:
                        workers.wait_until_warm()
                        before, began = workers.cpu_s(), time.monotonic()
                        task = asyncio.run(one_video(url, port))
                        wall_s = time.monotonic() - began
                        spent = zip(workers.cpu_s(), before, strict=True)
                        cpu_s = [round(after - first, 1) for after, first in spent]
                    finally:
                        workers.stop()
                    measured[name] = {
                        "state": str(task.state),
                        "wall_s": round(wall_s, 1),
                        "cpu_s": round(sum(cpu_s), 1),
                        "cpu_s_of_each": cpu_s,
                    }
                    print(json.dumps(measured[name]), flush=True)
                    for log in data.glob("*.log"):
                        shutil.copy(log, out / f"{number}-{log.name}")
                    if task.result is not None:
                        video = data / "videos" / task.result.video_name
                        shutil.copy(video, out / f"{number}.mp4")
                        left = [path.name for path in (data / "videos").iterdir()]
                        measured[name]["files_left"] = len(left) - 1
                    shutil.rmtree(data, ignore_errors=True)
            finally:
                server.close()
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-o", "--out", type=Path, default=Path("out/cluster-parts"))
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--only", type=int, choices=range(len(RUNS)))
    arguments = parser.parse_args()
    measured = run(
        arguments.out, seconds=arguments.seconds, side_px=arguments.side, only=arguments.only
    )
    (arguments.out / "parts.json").write_text(json.dumps(measured, indent=1) + "\n")


if __name__ == "__main__":
    main()
