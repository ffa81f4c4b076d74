"""Delivers the notices that are due, and tries those again that could not be delivered.

Flow      Outbox -> webhooks.deliver -> webhooks.post, in threads

An attempt waits for somebody else's server, so it has a thread; few run at a time, and fewer still
for one API key.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from portravox.errors import PortravoxError
from portravox.service.tasks.outbox import Delivery, DeliveryAttempt, Outbox
from portravox.service.tasks.queue import Task
from portravox.service.webhooks.post import WAITS

RETRY_AFTER_S = (5.0, 60.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0)
"""Pauses between attempts, as Standard Webhooks advises: eight attempts in 17.6 hours, which is
before the task itself is forgotten."""

SPREAD = 0.1
"""Pauses differ by up to this share, so that what failed together does not come back together."""

GONE = 410
"""A receiver that answers this wants no more notices (Standard Webhooks)."""

AT_A_TIME = 8
"""Attempts under way. Our choice: each is a thread that mostly waits."""

LEASE_S = 2 * WAITS.total_s
"""How long an attempt belongs to whoever began it."""

LOOK_S = 1.0
"""How often is looked for what is due. Our choice; nothing is written where nothing is."""

Post = Callable[[Delivery, Task, float], int | None]
"""delivery, task, now -> the status of the answer, or None"""

_log = logging.getLogger("portravox.webhooks")


class Deliverer:
    """Works from `start` to `stop`, in one event loop."""

    def __init__(
        self,
        outbox: Outbox,
        post: Post,
        *,
        on_attempt: Callable[[int | None], None] = lambda status: None,
        clock: Callable[[], float] = time.time,
        chance: random.Random | None = None,
        look_s: float = LOOK_S,
    ) -> None:
        self._outbox = outbox
        self._post = post
        self._on_attempt = on_attempt
        self._clock = clock
        self._chance = chance or random.Random()
        self._look_s = look_s
        self._threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="webhook")
        self._under_way: dict[asyncio.Task[None], str] = {}
        """Attempts under way, and the tenant of each."""

        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._loop = asyncio.create_task(self._deliver_all(), name="webhooks")

    async def stop(self) -> None:
        """Begin nothing more, and wait for the attempts under way: 15 s at most."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop
        if self._under_way:
            await asyncio.wait(self._under_way)
        self._threads.shutdown()

    async def _deliver_all(self) -> None:
        while True:
            try:
                await self._begin()
            except PortravoxError as error:
                _log.error("webhooks go on after a pause: %s", error)
            except Exception:
                # Whatever it is, notices must not stay away until the next start.
                _log.exception("webhooks go on after a pause")
            if self._under_way:
                # A place that becomes free may be taken at once.
                await asyncio.wait(
                    self._under_way, timeout=self._look_s, return_when=asyncio.FIRST_COMPLETED
                )
            else:
                await asyncio.sleep(self._look_s)

    async def _begin(self) -> None:
        room = AT_A_TIME - len(self._under_way)
        if room == 0:
            return
        busy = frozenset(self._under_way.values())
        for delivery, task in await self._outbox.claim(limit=room, lease_s=LEASE_S, busy=busy):
            attempt = asyncio.create_task(self._attempt(delivery, task))
            self._under_way[attempt] = delivery.tenant
            attempt.add_done_callback(self._under_way.pop)

    async def _attempt(self, delivery: Delivery, task: Task) -> None:
        now = self._clock()
        status: int | None = None
        try:
            status = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._post, delivery, task, now
            )
        except Exception:
            # A fault of ours must not stop the others; the notice is tried again like any other.
            _log.exception("an attempt broke", extra={"task_id": task.task_id})
        self._on_attempt(status)
        try:
            await self._outbox.record(
                delivery,
                DeliveryAttempt(at=now, status=status),
                retry_at=self._retry_at(delivery.tries, status),
            )
        except PortravoxError as error:
            # Its lease runs out, and it is delivered again.
            _log.error("an attempt is lost: %s", error, extra={"task_id": task.task_id})

    def _retry_at(self, tries: int, status: int | None) -> float | None:
        """When to try again after so many attempts; None: no more."""
        delivered = status is not None and 200 <= status < 300
        if delivered or status == GONE or tries > len(RETRY_AFTER_S):
            return None
        pause_s = RETRY_AFTER_S[tries - 1]
        return self._clock() + pause_s * self._chance.uniform(1 - SPREAD, 1 + SPREAD)
