"""WebSocket connections with limits: bytes and messages a second, size, time to take.

Flow      connections: an upgraded request -> sockets.BoundedSocket -> app

uvicorn's protocol answers each ping and queues what comes, however fast it comes and whether or not
the client takes the answers; it knows no time for a client that takes nothing. Here what comes is
parsed in small pieces, each counted before the next; who is faster than allowed is not read for a
while, which his own system tells him, and nothing of his is lost.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.server import ServerProtocol

MESSAGE_BYTES: Final = 1024 * 1024
"""Of one message, unless more is agreed on (ALLOW): ten seconds of speech at 48 kHz. Our choice."""

BYTES_PER_S: Final = 1024 * 1024
BYTES_AT_ONCE: Final = 12 * 1024 * 1024
"""How fast a client may send: sound of 192 kHz has 384 kB a second, as base64 512. At once: a
picture and a minute of speech. Our choice."""

FRAMES_PER_S: Final = 500
FRAMES_AT_ONCE: Final = 500
"""Frames of the protocol, pings among them: a microphone sends 50 to 125 a second. Each takes some
30 us. Our choice."""

PARTS_OF_A_MESSAGE: Final = 1024
"""Frames that one message may be cut into: empty ones would have no end. Our choice."""

WRITE_TIME_S: Final = 10.0
"""How long a client may take nothing while something waits for him. What is live is not waited for
longer. Our choice."""

PING_S: Final = 20.0
"""How often a client is asked whether it lives, and how long it may take to say so."""

ALLOW: Final = "portravox.allow"
"""In a connection's scope, what sets how many bytes one message may have."""

_PIECE_BYTES: Final = 4096
"""Parsed at once, at most."""

_log = logging.getLogger("portravox.sockets")
_log.setLevel(logging.CRITICAL)  # uvicorn would write addresses and every odd byte down


class BoundedSocket(WebSocketsSansIOProtocol):
    """uvicorn's protocol with limits of time, size and speed."""

    def __init__(self, config: Any, server_state: Any, app_state: Any, place: ExitStack) -> None:
        """place: what the connection holds, given back when it ends"""
        super().__init__(config=config, server_state=server_state, app_state=app_state)
        self.logger = _log
        self.conn: Any = ServerProtocol(extensions=[], max_size=MESSAGE_BYTES, logger=_log)
        self.ping_interval = self.ping_timeout = PING_S
        self._place = place
        self._unparsed = b""
        self._waits: asyncio.TimerHandle | None = None
        """Until more may be parsed."""

        self._write_timeout: asyncio.TimerHandle | None = None
        self._bytes, self._frames = float(BYTES_AT_ONCE), float(FRAMES_AT_ONCE)
        self._counted_at = self.loop.time()
        self._parts = 0

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._waits, self._write_timeout):
            if timer is not None:
                timer.cancel()
        self._unparsed = b""
        self._place.close()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unparsed += data
        self._parse()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_timeout is None:
            self._write_timeout = self.loop.call_later(WRITE_TIME_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timeout is not None:
            self._write_timeout.cancel()
            self._write_timeout = None
        self._go_on()

    async def run_asgi(self) -> None:
        scope: Any = self.scope
        scope[ALLOW] = self._allow
        await super().run_asgi()

    def handle_cont(self, event: Frame) -> None:
        self._parts += 1
        self._count_frame()
        if self._parts > PARTS_OF_A_MESSAGE:
            self.transport.abort()
            return
        super().handle_cont(event)

    def handle_text(self, event: Frame) -> None:
        self._parts = 1
        self._count_frame()
        super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        self._parts = 1
        self._count_frame()
        super().handle_bytes(event)

    def handle_ping(self) -> None:
        self._count_frame()
        super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        self._count_frame()
        super().handle_pong(event)

    def refuse_what_is_no_handshake(self) -> None:
        """End the connection where its request, which HTTP's parser took, was not taken here."""
        if not self.handshake_initiated:
            self.transport.abort()

    def _allow(self, most_bytes: int) -> None:
        self.conn.max_message_size = most_bytes

    def _count_frame(self) -> None:
        self._frames -= 1.0

    def _parse(self) -> None:
        """Take apart what has come, as far as the client's speed allows, and as long as he takes
        what it brings him."""
        self._refill()
        while self._unparsed and self._may_go_on():
            piece, self._unparsed = self._unparsed[:_PIECE_BYTES], self._unparsed[_PIECE_BYTES:]
            self._bytes -= len(piece)
            super().data_received(piece)
        if self.transport.is_closing():
            self._unparsed = b""
        elif self._unparsed or not self._may_go_on():
            self.transport.pause_reading()
            wait_s = max(-self._bytes / BYTES_PER_S, -self._frames / FRAMES_PER_S)
            if wait_s >= 0.0 and self._waits is None:
                self._waits = self.loop.call_later(wait_s + 0.01, self._go_on)

    def _may_go_on(self) -> bool:
        return (
            self._bytes >= 0.0
            and self._frames >= 0.0
            and self.writable.is_set()
            and not self.transport.is_closing()
        )

    def _refill(self) -> None:
        now = self.loop.time()
        passed_s, self._counted_at = now - self._counted_at, now
        self._bytes = min(self._bytes + passed_s * BYTES_PER_S, BYTES_AT_ONCE)
        self._frames = min(self._frames + passed_s * FRAMES_PER_S, FRAMES_AT_ONCE)

    def _go_on(self) -> None:
        self._waits = None
        if self.disconnected or self.transport.is_closing():
            return
        self._parse()
        if not self._unparsed and self._may_go_on() and not self.read_paused:
            self.transport.resume_reading()
