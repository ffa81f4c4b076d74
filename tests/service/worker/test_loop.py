"""One task, one end: whatever becomes of the process that does it."""

from __future__ import annotations

import asyncio
import logging
import math
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from portravox.labels.signer import Signer
from portravox.service import problems
from portravox.service.errors import StorageUnavailable
from portravox.service.explanations import explanation
from portravox.service.storage.base import Stored
from portravox.service.storage.local import LocalStorage
from portravox.service.streams import StreamCut, Streams
from portravox.service.tasks.queue import Job, KeyLimits, Task
from portravox.service.tasks.states import TaskState
from portravox.service.traces import Place
from portravox.service.worker import patience
from portravox.service.worker.loop import SLOW_FETCHES_PER_SLOT_AND_KEY, WorkerLoop
from portravox.service.worker.messages import (
    CAPTIONS_NAME,
    STREAM_NAME,
    VIDEO_NAME,
    FetchDone,
    FetchRequest,
    RenderDone,
    RenderRequest,
    Request,
    StageReached,
)
from portravox.service.worker.process import (
    OnStage,
    ProcessPool,
    RequestFailed,
    WorkerProcess,
    ignore_stage,
)
from portravox.service.worker.scratch import ScratchSpace
from tests.service.conftest import JOB, Server
from tests.service.worker.unstarted import UnstartedProcess

Deed = Callable[[RenderRequest], Awaitable[RenderDone]]
Playing = Callable[..., Any]


class OneDeed(UnstartedProcess):
    """Fetches nothing and renders as the test says, instead of starting a process."""

    def __init__(self, deed: Deed) -> None:
        super().__init__("render", memory_mib=512)
        self._deed = deed

    async def request(
        self, request: Request, done: type[Any], *, time_s: float, on_stage: OnStage = ignore_stage
    ) -> Any:
        if isinstance(request, FetchRequest):
            return FetchDone(number=1)
        assert isinstance(request, RenderRequest)
        on_stage(StageReached(number=1, stage="render", done=0.5))
        async with asyncio.timeout(time_s):
            return await self._deed(request)


async def video(request: RenderRequest) -> RenderDone:
    (Path(request.folder) / VIDEO_NAME).write_bytes(b"mp4")
    return RenderDone(number=1, duration_s=2.0)


async def captioned(request: RenderRequest) -> RenderDone:
    (Path(request.folder) / CAPTIONS_NAME).write_bytes(b"WEBVTT")
    return await video(request)


async def takes_all(request: RenderRequest) -> RenderDone:
    assert request.voice_formats == "all"
    return await video(request)


async def breaks(request: RenderRequest) -> RenderDone:
    raise RequestFailed(problems.ALGO, retry=True)


async def faceless(request: RenderRequest) -> RenderDone:
    raise RequestFailed(
        problems.NO_FACE, retry=False, explanation=explanation("no_face_found", "it shows a wall")
    )


async def endless(request: RenderRequest) -> RenderDone:
    await asyncio.Event().wait()
    return RenderDone(number=1, duration_s=2.0)


def worker_of(
    server: Server,
    folder: Path,
    deed: Deed,
    *,
    task_life_s: float = 3600.0,
    fetch: Callable[[], WorkerProcess] | None = None,
    streams: Streams | None = None,
    signer: Signer | None = None,
) -> WorkerLoop:
    service = server.service
    return WorkerLoop(
        "w",
        queue=service.queue,
        videos=service.videos,
        scratch=ScratchSpace(
            root=folder / "work",
            uploaded=service.uploads.files,
            allow_nets="",
        ),
        fetching=ProcessPool(fetch or (lambda: OneDeed(deed)), at_once=9, keep=2),
        rendering=ProcessPool(lambda: OneDeed(deed), at_once=1, keep=1),
        slots=1,
        metrics=service.metrics,
        eta=service.eta,
        previews=service.previews,
        streams=streams,
        render_time_s=60.0,
        task_life_s=task_life_s,
        voice_formats="all",
        signer=signer,
    )


