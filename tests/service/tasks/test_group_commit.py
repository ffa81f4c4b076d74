from __future__ import annotations

import asyncio
import sqlite3

import pytest

from portravox.errors import QueueUnavailable
from portravox.service.tasks.group_commit import GroupCommit


@pytest.fixture
def db(tmp_path):
    connection = sqlite3.connect(
        tmp_path / "numbers.db", isolation_level=None, check_same_thread=False
    )
    connection.execute("CREATE TABLE numbers (number INTEGER NOT NULL UNIQUE, text)")
    yield connection
    connection.close()


def numbers(db) -> list[int]:
    return [number for (number,) in db.execute("SELECT number FROM numbers ORDER BY number")]


def adding(number, text=None):
    def add(db):
        db.execute("INSERT INTO numbers VALUES (?, ?)", (number, text))
        return number

    return add


def test_changes_that_arrive_together_share_a_commit(db):
    statements = []
    db.set_trace_callback(statements.append)

    async def many():
        commits = GroupCommit(db)
        answers = await asyncio.gather(*(commits.change(adding(n)) for n in range(100)))
        await commits.close()
        return answers

    assert asyncio.run(many()) == list(range(100))
    assert statements.count("COMMIT") == 1


def test_nobody_is_answered_before_the_commit(db):
    async def watch():
        commits = GroupCommit(db)
        answer = await commits.change(adding(1))
        in_transaction = db.in_transaction
        await commits.close()
        return answer, in_transaction

    assert asyncio.run(watch()) == (1, False)


def test_a_change_that_raises_undoes_itself_alone(db):
    def half(connection):
        adding(7)(connection)
        raise KeyError("seven")

    async def mixed():
        commits = GroupCommit(db)
        changes = [adding(1), half, adding(1), adding(2)]
        answers = await asyncio.gather(*map(commits.change, changes), return_exceptions=True)
        await commits.close()
        return answers

    first, second, third, fourth = asyncio.run(mixed())
    assert (first, fourth) == (1, 2)
    assert isinstance(second, KeyError)
    assert isinstance(third, sqlite3.IntegrityError)
    assert numbers(db) == [1, 2]


def test_a_full_disk_refuses_what_does_not_fit_and_harms_nothing_else(db):
    [pages] = db.execute("PRAGMA page_count").fetchone()

    async def fill():
        commits = GroupCommit(db)
        await commits.change(adding(1))
        db.execute(f"PRAGMA max_page_count = {pages}")
        answers = await asyncio.gather(
            commits.change(adding(2)),
            commits.change(adding(3, "x" * 100_000)),
            return_exceptions=True,
        )
        assert all(isinstance(answer, QueueUnavailable) for answer in answers)
        assert numbers(db) == [1]
        await commits.change(adding(4))
        db.execute("PRAGMA max_page_count = 1000000")
        await commits.change(adding(3, "x" * 100_000))
        await commits.close()

    asyncio.run(fill())
    assert numbers(db) == [1, 3, 4]


def test_a_caller_who_leaves_does_not_stop_the_change(db):
    async def leave():
        commits = GroupCommit(db)
        caller = asyncio.create_task(commits.change(adding(1)))
        await asyncio.sleep(0)
        caller.cancel()
        await commits.change(adding(2))
        await commits.close()
        return caller.cancelled()

    assert asyncio.run(leave())
    assert numbers(db) == [1, 2]


def test_closing_finishes_what_came_and_refuses_the_rest(db):
    async def close():
        commits = GroupCommit(db)
        came = [asyncio.create_task(commits.change(adding(n))) for n in range(300)]
        await asyncio.sleep(0)
        await commits.close()
        with pytest.raises(QueueUnavailable):
            await commits.change(adding(1000))
        return await asyncio.gather(*came)

    assert asyncio.run(close()) == list(range(300))
    assert numbers(db) == list(range(300))
