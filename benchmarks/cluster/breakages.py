"""Whole servers and workers on hosts of their own, one thing after another broken while clients go
on: what was acknowledged is made, once, and plays.

Flow      whole: hosts, a store, nginx ; clients -> breakages -> verdicts
Gives     OUT/breakages.json, breakages.md, logs of all processes; ends with 1 where a verdict is no

    python -m benchmarks.cluster.breakages -o out/breakages [--rounds 20] [--away 60] [--cut 120]
        [--skew 14] [--folder] [--only ...] [--before COMMIT]

needs root, and of Debian: postgresql, iproute2, util-linux, nginx-light, swift-proxy and its like
(.ci/run names them), faketime for clocks that differ. Clients ask through nginx, which takes
turns between the servers, and repeat what fails, as clients do.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.cluster.clients import Clients, frames_of
from benchmarks.cluster.hosts import HERE, can_make
from benchmarks.cluster.parts import inputs, served
from benchmarks.cluster.server import programs
from benchmarks.cluster.whole import (
    APIS,
    BALANCER_PORT,
    WORKERS,
    Cluster,
    balanced,
    opened,
    version,
)
from benchmarks.page.driving import NO_BROWSER, OPTIONS, Studio, find_browser
from portravox.service.accounts import keys_of, logins_of
from portravox.service.database.database import Database
from portravox.service.errors import QueueUnavailable
from portravox.service.tasks.postgres import PostgresTaskQueue
from portravox.service.tasks.queue import MAX_TRIES
from portravox.service.tasks.states import TaskState
from portravox.service.tasks.task import Task
from tests.service.storage import swift

ENDS_WITHIN_S = 400.0
HELD_WITHIN_S = 120.0

STEPS = ("download", "read", "face", "listen", "render", "publish")
"""Of an attempt, as its heartbeats tell them, in which workers are killed."""

LATE_S = 0.8
"""By how much voices and stored videos come later while workers are killed, so that heartbeats, two
a second, meet these steps."""

KILL_S = 4.0
"""For so long a kill waits for the step that was met least; then it takes another one."""

KILLS_WITHIN_S = 540.0
"""Then enough have been killed, and the verdict tells how many."""

SLOW_S = 5.0
"""What each request of a slow store takes."""

PAUSED_S = 40.0
"""Past the lease."""

TRIES_IN_STUDIO = 3
"""A busy machine may take longer to look at a picture than the balancer waits."""

S3_SKEW_MIN = 15
"""A signature that is older or newer is refused, by S3 and by all that speak it."""

NOTICED_S, BACK_S = 10.0, 15.0
"""What is promised: after so long a dead machine is noticed, and somebody else at work."""

_RUNNING = """
SELECT task_id, attempt, stage, procrastinate_jobs.worker_id AS engine_worker
FROM tasks JOIN procrastinate_jobs ON procrastinate_jobs.id = substr(tasks.worker, 5)::bigint
WHERE state = 'RUNNING'
"""

_BEGUN_SINCE = "SELECT min(scheduled_at) AS at FROM tasks WHERE scheduled_at > %(since)s"

Breakage = Callable[["World"], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Held:
    """An attempt that goes on."""

    task_id: str
    attempt: int
    step: str
    host: str | None


@dataclass
class World:
    """What a breakage may break, and who is watching."""

    cluster: Cluster
    clients: Clients
    database: Database
    queue: PostgresTaskQueue
    inputs: Path
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

    async def until_begun_s(self, since: float) -> float:
        """How long after a moment somebody began an attempt, by the database's clock."""
        async with asyncio.timeout(ENDS_WITHIN_S):
            while True:
                with contextlib.suppress(QueueUnavailable):
                    [row] = await self.database.fetch(_BEGUN_SINCE, {"since": since})
                    if row["at"] is not None:
                        return float(row["at"]) - since
                await asyncio.sleep(0.1)

    async def until_ready(self, *hosts: str) -> None:
        async with asyncio.timeout(180.0):
            for host in hosts:
                while not await self.cluster.is_ready(host):
                    await asyncio.sleep(0.3)

    async def running(self) -> list[Held]:
        """All attempts that go on, and on which host."""
        try:
            rows = await self.database.fetch(_RUNNING, {})
        except QueueUnavailable:
            return []
        return [
            Held(
                row["task_id"],
                row["attempt"],
                row["stage"] or "claimed",
                self.cluster.host_of.get(row["engine_worker"]),
            )
            for row in rows
        ]

    async def until_held(self, *steps: str) -> None:
        """Until an attempt goes on, in one of these steps if any are named."""
        async with asyncio.timeout(HELD_WITHIN_S):
            while not any(not steps or held.step in steps for held in await self.running()):
                await asyncio.sleep(0.03)

    @asynccontextmanager
    async def slow_store(self, delay_s: float) -> AsyncIterator[None]:
        """While this lasts, videos are stored and read so much later."""
        store = self.cluster.store
        store.delay_s, store.only = delay_s, "/videos/"
        try:
            yield
        finally:
            store.delay_s, store.only = 0.0, ""


