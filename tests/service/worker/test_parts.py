"""Long videos are made by several workers, and end as others do, whatever becomes of a part."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from portravox.service import problems
from portravox.service.eta import TaskEta
from portravox.service.metrics import Metrics
from portravox.service.previews import Previews
from portravox.service.storage.local import LocalStorage
from portravox.service.storage.uploads import UploadedFiles
from portravox.service.tasks.queue import Job, Task
from portravox.service.tasks.states import TaskState
from portravox.service.worker import parts as parts_module
from portravox.service.worker import patience
from portravox.service.worker.loop import WorkerLoop
from portravox.service.worker.messages import (
    PART_NAME,
    PLAN_NAME,
    VIDEO_NAME,
    FetchDone,
    FetchRequest,
    JoinRequest,
    PartDone,
    PartRequest,
    PlanDone,
    PlanRequest,
    RenderDone,
    Request,
    StageReached,
    part_name,
)
from portravox.service.worker.parts import PartMaker
from portravox.service.worker.process import (
    OnStage,
    ProcessPool,
    RequestFailed,
    WorkerProcess,
    ignore_stage,
)
from portravox.service.worker.scratch import ScratchSpace
from tests.postgres import database_of
from tests.service.worker.unstarted import UnstartedProcess

pytest.importorskip("psycopg", reason="the extra `cluster` is not installed")

from portravox.service.database.database import Database
from portravox.service.tasks.postgres import PostgresTaskQueue

JOB = Job(
    model="m", image_url="http://h/p", audio_url="http://h/v", parameters={}, resolve_oss=False
)
FPS, SECONDS, PART_S = 10, 12, 3.0
DISTURBED = RequestFailed(problems.ALGO, retry=True)


class Machine(UnstartedProcess):
    """Says what a process would, at once; `disturb` may raise or wait before a part is made."""

    def __init__(self, disturb: Callable[[PartRequest], Any] | None = None) -> None:
        super().__init__("render", memory_mib=512)
        self.made: Counter[int] = Counter()
        self._disturb = disturb
        self.seconds = SECONDS
        self.refuses_to_join = 0

    async def request(
        self, request: Request, done: type[Any], *, time_s: float, on_stage: OnStage = ignore_stage
    ) -> Any:
        folder = Path(request.folder)
        match request:
            case FetchRequest():
                (folder / request.file).write_bytes(request.file.encode() * 10_000)
                return FetchDone(number=1)
            case PlanRequest():
                assert request.longer_than_s == 2 * PART_S
                if self.seconds <= request.longer_than_s:
                    return PlanDone(number=1, frames=0, duration_s=self.seconds)
                (folder / PLAN_NAME).write_bytes(b"plan")
                return PlanDone(number=1, frames=FPS * self.seconds, duration_s=self.seconds)
            case PartRequest():
                assert (folder / PLAN_NAME).read_bytes() == b"plan"
                assert (folder / "image").read_bytes().startswith(b"image")
                assert not (folder / "audio").exists()
                on_stage(StageReached(number=1, stage="render", done=0.5))
                if self._disturb is not None:
                    await self._disturb(request)
                self.made[request.first] += 1
                (folder / PART_NAME).write_bytes(b"%d-%d " % (request.first, request.stop))
                return PartDone(number=1)
            case JoinRequest():
                if self.refuses_to_join:
                    self.refuses_to_join -= 1
                    raise RequestFailed(problems.ALGO, retry=False)
                assert request.frames == (30,) * 4
                said = [(folder / part_name(number)).read_bytes() for number in range(4)]
                (folder / VIDEO_NAME).write_bytes(b"".join(said))
                assert (folder / "audio").exists()
                return RenderDone(number=1, duration_s=self.seconds)
            case _:
                (folder / VIDEO_NAME).write_bytes(b"whole")
                return RenderDone(number=1, duration_s=self.seconds)


class Cluster:
    """Machines around one queue and one storage."""

    def __init__(self, folder: Path) -> None:
        self.queue = PostgresTaskQueue(Database(database_of(folder)))
        self.videos = LocalStorage(folder / "videos", reserve_bytes=0)
        self._folder = folder
        self.metrics = Metrics()

    def maker(self, process: WorkerProcess, name: str = "other") -> PartMaker:
        return PartMaker(
            self.queue.parts,
            part_s=PART_S,
            engines=("embedded",),
            videos=self.videos,
            scratch=self._scratch(name),
            rendering=ProcessPool(lambda: process, at_once=1, keep=1),
            metrics=self.metrics,
            render_time_s=60.0,
            picture_formats="original",
            voice_formats="original",
            max_voice_s=180.0,
            producer="Portravox",
            watermark_key="off",
        )

    def loop(self, process: WorkerProcess) -> WorkerLoop:
        pool = ProcessPool(lambda: process, at_once=1, keep=1)
        return WorkerLoop(
            "lead",
            queue=self.queue,
            videos=self.videos,
            scratch=self._scratch("lead"),
            fetching=pool,
            rendering=pool,
            slots=1,
            metrics=self.metrics,
            eta=TaskEta(workers=1),
            previews=Previews(),
            render_time_s=60.0,
            task_life_s=3600.0,
            parts=self.maker(process, "lead"),
        )

    def _scratch(self, name: str) -> ScratchSpace:
        uploaded = UploadedFiles(LocalStorage(self._folder / "uploads"))
        return ScratchSpace(root=self._folder / name, uploaded=uploaded, allow_nets="")

    async def claimed(self) -> Task:
        task = await self.queue.claim("job 1", lease_s=30.0)
        assert task is not None
        return task

    async def submit(self) -> Task:
        await self.queue.submit(JOB, key_id="k", key_group="g", request_id="r")
        return await self.claimed()

    async def now(self, task: Task) -> Task:
        return (await self.queue.find([task.task_id]))[task.task_id]

    def files(self) -> list[str]:
        return sorted(file.name for file in self.videos.entries())


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEARTBEAT_S", 0.02)
    monkeypatch.setattr(parts_module, "LOOK_S", 0.02)


@asynccontextmanager
async def cluster_of(folder: Path):
    cluster = Cluster(folder)
    try:
        yield cluster
    finally:
        await cluster.queue.close()


async def helping(maker: PartMaker, parts: int = 1000) -> None:
    """Make parts as they come, so many at most."""
    while parts > 0:
        claimed = await maker.claim("job 2")
        if claimed is None:
            await asyncio.sleep(0.01)
        else:
            parts -= 1
            await maker.make(*claimed)


def whole(video: bytes) -> bool:
    return video == b"0-30 30-60 60-90 90-120 "


def content(cluster: Cluster, task: Task) -> bytes:
    assert task.result is not None
    _, stream = cluster.videos.open(task.result.video_name)
    with stream:
        return stream.read()


async def test_free_workers_make_parts_and_nothing_of_them_is_left(tmp_path: Path) -> None:
    async def takes_time(request: PartRequest) -> None:
        await asyncio.sleep(0.2)

    async with cluster_of(tmp_path) as cluster:
        lead, other = Machine(takes_time), Machine(takes_time)
        task = await cluster.submit()
        helper = asyncio.create_task(helping(cluster.maker(other)))
        await cluster.loop(lead).do(task)
        helper.cancel()
        ended = await cluster.now(task)
        assert ended.state is TaskState.SUCCEEDED
        assert ended.result is not None and ended.result.duration_s == SECONDS
        assert whole(content(cluster, ended))
        assert lead.made + other.made == Counter({0: 1, 30: 1, 60: 1, 90: 1})
        assert lead.made and other.made
        assert cluster.files() == [ended.result.video_name]
        assert await cluster.queue.rendered_s(key_id="k", since=0.0) == SECONDS


async def test_without_others_the_one_makes_all(tmp_path: Path) -> None:
    async with cluster_of(tmp_path) as cluster:
        task = await cluster.submit()
        await cluster.loop(Machine()).do(task)
        assert whole(content(cluster, await cluster.now(task)))


async def test_a_short_video_is_made_as_a_whole(tmp_path: Path) -> None:
    async with cluster_of(tmp_path) as cluster:
        process = Machine()
        process.seconds = 6
        task = await cluster.submit()
        await cluster.loop(process).do(task)
        ended = await cluster.now(task)
        assert content(cluster, ended) == b"whole"
        assert await cluster.queue.parts.of_task(task.task_id) == ()


async def test_progress_adds_up_and_never_goes_back(tmp_path: Path) -> None:
    seen: list[float] = []

    async with cluster_of(tmp_path) as cluster:
        task = await cluster.submit()

        expected = [0.08 + 0.9 * (number + 0.5) / 4 for number in range(4)]

        async def looks(request: PartRequest) -> None:
            # A heartbeat tells of the part, then a look at all parts: load decides when.
            async with asyncio.timeout(20.0):
                while (done := (await cluster.now(task)).done) < expected[len(seen)] - 0.01:
                    await asyncio.sleep(0.02)
            seen.append(done)

        await cluster.loop(Machine(looks)).do(task)
        assert seen == pytest.approx(expected, abs=0.02)


async def test_only_the_part_that_was_lost_is_made_again(tmp_path: Path) -> None:
    async with cluster_of(tmp_path) as cluster:
        held = asyncio.Event()

        async def never_ends(request: PartRequest) -> None:
            held.set()
            await asyncio.Event().wait()

        async def waits_for_the_other(request: PartRequest) -> None:
            await held.wait()

        task = await cluster.submit()
        lead = Machine(waits_for_the_other)
        lost = asyncio.create_task(helping(cluster.maker(Machine(never_ends)), parts=1))
        making = asyncio.create_task(cluster.loop(lead).do(task))
        await held.wait()
        while sum(part.state == "DONE" for part in await parts_of(cluster, task)) < 3:
            await asyncio.sleep(0.02)
        await cluster.queue.parts.requeue_expired(["job 2"])  # as upkeep does for who is gone
        await making
        assert whole(content(cluster, await cluster.now(task)))
        assert set(lead.made.values()) == {1}
        lost.cancel()
        await asyncio.gather(lost, return_exceptions=True)


async def parts_of(cluster: Cluster, task: Task):
    return await cluster.queue.parts.of_task(task.task_id)


@pytest.mark.parametrize(
    ("failure", "tries"), [(DISTURBED, 3), (RequestFailed(problems.TIMEOUT, retry=False), 1)]
)
async def test_a_part_that_fails_for_good_fails_the_task(
    tmp_path: Path, failure: RequestFailed, tries: int
) -> None:
    tried = Counter[int]()

    async def fails(request: PartRequest) -> None:
        if request.first == 30:
            tried[request.first] += 1
            raise failure

    async with cluster_of(tmp_path) as cluster:
        task = await cluster.submit()
        await cluster.loop(Machine(fails)).do(task)
        ended = await cluster.now(task)
        assert (ended.state, ended.code) == (TaskState.FAILED, failure.problem.code)
        assert tried[30] == tries
        assert cluster.files() == []
        assert await parts_of(cluster, task) == ()


async def test_a_cancelled_video_ends_everywhere(tmp_path: Path) -> None:
    async def never_ends(request: PartRequest) -> None:
        await asyncio.Event().wait()

    async with cluster_of(tmp_path) as cluster:
        task = await cluster.submit()
        maker = cluster.maker(Machine(never_ends))
        making = asyncio.create_task(cluster.loop(Machine(never_ends)).do(task))
        while (claimed := await maker.claim("job 2")) is None:
            await asyncio.sleep(0.02)
        elsewhere = asyncio.create_task(maker.make(*claimed))
        await asyncio.sleep(0.1)
        assert await cluster.queue.cancel(task.task_id, key_group="g", force=True)
        await asyncio.wait_for(asyncio.gather(making, elsewhere), 5.0)
        assert (await cluster.now(task)).state is TaskState.CANCELED
        assert cluster.files() == []
        assert await parts_of(cluster, task) == ()


async def test_parts_of_an_attempt_that_died_are_of_use_to_the_next(tmp_path: Path) -> None:
    async with cluster_of(tmp_path) as cluster:

        async def ends_at_the_third(request: PartRequest) -> None:
            if request.first == 60:
                await asyncio.Event().wait()

        task = await cluster.submit()
        dying = asyncio.create_task(cluster.loop(Machine(ends_at_the_third)).do(task))
        while [part.state for part in await parts_of(cluster, task)][:3] != [
            "DONE",
            "DONE",
            "RUNNING",
        ]:
            await asyncio.sleep(0.02)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        again = Machine()
        await cluster.loop(again).do(await cluster.claimed())
        assert again.made == Counter({60: 1, 90: 1})
        ended = await cluster.now(task)
        assert whole(content(cluster, ended))
        assert ended.result is not None
        assert cluster.files() == [ended.result.video_name]


async def test_where_parts_cannot_be_joined_all_is_made_anew(tmp_path: Path) -> None:
    async with cluster_of(tmp_path) as cluster:
        process = Machine()
        process.refuses_to_join = 1
        task = await cluster.submit()
        await cluster.loop(process).do(task)
        assert (await cluster.now(task)).state is TaskState.PENDING
        assert cluster.files() == []
        await cluster.loop(process).do(await cluster.claimed())
        assert whole(content(cluster, await cluster.now(task)))
        assert process.made == Counter({0: 2, 30: 2, 60: 2, 90: 2})
