"""Parts of long videos in the PostgreSQL that machines share.

Flow      worker.parts, cluster.engine -> tasks.postgres_parts -> database.database
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any

from portravox.service.database.database import Database, Rows
from portravox.service.tasks.parts import Part
from portravox.service.tasks.queue import GIVEN_UP, MAX_TRIES
from portravox.service.tasks.rows import Row, task_of, written_explanation
from portravox.service.tasks.task import Explanation, Failure, Task

_FORGET_OTHER_PLANS = """
DELETE FROM parts WHERE task_id = %(task_id)s AND (plan <> %(plan)s OR recipe <> %(recipe)s)
RETURNING *
"""

_ADD = """
INSERT INTO parts (task_id, number, plan, recipe, engine, first, stop)
SELECT %(task_id)s, number, %(plan)s, %(recipe)s, %(engine)s, first, stop
FROM unnest(%(numbers)s::int[], %(firsts)s::int[], %(stops)s::int[]) AS part (number, first, stop)
WHERE EXISTS (
    SELECT FROM tasks WHERE task_id = %(task_id)s AND attempt = %(attempt)s AND state = 'RUNNING'
)
ON CONFLICT (task_id, number) DO NOTHING
"""

_CALL = """
SELECT portravox_call_for_parts(%(engine)s, greatest(count(*) - 1, 0))
FROM parts WHERE task_id = %(task_id)s AND state = 'WAITING'
"""
"""One less: the attempt itself makes parts, too."""

_CLAIM = """
WITH next AS (
    SELECT task_id, number FROM parts JOIN tasks USING (task_id)
    WHERE parts.state = 'WAITING' AND parts.recipe = %(recipe)s
        AND parts.engine = ANY(%(engines)s)
        AND (%(task_id)s::text IS NULL OR task_id = %(task_id)s)
        AND tasks.state = 'RUNNING' AND NOT tasks.cancel_requested
    ORDER BY (
        SELECT count(*) FROM parts AS other
        WHERE other.task_id = parts.task_id AND other.state = 'RUNNING'
    ), tasks.scheduled_at, number
    LIMIT 1
)
UPDATE parts SET state = 'RUNNING', tries = tries + 1, worker = %(worker)s,
    lease_until = %(lease_until)s, done = 0
FROM next WHERE parts.task_id = next.task_id AND parts.number = next.number
RETURNING parts.*
"""

_TASK_OF_CLAIMED = "SELECT * FROM tasks WHERE task_id = %(task_id)s"

_PROLONG = """
UPDATE parts SET lease_until = %(lease_until)s, done = %(done)s
WHERE task_id = %(task_id)s AND number = %(number)s AND tries = %(tries)s AND plan = %(plan)s
    AND state = 'RUNNING' AND EXISTS (
        SELECT FROM tasks WHERE tasks.task_id = parts.task_id
            AND state IN ('PENDING', 'RUNNING') AND NOT cancel_requested
    )
RETURNING number
"""
"""One row. A task that waits again has lost its worker; the next one goes on with its parts."""

_SET_STATE = """
    state = next.state, worker = NULL, lease_until = NULL,
    done = CASE next.state WHEN 'DONE' THEN 1.0 WHEN 'WAITING' THEN 0.0 ELSE done END,
    code = CASE WHEN next.state = 'FAILED' THEN %(code)s::text END,
    message = CASE WHEN next.state = 'FAILED' THEN %(message)s::text END,
    explanation = CASE WHEN next.state = 'FAILED' THEN %(explanation)s::text END
"""

_FINISH = f"""
WITH next AS (
    SELECT task_id, number, CASE
        WHEN %(code)s::text IS NULL THEN 'DONE'
        WHEN %(retry)s AND tries - releases < %(max_tries)s THEN 'WAITING'
        ELSE 'FAILED' END AS state
    FROM parts
    WHERE task_id = %(task_id)s AND number = %(number)s AND tries = %(tries)s AND plan = %(plan)s
        AND state = 'RUNNING'
)
UPDATE parts SET {_SET_STATE}
FROM next WHERE parts.task_id = next.task_id AND parts.number = next.number
RETURNING parts.number
"""

_RELEASE = """
UPDATE parts SET state = 'WAITING', worker = NULL, lease_until = NULL, done = 0,
    releases = releases + 1
WHERE task_id = %(task_id)s AND number = %(number)s AND tries = %(tries)s AND plan = %(plan)s
    AND state = 'RUNNING'
