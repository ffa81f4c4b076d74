"""The outbox in the file of the queue, through the queue's own connections.

Flow      tasks.sqlite -> tasks.sqlite_outbox -> tasks.group_commit
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Sequence, Set
from typing import Protocol, TypeVar

from portravox.service.tasks import sqlite_statements as sql
from portravox.service.tasks.group_commit import GroupCommit
from portravox.service.tasks.outbox import (
    OPERATOR_TENANT,
    PER_TENANT,
    Delivery,
    DeliveryAttempt,
    DeliveryFilter,
    DeliveryPage,
    DeliveryState,
    Webhook,
)
from portravox.service.tasks.rows import delivery_of, task_of
from portravox.service.tasks.task import Task

T = TypeVar("T")


class Survey(Protocol):
    """Reads in one consistent state of the file, without holding up the loop."""

    async def __call__(self, read: Callable[[sqlite3.Connection], T]) -> T: ...


class SqliteOutbox:
    """An Outbox. Belongs to the event loop of its queue, which opens and closes the file."""

    def __init__(self, writer: GroupCommit, survey: Survey, clock: Callable[[], float]) -> None:
        self._writer = writer
        self._survey = survey
        self._clock = clock

    async def claim(
        self, *, limit: int, lease_s: float, busy: Set[str] = frozenset()
    ) -> tuple[tuple[Delivery, Task], ...]:
        now = self._clock()
        asked = {
            "now": now,
            "busy": json.dumps(sorted(busy)),
            "operator": OPERATOR_TENANT,
            "per_tenant": PER_TENANT,
            "limit": limit,
        }

        def look(db: sqlite3.Connection) -> list[int]:
            return [seq for (seq,) in db.execute(sql.DUE_NOTICES, asked)]

        # Looked up without holding up the loop, and nothing is written where nothing is due.
        due = await self._survey(look)
        if not due:
            return ()

        def begin(db: sqlite3.Connection) -> tuple[tuple[Delivery, Task], ...]:
            begun = []
            for seq in due:
                rows = db.execute(
                    sql.BEGIN_DELIVERY, {"seq": seq, "now": now, "lease_until": now + lease_s}
                ).fetchall()
                for delivery in _deliveries(db, rows):
                    [task] = db.execute(
                        sql.TASK_OF_NOTICE, {"task_id": delivery.task_id}
                    ).fetchall()
                    begun.append((delivery, task_of(task)))
            return tuple(begun)

        return await self._writer.change(begin)

    async def record(
        self, delivery: Delivery, attempt: DeliveryAttempt, *, retry_at: float | None
    ) -> bool:
        if retry_at is not None:
            state, ended_at = DeliveryState.DUE, None
        else:
            delivered = attempt.status is not None and 200 <= attempt.status < 300
            state = DeliveryState.DELIVERED if delivered else DeliveryState.GIVEN_UP
            ended_at = attempt.at

        def keep(db: sqlite3.Connection) -> bool:
            changed = db.execute(
                sql.END_DELIVERY,
                {
                    "delivery_id": delivery.delivery_id,
                    "tries": delivery.tries,
                    "state": state,
                    "next_at": retry_at,
                    "ended_at": ended_at,
                },
            )
            if changed.rowcount != 1:
                return False
            db.execute(
                sql.KEEP_ATTEMPT,
                {
                    "delivery_id": delivery.delivery_id,
                    "number": delivery.tries,
                    "at": attempt.at,
                    "status": attempt.status,
                },
            )
            return True

        return await self._writer.change(keep)

    async def list(self, wanted: DeliveryFilter, *, key_group: str) -> DeliveryPage:
        asked = {
            "key_group": key_group,
            "task_id": wanted.task_id,
            "limit": wanted.page_size,
            "skipped": (wanted.page_no - 1) * wanted.page_size,
        }

        def read(db: sqlite3.Connection) -> DeliveryPage:
            [total] = db.execute(sql.COUNT_NOTICES, asked).fetchone()
            rows = db.execute(sql.LIST_NOTICES, asked).fetchall()
            return DeliveryPage(deliveries=_deliveries(db, rows), total=total)

        return await self._survey(read)


def register(db: sqlite3.Connection, task: Task, webhooks: Iterable[Webhook]) -> None:
    """Have the end of a task told: a part of the change that adds it."""
    for webhook in webhooks:
        db.execute(
            sql.REGISTER_NOTICE,
            {
                "delivery_id": str(uuid.uuid4()),
                "task_id": task.task_id,
                "key_id": task.key_id,
                "key_group": task.key_group,
                "url": webhook.url,
                "format": webhook.format,
                "by_operator": webhook.by_operator,
            },
        )


def _deliveries(db: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> tuple[Delivery, ...]:
    """Rows of deliveries, each with its attempts."""
    attempts: dict[str, list[DeliveryAttempt]] = {row["delivery_id"]: [] for row in rows}
    for delivery_id, at, status in db.execute(
        sql.ATTEMPTS_OF_NOTICES, {"delivery_ids": json.dumps(list(attempts))}
    ):
        attempts[delivery_id].append(DeliveryAttempt(at=at, status=status))
    return tuple(delivery_of(row, attempts[row["delivery_id"]]) for row in rows)
