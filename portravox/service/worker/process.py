"""Worker processes: started beforehand, given one request at a time, killed when they must end.

Flow      loop, detector -> WorkerProcess.request -> worker.child -> Event -> loop, detector

Nothing a process says is believed before `messages` has looked at it. A line that is no event, an
event that has no place (of an earlier request, before it was ready, after it was done, too many)
kills the process and fails the request at hand as one that another process may do.

Each process has a folder of its own and can write nowhere else (`sandbox`). The files of a request
are moved there before it is told, and its results are moved back before its answer is given.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from portravox.compiled_code import copy_compiled_code, keep_code_compiled_in
from portravox.engines.registry import DEVICE
from portravox.model_files.store import VARIABLE as MODELS_DIR
from portravox.service import problems
from portravox.service.explanations import explanation
from portravox.service.previews import MAX_BYTES as MAX_PREVIEW_BYTES
from portravox.service.problems import Problem
from portravox.service.tasks.task import Explanation
from portravox.service.worker import sandbox
from portravox.service.worker.fair import FairTurns
from portravox.service.worker.messages import (
    CAPTIONS_NAME,
    FONT_NAME,
    LIGHT_NAME,
    MAX_LINE_BYTES,
    OPENED,
    PART_NAME,
    PLAIN_NAME,
    PLAN_NAME,
    PREVIEW_NAME,
    STREAM_NAME,
    VIDEO_NAME,
    Done,
    Event,
    Failed,
    FetchRequest,
    InspectRequest,
    JoinRequest,
    JudgeRequest,
    LiveRequest,
    PartRequest,
    PeerRequest,
    PlainRequest,
    PlanDone,
    PlanRequest,
    ProtocolViolation,
    Ready,
    RenderRequest,
    Request,
    Stage,
    StageReached,
    TalkRequest,
    decode_event,
    encode,
    part_name,
)
from portravox.service.worker.process_folder import ProcessFolder, RequestFolder
from portravox.service.worker.sandbox import SandboxMode
from portravox.service.worker.seccomp import Role
from portravox.service.worker.words import WORDS_NAME
from portravox.system import CORES

REQUESTS_PER_PROCESS = 20
"""After so many a process is replaced, so that what leaks does not pile up. Our choice."""

START_CPU_S = 120.0
START_TIME_S = 600.0
"""Processor time that a process may take to start, and how long that may last. The first one on a
machine compiles its loops, which takes 30 s of a quiet processor; on one that others share, hardly
more of its time and far more of the clock's. Our choice."""

READ_CPU_S = 15.0
"""Processor time for reading, judging or fetching what strangers sent. A PNG of 4096 px takes 1 s
to read, and 20 faces in it take 5 s to judge; our choice."""

SILENCE_S = 20.0
"""So long a request may bring no event while files are read. Our choice."""

RENDER_SILENCE_S = 60.0
"""The same once they are read. The longest silence takes 2.7 s of processor time (the face in a
picture of 4096 px); our choice leaves room for a machine that does much else."""

LOOK_S = 0.5
"""How often processor time and silence are looked at."""

WARM_RETRY_S = 1.0
MAX_WARM_RETRY_S = 30.0
"""The first and the longest pause after a process that could not be started. Our choice."""

EVENTS_AT_ONCE = 100
EVENTS_PER_S = 20.0
"""Events that a request may bring: so many at once and so many a second. A render tells of itself
five times a second; one that floods would keep the server from all else. Our choice."""

MAX_CAPTIONS_BYTES = 1024 * 1024
"""Of the captions of a video: 20,000 letters, each of them a cue. Our choice."""

MAX_PLAIN_BYTES = 128 * 1024 * 1024
"""Of a file that is written plainly: 600 s of stereo at 48 kHz have 115 MB."""

MAX_PLAN_BYTES = 32 * 1024 * 1024
"""Of a plan: 124 bytes for each frame, of which an hour has up to 216,000."""

MAX_LIGHT_BYTES = 2 * 1024 * 1024
"""Of what a watermark is looked for in: 512 x 1536 values of two bytes."""

_log = logging.getLogger("portravox.worker")

