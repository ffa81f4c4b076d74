"""Live sessions over WebRTC: a browser calls, and is answered by a process that holds its line.

Flow      routes.live -> LiveCalls.answer -> PeerProcess ; LiveSessions.hold -> the browser

The messages are those of a WebSocket: JSON on the browser's data channel, and what its microphone
hears instead of binary ones. What is drawn goes to the peer process as raw frames, which encodes
them for this one browser. Decision 0075.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping

from portravox.service.live import ClientGone, Holder, LiveSessions
from portravox.service.problems import Refusal
from portravox.service.tasks.queue import Json
from portravox.service.worker.messages import PeerRequest, ProtocolViolation
from portravox.service.worker.peer_messages import Frame, Tell
from portravox.service.worker.peer_process import SILENCE_S, PeerProcess
from portravox.service.worker.process import ProcessPool, RequestFailed

_log = logging.getLogger("portravox.live")


class LiveCalls:
    """All connections of a server. Belongs to one event loop."""

    def __init__(
        self,
        sessions: LiveSessions,
        pool: ProcessPool,
        *,
        address: str = "",
        announced: str = "",
        ports: range | None = None,
    ) -> None:
        """
        address    of this machine, at which browsers reach it; empty: all that it has
        announced  what they are told instead; empty: the address itself
        ports      UDP; None: any that is free
        """
        self._sessions = sessions
        self._pool = pool
        self._address = address
        self._announced = announced
        self._ports = ports
        self._calls: set[asyncio.Task[None]] = set()

    def keep_warm(self) -> None:
        """From now on have a process ready for the next call."""
        self._pool.keep_warm()

    async def answer(self, offer: str, holder: Holder) -> str:
        """Begin a session with who makes an offer; the answer to it. The session goes on by
        itself. Raises Refusal, also for an offer that will not do."""
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        call = asyncio.create_task(self._held(offer, holder, answered), name="live call")
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        try:
            return await answered
        except asyncio.CancelledError:
            call.cancel()
            raise

    async def close(self) -> None:
        """End all of them, whatever they do."""
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        await self._pool.close()

    async def _held(self, offer: str, holder: Holder, answered: asyncio.Future[str]) -> None:
        """A call from its offer to its end."""
        ports = self._ports or range(0, 1)
        request = PeerRequest(
            offer=offer,
            address=self._address,
            announced=self._announced,
            first_port=ports[0],
            last_port=ports[-1],
            silence_s=SILENCE_S,
        )
        try:
            await self._sessions.refresh_usage(holder)
            with self._sessions.entered(holder):
                self._pool.keep_warm()
                key = f"key {holder.key_id}"
                async with PeerProcess.open(self._pool, request, key=key) as (peer, answer):
                    if answered.cancelled():
                        return
                    answered.set_result(answer)
                    await self._converse(peer, holder)
        except (Refusal, RequestFailed, OSError) as error:
            if answered.done():
                _log.warning("a live call broke: %s", error)
            else:
                answered.set_exception(_refusal(error))
        finally:
            if not answered.done():
                answered.cancel()

    async def _converse(self, peer: PeerProcess, holder: Holder) -> None:
        client = _Browser(peer)
        reason, lasted_s = await self._sessions.hold(client, holder, has_entered=True)
        if reason != "gone":
            closed = {"type": "closed", "reason": reason, "lasted_s": round(lasted_s, 2)}
            with contextlib.suppress(ClientGone):
                await client.tell(closed)
            await peer.hang()


def _refusal(error: Refusal | RequestFailed | OSError) -> BaseException:
    return Refusal(error.problem) if isinstance(error, RequestFailed) else error


class _Browser:
    """A connection, as live sessions see a client."""

    def __init__(self, peer: PeerProcess) -> None:
        self._peer = peer
        self._has_started = False

    async def receive(self) -> str | bytes:
        """What the microphone heard before the session began is nobody's speech."""
        while True:
            try:
                said = await self._peer.said()
            except ProtocolViolation as error:
                _log.error("a peer process is ended: %s", error)
                raise ClientGone from error
            if said is None:
                raise ClientGone
            if self._has_started or isinstance(said, str):
                return said

    async def tell(self, event: Mapping[str, Json]) -> None:
        self._has_started = self._has_started or event["type"] == "started"
        await self._send(Tell(json.dumps(event, ensure_ascii=False, separators=(",", ":"))))

    async def send(self, piece: bytes) -> None:
        await self._send(Frame(piece))

    def allow(self, most_bytes: int | None) -> None:
        """A picture comes by its address alone."""

    async def _send(self, command: Tell | Frame) -> None:
        try:
            await self._peer.tell(command)
        except TimeoutError as error:
            raise ClientGone from error