"""

_REQUEUE = f"""
WITH next AS (
    SELECT task_id, number, CASE
        WHEN tries - releases < %(max_tries)s THEN 'WAITING' ELSE 'FAILED' END AS state
    FROM parts
    WHERE state = 'RUNNING' AND (lease_until <= %(now)s OR worker = ANY(%(lost)s))
)
UPDATE parts SET {_SET_STATE}
FROM next WHERE parts.task_id = next.task_id AND parts.number = next.number
    AND parts.state = 'RUNNING' AND (lease_until <= %(now)s OR worker = ANY(%(lost)s))
"""
"""Looks at the lease again, since a heartbeat may have prolonged it meanwhile."""

_OF_TASK = "SELECT * FROM parts WHERE task_id = %(task_id)s ORDER BY number"

_FORGET_ENDED = """
DELETE FROM parts USING tasks
WHERE parts.task_id = tasks.task_id AND tasks.state NOT IN ('PENDING', 'RUNNING')
    AND (%(task_id)s::text IS NULL OR parts.task_id = %(task_id)s)
RETURNING parts.*
"""

_DROP = "DELETE FROM parts WHERE task_id = %(task_id)s RETURNING *"


class PostgresPartsTable:
    """A PartsTable. Belongs to one event loop."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def begin(
        self, task: Task, *, plan: str, recipe: str, ranges: Sequence[range]
    ) -> tuple[Part, ...]:
        asked = {
            "task_id": task.task_id,
            "attempt": task.attempt,
            "engine": task.job.engine,
            "plan": plan,
            "recipe": recipe,
            "numbers": list(range(len(ranges))),
            "firsts": [part.start for part in ranges],
            "stops": [part.stop for part in ranges],
        }
        return await self._database.change(
            [(_FORGET_OTHER_PLANS, asked), (_ADD, asked), (_CALL, asked)], _parts_of
        )

    async def claim(
        self,
        worker: str,
        *,
        recipe: str,
        engines: Collection[str],
        lease_s: float,
        task_id: str | None = None,
    ) -> tuple[Part, Task] | None:
        asked = {
            "worker": worker,
            "recipe": recipe,
            "engines": list(engines),
            "task_id": task_id,
            "lease_until": self._clock() + lease_s,
        }
        for part in await self._database.change([(_CLAIM, asked)], _parts_of):
            rows = await self._database.fetch(_TASK_OF_CLAIMED, {"task_id": part.task_id})
            return (part, task_of(rows[0])) if rows else None
        return None

    async def heartbeat(self, part: Part, *, lease_s: float, done: float) -> bool:
        asked = _one(part) | {"lease_until": self._clock() + lease_s, "done": done}
        return bool(await self._database.fetch(_PROLONG, asked))

    async def finish(self, part: Part, failure: Failure | None) -> bool:
        asked = _one(part) | {
            "retry": failure is not None and failure.retry,
            "max_tries": MAX_TRIES,
            "code": None if failure is None else failure.code,
            "message": None if failure is None else failure.message,
            "explanation": written_explanation(None if failure is None else failure.explanation),
        }
        return await self._database.change([(_FINISH, asked)], lambda found: bool(found[0]))

    async def release(self, part: Part) -> None:
        await self._database.change([(_RELEASE, _one(part))], lambda found: None)

    async def of_task(self, task_id: str) -> tuple[Part, ...]:
        return _parts_of([await self._database.fetch(_OF_TASK, {"task_id": task_id})])

    async def forget_ended(self, task_id: str | None = None) -> tuple[Part, ...]:
        return await self._database.change([(_FORGET_ENDED, {"task_id": task_id})], _parts_of)

    async def drop(self, task_id: str) -> tuple[Part, ...]:
        return await self._database.change([(_DROP, {"task_id": task_id})], _parts_of)

    async def requeue_expired(self, lost: Collection[str] = ()) -> None:
        code, message = GIVEN_UP
        asked = {
            "now": self._clock(),
            "lost": list(lost),
            "max_tries": MAX_TRIES,
            "code": code,
            "message": message,
            "explanation": None,
        }
        await self._database.change([(_REQUEUE, asked)], lambda found: None)


def _one(part: Part) -> dict[str, Any]:
    """What tells a try from all others."""
    return {
        "task_id": part.task_id,
        "number": part.number,
        "tries": part.tries,
        "plan": part.plan,
    }


def _parts_of(found: list[Rows]) -> tuple[Part, ...]:
    return tuple(map(_part_of, found[0]))


def _part_of(row: Row) -> Part:
    failure = None
    if row["code"] is not None:
        why = row["explanation"]
        failure = Failure(
            code=row["code"],
            message=row["message"],
            explanation=None if why is None else Explanation(**json.loads(why)),
        )
    return Part(
        task_id=row["task_id"],
        number=row["number"],
        plan=row["plan"],
        first=row["first"],
        stop=row["stop"],
        state=row["state"],
        tries=row["tries"],
        done=row["done"],
        failure=failure,
    )
