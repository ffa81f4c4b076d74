"""A worker that makes nothing: what is left is the engine, the queue and the database.

Run as a program it is one machine's worker process: `python -m benchmarks.cluster.noop URL
SLOTS TASK_S NAME`; it writes a line for each attempt, `begin ID ATTEMPT` or `end ID ATTEMPT TAKEN`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable

from portravox.errors import PortravoxError
from portravox.service.cluster.engine import Engine, EngineWorker
from portravox.service.database.database import Database
from portravox.service.tasks.postgres import PostgresTaskQueue
from portravox.service.tasks.queue import KeyLimits, Outcome, Released, Result, Task


class NoOpLoop:
    """What `EngineWorker` needs of a `WorkerLoop`. Each task takes `task_s`."""

    name = "noop"
    failed_starts = 0

    def __init__(
        self, queue: PostgresTaskQueue, *, task_s: float, tell: Callable[[str], None] = print
    ) -> None:
        self._queue = queue
        self._task_s = task_s
        self._tell = tell

    def keep_warm(self) -> None:
        pass

    def keys_with_their_share(self) -> frozenset[str]:
        return frozenset()

    def trouble_of_processes(self) -> None:
        return None

    async def becomes_slow(self, attempt: asyncio.Task[None]) -> bool:
        del attempt
        return False

    async def close_processes(self) -> None:
        pass

    async def attempt(self, task: Task) -> None:
        self._tell(f"begin {task.task_id} {task.attempt}")
        outcome: Outcome = Released()
        try:
            ends = time.monotonic() + self._task_s
            while (left_s := ends - time.monotonic()) > 0:
                await asyncio.sleep(min(left_s, 0.5))
                try:
                    if not await self._queue.heartbeat(
                        task.task_id, task.attempt, lease_s=30.0, stage="render", done=0.5
                    ):
                        return
                except PortravoxError:
                    continue
            outcome = Result(video_name=f"{task.task_id}-{task.attempt}.mp4", duration_s=10.0)
        finally:
            taken = await self._queue.finish(task.task_id, task.attempt, outcome)
            self._tell(f"end {task.task_id} {task.attempt} {taken}")


async def work(url: str, slots: int, task_s: float, *, max_running: int | None = None) -> None:
    """Until SIGTERM."""
    database = Database(url)
    limits = KeyLimits(max_running=max_running)
    queue = PostgresTaskQueue(database, limits_of=lambda key_id: limits)
    engine = Engine(database, queue)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)

    async def nothing_is_overdue() -> None: ...

    await engine.start_upkeep(end_overdue=nothing_is_overdue)
    loop = NoOpLoop(queue, task_s=task_s, tell=lambda line: print(line, flush=True))
    worker = EngineWorker(
        engine,
        queue,
        loop,  # type: ignore[arg-type]
        slots=slots,
        is_limited=lambda key_id: max_running is not None,
    )
    await worker.start()
    print("ready", flush=True)
    await stopping.wait()
    await worker.stop(drain_s=10.0, hurry=asyncio.Event())
    await engine.stop()
    await queue.close()


if __name__ == "__main__":
    _, url, slots, task_s = sys.argv
    asyncio.run(work(url, int(slots), float(task_s)))
