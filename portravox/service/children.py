"""Child processes: started beforehand, given one order at a time, killed when they must end.

Flow      worker, detector -> children -> service.child
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from portravox.service import problems
from portravox.service.problems import Problem
from portravox.service.schemas import is_upload
from portravox.service.settings import ENVIRONMENT
from portravox.service.storage.base import Storage
from portravox.service.storage.uploads import Uploads

ORDERS_PER_CHILD = 20
"""After so many a child is replaced, so that what leaks does not pile up. Our choice."""

START_TIME_S = 120.0
"""How long a child may take to start; the first one on a machine compiles its loops, 30 s."""

IDLE_FETCHERS = 2
"""Of a pool, kept ready; the others end with their order."""

_LINE_BYTES = 64 * 1024

_log = logging.getLogger("portravox.children")

Role = Literal["render", "judge", "fetch"]

OnStage = Callable[[str, float], None]
"""Called with the stage and how much of the job is done, 0..1."""


class ChildFailed(Exception):
    """An order came to nothing; caught by who gave it."""

    def __init__(self, problem: Problem, *, retry: bool) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.retry = retry
        """Whether another child may do better."""


def _nobody_asked(stage: str, done: float) -> None:
    del stage, done


class Children:
    """One child at a time, made ready before it is needed."""

    def __init__(self, role: Role, *, memory_mib: int) -> None:
        """role: what it makes ready for; it can do all else too, but later."""
        self._role = role
        self._memory_mib = memory_mib
        self._child: asyncio.subprocess.Process | None = None
        self._orders = 0
        self._turn = asyncio.Lock()

    async def warm(self) -> None:
        """Start the child, if there is none."""
        async with self._turn:
            await self._ready()

    async def order(
        self, order: dict[str, Any], *, time_s: float, on_stage: OnStage = _nobody_asked
    ) -> dict[str, Any]:
        """Have an order carried out; the next one waits meanwhile.

        Raises ChildFailed. Cancelling this call kills the child, and so does the end of the time.
        """
        async with self._turn:
            child = await self._ready()
            self._orders += 1
            try:
                async with asyncio.timeout(time_s):
                    news = await self._carried_out(child, order, on_stage)
            except TimeoutError as error:
                await self._kill()
                raise ChildFailed(problems.TIMEOUT, retry=False) from error
            except BaseException:
                await self._kill()
                raise
            if self._orders >= ORDERS_PER_CHILD:
                await self._kill()
        if "failed" in news:
            failed = news["failed"]
            problem = Problem(failed["status"], failed["code"], failed["message"])
            raise ChildFailed(problem, retry=failed["retry"])
        done: dict[str, Any] = news["done"]
        return done

    async def close(self) -> None:
        """End the child, whatever it does."""
        await self._kill()

    async def _ready(self) -> asyncio.subprocess.Process:
        if self._child is not None and self._child.returncode is None:
            return self._child
        self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "portravox.service.child",
            self._role,
            str(self._memory_mib),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
            # Our settings may hold secrets, and are none of a child's business.
            env={k: v for k, v in os.environ.items() if not k.startswith(ENVIRONMENT)},
        )
        self._orders = 0
        try:
            async with asyncio.timeout(START_TIME_S):
                await self._news(self._child)
        except BaseException as error:
            await self._kill()
            if isinstance(error, TimeoutError):
                raise ChildFailed(problems.ALGO, retry=True) from error
            raise
        return self._child

    async def _carried_out(
        self, child: asyncio.subprocess.Process, order: dict[str, Any], on_stage: OnStage
    ) -> dict[str, Any]:
        assert child.stdin is not None
        with contextlib.suppress(ConnectionError):  # it is dead: reading says so, too
            child.stdin.write(json.dumps(order).encode() + b"\n")
            await child.stdin.drain()
        while True:
            news = await self._news(child)
            if "stage" not in news:
                return news
            on_stage(news["stage"], news["progress"])

    async def _news(self, child: asyncio.subprocess.Process) -> dict[str, Any]:
        """The next line from the child. Raises ChildFailed if it died instead."""
        assert child.stdout is not None
        line = await child.stdout.readline()
        if not line.endswith(b"\n"):
            _log.error("a child ended with status %s", await child.wait())
            raise ChildFailed(problems.ALGO, retry=True)
        news: dict[str, Any] = json.loads(line)
        return news

    async def _kill(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


class Pool:
    """Several `Children` of one kind, for orders that mostly wait."""

    def __init__(self, make: Callable[[], Children], *, at_once: int) -> None:
        self._make = make
        self._room = asyncio.Semaphore(at_once)
        self._idle: list[Children] = []
        self._busy: set[Children] = set()

    async def order(self, order: dict[str, Any], *, time_s: float) -> dict[str, Any]:
        """Have an order carried out by a child that is free, once there is one. Raises
        ChildFailed."""
        async with self._room:
            children = self._idle.pop() if self._idle else self._make()
            self._busy.add(children)
            try:
                return await children.order(order, time_s=time_s)
            finally:
                self._busy.discard(children)
                if len(self._idle) < IDLE_FETCHERS:
                    self._idle.append(children)
                else:
                    await children.close()

    async def close(self) -> None:
        """End all children, whatever they do."""
        for children in (*self._idle, *self._busy):
            await children.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Where files lie while they are worked on, and how uploads get there."""

    folder: Path
    uploads: Uploads
    uploaded: Storage
    allow_nets: str

    @contextlib.asynccontextmanager
    async def desk(self) -> AsyncIterator[Path]:
        """An empty folder, gone afterwards."""
        folder = self.folder / uuid.uuid4().hex
        await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True)
        try:
            yield folder
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def address(self, url: str, file: Path, *, key_group: str) -> str | None:
        """What the child has to fetch; None where the file was uploaded: it is put there now.

        Raises UploadUnknown.
        """
        if not is_upload(url):
            return url
        await asyncio.to_thread(self._fetch, url, file, key_group)
        return None

    def _fetch(self, url: str, file: Path, key_group: str) -> None:
        _, stream = self.uploaded.open(self.uploads.resolve(url, group=key_group))
        with stream, file.open("xb") as copy:
            shutil.copyfileobj(stream, copy)
