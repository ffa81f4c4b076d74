"""Whole servers and workers on hosts of their own, one thing after another broken while clients go
on: what was acknowledged is made, once, and plays.

Flow      hosts: db, api1, api2, worker1, worker2; a store, nginx and clients here -> breakages
Gives     OUT/breakages.json, breakages.md, logs of all processes

    python -m benchmarks.cluster.breakages -o out/breakages [--rounds 20] [--away 60] [--cut 120]
        [--only ...] [--before COMMIT]

needs root, and of Debian: postgresql, iproute2, util-linux, nginx-light, swift-proxy and its like
(.ci/run names them), faketime for clocks that differ. Clients ask through nginx, which takes
turns between the servers, and repeat what fails, as clients do.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import httpx

from benchmarks.cluster.hosts import HERE, Network, can_make
from benchmarks.cluster.parts import inputs, served
from benchmarks.cluster.server import PostgresServer, programs
from portravox.service.accounts import keys_of
from portravox.service.database.database import Database
from portravox.service.errors import QueueUnavailable
from portravox.service.settings import ServiceSettings, read_settings
from portravox.service.storage.object_store import ObjectStorage
from portravox.service.tasks.postgres import PostgresTaskQueue
from portravox.service.tasks.states import TaskState
from portravox.service.tasks.task import Task
from tests.service.storage import faulty_proxy, swift
from tests.service.storage.faulty_proxy import FaultyProxy, Mode

SUBMIT = "/api/v1/services/aigc/image2video/video-synthesis"
APIS, WORKERS = ("api1", "api2"), ("worker1", "worker2")
PORT = 8000
BALANCER_PORT = 8300
CLIENTS = 4
"""That have one video each made after another: two workers keep up with that on any machine."""

PATIENCE_S = 150.0
"""How long a client repeats a request. Beyond: it failed."""

ENDS_WITHIN_S = 400.0
MAIN = "from portravox.cli.main import main; main()"
FAKE_TIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
SKEWED = {"api2": "-10m", "worker2": "+10m"}
"""Hosts whose clocks are wrong all the time, where libfaketime is installed. Stores that speak S3
refuse who is off by more than 15 minutes."""

_BALANCER = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    upstream portravox {{ {servers} }}
    server {{
        listen {here}:{port};
        client_max_body_size 101m;
        location / {{
            proxy_pass http://portravox;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_connect_timeout 2s;
            proxy_read_timeout 20s;
            proxy_buffering off;
        }}
    }}
}}
"""


