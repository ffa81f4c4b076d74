from __future__ import annotations

import asyncio
import sqlite3

import pytest

from portravox.service.errors import QueueUnavailable
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


async def test_changes_that_arrive_together_share_a_commit(db):
    statements = []
    db.set_trace_callback(statements.append)
    commits = GroupCommit(db)
    answers = await asyncio.gather(*(commits.change(adding(n)) for n in range(100)))
    await commits.close()
    assert answers == list(range(100))
    assert statements.count("COMMIT") == 1


async def test_nobody_is_answered_before_the_commit(db):
    commits = GroupCommit(db)
    answer = await commits.change(adding(1))
    in_transaction = db.in_transaction
    await commits.close()
    assert (answer, in_transaction) == (1, False)


async def test_a_change_that_raises_undoes_itself_alone(db):
    def half(connection):
        adding(7)(connection)
        raise KeyError("seven")

    commits = GroupCommit(db)
    changes = [adding(1), half, adding(1), adding(2)]
    answers = await asyncio.gather(*map(commits.change, changes), return_exceptions=True)
    await commits.close()
    first, second, third, fourth = answers
    assert (first, fourth) == (1, 2)
    assert isinstance(second, KeyError)
    assert isinstance(third, sqlite3.IntegrityError)
    assert numbers(db) == [1, 2]


async def test_a_full_disk_refuses_what_does_not_fit_and_harms_nothing_else(db):
    [pages] = db.execute("PRAGMA page_count").fetchone()
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
    assert numbers(db) == [1, 3, 4]


async def test_a_caller_who_leaves_does_not_stop_the_change(db):
    commits = GroupCommit(db)
    caller = asyncio.create_task(commits.change(adding(1)))
    await asyncio.sleep(0)
    caller.cancel()
    await commits.change(adding(2))
    await commits.close()
    assert caller.cancelled()
    assert numbers(db) == [1, 2]


async def test_closing_finishes_what_came_and_refuses_the_rest(db):
    commits = GroupCommit(db)
    came = [asyncio.create_task(commits.change(adding(n))) for n in range(300)]
    await asyncio.sleep(0)
    await commits.close()
    with pytest.raises(QueueUnavailable):
        await commits.change(adding(1000))
    assert (await asyncio.gather(*came)) == list(range(300))
    assert numbers(db) == list(range(300))
