"""The worker loop: claims tasks, has worker processes do them and says what came of them.

Flow      TaskQueue.claim -> loop -> WorkerProcess -> Storage.put -> TaskQueue.finish

Whatever happens to a task, exactly one `finish` counts. A video is stored before it is told, under
a name that only this attempt has, and removed again if the task was claimed by another attempt or
has ended meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from portravox.errors import PortravoxError, QueueUnavailable
from portravox.service.eta import TaskEta
from portravox.service.metrics import Metrics
from portravox.service.previews import Previews
from portravox.service.problems import TIMEOUT, Problem, failure_of
from portravox.service.storage.base import Storage
from portravox.service.tasks.queue import Failure, Outcome, Released, Result, Task, TaskQueue
from portravox.service.worker.messages import (
    PREVIEW_NAME,
    VIDEO_NAME,
    FetchDone,
    InputFile,
    RenderDone,
    RenderRequest,
)
from portravox.service.worker.process import ProcessPool, RequestFailed, WorkerProcess
from portravox.service.worker.scratch import ScratchSpace

LEASE_S = 30.0
"""How long after the last heartbeat a task is given to another worker. Our choice: sixty missed
ones; a disk that stands still for seconds costs no attempt."""

HEARTBEAT_S = 0.5
"""How often progress is written, and the longest that a cancelled task goes on. Our choice: half of
the second in which it has to end."""

LOOK_S = 1.0
"""How often an idle worker looks for tasks without being told of any."""

FETCH_TIME_S = 70.0
"""How long fetching one file may take; the fetcher itself gives up after 60."""

_log = logging.getLogger("portravox.worker")


class WorkerLoop:
    """Does one task after the other."""

    def __init__(
        self,
        name: str,
        *,
        queue: TaskQueue,
        videos: Storage,
        scratch: ScratchSpace,
        fetching: ProcessPool,
        process: WorkerProcess,
        metrics: Metrics,
        eta: TaskEta,
        previews: Previews,
        render_time_s: float,
        task_life_s: float,
    ) -> None:
        self._name = name
        self._queue = queue
        self._videos = videos
        self._scratch = scratch
        self._fetching = fetching
        self._process = process
        self._metrics = metrics
        self._eta = eta
        self._previews = previews
        self._render_time_s = render_time_s
        self._task_life_s = task_life_s
        self._stopping = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to take tasks."""
        self._loop = asyncio.create_task(self._take_tasks(), name=self._name)

    async def stop(self, *, drain_s: float, hurry: asyncio.Event) -> None:
        """Take no more; the task at hand may go on for so long, or until somebody is in a hurry.
        Then it is given back."""
        self._stopping.set()
        if self._loop is not None:
            hurried = asyncio.create_task(hurry.wait())
            ends = [self._loop, hurried]
            await asyncio.wait(ends, timeout=drain_s, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()
                with suppress(asyncio.CancelledError):
                    await end
        await self._process.close()

    async def _take_tasks(self) -> None:
        while not self._stopping.is_set():
            try:
                task = await self._queue.claim(self._name, lease_s=LEASE_S)
                if task is not None:
                    await self.do(task)
                    continue
                await self._process.warm()
            except (PortravoxError, RequestFailed, OSError):  # or no process could be started
                _log.exception("the worker goes on after a pause")
                await asyncio.sleep(LOOK_S)
            await self._wait_for_work()

    async def _wait_for_work(self) -> None:
        waits = [
            asyncio.create_task(self._queue.wait_for_work(LOOK_S)),
            asyncio.create_task(self._stopping.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def do(self, task: Task) -> None:
        """One attempt at a task, from claim to finish."""
        video_name = _video_name(task, task.attempt)
        outcome: Outcome = Released()
        try:
            outcome = await self._outcome(task, video_name)
        finally:
            # Also when the server stops: then the task is given back.
            if not await self._queue.finish(task.task_id, task.attempt, outcome):
                await asyncio.to_thread(self._videos.delete, video_name)
            _log.info(
                "attempt ended: %s",
                type(outcome).__name__,
                extra={"task_id": task.task_id, "request_id": task.request_id},
            )
        if isinstance(outcome, Failure):
            self._metrics.errors.labels(outcome.code).inc()

    async def _outcome(self, task: Task, video_name: str) -> Outcome:
        """What comes of an attempt; only its cancellation is raised."""
        left_s = task.submitted_at + self._task_life_s - time.time()
        if left_s <= 0:
            return _failure(TIMEOUT)
        try:
            return await self._rendered(task, video_name, time_s=min(left_s, self._render_time_s))
        except RequestFailed as error:
            return _failure(error.problem, retry=error.retry)
        except PortravoxError as error:
            _log.warning("attempt failed", extra={"task_id": task.task_id}, exc_info=error)
            return _failure(failure_of(error))
        except OSError as error:  # of our own disk
            _log.error("attempt failed", extra={"task_id": task.task_id}, exc_info=error)
            return _failure(failure_of(error), retry=True)

    async def _rendered(self, task: Task, video_name: str, *, time_s: float) -> Outcome:
        started = time.monotonic()
        stages = _Stages(self._metrics)
        async with self._scratch.folder() as folder:
            working = asyncio.create_task(
                self._render_in(folder, task, time_s=time_s, stages=stages)
            )
            try:
                with self._previews.showing(task.task_id, folder / PREVIEW_NAME):
                    while not working.done():
                        await asyncio.wait([working], timeout=HEARTBEAT_S)
                        self._scratch.require_room()
                        if not await self._is_ours(task, stages):
                            return Released()
                done = await working
            finally:
                working.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await working
            stages.enter("publish", 1.0)
            await asyncio.to_thread(self._forget_earlier_attempts, task)
            await asyncio.to_thread(self._publish, folder / VIDEO_NAME, video_name)
            stages.end()
        took_s = time.monotonic() - started
        self._eta.record_attempt(took_s)
        self._metrics.real_time_factor.observe(took_s / done.duration_s)
        return Result(video_name=video_name, duration_s=done.duration_s)

    async def _render_in(
        self, folder: Path, task: Task, *, time_s: float, stages: _Stages
    ) -> RenderDone:
        """Have both files fetched and the video made. Raises RequestFailed, UploadUnknown."""
        async with _deadline(time_s):
            stages.enter("download", 0.0)
            await self._fetch(task, "image", task.job.image_url, folder)
            await self._fetch(task, "audio", task.job.audio_url, folder)
            request = RenderRequest(folder=str(folder), parameters=task.job.parameters)
            return await self._process.request(
                request, RenderDone, time_s=time_s, on_stage=stages.enter
            )

    async def _fetch(self, task: Task, file: InputFile, url: str, folder: Path) -> None:
        request = await self._scratch.fetch_request(file, url, folder, key_group=task.key_group)
        if request is not None:
            await self._fetching.request(request, FetchDone, time_s=FETCH_TIME_S)

    async def _is_ours(self, task: Task, stages: _Stages) -> bool:
        """Tell progress; whether to go on. A table out of reach for a moment is no reason to stop:
        the lease says how long that may last."""
        try:
            return await self._queue.heartbeat(
                task.task_id, task.attempt, lease_s=LEASE_S, stage=stages.name, done=stages.done
            )
        except QueueUnavailable:
            _log.warning("no heartbeat", extra={"task_id": task.task_id})
            return True

    def _forget_earlier_attempts(self, task: Task) -> None:
        """Remove the videos of servers that were killed after they stored and before they told."""
        for attempt in range(1, task.attempt):
            self._videos.delete(_video_name(task, attempt))

    def _publish(self, video: Path, name: str) -> None:
        with video.open("rb") as content:
            self._videos.put(name, content)


@asynccontextmanager
async def _deadline(time_s: float) -> AsyncIterator[None]:
    """Raise RequestFailed where what is done inside takes longer."""
    try:
        async with asyncio.timeout(time_s):
            yield
    except TimeoutError as error:
        raise RequestFailed(TIMEOUT, retry=False) from error


class _Stages:
    """Where an attempt is, and how long it was in each stage."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._since = time.monotonic()
        self.name: str | None = None
        self.done = 0.0

    def enter(self, name: str, done: float) -> None:
        """Say where the attempt is now."""
        self.done = done
        if name != self.name:
            self.end()
            self.name = name

    def end(self) -> None:
        """The stage is over."""
        now = time.monotonic()
        if self.name is not None:
            self._metrics.stage_s.labels(self.name).observe(now - self._since)
        self._since = now


def _video_name(task: Task, attempt: int) -> str:
    return f"{task.task_id}-{attempt}.mp4"


def _failure(problem: Problem, *, retry: bool = False) -> Failure:
    return Failure(code=problem.code, message=problem.message, retry=retry)
