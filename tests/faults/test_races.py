"""Cancel against finish, with a video between them: one end, and a video only where it is told."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from statistics import median
from typing import Any

from portravox.service.tasks.queue import Job, Task
from portravox.service.tasks.states import TaskState
from portravox.service.worker.loop import WorkerLoop
from portravox.service.worker.messages import (
    VIDEO_NAME,
    FetchDone,
    FetchRequest,
    RenderDone,
    RenderRequest,
    Request,
)
from portravox.service.worker.process import OnStage, ProcessPool, ignore_stage
from portravox.service.worker.scratch import ScratchSpace
from tests.faults.world import Ledger, Rounds
from tests.service.conftest import service_in
from tests.service.worker.unstarted import UnstartedProcess

RACES_A_ROUND = 50
"""1,000 in twenty rounds."""

JOB = Job(
    model="liveportrait",
    image_url="http://h/p",
    audio_url="http://h/v",
    parameters={},
    resolve_oss=False,
)


class Quick(UnstartedProcess):
    """Writes a video at once instead of starting a process."""

    async def request(
        self, request: Request, done: type[Any], *, time_s: float, on_stage: OnStage = ignore_stage
    ) -> Any:
        if isinstance(request, FetchRequest):
            return FetchDone(number=1)
        assert isinstance(request, RenderRequest)
        (Path(request.folder) / VIDEO_NAME).write_bytes(b"mp4")
        return RenderDone(number=1, duration_s=1.0)


async def test_cancel_against_finish_leaves_one_end_and_its_video(
    tmp_path: Path, rounds: Rounds, ledger: Ledger
) -> None:
    service = service_in(tmp_path)
    worker = WorkerLoop(
        "w",
        queue=service.queue,
        videos=service.videos,
        scratch=ScratchSpace(
            root=tmp_path / "work",
            uploaded=service.uploads.files,
            allow_nets="",
        ),
        fetching=ProcessPool(lambda: Quick("fetch", memory_mib=256), at_once=2, keep=2),
        rendering=ProcessPool(lambda: Quick("render", memory_mib=512), at_once=1, keep=1),
        slots=1,
        metrics=service.metrics,
        eta=service.eta,
        previews=service.previews,
        render_time_s=60.0,
        task_life_s=3600.0,
    )
    chance = random.Random(1)

    async def claimed() -> Task:
        await service.queue.submit(JOB, key_id="1", key_group="default", request_id="r")
        task = await service.queue.claim("w", lease_s=30.0)
        assert task is not None
        return task

    async def race(lasts_s: float) -> tuple[TaskState, bool]:
        """How it ended, and whether who cancelled was told that it would."""
        task = await claimed()

        async def cancel() -> bool:
            await asyncio.sleep(chance.uniform(0.0, 2.0 * lasts_s))
            return await service.queue.cancel(task.task_id, key_group="default", force=True)

        _, canceled = await asyncio.gather(worker.do(task), cancel())
        first, again = await look(task), await look(task)
        assert first == again
        has_video = service.videos.find(f"{task.task_id}-1.mp4") is not None
        assert has_video == (first.state is TaskState.SUCCEEDED)
        assert (first.result is not None) == has_video
        return first.state, canceled

    async def look(task: Task) -> Task:
        found = await service.queue.get(task.task_id, key_group="default")
        assert found is not None
        return found

    task = await claimed()
    begun = time.perf_counter()
    await worker.do(task)
    lasts_s = median([time.perf_counter() - begun for _ in range(9)])
    ends = [await race(lasts_s) for _ in range(RACES_A_ROUND * rounds.times)]
    await service.queue.close()
    finished, canceled = (
        ends.count((TaskState.SUCCEEDED, False)),
        ends.count((TaskState.CANCELED, True)),
    )
    assert finished + canceled == len(ends)
    assert finished and canceled  # either came first at times
    ledger.add(
        "cancel against finish", len(ends), len(ends), f"{finished} SUCCEEDED, {canceled} CANCELED"
    )
