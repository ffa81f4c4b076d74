"""The outbox in the database of the queue.

Flow      tasks.postgres -> tasks.postgres_outbox -> database.database
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Set
from typing import Any

from portravox.service.database.database import Database, Rows
from portravox.service.tasks import postgres_statements as sql
from portravox.service.tasks.outbox import (
    OPERATOR_TENANT,
    PER_TENANT,
    Delivery,
    DeliveryAttempt,
    DeliveryFilter,
    DeliveryPage,
    DeliveryState,
)
from portravox.service.tasks.rows import delivery_of
from portravox.service.tasks.task import Task

Find = Callable[[Collection[str]], Awaitable[dict[str, Task]]]


class PostgresOutbox:
    """An Outbox. Any number of processes may deliver from it."""

    def __init__(self, database: Database, find: Find, clock: Callable[[], float]) -> None:
        self._database = database
        self._find = find
        self._clock = clock

    async def claim(
        self, *, limit: int, lease_s: float, busy: Set[str] = frozenset()
    ) -> tuple[tuple[Delivery, Task], ...]:
        now = self._clock()
        asked = {
            "now": now,
            "lease_until": now + lease_s,
            "busy": sorted(busy),
            "operator": OPERATOR_TENANT,
            "per_tenant": PER_TENANT,
            "limit": limit,
        }
        [look] = await self._database.fetch(sql.ARE_DUE, asked)
        if not look["are_due"]:
            return ()
        begun = await self._database.change([(sql.BEGIN_DELIVERIES, asked)], lambda found: found[0])
        deliveries = await self._with_attempts(begun)
        tasks = await self._find({delivery.task_id for delivery in deliveries})
        return tuple(
            (delivery, tasks[delivery.task_id])
            for delivery in deliveries
            if delivery.task_id in tasks
        )

    async def record(
        self, delivery: Delivery, attempt: DeliveryAttempt, *, retry_at: float | None
    ) -> bool:
        if retry_at is not None:
            state, ended_at = DeliveryState.DUE, None
        else:
            delivered = attempt.status is not None and 200 <= attempt.status < 300
            state = DeliveryState.DELIVERED if delivered else DeliveryState.GIVEN_UP
            ended_at = attempt.at
        asked = {
            "delivery_id": delivery.delivery_id,
            "tries": delivery.tries,
            "state": state,
            "next_at": retry_at,
            "ended_at": ended_at,
            "at": attempt.at,
            "status": attempt.status,
        }
        return await self._database.change(
            [(sql.RECORD_ATTEMPT, asked)], lambda found: bool(found[0])
        )

    async def list(self, wanted: DeliveryFilter, *, key_group: str) -> DeliveryPage:
        if wanted.task_id is not None and "\0" in wanted.task_id:
            return DeliveryPage(deliveries=(), total=0)
        asked: dict[str, Any] = {
            "key_group": key_group,
            "task_id": wanted.task_id,
            "limit": wanted.page_size,
            "skipped": (wanted.page_no - 1) * wanted.page_size,
        }
        [[count], rows] = await self._database.survey(
            [(sql.COUNT_NOTICES, asked), (sql.LIST_NOTICES, asked)]
        )
        return DeliveryPage(deliveries=await self._with_attempts(rows), total=count["total"])

    async def _with_attempts(self, rows: Rows) -> tuple[Delivery, ...]:
        attempts: dict[str, list[DeliveryAttempt]] = {row["delivery_id"]: [] for row in rows}
        if not attempts:
            return ()
        for kept in await self._database.fetch(
            sql.ATTEMPTS_OF_NOTICES, {"delivery_ids": list(attempts)}
        ):
            attempts[kept["delivery_id"]].append(
                DeliveryAttempt(at=kept["at"], status=kept["status"])
            )
        return tuple(delivery_of(row, attempts[row["delivery_id"]]) for row in rows)