class Cluster:
    """All hosts and what runs on them."""

    def __init__(
        self,
        out: Path,
        network: Network,
        *,
        store: FaultyProxy,
        swift_url: str,
        videos: ObjectStorage,
    ) -> None:
        found = programs()
        assert found is not None
        self.out, self.network, self.store, self.videos = out, network, store, videos
        self.data = Path(tempfile.mkdtemp(prefix="portravox-breakages-"))
        self.database = PostgresServer(
            found,
            is_safe=True,
            address=network.addresses["db"],
            on_host=network.command("db"),
        )
        self.url = self.database.url("postgres")
        self.swift_url = swift_url
        self.files_port = 0
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.code: dict[str, Path] = {}
        """Folder of the version that a host runs; ours where nothing is said."""

    @property
    def settings(self) -> ServiceSettings:
        return read_settings({"data_dir": self.data, "database_url": self.url})

    def start(self, host: str) -> None:
        """Its server or worker."""
        if host in APIS:
            address = self.network.addresses[host]
            command = ["serve", "--workers", "0", "--host", address, "--port", str(PORT)]
        else:
            command = ["worker", "--slots", "1"]
        with (self.out / f"{host}.log").open("ab") as log:
            self.running[host] = subprocess.Popen(
                self.network.command(host, sys.executable, "-c", MAIN, *command),
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(host),
                cwd=self.code.get(host, Path.cwd()),
            )

    def _environment(self, host: str) -> dict[str, str]:
        made = {
            **os.environ,
            "PYTHONPATH": str(self.code.get(host, Path.cwd())),
            "PORTRAVOX_DATABASE_URL": self.url,
            "PORTRAVOX_DATA_DIR": str(self.data),
            "PORTRAVOX_STORAGE_URL": self.swift_url,
            "PORTRAVOX_FETCH_ALLOW_NETS": f"{HERE}/32",
            "PORTRAVOX_FETCH_PORTS": str(self.files_port),
            "PORTRAVOX_PUBLIC_URL": f"http://{HERE}:{BALANCER_PORT}",
            "PORTRAVOX_LIVE_SESSIONS": "0",
            "PORTRAVOX_DRAIN_S": "30",
            "AWS_ACCESS_KEY_ID": swift.ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": swift.SECRET_ACCESS_KEY,
            "AWS_REGION": "us-east-1",
        }
        if host in SKEWED and FAKE_TIME.exists():
            made |= {"LD_PRELOAD": str(FAKE_TIME), "FAKETIME": SKEWED[host]}
            made |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}
        return made

    def kill(self, host: str, number: signal.Signals = signal.SIGKILL) -> None:
        """`ip netns exec` becomes what it runs, so it is the program that is told."""
        self.running[host].send_signal(number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.running.pop(host).wait(90)

    async def is_ready(self, host: str) -> bool:
        address = self.network.addresses[host]
        with contextlib.suppress(httpx.HTTPError):
            async with httpx.AsyncClient(timeout=2.0) as client:
                return (await client.get(f"http://{address}:{PORT}/healthz")).status_code == 200
        return False

    def close(self) -> None:
        for process in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
        self.database.close()
        shutil.rmtree(self.data, ignore_errors=True)


@dataclass
class Clients:
    """Who submits all the time, and asks what became of it."""

    key: str
    picture: str
    voice: str
    acknowledged: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    mended: int = 0
    failed: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def __post_init__(self) -> None:
        self.client = httpx.AsyncClient(
            base_url=f"http://{HERE}:{BALANCER_PORT}",
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=25.0,
        )

    async def asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        """An answer other than a failure, asked for again and again."""
        began, tries, why = time.monotonic(), 0, ""
        while time.monotonic() - began < PATIENCE_S:
            tries += 1
            try:
                answer = await self.client.request(method, path, **more)
            except httpx.HTTPError as error:
                why = type(error).__name__
            else:
                if answer.status_code < 500:
                    self.mended += tries > 1
                    self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                    return answer
                why = str(answer.status_code)
            self.answers[why] += 1
            await asyncio.sleep(min(0.2 * 2**tries, 2.0))
        self.failed.append(f"{method} {path}: {why}")
        raise TimeoutError(why)

    async def submit(self) -> str:
        number = f"{os.getpid()}-{time.monotonic_ns()}"
        answer = await self.asked(
            "POST",
            SUBMIT,
            json={
                "model": "liveportrait",
                "input": {"image_url": self.picture, "audio_url": self.voice},
                "parameters": {"video_fps": 15},
            },
            headers={"X-DashScope-Async": "enable", "Idempotency-Key": number},
        )
        answer.raise_for_status()
        task_id: str = answer.json()["output"]["task_id"]
        self.acknowledged.append(task_id)
        return task_id

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """While this lasts, tasks are submitted and asked for."""

        async def one_after_another() -> None:
            while True:
                with contextlib.suppress(TimeoutError):
                    await self.made(await self.submit())

        going = [asyncio.create_task(one_after_another()) for _ in range(CLIENTS)]
        try:
            yield
        finally:
            for each in going:
                each.cancel()
            await asyncio.gather(*going, return_exceptions=True)

    async def made(self, task_id: str) -> None:
        """Ask for a task until it has ended."""
        while True:
            answer = await self.asked("GET", f"/api/v1/tasks/{task_id}")
            if answer.status_code != 200:
                self.failed.append(f"task {task_id} is not known: {answer.status_code}")
                return
            if answer.json()["output"]["task_status"] not in ("PENDING", "RUNNING"):
                return
            await asyncio.sleep(1.0)


Breakage = Callable[["World"], Awaitable[dict[str, Any]]]


@dataclass
class World:
    """What a breakage may break, and who is watching."""

    cluster: Cluster
    clients: Clients
    queue: PostgresTaskQueue
    rounds: int
    away_s: float
    cut_s: float

    async def until_done(self, task_id: str, *, within_s: float = ENDS_WITHIN_S) -> float:
        began = time.monotonic()
        async with asyncio.timeout(within_s):
            while not (task := await self.task(task_id)) or not task.state.ended:
                await asyncio.sleep(0.2)
        return time.monotonic() - began

    async def task(self, task_id: str) -> Task | None:
        with contextlib.suppress(QueueUnavailable):
            return (await self.queue.find([task_id])).get(task_id)
        return None

    async def back_to_work_s(self) -> float:
        """How long a task takes that is submitted now, all before it included."""
        return await self.until_done(await self.clients.submit())

    async def until_ready(self, *hosts: str) -> None:
        async with asyncio.timeout(180.0):
            for host in hosts:
                while not await self.cluster.is_ready(host):
                    await asyncio.sleep(0.3)

    async def running(self) -> dict[str, Task]:
        try:
            found = await self.queue.find(self.clients.acknowledged)
        except QueueUnavailable:
            return {}
        return {id_: task for id_, task in found.items() if task.state is TaskState.RUNNING}


async def workers_killed(world: World) -> dict[str, Any]:
    stages: Counter[str] = Counter()
    back_s: list[float] = []
    for number in range(world.rounds):
        victim = WORKERS[number % 2]
        async with asyncio.timeout(120.0):
            while not (held := await world.running()):
                await asyncio.sleep(0.05)
        await asyncio.sleep((number * 0.37) % 1.5)  # at any moment of an attempt
        held = await world.running() or held
        killed_at = world.queue.now()
        world.cluster.kill(victim)
        world.cluster.start(victim)
        stages.update(task.stage or "claimed" for task in held.values())
        for id_, task in held.items():
            await world.until_done(id_)
            again = await world.task(id_)
            if again is not None and again.attempt > task.attempt and again.scheduled_at:
                back_s.append(again.scheduled_at - killed_at)
    return {
        "kills": world.rounds,
        "stages_of_what_ran": dict(stages),
        "attempts_that_died": len(back_s),
        "back_to_work_s": _spread(back_s),
    }


async def servers_killed(world: World) -> dict[str, Any]:
    back_s = []
    for number in range(world.rounds):
        victim = APIS[number % 2]
        world.cluster.kill(victim)
        began = time.monotonic()
        await world.clients.submit()  # the other one answers
        back_s.append(time.monotonic() - began)
        world.cluster.start(victim)
        await world.until_ready(victim)
    return {"kills": world.rounds, "next_submission_s": _spread(back_s)}


async def database_restarted(world: World) -> dict[str, Any]:
    back_s = []
    for pause_s in [*[0.0] * max(world.rounds // 2, 1), world.away_s]:
        await asyncio.sleep(2.0)
        await asyncio.to_thread(world.cluster.database.stop)
        await asyncio.sleep(pause_s)
        await asyncio.to_thread(world.cluster.database.start)
        back_s.append(await world.back_to_work_s())
    return {"restarts": len(back_s) - 1, "away_s": world.away_s, "back_to_work_s": _spread(back_s)}


async def store_broken(world: World) -> dict[str, Any]:
    found = {}
    modes: tuple[Mode, ...] = ("busy", "silent", "away")
    for mode in modes:
        world.cluster.store.mode = mode
        await asyncio.sleep(world.away_s)
        world.cluster.store.mode = "well"
        found[f"{mode}: back_to_work_s"] = round(await world.back_to_work_s(), 1)
    return {"each_s": world.away_s, **found}


async def cables_pulled(world: World) -> dict[str, Any]:
    found = {}
    for host in ("worker1", "api1", "db"):
        for cut_s in (5.0, 30.0, world.cut_s):
            async with asyncio.timeout(120.0):
                while not await world.running():
                    await asyncio.sleep(0.05)
            world.cluster.network.pull(host)
            await asyncio.sleep(cut_s)
            world.cluster.network.plug(host)
            found[f"{host} {cut_s:.0f} s: back_to_work_s"] = round(await world.back_to_work_s(), 1)
    return found


async def worker_stopped(world: World) -> dict[str, Any]:
    async with asyncio.timeout(120.0):
        while not await world.running():
            await asyncio.sleep(0.05)
    world.cluster.kill("worker1", signal.SIGSTOP)
    await asyncio.sleep(40.0)  # past its lease
    world.cluster.kill("worker1", signal.SIGCONT)
    return {"stopped_s": 40.0, "back_to_work_s": round(await world.back_to_work_s(), 1)}


async def official_package(world: World) -> dict[str, Any]:
    """DashScope's own package through the balancer, whose turn goes from one server to the other
    with each request."""
    program = (
        "import dashscope, sys\n"
        "from dashscope import VideoSynthesis\n"
        "dashscope.base_http_api_url, dashscope.api_key, picture, voice = sys.argv[1:]\n"
        "asked = dict(model='liveportrait', task='image2video', audio_url=voice,\n"
        "    extra_input={'image_url': picture})\n"
        "done = [VideoSynthesis.wait(VideoSynthesis.async_call(**asked)) for _ in range(3)]\n"
        "print([each.output.task_status for each in done])\n"
    )
    given = (f"http://{HERE}:{BALANCER_PORT}/api/v1", world.clients.key)
    command = [sys.executable, "-c", program, *given, world.clients.picture, world.clients.voice]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=300, check=False
    )
    return {"said": (done.stdout + done.stderr).strip().splitlines()[-1:]}


async def upgraded(world: World, before: Path) -> dict[str, Any]:
    """From another version to this one, a host after another, amid all that is asked."""
    for host in (*WORKERS, *APIS):
        world.cluster.kill(host, signal.SIGTERM)
        del world.cluster.code[host]
        world.cluster.start(host)
        if host in APIS:
            await world.until_ready(host)
        await asyncio.sleep(10.0)
    return {"back_to_work_s": round(await world.back_to_work_s(), 1)}


BREAKAGES: Mapping[str, Breakage] = {
    "official_package": official_package,
    "workers_killed": workers_killed,
    "servers_killed": servers_killed,
    "database_restarted": database_restarted,
    "store_broken": store_broken,
    "cables_pulled": cables_pulled,
    "worker_stopped": worker_stopped,
}


def _spread(values_s: list[float]) -> dict[str, float] | None:
    if not values_s:
        return None
    return {"median": round(statistics.median(values_s), 1), "most": round(max(values_s), 1)}


def _frames_of(video: bytes) -> int:
    """How many pictures can be seen."""
    try:
        with av.open(io.BytesIO(video), mode="r") as file:
            return sum(1 for _ in file.decode(video=0))
    except av.FFmpegError:
        return 0


async def counted(world: World) -> dict[str, Any]:
    """What became of all that was acknowledged."""
    ids = world.clients.acknowledged
    tasks: dict[str, Task] = {}
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            while True:
                with contextlib.suppress(QueueUnavailable):
                    tasks = await world.queue.find(ids)
                    if all(task.state.ended for task in tasks.values()):
                        break
                await asyncio.sleep(0.5)
    except TimeoutError:
        pass
    plays = twice = 0
    for task in tasks.values():
        if task.result is None:
            continue
        answer = await world.clients.asked("GET", f"/api/v1/tasks/{task.task_id}")
        video = await world.clients.asked("GET", answer.json()["output"]["results"]["video_url"])
        plays += _frames_of(video.content) == round(15 * task.result.duration_s)
        twice += sum(
            world.cluster.videos.find(f"{task.task_id}-{attempt}.mp4") is not None
            for attempt in range(1, task.attempt)
        )
    return {
        "acknowledged": len(ids),
        "lost": len(ids) - len(tasks),
        "states": dict(Counter(str(task.state) for task in tasks.values())),
        "codes": dict(Counter(task.code for task in tasks.values() if task.code)),
        "tries": dict(Counter(task.attempt for task in tasks.values())),
        "plays": plays,
        "published_twice": twice,
        "requests_that_failed": world.clients.failed,
        "requests_mended_by_another_try": world.clients.mended,
        "slowest_request_s": round(world.clients.slowest_s, 1),
        "failures_before_another_try": dict(world.clients.answers),
    }


@contextmanager
def balanced(cluster: Cluster) -> Iterator[None]:
    """nginx before both servers."""
    folder = cluster.data / "nginx"
    folder.mkdir()
    servers = " ".join(
        f"server {cluster.network.addresses[host]}:{PORT} max_fails=1 fail_timeout=2s;"
        for host in APIS
    )
    written = _BALANCER.format(folder=folder, servers=servers, here=HERE, port=BALANCER_PORT)
    (folder / "nginx.conf").write_text(written)
    command = ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def opened(out: Path) -> Iterator[Cluster]:
    """All hosts, with nothing running on them but the database."""
    store_folder = Path(tempfile.mkdtemp(prefix="portravox-swift-"))
    network = Network(["db", *APIS, *WORKERS])
    try:
        with (
            swift.running(store_folder) as server,
            faulty_proxy.before(server.endpoint, HERE) as store,
        ):
            cluster = Cluster(
                out,
                network,
                store=store,
                swift_url=server.url("breakages", endpoint=store.endpoint),
                videos=ObjectStorage(server.open_bucket("breakages"), "videos"),
            )
            try:
                yield cluster
            finally:
                cluster.close()
    finally:
        network.close()
        shutil.rmtree(store_folder, ignore_errors=True)


async def run(
    arguments: argparse.Namespace, cluster: Cluster, before: Path | None
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "load_before": os.getloadavg()[0],
        "clocks": dict(SKEWED) if FAKE_TIME.exists() else "alike: libfaketime is not installed",
    }
    chosen = {name: BREAKAGES[name] for name in arguments.only or BREAKAGES}
    if before is not None:
        cluster.code = dict.fromkeys((*APIS, *WORKERS), before)
        chosen = {"upgraded": lambda world: upgraded(world, before)}
    cluster.start("api1")  # makes the tables
    async with asyncio.timeout(120.0):
        while not await cluster.is_ready("api1"):
            await asyncio.sleep(0.3)
    for host in ("api2", *WORKERS):
        cluster.start(host)
    _, key = keys_of(cluster.settings).create("breakages")
    clients = Clients(
        key,
        picture=f"http://{HERE}:{cluster.files_port}/face.png",
        voice=f"http://{HERE}:{cluster.files_port}/voice.wav",
    )
    queue = PostgresTaskQueue(Database(cluster.url))
    world = World(
        cluster, clients, queue, rounds=arguments.rounds, away_s=arguments.away, cut_s=arguments.cut
    )
    await world.until_ready(*APIS)
    print("warm after", round(await world.back_to_work_s(), 1), "s", flush=True)
    async with clients.going_on():
        for name, breakage in chosen.items():
            began = time.monotonic()
            try:
                found[name] = await breakage(world)
            except TimeoutError as error:
                found[name] = {"failed": f"took too long: {error}"}
            found[name]["took_s"] = round(time.monotonic() - began, 1)
            print(name, json.dumps(found[name]), flush=True)
    found["in_the_end"] = await counted(world)
    print(json.dumps(found["in_the_end"]), flush=True)
    await queue.close()
    await clients.client.aclose()
    return found


@contextmanager
def version(commit: str | None) -> Iterator[Path | None]:
    """The code of another version, in a folder."""
    if commit is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="portravox-before-"))
    archive = subprocess.run(["git", "archive", commit], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-o", "--out", type=Path, default=Path("out/breakages"))
    parser.add_argument("--rounds", type=int, default=20, help="of each kill")
    parser.add_argument("--away", type=float, default=60.0, help="s, of database and store")
    parser.add_argument("--cut", type=float, default=120.0, help="s, of the longest cut")
    parser.add_argument("--only", nargs="*", choices=BREAKAGES)
    parser.add_argument("--before", metavar="COMMIT", help="upgrade from it instead of all else")
    arguments = parser.parse_args()
    if not can_make() or programs() is None or not swift.is_here() or not shutil.which("nginx"):
        sys.exit("needs root, iproute2, postgresql, nginx-light and swift-proxy: see .ci/run")
    arguments.out.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # no host is left behind
    with version(arguments.before) as before, tempfile.TemporaryDirectory() as given:
        inputs(Path(given), seconds=1.2, side_px=256)
        with opened(arguments.out) as cluster, served(Path(given), HERE) as port:
            cluster.files_port = port
            with balanced(cluster):
                found = asyncio.run(run(arguments, cluster, before))
    (arguments.out / "breakages.json").write_text(json.dumps(found, indent=1) + "\n")
    lines = ["| part | measured |", "|---|---|"]
    lines += [f"| {name} | {json.dumps(measured)} |" for name, measured in found.items()]
    (arguments.out / "breakages.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
