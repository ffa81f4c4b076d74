"""The worker loop: claims tasks, has worker processes do them and says what came of them.

Flow      TaskQueue.claim -> loop -> ProcessPool: fetch, then render -> Storage.put
          -> TaskQueue.finish

Whatever happens to a task, exactly one `finish` counts. A video is stored before it is told, under
a name that only this attempt has, and removed again if the task was claimed by another attempt or
has ended meanwhile.

Files are fetched by processes of their own. A task whose files are slow to come makes room for the
next one: it takes part in the turns for rendering once it has them
(docs/decisions/0018-fetching-holds-no-render-slot.md).
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from portravox.captions.files import KINDS
from portravox.errors import PortravoxError
from portravox.labels.aigc import PRODUCER
from portravox.labels.signer import Signer
from portravox.labels.watermark_key import OFF
from portravox.options import is_address
from portravox.pipeline import STAGE_STARTS
from portravox.service import explanations
from portravox.service.errors import (
    QueueUnavailable,
    StorageFailed,
    StorageUnavailable,
    UploadUnknown,
)
from portravox.service.eta import TaskEta, Work
from portravox.service.metrics import Metrics
from portravox.service.previews import ShowsPreviews
from portravox.service.problems import (
    ALGO,
    NO_SPEECH,
    NOT_STORED,
    ORIGINAL_VOICE_S,
    TIMEOUT,
    Problem,
    failure_of,
    of_voices_up_to,
)
from portravox.service.storage.base import Storage
from portravox.service.streams import StreamedVideo, Streams
from portravox.service.tasks.queue import (
    LEASE_S,
    Explanation,
    Failure,
    Outcome,
    Released,
    Result,
    Task,
    TaskQueue,
)
from portravox.service.tasks.task import captions_name
from portravox.service.traces import Place, Span, Value
from portravox.service.worker.fair import FairTurns
from portravox.service.worker.fonts import copy_font
from portravox.service.worker.messages import (
    CAPTIONS_NAME,
    PREVIEW_NAME,
    STREAM_NAME,
    VIDEO_NAME,
    FetchDone,
    Formats,
    InputFile,
    PlanDone,
    PlanRequest,
    RenderDone,
    RenderRequest,
    StageReached,
    told_watermark,
)
from portravox.service.worker.parts import PartMaker
from portravox.service.worker.patience import (
    STORAGE,
    done_while_ours,
    patiently,
    repeated_while_away,
)
from portravox.service.worker.process import ProcessPool, RequestFailed
from portravox.service.worker.scratch import ScratchSpace
from portravox.service.worker.sealing import Sealing
from portravox.service.worker.speaker import Speaker
from portravox.service.worker.transcripts import write_words
from portravox.system import open_strangers_file

LOOK_S = 1.0
"""How often an idle worker looks for tasks without being told of any."""

MAX_PAUSE_S = 30.0
"""The longest pause after an error of ours; the first one is LOOK_S, then twice as long each time.
Our choice."""

SLOW_FETCH_S = 1.0
"""A task that fetches for longer makes room for the next one. Our choice: most files come within
it, so that no more tasks are begun than can be rendered at once."""

SLOW_FETCHES_PER_SLOT = 8
SLOW_FETCHES_PER_SLOT_AND_KEY = 2
"""Tasks that may fetch slowly, for each that may be rendered: in all, and of one key. Beyond these,
no task of the key is claimed; beyond those, none at all. Our choice: four keys with addresses that
give a byte a second do not stop a fifth one, and take 8 processes of 40 MB."""

STALLED_S = 10.0
"""A loop that gave no sign of life for so long counts as dead. It gives one every LOOK_S, and
writes to the table in between. Our choice."""

FAILED_STARTS = 3
"""After so many in a row the processes count as impossible to start. Our choice."""

FETCH_TIME_S = 70.0
"""How long fetching one file may take; the fetcher itself gives up after 60."""

READERS_AT_ONCE = 2
READERS_PER_KEY = 1
"""Transcripts that are read at the same time: of all keys, and of one. They hold no render slot,
and one may take 20 s of a core. Our choice."""

_log = logging.getLogger("portravox.worker")


class Worker(Protocol):
    """What does tasks in this process, whoever brings them."""

    name: str

    @property
    def heartbeat_age_s(self) -> float: ...

    @property
    def failed_starts(self) -> int: ...

    def trouble(self) -> str | None:
        """Why no task is done here, if so."""

    async def stop(self, *, drain_s: float, hurry: asyncio.Event) -> None:
        """Take no more; the tasks at hand may go on for so long, or until somebody is in a hurry.
        Then they are given back."""


class WorkerLoop:
    """Does as many tasks at a time as there are render processes."""

    def __init__(
        self,
        name: str,
        *,
        queue: TaskQueue,
        videos: Storage,
        scratch: ScratchSpace,
        fetching: ProcessPool,
        rendering: ProcessPool,
        slots: int,
        metrics: Metrics,
        eta: TaskEta,
        previews: ShowsPreviews,
        streams: Streams | None = None,
        speaker: Speaker | None = None,
        render_time_s: float,
        task_life_s: float,
        picture_formats: Formats = "original",
        voice_formats: Formats = "original",
        max_voice_s: float = ORIGINAL_VOICE_S,
        producer: str = PRODUCER,
        signer: Signer | None = None,
        watermark_key: str = OFF,
        parts: PartMaker | None = None,
    ) -> None:
        """
        slots     how many tasks may be rendered at once, as many as `rendering` has processes
        streams   by which videos are watched while they are made; None: nobody can
        speaker   who speaks the texts of tasks; None: nobody does
        producer  who makes the videos, named in their labels
        signer    who signs where each comes from; None: nobody does
        watermark_key  of the marks in their pictures, which tell the numbers of tasks
        parts     by whom long videos are made together with other workers; None: here, as a whole
        """
        self.name = name
        self._queue = queue
        self._videos = videos
        self._scratch = scratch
        self._fetching = fetching
        self._rendering = rendering
        self._slots = slots
        self._metrics = metrics
        self._eta = eta
        self._previews = previews
        self._streams = streams
        self._speaker = speaker
        self._render_time_s = render_time_s
        self._task_life_s = task_life_s
        self._picture_formats: Formats = picture_formats
        self._voice_formats: Formats = voice_formats
        self._max_voice_s = max_voice_s
        self._producer = producer
        self._signer = signer
        self._readers = FairTurns(READERS_AT_ONCE, per_key=READERS_PER_KEY)
        self._watermark_key = watermark_key
        self._parts = parts
        self._stopping = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._attempts: dict[asyncio.Task[None], _Attempt] = {}
        self._alive_at = time.monotonic()

    def start(self) -> None:
        """Begin to take tasks."""
        self._alive_at = time.monotonic()
        self.keep_warm()
        self._loop = asyncio.create_task(self._take_tasks(), name=self.name)

    async def stop(self, *, drain_s: float, hurry: asyncio.Event) -> None:
        """Take no more; the tasks at hand may go on for so long, or until somebody is in a hurry.
        Then they are given back."""
        self._stopping.set()
        hurried = asyncio.create_task(hurry.wait())
        drained = asyncio.create_task(self._drain())
        await asyncio.wait([drained, hurried], timeout=drain_s, return_when=asyncio.FIRST_COMPLETED)
        ends: list[asyncio.Task[None]] = [drained, *self._attempts]
        if self._loop is not None:
            ends.append(self._loop)
        for end in (*ends, hurried):
            end.cancel()
        await asyncio.gather(*ends, hurried, return_exceptions=True)
        await self.close_processes()

    def keep_warm(self) -> None:
        """Start processes before there is work for them."""
        self._rendering.keep_warm()
        self._fetching.keep_warm()

    async def close_processes(self) -> None:
        """End all processes."""
        await self._fetching.close()
        await self._rendering.close()
        if self._speaker is not None:
            self._speaker.close()

    @property
    def heartbeat_age_s(self) -> float:
        """How long ago the loop gave its latest sign of life."""
        return time.monotonic() - self._alive_at

    @property
    def failed_starts(self) -> int:
        """How often in a row a process could not be started."""
        return max(self._fetching.failed_starts, self._rendering.failed_starts)

    def trouble(self) -> str | None:
        """Why no task is done here, if so."""
        if self._loop is None or self._loop.done():
            return "the worker loop has ended"
        if self.heartbeat_age_s > STALLED_S:
            return f"the worker loop gave no sign of life for {self.heartbeat_age_s:.0f} s"
        return self.trouble_of_processes()

    def trouble_of_processes(self) -> str | None:
        """Why no process works, or none is of use, if so."""
        if self._signer is not None and self._signer.has_expired:
            return "the certificate that signs videos has expired"
        if self.failed_starts >= FAILED_STARTS:
            return f"worker processes failed to start {self.failed_starts} times in a row"
        return None

    async def attempt(self, task: Task) -> None:
        """One attempt at a task that somebody else has claimed, for who has a loop of his own.
        Raises nothing but its cancellation, which gives the task back."""
        held = _Attempt(task.key_id)
        this = asyncio.current_task()
        assert this is not None
        self._attempts[this] = held
        try:
            await self._do(task, held)
        finally:
            del self._attempts[this]

    async def becomes_slow(self, attempt: asyncio.Task[None]) -> bool:
        """Wait until an attempt makes room for another one, since its files are slow to come. False
        where it does not: it has them, has ended, or enough others are slow already."""
        await asyncio.wait([attempt], timeout=SLOW_FETCH_S)
        held = self._attempts.get(attempt)
        if held is None or not held.is_slow(time.monotonic()):
            return False
        now = time.monotonic()
        slow = sum(other.is_slow(now) for other in self._attempts.values())
        return slow <= SLOW_FETCHES_PER_SLOT * self._slots

    def keys_with_their_share(self) -> frozenset[str]:
        """Keys that have as many slow fetches here as one may."""
        now = time.monotonic()
        slow = Counter(held.key_id for held in self._attempts.values() if held.is_slow(now))
        most = SLOW_FETCHES_PER_SLOT_AND_KEY * self._slots
        return frozenset(key_id for key_id, tasks in slow.items() if tasks >= most)

    async def _drain(self) -> None:
        """Until the loop and all attempts have ended."""
        if self._loop is not None:
            await asyncio.wait([self._loop])
        if self._attempts:
            await asyncio.wait(self._attempts)

    async def _take_tasks(self) -> None:
        pause_s = LOOK_S
        while not self._stopping.is_set():
            self._alive_at = time.monotonic()
            try:
                await self._take_turn()
                pause_s = LOOK_S
            except Exception:  # of whatever kind: a loop that ends would do so in silence
                _log.exception("the worker goes on in %g s", pause_s)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._stopping.wait()
                pause_s = min(2.0 * pause_s, MAX_PAUSE_S)

    async def _take_turn(self) -> None:
        """Begin an attempt, if there is room and work, or wait until there may be."""
        full_keys = self._full_keys()
        has_room = full_keys is not None
        if full_keys is not None:
            task = await self._queue.claim(self.name, lease_s=LEASE_S, except_keys=full_keys)
            if task is not None:
                self._begin(task)
                return
        waits: list[asyncio.Task[None]] = [asyncio.create_task(self._wait_to_stop())]
        if has_room:
            waits.append(asyncio.create_task(self._queue.wait_for_work(LOOK_S)))
        try:
            await asyncio.wait(
                [*waits, *self._attempts],
                timeout=self._until_room_s(),
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _wait_to_stop(self) -> None:
        await self._stopping.wait()

    def _full_keys(self) -> frozenset[str] | None:
        """Keys of which no task is to be claimed now; None where there is no room for any."""
        now = time.monotonic()
        slow = Counter(held.key_id for held in self._attempts.values() if held.is_slow(now))
        # Those beyond what may be slow count as if they were not.
        apart = min(slow.total(), SLOW_FETCHES_PER_SLOT * self._slots)
        if len(self._attempts) - apart >= self._slots:
            return None
        return self.keys_with_their_share()

    def _until_room_s(self) -> float:
        """When to look again though nothing happened: the next fetch may count as slow then."""
        now = time.monotonic()
        left = [held.becomes_slow_at - now for held in self._attempts.values() if held.fetches]
        return min([LOOK_S, *(max(left_s, 0.0) + 0.01 for left_s in left if left_s > 0.0)])

    def _begin(self, task: Task) -> None:
        held = _Attempt(task.key_id)
        attempt = asyncio.create_task(self._do(task, held), name=f"{self.name} {task.task_id}")
        self._attempts[attempt] = held
        attempt.add_done_callback(self._attempts.pop)

    async def _do(self, task: Task, held: _Attempt) -> None:
        try:
            await self.do(task, held)
        except Exception:  # the table is out of reach: the lease says when another attempt begins
            _log.exception("an attempt ended untold", extra={"task_id": task.task_id})

    async def do(self, task: Task, held: _Attempt | None = None) -> None:
        """One attempt at a task, from claim to finish."""
        held = held or _Attempt(task.key_id)
        video_name = _video_name(task, task.attempt)
        began_at = time.time()
        outcome: Outcome = Released()
        try:
            outcome = await self._outcome(task, video_name, held)
        finally:
            # Also when the server stops: then the task is given back.
            if not await self._queue.finish(task.task_id, task.attempt, outcome):
                await asyncio.to_thread(self._remove, video_name)
            ids = {"task_id": task.task_id, "request_id": task.request_id}
            _log.info("attempt ended: %s", _in_words(outcome), extra=ids)
            self._trace(task, held, began_at, outcome)
        if held.is_in_parts and self._parts is not None:
            await self._parts.forget(task)
        if isinstance(outcome, Failure):
            self._metrics.errors.labels(outcome.code).inc()

    def _trace(self, task: Task, held: _Attempt, began_at: float, outcome: Outcome) -> None:
        """Tell what the attempt took, and of that each stage."""
        traces = self._metrics.traces
        if not traces.is_on:
            return
        told: dict[str, Value | None] = {
            "portravox.task_id": task.task_id,
            "portravox.attempt": task.attempt,
            "portravox.outcome": _in_words(outcome),
            "portravox.waited_s": round((task.scheduled_at or 0.0) - task.submitted_at, 3),
        }
        span = partial(Span, kind="consumer", attributes=told)
        place = Place.of_request(task.request_id).below()
        failed = isinstance(outcome, Failure)
        traces.record(
            span(
                place=place, name="attempt", began_at=began_at, ended_at=time.time(), failed=failed
            )
        )
        for name, began, ended in held.stages:
            stage = Span(
                place=place.below(),
                name=name,
                kind="internal",
                began_at=began,
                ended_at=ended,
                attributes={},
            )
            traces.record(stage)

    async def _outcome(self, task: Task, video_name: str, held: _Attempt) -> Outcome:
        """What comes of an attempt; only its cancellation is raised."""
        left_s = task.submitted_at + self._task_life_s - self._queue.now()
        if left_s <= 0:
            return _failure(TIMEOUT)
        try:
            async with _deadline(left_s):
                return await self._rendered(task, video_name, held)
        except RequestFailed as error:
            problem = of_voices_up_to(self._max_voice_s, error.problem)
            return _failure(problem, retry=error.retry, explanation=error.explanation)
        except StorageUnavailable as error:
            _log.error("attempt failed", extra={"task_id": task.task_id}, exc_info=error)
            return _failure(NOT_STORED, retry=True)
        except PortravoxError as error:
            _log.warning("attempt failed", extra={"task_id": task.task_id}, exc_info=error)
            return _failure(failure_of(error))
        except OSError as error:  # of our own disk
            _log.error("attempt failed", extra={"task_id": task.task_id}, exc_info=error)
            return _failure(failure_of(error), retry=True)
        except Exception as error:  # nobody foresaw it: the task has to end all the same
            _log.error("attempt failed", extra={"task_id": task.task_id}, exc_info=error)
            return _failure(ALGO, retry=True)

    async def _rendered(self, task: Task, video_name: str, held: _Attempt) -> Outcome:
        started = time.monotonic()
        stages = _Stages(self._metrics, held.stages)
        async with self._scratch.folder() as folder, self._shown(task, folder) as stream:
            making = self._make_in(folder, task, video_name, held, stages, stream)
            ours = partial(self._is_ours, task, stages)
            try:
                with self._previews.showing(task.task_id, folder / PREVIEW_NAME):
                    done = await done_while_ours(making, ours, self._scratch)
            finally:
                work = self._eta.finish(task.task_id)
            if done is None:
                return Released()
            stages.end()
        took_s = time.monotonic() - started
        # Of a video that several workers made, nobody learns how fast one draws.
        self._eta.record_attempt(took_s, None if held.is_in_parts else work)
        self._metrics.real_time_factor.observe(took_s / done.duration_s)
        return Result(video_name=video_name, duration_s=done.duration_s)

    @asynccontextmanager
    async def _shown(self, task: Task, folder: Path) -> AsyncIterator[StreamedVideo | None]:
        """While this lasts, the task may be watched; None where nobody can."""
        if self._streams is None:
            yield None
            return
        with self._streams.showing(task.task_id, folder / STREAM_NAME) as stream:
            yield stream

    async def _make_in(
        self,
        folder: Path,
        task: Task,
        video_name: str,
        held: _Attempt,
        stages: _Stages,
        stream: StreamedVideo | None,
    ) -> RenderDone:
        """Have the video made, and store it."""
        done = await self._render_in(folder, task, held, stages)
        if stream is not None:
            stream.end(whole=done.streamed)
        stages.enter("publish", 1.0)
        await asyncio.to_thread(self._forget_earlier_attempts, task)
        if task.job.has_words:  # first: who is told of a video finds its captions
            name = captions_name(video_name, task.job.captions_kind)
            await patiently(partial(self._publish, folder / CAPTIONS_NAME, name))
        await patiently(partial(self._publish, folder / VIDEO_NAME, video_name))
        return done

    async def _render_in(
        self, folder: Path, task: Task, held: _Attempt, stages: _Stages
    ) -> RenderDone:
        """Have files fetched, or a text spoken, the transcript read, the video made and signed.

        Raises RequestFailed.
        """
        stages.enter("download", 0.0)
        await self._fetch(task, "image", task.job.image_url, folder)
        if task.job.parameters.get("text") is None:
            await self._fetch(task, "audio", task.job.audio_url, folder)
        else:
            stages.enter("speak", 0.0)
            await self._speak(task, folder)
        background = str(task.job.parameters.get("background", ""))
        if is_address(background):
            await self._fetch(task, "background", background, folder)
        if task.job.has_words:
            async with self._readers.turn(task.key_id):
                await write_words(task.job.parameters, folder)
        font_index = await copy_font(task.job.parameters, folder)
        held.fetches = False
        sealing = None
        if self._signer is not None:
            sealing = await Sealing.begin(
                self._signer, folder, producer=self._producer, task_id=task.task_id
            )
        done = await self._made_in_parts(task, folder, held, stages, sealing)
        done = done or await self._rendering.request(
            RenderRequest(
                folder=str(folder),
                parameters=task.job.parameters,
                picture_formats=self._picture_formats,
                voice_formats=self._voice_formats,
                max_voice_s=self._max_voice_s,
                producer=self._producer,
                task_id=task.task_id,
                watermark=told_watermark(self._watermark_key, self._producer, task.task_id),
                may_be_watched=self._streams is not None,
                seal=None if sealing is None else sealing.wanted,
                font_index=font_index,
            ),
            RenderDone,
            key=task.key_id,
            time_s=self._render_time_s,
            on_stage=partial(self._follow, task, stages),
        )
        if sealing is not None:
            await sealing.finish(folder / VIDEO_NAME)
        return done

    async def _made_in_parts(
        self, task: Task, folder: Path, held: _Attempt, stages: _Stages, sealing: Sealing | None
    ) -> RenderDone | None:
        """Have a long video planned here, and made together with other workers; None where it is to
        be made as a whole. Raises RequestFailed."""
        if self._parts is None or not self._parts.may_be_long(folder / "audio"):
            return None
        if task.job.parameters.get("captions") == "burned":
            return None  # a part knows nothing of what is said
        planned = await self._rendering.request(
            PlanRequest(
                folder=str(folder),
                parameters=task.job.parameters,
                longer_than_s=self._parts.longer_than_s,
                picture_formats=self._picture_formats,
                voice_formats=self._voice_formats,
                max_voice_s=self._max_voice_s,
                task_id=task.task_id,
            ),
            PlanDone,
            key=task.key_id,
            time_s=self._render_time_s,
            on_stage=partial(self._follow, task, stages),
        )
        if not planned.frames:
            return None
        held.is_in_parts = True
        start, end = STAGE_STARTS["render"], STAGE_STARTS["finish"]

        def follow(share: float) -> None:
            # A part that was lost begins anew; nobody is told that there is less than before.
            stages.enter("render", max(start + (end - start) * share, stages.done))
            self._eta.draw(task.task_id, stages.done, now=self._queue.now())

        return await self._parts.whole(
            task,
            folder,
            planned,
            worker=task.worker or self.name,
            seal=None if sealing is None else sealing.wanted,
            on_share=follow,
        )

    def _follow(self, task: Task, stages: _Stages, reached: StageReached) -> None:
        """Take over where a render is, and how much it has to draw once that is known."""
        stages.enter(reached.stage, reached.done)
        if reached.frames:
            self._eta.start(task, Work(frames=reached.frames, pixels=reached.pixels))
        if reached.stage == "render":
            self._eta.draw(task.task_id, reached.done, now=self._queue.now())

    async def _fetch(self, task: Task, file: InputFile, url: str, folder: Path) -> None:
        ask = partial(self._scratch.fetch_request, file, url, folder, key_group=task.key_group)
        try:
            request = await repeated_while_away(ask, STORAGE)
        except UploadUnknown as error:
            raise RequestFailed(
                failure_of(error), retry=False, explanation=explanations.upload_unknown(file)
            ) from error
        if request is not None:
            await self._fetching.request(request, FetchDone, key=task.key_id, time_s=FETCH_TIME_S)

    async def _speak(self, task: Task, folder: Path) -> None:
        if self._speaker is None:
            raise RequestFailed(NO_SPEECH, retry=False)
        await self._speaker.speak(task.job.parameters, folder / "audio", key=task.key_id)

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
            self._remove(_video_name(task, attempt))

    def _remove(self, name: str) -> None:
        """Remove a video that nobody was told of. Where that fails, it goes by its age."""
        for file in (name, *(captions_name(name, kind) for kind in KINDS)):
            try:
                self._videos.delete(file)
            except StorageFailed:
                _log.exception("%s was not removed", file)

    def _publish(self, video: Path, name: str) -> None:
        """Store a video; may be said again."""
        # Nothing but files: who wrote here must not choose what clients are given.
        descriptor = open_strangers_file(video)
        with os.fdopen(descriptor, "rb") as content:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise StorageFailed(f"cannot store {name}: it is no file")
            self._videos.put(name, content)


@dataclass(slots=True)
class _Attempt:
    """What the loop has to know of an attempt that goes on."""

    key_id: str
    becomes_slow_at: float = field(default_factory=lambda: time.monotonic() + SLOW_FETCH_S)
    fetches: bool = True
    """Until both files are there."""

    is_in_parts: bool = False
    """Whether others make parts of it, too."""

    stages: list[tuple[str, float, float]] = field(default_factory=list)
    """That are over: name, begin and end, seconds since 1970."""

    def is_slow(self, now: float) -> bool:
        """Whether it makes room for another one meanwhile."""
        return self.fetches and now >= self.becomes_slow_at


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

    def __init__(self, metrics: Metrics, over: list[tuple[str, float, float]]) -> None:
        self._metrics = metrics
        self._over = over
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
            ended_at = time.time()
            self._over.append((self.name, ended_at - (now - self._since), ended_at))
        self._since = now


def _video_name(task: Task, attempt: int) -> str:
    return f"{task.task_id}-{attempt}.mp4"


def _failure(
    problem: Problem, *, retry: bool = False, explanation: Explanation | None = None
) -> Failure:
    return Failure(code=problem.code, message=problem.message, retry=retry, explanation=explanation)


def _in_words(outcome: Outcome) -> str:
    """For the log."""
    if isinstance(outcome, Failure):
        return f"Failure {explanations.in_log(outcome.code, outcome.explanation)}"
    return type(outcome).__name__
