"""A peer process, seen from outside: a browser on a WebRTC connection.

Flow      service.live_calls -> PeerProcess -> worker.peer_child ; what a browser says -> live_calls

It is looked at like a live process: part by part, its processor time while it looks at an offer,
how much it says a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import time
from collections.abc import AsyncIterator
from typing import Final

from portravox.service import problems
from portravox.service.worker.live_messages import HEAD
from portravox.service.worker.messages import PeerRequest, ProtocolViolation
from portravox.service.worker.peer_messages import (
    Answered,
    Hang,
    Heard,
    Lost,
    PeerCommand,
    PeerEvent,
    Said,
    Unfit,
    command_parts,
    decode_peer,
    size_of_peer_part,
)
from portravox.service.worker.process import (
    LOOK_S,
    READ_CPU_S,
    Conversation,
    ProcessPool,
    RequestFailed,
    processor_time_s,
)

ANSWER_TIME_S: Final = 20.0
"""How long an answer may take; it takes a few hundredths. Our choice, for busy machines."""

SILENCE_S: Final = 10.0
"""After so long without a packet the browser is gone: one that shows a video tells several times a
second what it got. As long as a WebSocket waits. Our choice."""

TAKE_TIME_S: Final = 10.0
"""How long the process may take nothing: it throws away what it cannot send in time."""

SAID_PER_S: Final = 500.0
SAID_AT_ONCE: Final = 500
BYTES_PER_S: Final = 1024.0 * 1024.0
"""As `sockets` bounds a WebSocket: faster ones are read no faster."""


def is_installed() -> bool:
    """Whether the extra `live` is."""
    return importlib.util.find_spec("aiortc") is not None


class PeerProcess:
    """A connection. Belongs to one event loop."""

    def __init__(self, talk: Conversation) -> None:
        self._talk = talk
        self._credit, self._bytes = float(SAID_AT_ONCE), BYTES_PER_S
        self._counted_at = time.monotonic()
        self._head: bytes | None = None
        """Of a part whose rest has not come: who waits for it may be cancelled."""

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, pool: ProcessPool, request: PeerRequest, *, key: str
    ) -> AsyncIterator[tuple[PeerProcess, str]]:
        """A connection, and the answer to the offer, until the block ends. Raises RequestFailed,
        OSError."""
        try:
            async with pool.conversation(request, key=key) as talk:
                peer = cls(talk)
                yield peer, await peer._answer()
        except ProtocolViolation as error:
            raise RequestFailed(problems.ALGO, retry=True) from error

    async def tell(self, command: PeerCommand) -> None:
        """Ask for something. Raises TimeoutError where the process takes nothing, and nothing where
        it is dead: `said` does."""
        writer = self._talk.writer
        with contextlib.suppress(ConnectionError):
            writer.writelines(command_parts(command))
            async with asyncio.timeout(TAKE_TIME_S):
                await writer.drain()

    async def hang(self) -> None:
        """Let the last words reach the browser, and end it."""
        with contextlib.suppress(TimeoutError, ProtocolViolation):
            await self.tell(Hang())
            async with asyncio.timeout(TAKE_TIME_S):
                while await self.said() is not None:
                    pass

    async def said(self) -> str | bytes | None:
        """What the browser says next: a text, samples of its microphone; None where it is gone.
        Raises ProtocolViolation."""
        match await self._next():
            case Said(text):
                return text
            case Heard(pcm):
                return pcm
            case Lost():
                return None
            case _:
                raise ProtocolViolation("an event that has no place in a connection")

    async def _answer(self) -> str:
        reading = asyncio.create_task(self._next())
        began_s, cpu_s = time.monotonic(), processor_time_s(self._talk.pid)
        try:
            while not reading.done():
                await asyncio.wait([reading], timeout=LOOK_S)
                if processor_time_s(self._talk.pid) - cpu_s > READ_CPU_S:
                    raise RequestFailed(problems.bad_parameter("sdp"), retry=False)
                if time.monotonic() - began_s > ANSWER_TIME_S:
                    raise RequestFailed(problems.TIMEOUT, retry=True)
            said = reading.result()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        if isinstance(said, Unfit):
            raise RequestFailed(problems.bad_parameter("sdp"), retry=False)
        if not isinstance(said, Answered):
            raise ProtocolViolation("an event before the answer")
        return said.sdp

    async def _next(self) -> PeerEvent:
        reader = self._talk.reader
        try:
            head = self._head = self._head or await reader.readexactly(HEAD.size)
            payload = await reader.readexactly(size_of_peer_part(head))
        except asyncio.IncompleteReadError as error:
            raise ProtocolViolation("it ended in the middle of its work") from error
        self._head = None
        await self._slowed(len(payload))
        return decode_peer(head, payload)

    async def _slowed(self, size: int) -> None:
        """Wait where more is said than may be."""
        now = time.monotonic()
        passed_s, self._counted_at = now - self._counted_at, now
        self._credit = min(self._credit + passed_s * SAID_PER_S, SAID_AT_ONCE) - 1.0
        self._bytes = min(self._bytes + passed_s * BYTES_PER_S, BYTES_PER_S) - size
        wait_s = max(-self._credit / SAID_PER_S, -self._bytes / BYTES_PER_S)
        if wait_s > 0.0:
            await asyncio.sleep(wait_s)