@dataclass
class Deaths:
    """Attempts whose workers were killed, and what became of them."""

    world: World
    open: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Attempt and moment of death, by task."""

    noticed_s: dict[str, float] = field(default_factory=dict)
    back_s: dict[str, float] = field(default_factory=dict)

    def add(self, held: Iterable[Held]) -> None:
        now = self.world.queue.now()
        self.open.update({each.task_id: (each.attempt, now) for each in held})

    async def follow(self) -> None:
        """Until cancelled."""
        while True:
            with contextlib.suppress(QueueUnavailable):
                for task in (await self.world.queue.find(list(self.open))).values():
                    self._look(task)
            await asyncio.sleep(0.1)

    def _look(self, task: Task) -> None:
        attempt, died_at = self.open[task.task_id]
        if task.state is TaskState.RUNNING and task.attempt == attempt:
            return
        name = f"{task.task_id} {attempt}"
        since_s = self.world.queue.now() - died_at
        # Whoever begins within a look's pause was told as well.
        self.noticed_s.setdefault(name, since_s)
        if task.attempt > attempt and task.scheduled_at is not None:
            self.back_s[name] = task.scheduled_at - died_at
            self.noticed_s[name] = min(self.noticed_s[name], self.back_s[name])
        elif not task.state.ended:
            return
        del self.open[task.task_id]


async def workers_killed(world: World) -> dict[str, Any]:
    """kill -9 of workers, so many times in each step of an attempt."""
    deaths = Deaths(world)
    met: Counter[str] = Counter()
    kills = 0
    following = asyncio.create_task(deaths.follow())
    ends = time.monotonic() + KILLS_WITHIN_S
    async with (
        world.slow_store(LATE_S),
        world.clients.going_on(3, "large", late_s=LATE_S),
    ):
        while time.monotonic() < ends and min(met[step] for step in STEPS) < world.rounds:
            victim = await _victim(world, met)
            if victim is None or victim.host not in world.cluster.running:
                continue
            held = [each for each in await world.running() if each.host == victim.host]
            world.cluster.kill(victim.host)
            kills += 1
            deaths.add(held)
            met.update(each.step for each in held)
            # One after another: the others are to have room for what it had.
            await world.cluster.start_and_wait(victim.host)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(120.0):
            while deaths.open:
                await asyncio.sleep(0.2)
    following.cancel()
    return {
        "kills": kills,
        "attempts_that_died": len(deaths.noticed_s) + len(deaths.open),
        "by_step": dict(met),
        "noticed_s": _spread(deaths.noticed_s.values()),
        "back_to_work_s": _spread(deaths.back_s.values()),
        "nobody_went_on": len(deaths.open),
    }


async def _victim(world: World, met: Counter[str]) -> Held | None:
    """The attempt to kill next: in the step that was met least, or after a while in any that was
    not met often enough. No task is to lose its last try."""
    ends = time.monotonic() + KILL_S
    while True:
        wanted = min(met[step] for step in STEPS)
        running = await world.running()
        spared = {held.host for held in running if held.attempt >= MAX_TRIES} | {None}
        left = [
            held for held in running if held.host not in spared and met[held.step] < world.rounds
        ]
        best = min(left, key=lambda held: met[held.step], default=None)
        if best is not None and met[best.step] <= wanted:
            return best
        if time.monotonic() > ends and (best is not None or time.monotonic() > ends + KILL_S):
            return best
        await asyncio.sleep(0.02)


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
    """Until work goes on: until an attempt begins."""
    begun_s, done_s = [], []
    restarts = max(world.rounds // 2, 1)
    for pause_s in [*[0.0] * restarts, world.away_s]:
        await world.until_held()
        await asyncio.to_thread(world.cluster.database.stop)
        await asyncio.sleep(pause_s)
        await asyncio.to_thread(world.cluster.database.start)
        back_at = world.queue.now()
        began = time.monotonic()
        submitted = asyncio.create_task(world.back_to_work_s())
        begun_s.append(await world.until_begun_s(back_at))
        await submitted
        done_s.append(time.monotonic() - began)
    return {
        "restarts": restarts,
        "away_s": world.away_s,
        "back_to_work_s": _spread(begun_s),
        "next_submission_done_s": _spread(done_s),
    }


async def store_broken(world: World) -> dict[str, Any]:
    found: dict[str, Any] = {"each_s": world.away_s}
    store = world.cluster.store
    for name in ("busy", "slow", "away"):
        if name == "slow":
            store.delay_s = SLOW_S
        else:
            store.mode = name  # type: ignore[assignment]
        await asyncio.sleep(world.away_s)
        store.mode, store.delay_s = "well", 0.0
        found[f"{name}: done_after_s"] = round(await world.back_to_work_s(), 1)
    return found


async def cables_pulled(world: World) -> dict[str, Any]:
    """Those of a worker and of a server at the same time, then the database's."""
    found = {}
    for hosts in (("worker1", "api1"), ("db",)):
        for cut_s in (5.0, 30.0, world.cut_s):
            if cut_s == 30.0:
                async with world.slow_store(LATE_S):
                    await world.until_held("publish")
                    for host in hosts:
                        world.cluster.network.pull(host)
                    pulled_at = world.queue.now()
                when = "while finishing"
            else:
                await world.until_held()
                for host in hosts:
                    world.cluster.network.pull(host)
                pulled_at = world.queue.now()
                when = "at any moment"
            if hosts != ("db",):
                begun_s = await world.until_begun_s(pulled_at)  # elsewhere
            await asyncio.sleep(max(cut_s - (world.queue.now() - pulled_at), 0.0))
            back_at = world.queue.now()
            for host in hosts:
                world.cluster.network.plug(host)
            done = asyncio.create_task(world.back_to_work_s())
            if hosts == ("db",):
                begun_s = await world.until_begun_s(back_at)
            found[f"{' and '.join(hosts)}, {cut_s:.0f} s, {when}"] = {
                "begun_s": round(begun_s, 1),
                "done_s": round(await done, 1),
            }
    return found


