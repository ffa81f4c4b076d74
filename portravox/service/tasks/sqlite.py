"""The queue in a SQLite file: one machine, nothing else to install.

Flow      routes, worker -> tasks.sqlite -> tasks.group_commit -> the file, in WAL mode
Reads     the statements in tasks.sqlite_statements

One process owns the file and one connection in it writes and checkpoints; two further connections
read what is committed, one at once in the event loop for single tasks, one in a thread for what
takes longer. Why not more writers: docs/decisions/0010-one-writing-connection.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import takewhile
from pathlib import Path
from typing import TypeVar

from portravox.service.errors import QueueUnavailable
from portravox.service.tasks import sqlite_statements as sql
from portravox.service.tasks.group_commit import GroupCommit
from portravox.service.tasks.migrate import migrate
from portravox.service.tasks.outbox import Outbox, Webhook
from portravox.service.tasks.queue import GIVEN_UP, MAX_TRIES
from portravox.service.tasks.room import MAX_PENDING, Caps, Held, require_room
from portravox.service.tasks.rows import (
    as_row,
    held_of,
    new_task,
    of_same_job,
    task_of,
    written_explanation,
)
from portravox.service.tasks.sqlite_file import (
    CHECK_S,
    DamageWatch,
    give_back,
    make_shrinkable,
    open_reader,
    open_writer,
    own,
)
from portravox.service.tasks.sqlite_outbox import SqliteOutbox, register
from portravox.service.tasks.states import TaskState
from portravox.service.tasks.task import (
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

T = TypeVar("T")

_UNLIMITED = KeyLimits()

_NOTHING = Held(pending=0, canceled=0, ended=0, text_bytes=0)

_SUM_S = 1.0
"""How long the sum of a key's rendered seconds is kept, at most: every submission of a key with a
daily limit asks for it, and adding up takes a thread. It is added up anew as soon as a task ends.
Our choice: a window of a day that begins a second early."""

_MAX_SUMS = 1024
"""Keys whose sums are kept at a time."""


class SqliteTaskQueue:
    """A TaskQueue. Everything but the constructor belongs to one event loop."""

    def __init__(
        self,
        file: Path,
        *,
        max_pending: int = MAX_PENDING,
        caps: Caps | None = None,
        check_s: float = CHECK_S,
        limits_of: Callable[[str], KeyLimits] = lambda key_id: _UNLIMITED,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the file, make it or bring it up to date. Its folder has to exist.

        max_pending  tasks that may wait, of all keys together
        caps         all that the queue holds; by default what goes with `max_pending`
        check_s      how long to look for damage before going on
        limits_of    what a key may have in the queue, asked at each submission and claim
        clock        seconds since 1970

        Raises QueueDamaged, and QueueUnavailable also where another process has the file open.
        """
        self._caps = caps or Caps.for_queue_of(max_pending)
        self._limits_of = limits_of
        self._clock = clock
        self._survey_thread = ThreadPoolExecutor(1, thread_name_prefix="survey")
        with contextlib.ExitStack() as opened:
            opened.enter_context(own(file))
            try:
                # SQLite gives the files it adds the rights of this one.
                file.touch(0o600)
                watch = opened.enter_context(contextlib.closing(DamageWatch(file, check_s=check_s)))
                make_shrinkable(file)
                migrate(file)
                writer = opened.enter_context(contextlib.closing(open_writer(file)))
                self._looks = opened.enter_context(contextlib.closing(open_reader(file)))
                self._surveys = opened.enter_context(contextlib.closing(open_reader(file)))
            except (OSError, sqlite3.Error) as error:
                raise QueueUnavailable(f"{file}: {error}") from error
            watch.start()
            self._watch = watch
            self._opened = opened.pop_all()
        self._writer = GroupCommit(writer)
        self._may_have_work = asyncio.Event()
        self._held = ((-1, -1), _NOTHING)
        """What all keys hold, and the state of the table in which they did."""
        self._ends = 0
        """Attempts that have ended: some with a video."""
        self._sums: dict[str, tuple[int, float, float]] = {}
        """By key: `_ends`, the moment since which was added up, and the sum."""
        self.outbox: Outbox = SqliteOutbox(self._writer, self._survey, clock)

    def now(self) -> float:
        """See `TaskQueue`."""
        return self._clock()

    @property
    def damage(self) -> str | None:
        """See `TaskQueue`."""
        return self._watch.damage

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
        task = new_task(
            job,
            key_id=key_id,
            key_group=key_group,
            request_id=request_id,
            submitted_at=self._clock(),
        )
        limits = self._limits_of(key_id)
        row = as_row(task, idempotency_key, webhooks)

        def add(db: sqlite3.Connection) -> Task:
            if idempotency_key is not None:
                before = db.execute(sql.TASK_OF_REPEATED, row).fetchone()
                if before is not None:
                    return of_same_job(task_of(before), job)
            everyone = self._held_by_all(db)
            own = db.execute(sql.HELD_BY_KEY, row).fetchone()
            require_room(
                row["text_bytes"],
                own=_NOTHING if own is None else held_of(own),
                everyone=everyone,
                caps=self._caps,
                limits=limits,
            )
            db.execute(sql.ADD_TASK, row)
            register(db, task, webhooks)
            self._held = (self._state_of(db), everyone.with_one_more(row["text_bytes"]))
            return task

        task = await self._writer.change(add)
        self._may_have_work.set()
        return task

    async def repeated(self, job: Job, *, key_id: str, idempotency_key: str) -> Task | None:
        try:
            row = self._looks.execute(
                sql.TASK_OF_REPEATED, {"key_id": key_id, "idempotency_key": idempotency_key}
            ).fetchone()
        except sqlite3.Error as error:
            raise QueueUnavailable(str(error)) from error
        return None if row is None else of_same_job(task_of(row), job)

    async def get(self, task_id: str, *, key_group: str) -> Task | None:
        try:
            row = self._looks.execute(
                sql.TASK_OF_GROUP, {"task_id": task_id, "key_group": key_group}
            ).fetchone()
        except sqlite3.Error as error:
            raise QueueUnavailable(str(error)) from error
        return None if row is None else task_of(row)

    async def find(self, task_ids: Collection[str]) -> dict[str, Task]:
        try:
            found = self._looks.execute(
                sql.TASKS_OF_IDS, {"task_ids": json.dumps(list(task_ids))}
            ).fetchall()
        except sqlite3.Error as error:
            raise QueueUnavailable(str(error)) from error
        return {task.task_id: task for task in map(task_of, found)}

    async def list(self, wanted: TaskFilter, *, key_group: str) -> Page:
        asked = asdict(wanted) | {"key_group": key_group}
        asked |= {"limit": wanted.page_size, "skipped": (wanted.page_no - 1) * wanted.page_size}
        where = " AND ".join(
            condition for name, condition in sql.TASK_CONDITIONS.items() if asked[name] is not None
        )

        def read(db: sqlite3.Connection) -> Page:
            [total] = db.execute(sql.COUNT_TASKS + where, asked).fetchone()
            rows = db.execute(sql.LIST_TASKS + where + sql.PAGE_OF_TASKS, asked)
            return Page(tasks=tuple(map(task_of, rows)), total=total)

        return await self._survey(read)

    async def cancel(self, task_id: str, *, key_group: str, force: bool = False) -> bool:
        now = self._clock()

        def cancel(db: sqlite3.Connection) -> bool:
            row = db.execute(
                sql.STATE_OF_TASK, {"task_id": task_id, "key_group": key_group}
            ).fetchone()
            if row is None:
                return False
            if row["state"] == TaskState.PENDING:
                _end(db, row["seq"], TaskState.CANCELED, now)
                return True
            if row["state"] == TaskState.RUNNING and force:
                db.execute(sql.REQUEST_CANCEL, {"seq": row["seq"]})
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
            asked = {
                "key_id": key_id,
                "worker": worker,
                "now": now,
                "lease_until": now + lease_s,
            }
            [row] = db.execute(sql.CLAIM_FIRST_OF_KEY, asked).fetchall()
            db.execute(sql.TAKE_TURN, asked)
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
                sql.PROLONG_LEASE,
                {
                    "task_id": task_id,
                    "attempt": attempt,
                    "lease_until": lease_until,
                    "stage": stage,
                    "done": done,
                },
            )
            return changed.rowcount == 1

        return await self._writer.change(prolong)

    async def finish(self, task_id: str, attempt: int, outcome: Outcome) -> bool:
        now = self._clock()

        def finish(db: sqlite3.Connection) -> bool:
            row = db.execute(
                sql.RUNNING_ATTEMPT, {"task_id": task_id, "attempt": attempt}
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
                case Failure():
                    _end(db, seq, TaskState.FAILED, now, why=outcome)
            return True

        ended = await self._writer.change(finish)
        self._ends += 1
        self._may_have_work.set()  # it may wait again, or another one of its key may begin
        return ended

    async def requeue_expired(self, now: float) -> tuple[str, ...]:
        ended_at = self._clock()

        def requeue(db: sqlite3.Connection) -> tuple[str, ...]:
            rows = db.execute(sql.EXPIRED_ATTEMPTS, {"now": now}).fetchall()
            for row in rows:
                if row["cancel_requested"]:
                    _end(db, row["seq"], TaskState.CANCELED, ended_at)
                elif row["tries"] < MAX_TRIES:
                    _put_back(db, row["seq"])
                else:
                    why = Failure(code=GIVEN_UP[0], message=GIVEN_UP[1])
                    _end(db, row["seq"], TaskState.FAILED, ended_at, why=why)
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
            for [key_id] in db.execute(sql.KEYS_THAT_WAIT).fetchall():
                # The first of a key are its oldest: where none is overdue, one row is read.
                waiting = db.execute(
                    sql.FIRST_OF_KEY, {"key_id": key_id, "limit": limit - len(overdue)}
                )
                overdue += takewhile(lambda row: row["submitted_at"] < submitted_before, waiting)
            for row in overdue:
                _end(db, row["seq"], TaskState.FAILED, now, why=why)
            return tuple(row["task_id"] for row in overdue)

        return await self._writer.change(end)

    async def remove_ended(self, before: float, *, limit: int = 500) -> tuple[Task, ...]:
        def remove(db: sqlite3.Connection) -> tuple[Task, ...]:
            rows = db.execute(sql.FORGET_ENDED, {"before": before, "limit": limit}).fetchall()
            db.execute(sql.FORGET_IDLE_KEYS)
            rows.sort(key=lambda row: float(row["ended_at"]))
            return tuple(map(task_of, rows))

        return await self._writer.change(remove)

    async def position(self, task_id: str) -> int | None:
        def read(db: sqlite3.Connection) -> int | None:
            own = db.execute(sql.AHEAD_OF_TASK, {"task_id": task_id}).fetchone()
            if own is None:
                return None
            # Before this task's turn come as many of each key as come of its own, and one more
            # of those whose turn is earlier.
            position = int(own["ahead"])
            turns = position + 1
            for key_id, pending, _ in db.execute(sql.TURNS):
                if key_id == own["key_id"]:
                    turns -= 1
                else:
                    position += min(pending, turns)
            return position

        return await self._survey(read)

    async def counts(self) -> dict[TaskState, int]:
        def read(db: sqlite3.Connection) -> dict[TaskState, int]:
            sums = db.execute(sql.COUNTS).fetchone()
            return {state: int(tasks) for state, tasks in zip(TaskState, sums, strict=True)}

        return await self._survey(read)

    async def rendered_s(self, *, key_id: str, since: float) -> float:
        ends, summed_since, sum_s = self._sums.get(key_id, (-1, 0.0, 0.0))
        if ends == self._ends and 0.0 <= since - summed_since < _SUM_S:
            return sum_s

        def read(db: sqlite3.Connection) -> float:
            row = db.execute(sql.RENDERED_S, {"key_id": key_id, "since": since}).fetchone()
            return float(row[0])

        ends = self._ends  # of before the look: a task that ends meanwhile makes it stale
        sum_s = await self._survey(read)
        if len(self._sums) >= _MAX_SUMS:
            self._sums.clear()
        self._sums[key_id] = ends, since, sum_s
        return sum_s

    async def spoken_characters(self, *, key_id: str, key_group: str, since: float) -> int:
        """See `TaskQueue`."""
        asked = {"key_id": key_id, "key_group": key_group, "since": since}

        def read(db: sqlite3.Connection) -> int:
            return int(db.execute(sql.SPOKEN_CHARACTERS, asked).fetchone()[0])

        return await self._survey(read)

    async def give_back_room(self) -> bool:
        """See `TaskQueue`."""
        return await self._writer.between(give_back)

    async def close(self) -> None:
        await self._writer.close()
        self._survey_thread.shutdown()
        self._opened.close()

    def _held_by_all(self, db: sqlite3.Connection) -> Held:
        """What all keys hold. Added up anew, over all keys, only where something else than a
        submission has changed the table since."""
        state, held = self._held
        return (
            held if state == self._state_of(db) else held_of(db.execute(sql.HELD_BY_ALL).fetchone())
        )

    def _state_of(self, db: sqlite3.Connection) -> tuple[int, int]:
        """Another one after each change, and after each that was undone."""
        return db.total_changes, self._writer.undone

    def _next_key(self, db: sqlite3.Connection, except_keys: Collection[str]) -> str | None:
        """Whose task is to be claimed next."""
        for key_id, _, running in db.execute(sql.TURNS).fetchall():
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
    why: Failure | None = None,
    result: Result | None = None,
) -> None:
    explanation = None if why is None else why.explanation
    db.execute(
        sql.END_TASK,
        {
            "seq": seq,
            "state": state,
            "now": now,
            "code": None if why is None else why.code,
            "message": None if why is None else why.message,
            "explanation": written_explanation(explanation),
            "video_name": None if result is None else result.video_name,
            "duration_s": None if result is None else result.duration_s,
        },
    )


def _put_back(db: sqlite3.Connection, seq: int, *, releases: int = 0) -> None:
    """Let a task wait again, in its old place."""
    db.execute(sql.PUT_BACK, {"seq": seq, "releases": releases})
