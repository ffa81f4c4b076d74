"""How long tasks take on this machine: what people who wait are told.

Flow      worker.loop -> TaskEta.start, draw, finish, record_attempt
          cluster.estimates -> TaskEta.learn
          routes.tasks -> TaskEta.remaining_s -> progress

An estimate, kept in memory: nobody is promised anything by it. It is made from frames and pixels as
soon as a worker process has said how many there will be; a mean of earlier attempts would tell who
waits for a long video what a short one took.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from portravox.service.tasks.queue import Task
from portravox.service.tasks.task import LatestAttempts

_WEIGHT = 0.2
"""Of the latest attempt in the running means, so that about five are remembered. Our choice."""

_ENOUGH_DRAWN = 0.03
"""Share of the work, since the first frame, from which on an attempt's own speed is the better
guide: frames take equally long. Our choice."""

_ENOUGH_DONE = 0.1
"""The same where nobody knows when the first frame was drawn. Our choice."""

_ATTEMPT_S = 1.0
"""What an attempt takes beside its frames: files are fetched, opened and stored. Our choice."""

_FRAME_PIXELS = 300_000
"""Pixels that take as long as what a frame needs whatever its size: motion, mouth, the encoder's
own. Our choice, near a picture of 512 px, whose frames take about twice as long as tiny ones."""


@dataclass(frozen=True, slots=True)
class Work:
    """How much there is to draw."""

    frames: int
    pixels: int
    """Of a frame."""

    @property
    def drawn(self) -> int:
        """Pixels in all, with what every frame needs."""
        return self.frames * (self.pixels + _FRAME_PIXELS)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """When an attempt began to draw and what was done by then; the same of what was told last."""

    since: float
    done: float
    latest_at: float
    latest_done: float

    @property
    def left_s(self) -> float | None:
        """By its own speed, from `latest_at`; None before enough is drawn."""
        newly_done = self.latest_done - self.done
        if newly_done < _ENOUGH_DRAWN:
            return None
        return (self.latest_at - self.since) * (1.0 - self.latest_done) / newly_done


class TaskEta:
    """Running means of what attempts took that gave a video, and what is being worked at."""

    def __init__(self, *, workers: int) -> None:
        """workers: how many tasks are done at the same time, 1.."""
        self._workers = workers
        self._attempt_s: float | None = None
        self._pixel_s: float | None = None
        self._running: dict[str, tuple[float, Work]] = {}
        self._drawing: dict[str, _Drawing] = {}

    def start(self, task: Task, work: Work) -> None:
        """An attempt found out how much there is to draw."""
        if task.scheduled_at is not None:
            self._running[task.task_id] = task.scheduled_at, work

    def draw(self, task_id: str, done: float, *, now: float) -> None:
        """An attempt draws, and so much of all is done. Its speed counts from the first time on:
        what came before, files fetched, networks loaded, says nothing about frames."""
        began = self._drawing.get(task_id, _Drawing(now, done, now, done))
        self._drawing[task_id] = replace(began, latest_at=now, latest_done=done)

    def finish(self, task_id: str) -> Work | None:
        """An attempt is over; gives what it had to draw, where that was known."""
        self._drawing.pop(task_id, None)
        _, work = self._running.pop(task_id, (0.0, None))
        return work

    def record_attempt(self, seconds: float, work: Work | None = None) -> None:
        """An attempt gave a video after so long."""
        self._attempt_s = _mean(self._attempt_s, seconds)
        if work is not None:
            drawing_s = max(seconds - _ATTEMPT_S, 0.1 * seconds)
            self._pixel_s = _mean(self._pixel_s, drawing_s / work.drawn)

    def learn(self, latest: LatestAttempts) -> None:
        """How work goes on other machines, too: what this one has seen is the less."""
        if latest.mean_s is not None:
            self._attempt_s = latest.mean_s
        # Where tasks wait, as many run as can.
        self._workers = max(latest.running, 1)

    def remaining_s(self, task: Task, *, position: int | None, now: float) -> float | None:
        """Seconds until a task has its video, or None where nobody can tell or it has ended.

        position  how many claims take other tasks first, while it is PENDING
        now       seconds since 1970
        """
        if task.state.ended:
            return None
        if task.scheduled_at is None or position is not None:
            return self._waiting_s(position or 0, now=now)
        # Of an attempt on another machine nobody here knows when it began to draw.
        drawing = self._drawing.get(task.task_id)
        began = drawing or _Drawing(task.scheduled_at, 0.0, task.scheduled_at, 0.0)
        newly_done = task.done - began.done
        if newly_done >= (_ENOUGH_DRAWN if drawing else _ENOUGH_DONE):
            return max(now - began.since, 0.0) * (1.0 - task.done) / newly_done
        known = self._running.get(task.task_id)
        return None if known is None else self._left_s(*known, now=now)

    def _waiting_s(self, ahead: int, *, now: float) -> float | None:
        """Seconds until a task that waits behind so many has its video."""
        left_s = {
            task_id: self._running_left_s(task_id, now=now)
            for task_id in (*self._running, *self._drawing)
        }
        attempt_s = self._attempt_s
        if attempt_s is None:
            # Before the first video: as long as those that run seem to take.
            whole_s = [
                now - begun_at + left
                for task_id, (begun_at, _) in self._running.items()
                if (left := left_s[task_id]) is not None
            ]
            if not whole_s:
                return None
            attempt_s = sum(whole_s) / len(whole_s)
        running_s = sum(left or 0.0 for left in left_s.values())
        return (ahead * attempt_s + running_s) / self._workers + attempt_s

    def _running_left_s(self, task_id: str, *, now: float) -> float | None:
        """Of an attempt: by its own speed, else by how much it draws."""
        drawing = self._drawing.get(task_id)
        if drawing is not None and drawing.left_s is not None:
            return max(drawing.left_s - (now - drawing.latest_at), 0.0)
        known = self._running.get(task_id)
        return None if known is None else self._left_s(*known, now=now)

    def _left_s(self, begun_at: float, work: Work, *, now: float) -> float | None:
        """Of an attempt, from how much it draws; None before the first video."""
        if self._pixel_s is None:
            return None
        return max(_ATTEMPT_S + work.drawn * self._pixel_s - (now - begun_at), 0.0)


def _mean(before: float | None, latest: float) -> float:
    return latest if before is None else before + _WEIGHT * (latest - before)
