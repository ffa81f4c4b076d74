"""The one connection that writes, and many changes to a commit.

Flow      tasks.sqlite -> tasks.group_commit -> SQLite file

A commit that survives a power cut waits for the disk, a thousand times longer than a change takes.
So changes that arrive while the disk is busy wait together and share the next commit. No caller
gets an answer before its change is on the disk.

Changes run in the thread of the event loop, in some 50 µs each; only the commit goes to a thread of
its own. Statements in that thread would cost more, not less: after each of them it would have to
win the interpreter's lock back from a busy loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from portravox.service.errors import QueueUnavailable

T = TypeVar("T")

Change = Callable[[sqlite3.Connection], T]

_BATCH = 128
"""Changes to a commit at most: they hold the event loop up for less than 10 ms. Our choice."""

_Waiting = tuple[Change[Any], asyncio.Future[Any]]


class GroupCommit:
    """Runs changes one after the other, all from one event loop."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take a connection that may change threads and leaves transactions to us."""
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._waiting: list[_Waiting] = []
        self._between: list[_Waiting] = []
        self._committing: asyncio.Task[None] | None = None
        self._closed = False
        self.undone = 0
        """How often a group of changes was lost as a whole."""

    async def change(self, change: Change[T]) -> T:
        """What the change returns, once it is on the disk.

        What it raises is raised here, and its part of the transaction is undone. Raises
        QueueUnavailable where SQLite fails, a full disk among others: then nothing has changed.
        A caller who stops waiting does not stop the change.
        """
        if self._closed:
            raise QueueUnavailable("it is closed")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, answer))
        self._start()
        return await answer

    async def between(self, work: Change[T]) -> T:
        """What the work returns, done in the commits' thread between two of them.

        For what keeps the file in order and cannot be part of a transaction. Changes wait
        meanwhile. Raises QueueUnavailable where SQLite fails.
        """
        if self._closed:
            raise QueueUnavailable("it is closed")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._between.append((work, answer))
        self._start()
        return await answer

    async def close(self) -> None:
        """Refuse what comes and finish what came; the connection stays open."""
        self._closed = True
        if self._committing is not None:
            await self._committing
        self._thread.shutdown()

    def _start(self) -> None:
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all())

    async def _commit_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting or self._between:
                if self._between:
                    work, answer = self._between.pop(0)
                    try:
                        done = await loop.run_in_executor(self._thread, work, self._connection)
                    except sqlite3.Error as error:
                        _answer(answer, QueueUnavailable(str(error)))
                    except Exception as error:
                        _answer(answer, error)
                    else:
                        _answer(answer, done)
                if not self._waiting:
                    continue
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
                try:
                    answers = self._run_all([change for change, _ in batch])
                    await loop.run_in_executor(self._thread, self._connection.commit)
                except sqlite3.Error as error:
                    self.undone += 1
                    # What SQLite undid by itself cannot be undone again. Should a transaction
                    # stay open all the same, the next one cannot begin: its callers get an error.
                    with contextlib.suppress(sqlite3.Error):
                        self._connection.rollback()
                    for _, answer in batch:
                        _answer(answer, QueueUnavailable(str(error)))
                else:
                    for (_, answer), value in zip(batch, answers, strict=True):
                        _answer(answer, value)
        finally:
            self._committing = None

    def _run_all(self, changes: Sequence[Change[Any]]) -> list[Any]:
        """What each change returned or raised. Raises sqlite3.Error when all of them are lost."""
        self._connection.execute("BEGIN IMMEDIATE")
        answers: list[Any] = []
        for change in changes:
            self._connection.execute("SAVEPOINT change")
            try:
                answers.append(change(self._connection))
            except Exception as error:
                if _breaks_the_transaction(error):
                    raise
                self._connection.execute("ROLLBACK TO change")
                answers.append(error)
            self._connection.execute("RELEASE change")
        return answers


def _breaks_the_transaction(error: Exception) -> bool:
    """Whether SQLite may have undone more than the statement that failed."""
    return isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError)


def _answer(answer: asyncio.Future[Any], value: object) -> None:
    if answer.done():
        return  # the caller has stopped waiting
    if isinstance(value, Exception):
        answer.set_exception(value)
    else:
        answer.set_result(value)