_OURS_PASSED_ON = (MODELS_DIR, CORES, DEVICE)
"""Of our own variables: where model files lie, and what may be used to draw."""

OnStage = Callable[[StageReached], None]
"""Called with where the request is."""

D = TypeVar("D", bound=Done)


class RequestFailed(Exception):
    """A request came to nothing; caught by who made it."""

    def __init__(
        self, problem: Problem, *, retry: bool, explanation: Explanation | None = None
    ) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.retry = retry
        """Whether another process may do better."""

        self.explanation = explanation
        """What was wrong with a file, if one was at fault."""


def ignore_stage(reached: StageReached) -> None:
    """For requests whose progress nobody follows."""
    del reached


class _Overdrawn(Exception):
    """A request used up what it may take."""

    def __init__(self, why: str, problem: Problem, *, retry: bool) -> None:
        super().__init__(why)
        self.problem = problem
        self.retry = retry


@dataclass(frozen=True, slots=True)
class Conversation:
    """A process that talks for longer than a request: what goes in and out of it, unread."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    folder: RequestFolder
    pid: int


class WorkerProcess:
    """One process at a time, made ready before it is needed and replaced when it has ended."""

    def __init__(
        self,
        role: Role,
        *,
        memory_mib: int,
        folders: Path | None = None,
        sandbox_mode: SandboxMode = "auto",
        engines: Sequence[str] = (),
        command: Sequence[str] | None = None,
    ) -> None:
        """
        role          all that it can be asked for
        folders       where folders of processes are made, on the file system of the scratch
                      folders; by default the machine's temporary folder
        sandbox_mode  how it is isolated
        engines       what it opens before it says that it is ready
        command       what to run instead of our own child, for tests
        """
        self._role = role
        self._memory_mib = memory_mib
        self._folders = folders or Path(tempfile.gettempdir())
        self._sandbox_mode = sandbox_mode
        self._engines = ",".join(engines)
        self._command = command
        self._folder: ProcessFolder | None = None
        self._child: asyncio.subprocess.Process | None = None
        self._lines: _Lines | None = None
        self._idle: asyncio.Task[None] | None = None
        self._number = 0
        self._requests = 0
        self._turn = asyncio.Lock()
        self.failed_starts = 0
        """In a row, up to now."""

    @property
    def _draws(self) -> bool:
        """Whether it runs compiled loops."""
        return self._role not in ("fetch", "peer")

    @property
    def pid(self) -> int | None:
        """Of the process; None where there is none."""
        if self._child is None or self._child.returncode is not None:
            return None
        return self._child.pid

    async def warm(self) -> None:
        """Start the process, if there is none. Raises RequestFailed, OSError."""
        async with self._turn:
            await self._ready()

    async def request(
        self,
        request: Request,
        done: type[D],
        *,
        time_s: float,
        on_stage: OnStage = ignore_stage,
    ) -> D:
        """Have a request carried out; the next one waits meanwhile.

        request  its number is given here
        done     the event that answers it

        Raises RequestFailed, OSError where no process can be started. Cancelling this call kills
        the process, and so does the end of the time.
        """
        async with self._turn:
            await self._ready()
            self._requests += 1
            self._number += 1
            try:
                async with asyncio.timeout(time_s):
                    event = await self._with_files(
                        replace(request, number=self._number), done, on_stage
                    )
            except TimeoutError as error:
                await self._kill()
                raise RequestFailed(problems.TIMEOUT, retry=False) from error
            except ProtocolViolation as error:
                _log.error("a %s process is ended: %s", self._role, error)
                await self._kill()
                raise RequestFailed(problems.ALGO, retry=True) from error
            except _Overdrawn as error:
                _log.warning("a %s process is ended: %s", self._role, error)
                await self._kill()
                raise RequestFailed(error.problem, retry=error.retry) from error
            except BaseException:
                await self._kill()
                raise
            if self._requests >= REQUESTS_PER_PROCESS:
                await self._kill()
            else:
                self._watch_idle()
        if isinstance(event, Failed):
            raise RequestFailed(
                event.problem,
                retry=event.retry,
                explanation=explanation(
                    event.reason,
                    event.explanation,
                    file=request.file if isinstance(request, FetchRequest) else None,
                ),
            )
        return event

    @contextlib.asynccontextmanager
    async def conversation(self, request: TalkRequest) -> AsyncIterator[Conversation]:
        """Have the process to oneself until the block ends, and the process with it.

        request  what it is told first; its number and folder are given here, and its files lie in
                 the folder that it names

        Raises RequestFailed, OSError where no process can be started.
        """
        async with self._turn:
            await self._ready()
            assert self._child is not None and self._folder is not None
            child, lines = self._child, self._lines
            assert child.stdin is not None and child.stdout is not None and lines is not None
            self._number += 1
            inside = self._folder.begin(self._number)
            try:
                if lines.has_more:
                    raise RequestFailed(problems.ALGO, retry=True)
                for file in _INPUTS[request.kind]:
                    inside.put(Path(request.folder) / file)
                begun = replace(request, number=self._number, folder=str(inside.path))
                with contextlib.suppress(ConnectionError):  # it is dead: reading says so, too
                    child.stdin.write(encode(begun))
                    await child.stdin.drain()
                yield Conversation(child.stdout, child.stdin, inside, child.pid)
            finally:
                inside.close()
                await self._kill()

    async def close(self) -> None:
        """End the process, whatever it does."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        await self._kill()

    async def _ready(self) -> None:
        """A process that has said that it is ready, and nothing since."""
        await self._stop_watching()
        if self.pid is not None:
            return
        self.failed_starts += 1
        await self._start()
        self.failed_starts = 0

    async def _start(self) -> None:
        folder = await asyncio.to_thread(self._make_folder)
        self._child = await asyncio.create_subprocess_exec(
            *(self._command or self._own_command(folder)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Our settings may hold secrets, and are none of its business.
            env=sandbox.environment(
                folder.path,
                {
                    **sandbox.passed_on(os.environ),
                    **{name: os.environ[name] for name in _OURS_PASSED_ON if name in os.environ},
                    OPENED: self._engines,
                },
            ),
        )
        assert self._child.stdout is not None
        self._lines = _Lines(self._child.stdout)
        self._requests = 0
        try:
            async with asyncio.timeout(START_TIME_S):
                await self._first_event()
            # It has not seen a stranger's file: what it compiled until now can be trusted.
            await asyncio.to_thread(self._keep_compiled_code, folder)
        except TimeoutError as error:
            _log.error("a %s process did not start in time: %s", self._role, error)
            # Else the next one would begin where this one did, and not come further.
            await asyncio.to_thread(self._keep_compiled_code, folder)
            await self._kill()
            raise RequestFailed(problems.ALGO, retry=True) from error
        except ProtocolViolation as error:
            _log.error("a %s process did not start: %s", self._role, error)
            await self._kill()
            raise RequestFailed(problems.ALGO, retry=True) from error
        except BaseException:
            await self._kill()
            raise

    async def _first_event(self) -> None:
        """Wait until it says that it is ready. Raises ProtocolViolation where it says something
        else, TimeoutError where it takes too much of the processor."""
        assert self._child is not None and self._lines is not None
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    if not isinstance(decode_event(await self._lines.next()), Ready):
                        raise ProtocolViolation("an event before it was ready")
                    return
            if processor_time_s(self._child.pid) > START_CPU_S:
                raise TimeoutError(f"more than {START_CPU_S:g} s of processor time")

    def _own_command(self, folder: ProcessFolder) -> tuple[str, ...]:
        child = (sys.executable, "-m", "portravox.service.worker.child")
        limits = (str(self._memory_mib), str(folder.path), self._sandbox_mode, str(os.getpid()))
        return (*child, self._role, *limits)

    def _make_folder(self) -> ProcessFolder:
        self._remove_folder()
        self._folder = ProcessFolder(self._folders)
        if self._draws and self._command is None:
            copy_compiled_code(self._folder.compiled_code)
        return self._folder

    def _keep_compiled_code(self, folder: ProcessFolder) -> None:
        if self._draws and self._command is None:
            with contextlib.suppress(OSError):  # the next one compiles it again
                keep_code_compiled_in(folder.compiled_code)

    def _remove_folder(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.close()

    async def _with_files(self, request: Request, done: type[D], on_stage: OnStage) -> D | Failed:
        """Move the request's files to the process, have it carried out, move its results back."""
        assert self._folder is not None
        scratch = Path(request.folder)
        inside = self._folder.begin(request.number)
        try:
            for file in _inputs(request):
                inside.put(scratch / file)

            is_streaming = False

            def take_what_is_shown(reached: StageReached) -> None:
                nonlocal is_streaming
                inside.take(PREVIEW_NAME, scratch / PREVIEW_NAME, max_bytes=MAX_PREVIEW_BYTES)
                if not is_streaming:  # once: the process goes on writing to what it has open
                    is_streaming = inside.take(
                        STREAM_NAME, scratch / STREAM_NAME, max_bytes=sandbox.MAX_FILE_BYTES
                    )
                on_stage(reached)

            event = await self._carried_out(
                replace(request, folder=str(inside.path)), done, take_what_is_shown
            )
            name, max_bytes = _result(request)
            if name is not None and isinstance(event, done):
                inside.take(name, scratch / name, max_bytes=max_bytes)
                if isinstance(request, RenderRequest) or _is_planned(event):
                    inside.take(
                        CAPTIONS_NAME, scratch / CAPTIONS_NAME, max_bytes=MAX_CAPTIONS_BYTES
                    )
                if isinstance(request, PlanRequest):  # whoever makes the video needs them again
                    for file in _inputs(request):
                        inside.take(file, scratch / file, max_bytes=sandbox.MAX_FILE_BYTES)
            return event
        finally:
            inside.close()
            if self._folder is not None:  # the process goes on
                await asyncio.to_thread(self._folder.forget, request.number)

    async def _carried_out(self, request: Request, done: type[D], on_stage: OnStage) -> D | Failed:
        assert self._child is not None and self._child.stdin is not None
        assert self._lines is not None
        with contextlib.suppress(ConnectionError):  # it is dead: reading says so, too
            self._child.stdin.write(encode(request))
            await self._child.stdin.drain()
        watch = _Watch(self._child.pid, request)
        started, events = time.monotonic(), 0
        while True:
            event = await self._next_event(watch)
            events += 1
            if events > EVENTS_AT_ONCE + EVENTS_PER_S * (time.monotonic() - started):
                raise ProtocolViolation("more events than a request has")
            if event.number != request.number:
                raise ProtocolViolation("an event of another request")
            if isinstance(event, StageReached):
                watch.note(event.stage)
                on_stage(event)
            elif isinstance(event, (done, Failed)):
                if self._lines.has_more:
                    raise ProtocolViolation("an event after it was done")
                return event
            else:
                raise ProtocolViolation("the answer to another kind of request")

    async def _next_event(self, watch: _Watch) -> Event:
        assert self._lines is not None
        while True:
            watch.require_within_limits()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    return decode_event(await self._lines.next())

    def _watch_idle(self) -> None:
        """A process that says anything while it has nothing to do is not given anything to do."""
        assert self._lines is not None
        self._idle = asyncio.create_task(self._lines.anything())

    async def _stop_watching(self) -> None:
        await asyncio.sleep(0)  # what has come already is seen
        # From here on without a pause: a caller that goes away in one would leave the watch
        # behind, to take what is meant for the next.
        watch, self._idle = self._idle, None
        if watch is None:
            return
        has_spoken = watch.done()
        watch.cancel()
        await asyncio.wait([watch])
        if has_spoken:
            if not watch.cancelled():
                watch.exception()  # looked at, whatever it is
            _log.error("a %s process ended, or spoke unasked", self._role)
            await self._kill()

    async def _kill(self) -> None:
        """End the process. Who is cancelled meanwhile still waits for its end, a few milliseconds:
        nobody else would, and what the loop holds of it would stay for ever."""
        child, self._child = self._child, None
        was_cancelled = False
        if child is not None:
            ending = asyncio.create_task(_end(child))
            while not ending.done():
                try:
                    await asyncio.shield(ending)
                except asyncio.CancelledError:
                    was_cancelled = True
        await asyncio.to_thread(self._remove_folder)
        if was_cancelled:
            raise asyncio.CancelledError


async def _end(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    assert child.stdout is not None
    # asyncio waits for the end of the pipe, and does not read on where much lies unread.
    with contextlib.suppress(RuntimeError):  # somebody else reads, and so comes to its end
        while await child.stdout.read(MAX_LINE_BYTES):
            pass
    await child.wait()


_INPUTS: Mapping[str, tuple[str, ...]] = {
    FetchRequest.kind: (),
    JudgeRequest.kind: ("image",),
    InspectRequest.kind: ("file",),
    PlainRequest.kind: ("image", "audio"),
    RenderRequest.kind: ("image", "audio", "background", WORDS_NAME, FONT_NAME),
    PlanRequest.kind: ("image", "audio", "background", WORDS_NAME),
    PartRequest.kind: ("image", "background", PLAN_NAME),
    JoinRequest.kind: ("image", "audio", "background", PLAN_NAME),
    LiveRequest.kind: ("image",),
    PeerRequest.kind: (),
}


def _inputs(request: Request) -> tuple[str, ...]:
    """The files that a request is about, in its scratch folder."""
    files = _INPUTS[request.kind]
    if isinstance(request, JoinRequest):
        files += tuple(map(part_name, range(len(request.frames))))
    return files


def _is_planned(event: Event) -> bool:
    return isinstance(event, PlanDone) and event.frames > 0


def _result(request: Request) -> tuple[str | None, int]:
    """The file that comes of a request, and how large it may be."""
    match request:
        case FetchRequest():
            return request.file, sandbox.MAX_FILE_BYTES
        case RenderRequest() | JoinRequest():
            return VIDEO_NAME, sandbox.MAX_FILE_BYTES
        case PlanRequest():
            return PLAN_NAME, MAX_PLAN_BYTES
        case PartRequest():
            return PART_NAME, sandbox.MAX_FILE_BYTES
        case PlainRequest():
            return PLAIN_NAME, MAX_PLAIN_BYTES
        case InspectRequest(keeps_light=True):
            return LIGHT_NAME, MAX_LIGHT_BYTES
        case JudgeRequest() | InspectRequest():
            return None, 0


class _Watch:
    """What one request takes of a process: looked at from outside, where it cannot be evaded."""

    def __init__(self, pid: int, request: Request) -> None:
        self._pid = pid
        # Who fetches waits for a stranger's server, and gives up by itself.
        self._silence_s = math.inf if isinstance(request, FetchRequest) else SILENCE_S
        self._cpu_s = processor_time_s(pid)
        self._event_at = self._looked_at = time.monotonic()
        self._reads = True

    def note(self, stage: Stage) -> None:
        """It is at a stage, and lives. Once files were read they are not read again."""
        self._event_at = time.monotonic()
        if stage != "read":
            self._reads = False
            self._silence_s = RENDER_SILENCE_S

    def require_within_limits(self) -> None:
        """Raise _Overdrawn where it read for too long, or does nothing that shows."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_S:
            return
        self._looked_at = now
        if self._reads and processor_time_s(self._pid) - self._cpu_s > READ_CPU_S:
            # The file's fault: another process would take as long.
            why = f"it read for {READ_CPU_S:g} s of processor time"
            raise _Overdrawn(why, problems.FILE_FORMAT, retry=False)
        if now - self._event_at > self._silence_s:
            why = f"no event for {self._silence_s:g} s"
            raise _Overdrawn(why, problems.TIMEOUT, retry=True)


def processor_time_s(pid: int) -> float:
    """What all threads of a process have used; 0 where it is gone."""
    try:
        # After the name, which may hold spaces and brackets; proc_pid_stat(5): utime, stime.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class _Lines:
    """The lines of a stream, none longer than MAX_LINE_BYTES."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream
        self._unread = b""

    @property
    def has_more(self) -> bool:
        """Whether something came after the latest line."""
        return bool(self._unread)

    async def next(self) -> bytes:
        """Raises ProtocolViolation where there is no line: it is too long, or the stream ends."""
        while (end := self._unread.find(b"\n") + 1) == 0:
            if len(self._unread) >= MAX_LINE_BYTES:
                raise ProtocolViolation(f"a line of more than {MAX_LINE_BYTES} bytes")
            piece = await self._stream.read(MAX_LINE_BYTES)
            if not piece:
                raise ProtocolViolation("it ended in the middle of its work")
            self._unread += piece
        line, self._unread = self._unread[:end], self._unread[end:]
        return line

    async def anything(self) -> None:
        """Returns when something comes, or the stream ends."""
        if not self._unread:
            self._unread = await self._stream.read(MAX_LINE_BYTES)


class ProcessPool:
    """Several `WorkerProcess`es of one kind, which keys have in turns."""

    def __init__(
        self,
        make: Callable[[], WorkerProcess],
        *,
        at_once: int,
        per_key: int | None = None,
        keep: int,
    ) -> None:
        """
        at_once   processes that there are at most
        per_key   of these, how many one key may have; None: all
        keep      how many wait for a request, once they are to be kept warm, and stay when theirs
                  is done
        """
        self._make = make
        self._at_once = at_once
        self._turns = FairTurns(at_once, per_key=per_key)
        self._keep = keep
        self._idle: list[WorkerProcess] = []
        self._busy: set[WorkerProcess] = set()
        self._warming: asyncio.Task[None] | None = None

    @property
    def failed_starts(self) -> int:
        """How often in a row a process could not be started; of the one that failed most."""
        return max((process.failed_starts for process in (*self._idle, *self._busy)), default=0)

    async def request(
        self,
        request: Request,
        done: type[D],
        *,
        key: str,
        time_s: float,
        on_stage: OnStage = ignore_stage,
    ) -> D:
        """Have a request carried out by a process that is free, once it is this key's turn. The
        wait is not part of `time_s`. Raises RequestFailed, OSError."""
        async with self._turns.turn(key):
            process = self._idle.pop(0) if self._idle else self._make()
            self._busy.add(process)
            try:
                return await process.request(request, done, time_s=time_s, on_stage=on_stage)
            finally:
                self._busy.discard(process)
                if len(self._idle) < self._keep:
                    self._idle.append(process)
                else:
                    await process.close()

    @contextlib.asynccontextmanager
    async def conversation(self, request: TalkRequest, *, key: str) -> AsyncIterator[Conversation]:
        """Talk with a process that is free. Raises RequestFailed, OSError."""
        async with self._turns.turn(key):
            process = self._idle.pop(0) if self._idle else self._make()
            self._busy.add(process)
            try:
                async with process.conversation(request) as talk:
                    yield talk
            finally:
                self._busy.discard(process)
                await process.close()

    def keep_warm(self) -> None:
        """From now on have processes ready before they are needed."""
        if self._warming is None:
            self._warming = asyncio.create_task(self._warm())

    async def close(self) -> None:
        """End all processes, whatever they do."""
        if self._warming is not None:
            self._warming.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._warming
        for process in (*self._idle, *self._busy):
            await process.close()

    async def _warm(self) -> None:
        pause_s = WARM_RETRY_S
        while True:
            try:
                while len(self._idle) < min(self._keep, self._at_once - len(self._busy)):
                    self._idle.append(self._make())
                for process in [process for process in self._idle if process.pid is None]:
                    await self._start_idle(process)
                pause_s = WARM_RETRY_S
            except Exception:  # whatever it is, the next try may do better
                _log.exception("no process could be started; the next try is in %g s", pause_s)
                pause_s = min(2.0 * pause_s, MAX_WARM_RETRY_S)
            await asyncio.sleep(pause_s)

    async def _start_idle(self, process: WorkerProcess) -> None:
        """Start a process that waits. A request may take it meanwhile, and the pool let go of it
        after: then nobody would ever end what is started here."""
        if process not in self._idle:
            return
        try:
            await process.warm()
        except Exception:
            if self._has(process):
                raise
        finally:
            if not self._has(process):
                await process.close()

    def _has(self, process: WorkerProcess) -> bool:
        return process in self._busy or process in self._idle
