"""What a queue of tasks promises, whatever keeps it.

Flow      routes -> submit, get, list, cancel
          worker.loop -> wait_for_work, claim, heartbeat, finish

A task belongs to no worker while PENDING and to one attempt while RUNNING. The attempt's number is
a fence: it only ever grows, and what an older attempt reports is ignored. An attempt lives as long
as its lease, which heartbeats prolong. Times are seconds since 1970, UTC.

Keys are who pays, groups are who sees: a key's tasks are seen by all keys of its group and by no
one else. `tests/contracts/test_queue.py` runs on every queue there is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from portravox.service.tasks.outbox import Outbox, Webhook
from portravox.service.tasks.states import TaskState
from portravox.service.tasks.task import (
    Explanation,
    Failure,
    Job,
    Json,
    KeyLimits,
    Outcome,
    Page,
    Released,
    Result,
    Task,
    TaskFilter,
)

__all__ = [
    "FINISH_APART_S",
    "FINISH_PATIENCE_S",
    "GIVEN_UP",
    "HEARTBEAT_S",
    "LEASE_S",
    "MAX_TRIES",
    "Explanation",
    "Failure",
    "Job",
    "Json",
    "KeyLimits",
    "Outcome",
    "Page",
    "Released",
    "Result",
    "Task",
    "TaskFilter",
    "TaskQueue",
]

LEASE_S = 30.0
"""How long after the last heartbeat a task is given to another worker. Our choice: sixty missed
ones; a disk that stands still for seconds costs no attempt."""

HEARTBEAT_S = 0.5
"""How often progress is written, and the longest that a cancelled task goes on. Our choice: half of
the second in which it has to end."""

FINISH_PATIENCE_S = 100.0
FINISH_APART_S = 1.0
"""How long an attempt that is done tries to say so while the database is away. Our choice: a video
is worth waiting for, and after that another machine has made it anew."""

MAX_TRIES = 3
"""How often a task is begun before it is given up as one that breaks workers. Our choice."""

GIVEN_UP = (
    "InternalError.Algo",
    "An internal error has occured during algorithm execution.",
)
"""Code and message of a task whose workers kept vanishing; text and spelling are the original's."""


class TaskQueue(Protocol):
    """Tasks between the clients who submit them and the workers who do them.

    Every method raises QueueUnavailable where the table cannot be read or written. What a method
    has returned survives a crash of the process and of the machine.
    """

    @property
    def outbox(self) -> Outbox:
        """Notices of the tasks that end."""

    def now(self) -> float:
        """What time it is by the clock that the times of tasks are told in, seconds since 1970:
        this machine's, or that of the database where machines share one."""

    @property
    def damage(self) -> str | None:
        """What is known to be wrong with the table's storage; None where nothing is. A table that
        is damaged has to be restored from a backup."""

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

        With an idempotency key that this API key used before, the earlier task is returned, in
        whatever state, as long as it is remembered; its webhooks are not changed. Raises
        IdempotencyConflict where the earlier job was another one, TaskTooLarge where the job is
        more text than a task may have, and QueueFull where there is no room for it (`tasks.room`):
        as many tasks as may wait, as many as may be remembered, or as much as the key may have.
        """

    async def repeated(self, job: Job, *, key_id: str, idempotency_key: str) -> Task | None:
        """The earlier task of this idempotency key, as `submit` would return it, and None where
        that would be a new one. Raises IdempotencyConflict as `submit` does."""

    async def get(self, task_id: str, *, key_group: str) -> Task | None:
        """A task of this group; None for an id of another group and for one that does not exist."""

    async def find(self, task_ids: Collection[str]) -> dict[str, Task]:
        """Those of these tasks that there are, by id, whosever they are: for one reader that
        serves many groups. Not for answers to a client, who sees `get`."""

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

    async def spoken_characters(self, *, key_id: str, key_group: str, since: float) -> int:
        """Characters of texts of this key's tasks that were submitted since a moment, once for each
        attempt, of tasks still remembered; not of those that were cancelled before the first. Looks
        at all tasks of the group since then."""

    async def give_back_room(self) -> bool:
        """Give back room on the disk that forgotten tasks took, a bounded part of it. True if there
        is more: call again, after a pause in which others get their turn."""

    async def close(self) -> None:
        """Write what was asked for, then let go of the table. Nothing may be called afterwards."""