class SometimesAway(LocalStorage):
    """A storage that is away for some calls of `put` and `find`."""

    def __init__(self, folder: Path, calls: float) -> None:
        super().__init__(folder, reserve_bytes=0)
        self.calls_left = calls

    def _require_here(self) -> None:
        self.calls_left -= 1
        if self.calls_left >= 0:
            raise StorageUnavailable("the store answers 503")

    def put(self, name: str, content: BinaryIO) -> Stored:
        """See `Storage`."""
        self._require_here()
        return super().put(name, content)

    def find(self, name: str) -> Stored | None:
        """See `Storage`."""
        self._require_here()
        return super().find(name)


async def claimed(server: Server, job: Job = JOB) -> Task:
    queue = server.service.queue
    await queue.submit(job, key_id="1", key_group="default", request_id="r")
    task = await queue.claim("w", lease_s=30.0)
    assert task is not None
    return task


async def after(server: Server, task: Task) -> Task:
    found = await server.service.queue.get(task.task_id, key_group="default")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("deed", "state", "code"),
    [
        (video, TaskState.SUCCEEDED, None),
        (takes_all, TaskState.SUCCEEDED, None),
        (breaks, TaskState.PENDING, None),
        (faceless, TaskState.FAILED, "InvalidImage.NoHumanFace"),
    ],
)
async def test_what_the_process_did_is_what_the_task_says(
    playing: Playing, tmp_path: Path, deed: Deed, state: TaskState, code: str | None
) -> None:
    async with playing() as server:
        task = await claimed(server)
        await worker_of(server, tmp_path, deed).do(task)
        ended = await after(server, task)
        assert (ended.state, ended.code) == (state, code)
        videos = list(server.service.videos.entries())
        assert len(videos) == (1 if state is TaskState.SUCCEEDED else 0)
        assert list((tmp_path / "work").iterdir()) == []


async def test_a_cancelled_task_ends_within_a_second(playing: Playing, tmp_path: Path) -> None:
    async with playing() as server:
        task = await claimed(server)
        doing = asyncio.create_task(worker_of(server, tmp_path, endless).do(task))
        await asyncio.sleep(0.05)
        await server.service.queue.cancel(task.task_id, key_group="default", force=True)
        await asyncio.wait_for(doing, 1.0)
        assert (await after(server, task)).state is TaskState.CANCELED


async def test_a_server_that_stops_gives_its_task_back(playing: Playing, tmp_path: Path) -> None:
    async with playing() as server:
        queue = server.service.queue
        task = await queue.submit(JOB, key_id="1", key_group="default", request_id="r")
        worker = worker_of(server, tmp_path, endless)
        worker.start()
        await asyncio.sleep(0.1)
        assert (await after(server, task)).state is TaskState.RUNNING
        await worker.stop(drain_s=0.05, hurry=asyncio.Event())
        assert (await after(server, task)).state is TaskState.PENDING


async def test_who_is_in_a_hurry_does_not_wait_for_a_video(
    playing: Playing, tmp_path: Path
) -> None:
    async with playing() as server:
        task = await server.service.queue.submit(
            JOB, key_id="1", key_group="default", request_id="r"
        )
        worker = worker_of(server, tmp_path, endless)
        worker.start()
        hurry = asyncio.Event()
        stopping = asyncio.create_task(worker.stop(drain_s=60.0, hurry=hurry))
        await asyncio.sleep(0.1)
        assert not stopping.done()
        hurry.set()
        await asyncio.wait_for(stopping, 1.0)
        assert (await after(server, task)).state is TaskState.PENDING


async def test_a_task_past_its_life_is_not_begun(playing: Playing, tmp_path: Path) -> None:
    async with playing() as server:
        task = await claimed(server)
        worker = worker_of(server, tmp_path, endless, task_life_s=1e-6)
        await asyncio.wait_for(worker.do(task), 1.0)
        ended = await after(server, task)
        assert (ended.state, ended.code) == (TaskState.FAILED, "InternalError.Timeout")


