"""A row of the table of tasks, as a Task; and a task, as what is written of it.

Flow      tasks.sqlite, tasks.postgres and their outboxes -> tasks.rows
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol

from portravox.service.errors import IdempotencyConflict
from portravox.service.tasks.outbox import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    NoticeFormat,
    Webhook,
)
from portravox.service.tasks.room import Held
from portravox.service.tasks.states import TaskState
from portravox.service.tasks.task import Explanation, Job, Result, Task


class Row(Protocol):
    """What both databases' drivers give: values by the names of their columns."""

    def __getitem__(self, column: str, /) -> Any: ...


def delivery_of(row: Row, attempts: Sequence[DeliveryAttempt]) -> Delivery:
    """A row of the outbox, and what came of each try to post it."""
    return Delivery(
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
        attempts=tuple(attempts),
    )


def task_of(row: Row) -> Task:
    """A row with all columns."""
    result = None
    if row["video_name"] is not None:
        result = Result(video_name=row["video_name"], duration_s=row["duration_s"])
    explanation = None
    if row["explanation"] is not None:
        explanation = Explanation(**json.loads(row["explanation"]))
    return Task(
        task_id=row["task_id"],
        key_id=row["key_id"],
        key_group=row["key_group"],
        request_id=row["request_id"],
        job=Job(
            model=row["model"],
            image_url=row["image_url"],
            audio_url=row["audio_url"],
            parameters=json.loads(row["parameters"]),
            resolve_oss=bool(row["resolve_oss"]),
        ),
        state=TaskState(row["state"]),
        attempt=row["attempt"],
        submitted_at=row["submitted_at"],
        scheduled_at=row["scheduled_at"],
        ended_at=row["ended_at"],
        worker=row["worker"],
        lease_until=row["lease_until"],
        cancel_requested=bool(row["cancel_requested"]),
        stage=row["stage"],
        done=row["done"],
        code=row["code"],
        message=row["message"],
        explanation=explanation,
        result=result,
    )


def new_task(
    job: Job, *, key_id: str, key_group: str, request_id: str, submitted_at: float
) -> Task:
    """A task that nobody has claimed, with an id of its own."""
    return Task(
        task_id=str(uuid.uuid4()),
        key_id=key_id,
        key_group=key_group,
        request_id=request_id,
        job=job,
        state=TaskState.PENDING,
        attempt=0,
        submitted_at=submitted_at,
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


def as_row(task: Task, idempotency_key: str | None, webhooks: Sequence[Webhook]) -> dict[str, Any]:
    """What is written of a new task."""
    job = task.job
    written = {
        "model": job.model,
        "image_url": job.image_url,
        "audio_url": job.audio_url,
        "parameters": json.dumps(dict(job.parameters)),
    }
    texts = [*written.values(), idempotency_key or "", *(webhook.url for webhook in webhooks)]
    return {
        **written,
        "task_id": task.task_id,
        "key_id": task.key_id,
        "key_group": task.key_group,
        "request_id": task.request_id,
        "idempotency_key": idempotency_key,
        "resolve_oss": job.resolve_oss,
        "engine": job.engine,
        "submitted_at": task.submitted_at,
        "text_bytes": sum(map(_bytes_of, texts)),
    }


def written_explanation(explanation: Explanation | None) -> str | None:
    """What is written of it, in one column."""
    return None if explanation is None else json.dumps(asdict(explanation))


def held_of(row: Row) -> Held:
    """A row of pending, canceled, ended and text_bytes."""
    return Held(
        pending=row["pending"],
        canceled=row["canceled"],
        ended=row["ended"],
        text_bytes=row["text_bytes"],
    )


def of_same_job(before: Task, job: Job) -> Task:
    """The earlier task of an idempotency key. Raises IdempotencyConflict for another job."""
    if before.job != job:
        raise IdempotencyConflict
    return before


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
