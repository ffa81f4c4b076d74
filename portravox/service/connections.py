"""Connections with limits: time to send, time to take, and bytes that are not body.

Flow      uvicorn -> connections.TimeoutProtocol -> app

uvicorn by itself waits without end: for headers, for the rest of a body that nobody reads any more,
for a client that does not take what it asked for. Its parser collects header lines, trailers and
chunk extensions without end. And what is no HTTP it answers in a form of its own.

A request for a WebSocket at one of UPGRADED gives its connection to `sockets`, with its place among
all connections; at any other address it is a request like all others, and nothing is upgraded.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import uuid
from contextlib import ExitStack
from functools import partial
from http import HTTPStatus
from typing import Any

import httptools
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from portravox.service.places import Places, whose_address
from portravox.service.problems import HEADERS_TOO_LARGE, NO_HTTP, Problem, Refusal
from portravox.service.schemas import error_body
from portravox.service.streams import CUT

HEADERS_TIME_S = 10.0
"""How long a client may take for the headers of a request, the first of a connection or a later
one, and for what is left of a body once it has its answer. Our choice."""

WRITE_TIME_S = 60.0
"""How long a client may take for the 64 KiB that wait for it. Longer than for what it sends, since
players pause downloads; they go on with a range when they were cut. Our choice."""

SEND_BUFFER_BYTES = 256 * 1024
"""What the system may hold of answers that a client has not taken, for each connection; it takes
twice that with its own records (socket(7)). Left alone, Linux goes up to 4 MiB, which it reads from
the disk at once: a thousand slow readers of videos would keep everybody waiting meanwhile. Enough
for 20 Mbit/s at 100 ms. Our choice."""

LINGER_S = 2.0
LINGER_BYTES = 1024 * 1024
"""How long, and how many bytes, what a refused client still sends is read and thrown away: a
connection that is closed with unread bytes is reset, and the client never sees its answer. Our
choice."""

MAX_OVERHEAD_BYTES = 64 * 1024
"""Of one request, all that is not body: request line, headers, chunk sizes and their extensions,
trailers. Eight times what other servers take, since addresses here are signed links."""

BODY_PER_OVERHEAD = 16
"""So many bytes of body allow one more of overhead. A chunk's frame has 6 bytes at least: chunks
of 128 bytes or more never add up, however long the upload is. Our choice."""

MAX_HEADER_FIELDS = 256
"""Of one request: real clients send 15. Apache takes 100, Node 2,000; our choice."""

MAX_WAITING_BYTES = 64 * 1024 * 1024
"""Of all connections together, what waits unread behind requests that are being answered: what one
read brings, 256 KiB for each, as long as its client likes to take its answers. Our choice."""

MAX_CONNECTIONS = 10_000
"""At a time; who calls from one address may have half of what the others leave. An idle one takes
some 15 kB. Our choice: a proxy in front, through which all come, has 5,000."""

UPGRADED = (b"/api/v1/live",)
"""Paths at which connections become WebSockets, without a slash at the end."""

MAX_PIPELINED = 256
"""Requests that may wait behind the one that is being answered. Our choice: what comes in one read
is taken apart in small pieces, so only requests of fewer than 64 bytes get this far."""

_HEADER_PIECE_BYTES = 2048
_BODY_PIECE_BYTES = 16 * 1024
"""The parser is fed pieces of this size and limits are looked at after each. A request with its
headers fits into one."""


class _Waiting:
    """Bytes that wait, of all connections of this process together."""

    def __init__(self) -> None:
        self.total_bytes = 0


_WAITING = _Waiting()
_OPEN = Places(MAX_CONNECTIONS)


class TimeoutProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits of time and size.

    Each request has a budget of bytes that are not body, counted here, before the parser keeps any
    of them. Requests that arrive while another one is answered are not parsed before their turn,
    and nothing more is read.
    """

    _read_timeout: asyncio.TimerHandle | None = None
    _write_timeout: asyncio.TimerHandle | None = None
    _in_headers = True
    """Whether the next bytes belong to the headers of a request, or come before them."""

    _begun = False
    """Whether the first byte of a request was parsed, and not yet its last."""

    _overhead_bytes = 0
    """Of the request that is being parsed, all that was not body."""

    _body_bytes = 0
    _since_body_bytes = 0
    """Overhead since the last byte of body: what a trailer or a chunk's extension adds up to."""

    _too_many = False
    """Header fields or waiting requests, said by a callback of the parser."""

    _unparsed = b""
    """Waits until the requests before it are answered."""

    _place: ExitStack | None = None
    """Among all connections."""

    _is_last_piece = True
    """Whether nothing has come behind what is being parsed."""

    _refused = False
    """Whether the client was refused: what it still sends is thrown away."""

    _thrown_away_bytes = 0
    _running: RequestResponseCycle | None = None
    """The latest request that was begun; later ones wait in `pipeline`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow: _HoldableFlow = _HoldableFlow(transport)
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES
        )
        self._place = ExitStack()
        try:
            self._place.enter_context(
                _OPEN.hold(whose_address(self.client[0] if self.client else ""))
            )
        except Refusal:
            self._refused = True
            self._abort()
            return
        self._start_read_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_read_timeout()
        self._stop_write_timeout()
        self._let_wait(b"")
        if self._place is not None:
            self._place.close()
        # uvicorn tells the latest request only; the one that is being answered may be another.
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._thrown_away_bytes += len(data)
            if self._thrown_away_bytes > LINGER_BYTES:
                self._abort()
            return
        self._let_wait(self._unparsed + data if self._unparsed else data)
        if not self.pipeline:
            self._parse()

    def on_message_begin(self) -> None:
        self._begun = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_headers:
            return  # a trailer: nobody here reads them, and they come after the request was judged
        if len(self.headers) >= MAX_HEADER_FIELDS:
            self._too_many = True
            return
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Raises ValueError, which the parser turns into its own error, for a request whose end or
        whose server is not plain (RFC 9112, sections 3.2 and 6.1)."""
        if self._too_many:
            raise ValueError("fewer header fields are wanted")
        version = self.parser.get_http_version()
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (version == "1.1" and hosts == 0):
            raise ValueError("one Host header is wanted")
        if self._should_upgrade() and (version != "1.1" or not self._is_bare_get()):
            raise ValueError("a WebSocket begins with a GET of HTTP/1.1 without a body")
        if version != "1.1":
            if version != "1.0" or any(name == b"transfer-encoding" for name, _ in self.headers):
                raise ValueError("HTTP/1.1, or HTTP/1.0 without transfer codings, is wanted")
            self.expect_100_continue = False  # 1.0 has no interim answers
        if len(self.pipeline) >= MAX_PIPELINED:
            self._too_many = True
            raise ValueError("too many requests wait for their turn")
        super().on_headers_complete()  # raises where the target is none
        self._in_headers = False
        self._stop_read_timeout()

    def on_body(self, body: bytes) -> None:
        self._overhead_bytes -= len(body)
        self._since_body_bytes = 0
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_headers = True
        self._begun = False
        self._overhead_bytes = self._body_bytes = self._since_body_bytes = 0
        super().on_message_complete()
        if self._should_upgrade():
            return
        if self.cycle.response_complete:
            # uvicorn's own clock for the next request has been stopped by the body's rest.
            self._start_read_timeout()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._refused or self.transport.is_closing():
            return
        if not self._in_headers and not self.pipeline:
            # The answer did not need the whole body; the rest is thrown away as it comes.
            self._start_read_timeout()
        if not self.pipeline:
            if self._in_headers and self._begun:
                # It began in the same piece as the requests before it, and has to be read on.
                self._unset_keepalive_if_required()
                self._start_read_timeout()
            if self._unparsed or self.flow.held:  # if held, it goes on reading
                self.loop.call_soon(self._parse)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stop_write_timeout()
        self._write_timeout = self.loop.call_later(WRITE_TIME_S, self._abort)

    def resume_writing(self) -> None:
        self._stop_write_timeout()
        super().resume_writing()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        scope: Any = cycle.scope
        scope[CUT] = partial(self._cut, cycle)
        started: Any = _closing(app) if cycle.waiting_for_100_continue else app
        super()._start_asgi_task(cycle, started)

    def _parse(self) -> None:
        """Take apart what has come, up to the first request that has to wait for its turn."""
        if self.parser is None or self._refused or self.transport.is_closing():
            return
        data, at = self._unparsed, 0
        if data:
            self._unset_keepalive_if_required()
        while at < len(data) and not self.pipeline and not self._refused:
            size = _HEADER_PIECE_BYTES if self._in_headers else _BODY_PIECE_BYTES
            self._is_last_piece = at + size >= len(data)
            at += self._feed(data[at : at + size])
        self._let_wait(b"" if self._refused else data[at:])
        if self._read_timeout is None and self._has_begun_another():
            self._start_read_timeout()
        if self._unparsed:
            self._stop_read_timeout()  # it is we who let the client wait
            if _WAITING.total_bytes > MAX_WAITING_BYTES:
                self._abort()
        self.flow.hold(bool(self.pipeline or self._unparsed))

    def _has_begun_another(self) -> bool:
        """Whether it was kept alive after a request and this is the beginning of the next one. Most
        come whole, and need no clock."""
        return bool(
            self._overhead_bytes
            and self._in_headers
            and (self.cycle is None or self.cycle.response_complete)
            and not self._refused
        )

    def _let_wait(self, data: bytes) -> None:
        _WAITING.total_bytes += len(data) - len(self._unparsed)
        self._unparsed = data

    def _feed(self, piece: bytes) -> int:
        """Hand a piece to the parser, count it; gives how much of it was parsed."""
        parsed = len(piece)
        self._overhead_bytes += parsed
        self._since_body_bytes += parsed
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self._upgrade(is_last=self._is_last_piece and upgrade.args[0] == parsed)
                return parsed
            # Nothing is upgraded here; what follows is the next request.
            parsed = upgrade.args[0] or parsed
        except httptools.HttpParserError:
            self._refuse(HEADERS_TOO_LARGE if self._too_many else NO_HTTP)
            return parsed
        budget = MAX_OVERHEAD_BYTES + self._body_bytes // BODY_PER_OVERHEAD
        if (
            self._too_many
            or self._overhead_bytes > budget
            or self._since_body_bytes > MAX_OVERHEAD_BYTES
        ):
            self._refuse(HEADERS_TOO_LARGE)
        return parsed

    def _should_upgrade_to_ws(self) -> bool:
        path = self.url.partition(b"?")[0]
        return re.sub(b"/{2,}", b"/", path).rstrip(b"/") in UPGRADED

    def _should_upgrade(self) -> bool:
        return self.parser.should_upgrade() and super()._should_upgrade()

    def _is_bare_get(self) -> bool:
        """Whether the request has nothing but headers."""
        with_body = (b"content-length", b"transfer-encoding", b"expect")
        return self.parser.get_method() == b"GET" and not any(
            name in with_body for name, _ in self.headers
        )

    def _upgrade(self, *, is_last: bool) -> None:
        """Hand the connection on, with its place.

        is_last  whether nothing has come behind the request: who sends before he was answered does
                 not speak WebSocket, and whoever reads him may see something else (RFC 6455, 4.1)
        """
        running = self._running
        is_alone = not self.pipeline and (running is None or running.response_complete)
        if not is_last or not is_alone or self._place is None or self._write_timeout is not None:
            self._abort()
            return
        from portravox.service.sockets import BoundedSocket

        self._stop_read_timeout()
        self._unset_keepalive_if_required()
        self._let_wait(b"")
        place, self._place = self._place, None
        self.connections.discard(self)
        self.flow.hold(False)
        protocol = BoundedSocket(self.config, self.server_state, self.app_state, place)
        lines = [b"GET " + self.url + b" HTTP/1.1"]
        lines += [name + b": " + value for name, value in self.headers]
        protocol.connection_made(self.transport)
        self.transport.set_protocol(protocol)
        self._refused = True  # nothing more is for this one
        protocol.data_received(b"\r\n".join(lines) + b"\r\n\r\n")
        protocol.refuse_what_is_no_handshake()

    def _refuse(self, problem: Problem) -> None:
        """End the connection because of the bytes that were parsed last; with an answer in the
        contract's form where the request they belong to has none yet."""
        if self.transport.is_closing() or self._refused:
            return
        self._refused = True
        own = None if self._in_headers else self.cycle
        running = self._running
        if own is not None:
            own.disconnected = True
            own.message_event.set()
            self.pipeline = type(self.pipeline)(
                waiting for waiting in self.pipeline if waiting[0] is not own
            )
        if running is not None and running is not own and not running.response_complete:
            # Answers go out in order. The last one that is owed ends the connection.
            last = self.pipeline[0][0] if self.pipeline else running
            last.keep_alive = False
            self.flow.hold(True)
        elif own is not None and own.response_complete:
            self._close_after_answer()
        elif own is not None and own.response_started:
            self._abort()
        else:
            self._write_answer(problem)
            self._close_after_answer()

    def _write_answer(self, problem: Problem) -> None:
        body = json.dumps(error_body(problem, str(uuid.uuid4()))).encode()
        head = (
            f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)

    def _close_after_answer(self) -> None:
        """Close as soon as the client does, which it will once it has its answer; soon in any
        case."""
        self._refused = True
        self._let_wait(b"")
        self._unset_keepalive_if_required()
        self._stop_read_timeout()
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self.flow.hold(False)
        self._read_timeout = self.loop.call_later(LINGER_S, self._abort)

    def _start_read_timeout(self) -> None:
        self._stop_read_timeout()
        self._read_timeout = self.loop.call_later(HEADERS_TIME_S, self._abort)

    def _stop_read_timeout(self) -> None:
        if self._read_timeout is not None:
            self._read_timeout.cancel()
            self._read_timeout = None

    def _stop_write_timeout(self) -> None:
        if self._write_timeout is not None:
            self._write_timeout.cancel()
            self._write_timeout = None

    def _cut(self, cycle: RequestResponseCycle) -> None:
        """End the connection in the middle of an answer, which then has no end."""
        cycle.disconnected = True  # nothing more is written, and nobody is told that it was short
        self._abort()

    def _abort(self) -> None:
        self.transport.abort()


def _closing(app: ASGIApp) -> ASGIApp:
    """The application, for a request that waits to be told to send its body: where it is answered
    without having been told so, only the client knows whether the next bytes are that body or a
    new request, so the answer ends the connection."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        asked = False

        async def receive_marked() -> Message:
            nonlocal asked
            asked = True
            return await receive()

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start" and not asked:
                closing = (b"connection", b"close")
                message = {**message, "headers": [*message["headers"], closing]}
            await send(message)

        await app(scope, receive_marked, send_marked)

    return call


class _HoldableFlow(FlowControl):
    """Flow control that answers cannot set going: they ask for more body than theirs, by which
    requests that have to wait would pile up."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self.held = False

    def hold(self, held: bool) -> None:
        """Read no more from the client, or go on."""
        if held == self.held:
            return
        self.held = held
        if held:
            self.pause_reading()
        else:
            self.resume_reading()

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()
