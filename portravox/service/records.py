"""Records that an operator has to keep: a line of JSON each, on the disk before anything follows.

Flow      label_policy, consent -> records -> a file in the data folder

Nothing is ever removed from them by the server.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from portravox.service.errors import StorageFailed
from portravox.service.tasks.task import Task


def append(record: Path, line: Mapping[str, str]) -> None:
    """Add a line, for the operator's eyes alone; on the disk when this returns.

    Raises StorageFailed.
    """
    written = json.dumps(line).encode() + b"\n"
    try:
        descriptor = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            # In one call, so that neither threads nor processes mix their lines (O_APPEND).
            if os.write(descriptor, written) != len(written):
                raise StorageFailed(f"{record.name} could not be written whole")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StorageFailed(f"{record.name}: {error.strerror}") from error


def who_and_when(task: Task) -> dict[str, str]:
    """Whose task it is, and when it was submitted."""
    return {
        "time": _in_words(task.submitted_at),
        "task_id": task.task_id,
        "request_id": task.request_id,
        "key_id": task.key_id,
    }


def session_and_when(session_id: str, key_id: str, begun_at: float) -> dict[str, str]:
    """Whose live session it is, and when it began."""
    return {"time": _in_words(begun_at), "session_id": session_id, "key_id": key_id}


def _in_words(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