async def worker_stopped(world: World) -> dict[str, Any]:
    """SIGSTOP of a worker and all its processes past its lease, then SIGCONT."""
    deaths = Deaths(world)
    async with asyncio.timeout(HELD_WITHIN_S):
        while not (held := [each for each in await world.running() if each.host == "worker1"]):
            await asyncio.sleep(0.03)
    world.cluster.pause("worker1")
    deaths.add(held)
    following = asyncio.create_task(deaths.follow())
    await asyncio.sleep(PAUSED_S)
    world.cluster.resume("worker1")
    following.cancel()
    done_s = round(await world.back_to_work_s(), 1)
    return {
        "stopped_s": PAUSED_S,
        "attempts": len(held),
        "back_to_work_s": _spread(deaths.back_s.values()),
        "next_submission_done_s": done_s,
    }


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
    command = [sys.executable, "-c", program, *given, *world.clients.inputs("small").values()]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=300, check=False
    )
    return {"said": (done.stdout + done.stderr).strip().splitlines()[-1:]}


async def studio(world: World) -> dict[str, Any]:
    """A video made in the studio, in Chromium through the balancer, signed in by a link."""
    program = find_browser()
    if program is None:
        return {"failed": NO_BROWSER}
    logins = logins_of(world.cluster.settings)
    for tries in range(1, TRIES_IN_STUDIO + 1):
        token = await asyncio.to_thread(logins.create)
        link = f"http://{HERE}:{BALANCER_PORT}/#login={token}"
        try:
            title = await asyncio.to_thread(_made_in_studio, program, link, world.inputs / "small")
        except Exception:  # of the browser: a person loads the page again
            if tries == TRIES_IN_STUDIO:
                raise
        else:
            return {"said": title, "tries": tries}
    raise AssertionError


