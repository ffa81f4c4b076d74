"""Live sessions: who may hold one, its way from the picture to the end, what both sides are told.

Flow      routes.live -> LiveSessions.hold -> LiveProcess ; fetch, uploads -> the picture
Reads     messages of a client, events of a process: neither is believed
Gives     events and pieces of video to the client

A session belongs to one connection and has a process of its own, which ends with it. What the
client sends is read by one task, what the process says by another, and a third looks at the clock.
Who is slow to take his video holds up his process alone, until `sockets` cuts him.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeVar

from portravox.errors import PortravoxError
from portravox.labels.watermark_key import OFF
from portravox.service import problems
from portravox.service.errors import UploadUnknown
from portravox.service.explanations import explained
from portravox.service.live_usage import KeepsLiveUsage
from portravox.service.metrics import Metrics
from portravox.service.problems import Refusal, problem_of
from portravox.service.tasks.queue import Json
from portravox.service.worker.live_messages import (
    SPOKEN_PREFIX,
    Audio,
    Change,
    Clear,
    Cleared,
    Finish,
    Finished,
    Flush,
    Listen,
    LiveEvent,
    Piece,
    Pulse,
    Refused,
    Stopped,
    UtteranceEnded,
    UtteranceStarted,
)
from portravox.service.worker.live_process import LiveProcess, failure
from portravox.service.worker.messages import (
    Failed,
    FetchDone,
    Formats,
    LiveRequest,
    ProtocolViolation,
    told_watermark,
)
from portravox.service.worker.process import ProcessPool, RequestFailed
from portravox.service.worker.scratch import ScratchSpace
from portravox.service.worker.speaker import Speaker

START_TIME_S: Final = 20.0
"""How long a client may take for its first message, and its picture to come. Our choice."""

PICTURE_TIME_S: Final = 60.0
"""How long the picture may take, its fetching and all waiting for it included."""

FINISH_TIME_S: Final = 2.0
"""How long the end of a video may take."""

LEAVE_TIME_S: Final = 10.0
"""How long a session may go on speaking when the server is told to stop. Our choice."""

LOOK_S: Final = 0.5
"""How often limits are looked at."""

WRITE_EVERY_S: Final = 60.0
"""How often it is written down how long sessions were."""

MESSAGES_HELD: Final = 16
"""Of a client, at most, that wait to be read: 1 MiB each. Our choice."""

TEXTS_HELD: Final = 8
"""That wait to be spoken. Our choice."""

_log = logging.getLogger("portravox.live")

T = TypeVar("T")

SHARE: Final = 0.5
"""Of the sessions that others leave, the most that one key may hold where there are several."""

Reason = Literal[
    "asked", "gone", "refused", "failed", "idle", "too_long", "spent", "revoked", "stopping"
]
"""Why a session ended: the client asked for it, or went away; it was refused; its process broke;
nothing came for too long; it lasted as long as one may; the key's seconds are spent; the key was
revoked; the server stops."""


class ClientGone(Exception):
    """Nobody is there any more."""


class Client(Protocol):
    """The other end of a connection."""

    async def receive(self) -> str | bytes:
        """Its next message. Raises ClientGone."""

    async def tell(self, event: Mapping[str, Json]) -> None:
        """Send an event. Raises ClientGone."""

    async def send(self, piece: bytes) -> None:
        """Send a piece of video. Raises ClientGone."""

    def allow(self, most_bytes: int | None) -> None:
        """How large its next messages may be; None: as usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the first message asked for."""

    image_url: str | None
    image_bytes: int | None
    parameters: Mapping[str, Json]
    raw: bool
    sound_rate_hz: int
    is_seen: bool = False
    """Raw frames go to an encoder of ours and to people's eyes: they carry the watermark."""


@dataclass(frozen=True, slots=True)
class Text:
    """To be spoken, as the speaker takes it."""

    parameters: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class End:
    """The client asks for the end."""


Told = Audio | Flush | Clear | Listen | Change | Text | End


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a session, and what may be."""

    key_id: str
    group: str
    sessions: int | None
    """At a time; None: the share."""

    s_per_day: float | None
    is_alone: bool
    """Whether there is nobody to leave room for."""

    read_start: Callable[[str], Asked]
    """Raises Refusal."""

    read: Callable[[str | bytes], Told]
    """Raises Refusal."""

    is_admitted: Callable[[], bool]
    """Whether its key still holds."""

    take_speech: Callable[[int], Awaitable[None]]
    """Count the characters of a text. Raises Refusal where there may be no more today."""

    on_start: Callable[[str, Asked], None] = field(default=lambda session_id, asked: None)
    """Called in a thread before a picture moves; raises what refuses the session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLimits:
    """Of all sessions of a server."""

    sessions: int
    idle_s: float
    session_s: float


