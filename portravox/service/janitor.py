"""The janitor: removes what has expired, and takes tasks from workers that are gone.

Flow      TaskQueue, Storage, Uploads -> janitor, every few seconds
"""

from __future__ import annotations

import asyncio
import logging
import time

from portravox.errors import PortravoxError
from portravox.service.errors import StorageFailed
from portravox.service.problems import TIMEOUT
from portravox.service.service import Service
from portravox.service.tasks.parts import files_of
from portravox.service.tasks.queue import Failure, TaskQueue

ROUND_S = 5.0
"""How often leases and ended tasks are looked at. Our choice."""

SWEEP_S = 600.0
"""How often folders are searched for files without a task: reading them takes longer."""

GIVE_BACK_APART_S = 0.1
"""Between two parts of the table that are given back to the disk, 4 MiB each: commits wait for a
fifth of the time at most. Our choice."""

_SLACK_S = 3600.0
"""How much longer than its life a video without a task may lie: its task may be ending just now."""

_log = logging.getLogger("portravox.janitor")


async def keep_clean(service: Service) -> None:
    """Repeat all periodic work until cancelled."""
    rounds = CleaningRounds(service)
    while True:
        try:
            await service.queue.requeue_expired(service.queue.now())
            await end_overdue(service, now=service.queue.now())
            await rounds.next_round()
        except PortravoxError:
            _log.exception("the janitor goes on after a pause")
        await asyncio.sleep(ROUND_S)


class CleaningRounds:
    """Removes what has expired, a part at each call; folders are searched now and then."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._swept_at = 0.0

    async def next_round(self) -> None:
        """Raises PortravoxError, after which the next call goes on."""
        service = self._service
        await remove_ended(service, before=service.queue.now() - service.settings.video_life_s)
        await remove_left_parts(service)
        await give_back_room(service)
        if time.monotonic() - self._swept_at >= SWEEP_S:
            self._swept_at = time.monotonic()
            await asyncio.to_thread(sweep, service)


async def end_overdue(service: Service, *, now: float) -> None:
    """Fail tasks whose life is over before their turn came."""
    ended = await end_overdue_in(service.queue, before=now - service.settings.task_life_s)
    service.metrics.errors.labels(TIMEOUT.code).inc(ended)


async def end_overdue_in(queue: TaskQueue, *, before: float) -> int:
    """Fail tasks that were submitted before a moment and still wait; gives how many."""
    why = Failure(code=TIMEOUT.code, message=TIMEOUT.message)
    ended = 0
    while task_ids := await queue.end_overdue(before, why):
        ended += len(task_ids)
        for task_id in task_ids:
            _log.info("waited longer than its life", extra={"task_id": task_id})
    return ended


async def remove_ended(service: Service, *, before: float) -> None:
    """Forget tasks that ended before a moment, and remove their videos."""
    while tasks := await service.queue.remove_ended(before):
        for task in tasks:
            if task.result is not None:
                try:
                    await asyncio.to_thread(service.videos.delete, task.result.video_name)
                except StorageFailed:  # what is left goes by age
                    _log.exception("a video was not removed", extra={"task_id": task.task_id})


async def remove_left_parts(service: Service) -> None:
    """Remove parts of long videos whose tasks ended while nobody was there to do it."""
    if service.parts is None:
        return
    for name in files_of(await service.parts.forget_ended()):
        try:
            await asyncio.to_thread(service.videos.delete, name)
        except StorageFailed:  # what is left goes by age
            _log.exception("%s was not removed", name)


async def give_back_room(service: Service) -> None:
    """Let the table shrink, for as long as a round has time."""
    ends = time.monotonic() + ROUND_S
    while await service.queue.give_back_room() and time.monotonic() < ends:
        await asyncio.sleep(GIVE_BACK_APART_S)


def sweep(service: Service) -> None:
    """Remove expired uploads, and videos that belong to no task."""
    service.uploads.remove_expired()
    service.videos.remove_older(service.queue.now() - service.settings.video_life_s - _SLACK_S)
