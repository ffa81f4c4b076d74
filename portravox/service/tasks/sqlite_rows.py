"""A row of the table of tasks, as a Task.

Flow      tasks.sqlite, tasks.sqlite_outbox -> tasks.sqlite_rows
"""

from __future__ import annotations

import json
import sqlite3

from portravox.service.tasks.states import TaskState
from portravox.service.tasks.task import Job, Result, Task


def task_of(row: sqlite3.Row) -> Task:
    """A row with all columns."""
    result = None
    if row["video_name"] is not None:
        result = Result(video_name=row["video_name"], duration_s=row["duration_s"])
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
        result=result,
    )
