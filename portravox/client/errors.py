"""What a server that `portravox client` asked did not do, beside `portravox.errors`.

InputError
└── RequestRefused         it will not do that
    ├── TaskRefused            it took the job, and cannot use what lies behind it
    ├── TaskCanceled           the task was canceled while we waited for it
    └── TaskForgotten          it knows no such task, or not any more
ServiceError
└── ServerFailed           it is away or broken
    ├── TaskFailed             it broke while it made the video
    └── TaskUnfinished         it needs longer than we were to wait
"""

from __future__ import annotations

from portravox.errors import InputError, ServiceError


class RequestRefused(InputError):
    code = "request_refused"

    def __init__(self, message: str, *, server_code: str, hint: str = "") -> None:
        super().__init__(message)
        self.server_code = server_code
        self.hint = hint


class TaskRefused(RequestRefused):
    code = "task_refused"


class TaskCanceled(RequestRefused):
    code = "task_canceled"

    def __init__(self, task_id: str) -> None:
        super().__init__(f"task {task_id} was canceled", server_code="CANCELED")


class TaskForgotten(RequestRefused):
    code = "task_forgotten"

    def __init__(self, task_id: str) -> None:
        super().__init__(
            f"the server knows no task {task_id}",
            server_code="UNKNOWN",
            hint="Tasks are forgotten 24 hours after they ended; other accounts' are never shown.",
        )


class ServerFailed(ServiceError):
    code = "server_failed"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float = 0.0,
        hint: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        """What it answered; None if it did not."""

        self.retry_after_s = retry_after_s
        """How long it wants to be left alone."""

        self.hint = hint


class TaskFailed(ServerFailed):
    code = "task_failed"


class TaskUnfinished(ServerFailed):
    code = "task_unfinished"
