"""Long videos in parts: the attempt that plans one leaves its parts to whoever is free, makes some
itself, and joins them.

Flow      worker.loop: PlanRequest -> PartMaker.whole -> PartsTable, Storage -> JoinRequest
          cluster.engine -> PartMaker.claim, make -> PartRequest -> Storage -> PartsTable

What a part needs lies in the storage, by names that only this plan has. A process that reads a
stranger's file makes each part, and one joins them: no server takes a video apart
(docs/decisions/0070-long-videos-in-parts.md).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from portravox import __version__
from portravox.clock import even_parts
from portravox.options import is_address
from portravox.service.errors import QueueUnavailable, StorageFailed
from portravox.service.metrics import Metrics
from portravox.service.problems import ALGO, Problem
from portravox.service.storage.base import Storage
from portravox.service.tasks.parts import SHARED, Part, PartsTable, files_of, shared_file
from portravox.service.tasks.queue import (
    FINISH_APART_S,
    FINISH_PATIENCE_S,
    LEASE_S,
)
from portravox.service.tasks.task import Explanation, Failure, Task
from portravox.service.traces import Place, Span, Value
from portravox.service.worker.messages import (
    PART_NAME,
    PLAN_NAME,
    PREVIEW_NAME,
    Formats,
    JoinRequest,
    PartDone,
    PartRequest,
    PlanDone,
    RenderDone,
    SealWanted,
    StageReached,
    part_name,
    told_watermark,
)
from portravox.service.worker.patience import (
    DATABASE,
    cancelled,
    done_while_ours,
    patiently,
    repeated_while_away,
)
from portravox.service.worker.process import ProcessPool, RequestFailed
from portravox.service.worker.scratch import ScratchSpace
from portravox.system import open_strangers_file

LOOK_S = 0.5
"""How often an attempt looks what became of its parts."""

LEAST_BYTES_PER_S = 1000
"""Of a recording: MP3 has 8 kbit/s at least. A file that has less than a long video's is not
looked at twice."""

_DIGITS = 16
"""Hexadecimal, of digests that tell plans and recipes apart."""

_log = logging.getLogger("portravox.worker")

OnShare = Callable[[float], None]
"""Called with how much of all parts is done, 0..1."""


class PartMaker:
    """Makes parts of long videos, and whole ones of them."""

    def __init__(
        self,
        table: PartsTable,
        *,
        part_s: float,
        engines: Sequence[str],
        videos: Storage,
        scratch: ScratchSpace,
        rendering: ProcessPool,
        metrics: Metrics,
        render_time_s: float,
        picture_formats: Formats,
        voice_formats: Formats,
        max_voice_s: float,
        producer: str,
        watermark_key: str,
    ) -> None:
        """
        part_s    about how long a part is; videos of more than two are made in parts
        engines   whose parts are made here
        """
        self._table = table
        self._part_s = part_s
        self._engines = tuple(engines)
        self._videos = videos
        self._scratch = scratch
        self._rendering = rendering
        self._metrics = metrics
        self._render_time_s = render_time_s
        self._picture_formats: Formats = picture_formats
        self._voice_formats: Formats = voice_formats
        self._max_voice_s = max_voice_s
        self._producer = producer
        self._watermark_key = watermark_key
        said = [__version__, producer, watermark_key, picture_formats]
        self._recipe = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:_DIGITS]

    @property
    def longer_than_s(self) -> float:
        """Videos that are longer are made in parts."""
        return 2.0 * self._part_s

    def may_be_long(self, recording: Path) -> bool:
        """Whether a recording has the bytes that a long one has at least."""
        try:
            return recording.stat().st_size > LEAST_BYTES_PER_S * self.longer_than_s
        except OSError:
            return False

    async def claim(self, worker: str, *, task_id: str | None = None) -> tuple[Part, Task] | None:
        """Begin a try at a part. Raises QueueUnavailable."""
        return await self._table.claim(
            worker, recipe=self._recipe, engines=self._engines, lease_s=LEASE_S, task_id=task_id
        )

    async def make(self, part: Part, task: Task, *, preview: Path | None = None) -> None:
        """One try at a part that was claimed. Raises nothing but its cancellation, which gives the
        part back.

        preview   where its latest frame is to lie, too
        """
        began_at = time.time()
        failure: Failure | None = None
        ids = {"task_id": task.task_id, "part": part.number}
        try:
            if not await self._made(part, task, preview):
                return
        except asyncio.CancelledError:
            with suppress(QueueUnavailable):
                await self._table.release(part)
            self._metrics.parts.labels("released").inc()
            raise
        except RequestFailed as error:
            failure = _failure(error.problem, retry=error.retry, explanation=error.explanation)
        except Exception as error:  # of our disk, the storage, or what nobody foresaw
            _log.error("a part failed", extra=ids, exc_info=error)
            failure = _failure(ALGO, retry=True)
        if not await self._told(part, failure) and failure is None:
            await self._remove([part.file])
        outcome = "made" if failure is None else "failed"
        self._metrics.parts.labels(outcome).inc()
        _log.info("part %d: %s", part.number, outcome, extra=ids)
        if self._metrics.traces.is_on:
            told: dict[str, Value | None] = {
                "portravox.task_id": task.task_id,
                "portravox.part": part.number,
            }
            span = Span(
                place=Place.of_request(task.request_id).below(),
                name="part",
                kind="consumer",
                began_at=began_at,
                ended_at=time.time(),
                attributes=told,
                failed=failure is not None,
            )
            self._metrics.traces.record(span)

    async def whole(
        self,
        task: Task,
        folder: Path,
        planned: PlanDone,
        *,
        worker: str,
        seal: SealWanted | None,
        on_share: OnShare,
    ) -> RenderDone:
        """Have the parts of a plan in a folder made, and join them there. Raises RequestFailed,
        StorageUnavailable, OSError."""
        plan = await asyncio.to_thread(_digest, folder, task)
        for name in SHARED:
            if (folder / name).is_file():
                stored = shared_file(task.task_id, plan, name)
                await patiently(partial(self._put, folder / name, stored))
        fps = round(planned.frames / planned.duration_s)
        ranges = even_parts(planned.frames, fps, self._part_s)
        begin = partial(self._table.begin, task, plan=plan, recipe=self._recipe, ranges=ranges)
        await self.remove_files_of(await repeated_while_away(begin, DATABASE))
        parts = await self._all_made(task, len(ranges), worker, folder / PREVIEW_NAME, on_share)
        for part in parts:
            target = folder / part_name(part.number)
            await patiently(partial(self._fetch, part.file, target))
        try:
            return await self._rendering.request(
                JoinRequest(
                    folder=str(folder),
                    parameters=task.job.parameters,
                    frames=tuple(part.frames for part in parts),
                    voice_formats=self._voice_formats,
                    max_voice_s=self._max_voice_s,
                    producer=self._producer,
                    task_id=task.task_id,
                    seal=seal,
                ),
                RenderDone,
                key=task.key_id,
                time_s=self._render_time_s,
            )
        except RequestFailed as error:
            # One of them is not what it is to be: another attempt makes all anew.
            await self.remove_files_of(await self._table.drop(task.task_id))
            raise RequestFailed(error.problem, retry=True) from error

    async def forget(self, task: Task) -> None:
        """Remove what is left of a task's parts, if it has ended."""
        with suppress(QueueUnavailable):  # or the janitor does
            await self.remove_files_of(await self._table.forget_ended(task.task_id))

    async def remove_files_of(self, parts: Iterable[Part]) -> None:
        """Remove the files of parts that were forgotten."""
        await self._remove(files_of(parts))

    async def _all_made(
        self, task: Task, count: int, worker: str, preview: Path, on_share: OnShare
    ) -> tuple[Part, ...]:
        """Make parts of a task until all are made, here or elsewhere. Raises RequestFailed where
        one failed for good."""
        working = asyncio.create_task(self._work_through(task, worker, preview))
        try:
            while True:
                await asyncio.sleep(LOOK_S)
                try:
                    parts = await self._table.of_task(task.task_id)
                except QueueUnavailable:
                    continue
                if len(parts) != count:
                    _log.error("parts are missing", extra={"task_id": task.task_id})
                    raise RequestFailed(ALGO, retry=True)
                on_share(sum(part.done * part.frames for part in parts) / parts[-1].stop)
                for part in parts:
                    if part.failure is not None:
                        told = Problem(500, part.failure.code, part.failure.message)
                        why = part.failure.explanation
                        raise RequestFailed(told, retry=False, explanation=why)
                if all(part.state == "DONE" for part in parts):
                    return parts
        finally:
            await cancelled(working)

    async def _work_through(self, task: Task, worker: str, preview: Path) -> None:
        """Make one part of a task after another, also those that others lose, until cancelled."""
        while True:
            claimed = None
            with suppress(QueueUnavailable):
                claimed = await self.claim(worker, task_id=task.task_id)
            if claimed is None:
                await asyncio.sleep(LOOK_S)
            else:
                await self.make(*claimed, preview=preview)

    async def _made(self, part: Part, task: Task, preview: Path | None) -> bool:
        """Have a part made and stored; False where it is not wanted any more."""
        share = 0.0

        async with self._scratch.folder() as folder:

            def follow(reached: StageReached) -> None:
                nonlocal share
                share = reached.done if reached.stage == "render" else share
                if preview is not None:
                    with suppress(OSError):
                        (folder / PREVIEW_NAME).replace(preview)

            await self._fetch_shared(part, task, folder)
            request = PartRequest(
                folder=str(folder),
                parameters=task.job.parameters,
                first=part.first,
                stop=part.stop,
                picture_formats=self._picture_formats,
                producer=self._producer,
                watermark=told_watermark(self._watermark_key, self._producer, task.task_id),
            )
            drawing = self._rendering.request(
                request,
                PartDone,
                key=task.key_id,
                time_s=self._render_time_s,
                on_stage=follow,
            )

            async def is_ours() -> bool:
                return await self._is_ours(part, share)

            if await done_while_ours(drawing, is_ours, self._scratch) is None:
                return False
            await patiently(partial(self._put, folder / PART_NAME, part.file))
        return True

    async def _fetch_shared(self, part: Part, task: Task, folder: Path) -> None:
        names = [PLAN_NAME, "image"]
        if is_address(str(task.job.parameters.get("background", ""))):
            names.append("background")
        for name in names:
            stored = shared_file(part.task_id, part.plan, name)
            await patiently(partial(self._fetch, stored, folder / name))

    async def _is_ours(self, part: Part, share: float) -> bool:
        """Tell progress; whether to go on, as with tasks."""
        try:
            return await self._table.heartbeat(part, lease_s=LEASE_S, done=share)
        except QueueUnavailable:
            return True

    async def _told(self, part: Part, failure: Failure | None) -> bool:
        """Say what came of a part, again and again while the database is away."""
        ends_at = time.monotonic() + FINISH_PATIENCE_S
        said = 0
        while True:
            said += 1
            try:
                if await self._table.finish(part, failure):
                    return True
                if said == 1:
                    return False
                # The answer to what was said first may have got lost.
                found = await self._table.of_task(part.task_id)
                return any(
                    (each.number, each.tries, each.state) == (part.number, part.tries, "DONE")
                    for each in found
                )
            except QueueUnavailable:
                if time.monotonic() >= ends_at:
                    return True  # nobody knows; what is left is removed with the task
                await asyncio.sleep(FINISH_APART_S)

    def _put(self, file: Path, name: str) -> None:
        descriptor = open_strangers_file(file)
        with os.fdopen(descriptor, "rb") as content:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise StorageFailed(f"cannot store {name}: it is no file")
            self._videos.put(name, content)

    def _fetch(self, name: str, target: Path) -> None:
        stored, stream = self._videos.open(name)
        with (
            stream,
            self._scratch.space.promise(target.parent, stored.size_bytes),
            target.open("wb") as copy,
        ):
            shutil.copyfileobj(stream, copy, _COPIED_AT_ONCE_BYTES)

    async def _remove(self, names: Iterable[str]) -> None:
        """Remove files that nobody needs any more. Where that fails, they go by their age."""
        for name in names:
            try:
                await asyncio.to_thread(self._videos.delete, name)
            except StorageFailed:
                _log.exception("%s was not removed", name)


_COPIED_AT_ONCE_BYTES = 4 * 1024 * 1024
"""An object store is asked once for each piece."""


def _digest(folder: Path, task: Task) -> str:
    """Of all that the frames of a plan depend on, beside the recipe."""
    digest = hashlib.sha256(json.dumps(dict(task.job.parameters), sort_keys=True).encode())
    for name in SHARED:
        if (folder / name).is_file():
            with os.fdopen(open_strangers_file(folder / name), "rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()[:_DIGITS]


def _failure(problem: Problem, *, retry: bool, explanation: Explanation | None = None) -> Failure:
    return Failure(code=problem.code, message=problem.message, retry=retry, explanation=explanation)
