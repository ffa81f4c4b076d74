"""What a queue of tasks promises, whatever keeps it.

Flow      routes -> submit, get, list, cancel
          worker.loop -> wait_for_work, claim, heartbeat, finish

A task is owned by nobody while PENDING and by one attempt while RUNNING. The attempt's number is a
fence: it only ever grows, and what an older attempt says is not heard. An attempt lives as long as
its lease, which heartbeats prolong. Times are seconds since 1970, UTC.

Keys are who pays, groups are who sees: a key's tasks are seen by all keys of its group and by no
one else. `tests/contracts/test_queue.py` runs on every queue there is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from portravox.service.tasks.states import TaskState

if TYPE_CHECKING:
    from portravox.service.tasks.outbox import Outbox, Webhook

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

MAX_TRIES = 3
"""How often a task is begun before it is given up as one that breaks workers. Our choice."""

GIVEN_UP = (
    "InternalError.Algo",
    "An internal error has occured during algorithm execution.",
)
"""Code and message of a task whose workers kept vanishing; text and spelling are the original's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a client asked for, after it was found to be well formed."""

    model: str
    image_url: str
    audio_url: str
    parameters: Mapping[str, Json]
    resolve_oss: bool
    """Whether the client allowed oss:// addresses to be resolved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a task succeeded."""

    video_name: str
    """In the storage; ends with .mp4."""

    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How an attempt failed."""

    code: str
    message: str

    retry: bool = False
    """Whether another attempt may fare better: the worker broke, not the input. The task fails for
    good once it was tried MAX_TRIES times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """An attempt given back unfinished, by a server that shuts down; not counted as a try."""


Outcome = Result | Failure | Released


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as it was when it was read."""

    task_id: str
    """A UUID in lower case."""

    key_id: str
    key_group: str
    request_id: str
    """Of the request that submitted it."""

    job: Job
    state: TaskState
    attempt: int
    """0 until it is claimed."""

    submitted_at: float
    scheduled_at: float | None
    """When the latest attempt began; None while PENDING."""

    ended_at: float | None
    worker: str | None
    lease_until: float | None
    cancel_requested: bool
    """Only while RUNNING: it will be CANCELED as soon as its worker has stopped."""

    stage: str | None
    """What the worker said last that it does; None unless RUNNING."""

    done: float
    """0..1"""

    code: str | None
    message: str | None
    """Why it FAILED."""

    result: Result | None
    """Whenever it SUCCEEDED, and only then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks a list shows; None lets all through."""

    task_id: str | None = None
    model: str | None = None
    state: TaskState | None = None
    key_id: str | None = None
    submitted_from: float | None = None
    submitted_to: float | None = None
    """Both inclusive."""

    page_no: int = 1
    """1.."""

    page_size: int = 10
    """1.."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a list."""

    tasks: tuple[Task, ...]
    """Newest first."""

    total: int
    """Tasks on all pages together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimits:
    """What one key may have in the queue at a time; None is without limit."""

    max_pending: int | None = None
    max_running: int | None = None
    """Further tasks wait, and let those of other keys pass."""


class TaskQueue(Protocol):
    """Tasks between the clients who submit them and the workers who do them.

    Every method raises QueueUnavailable where the table cannot be read or written. What a method
    has returned survives a crash of the process and of the machine.
    """

    @property
    def outbox(self) -> Outbox:
        """Notices of the tasks that end."""

    async def submit(
        self,
        job: Job,
        *,
        key_id: str,
        key_group: str,
        request_id: str,
        idempotency_key: str | None = None,
        webhooks: Sequence[Webhook] = (),
    ) -> Task:
        """Add a PENDING task, whose end will be told to webhooks through the outbox.

        With an idempotency key that this API key used before, the task of then is given back,
        whatever became of it, as long as it is remembered; its webhooks are those of then. Raises
        QueueFull, and IdempotencyConflict where the job of then was another one.
        """

    async def get(self, task_id: str, *, key_group: str) -> Task | None:
        """A task of this group; None for any other id, whether another group's or nobody's."""

    async def list(self, wanted: TaskFilter, *, key_group: str) -> Page:
        """Tasks of this group, the latest submitted first."""

    async def cancel(self, task_id: str, *, key_group: str, force: bool = False) -> bool:
        """Cancel a PENDING task; with `force` also ask for the end of a RUNNING one.

        True if the task is CANCELED or will be once its worker has stopped. False, and nothing
        changes, where it has ended, runs and is not to be forced, or is not of this group.
        """

    async def claim(
        self, worker: str, *, lease_s: float, except_keys: Collection[str] = ()
    ) -> Task | None:
        """Begin an attempt: the task is RUNNING and this worker's until the lease runs out.

        First in, first out within a key. Between keys it is the turn of the one with the fewest
        running tasks and, of these, of the one that waited longest since its last turn: a key
        with a thousand tasks delays the first task of another by one. None if nothing may begin.

        except_keys  keys that have their share of this worker and wait for now
        """

    async def wait_for_work(self, timeout_s: float) -> None:
        """Return when there may be something to claim that was not there before, and at the latest
        after `timeout_s`. Never raises for what the table lacks: the claim that follows does."""

    async def heartbeat(
        self, task_id: str, attempt: int, *, lease_s: float, stage: str | None, done: float
    ) -> bool:
        """Prolong the lease from now and tell progress, 0..1.

        False if the attempt lost the task or is to be canceled: stop working, then call `finish`
        with whatever came of it.
        """

    async def finish(self, task_id: str, attempt: int, outcome: Outcome) -> bool:
        """End an attempt. True if the task is now what the outcome says.

        False if it is not, and a published video is to be removed: another attempt owns the task
        or it has ended (nothing changes), or its end was asked for (it is CANCELED now).
        """

    async def requeue_expired(self, now: float) -> tuple[str, ...]:
        """Take tasks from workers whose lease had run out by `now`; gives their ids.

        They are PENDING again in their old place; FAILED as GIVEN_UP after MAX_TRIES; CANCELED if
        that was asked for. A server that starts passes infinity, since no worker outlived it.
        """

    async def end_overdue(
        self, submitted_before: float, why: Failure, *, limit: int = 500
    ) -> tuple[str, ...]:
        """Fail up to `limit` PENDING tasks that were submitted before a moment; gives their ids.
        Call again until none is left."""

    async def remove_ended(self, before: float, *, limit: int = 500) -> tuple[Task, ...]:
        """Forget up to `limit` tasks that ended before a moment, the oldest first; gives them, so
        that their videos can be removed. Call again until none is left."""

    async def position(self, task_id: str) -> int | None:
        """How many claims will take other tasks first, as things stand; None unless PENDING."""

    async def counts(self) -> dict[TaskState, int]:
        """How many tasks are in each state, zeros included."""

    async def rendered_s(self, *, key_id: str, since: float) -> float:
        """Seconds of video that this key's tasks gave since a moment, of tasks still remembered."""

    async def close(self) -> None:
        """Write what was asked for, then let go of the table. Nothing may be called afterwards."""
