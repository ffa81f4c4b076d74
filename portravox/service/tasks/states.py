"""The states of a task, named as they go over the wire.

Flow      submit -> PENDING -> RUNNING -> SUCCEEDED | FAILED | CANCELED
                       └───────────────────────────────────────────┘

UNKNOWN, which clients are told of tasks that do not exist, is no state: such a task has none.
"""

from __future__ import annotations

from enum import StrEnum


class TaskState(StrEnum):
    """Where a task stands. Upper case, and CANCELED with one L: clients compare the text."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"

    @property
    def ended(self) -> bool:
        """Whether it stays so for good."""
        return self not in (TaskState.PENDING, TaskState.RUNNING)
