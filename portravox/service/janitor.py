"""The janitor: nothing stays longer than its life, and no task hangs on a worker that is gone.

Flow      TaskQueue, Storage, Uploads -> janitor, every few seconds
"""

from __future__ import annotations

import asyncio
import logging
import time

from portravox.errors import PortravoxError
from portravox.service.service import VIDEO_LIFE_S, Service

ROUND_S = 5.0
"""How often leases and ended tasks are looked at. Our choice."""

SWEEP_S = 600.0
"""How often folders are, for what nobody remembers: reading them takes longer."""

_SLACK_S = 3600.0
"""How much longer than its life a video without a task may lie: its task may be ending just now."""

_log = logging.getLogger("portravox.janitor")


async def keep_clean(service: Service) -> None:
    """Go round until cancelled."""
    swept_at = 0.0
    while True:
        try:
            await service.queue.requeue_expired(time.time())
            await remove_ended(service, before=time.time() - VIDEO_LIFE_S)
            if time.monotonic() - swept_at >= SWEEP_S:
                swept_at = time.monotonic()
                await asyncio.to_thread(sweep, service)
        except PortravoxError:
            _log.exception("the janitor goes on after a pause")
        await asyncio.sleep(ROUND_S)


async def remove_ended(service: Service, *, before: float) -> None:
    """Forget tasks that ended before a moment, and remove their videos."""
    while tasks := await service.queue.remove_ended(before):
        for task in tasks:
            if task.result is not None:
                await asyncio.to_thread(service.videos.delete, task.result.video_name)


def sweep(service: Service) -> None:
    """Remove uploads past their life, and videos that no task knows."""
    service.uploads.remove_expired()
    service.videos.remove_older(time.time() - VIDEO_LIFE_S - _SLACK_S)
