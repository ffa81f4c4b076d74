"""Connections of slow and of confused clients: cut before they add up.

Flow      uvicorn -> connections.TimeoutProtocol -> app

uvicorn by itself waits for ever: for headers, for the rest of a body that nobody reads any more,
for a client that does not take what it asked for. And what is no HTTP it answers in a form of its
own.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from portravox.service.problems import HEADERS_TOO_LARGE, NO_HTTP, Problem
from portravox.service.schemas import error_body

HEADERS_TIME_S = 10.0
"""How long a client may take for the headers of a request, the first of a connection or a later
one, and for what is left of a body once it has its answer. Our choice."""

WRITE_TIME_S = 60.0
"""How long a client may take for the 64 KiB that wait for it. Longer than for what it sends, since
players pause downloads; they go on with a range when they were cut. Our choice."""

MAX_HEADERS_BYTES = 64 * 1024
"""Of one request: eight times what other servers take, since addresses here are signed links."""


class TimeoutProtocol(HttpToolsProtocol):
    """uvicorn's protocol with time and size limits."""

    _read_timeout: asyncio.TimerHandle | None = None
    _write_timeout: asyncio.TimerHandle | None = None
    _in_headers = True
    """Whether the next bytes belong to the headers of a request, or come before them."""

    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_read_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_read_timeout()
        self._stop_write_timeout()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_headers:
            self._header_bytes += len(data)
            if self._read_timeout is None:
                # Kept alive after a request, and this is the beginning of the next one.
                self._start_read_timeout()
        super().data_received(data)
        # Bytes of a body may have come along; whoever is still in the headers has none.
        if self._in_headers and self._header_bytes > MAX_HEADERS_BYTES:
            self._refuse(HEADERS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._header_bytes = 0
        self._stop_read_timeout()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_headers = True
        super().on_message_complete()
        if self.cycle.response_complete:
            # uvicorn's own clock for the next request has been stopped by the body's rest.
            self._start_read_timeout()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._in_headers and not self.pipeline:
            # The answer did not need the whole body; the rest is thrown away as it comes.
            self._start_read_timeout()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stop_write_timeout()
        self._write_timeout = self.loop.call_later(WRITE_TIME_S, self._cut)

    def resume_writing(self) -> None:
        self._stop_write_timeout()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is told so in the contract's form, for which `msg` has no place."""
        del msg
        self._refuse(NO_HTTP)

    def _refuse(self, problem: Problem) -> None:
        if self.transport.is_closing():
            return
        body = json.dumps(error_body(problem, str(uuid.uuid4()))).encode()
        head = (
            f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _start_read_timeout(self) -> None:
        self._stop_read_timeout()
        self._read_timeout = self.loop.call_later(HEADERS_TIME_S, self._cut)

    def _stop_read_timeout(self) -> None:
        if self._read_timeout is not None:
            self._read_timeout.cancel()
            self._read_timeout = None

    def _stop_write_timeout(self) -> None:
        if self._write_timeout is not None:
            self._write_timeout.cancel()
            self._write_timeout = None

    def _cut(self) -> None:
        self.transport.abort()
