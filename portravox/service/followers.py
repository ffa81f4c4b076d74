"""Clients that follow tasks, however many: one reader looks at the table for all of them.

Flow      routes.tasks.events -> TaskFollowers.follow -> Follower.next -> a stream of events
          TaskQueue -> TaskFollowers, twice a second -> every Follower whose task has changed

A reader that looked for each stream by itself would be 1,000 look-ups a second for 500 streams,
and a thousand positions in the queue, each of which counts what lies before it. Here all tasks are
read in a few queries, and positions one after another, so that whoever else asks comes in between.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from portravox.service.errors import QueueUnavailable
from portravox.service.eta import TaskEta
from portravox.service.tasks.queue import TaskQueue
from portravox.service.tasks.states import TaskState
from portravox.service.tasks.task import Task

EVENTS_APART_S = 0.5
"""How often the table is looked at. Our choice: progress looks alive."""

ESTIMATES_APART_S = 2.0
ESTIMATES_PER_S = 100
"""How often a client is told of nothing but another place in the queue or another estimate, and how
often all clients together: each time what lies before a task is counted, and a stream written to.
With 500 streams it is every 5 s. What becomes of a task is told at once. Our choice."""

_READ_AT_ONCE = 50
"""Tasks in one query: 2 ms, after which others have their turn."""

_TOLD_AT_ONCE = 10
"""Streams that are woken in one turn of the event loop: each takes a third of a millisecond."""

Listen = Callable[[Callable[[str | None], Awaitable[None]]], Coroutine[Any, Any, None]]

_log = logging.getLogger("portravox.followers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A task as followers see it."""

    task: Task
    position: int | None
    """How many claims will take other tasks first; None unless it is PENDING."""

    remaining_s: float | None


class Follower:
    """One client's view of one task."""

    def __init__(self, task_id: str, group: str, credential: str | None) -> None:
        self.task_id = task_id
        self.group = group
        self.credential = credential
        self.ended = False
        """Whether there will be no more news: its key was revoked, or the server stops."""

        self._changed = asyncio.Event()
        self._latest: Snapshot | None = None

    async def next(self, *, within_s: float) -> Snapshot | None:
        """What is known after the next change; None where there was none in this time, or where
        there will be none any more."""
        try:
            async with asyncio.timeout(within_s):
                await self._changed.wait()
        except TimeoutError:
            return None
        self._changed.clear()
        return None if self.ended else self._latest

    def tell(self, snapshot: Snapshot) -> None:
        self._latest = snapshot
        self._changed.set()

    def end(self) -> None:
        self.ended = True
        self._changed.set()


