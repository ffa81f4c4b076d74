"""A real server in which something breaks at the very moment that a test chose.

Flow      tests.faults -> the plan, a file -> saboteur -> portravox serve with traps in it

A trap stands where the server passes a step: of a child's work, of a commit, of an answer. Where
the plan names the step, the process is killed there as by `kill -9`: the server itself, or the
child that makes the video. The plan is removed before, so that the next server lives.

    child:render 3    the child, the third time that it tells of rendering
    server:committed  the server, once something is on the disk and before anybody is told
    odd:NaN           the process that renders says something odd instead of its next line
    clock +600        from now on the server's clock is ten minutes ahead
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

PLAN = "PORTRAVOX_TEST_PLAN"
"""The variable that names the file."""

MAIN = "from tests.faults.saboteur import main; main()"

HALF_AN_ANSWER_S = 0.02
"""In which the headers of an answer leave before the server dies."""

ODD_LINES = {
    "hello": b"hello\n",
    "list": b"[1]\n",
    "failed": b'{"failed":{}}\n',
    "done": b'{"done":{}}\n',
    "70kB": b'{"kind":"' + b"x" * 70_000 + b'"}\n',
    "NaN": b'{"kind":"rendered","number":1,"duration_s":NaN}\n',
    "negative": b'{"kind":"rendered","number":1,"duration_s":-1.0}\n',
    "other": b'{"kind":"rendered","number":900,"duration_s":2.0}\n',
    "binary": bytes(range(11, 256)) + b"\n",
}
"""What a process says that was taken over, or is broken."""

_passed: Counter[str] = Counter()


def main() -> None:
    """Set the traps, then do what `portravox` does."""
    plan = Path(os.environ[PLAN])
    _set_clock_trap(plan)
    _set_commit_traps(plan)
    _set_answer_trap(plan)
    _set_work_traps(plan)

    from portravox.cli.main import main as portravox

    sys.exit(portravox())


def _is_due(plan: Path, step: str) -> bool:
    """Whether this is where it has to happen; if so, never again."""
    try:
        wanted, _, count = plan.read_text().partition(" ")
    except FileNotFoundError:
        return False
    if wanted != step:
        return False
    _passed[step] += 1
    if _passed[step] < int(count or 1):
        return False
    plan.unlink()
    return True


def _strike(plan: Path, step: str, pid: int | None = None) -> None:
    if _is_due(plan, step):
        os.kill(os.getpid() if pid is None else pid, signal.SIGKILL)


def _set_clock_trap(plan: Path) -> None:
    """Before anything of ours is imported, since it takes time.time along as a default."""
    real = time.time

    def told() -> float:
        try:
            wanted, _, ahead_s = plan.read_text().partition(" ")
        except FileNotFoundError:
            return real()
        return real() + (float(ahead_s) if wanted == "clock" else 0.0)

    time.time = told


def _set_commit_traps(plan: Path) -> None:
    class Connection(sqlite3.Connection):
        def commit(self) -> None:
            _strike(plan, "server:committing")
            super().commit()
            _strike(plan, "server:committed")

    sqlite3.connect = partial(sqlite3.connect, factory=Connection)


def _set_answer_trap(plan: Path) -> None:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    send = RequestResponseCycle.send

    async def half_an_answer(self: RequestResponseCycle, message: Any) -> None:
        if message["type"] == "http.response.body" and _is_due(plan, "server:answering"):
            await asyncio.sleep(HALF_AN_ANSWER_S)
            os.kill(os.getpid(), signal.SIGKILL)
        await send(self, message)

    RequestResponseCycle.send = half_an_answer


def _set_work_traps(plan: Path) -> None:
    from portravox.service.worker.loop import WorkerLoop
    from portravox.service.worker.messages import (
        FetchRequest,
        RenderRequest,
        Request,
        StageReached,
    )
    from portravox.service.worker.process import OnStage, WorkerProcess

    carried_out, publish = WorkerProcess._carried_out, WorkerLoop._publish

    async def watched(
        self: WorkerProcess, request: Request, done: type[Any], on_stage: OnStage
    ) -> Any:
        assert self.pid is not None

        def staged(reached: StageReached) -> None:
            on_stage(reached)
            strike(reached.stage)

        def strike(step: str) -> None:
            _strike(plan, f"child:{step}", self.pid)
            _strike(plan, f"server:{step}")

        if isinstance(request, RenderRequest):
            for name, line in ODD_LINES.items():
                if _is_due(plan, f"odd:{name}"):
                    _say_instead(self, line)
        # A task is met first by the process that fetches its picture.
        if isinstance(request, FetchRequest):
            if request.file == "image":
                strike("claimed")
            strike("download")
        return await carried_out(self, request, done, staged)

    def _say_instead(process: WorkerProcess, line: bytes) -> None:
        """Put a line before all that the process says from now on."""
        assert process._lines is not None
        process._lines._unread = line + process._lines._unread

    def published(self: WorkerLoop, video: Path, name: str) -> None:
        _strike(plan, "server:publishing")
        publish(self, video, name)
        _strike(plan, "server:published")

    WorkerProcess._carried_out = watched  # type: ignore[method-assign]
    WorkerLoop._publish = published  # type: ignore[method-assign]