class LiveSessions:
    """All live sessions of a server. Belongs to one event loop."""

    def __init__(
        self,
        *,
        limits: LiveLimits,
        pool: ProcessPool,
        fetching: ProcessPool,
        scratch: ScratchSpace,
        usage: KeepsLiveUsage,
        metrics: Metrics,
        speaker: Speaker | None,
        picture_formats: Formats,
        producer: str,
        watermark_key: str = OFF,
    ) -> None:
        self.limits = limits
        self._pool = pool
        self._fetching = fetching
        self._scratch = scratch
        self._usage = usage
        self._metrics = metrics
        self._speaker = speaker
        self._picture_formats: Formats = picture_formats
        self._producer = producer
        self._watermark_key = watermark_key
        self._held: dict[str, int] = {}
        self._stopping = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._writing: asyncio.Task[None] | None = None

    @property
    def open_count(self) -> int:
        """How many are held, or being begun."""
        return sum(self._held.values())

    @property
    def failed_starts(self) -> int:
        """How often in a row a process could not be started."""
        return self._pool.failed_starts

    def keep_warm(self) -> None:
        """From now on have a process ready for the next session."""
        self._pool.keep_warm()

    def left_for(self, holder: Holder) -> int:
        """How many more sessions a key may begin now."""
        own = self._held.get(holder.key_id, 0)
        left = self.limits.sessions - self.open_count
        if holder.sessions is not None:
            return max(0, min(left, holder.sessions - own))
        if holder.is_alone:
            return max(0, left)
        may = max(1, int(SHARE * (self.limits.sessions - self.open_count + own)))
        return max(0, min(left, may - own))

    async def hold(
        self, client: Client, holder: Holder, *, has_entered: bool = False
    ) -> tuple[Reason, float]:
        """Hold a session from its first message to its end; why and after how long it ended.

        has_entered  whether the caller holds its place already

        The client is told all but the end itself, which is its connection's. Raises nothing that
        was foreseen.
        """
        session = _Session(self, client, holder)
        reason: Reason = "failed"
        try:
            if has_entered:
                reason = await session.run()
            else:
                await self.refresh_usage(holder)
                with self.entered(holder):
                    reason = await session.run()
        except ClientGone:
            reason = "gone"
        except (Refusal, RequestFailed, PortravoxError, OSError) as error:
            reason = "failed" if session.has_begun else "refused"
            with contextlib.suppress(ClientGone):
                await client.tell(_error(_as_told(error)))
        finally:
            self._metrics.live.ended.labels(reason).inc()
        return reason, session.lasted_s

    async def stop(self) -> None:
        """End all sessions: what is being said is said to its end, if that is soon."""
        self._stopping.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_TIME_S + 2.0 * FINISH_TIME_S):
                await self._empty.wait()

    async def close(self) -> None:
        """End all processes, whatever they do."""
        if self._writing is not None:
            await self._writing
        await self._pool.close()
        await self._fetching.close()
        if self._speaker is not None:
            self._speaker.close()

    @contextlib.contextmanager
    def entered(self, holder: Holder) -> Iterator[None]:
        """A place among all sessions. Raises Refusal."""
        if self._stopping.is_set():
            raise Refusal(problems.UNAVAILABLE)
        if self.left_for(holder) < 1:
            raise Refusal(problems.CONCURRENCY)
        self.require_seconds(holder)
        self._held[holder.key_id] = self._held.get(holder.key_id, 0) + 1
        self._empty.clear()
        self._metrics.live.sessions.inc()
        try:
            yield
        finally:
            self._metrics.live.sessions.dec()
            self._held[holder.key_id] -= 1
            if not self._held[holder.key_id]:
                del self._held[holder.key_id]
            if not self._held:
                self._empty.set()
            self._write_usage()

    async def refresh_usage(self, holder: Holder) -> None:
        """Hear what other machines counted, where a key has so many seconds of a day."""
        if holder.s_per_day is not None:
            await asyncio.to_thread(self._usage.refresh)

    def require_seconds(self, holder: Holder) -> None:
        """Raise Refusal where a key's seconds of the day are spent."""
        if holder.s_per_day is not None and self._usage.used_s(holder.key_id) >= holder.s_per_day:
            raise Refusal(problems.QUOTA)

    def count_s(self, holder: Holder, seconds: float) -> None:
        """A session went on for so long."""
        self._usage.add(holder.key_id, seconds)
        self._metrics.live.s.inc(seconds)

    def _write_usage(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(
                asyncio.to_thread(self._usage.write, self._usage.snapshot())
            )


class _Session:
    """One of them."""

    def __init__(self, sessions: LiveSessions, client: Client, holder: Holder) -> None:
        self._sessions = sessions
        self._metrics = sessions._metrics
        self._client = client
        self._holder = holder
        self._messages: asyncio.Queue[str | bytes] = asyncio.Queue(MESSAGES_HELD)
        self._gone = asyncio.Event()
        self._texts: deque[Text] = deque()
        self._saying: asyncio.Task[None] | None = None
        self._spoken = 0
        self._heard_at: float | None = None
        """When sound came in where nobody spoke."""

        self._is_speaking = False
        self._told_at = time.monotonic()
        """When the client said something last."""

        self.has_begun = False
        self.lasted_s = 0.0
        self._counted_at = 0.0

    async def run(self) -> Reason:
        """Raises Refusal, RequestFailed, ClientGone."""
        reading = asyncio.create_task(self._read(), name="live messages")
        try:
            async with self._sessions._scratch.folder() as folder:
                return await self._run_in(folder)
        except ProtocolViolation as error:
            raise RequestFailed(problems.ALGO, retry=True) from error
        except UploadUnknown as error:
            raise Refusal(problems.DOWNLOAD_FAILED) from error
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _run_in(self, folder: Path) -> Reason:
        asked = await self._asked(folder)
        session_id = str(uuid.uuid4())
        await asyncio.to_thread(self._holder.on_start, session_id, asked)
        began = time.monotonic()
        self._sessions.keep_warm()
        request = LiveRequest(
            folder=str(folder),
            parameters=asked.parameters,
            picture_formats=self._sessions._picture_formats,
            producer=self._sessions._producer,
            session_id=session_id,
            watermark=self._watermark(asked, session_id),
            raw=asked.raw,
            sound_rate_hz=asked.sound_rate_hz,
        )
        async with contextlib.AsyncExitStack() as opened:
            process = await self._unless_gone(
                opened.enter_async_context(
                    LiveProcess.open(
                        self._sessions._pool, request, key=f"key {self._holder.key_id}"
                    )
                )
            )
            self.has_begun = True
            await self._client.tell(self._started(session_id, asked, process))
            return await self._converse(process, folder, began)

    def _watermark(self, asked: Asked, session_id: str) -> str:
        if asked.raw and not asked.is_seen:
            return ""
        sessions = self._sessions
        return told_watermark(sessions._watermark_key, sessions._producer, session_id)

    async def _asked(self, folder: Path) -> Asked:
        """The first message, and the picture in the folder. Raises Refusal, RequestFailed."""
        try:
            async with asyncio.timeout(START_TIME_S):
                first = await self._next()
                if not isinstance(first, str):
                    raise Refusal(problems.NOT_UNDERSTOOD)
                asked = self._holder.read_start(first)
                if asked.image_bytes is not None:
                    await self._picture(folder, asked.image_bytes)
        except TimeoutError as error:
            raise Refusal(problems.BODY_TOO_SLOW) from error
        if asked.image_url is not None:
            await self._unless_gone(self._fetch(asked.image_url, folder))
        return asked

    async def _picture(self, folder: Path, size_bytes: int) -> None:
        self._client.allow(size_bytes)
        picture = await self._next()
        self._client.allow(None)
        if not isinstance(picture, bytes) or len(picture) != size_bytes:
            raise Refusal(problems.NOT_UNDERSTOOD)
        await asyncio.to_thread((folder / "image").write_bytes, picture)

    async def _fetch(self, url: str, folder: Path) -> None:
        sessions = self._sessions
        try:
            async with asyncio.timeout(PICTURE_TIME_S):
                request = await sessions._scratch.fetch_request(
                    "image", url, folder, key_group=self._holder.group
                )
                if request is not None:
                    sessions._fetching.keep_warm()
                    key = f"key {self._holder.key_id}"
                    await sessions._fetching.request(
                        request, FetchDone, key=key, time_s=PICTURE_TIME_S
                    )
        except TimeoutError as error:
            raise Refusal(problems.TIMEOUT) from error

    def _started(self, session_id: str, asked: Asked, process: LiveProcess) -> Mapping[str, Json]:
        opened, limits = process.opened, self._sessions.limits
        return {
            "type": "started",
            "session_id": session_id,
            "format": "webrtc" if asked.is_seen else "raw" if asked.raw else "fmp4",
            "mime_type": opened.mime_type,
            "width": opened.width_px,
            "height": opened.height_px,
            "fps": opened.fps,
            "sound_rate": opened.sound_rate_hz,
            "notices": list(opened.notices),
            "idle_s": limits.idle_s,
            "session_s": limits.session_s,
        }

    async def _converse(self, process: LiveProcess, folder: Path, began: float) -> Reason:
        """Both directions until one of them ends."""
        self._counted_at = time.monotonic()
        forwarding = asyncio.create_task(self._forward(process, began), name="live video")
        listening = asyncio.create_task(self._listen(process, folder), name="live speech")
        watching = asyncio.create_task(self._watch(), name="live limits")
        tasks: tuple[asyncio.Task[Reason], ...] = (forwarding, listening, watching)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            reason = next(task for task in tasks if task in done).result()
            if reason not in ("gone", "failed"):
                listening.cancel()
                await self._finish(process, forwarding)
            return reason
        finally:
            saying = () if self._saying is None else (self._saying,)
            self._forget_texts()  # nothing may reach for the process once it has gone
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, *saying, return_exceptions=True)
            self._count()

    async def _finish(self, process: LiveProcess, forwarding: asyncio.Task[Reason]) -> None:
        """Let the video come to its end."""
        with contextlib.suppress(TimeoutError, RequestFailed, ProtocolViolation, ClientGone):
            async with asyncio.timeout(FINISH_TIME_S):
                await process.tell(Finish())
                await asyncio.shield(forwarding)

    async def _forward(self, process: LiveProcess, began: float) -> Reason:
        """What the process says, to the client, until it ends."""
        pieces, first_frame = 0, 2 if process.opened.mime_type else 1
        while True:
            said = await process.said()
            match said:
                case Piece():
                    await self._client.send(said.data)
                    pieces += 1
                    if pieces == first_frame:
                        self._metrics.live.start_s.observe(time.monotonic() - began)
                case Pulse():
                    self._metrics.live.frames.labels("true").inc(said.late)
                    self._metrics.live.frames.labels("false").inc(said.frames - said.late)
                    self._metrics.live.gaps.inc(said.gaps)
                case Finished():
                    return "failed"  # unless it was asked for
                case Failed():
                    raise failure(said)
                case _:
                    self._note(said)
                    event = _event(said)
                    if event is None:
                        raise ProtocolViolation("an event that has no place in a session")
                    await self._client.tell(event)

    def _note(self, said: LiveEvent) -> None:
        if isinstance(said, UtteranceStarted):
            self._is_speaking = True
            if self._heard_at is not None:
                self._metrics.live.answer_s.observe(time.monotonic() - self._heard_at)
            self._heard_at = None
        elif isinstance(said, Stopped | Cleared):
            self._is_speaking, self._heard_at = False, None

    async def _listen(self, process: LiveProcess, folder: Path) -> Reason:
        """What the client says, to the process, until it is gone or asks for the end."""
        while True:
            message = await self._next()
            try:
                told = self._holder.read(message)
            except Refusal as refusal:
                await self._client.tell(_error(refusal))
                continue
            match told:
                case End():
                    return "asked"
                case Text():
                    await self._say(told, process, folder)
                case _:
                    if isinstance(told, Clear):
                        self._forget_texts()
                    elif isinstance(told, Audio) and not self._is_speaking:
                        self._heard_at = self._heard_at or time.monotonic()
                    await process.tell(told)

    async def _say(self, text: Text, process: LiveProcess, folder: Path) -> None:
        if len(self._texts) >= TEXTS_HELD:
            await self._client.tell(_error(Refusal(problems.SESSION_FULL)))
            return
        try:
            await self._holder.take_speech(len(str(text.parameters["text"])))
        except Refusal as refusal:
            await self._client.tell(_error(refusal))
            return
        self._texts.append(text)
        if self._saying is None or self._saying.done():
            self._saying = asyncio.create_task(self._say_all(process, folder), name="live texts")

    async def _say_all(self, process: LiveProcess, folder: Path) -> None:
        """Have all texts that wait spoken, one after the other."""
        speaker = self._sessions._speaker
        assert speaker is not None  # else no text is taken
        while self._texts:
            text = self._texts.popleft()
            self._spoken += 1
            recording = folder / f"{SPOKEN_PREFIX}{self._spoken}"
            try:
                key = f"key {self._holder.key_id}"
                await speaker.speak(text.parameters, recording, key=key)
                await process.speak(recording)
            except RequestFailed as error:
                with contextlib.suppress(ClientGone):
                    await self._client.tell(_error(error))
            except OSError:
                with contextlib.suppress(ClientGone):
                    await self._client.tell(_error(Refusal(problems.NOT_STORED)))

    def _forget_texts(self) -> None:
        self._texts.clear()
        if self._saying is not None:
            self._saying.cancel()
            self._saying = None

    async def _watch(self) -> Reason:
        """Look at the clock and the limits until one is reached."""
        sessions, holder = self._sessions, self._holder
        leave_at: float | None = None
        written_at = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_S)
            now = self._count()
            if now - written_at > WRITE_EVERY_S:
                written_at = now
                sessions._write_usage()
            if now - self._told_at > sessions.limits.idle_s:
                return "idle"
            if self.lasted_s > sessions.limits.session_s:
                return "too_long"
            if not holder.is_admitted():
                return "revoked"
            try:
                sessions.require_seconds(holder)
            except Refusal:
                return "spent"
            if sessions._stopping.is_set():
                if leave_at is None:
                    leave_at = now + LEAVE_TIME_S
                    await self._client.tell({"type": "stopping", "within_s": LEAVE_TIME_S})
                if not self._is_speaking or now > leave_at:
                    return "stopping"

    def _count(self) -> float:
        """Count the time since it was counted last; the moment."""
        now = time.monotonic()
        self._sessions.count_s(self._holder, now - self._counted_at)
        self.lasted_s += now - self._counted_at
        self._counted_at = now
        return now

    async def _read(self) -> None:
        """Take the client's messages as they come, so that it is known when it is gone."""
        try:
            while True:
                await self._messages.put(await self._client.receive())
        except ClientGone:
            self._gone.set()

    async def _next(self) -> str | bytes:
        """The next message. Raises ClientGone."""
        getting = asyncio.create_task(self._messages.get())
        gone = asyncio.create_task(self._gone.wait())
        try:
            await asyncio.wait([getting, gone], return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                raise ClientGone
            message = getting.result()
        finally:
            getting.cancel()
            gone.cancel()
        self._told_at = time.monotonic()
        return message

    async def _unless_gone(self, work: Coroutine[Any, Any, T]) -> T:
        """What is awaited; where the client goes away meanwhile, it is cancelled. Raises
        ClientGone."""
        working = asyncio.create_task(work)
        gone = asyncio.create_task(self._gone.wait())
        try:
            await asyncio.wait([working, gone], return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise ClientGone
            return await working
        finally:
            for task in (working, gone):
                task.cancel()
            await asyncio.gather(working, gone, return_exceptions=True)


def _event(said: LiveEvent) -> dict[str, Json] | None:
    """What a client is told of what its process says; None where that has no place any more."""
    match said:
        case UtteranceStarted():
            return {"type": said.kind, "utterance": said.utterance, "at_s": round(said.at_s, 3)}
        case UtteranceEnded():
            return {
                "type": said.kind,
                "utterance": said.utterance,
                "position_s": round(said.position_s, 3),
                "at_s": round(said.at_s, 3),
            }
        case Stopped():
            return {"type": said.kind, "at_s": round(said.at_s, 3)}
        case Cleared():
            return {
                "type": said.kind,
                "utterance": said.utterance or None,
                "position_s": round(said.position_s, 3),
                "at_s": round(said.at_s, 3),
            }
        case Refused():
            return _error(failure(said.failed))
        case _:
            return None


def _as_told(error: Exception) -> Refusal | RequestFailed:
    """What a client may be told of what ended its session."""
    if isinstance(error, Refusal | RequestFailed):
        return error
    _log.error("a live session broke", exc_info=error)
    return Refusal(problem_of(error) if isinstance(error, PortravoxError) else problems.ALGO)


def _error(error: Refusal | RequestFailed) -> dict[str, Json]:
    problem = error.problem
    why = error.why if isinstance(error, Refusal) else explained(error.explanation)
    return {"type": "error", "code": problem.code, "message": problem.message, **why}