class TaskFollowers:
    """All clients that follow tasks. Belongs to one event loop."""

    def __init__(
        self, queue: TaskQueue, eta: TaskEta, admits: Callable[[str | None], bool]
    ) -> None:
        """admits: whether an Authorization header is still that of a client who may ask."""
        self._queue = queue
        self._eta = eta
        self._admits = admits
        self._followers: dict[str, set[Follower]] = {}
        """By task."""

        self._known: dict[str, Snapshot] = {}
        """What was told last about each followed task that exists."""

        self._told_at: dict[str, float] = {}
        self._reading: asyncio.Task[None] | None = None
        self._closed = False
        self._listening: asyncio.Task[None] | None = None
        self._called = asyncio.Event()
        """Set when a followed task is in another state than before."""

    def listen_with(self, listen: Listen) -> None:
        """Be called when the state of a task changes, beside looking at what progresses.

        listen  gives each call the id of a task, or None where calls may have been missed
        """

        async def changed(task_id: str | None) -> None:
            if task_id is None or task_id in self._followers:
                self._called.set()

        self._listening = asyncio.create_task(listen(changed), name="followers listen")

    @property
    def reading(self) -> bool:
        """Whether the table is being looked at."""
        return self._reading is not None and not self._reading.done()

    async def look(self, task_id: str, group: str) -> Snapshot | None:
        """A task as it is now; None where this group has none of this id. What a follower is told
        first."""
        task = await self._queue.get(task_id, key_group=group)
        if task is None:
            return None
        position = None
        if task.state is TaskState.PENDING:
            known = self._known.get(task_id)
            # A position that is half a second old will do, where somebody follows already.
            position = known.position if known is not None else None
            if position is None:
                position = await self._queue.position(task_id)
        snapshot = self._snapshot(task, position)
        if task_id in self._followers and task_id not in self._known:
            self._known[task_id], self._told_at[task_id] = snapshot, time.monotonic()
        return snapshot

    @contextmanager
    def follow(self, task_id: str, group: str, credential: str | None) -> Iterator[Follower]:
        """Hear of a task's changes as long as the block lasts."""
        follower = Follower(task_id, group, credential)
        if self._closed:
            follower.end()
        self._followers.setdefault(task_id, set()).add(follower)
        if not self.reading:
            self._reading = asyncio.create_task(self._read(), name="followers")
        try:
            yield follower
        finally:
            same = self._followers[task_id]
            same.discard(follower)
            if not same:
                del self._followers[task_id]
                self._known.pop(task_id, None)
                self._told_at.pop(task_id, None)

    def close(self) -> None:
        """End all streams, those that begin later, too."""
        self._closed = True
        if self._listening is not None:
            self._listening.cancel()
        for follower in self._all():
            follower.end()

    def _all(self) -> list[Follower]:
        return [follower for same in self._followers.values() for follower in same]

    async def _read(self) -> None:
        while self._followers:
            began = time.monotonic()
            try:
                self._end_refused()
                await self._look_at_all()
            except QueueUnavailable as error:
                _log.warning("followed tasks cannot be read: %s", error)
            except Exception:
                # The next look may fare better, and nobody else would begin it.
                _log.exception("followed tasks could not be looked at")
            await asyncio.sleep(0.05)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(EVENTS_APART_S - (time.monotonic() - began), 0.0)):
                    await self._called.wait()
            self._called.clear()

    def _end_refused(self) -> None:
        """End the streams of keys that were revoked since."""
        admitted: dict[str | None, bool] = {}
        for follower in self._all():
            credential = follower.credential
            if credential not in admitted:
                admitted[credential] = self._admits(credential)
            if not admitted[credential]:
                follower.end()

    async def _look_at_all(self) -> None:
        ids = list(self._followers)
        tasks: dict[str, Task] = {}
        for first in range(0, len(ids), _READ_AT_ONCE):
            tasks |= await self._queue.find(ids[first : first + _READ_AT_ONCE])
            await asyncio.sleep(0)
        for task_id in set(ids).difference(tasks):
            for follower in self._followers.get(task_id, ()):
                follower.end()  # forgotten meanwhile
        waiting = {id_ for id_, task in tasks.items() if task.state is TaskState.PENDING}
        positions = await self._positions(waiting)
        for number, (task_id, task) in enumerate(tasks.items()):
            known = self._known.get(task_id)
            if known is None:
                continue  # its follower is about to look for itself
            position = None
            if task_id in waiting:
                position = positions.get(task_id, known.position)
            estimate_due = task_id in positions or self._estimate_is_old(task_id)
            self._tell(self._snapshot(task, position), estimate_due=estimate_due)
            if number % _TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _positions(self, waiting: set[str]) -> dict[str, int | None]:
        """Of the tasks whose turn it is to be told, the longest untold first."""
        apart_s = max(ESTIMATES_APART_S, len(waiting) / ESTIMATES_PER_S)
        now = time.monotonic()
        due = [id_ for id_ in waiting if now - self._told_at.get(id_, 0.0) >= apart_s]
        due.sort(key=lambda id_: self._told_at.get(id_, 0.0))
        most = round(ESTIMATES_PER_S * EVENTS_APART_S)
        return {id_: await self._queue.position(id_) for id_ in due[:most]}

    def _estimate_is_old(self, task_id: str) -> bool:
        """Of a task that runs: there are few of them, and nothing is counted for theirs."""
        if self._known[task_id].task.state is TaskState.PENDING:
            return False
        return time.monotonic() - self._told_at[task_id] >= ESTIMATES_APART_S

    def _snapshot(self, task: Task, position: int | None) -> Snapshot:
        remaining_s = self._eta.remaining_s(task, position=position, now=self._queue.now())
        return Snapshot(task=task, position=position, remaining_s=remaining_s)

    def _tell(self, snapshot: Snapshot, *, estimate_due: bool) -> None:
        """Tell the followers of a task, if there is something to tell."""
        task_id = snapshot.task.task_id
        known = self._known[task_id]
        if known.task == snapshot.task and not estimate_due:
            return
        self._known[task_id] = snapshot
        self._told_at[task_id] = time.monotonic()
        if snapshot == known:
            return
        for follower in self._followers.get(task_id, ()):
            if follower.group == snapshot.task.key_group:
                follower.tell(snapshot)
