"""Waiting for a storage or a database that is away, since what was made until then costs more than
that; and for work that is ours only as long as its lease.

Flow      worker.loop, worker.parts -> patience -> storage, tasks
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from portravox.errors import PortravoxError
from portravox.service.errors import QueueUnavailable, StorageUnavailable
from portravox.service.tasks.queue import FINISH_APART_S, FINISH_PATIENCE_S, HEARTBEAT_S
from portravox.service.worker.scratch import ScratchSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """What may be away, and how long an attempt waits for it."""

    name: str
    error: type[PortravoxError]
    """What says so."""

    for_s: float
    first_pause_s: float
    longest_pause_s: float
    """Pauses between two tries: each twice as long as the one before, up to this."""


STORAGE = Away(
    name="storage",
    error=StorageUnavailable,
    for_s=600.0,
    first_pause_s=1.0,
    longest_pause_s=10.0,
)
"""The attempts of a task are for what breaks with the task. Our choice."""

DATABASE = Away(
    name="database",
    error=QueueUnavailable,
    for_s=FINISH_PATIENCE_S,
    first_pause_s=FINISH_APART_S,
    longest_pause_s=FINISH_APART_S,
)

END_S = 1.0
"""What a task that is cancelled may take to tidy up. Our choice."""

_log = logging.getLogger("portravox.worker")

T = TypeVar("T")


async def patiently(call: Callable[[], T]) -> T:
    """Make a call of the storage in a thread, as `repeated_while_away`."""

    async def ask() -> T:
        return await asyncio.to_thread(call)

    return await repeated_while_away(ask, STORAGE)


async def repeated_while_away(call: Callable[[], Awaitable[T]], away: Away) -> T:
    """Repeat what cannot be done now, and may be said twice.

    Raises what says so where that lasts for longer than `away.for_s`.
    """
    ends_at = time.monotonic() + away.for_s
    pause_s = away.first_pause_s
    while True:
        try:
            return await call()
        except away.error as error:
            if time.monotonic() + pause_s > ends_at:
                raise
            _log.warning("the %s is away, next try in %g s: %s", away.name, pause_s, error)
        await asyncio.sleep(pause_s)
        pause_s = min(2.0 * pause_s, away.longest_pause_s)


async def done_while_ours(
    work: Coroutine[Any, Any, T],
    is_ours: Callable[[], Awaitable[bool]],
    scratch: ScratchSpace,
) -> T | None:
    """What comes of work, while heartbeats say that it is ours; None where it is not any more, and
    then it is cancelled. Raises what the work raises, and OSError where the disk is full."""
    working = asyncio.create_task(work)
    try:
        while not working.done():
            await asyncio.wait([working], timeout=HEARTBEAT_S)
            scratch.require_room()
            if not await is_ours():
                return None
        return await working
    finally:
        await cancelled(working)


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it has ended, whatever comes of it: on Python 3.11 a wait within a
    library (`asyncio.wait_for`) may swallow a cancellation that comes as it ends."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=END_S)
    if not task.cancelled():
        task.exception()  # looked at
