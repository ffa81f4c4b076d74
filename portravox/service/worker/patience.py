"""Waiting for a storage that is away, since what was made until then costs more than that; and for
the end of what is not wanted any more.

Flow      worker.loop, worker.parts -> patience -> storage
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from portravox.service.errors import StorageUnavailable

STORAGE_AWAY_S = 600.0
STORAGE_PAUSE_S = 10.0
"""So long an attempt waits for a storage that is away, and so long it pauses between two tries at
most. The attempts of a task are for what breaks with the task. Our choice."""

FIRST_PAUSE_S = 1.0
"""Then twice as long each time. Our choice."""

_log = logging.getLogger("portravox.worker")

T = TypeVar("T")


async def patiently(call: Callable[[], T]) -> T:
    """Make a call of the storage in a thread, as `repeated_while_away`."""

    async def ask() -> T:
        return await asyncio.to_thread(call)

    return await repeated_while_away(ask)


async def repeated_while_away(call: Callable[[], Awaitable[T]]) -> T:
    """Repeat what the storage cannot do now.

    Raises StorageUnavailable where that lasts for longer than STORAGE_AWAY_S.
    """
    ends_at = time.monotonic() + STORAGE_AWAY_S
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            return await call()
        except StorageUnavailable as error:
            if time.monotonic() + pause_s > ends_at:
                raise
            _log.warning("the storage is away, next try in %g s: %s", pause_s, error)
        await asyncio.sleep(pause_s)
        pause_s = min(2.0 * pause_s, STORAGE_PAUSE_S)


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it has ended, whatever comes of it: on Python 3.11 a wait within a
    library (`asyncio.wait_for`) may swallow a cancellation that comes as it ends."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=END_S)
    if not task.cancelled():
        task.exception()  # looked at


END_S = 1.0
"""What a task that is cancelled may take to tidy up. Our choice."""