def _made_in_studio(program: str, link: str, files: Path) -> str:
    """What stands above the video that a person made there."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=program, args=list(OPTIONS))
        page = browser.new_page()
        page.on("console", lambda said: print("studio:", said.type, said.text, flush=True))
        page.on("requestfailed", lambda asked: print("studio:", asked.url, asked.failure))
        page.goto(link)
        page.wait_for_selector("html[data-ready]")
        person = Studio(page, files)
        person.fill()
        person.make()
        person.finished()
        title: str = page.inner_text("#stage-title")
        browser.close()
    return title


async def upgraded(world: World) -> dict[str, Any]:
    """From another version to this one, a host after another, amid all that is asked."""
    steps = await world.database.fetch("SELECT version_num AS step FROM alembic_version", {})
    for host in (*WORKERS, *APIS):
        world.cluster.kill(host, signal.SIGTERM)
        world.cluster.code.pop(host, None)
        await world.cluster.start_and_wait(host)
        if host in APIS:
            await world.until_ready(host)
        await asyncio.sleep(5.0)
    steps += await world.database.fetch("SELECT version_num AS step FROM alembic_version", {})
    return {
        "tables": [row["step"] for row in steps],
        "next_submission_done_s": round(await world.back_to_work_s(), 1),
    }


BREAKAGES: Mapping[str, Breakage] = {
    "official_package": official_package,
    "studio": studio,
    "workers_killed": workers_killed,
    "database_restarted": database_restarted,
    "servers_killed": servers_killed,
    "store_broken": store_broken,
    "cables_pulled": cables_pulled,
    "worker_stopped": worker_stopped,
}

BESIDE = {"servers_killed": "store_broken"}
"""What is done at the same time as what comes next: submissions ask no store."""


def _spread(values_s: Iterable[float]) -> dict[str, float] | None:
    values = list(values_s)
    if not values:
        return None
    return {"median": round(statistics.median(values), 1), "most": round(max(values), 1)}


async def counted(world: World) -> dict[str, Any]:
    """What became of all that was acknowledged."""
    ids = world.clients.acknowledged
    tasks: dict[str, Task] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ENDS_WITHIN_S):
            while True:
                with contextlib.suppress(QueueUnavailable):
                    tasks = await world.queue.find(ids)
                    if all(task.state.ended for task in tasks.values()):
                        break
                await asyncio.sleep(0.5)
    made = [task for task in tasks.values() if task.result is not None]
    places = asyncio.Semaphore(4)

    async def plays(task: Task) -> bool:
        assert task.result is not None
        async with places:
            answer = await world.clients.asked("GET", f"/api/v1/tasks/{task.task_id}")
            address = answer.json()["output"]["results"]["video_url"]
            video = await world.clients.asked("GET", address)
            frames = await asyncio.to_thread(frames_of, video.content)
            return frames == round(15 * task.result.duration_s)

    played = await asyncio.gather(*map(plays, made))
    # Nobody was told of these: who stored them was cut off before he could remove them.
    left = sum(
        world.cluster.videos.find(f"{task.task_id}-{attempt}.mp4") is not None
        for task in made
        for attempt in range(1, task.attempt)
    )
    return {
        "acknowledged": len(ids),
        "lost": len(ids) - len(tasks),
        "not_ended": sum(not task.state.ended for task in tasks.values()),
        "states": dict(Counter(str(task.state) for task in tasks.values())),
        "codes": dict(Counter(task.code for task in tasks.values() if task.code)),
        "tries": dict(Counter(task.attempt for task in tasks.values())),
        "plays": sum(played),
        "does_not_play": len(played) - sum(played),
        "published_by_another_attempt": sum(
            task.result is not None
            and task.result.video_name != f"{task.task_id}-{task.attempt}.mp4"
            for task in made
        ),
        "files_left_of_other_attempts": left,
        "requests_that_failed": world.clients.failed,
        "requests_mended_by_another_try": world.clients.mended,
        "slowest_request_s": round(world.clients.slowest_s, 1),
        "failures_before_another_try": dict(world.clients.answers),
    }


def verdicts(found: Mapping[str, Any], *, rounds: int) -> dict[str, bool]:
    """What was promised, and whether it held."""

    def most(part: str, name: str) -> float:
        spread = found[part].get(name)
        return spread["most"] if spread else 0.0

    told: dict[str, bool] = {
        f"{part}: went through": "failed" not in measured
        for part, measured in found.items()
        if isinstance(measured, dict)
    }
    if "by_step" in found.get("workers_killed", {}):
        part = found["workers_killed"]
        told[f"killed {rounds} times in each step"] = all(
            part["by_step"].get(step, 0) >= rounds for step in STEPS
        )
        told[f"a death is noticed within {NOTICED_S:.0f} s"] = (
            most("workers_killed", "noticed_s") <= NOTICED_S and not part["nobody_went_on"]
        )
        told[f"work goes on within {BACK_S:.0f} s of a death"] = (
            most("workers_killed", "back_to_work_s") <= BACK_S
        )
    if "restarts" in found.get("database_restarted", {}):
        told[f"work goes on within {BACK_S:.0f} s of the database"] = (
            most("database_restarted", "back_to_work_s") <= BACK_S
        )
    if "tables" in found.get("upgraded", {}):
        first, last = found["upgraded"]["tables"]
        told["there was a migration in between"] = first < last
    if "said" in found.get("studio", {}):
        told["the studio makes a video"] = found["studio"]["said"] == "Your video is ready"
    if "said" in found.get("official_package", {}):
        told["DashScope's package: three videos"] = (
            str(found["official_package"]["said"]).count("SUCCEEDED") == 3
        )
    ended = found["in_the_end"]
    told |= {
        "nothing acknowledged is lost": not ended["lost"],
        "every task ends": not ended["not_ended"],
        "none fails": set(ended["states"]) == {"SUCCEEDED"},
        "every video plays": not ended["does_not_play"],
        "one published result each": not ended["published_by_another_attempt"],
        "no request fails that another try does not mend": not ended["requests_that_failed"],
        "503 always says when": "503 without a time" not in ended["failures_before_another_try"],
    }
    return told


async def _told(name: str, breakage: Breakage, world: World, found: dict[str, Any]) -> None:
    """Break something, and write down what came of it."""
    began = time.monotonic()
    try:
        found[name] = await breakage(world)
    except Exception as error:  # what was broken before is to be told all the same
        traceback.print_exc()
        found[name] = {"failed": f"{type(error).__name__}: {error}".splitlines()[0]}
    found[name]["took_s"] = round(time.monotonic() - began, 1)
    print(name, json.dumps(found[name]), flush=True)


async def broken(
    arguments: argparse.Namespace,
    cluster: Cluster,
    chosen: Mapping[str, Breakage],
    given: Path,
) -> dict[str, Any]:
    """Do it all to a cluster, while clients go on."""
    found: dict[str, Any] = {
        "load_before": os.getloadavg()[0],
        "clocks_off_by_min": cluster.skew_min,
    }
    began = time.monotonic()
    cluster.start("api1")  # makes the tables
    async with asyncio.timeout(120.0):
        while not await cluster.is_ready("api1"):
            await asyncio.sleep(0.3)
    for host in (*WORKERS, "api2"):
        await cluster.start_and_wait(host)
    database = Database(cluster.url)
    with (  # that is for servers to do
        patch("portravox.service.tasks.migrate.migrate_postgres"),
        patch("portravox.service.tasks.postgres.migrate_postgres"),
    ):
        _, key = keys_of(cluster.settings).create("breakages")
        queue = PostgresTaskQueue(database)
    clients = Clients(key, files=f"http://{HERE}:{cluster.files_port}")
    world = World(
        cluster,
        clients,
        database,
        queue,
        given,
        rounds=arguments.rounds,
        away_s=arguments.away,
        cut_s=arguments.cut,
    )
    await world.until_ready(*APIS)
    await world.back_to_work_s()
    print("ready after", round(time.monotonic() - began, 1), "s", flush=True)
    async with clients.going_on():
        beside: list[asyncio.Task[None]] = []
        for name, breakage in chosen.items():
            telling = asyncio.create_task(_told(name, breakage, world, found))
            beside.append(telling)
            if BESIDE.get(name) not in chosen:
                await asyncio.gather(*beside)
                beside.clear()
    began = time.monotonic()
    found["in_the_end"] = await counted(world)
    found["in_the_end"]["took_s"] = round(time.monotonic() - began, 1)
    print("in_the_end", json.dumps(found["in_the_end"]), flush=True)
    found["verdicts"] = verdicts(found, rounds=arguments.rounds)
    await queue.close()
    await clients.client.aclose()
    return found


def one_cluster(
    arguments: argparse.Namespace,
    out: Path,
    chosen: Mapping[str, Breakage],
    *,
    before: Path | None = None,
) -> dict[str, Any]:
    """Make one, of a version before if one is given, and break it."""
    with tempfile.TemporaryDirectory() as given:
        inputs(Path(given) / "small", seconds=1.2, side_px=256)
        inputs(Path(given) / "large", seconds=6.0, side_px=2048)
        with (
            opened(out, skew_min=arguments.skew, in_folder=arguments.folder) as cluster,
            served(Path(given), HERE) as port,
        ):
            cluster.files_port = port
            if before is not None:
                cluster.code = dict.fromkeys((*APIS, *WORKERS), before)
            with balanced(cluster):
                return asyncio.run(broken(arguments, cluster, chosen, Path(given)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-o", "--out", type=Path, default=Path("out/breakages"))
    parser.add_argument("--rounds", type=int, default=20, help="of each kill")
    parser.add_argument("--away", type=float, default=60.0, help="s, of database and store")
    parser.add_argument("--cut", type=float, default=120.0, help="s, of the longest cut")
    parser.add_argument("--skew", type=float, default=14.0, help="min, of two hosts' clocks")
    parser.add_argument("--folder", action="store_true", help="shared by all hosts, for the store")
    parser.add_argument("--only", nargs="*", choices=[*BREAKAGES, "upgraded"])
    parser.add_argument("--before", metavar="COMMIT", help="a version to be replaced by this one")
    arguments = parser.parse_args()
    if not can_make() or programs() is None or not swift.is_here() or not shutil.which("nginx"):
        sys.exit("needs root, iproute2, postgresql, nginx-light and swift-proxy: see .ci/run")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # no host is left behind
    if arguments.skew > S3_SKEW_MIN and not arguments.folder:
        sys.exit(f"a store that speaks S3 refuses clocks off by over {S3_SKEW_MIN} min: --folder")
    names = arguments.only or [*BREAKAGES, *(["upgraded"] if arguments.before else [])]
    found: dict[str, Any] = {}
    if chosen := {name: BREAKAGES[name] for name in names if name != "upgraded"}:
        found["broken"] = one_cluster(arguments, arguments.out, chosen)
    if "upgraded" in names:
        with version(arguments.before) as before:
            found["upgraded"] = one_cluster(
                arguments, arguments.out / "upgrade", {"upgraded": upgraded}, before=before
            )
    (arguments.out / "breakages.json").write_text(json.dumps(found, indent=1) + "\n")
    lines = ["| part | measured |", "|---|---|"]
    for part in found.values():
        lines += [f"| {name} | {json.dumps(measured)} |" for name, measured in part.items()]
    (arguments.out / "breakages.md").write_text("\n".join(lines) + "\n")
    told = [line for part in found.values() for line in part["verdicts"].items()]
    for name, held in told:
        print("yes" if held else "NO ", name)
    sys.exit(not all(held for _, held in told))


if __name__ == "__main__":
    main()