async def test_an_upload_that_is_none_fails_its_task_as_a_download(
    playing: Playing, tmp_path: Path
) -> None:
    job = Job(
        model="liveportrait",
        image_url="oss://dashscope-instant/x/y/z.png",
        audio_url="http://h/v",
        parameters={},
        resolve_oss=True,
    )
    async with playing() as server:
        task = await claimed(server, job)
        await worker_of(server, tmp_path, video).do(task)
        ended = await after(server, task)
        assert ended.code == "InvalidParameter.InputDownloadFailed"
        assert ended.explanation is not None
        assert (ended.explanation.file, ended.explanation.reason) == ("image", "upload_unknown")


async def test_why_a_task_failed_stands_in_the_log_under_its_id(
    playing: Playing, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def play() -> str:
        async with playing() as server:
            task = await claimed(server)
            with caplog.at_level(logging.INFO, "portravox.worker"):
                await worker_of(server, tmp_path, faceless).do(task)
            return task.task_id

    task_id = await play()
    [line] = [record for record in caplog.records if "attempt ended" in record.message]
    assert getattr(line, "task_id") == task_id  # noqa: B009 - it is no attribute of all records
    assert "InvalidImage.NoHumanFace (image: no_face_found: it shows a wall)" in line.message


async def test_a_worker_to_whom_the_system_refuses_a_process_goes_on(
    playing: Playing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portravox.service.worker.loop.LOOK_S", 0.01)
    refused = asyncio.Event()

    async def refuse(_: WorkerProcess) -> None:
        refused.set()
        raise BlockingIOError("no more processes")

    async with playing() as server:
        monkeypatch.setattr(OneDeed, "warm", refuse)
        worker = worker_of(server, tmp_path, video)
        worker.start()
        await refused.wait()
        task = await server.service.queue.submit(
            JOB, key_id="1", key_group="default", request_id="r"
        )
        async with asyncio.timeout(5.0):
            while not (await after(server, task)).state.ended:
                await asyncio.sleep(0.01)
        await worker.stop(drain_s=0.0, hurry=asyncio.Event())


class Dripping(OneDeed):
    """Fetches what comes from /drip for ever, and all else at once."""

    def __init__(self) -> None:
        super().__init__(video)

    async def request(
        self, request: Request, done: type[Any], *, time_s: float, on_stage: OnStage = ignore_stage
    ) -> Any:
        assert isinstance(request, FetchRequest)
        if request.url.endswith("/drip"):
            await asyncio.Event().wait()
        return FetchDone(number=1)


DRIP = replace(JOB, image_url="http://h/drip")


async def ended(server: Server, *tasks: Task, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        for task in tasks:
            while not (await after(server, task)).state.ended:
                await asyncio.sleep(0.01)


async def test_a_slow_address_holds_up_no_other_key_and_takes_few_tasks_with_it(
    playing: Playing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portravox.service.worker.loop.SLOW_FETCH_S", 0.1)
    async with playing() as server:
        queue = server.service.queue
        slow = [
            await queue.submit(DRIP, key_id="1", key_group="default", request_id="r")
            for _ in range(20)
        ]
        worker = worker_of(server, tmp_path, video, fetch=Dripping)
        worker.start()
        await asyncio.sleep(0.5)
        begun = [task for task in slow if (await after(server, task)).attempt > 0]
        assert len(begun) == SLOW_FETCHES_PER_SLOT_AND_KEY
        others = [
            await queue.submit(JOB, key_id=str(key), key_group="default", request_id="r")
            for key in (2, 3)
        ]
        await ended(server, *others, within_s=1.0)
        assert {(await after(server, task)).state for task in others} == {TaskState.SUCCEEDED}
        await worker.stop(drain_s=0.0, hurry=asyncio.Event())
        assert {(await after(server, task)).state for task in slow} == {TaskState.PENDING}


async def test_transcripts_of_one_key_are_read_one_at_a_time_and_hold_up_no_other(
    playing: Playing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portravox.service.worker.loop.SLOW_FETCH_S", 0.05)
    reading = Counter[str]()
    most = Counter[str]()

    async def read(parameters: Mapping[str, Any], folder: Path) -> None:
        key = parameters["transcript"]
        reading[key] += 1
        most[key] = max(most[key], reading[key])
        await (asyncio.Event().wait() if key == "1" else asyncio.sleep(0))
        reading[key] -= 1

    monkeypatch.setattr("portravox.service.worker.loop.write_words", read)
    async with playing() as server:
        queue = server.service.queue
        submitted = [
            await queue.submit(
                replace(JOB, parameters={"transcript": key}),
                key_id=key,
                key_group="default",
                request_id="r",
            )
            for key in "1111122"
        ]
        worker = worker_of(server, tmp_path, captioned)
        worker.start()
        await ended(server, *submitted[-2:], within_s=5.0)
        assert most == {"1": 1, "2": 1}
        await worker.stop(drain_s=0.0, hurry=asyncio.Event())


async def test_quick_fetches_begin_no_more_tasks_than_can_be_rendered(
    playing: Playing, tmp_path: Path
) -> None:
    async with playing() as server:
        queue = server.service.queue
        for _ in range(5):
            await queue.submit(JOB, key_id="1", key_group="default", request_id="r")
        worker = worker_of(server, tmp_path, endless)
        worker.start()
        while (await queue.counts())[TaskState.RUNNING] == 0:  # on a busy machine
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert (await queue.counts())[TaskState.RUNNING] == 1
        await worker.stop(drain_s=0.0, hurry=asyncio.Event())


async def test_a_keys_limit_of_running_tasks_holds_for_those_that_fetch(
    playing: Playing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portravox.service.worker.loop.SLOW_FETCH_S", 0.05)
    async with playing() as server:
        queue = server.service.queue
        monkeypatch.setattr(queue, "_limits_of", lambda key_id: KeyLimits(max_running=1))
        for _ in range(5):
            await queue.submit(DRIP, key_id="1", key_group="default", request_id="r")
        worker = worker_of(server, tmp_path, video, fetch=Dripping)
        worker.start()
        await asyncio.sleep(0.3)
        assert (await queue.counts())[TaskState.RUNNING] == 1
        await worker.stop(drain_s=0.0, hurry=asyncio.Event())


@pytest.mark.parametrize("error", [RuntimeError("x"), ValueError("x"), KeyError("x"), OSError("x")])
async def test_an_error_that_nobody_foresaw_costs_one_attempt_and_not_the_worker(
    playing: Playing, tmp_path: Path, error: Exception
) -> None:
    broken = [error]

    async def breaks_once(request: RenderRequest) -> RenderDone:
        if broken:
            raise broken.pop()
        return await video(request)

    async with playing() as server:
        task = await claimed(server)
        worker = worker_of(server, tmp_path, breaks_once)
        await worker.do(task)
        assert (await after(server, task)).state is TaskState.PENDING
        worker.start()
        await ended(server, task, within_s=2.0)
        again = await after(server, task)
        assert (again.state, again.attempt) == (TaskState.SUCCEEDED, 2)
        await worker.stop(drain_s=0.0, hurry=asyncio.Event())


@pytest.mark.parametrize("method", ["claim", "finish", "heartbeat"])
async def test_a_table_that_breaks_in_an_unknown_way_stops_no_worker(
    playing: Playing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr("portravox.service.worker.loop.LOOK_S", 0.01)
    async with playing() as server:
        queue = server.service.queue
        real, broken = getattr(queue, method), [RuntimeError("x"), KeyError("y")]

        async def breaks_twice(*arguments: Any, **named: Any) -> Any:
            if broken:
                raise broken.pop()
            return await real(*arguments, **named)

        monkeypatch.setattr(queue, method, breaks_twice)
        tasks = [
            await queue.submit(JOB, key_id="1", key_group="default", request_id="r")
            for _ in range(4)
        ]
        worker = worker_of(server, tmp_path, video)
        worker.start()
        async with asyncio.timeout(5.0):
            while broken:
                await asyncio.sleep(0.01)
        await queue.requeue_expired(math.inf)  # what ended untold waits for its lease
        await ended(server, *tasks, within_s=5.0)
        assert worker.trouble() is None
        await worker.stop(drain_s=0.0, hurry=asyncio.Event())


async def test_what_the_process_left_instead_of_a_video_is_not_given_to_clients(
    playing: Playing, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")

    async def links(request: RenderRequest) -> RenderDone:
        (Path(request.folder) / VIDEO_NAME).symlink_to(secret)
        return RenderDone(number=1, duration_s=2.0)

    async def pipes(request: RenderRequest) -> RenderDone:
        os.mkfifo(Path(request.folder) / VIDEO_NAME)
        return RenderDone(number=1, duration_s=2.0)

    async with playing() as server:
        for deed in (links, pipes):
            task = await claimed(server)
            await asyncio.wait_for(worker_of(server, tmp_path, deed).do(task), 2.0)
            assert (await after(server, task)).result is None
            assert list(server.service.videos.entries()) == []
            await server.service.queue.cancel(task.task_id, key_group="default")


async def test_a_worker_says_why_nothing_is_done(
    playing: Playing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(process: WorkerProcess) -> None:
        process.failed_starts += 1
        raise BlockingIOError("no more processes")

    monkeypatch.setattr("portravox.service.worker.process.WARM_RETRY_S", 0.001)
    async with playing() as server:
        worker = worker_of(server, tmp_path, video)
        assert worker.trouble() == "the worker loop has ended"
        worker.start()
        await asyncio.sleep(0.05)
        assert worker.trouble() is None
        monkeypatch.setattr("portravox.service.worker.loop.STALLED_S", -1.0)
        assert "no sign of life" in (worker.trouble() or "")
        monkeypatch.undo()
        await worker.stop(drain_s=0.0, hurry=asyncio.Event())
        assert worker.trouble() == "the worker loop has ended"

        monkeypatch.setattr("portravox.service.worker.process.WARM_RETRY_S", 0.001)
        monkeypatch.setattr(OneDeed, "warm", refuse)
        worker = worker_of(server, tmp_path, video)
        worker.start()
        await asyncio.sleep(0.1)
        assert "failed to start" in (worker.trouble() or "")
        await worker.stop(drain_s=0.0, hurry=asyncio.Event())


def with_storage(server: Server, storage: LocalStorage) -> Server:
    return replace(server, service=replace(server.service, videos=storage))


async def test_a_video_waits_for_a_storage_that_is_away(
    playing: Playing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "STORAGE", replace(patience.STORAGE, first_pause_s=0.01))
    async with playing() as server:
        away = with_storage(server, SometimesAway(tmp_path / "videos", calls=3))
        task = await claimed(away)
        await worker_of(away, tmp_path, video).do(task)
        ended = await after(away, task)
        assert (ended.state, ended.attempt) == (TaskState.SUCCEEDED, 1)
        assert ended.result is not None
        assert away.service.videos.find(ended.result.video_name) is not None


async def test_an_attempt_whose_storage_stays_away_is_made_again(
    playing: Playing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "STORAGE", replace(patience.STORAGE, for_s=0.0))
    async with playing() as server:
        storage = SometimesAway(tmp_path / "videos", calls=math.inf)
        away = with_storage(server, storage)
        task = await claimed(away)
        await worker_of(away, tmp_path, video).do(task)
        assert (await after(away, task)).state is TaskState.PENDING
        storage.calls_left = 0
        again = await away.service.queue.claim("w", lease_s=30.0)
        assert again is not None
        await worker_of(away, tmp_path, video).do(again)
        assert (await after(away, task)).state is TaskState.SUCCEEDED


async def test_a_canceled_task_does_not_wait_for_the_storage(
    playing: Playing, tmp_path: Path
) -> None:
    async with playing() as server:
        away = with_storage(server, SometimesAway(tmp_path / "videos", calls=math.inf))
        task = await claimed(away)
        working = asyncio.create_task(worker_of(away, tmp_path, video).do(task))
        await asyncio.sleep(0.3)
        assert await away.service.queue.cancel(task.task_id, key_group="default", force=True)
        async with asyncio.timeout(20.0):
            await working
        assert (await after(away, task)).state is TaskState.CANCELED


@pytest.mark.parametrize(
    ("streamed", "breaks_after", "seen"),
    [(True, False, b"a whole video"), (False, False, None), (True, True, None)],
)
async def test_who_watches_gets_all_of_an_attempt_or_is_cut_off(
    playing: Playing, tmp_path: Path, streamed: bool, breaks_after: bool, seen: bytes | None
) -> None:
    written, goes_on = asyncio.Event(), asyncio.Event()

    async def streams(request: RenderRequest) -> RenderDone:
        assert request.may_be_watched
        (Path(request.folder) / VIDEO_NAME).write_bytes(b"mp4")
        (Path(request.folder) / STREAM_NAME).write_bytes(b"a whole video")
        written.set()
        await goes_on.wait()
        if breaks_after:
            raise RequestFailed(problems.ALGO, retry=True)
        return RenderDone(number=1, duration_s=2.0, streamed=streamed)

    async with playing() as server:
        shown = Streams()
        worker = worker_of(server, tmp_path, streams, streams=shown)
        task = await claimed(server)
        doing = asyncio.create_task(worker.do(task))
        await written.wait()
        video = shown.find(task.task_id)
        assert video is not None

        async def watch() -> bytes:
            return b"".join([piece async for piece in video.pieces()])

        watching = asyncio.create_task(watch())
        await asyncio.sleep(0.02)
        goes_on.set()
        await doing
        if seen is None:
            with pytest.raises(StreamCut):
                await watching
        else:
            assert await watching == seen
        assert shown.find(task.task_id) is None
        assert (await after(server, task)).state is (
            TaskState.PENDING if breaks_after else TaskState.SUCCEEDED
        )


async def test_where_nobody_can_watch_nothing_is_written_for_it(
    playing: Playing, tmp_path: Path
) -> None:
    async def asked(request: RenderRequest) -> RenderDone:
        assert not request.may_be_watched
        return await video(request)

    async with playing() as server:
        task = await claimed(server)
        await worker_of(server, tmp_path, asked).do(task)
        assert (await after(server, task)).state is TaskState.SUCCEEDED


async def test_an_attempt_and_its_stages_continue_the_trace_of_the_request(
    playing: Playing, tmp_path: Path
) -> None:
    async with playing() as server:
        task = await claimed(server)
        traces = server.service.metrics.traces
        traces._url = "http://nowhere"  # nobody sends what is taken
        await worker_of(server, tmp_path, video).do(task)
        spans = [traces._waiting.get_nowait() for _ in range(traces._waiting.qsize())]
        place = Place.of_request(task.request_id)
        assert {span.place.trace_id for span in spans} == {place.trace_id}
        [attempt] = [span for span in spans if span.name == "attempt"]
        assert attempt.place.parent_id == place.span_id
        assert attempt.attributes["portravox.outcome"] == "Result"
        stages = [span for span in spans if span is not attempt]
        assert [span.name for span in stages] == ["download", "render", "publish"]
        assert {span.place.parent_id for span in stages} == {attempt.place.span_id}
        assert attempt.began_at - 0.01 <= stages[0].began_at <= stages[-1].ended_at
