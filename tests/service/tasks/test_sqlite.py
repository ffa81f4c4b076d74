"""What is particular to the queue in a SQLite file; what every queue does is in tests/contracts."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from portravox.service.errors import QueueDamaged, QueueFull, QueueUnavailable
from portravox.service.tasks.migrate import migrate
from portravox.service.tasks.queue import Job, Result
from portravox.service.tasks.sqlite import SqliteTaskQueue
from portravox.service.tasks.sqlite_file import FREE_BYTES
from portravox.service.tasks.states import TaskState

JOB = Job(
    model="liveportrait",
    image_url="https://host/p.png?token=SECRET-IN-A-LINK",
    audio_url="https://host/v.wav",
    parameters={},
    resolve_oss=False,
)

CLIENTS = """
import asyncio, sys
from pathlib import Path
from portravox.service.tasks.queue import Job, Result
from portravox.service.tasks.sqlite import SqliteTaskQueue

JOB = Job(model="m", image_url="i", audio_url="a", parameters={}, resolve_oss=False)

def tell(*words):
    sys.stdout.write(" ".join(words) + "\\n")
    sys.stdout.flush()

async def client(queue):
    while True:
        task = await queue.submit(JOB, key_id="k", key_group="g", request_id="r")
        tell(task.task_id, "PENDING")
        mine = await queue.claim("w", lease_s=60)
        tell(mine.task_id, "RUNNING")
        await queue.finish(mine.task_id, mine.attempt, Result(video_name="v.mp4", duration_s=1))
        tell(mine.task_id, "SUCCEEDED")

async def main():
    queue = SqliteTaskQueue(Path(sys.argv[1]))
    await asyncio.gather(*(client(queue) for _ in range(8)))

asyncio.run(main())
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "tasks.db"


def submit(queue, *, key_id="k", **options):
    return queue.submit(JOB, key_id=key_id, key_group="g", request_id="r", **options)


async def test_what_was_answered_survives_kill_9(file):
    """Five times over: every state that a client heard of is still there, or a later one."""
    migrate(file)
    ages = list(TaskState)
    told: dict[str, TaskState] = {}
    chance = random.Random(3)
    for _ in range(5):
        server = subprocess.Popen(
            [sys.executable, "-c", CLIENTS, str(file)], stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        lines = [server.stdout.readline()]
        time.sleep(chance.uniform(0.0, 0.15))
        server.send_signal(signal.SIGKILL)
        lines += server.communicate()[0].splitlines(keepends=True)
        for line in lines:
            if line.endswith("\n"):
                task_id, state = line.split()
                told[task_id] = TaskState(state)

        async def check():
            queue = SqliteTaskQueue(file)
            for task_id, state in told.items():
                task = await queue.get(task_id, key_group="g")
                assert task is not None and ages.index(task.state) >= ages.index(state)
            await queue.close()

        await check()
    assert TaskState.SUCCEEDED in told.values()
    with sqlite3.connect(file) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        tallied = db.execute("SELECT pending, running, succeeded FROM tallies").fetchone()
        counted = [
            db.execute("SELECT count(*) FROM tasks WHERE state = ?", (state,)).fetchone()[0]
            for state in ages[:3]
        ]
    db.close()
    assert list(tallied) == counted


async def test_a_second_server_is_refused_until_the_first_is_gone(file):
    first = SqliteTaskQueue(file)
    with pytest.raises(QueueUnavailable, match="another server"):
        SqliteTaskQueue(file)
    task = await submit(first)
    await first.close()
    second = SqliteTaskQueue(file)
    assert await second.get(task.task_id, key_group="g") == task
    await second.close()


async def test_commits_wait_for_the_disk_and_readers_cannot_write(file):
    queue = SqliteTaskQueue(file)

    def pragmas(db):
        return [
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        ]

    assert await queue._writer.change(pragmas) == ["wal", 2]  # 2 is FULL
    for reader in (queue._looks, queue._surveys):
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("DELETE FROM tasks")
    await queue.close()


async def test_nobody_else_may_read_the_files(file):
    async def write():
        queue = SqliteTaskQueue(file)
        await submit(queue)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
        await queue.close()
        return modes

    before = os.umask(0o000)
    try:
        modes = await write()
    finally:
        os.umask(before)
    assert len(modes) == 4 and set(modes.values()) == {0o600}


async def test_what_is_forgotten_leaves_no_trace_in_the_file(file):
    queue = SqliteTaskQueue(file)
    task = await submit(queue)
    await queue.cancel(task.task_id, key_group="g")
    assert len(await queue.remove_ended(float("inf"))) == 1
    await queue.close()
    assert b"SECRET-IN-A-LINK" not in b"".join(path.read_bytes() for path in file.parent.iterdir())


def test_a_file_that_is_no_table_of_tasks_is_refused_untouched(file):
    content = b"not a database, but long enough to be one" * 99
    file.write_bytes(content)
    with pytest.raises(QueueUnavailable, match="not a database"):
        SqliteTaskQueue(file)
    assert file.read_bytes() == content


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(QueueUnavailable, match="No such file"):
        SqliteTaskQueue(tmp_path / "nowhere" / "tasks.db")


async def test_a_damaged_table_is_told_and_not_answered_from(file):
    queue = SqliteTaskQueue(file)
    task = await submit(queue)
    await queue._writer.change(lambda db: db.execute("DROP TABLE tasks") and None)
    with pytest.raises(QueueUnavailable):
        await queue.get(task.task_id, key_group="g")
    with pytest.raises(QueueUnavailable):
        await queue.position(task.task_id)
    with pytest.raises(QueueUnavailable):
        await submit(queue)
    await queue.close()


async def test_the_file_shrinks_when_tasks_are_forgotten(file):
    queue = SqliteTaskQueue(file)
    kept = await submit(queue)
    job = replace(JOB, image_url="https://host/" + "a" * 8000)
    for _ in range(8):
        tasks = await asyncio.gather(
            *(queue.submit(job, key_id="k", key_group="g", request_id="r") for _ in range(500))
        )
        await asyncio.gather(*(queue.cancel(t.task_id, key_group="g") for t in tasks))
    full = file.stat().st_size
    while await queue.remove_ended(float("inf")):
        pass
    parts = 1
    while await queue.give_back_room():
        parts += 1
    assert (await queue.get(kept.task_id, key_group="g")) == kept
    shrunk = file.stat().st_size
    wal = file.with_name("tasks.db-wal").stat().st_size
    await queue.close()
    assert full > 30e6 and shrunk < FREE_BYTES + 2e6
    assert wal == 0
    assert parts > 3  # bit by bit, and not in one long pause


async def test_a_file_of_an_earlier_version_can_shrink_too(file):
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE something (a)")
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (0,)
    db.close()
    await SqliteTaskQueue(file).close()
    db = sqlite3.connect(file)
    assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)  # incremental
    db.close()


