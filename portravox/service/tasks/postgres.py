"""The queue in a PostgreSQL: many machines, and what happens to one of them harms no task.

Flow      routes, worker -> tasks.postgres -> database.database -> PostgreSQL
Reads     the statements in tasks.postgres_statements

Any number of processes may have one open. All times are told in the database's own (`now`).
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import Any

from portravox.engines.registry import ENTRIES
from portravox.service.database.database import Database, Rows
from portravox.service.errors import QueueFull, QueueUnavailable
from portravox.service.tasks import postgres_statements as sql
from portravox.service.tasks.migrate import migrate_postgres
from portravox.service.tasks.outbox import Outbox, Webhook
from portravox.service.tasks.postgres_outbox import PostgresOutbox
from portravox.service.tasks.postgres_parts import PostgresPartsTable
from portravox.service.tasks.queue import (
    FINISH_APART_S,
    FINISH_PATIENCE_S,
    GIVEN_UP,
    MAX_TRIES,
)
from portravox.service.tasks.room import MAX_PENDING, Caps, Held, require_room
from portravox.service.tasks.rows import (
    as_row,
    held_of,
    new_task,
    of_same_job,
    task_of,
    written_explanation,
)
from portravox.service.tasks.states import TaskState
from portravox.service.tasks.task import (
    Failure,
    Job,
    KeyLimits,
    LatestAttempts,
    Outcome,
    Page,
    Released,
    Result,
    Task,
    TaskFilter,
)

_UNLIMITED = KeyLimits()

_NOTHING = Held(pending=0, canceled=0, ended=0, text_bytes=0)

_SETTLED: dict[str, Any] = {
    "released": False,
    "code": None,
    "message": None,
    "explanation": None,
    "video_name": None,
    "duration_s": None,
}
"""What the statements that end a task ask for, where nothing is said."""


_LATEST = 20
"""Attempts that tell how long one takes. Our choice."""


class PostgresTaskQueue:
    """A TaskQueue. Everything but the constructor belongs to one event loop."""

    def __init__(
        self,
        database: Database,
        *,
        max_pending: int = MAX_PENDING,
        caps: Caps | None = None,
        limits_of: Callable[[str], KeyLimits] = lambda key_id: _UNLIMITED,
        engines: Sequence[str] = tuple(ENTRIES),
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Make the tables or bring them up to date, one machine at a time.

        database     belongs to the queue, which closes it
        max_pending  tasks that may wait, of all keys together
        caps         all that the queue holds; by default what goes with `max_pending`
        limits_of    what a key may have in the queue, asked at each submission and claim
        engines      those whose tasks are claimed here, by name
        clock        seconds since 1970; by default the database's

        Raises QueueUnavailable, also where a later version has changed the tables so that this one
        cannot use them.
        """
        self._database = database
        self._caps = caps or Caps.for_queue_of(max_pending)
        self._limits_of = limits_of
        self.engines = tuple(engines)
        """Whose tasks `claim` gives."""
        self._clock = clock or database.now
        self._may_have_work = asyncio.Event()
        migrate_postgres(database)
        self.outbox: Outbox = PostgresOutbox(database, self.find, self._clock)
        self.parts = PostgresPartsTable(database, self._clock)
        """Of long videos."""

    def now(self) -> float:
        """See `TaskQueue`."""
        return self._clock()

    @property
    def damage(self) -> str | None:
        """None: PostgreSQL refuses to work where it finds any, and QueueUnavailable says so."""
        return None

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
        caps = self._caps
        require_room(
            row["text_bytes"], own=_NOTHING, everyone=_NOTHING, caps=caps, limits=_UNLIMITED
        )
        asked = row | {
            "cap_pending": caps.pending,
            "cap_canceled": caps.canceled,
            "cap_ended": caps.ended,
            "cap_text_bytes": caps.text_bytes,
            "max_pending": limits.max_pending,
            "share": limits.share,
            "delivery_ids": [str(uuid.uuid4()) for _ in webhooks],
            "urls": [webhook.url for webhook in webhooks],
            "formats": [str(webhook.format) for webhook in webhooks],
            "by_operator": [webhook.by_operator for webhook in webhooks],
        }

        def read(found: list[Rows]) -> Task:
            before, [answer] = found
            if before:
                return of_same_job(task_of(before[0]), job)
            if answer["is_added"]:
                return task
            everyone = Held(
                pending=answer["all_pending"],
                canceled=answer["all_canceled"],
                ended=answer["all_ended"],
                text_bytes=answer["all_text_bytes"],
            )
            require_room(
                row["text_bytes"], own=held_of(answer), everyone=everyone, caps=caps, limits=limits
            )
            raise QueueFull(caps.pending)

        added = await self._database.change(
            [(sql.TASK_OF_REPEATED, row), (sql.ADD_TASK, asked)], read
        )
        self._may_have_work.set()
        return added

    async def repeated(self, job: Job, *, key_id: str, idempotency_key: str) -> Task | None:
        rows = await self._database.fetch(
            sql.TASK_OF_REPEATED, {"key_id": key_id, "idempotency_key": idempotency_key}
        )
        return of_same_job(task_of(rows[0]), job) if rows else None

    async def get(self, task_id: str, *, key_group: str) -> Task | None:
        if "\0" in task_id:
            return None  # no text in PostgreSQL holds that
        rows = await self._database.fetch(
            sql.TASK_OF_GROUP, {"task_id": task_id, "key_group": key_group}
        )
        return task_of(rows[0]) if rows else None

    async def find(self, task_ids: Collection[str]) -> dict[str, Task]:
        wanted = [task_id for task_id in task_ids if "\0" not in task_id]
        rows = await self._database.fetch(sql.TASKS_OF_IDS, {"task_ids": wanted})
        return {task.task_id: task for task in map(task_of, rows)}

    async def list(self, wanted: TaskFilter, *, key_group: str) -> Page:
        asked = asdict(wanted) | {"key_group": key_group}
        asked |= {"limit": wanted.page_size, "skipped": (wanted.page_no - 1) * wanted.page_size}
        if any(isinstance(value, str) and "\0" in value for value in asked.values()):
            return Page(tasks=(), total=0)
        where = " AND ".join(
            condition for name, condition in sql.TASK_CONDITIONS.items() if asked[name] is not None
        )
        [[count], rows] = await self._database.survey(
            [(sql.COUNT_TASKS + where, asked), (sql.LIST_TASKS + where + sql.PAGE_OF_TASKS, asked)]
        )
        return Page(tasks=tuple(map(task_of, rows)), total=count["total"])

    async def cancel(self, task_id: str, *, key_group: str, force: bool = False) -> bool:
        if "\0" in task_id:
            return False
        asked = _SETTLED | {
            "task_id": task_id,
            "key_group": key_group,
            "force": force,
            "now": self._clock(),
        }

        def read(found: list[Rows]) -> bool:
            states = [row["state"] for row in found[0]]
            return states == [TaskState.PENDING] or (force and states == [TaskState.RUNNING])

        return await self._database.change([(sql.CANCEL_TASK, asked)], read)

    async def claim(
        self, worker: str, *, lease_s: float, except_keys: Collection[str] = ()
    ) -> Task | None:
        # Looked up without the lock, and nothing is written where nothing waits. A key whose first
        # task comes in between is claimed next time: its ticket brings somebody here.
        waiting = await self._database.fetch(sql.KEYS_THAT_WAIT, {})
        keys = [row["key_id"] for row in waiting if row["key_id"] not in except_keys]
        if not keys:
            return None
        now = self._clock()
        asked = {
            "keys": keys,
            "max_running": [self._limits_of(key_id).max_running for key_id in keys],
            "engines": list(self.engines),
            "worker": worker,
            "now": now,
            "lease_until": now + lease_s,
        }
        return await self._database.change(
            [(sql.CLAIM_NEXT, asked)], lambda found: next(map(task_of, found[0]), None)
        )

    async def wait_for_work(self, timeout_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._may_have_work.wait()
        self._may_have_work.clear()

    async def heartbeat(
        self, task_id: str, attempt: int, *, lease_s: float, stage: str | None, done: float
    ) -> bool:
        return bool(
            await self._database.fetch(
                sql.PROLONG_LEASE,
                {
                    "task_id": task_id,
                    "attempt": attempt,
                    "lease_until": self._clock() + lease_s,
                    "stage": stage,
                    "done": done,
                },
            )
        )

    async def finish(self, task_id: str, attempt: int, outcome: Outcome) -> bool:
        asked = _SETTLED | {
            "task_id": task_id,
            "attempt": attempt,
            "now": self._clock(),
            "retry": False,
            "max_tries": MAX_TRIES,
            "state": TaskState.PENDING,
        }
        match outcome:
            case Result(video_name=name, duration_s=duration_s):
                asked |= {"state": TaskState.SUCCEEDED}
                asked |= {"video_name": name, "duration_s": duration_s}
            case Released():
                asked |= {"released": True}
            case Failure(code=code, message=message, explanation=why, retry=retry):
                asked |= {"state": TaskState.FAILED}
                asked |= {"code": code, "message": message, "retry": retry}
                asked |= {"explanation": written_explanation(why)}
        taken = await self._finish(asked)
        self._may_have_work.set()  # it may wait again, or another one of its key may begin
        return taken

    async def _finish(self, asked: dict[str, Any]) -> bool:
        """Say what came of an attempt, again and again while the database is away."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + FINISH_PATIENCE_S
        said = 0
        while True:
            said += 1
            try:
                taken = await self._database.change([(sql.FINISH_ATTEMPT, asked)], _is_taken)
                if taken or said == 1:
                    return taken
                # What was committed when the answer got lost is told as taken, too: else the caller
                # would remove the video.
                [published] = await self._database.fetch(sql.IS_PUBLISHED, asked)
                return bool(published["is_published"])
            except QueueUnavailable:
                if loop.time() >= ends:
                    raise
                await asyncio.sleep(FINISH_APART_S)

    async def requeue_expired(self, now: float) -> tuple[str, ...]:
        code, message = GIVEN_UP
        asked = _SETTLED | {
            "before": now,
            "now": self._clock(),
            "max_tries": MAX_TRIES,
            "code": code,
            "message": message,
        }
        requeued = await self._database.change([(sql.REQUEUE_EXPIRED, asked)], _task_ids)
        self._may_have_work.set()
        return requeued

    async def expire_leases_of(self, workers: Collection[str]) -> tuple[str, ...]:
        """End the leases of workers that are known to be gone; gives their tasks' ids. What they
        say afterwards is taken for as long as nobody else has begun another attempt."""
        asked = {"workers": list(workers), "now": self._clock()}
        return await self._database.change([(sql.EXPIRE_LEASES_OF, asked)], _task_ids)

    async def end_overdue(
        self, submitted_before: float, why: Failure, *, limit: int = 500
    ) -> tuple[str, ...]:
        asked = _SETTLED | {
            "before": submitted_before,
            "now": self._clock(),
            "limit": limit,
            "code": why.code,
            "message": why.message,
        }
        return await self._database.change([(sql.END_OVERDUE, asked)], _task_ids)

    async def remove_ended(self, before: float, *, limit: int = 500) -> tuple[Task, ...]:
        def read(found: list[Rows]) -> tuple[Task, ...]:
            rows = sorted(found[0], key=lambda row: float(row["ended_at"]))
            return tuple(map(task_of, rows))

        forget = (sql.FORGET_ENDED, {"before": before, "limit": limit})
        return await self._database.change([forget, (sql.FORGET_IDLE_KEYS, {})], read)

    async def position(self, task_id: str) -> int | None:
        if "\0" in task_id:
            return None
        own, turns_of_keys = await self._database.survey(
            [(sql.AHEAD_OF_TASK, {"task_id": task_id}), (sql.TURNS, {})]
        )
        if not own:
            return None
        # Before this task's turn come as many of each key as come of its own, and one more of those
        # whose turn is earlier.
        position = int(own[0]["ahead"])
        turns = position + 1
        for row in turns_of_keys:
            if row["key_id"] == own[0]["key_id"]:
                turns -= 1
            else:
                position += min(row["pending"], turns)
        return position

    async def counts(self) -> dict[TaskState, int]:
        [sums] = await self._database.fetch(sql.COUNTS, {})
        return {state: int(sums[state]) for state in TaskState}

    async def latest_attempts(self) -> LatestAttempts:
        """How work goes, on all machines together. Raises QueueUnavailable."""
        [row] = await self._database.fetch(sql.LATEST_ATTEMPTS, {"limit": _LATEST})
        return LatestAttempts(mean_s=row["mean_s"], running=int(row["running"]))

    async def rendered_s(self, *, key_id: str, since: float) -> float:
        [row] = await self._database.fetch(sql.RENDERED_S, {"key_id": key_id, "since": since})
        return float(row["rendered_s"])

    async def spoken_characters(self, *, key_id: str, key_group: str, since: float) -> int:
        """See `TaskQueue`."""
        asked = {"key_id": key_id, "key_group": key_group, "since": since}
        [row] = await self._database.fetch(sql.SPOKEN_CHARACTERS, asked)
        return int(row["characters"])

    async def give_back_room(self) -> bool:
        """False: PostgreSQL's autovacuum does it."""
        return False

    async def close(self) -> None:
        await self._database.close()


def _is_taken(found: list[Rows]) -> bool:
    return any(row["is_taken"] for row in found[0])


def _task_ids(found: list[Rows]) -> tuple[str, ...]:
    return tuple(row["task_id"] for row in found[0])
