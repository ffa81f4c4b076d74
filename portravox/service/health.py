"""Whether the server can work: looked at in the background, so that who asks never waits.

Flow      disk, storage, table, worker loop -> HealthProbe, every two seconds -> routes.health
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from portravox.errors import PortravoxError
from portravox.service.disk import RESERVE_BYTES
from portravox.service.storage.base import Storage
from portravox.service.tasks.queue import TaskQueue
from portravox.service.worker.loop import Worker

ROUND_S = 2.0
"""How often each thing is looked at. Our choice: a disk bears a small write so often, and who
balances load asks every few seconds."""

STALE_S = 5.0
"""A look that has not ended after so long is trouble itself. Our choice: a disk that stands still,
or an event loop that does."""

PROBE_BYTES = 4096
"""Written and brought to the disk: the smallest piece that file systems keep."""

_MIB = 1024 * 1024

_log = logging.getLogger("portravox.health")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the server cannot work. Told to anybody, so it holds no paths and no addresses."""

    reason: str
    """A stable name: disk_full, disk_failed, storage_failed, table_failed, worker_failed."""

    message: str


Check = Callable[[], Awaitable[Trouble | None]]


class HealthProbe:
    """Repeats checks, each by itself, and remembers what came of the latest of each."""

    def __init__(self) -> None:
        """With nothing to look at yet: everything is well."""
        self._found: dict[str, tuple[float, Trouble | None]] = {}
        self._rounds: list[asyncio.Task[None]] = []

    def start(self, checks: Mapping[str, Check]) -> None:
        """Begin to look.

        checks  by the reason that is told where one does not end, or breaks
        """
        now = time.monotonic()
        self._found = dict.fromkeys(checks, (now, None))
        self._rounds = [
            asyncio.create_task(self._repeat(name, check), name=f"health {name}")
            for name, check in checks.items()
        ]

    async def stop(self) -> None:
        """Look no more."""
        for task in self._rounds:
            task.cancel()
        await asyncio.gather(*self._rounds, return_exceptions=True)

    def troubles(self) -> tuple[Trouble, ...]:
        """Why the server cannot work, as far as is known; answers at once."""
        now = time.monotonic()
        told = []
        for name, (looked_at, trouble) in self._found.items():
            if now - looked_at > ROUND_S + STALE_S:
                told.append(Trouble(name, f"no answer for {now - looked_at:.0f} s"))
            elif trouble is not None:
                told.append(trouble)
        return tuple(told)

    async def _repeat(self, name: str, check: Check) -> None:
        while True:
            try:
                found = await check()
            except Exception:  # a check that breaks is no sign of health
                _log.exception("a check broke: %s", name)
                found = Trouble(name, "the check itself failed")
            before = self._found[name][1]
            if found != before and found is not None:
                _log.error("not ready: %s: %s", found.reason, found.message)
            elif found is None and before is not None:
                _log.info("ready again: %s", before.reason)
            self._found[name] = (time.monotonic(), found)
            await asyncio.sleep(ROUND_S)


def checks_of(
    *, folder: Path, videos: Storage, queue: TaskQueue, worker: Worker | None
) -> dict[str, Check]:
    """Everything that a server needs to take a task and to bring it to its end."""
    # A thread for each: a disk that stands still must hold up nothing else.
    disk_thread = ThreadPoolExecutor(1, thread_name_prefix="health-disk")
    storage_thread = ThreadPoolExecutor(1, thread_name_prefix="health-storage")

    async def disk() -> Trouble | None:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(disk_thread, disk_trouble, folder)

    async def storage() -> Trouble | None:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(storage_thread, storage_trouble, videos)

    async def table() -> Trouble | None:
        try:
            await queue.counts()
        except PortravoxError:
            _log.exception("the table of tasks cannot be read")
            return Trouble("table_failed", "the table of tasks cannot be read")
        if queue.damage is not None:
            return Trouble("table_failed", "the table of tasks is damaged: restore a backup")
        return None

    async def work() -> Trouble | None:
        why = None if worker is None else worker.trouble()
        return None if why is None else Trouble("worker_failed", why)

    return {
        "disk_failed": disk,
        "storage_failed": storage,
        "table_failed": table,
        "worker_failed": work,
    }


def disk_trouble(folder: Path) -> Trouble | None:
    """Write a little into a folder, bring it to the disk and remove it again."""
    probe = folder / f".health-{uuid.uuid4().hex}"
    try:
        free_bytes = shutil.disk_usage(folder).free
        if free_bytes < RESERVE_BYTES:
            free_mib, wanted_mib = free_bytes // _MIB, RESERVE_BYTES // _MIB
            return Trouble("disk_full", f"{free_mib} MiB are free; wanted {wanted_mib} at least")
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, bytes(PROBE_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return Trouble("disk_full", "nothing more can be written")
        return Trouble("disk_failed", error.strerror or type(error).__name__)
    finally:
        with suppress(OSError):
            probe.unlink()
    return None


def storage_trouble(videos: Storage) -> Trouble | None:
    """Store a little where videos are stored."""
    try:
        videos.probe()
    except (PortravoxError, OSError):
        _log.exception("nothing can be stored")
        return Trouble("storage_failed", "no video can be stored")
    return None
