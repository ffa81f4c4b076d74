"""What the queue in PostgreSQL promises beyond the contract: other machines, and a database that
goes away."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import threading
import time
from contextlib import asynccontextmanager

import pytest

from benchmarks.cluster.server import PostgresServer, programs
from portravox.errors import SettingOutOfRange
from portravox.service.errors import QueueFull, QueueUnavailable
from portravox.service.tasks.migrate import POSTGRES_HEAD, migrate_postgres
from portravox.service.tasks.queue import Job, KeyLimits, Result
from portravox.service.tasks.states import TaskState
from portravox.service.tasks.task import LatestAttempts
from tests.postgres import LACKS, database_of, postgres_server

psycopg = pytest.importorskip("psycopg", reason="the extra `cluster` is not installed")

from portravox.service.cluster.engine import Engine, queue_of  # noqa: E402
from portravox.service.database import database as database_module  # noqa: E402
from portravox.service.database.database import Database, engine_pool  # noqa: E402
from portravox.service.tasks.postgres import PostgresTaskQueue  # noqa: E402

JOB = Job(
    model="m", image_url="http://h/p", audio_url="http://h/v", parameters={}, resolve_oss=False
)
VIDEO = Result(video_name="a.mp4", duration_s=2.75)


@pytest.fixture
def url(tmp_path):
    return database_of(tmp_path)


@asynccontextmanager
async def machines(url, count=2, **options):
    """Queues as so many machines have them."""
    queues = [PostgresTaskQueue(Database(url), **options) for _ in range(count)]
    try:
        yield queues
    finally:
        for queue in queues:
            await queue.close()


async def submit(queue, key_id="anna", **options):
    return await queue.submit(
        options.pop("job", JOB), key_id=key_id, key_group="all", request_id="r", **options
    )


async def test_machines_share_tasks_and_no_task_is_claimed_twice(url):
    async with machines(url, 3) as queues:
        tasks = await asyncio.gather(*(submit(queues[n % 3], "abc"[n % 3]) for n in range(90)))
        claims = await asyncio.gather(
            *(queues[n % 3].claim(f"w{n % 3}", lease_s=30) for n in range(120))
        )
        claimed = [task.task_id for task in claims if task is not None]
        # A claim that looked before another one took the last task of its key gives nothing.
        while (task := await queues[0].claim("w0", lease_s=30)) is not None:
            claimed.append(task.task_id)
        assert sorted(claimed) == sorted(task.task_id for task in tasks)
        answers = await asyncio.gather(
            *(queues[n % 3].finish(id_, 1, VIDEO) for n, id_ in enumerate(claimed))
        )
        assert all(answers)
        assert (await queues[1].counts())[TaskState.SUCCEEDED] == 90


async def test_a_machine_that_does_no_work_knows_how_long_it_takes(url):
    now = 1000.0
    async with machines(url, 2, clock=lambda: now) as [server, worker]:
        assert await server.latest_attempts() == LatestAttempts(mean_s=None, running=0)
        for took_s in (40.0, *[10.0] * 20):  # the first one is forgotten
            await submit(server)
            task = await worker.claim("w", lease_s=300)
            now += took_s
            assert await worker.finish(task.task_id, 1, VIDEO)
        for _ in range(3):
            await submit(server)
            await worker.claim("w", lease_s=300)
        assert await server.latest_attempts() == LatestAttempts(mean_s=10.0, running=3)


def drawn_by(engine):
    return dataclasses.replace(JOB, parameters={"engine": engine})


async def test_a_worker_claims_only_what_its_engines_draw(url):
    async with machines(url, 1, engines=["neural"]) as [with_card], machines(url, 1) as [both]:
        ids = {}
        for key, engine in [("a", "embedded"), ("a", "neural"), ("b", "embedded"), ("b", "neural")]:
            task = await submit(both, key, job=drawn_by(engine))
            ids[task.task_id] = (key, engine)
        claims = [await with_card.claim("card", lease_s=30) for _ in range(3)]
        assert [task and ids[task.task_id] for task in claims] == [
            ("a", "neural"),
            ("b", "neural"),
            None,
        ]
        # What is left is taken by who has all engines, an old one first within a key.
        later = await submit(both, "a", job=drawn_by("neural"))
        ids[later.task_id] = ("a", "neural")
        rest = [ids[(await both.claim("w", lease_s=30)).task_id] for _ in range(3)]
        assert sorted(rest) == [("a", "embedded"), ("a", "neural"), ("b", "embedded")]
        assert rest.index(("a", "embedded")) < rest.index(("a", "neural"))


def waiting_jobs(url):
    with psycopg.connect(url) as db:
        rows = db.execute(
            "SELECT queue_name, count(*) FROM procrastinate_jobs WHERE status = 'todo' GROUP BY 1"
        )
        return dict(rows.fetchall())


async def test_each_engines_tasks_call_the_workers_of_its_own_queue(url):
    async with machines(url, 1) as [queue]:
        for engine in ("embedded", "neural", "neural"):
            await submit(queue, job=drawn_by(engine))
        assert waiting_jobs(url) == {queue_of("embedded"): 1, queue_of("neural"): 2}
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("DELETE FROM procrastinate_jobs")
        database = Database(url)
        await Engine(database, queue).top_up()
        await database.close()
        assert waiting_jobs(url) == {queue_of("embedded"): 1, queue_of("neural"): 2}


async def test_tasks_of_before_queues_keep_their_engine(tmp_path):
    """A rolling upgrade: what waits was written by a version that knew no column of engines."""
    url = database_of(tmp_path, "before_queues")
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("DROP SCHEMA public CASCADE")
        db.execute("CREATE SCHEMA public")
    database = Database(url)
    migrate_postgres(database, head="0004")
    added = """
        INSERT INTO tasks (task_id, key_id, key_group, request_id, model, image_url, audio_url,
            parameters, resolve_oss, state, submitted_at, text_bytes)
        VALUES (%s, 'a', 'g', 'r', 'm', 'i', 'v', %s, false, 'PENDING', 0, 9)
    """
    told = {"new": '{"engine": "neural"}', "old": "{}", "sly": '{"transcript": "\\"neural\\""}'}
    with psycopg.connect(url, autocommit=True) as db:
        for task_id, parameters in told.items():
            db.execute(added, [task_id, parameters])
        migrate_postgres(database)
        found = dict(db.execute("SELECT task_id, engine FROM tasks").fetchall())
        assert found == {"new": "neural", "old": "embedded", "sly": "embedded"}
        # A server of the earlier version goes on adding tasks.
        db.execute(added, ["late", "{}"])
    await database.close()


async def test_limits_hold_over_all_machines_together(url):
    limits = KeyLimits(max_pending=7, max_running=2)
    async with machines(url, 3, limits_of=lambda key_id: limits) as queues:
        added = await asyncio.gather(
            *(submit(queues[n % 3]) for n in range(30)), return_exceptions=True
        )
        assert sum(isinstance(answer, QueueFull) for answer in added) == 23
        claims = await asyncio.gather(*(queues[n % 3].claim("w", lease_s=9) for n in range(9)))
        assert sum(task is not None for task in claims) == 2


async def test_one_idempotency_key_is_one_task_whichever_machines_are_asked(url):
    async with machines(url, 3) as queues:
        given = await asyncio.gather(
            *(submit(queues[n % 3], idempotency_key="k") for n in range(30))
        )
        assert len({task.task_id for task in given}) == 1


def test_the_tables_are_made_once_however_many_machines_start(tmp_path):
    name = f"fresh{time.monotonic_ns()}"
    server = postgres_server()
    with psycopg.connect(server.url("postgres"), autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}")
    failed = []

    def start():
        try:
            migrate_postgres(Database(server.url(name)))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with psycopg.connect(server.url(name)) as db:
        assert db.execute("SELECT version_num FROM alembic_version").fetchall() == [
            (POSTGRES_HEAD,)
        ]


def test_tables_of_a_later_version_are_used_if_it_says_so(url):
    PostgresTaskQueue(Database(url))
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
        try:
            migrate_postgres(Database(url))  # it left them so that we may go on
            db.execute("UPDATE schema_readers SET oldest = '9998'")
            with pytest.raises(QueueUnavailable, match="a later version"):
                migrate_postgres(Database(url))
        finally:
            db.execute("UPDATE alembic_version SET version_num = %s", [POSTGRES_HEAD])
            db.execute("UPDATE schema_readers SET oldest = '0001'")


async def test_connections_that_were_cut_are_made_anew(url):
    async with machines(url, 1) as [queue]:
        task = await submit(queue)
        with psycopg.connect(url, autocommit=True) as db:
            db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert await queue.get(task.task_id, key_group="all") == task
        for _ in range(10):
            try:
                await submit(queue)
                break
            except QueueUnavailable:  # told at once, and the next one fares better
                await asyncio.sleep(0.1)
        assert (await queue.counts())[TaskState.PENDING] == 2


async def test_a_finish_whose_answer_got_lost_is_told_as_taken(url, monkeypatch):
    monkeypatch.setattr("portravox.service.tasks.postgres.FINISH_APART_S", 0.01)
    async with machines(url, 1) as [queue]:
        task = await submit(queue)
        await queue.claim("w", lease_s=30)
        change = queue._database.change

        async def lose_the_answer(statements, read):
            await change(statements, read)
            monkeypatch.setattr(queue._database, "change", change)
            raise QueueUnavailable("the cable was pulled")

        monkeypatch.setattr(queue._database, "change", lose_the_answer)
        assert await queue.finish(task.task_id, 1, VIDEO)  # else its video would be removed
        seen = await queue.get(task.task_id, key_group="all")
        assert seen is not None and seen.result == VIDEO


async def test_a_process_that_stops_in_a_transaction_holds_others_up_for_no_longer_than_granted(
    url, monkeypatch
):
    monkeypatch.setattr(database_module, "IDLE_IN_TRANSACTION_MS", 300)
    stopped = await psycopg.AsyncConnection.connect(url, autocommit=True)
    async with machines(url, 1) as [queue]:
        await database_module._limit(stopped)
        await stopped.execute("BEGIN")
        await stopped.execute(*database_module._LOCK)
        began = time.monotonic()
        await submit(queue)
        assert time.monotonic() - began < 5.0
    await stopped.close()


async def test_what_no_text_can_hold_harms_nobody_else(url):
    async with machines(url, 1) as [queue]:
        odd = Job(model="m\0", image_url="\ud800", audio_url="", parameters={}, resolve_oss=False)
        answers = await asyncio.gather(
            submit(queue), submit(queue, job=odd), submit(queue), return_exceptions=True
        )
        assert isinstance(answers[1], QueueUnavailable)
        assert await queue.get("\0", key_group="all") is None
        assert not await queue.cancel("\0", key_group="all")
        assert await queue.find(["\0", answers[0].task_id]) == {answers[0].task_id: answers[0]}
        assert (await queue.counts())[TaskState.PENDING] == 2


def test_an_address_of_no_database_is_refused_without_its_password():
    with pytest.raises(SettingOutOfRange) as refused:
        Database("postgresql://me:secret@host:port/x?nonsense=1")
    assert "secret" not in str(refused.value)
    with pytest.raises(QueueUnavailable) as away:
        Database("postgresql://me:secret@127.0.0.1:1/x")
    assert "secret" not in str(away.value)


async def test_machines_tell_one_time_whatever_their_own_clocks_say(url, monkeypatch):
    here = time.time()
    monkeypatch.setattr(time, "time", lambda: here + 3600.0)
    async with machines(url, 1) as [queue]:
        assert abs(queue.now() - here) < 60.0
        assert abs((await submit(queue)).submitted_at - here) < 60.0


async def test_postgresql_notices_within_seconds_that_a_cable_was_pulled():
    """Else each connection that was given up would take the place of a new one for two hours."""
    folder = programs()
    if folder is None:
        pytest.skip(LACKS)
    address = f"127.77.{os.getpid() % 250}.{os.getpid() // 250 % 250}"
    server = PostgresServer(folder, address=address)
    try:
        database = Database(server.url("postgres"))
        for name in ("idle", "interval", "count"):
            [row] = await database.fetch(f"SHOW tcp_keepalives_{name}", {})
            assert 0 < int(row[f"tcp_keepalives_{name}"]) <= 5
        async with (
            engine_pool(conninfo=database.conninfo, open=False) as pool,
            pool.connection() as db,
        ):
            [(idle,)] = await (await db.execute("SHOW tcp_keepalives_idle")).fetchall()
            assert int(idle) == 5
        await database.close()
    finally:
        server.close()
