"""Machines that share a PostgreSQL, as processes of their own: work is brought to them, and what
one of them had when it died is done by another. `make cluster` does the same for longer."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests.postgres import database_of, postgres_server

psycopg = pytest.importorskip("psycopg", reason="the extra `cluster` is not installed")

from procrastinate.exceptions import ConnectorException  # noqa: E402
from procrastinate.jobs import Status  # noqa: E402
from procrastinate.manager import JobManager  # noqa: E402

from portravox.service.cluster.engine import Engine  # noqa: E402
from portravox.service.database.database import Database  # noqa: E402
from portravox.service.database.patient import (  # noqa: E402
    TOLD_WITHIN_S,
    GatheredCalls,
    PatientConnector,
)
from portravox.service.errors import QueueUnavailable  # noqa: E402
from portravox.service.tasks.postgres import PostgresTaskQueue  # noqa: E402
from portravox.service.tasks.queue import Job  # noqa: E402
from portravox.service.tasks.states import TaskState  # noqa: E402

JOB = Job(
    model="m", image_url="http://h/p", audio_url="http://h/v", parameters={}, resolve_oss=False
)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def url(tmp_path):
    return database_of(tmp_path)


@contextmanager
def workers(url: str, count: int, folder: Path, *, slots: int = 2, task_s: float = 0.0):
    """Processes that take tasks; what each says stands in a file."""
    running = []
    for number in range(count):
        with (folder / f"{number}.log").open("wb") as log:
            running.append(
                subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "benchmarks.cluster.noop",
                        url,
                        str(slots),
                        str(task_s),
                    ],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=ROOT,
                )
            )
    try:
        yield running
    finally:
        for process in running:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def said(folder: Path) -> list[list[str]]:
    return [
        line.split()
        for file in sorted(folder.glob("*.log"))
        for line in file.read_text().splitlines()
        if line.startswith(("begin", "end"))
    ]


async def until_ended(queue: PostgresTaskQueue, tasks: int, within_s: float) -> None:
    ends = time.monotonic() + within_s
    while (await queue.counts())[TaskState.SUCCEEDED] < tasks:
        assert time.monotonic() < ends, await queue.counts()
        await asyncio.sleep(0.1)


async def submitted(queue: PostgresTaskQueue, count: int, key_id: str = "anna") -> list[str]:
    tasks = await asyncio.gather(
        *(queue.submit(JOB, key_id=key_id, key_group="g", request_id="r") for _ in range(count))
    )
    return [task.task_id for task in tasks]


async def test_work_comes_to_all_workers_and_each_task_is_done_once(url, tmp_path):
    queue = PostgresTaskQueue(Database(url))
    with workers(url, 2, tmp_path):
        ids = await submitted(queue, 200)
        await until_ended(queue, 200, within_s=60)
    ends = Counter(line[1] for line in said(tmp_path) if line[0] == "end" and line[3] == "True")
    assert set(ends) == set(ids) and set(ends.values()) == {1}
    await queue.close()


async def test_what_a_killed_worker_had_is_done_by_another_one(url, tmp_path):
    queue = PostgresTaskQueue(Database(url))
    with workers(url, 2, tmp_path, slots=1, task_s=3.0) as running:
        ids = await submitted(queue, 4)
        while (await queue.counts())[TaskState.RUNNING] < 2:
            await asyncio.sleep(0.1)
        running[0].kill()
        await until_ended(queue, 4, within_s=60)
    tasks = await queue.find(ids)
    assert sorted(task.attempt for task in tasks.values()) == [1, 1, 1, 2]
    await queue.close()


async def test_a_worker_that_is_told_to_stop_finishes_what_it_has(url, tmp_path):
    queue = PostgresTaskQueue(Database(url))
    with workers(url, 1, tmp_path, slots=1, task_s=1.0) as [worker]:
        await submitted(queue, 2)
        while (await queue.counts())[TaskState.RUNNING] < 1:
            await asyncio.sleep(0.05)
        worker.terminate()
        assert worker.wait(30) == 0
    counts = await queue.counts()
    assert (counts[TaskState.SUCCEEDED], counts[TaskState.PENDING]) == (1, 1)
    await queue.close()


async def test_a_cancelled_task_is_aborted_where_it_runs(url, tmp_path):
    queue = PostgresTaskQueue(Database(url))
    with workers(url, 1, tmp_path, slots=1, task_s=30.0):
        [task_id] = await submitted(queue, 1)
        while (await queue.counts())[TaskState.RUNNING] < 1:
            await asyncio.sleep(0.05)
        began = time.monotonic()
        assert await queue.cancel(task_id, key_group="g", force=True)
        while (await queue.counts())[TaskState.CANCELED] < 1:
            assert time.monotonic() - began < 10.0
            await asyncio.sleep(0.02)
    await queue.close()


async def test_the_engine_counts_places_where_slow_attempts_lend_theirs() -> None:
    """It has no public way to say that a job lends its place: an upgrade may move this one."""
    from procrastinate import App
    from procrastinate.testing import InMemoryConnector
    from procrastinate.worker import Worker

    places = Worker(App(connector=InMemoryConnector()), concurrency=2)._job_semaphore
    assert isinstance(places, asyncio.Semaphore)
    for _ in range(2):
        await places.acquire()
    assert places.locked()
    places.release()
    assert not places.locked()


@asynccontextmanager
async def working(url):
    """An engine with one place, its queue, its worker, and what is set once a task was done."""
    database = Database(url)
    queue = PostgresTaskQueue(database)
    engine = Engine(database, queue)
    done = asyncio.Event()

    async def do(context: object) -> None:
        done.set()

    worker = await engine.start_tasks(1, ["embedded"], do)
    yield engine, queue, worker, done
    await engine.stop()
    await queue.close()


async def test_the_engine_begins_anew_where_its_worker_ended_by_itself(url):
    """As it does, raising nothing, where its heartbeat, clock or listener fails."""
    async with working(url) as (engine, queue, worker, done):
        await asyncio.sleep(0.5)
        worker.stop()  # nobody told the engine
        await asyncio.sleep(0.5)
        await submitted(queue, 1)
        async with asyncio.timeout(20.0):
            await done.wait()
        assert engine.trouble() is None


async def test_the_engine_is_back_within_seconds_of_its_database(url):
    """Its connections are tried every second, however long it was away."""
    server = postgres_server()
    async with working(url) as (_, queue, _, done):
        await asyncio.to_thread(server.stop)
        await asyncio.sleep(9.0)  # tries after 1, 2, 4, 8 s would leave it alone until 15 s
        await asyncio.to_thread(server.start)
        began = time.monotonic()
        async with asyncio.timeout(20.0):
            while not done.is_set():
                with contextlib.suppress(QueueUnavailable):
                    await submitted(queue, 1)
                await asyncio.sleep(0.2)
        assert time.monotonic() - began < 5.0


async def test_many_new_jobs_are_told_as_one_and_an_abort_at_once():
    told: list[str] = []

    async def tell(*, channel: str, payload: str) -> None:
        told.append(payload)

    gathered = GatheredCalls(tell)
    for number in range(50):
        await gathered(channel="c", payload=f'{{"type": "job_inserted", "job_id": {number}}}')
    await gathered(channel="c", payload='{"type": "abort_job_requested", "job_id": 1}')
    assert told == ['{"type": "abort_job_requested", "job_id": 1}']
    await asyncio.sleep(3 * TOLD_WITHIN_S)
    assert len(told) == 2
    await gathered(channel="c", payload='{"type": "job_inserted", "job_id": 50}')
    await asyncio.sleep(3 * TOLD_WITHIN_S)
    assert len(told) == 3


async def test_a_job_that_is_gone_may_end(url):
    """Its first end was committed when the answer got lost, or upkeep took its worker for gone."""
    PostgresTaskQueue(Database(url))  # makes the tables
    connector = PatientConnector(conninfo=Database(url).conninfo)
    await connector.open_async()
    jobs = JobManager(connector)
    await jobs.finish_job_by_id_async(987_654, status=Status.FAILED, delete_job=True)
    with pytest.raises(ConnectorException):
        await jobs.finish_job_by_id_async(987_654, status=Status.TODO, delete_job=True)
    await connector.close_async()
