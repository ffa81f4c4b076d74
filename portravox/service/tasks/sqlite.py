"""The queue in a SQLite file: one machine, nothing else to install.

Flow      routes, worker -> tasks.sqlite -> tasks.group_commit -> the file, in WAL mode

One process owns the file and one connection in it writes and checkpoints; two further connections
read what is committed, one at once in the event loop for single tasks, one in a thread for what
takes longer. Why not more writers: docs/decisions/0010-one-writing-connection.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from io import FileIO
from itertools import takewhile
from pathlib import Path
from typing import TypeVar

from portravox.errors import IdempotencyConflict, QueueFull, QueueUnavailable
from portravox.service.tasks.group_commit import GroupCommit
from portravox.service.tasks.migrate import migrate
from portravox.service.tasks.outbox import Outbox, Webhook
from portravox.service.tasks.queue import (
    GIVEN_UP,
    MAX_TRIES,
    Failure,
    Job,
    KeyLimits,
    Outcome,
    Page,
    Released,
    Result,
    Task,
    TaskFilter,
)
from portravox.service.tasks.sqlite_outbox import SqliteOutbox, register
from portravox.service.tasks.sqlite_rows import task_of
from portravox.service.tasks.states import TaskState

T = TypeVar("T")

MAX_PENDING = 100_000
"""Tasks that may wait, of all keys together. Our choice: at a minute each they take 70 days."""

_UNLIMITED = KeyLimits()

_TURNS = (
    "SELECT key_id, pending, running FROM tallies WHERE pending > 0 ORDER BY running, turn, key_id"
)
"""Whose turn it is: claims follow this order, and positions are told from it."""


class SqliteTaskQueue:
    """A TaskQueue. Everything but the constructor belongs to one event loop."""

    def __init__(
        self,
        file: Path,
        *,
        max_pending: int = MAX_PENDING,
        limits_of: Callable[[str], KeyLimits] = lambda key_id: _UNLIMITED,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the file, make it or bring it up to date. Its folder has to exist.

        limits_of   what a key may have in the queue, asked at each submission and claim
        clock       seconds since 1970

        Raises QueueUnavailable, also where another process has the file open.
        """
        self._max_pending = max_pending
        self._limits_of = limits_of
        self._clock = clock
        self._survey_thread = ThreadPoolExecutor(1, thread_name_prefix="survey")
        with contextlib.ExitStack() as opened:
            opened.enter_context(_own(file))
            try:
                # SQLite gives the files it adds the rights of this one.
                file.touch(0o600)
                migrate(file)
                writer = opened.enter_context(contextlib.closing(_open_writer(file)))
                self._looks = opened.enter_context(contextlib.closing(_open_reader(file)))
                self._surveys = opened.enter_context(contextlib.closing(_open_reader(file)))
            except (OSError, sqlite3.Error) as error:
                raise QueueUnavailable(f"{file}: {error}") from error
            self._opened = opened.pop_all()
        self._writer = GroupCommit(writer)
        self._may_have_work = asyncio.Event()
        self.outbox: Outbox = SqliteOutbox(self._writer, self._survey, clock)

    async def submit(
        self,
        job: Job,
        *,
        key_id: str,
        key_group: str,
        request_id: str,
        idempotency_key: str | None = None,
        webhooks: Sequence[Webhook] = (),
    ) -> Task:
        task = Task(
            task_id=str(uuid.uuid4()),
            key_id=key_id,
            key_group=key_group,
            request_id=request_id,
            job=job,
            state=TaskState.PENDING,
            attempt=0,
            submitted_at=self._clock(),
            scheduled_at=None,
            ended_at=None,
            worker=None,
            lease_until=None,
            cancel_requested=False,
            stage=None,
            done=0.0,
            code=None,
            message=None,
            result=None,
        )
        limit = self._limits_of(key_id).max_pending

        def add(db: sqlite3.Connection) -> Task:
            if idempotency_key is not None:
                before = db.execute(
                    "SELECT * FROM tasks WHERE key_id = ? AND idempotency_key = ?",
                    (key_id, idempotency_key),
                ).fetchone()
                if before is not None:
                    return _of_same_job(task_of(before), job)
            self._require_room(db, key_id, limit)
            db.execute(
                "INSERT INTO tasks (task_id, key_id, key_group, request_id, idempotency_key, model,"
                " image_url, audio_url, parameters, resolve_oss, state, submitted_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'PENDING', ?)",
                (
                    task.task_id,
                    key_id,
                    key_group,
                    request_id,
                    idempotency_key,
                    job.model,
                    job.image_url,
                    job.audio_url,
                    json.dumps(dict(job.parameters)),
                    job.resolve_oss,
                    task.submitted_at,
                ),
            )
            register(db, task, webhooks)
            return task

        task = await self._writer.change(add)
        self._may_have_work.set()
        return task

    async def get(self, task_id: str, *, key_group: str) -> Task | None:
        try:
            row = self._looks.execute(
                "SELECT * FROM tasks WHERE task_id = ? AND key_group = ?", (task_id, key_group)
            ).fetchone()
        except sqlite3.Error as error:
            raise QueueUnavailable(str(error)) from error
        return None if row is None else task_of(row)

    async def list(self, wanted: TaskFilter, *, key_group: str) -> Page:
        conditions = {
            "key_group = ?": key_group,
            "task_id = ?": wanted.task_id,
            "model = ?": wanted.model,
            "state = ?": wanted.state,
            "key_id = ?": wanted.key_id,
            "submitted_at >= ?": wanted.submitted_from,
            "submitted_at <= ?": wanted.submitted_to,
        }
        where = " AND ".join(text for text, value in conditions.items() if value is not None)
        values = [value for value in conditions.values() if value is not None]
        skipped = (wanted.page_no - 1) * wanted.page_size

        def read(db: sqlite3.Connection) -> Page:
            total = db.execute(f"SELECT count(*) FROM tasks WHERE {where}", values).fetchone()[0]
            rows = db.execute(
                f"SELECT * FROM tasks WHERE {where}"
                " ORDER BY submitted_at DESC, seq DESC LIMIT ? OFFSET ?",
                (*values, wanted.page_size, skipped),
            )
            return Page(tasks=tuple(map(task_of, rows)), total=total)

        return await self._survey(read)

    async def cancel(self, task_id: str, *, key_group: str, force: bool = False) -> bool:
        now = self._clock()

        def cancel(db: sqlite3.Connection) -> bool:
            row = db.execute(
                "SELECT seq, state FROM tasks WHERE task_id = ? AND key_group = ?",
                (task_id, key_group),
            ).fetchone()
            if row is None:
                return False
            if row["state"] == TaskState.PENDING:
                _end(db, row["seq"], TaskState.CANCELED, now)
                return True
            if row["state"] == TaskState.RUNNING and force:
                db.execute("UPDATE tasks SET cancel_requested = 1 WHERE seq = ?", (row["seq"],))
                return True
            return False

        return await self._writer.change(cancel)

    async def claim(
        self, worker: str, *, lease_s: float, except_keys: Collection[str] = ()
    ) -> Task | None:
        now = self._clock()

        def claim(db: sqlite3.Connection) -> Task | None:
            key_id = self._next_key(db, except_keys)
            if key_id is None:
                return None
            [row] = db.execute(
                "UPDATE tasks SET state = 'RUNNING', attempt = attempt + 1, scheduled_at = ?,"
                " worker = ?, lease_until = ? WHERE seq = (SELECT seq FROM tasks"
                " WHERE key_id = ? AND state = 'PENDING' ORDER BY seq LIMIT 1) RETURNING *",
                (now, worker, now + lease_s, key_id),
            ).fetchall()
            db.execute(
                "UPDATE tallies SET turn = 1 + (SELECT max(turn) FROM tallies) WHERE key_id = ?",
                (key_id,),
            )
            return task_of(row)

        return await self._writer.change(claim)

    async def wait_for_work(self, timeout_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._may_have_work.wait()
        self._may_have_work.clear()

    async def heartbeat(
        self, task_id: str, attempt: int, *, lease_s: float, stage: str | None, done: float
    ) -> bool:
        lease_until = self._clock() + lease_s

        def prolong(db: sqlite3.Connection) -> bool:
            changed = db.execute(
                "UPDATE tasks SET lease_until = ?, stage = ?, done = ? WHERE task_id = ?"
                " AND attempt = ? AND state = 'RUNNING' AND NOT cancel_requested",
                (lease_until, stage, done, task_id, attempt),
            )
            return changed.rowcount == 1

        return await self._writer.change(prolong)

    async def finish(self, task_id: str, attempt: int, outcome: Outcome) -> bool:
        now = self._clock()

        def finish(db: sqlite3.Connection) -> bool:
            row = db.execute(
                "SELECT seq, cancel_requested, attempt - releases AS tries FROM tasks"
                " WHERE task_id = ? AND attempt = ? AND state = 'RUNNING'",
                (task_id, attempt),
            ).fetchone()
            if row is None:
                return False
            seq = row["seq"]
            if row["cancel_requested"]:
                _end(db, seq, TaskState.CANCELED, now)
                return False
            match outcome:
                case Result():
                    _end(db, seq, TaskState.SUCCEEDED, now, result=outcome)
                case Released():
                    _put_back(db, seq, releases=1)
                case Failure(retry=True) if row["tries"] < MAX_TRIES:
                    _put_back(db, seq)
                case Failure(code=code, message=message):
                    _end(db, seq, TaskState.FAILED, now, why=(code, message))
            return True

        ended = await self._writer.change(finish)
        self._may_have_work.set()  # it may wait again, or another one of its key may begin
        return ended

    async def requeue_expired(self, now: float) -> tuple[str, ...]:
        ended_at = self._clock()

        def requeue(db: sqlite3.Connection) -> tuple[str, ...]:
            rows = db.execute(
                "SELECT seq, task_id, cancel_requested, attempt - releases AS tries FROM tasks"
                " WHERE state = 'RUNNING' AND lease_until <= ?",
                (now,),
            ).fetchall()
            for row in rows:
                if row["cancel_requested"]:
                    _end(db, row["seq"], TaskState.CANCELED, ended_at)
                elif row["tries"] < MAX_TRIES:
                    _put_back(db, row["seq"])
                else:
                    _end(db, row["seq"], TaskState.FAILED, ended_at, why=GIVEN_UP)
            return tuple(row["task_id"] for row in rows)

        requeued = await self._writer.change(requeue)
        self._may_have_work.set()
        return requeued

    async def end_overdue(
        self, submitted_before: float, why: Failure, *, limit: int = 500
    ) -> tuple[str, ...]:
        now = self._clock()

        def end(db: sqlite3.Connection) -> tuple[str, ...]:
            overdue: list[sqlite3.Row] = []
            for [key_id] in db.execute("SELECT key_id FROM tallies WHERE pending > 0").fetchall():
                # The first of a key are its oldest: where none is overdue, one row is read.
                waiting = db.execute(
                    "SELECT seq, task_id, submitted_at FROM tasks"
                    " WHERE key_id = ? AND state = 'PENDING' ORDER BY seq LIMIT ?",
                    (key_id, limit - len(overdue)),
                )
                overdue += takewhile(lambda row: row["submitted_at"] < submitted_before, waiting)
            for row in overdue:
                _end(db, row["seq"], TaskState.FAILED, now, why=(why.code, why.message))
            return tuple(row["task_id"] for row in overdue)

        return await self._writer.change(end)

    async def remove_ended(self, before: float, *, limit: int = 500) -> tuple[Task, ...]:
        def remove(db: sqlite3.Connection) -> tuple[Task, ...]:
            rows = db.execute(
                "DELETE FROM tasks WHERE seq IN (SELECT seq FROM tasks WHERE ended_at < ?"
                " ORDER BY ended_at LIMIT ?) RETURNING *",
                (before, limit),
            ).fetchall()
            db.execute(
                "DELETE FROM tallies WHERE pending + running + succeeded + failed + canceled = 0"
            )
            rows.sort(key=lambda row: float(row["ended_at"]))
            return tuple(map(task_of, rows))

        return await self._writer.change(remove)

    async def position(self, task_id: str) -> int | None:
        def read(db: sqlite3.Connection) -> int | None:
            own = db.execute(
                "SELECT key_id, (SELECT count(*) FROM tasks AS other"
                " WHERE other.key_id = own.key_id AND other.state = 'PENDING'"
                " AND other.seq < own.seq) AS ahead"
                " FROM tasks AS own WHERE task_id = ? AND state = 'PENDING'",
                (task_id,),
            ).fetchone()
            if own is None:
                return None
            # Before this task's turn come as many of each key as come of its own, and one more
            # of those whose turn is earlier.
            position = int(own["ahead"])
            turns = position + 1
            for key_id, pending, _ in db.execute(_TURNS):
                if key_id == own["key_id"]:
                    turns -= 1
                else:
                    position += min(pending, turns)
            return position

        return await self._survey(read)

    async def counts(self) -> dict[TaskState, int]:
        def read(db: sqlite3.Connection) -> dict[TaskState, int]:
            sums = db.execute(
                "SELECT total(pending), total(running), total(succeeded), total(failed),"
                " total(canceled) FROM tallies"
            ).fetchone()
            return {state: int(tasks) for state, tasks in zip(TaskState, sums, strict=True)}

        return await self._survey(read)

    async def rendered_s(self, *, key_id: str, since: float) -> float:
        def read(db: sqlite3.Connection) -> float:
            row = db.execute(
                "SELECT total(duration_s) FROM tasks"
                " WHERE key_id = ? AND state = 'SUCCEEDED' AND ended_at >= ?",
                (key_id, since),
            ).fetchone()
            return float(row[0])

        return await self._survey(read)

    async def close(self) -> None:
        await self._writer.close()
        self._survey_thread.shutdown()
        self._opened.close()

    def _require_room(self, db: sqlite3.Connection, key_id: str, limit: int | None) -> None:
        [waiting] = db.execute("SELECT total(pending) FROM tallies").fetchone()
        if waiting >= self._max_pending:
            raise QueueFull(self._max_pending)
        if limit is None:
            return
        own = db.execute("SELECT pending FROM tallies WHERE key_id = ?", (key_id,)).fetchone()
        if own is not None and own[0] >= limit:
            raise QueueFull(limit)

    def _next_key(self, db: sqlite3.Connection, except_keys: Collection[str]) -> str | None:
        """Whose task is to be claimed next."""
        for key_id, _, running in db.execute(_TURNS).fetchall():
            if key_id in except_keys:
                continue
            limit = self._limits_of(key_id).max_running
            if limit is None or running < limit:
                return str(key_id)
        return None

    async def _survey(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """What `read` finds in one consistent state of the file, without holding up the loop."""

        def survey() -> T:
            self._surveys.execute("BEGIN")
            try:
                return read(self._surveys)
            finally:
                self._surveys.rollback()

        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._survey_thread, survey)
        except sqlite3.Error as error:
            raise QueueUnavailable(str(error)) from error


def _end(
    db: sqlite3.Connection,
    seq: int,
    state: TaskState,
    now: float,
    *,
    why: tuple[str, str] | tuple[None, None] = (None, None),
    result: Result | None = None,
) -> None:
    db.execute(
        "UPDATE tasks SET state = ?, ended_at = ?, lease_until = NULL, cancel_requested = 0,"
        " stage = NULL, done = iif(? = 'SUCCEEDED', 1.0, done), code = ?, message = ?,"
        " video_name = ?, duration_s = ? WHERE seq = ?",
        (state, now, state, *why, *(astuple(result) if result else (None, None)), seq),
    )


def _put_back(db: sqlite3.Connection, seq: int, *, releases: int = 0) -> None:
    """Let a task wait again, in its old place."""
    db.execute(
        "UPDATE tasks SET state = 'PENDING', releases = releases + ?, scheduled_at = NULL,"
        " worker = NULL, lease_until = NULL, stage = NULL, done = 0.0 WHERE seq = ?",
        (releases, seq),
    )


def _of_same_job(before: Task, job: Job) -> Task:
    if before.job != job:
        raise IdempotencyConflict
    return before


def _own(file: Path) -> FileIO:
    """A lock that lasts until it is closed or the process ends. Raises QueueUnavailable.

    Children that are started afresh do not inherit it; a forked one would, and would keep the next
    server from starting for as long as it lives.
    """
    beside = file.with_name(f"{file.name}.lock")
    try:
        lock = FileIO(beside, "w", opener=_open_private)
    except OSError as error:
        raise QueueUnavailable(f"cannot write {beside}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise QueueUnavailable(f"{file} is in use by another server") from None
    return lock


def _open_private(path: str, flags: int) -> int:
    """Open a file that only its owner may read, for clients' addresses are in it."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _open_writer(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")  # a commit waits for the disk
    db.execute("PRAGMA secure_delete = ON")  # what is forgotten leaves no trace in the file
    db.execute("PRAGMA journal_size_limit = 67108864")  # a burst's WAL is cut to 64 MiB after it
    return db


def _open_reader(file: Path) -> sqlite3.Connection:
    """A connection that can neither write nor checkpoint."""
    db = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    db.row_factory = sqlite3.Row
    return db
