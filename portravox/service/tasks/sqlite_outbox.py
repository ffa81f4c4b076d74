"""The outbox in the file of the queue, through the queue's own connections.

Flow      tasks.sqlite -> tasks.sqlite_outbox -> tasks.group_commit
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Sequence, Set
from typing import Protocol, TypeVar

from portravox.service.tasks.group_commit import GroupCommit
from portravox.service.tasks.outbox import (
    LANE_ROOM,
    OPERATOR_LANE,
    Delivery,
    DeliveryAttempt,
    DeliveryFilter,
    DeliveryPage,
    DeliveryState,
    NoticeFormat,
    Webhook,
)
from portravox.service.tasks.queue import Task
from portravox.service.tasks.sqlite_rows import task_of

T = TypeVar("T")

_DUE = f"""
SELECT seq FROM (
    SELECT seq, next_at, row_number() OVER (PARTITION BY lane ORDER BY next_at, seq) AS place
    FROM (
        SELECT seq, next_at, iif(by_operator, '{OPERATOR_LANE}', key_id) AS lane
        FROM deliveries WHERE state = 'DUE' AND next_at <= ?
    ) WHERE lane NOT IN (SELECT value FROM json_each(?))
) WHERE place <= {LANE_ROOM} ORDER BY next_at, seq LIMIT ?
"""


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
        asked = (now, json.dumps(sorted(busy)), limit)

        def look(db: sqlite3.Connection) -> list[int]:
            return [seq for (seq,) in db.execute(_DUE, asked)]

        # Looked up without holding up the loop, and nothing is written where nothing is due.
        due = await self._survey(look)
        if not due:
            return ()

        def begin(db: sqlite3.Connection) -> tuple[tuple[Delivery, Task], ...]:
            begun = []
            for seq in due:
                rows = db.execute(
                    "UPDATE deliveries SET tries = tries + 1, next_at = ?"
                    " WHERE seq = ? AND state = 'DUE' AND next_at <= ? RETURNING *",
                    (now + lease_s, seq, now),
                ).fetchall()
                for delivery in _deliveries(db, rows):
                    [task] = db.execute(
                        "SELECT * FROM tasks WHERE task_id = ?", (delivery.task_id,)
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
                "UPDATE deliveries SET state = ?, next_at = ?, ended_at = ?"
                " WHERE delivery_id = ? AND tries = ? AND state = 'DUE'",
                (state, retry_at, ended_at, delivery.delivery_id, delivery.tries),
            )
            if changed.rowcount != 1:
                return False
            db.execute(
                "INSERT INTO delivery_attempts VALUES (?, ?, ?, ?)",
                (delivery.delivery_id, delivery.tries, attempt.at, attempt.status),
            )
            return True

        return await self._writer.change(keep)

    async def list(self, wanted: DeliveryFilter, *, key_group: str) -> DeliveryPage:
        where = "key_group = ? AND NOT by_operator AND (? IS NULL OR task_id = ?)"
        values = (key_group, wanted.task_id, wanted.task_id)
        skipped = (wanted.page_no - 1) * wanted.page_size

        def read(db: sqlite3.Connection) -> DeliveryPage:
            [total] = db.execute(
                f"SELECT count(*) FROM deliveries WHERE {where}", values
            ).fetchone()
            rows = db.execute(
                f"SELECT * FROM deliveries WHERE {where} ORDER BY seq DESC LIMIT ? OFFSET ?",
                (*values, wanted.page_size, skipped),
            ).fetchall()
            return DeliveryPage(deliveries=_deliveries(db, rows), total=total)

        return await self._survey(read)


def register(db: sqlite3.Connection, task: Task, webhooks: Iterable[Webhook]) -> None:
    """Have the end of a task told: a part of the change that adds it."""
    for webhook in webhooks:
        db.execute(
            "INSERT INTO deliveries"
            " (delivery_id, task_id, key_id, key_group, url, format, by_operator)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                str(uuid.uuid4()),
                task.task_id,
                task.key_id,
                task.key_group,
                webhook.url,
                webhook.format,
                webhook.by_operator,
            ),
        )


def _deliveries(db: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> tuple[Delivery, ...]:
    """Rows of deliveries, each with its attempts."""
    attempts: dict[str, list[DeliveryAttempt]] = {row["delivery_id"]: [] for row in rows}
    for delivery_id, at, status in db.execute(
        "SELECT delivery_id, at, status FROM delivery_attempts"
        " WHERE delivery_id IN (SELECT value FROM json_each(?)) ORDER BY delivery_id, number",
        (json.dumps(list(attempts)),),
    ):
        attempts[delivery_id].append(DeliveryAttempt(at=at, status=status))
    return tuple(
        Delivery(
            delivery_id=row["delivery_id"],
            task_id=row["task_id"],
            key_id=row["key_id"],
            key_group=row["key_group"],
            webhook=Webhook(
                url=row["url"],
                format=NoticeFormat(row["format"]),
                by_operator=bool(row["by_operator"]),
            ),
            state=DeliveryState(row["state"]),
            tries=row["tries"],
            next_at=row["next_at"],
            ended_at=row["ended_at"],
            attempts=tuple(attempts[row["delivery_id"]]),
        )
        for row in rows
    )
