"""How long tasks take on this machine: what people who wait are told.

Flow      worker.loop -> TaskEta.record_attempt ; routes.tasks -> TaskEta.remaining_s -> progress

An estimate, kept in memory: nobody is promised anything by it.
"""

from __future__ import annotations

from portravox.service.tasks.queue import Task

_WEIGHT = 0.2
"""Of the latest attempt in the running mean, so that about five are remembered. Our choice."""

_ENOUGH_DONE = 0.1
"""Share of the work from which on an attempt's own speed is the better guide; by then it renders,
and frames take equally long. Our choice."""


class TaskEta:
    """A running mean of what attempts took that gave a video."""

    def __init__(self, *, workers: int) -> None:
        """workers: how many tasks are done at the same time, 1.."""
        self._workers = workers
        self._attempt_s: float | None = None

    def record_attempt(self, seconds: float) -> None:
        """An attempt gave a video after so long."""
        before = self._attempt_s
        self._attempt_s = seconds if before is None else before + _WEIGHT * (seconds - before)

    def remaining_s(self, task: Task, *, position: int | None, now: float) -> float | None:
        """Seconds until a task has its video, or None where nobody can tell or it has ended.

        position  how many claims take other tasks first, while it is PENDING
        now       seconds since 1970
        """
        if task.state.ended:
            return None
        if task.scheduled_at is None or position is not None:
            if self._attempt_s is None:
                return None
            return ((position or 0) / self._workers + 1) * self._attempt_s
        elapsed_s = max(now - task.scheduled_at, 0.0)
        if task.done >= _ENOUGH_DONE:
            return elapsed_s * (1.0 - task.done) / task.done
        return None if self._attempt_s is None else max(self._attempt_s - elapsed_s, 0.0)
