"""Waiting for a task's end.

Flow      cli.client -> client.waiting -> client.api
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from portravox.client.api import LiveportraitClient, Report
from portravox.client.errors import (
    TaskCanceled,
    TaskFailed,
    TaskForgotten,
    TaskRefused,
    TaskUnfinished,
)

SHORT_PAUSES_S = (1.0, 1.0, 2.0, 2.0, 2.0, 4.0, 4.0, 4.0)
LONG_PAUSE_S = 5.0
"""How often the official packages ask."""

PROGRESS_PAUSE_S = 1.0
"""Between questions to a server that tells progress: it is ours, and does not count them."""

OURS_TO_MEND = ("InternalError", "ModelUnavailable")
"""How codes of tasks begin that failed for reasons of the server's; all else is in the files."""


def wait_for_end(
    client: LiveportraitClient,
    task_id: str,
    *,
    timeout_s: float | None = None,
    on_report: Callable[[Report], None] = lambda report: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """The report of success.

    timeout_s  how long to wait at most; None: as long as it takes
    on_report  is called with every answer

    Raises TaskRefused, TaskFailed, TaskCanceled, TaskForgotten by how the task ended;
    TaskUnfinished when the time is up; RequestRefused, ServerFailed.
    """
    ends_at = None if timeout_s is None else clock() + timeout_s
    pauses = _pauses()
    while True:
        report = client.report(task_id)
        on_report(report)
        if report.status not in ("PENDING", "RUNNING"):
            return _ended(report)
        pause_s = next(pauses) if report.done is None else PROGRESS_PAUSE_S
        if ends_at is not None and clock() + pause_s > ends_at:
            raise TaskUnfinished(
                f"task {task_id} is still {report.status} after {timeout_s:g} s",
                hint=f"It goes on; so does `portravox client wait {task_id}`.",
            )
        sleep(pause_s)


def _pauses() -> Iterator[float]:
    yield from SHORT_PAUSES_S
    while True:
        yield LONG_PAUSE_S


def _ended(report: Report) -> Report:
    match report.status:
        case "SUCCEEDED":
            return report
        case "CANCELED":
            raise TaskCanceled(report.task_id)
        case "FAILED":
            message = f"task {report.task_id} failed: {report.code}: {report.message}"
            if report.code.startswith(OURS_TO_MEND):
                raise TaskFailed(message)
            raise TaskRefused(message, server_code=report.code)
        case _:
            raise TaskForgotten(report.task_id)
