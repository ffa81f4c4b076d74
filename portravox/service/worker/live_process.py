"""A live session's process, seen from outside.

Flow      service.live -> LiveProcess -> worker.live_child ; LiveEvent, Piece -> service.live

What the process says is looked at part by part (`live_messages`), how much processor time it takes
to open a stranger's picture and how long it is silent from outside. It has one session and ends
with it; nothing of one stranger's picture meets another's.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

from portravox.service import problems
from portravox.service.explanations import explanation
from portravox.service.worker.live_messages import (
    HEAD,
    Audio,
    Command,
    LiveEvent,
    Opened,
    Piece,
    Speak,
    decode_live,
    encode_command,
    size_of_part,
)
from portravox.service.worker.messages import Failed, LiveRequest, ProtocolViolation
from portravox.service.worker.process import (
    LOOK_S,
    READ_CPU_S,
    Conversation,
    ProcessPool,
    RequestFailed,
    processor_time_s,
)

OPEN_TIME_S = 60.0
"""How long opening may take on a machine that does much else. Our choice: it takes a second."""

SILENCE_S = 15.0
"""So long an open session may say nothing; it says something once a second. Our choice."""

TEXTS_AT_ONCE = 512
TEXTS_PER_S = 600.0
"""Events beside the video: so many at once and so many a second. One for each message of a client,
which has 500 a second at most (`sockets`), and some of its own; one that floods would keep the
server from all else. Our choice."""


class LiveProcess:
    """An open session. Belongs to one event loop."""

    def __init__(self, talk: Conversation, opened: Opened) -> None:
        self.opened = opened
        self._talk = talk
        self._credit, self._counted_at = float(TEXTS_AT_ONCE), time.monotonic()

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, pool: ProcessPool, request: LiveRequest, *, key: str
    ) -> AsyncIterator[LiveProcess]:
        """A session with the image in the request's folder, until the block ends.

        Raises RequestFailed, also from within the block where the process breaks; OSError.
        """
        try:
            async with pool.conversation(request, key=key) as talk:
                yield cls(talk, await _opened(talk))
        except ProtocolViolation as error:
            raise RequestFailed(problems.ALGO, retry=True) from error

    async def tell(self, command: Command | Audio) -> None:
        """Ask for something; waits where the process takes nothing. Raises nothing where it is
        dead: `said` does."""
        with contextlib.suppress(ConnectionError):
            self._talk.writer.write(encode_command(command))
            await self._talk.writer.drain()

    async def speak(self, recording: Path) -> None:
        """Have a recording spoken; it is moved to the process."""
        self._talk.folder.put(recording)
        await self.tell(Speak(file=recording.name))

    async def said(self) -> LiveEvent | Piece:
        """What the process says next. Raises ProtocolViolation, RequestFailed where it is silent
        for too long."""
        try:
            async with asyncio.timeout(SILENCE_S):
                said = await _next(self._talk)
        except TimeoutError as error:
            raise RequestFailed(problems.TIMEOUT, retry=True) from error
        if not isinstance(said, Piece):
            self._count()
        return said

    def _count(self) -> None:
        now = time.monotonic()
        credit = self._credit + TEXTS_PER_S * (now - self._counted_at)
        self._credit, self._counted_at = min(credit, TEXTS_AT_ONCE) - 1.0, now
        if self._credit < 0.0:
            raise ProtocolViolation("more events than a session has")


async def _opened(talk: Conversation) -> Opened:
    """Wait for the session. Raises RequestFailed, ProtocolViolation."""
    reading = asyncio.create_task(_next(talk))
    began_s, cpu_s = time.monotonic(), processor_time_s(talk.pid)
    try:
        while not reading.done():
            await asyncio.wait([reading], timeout=LOOK_S)
            if processor_time_s(talk.pid) - cpu_s > READ_CPU_S:
                raise RequestFailed(problems.FILE_FORMAT, retry=False)
            if time.monotonic() - began_s > OPEN_TIME_S:
                raise RequestFailed(problems.TIMEOUT, retry=True)
        said = reading.result()
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    if isinstance(said, Failed):
        raise failure(said)
    if not isinstance(said, Opened):
        raise ProtocolViolation("an event before it was open")
    return said


async def _next(talk: Conversation) -> LiveEvent | Piece:
    try:
        head = await talk.reader.readexactly(HEAD.size)
        payload = await talk.reader.readexactly(size_of_part(head))
    except asyncio.IncompleteReadError as error:
        raise ProtocolViolation("it ended in the middle of its work") from error
    return decode_live(head, payload)


def failure(said: Failed) -> RequestFailed:
    """What a process said about its end, as an error."""
    return RequestFailed(
        said.problem,
        retry=said.retry,
        explanation=explanation(said.reason, said.explanation, file=None),
    )