async def test_a_reader_that_stays_does_not_hold_up_who_gives_room_back(file):
    queue = SqliteTaskQueue(file)
    other = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    await submit(queue)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM tasks").fetchone()
    queue._writer._connection.execute("PRAGMA journal_size_limit = 0")
    begun = time.monotonic()
    await queue.give_back_room()
    await submit(queue)
    other.close()
    await queue.close()
    assert time.monotonic() - begun < 1.0


def damage(file, page):
    """Overwrite a page of 4 KiB."""
    with file.open("r+b") as content:
        content.seek((page - 1) * 4096)
        content.write(b"\xa5" * 4096)


def root_page(file, name):
    db = sqlite3.connect(file)
    [page] = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
    db.close()
    return page


@pytest.mark.parametrize("name", ["tasks", "tasks_listed", "tallies"])
async def test_a_damaged_page_is_told_at_the_start(file, name):
    queue = SqliteTaskQueue(file)
    await asyncio.gather(*(submit(queue) for _ in range(500)))
    await queue.close()
    damage(file, root_page(file, name))
    before = file.read_bytes()
    with pytest.raises(QueueDamaged) as told:
        SqliteTaskQueue(file)
    assert str(file) in str(told.value) and "portravox restore" in told.value.hint
    assert file.read_bytes() == before


async def test_damage_that_the_start_had_no_time_for_is_found_beside_the_work(file):
    queue = SqliteTaskQueue(file)
    await asyncio.gather(*(submit(queue) for _ in range(5000)))
    await queue.close()
    damage(file, root_page(file, "deliveries_listed"))
    queue = SqliteTaskQueue(file, check_s=0.0)
    assert (await submit(queue, key_id="other")).state is TaskState.PENDING
    for _ in range(500):
        if queue.damage is not None:
            break
        await asyncio.sleep(0.01)
    told = queue.damage
    await queue.close()
    assert told


async def test_a_check_beside_the_work_ends_with_the_queue(file):
    queue = SqliteTaskQueue(file)
    await asyncio.gather(*(submit(queue) for _ in range(5000)))
    await queue.close()
    queue = SqliteTaskQueue(file, check_s=0.0)
    begun = time.monotonic()
    await queue.close()
    assert queue.damage is None
    assert time.monotonic() - begun < 1.0


async def test_a_claim_is_no_more_work_behind_20_000_tasks_than_behind_1000(file):
    """Counted in steps of SQLite's virtual machine, which a busy machine does not change."""

    def fill(db, tasks):
        db.executemany(
            "INSERT INTO tasks (task_id, key_id, key_group, request_id, model, image_url,"
            " audio_url, parameters, resolve_oss, state, submitted_at)"
            " VALUES (?, ?, 'g', 'r', 'm', 'i', 'a', '{}', 0, 'PENDING', 1.0)",
            ((f"{n}", f"key {n % 50}") for n in tasks),
        )

    async def steps(queue):
        counted = 0

        def count():
            nonlocal counted
            counted += 1

        await queue._writer.change(lambda db: db.set_progress_handler(count, 1))
        task = await queue.claim("w", lease_s=60)
        assert await queue.finish(task.task_id, 1, Result(video_name="v.mp4", duration_s=1.0))
        await queue._writer.change(lambda db: db.set_progress_handler(None, 0))
        return counted

    queue = SqliteTaskQueue(file)
    await queue._writer.change(lambda db: fill(db, range(1_000)))
    few = await steps(queue)
    await queue._writer.change(lambda db: fill(db, range(1_000, 20_000)))
    many = await steps(queue)
    await queue.close()
    assert many < 1.1 * few


async def test_what_a_full_disk_undid_is_not_counted(file):
    job = replace(JOB, image_url="https://host/" + "a" * 8000)

    queue = SqliteTaskQueue(file, max_pending=40)
    await submit(queue)

    def pages(db, more):
        [now] = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {now + more}")

    await queue._writer.between(lambda db: pages(db, 4))
    refused = await asyncio.gather(
        *(queue.submit(job, key_id="k", key_group="g", request_id="r") for _ in range(20)),
        return_exceptions=True,
    )
    assert {type(told) for told in refused} == {QueueUnavailable}
    await queue._writer.between(lambda db: pages(db, 10_000))
    for _ in range(39):
        await submit(queue)
    with pytest.raises(QueueFull):
        await submit(queue)
    assert (await queue.counts())[TaskState.PENDING] == 40
    await queue.close()
