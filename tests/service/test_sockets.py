"""WebSockets by hand: what is upgraded and what is not, and floods that are slowed down or cut."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from portravox.service import connections, sockets
from portravox.service.connections import TimeoutProtocol
from portravox.service.places import Places

WITHIN_S = 10.0
HEADERS = (
    b"Host: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
HANDSHAKE = b"GET /api/v1/live HTTP/1.1\r\n" + HEADERS + b"\r\n"

CONTINUATION, TEXT, BINARY, CLOSE, PING = 0, 1, 2, 8, 9

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def frame(opcode: int, payload: bytes = b"", *, last: bool = True) -> bytes:
    """As a client sends it, masked with zeros (RFC 6455, section 5.2)."""
    size = len(payload)
    head = bytes([(0x80 if last else 0) | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return head + bytes(4) + payload


@dataclass
class Heard:
    """What the application was told."""

    messages: list[int] = field(default_factory=list)
    """Sizes."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    requests: int = 0
    state: ServerState = field(default_factory=ServerState)
    port: int = 0

    async def connect(self) -> Client:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def upgraded(self) -> Client:
        reader, writer = await self.connect()
        writer.write(HANDSHAKE)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        return reader, writer

    async def has(self, count: int) -> None:
        async with asyncio.timeout(WITHIN_S):
            while len(self.messages) < count:
                await asyncio.sleep(0.005)


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Heard]:
    async with serving() as heard:
        yield heard


@asynccontextmanager
async def serving() -> AsyncIterator[Heard]:
    heard = Heard()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            heard.requests += 1
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"ok"})
            return
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            heard.messages.append(len(message.get("bytes") or message.get("text") or ""))
        heard.ended.set()

    config = uvicorn.Config(app, lifespan="off", log_config=None)
    config.load()
    server = await asyncio.get_running_loop().create_server(
        lambda: TimeoutProtocol(config, heard.state, {}), "127.0.0.1", 0
    )
    heard.port = server.sockets[0].getsockname()[1]
    yield heard
    for protocol in list(heard.state.connections):
        protocol.transport.abort()
    server.close()
    async with asyncio.timeout(WITHIN_S):
        while heard.state.tasks:
            await asyncio.sleep(0.01)


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What comes until the end; a reset is one."""
    found = b""
    async with asyncio.timeout(WITHIN_S):
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(1 << 16):
                found += piece
    return found


async def test_messages_arrive_and_a_parted_one_is_one(server: Heard) -> None:
    _, writer = await server.upgraded()
    parts = frame(BINARY, b"ab", last=False) + frame(PING) + frame(CONTINUATION, b"c")
    writer.write(frame(TEXT, b"hello") + parts)
    await server.has(2)
    assert server.messages == [5, 3]
    writer.close()
    async with asyncio.timeout(WITHIN_S):
        await server.ended.wait()


@pytest.mark.parametrize(
    "path", [b"/", b"/api/v1/live/x", b"/api/v1/tasks", b"/other?/api/v1/live"]
)
async def test_at_other_addresses_nothing_is_upgraded(server: Heard, path: bytes) -> None:
    reader, writer = await server.connect()
    writer.write(b"GET " + path + b" HTTP/1.1\r\n" + HEADERS + b"\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    assert server.requests == 1
    writer.close()


@pytest.mark.parametrize("path", [b"/api/v1/live/", b"/api/v1//live", b"/api/v1/live?a=b"])
async def test_each_form_of_the_address_is_upgraded(server: Heard, path: bytes) -> None:
    reader, writer = await server.connect()
    writer.write(b"GET " + path + b" HTTP/1.1\r\n" + HEADERS + b"\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    writer.close()


@pytest.mark.parametrize(
    "request_bytes",
    [
        HANDSHAKE.replace(b"GET", b"POST"),
        HANDSHAKE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        HANDSHAKE[:-2] + b"Content-Length: 5\r\n\r\nhello",
        HANDSHAKE[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HANDSHAKE[:-2] + b"Expect: 100-continue\r\n\r\n",
    ],
    ids=["post", "1.0", "length", "chunked", "expect"],
)
async def test_a_handshake_is_a_bare_get(server: Heard, request_bytes: bytes) -> None:
    reader, writer = await server.connect()
    writer.write(request_bytes)
    assert (await rest(reader)).startswith(b"HTTP/1.1 400 ")
    writer.close()


@pytest.mark.parametrize(
    "request_bytes",
    [
        HANDSHAKE + frame(TEXT, b"early"),
        HANDSHAKE + b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        HANDSHAKE[:-2] + b"".join(b"X-%d: y\r\n" % n for n in range(200)) + b"\r\n",
        HANDSHAKE[:-2] + b"X: " + b"y" * 20_000 + b"\r\n\r\n",
    ],
    ids=["a frame behind it", "a request behind it", "200 headers", "a long header"],
)
async def test_what_is_odd_about_a_handshake_ends_the_connection(
    server: Heard, request_bytes: bytes
) -> None:
    reader, writer = await server.connect()
    writer.write(request_bytes)
    answer = await rest(reader)
    assert not answer.startswith(b"HTTP/1.1 101 ") and server.messages == []
    writer.close()


async def test_a_handshake_without_its_key_is_refused(server: Heard) -> None:
    reader, writer = await server.connect()
    writer.write(HANDSHAKE.replace(b"Sec-WebSocket-Key", b"X-Key"))
    assert b" 400 " in (await rest(reader)).splitlines()[0]
    writer.close()


async def test_a_handshake_may_follow_a_request_but_not_overtake_it(server: Heard) -> None:
    reader, writer = await server.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    await reader.readuntil(b"0\r\n\r\n")
    writer.write(HANDSHAKE)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    writer.close()
    reader, writer = await server.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" + HANDSHAKE)
    assert b" 101 " not in await rest(reader)
    writer.close()


async def test_a_socket_keeps_its_place_among_connections_until_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_OPEN", Places(10))
    async with serving() as server:
        _, writer = await server.upgraded()
        assert connections._OPEN.held() == 1
        writer.close()
        async with asyncio.timeout(WITHIN_S):
            while connections._OPEN.held():
                await asyncio.sleep(0.01)


async def test_who_sends_faster_than_allowed_is_slowed_down_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "BYTES_PER_S", 200_000)
    monkeypatch.setattr(sockets, "BYTES_AT_ONCE", 20_000)
    async with serving() as server:
        _, writer = await server.upgraded()
        began = time.monotonic()
        for _ in range(12):
            writer.write(frame(BINARY, bytes(10_000)))
        await server.has(12)
        assert time.monotonic() - began > 0.8 * (120_000 - 20_000) / 200_000
        assert server.messages == [10_000] * 12
        writer.close()


async def test_a_flood_of_tiny_messages_is_slowed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "FRAMES_PER_S", 2000)
    monkeypatch.setattr(sockets, "FRAMES_AT_ONCE", 100)
    async with serving() as server:
        _, writer = await server.upgraded()
        began = time.monotonic()
        writer.write(frame(TEXT, b"x") * 1500)
        await server.has(1500)
        # A piece of 4 KiB may have 585 of them before they are counted.
        assert time.monotonic() - began > 0.8 * (1500 - 100 - 600) / 2000
        writer.close()


async def test_pings_whose_answers_nobody_takes_are_not_read_and_then_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "WRITE_TIME_S", 0.3)
    monkeypatch.setattr(sockets, "FRAMES_PER_S", 1_000_000)
    monkeypatch.setattr(sockets, "FRAMES_AT_ONCE", 1_000_000)
    async with serving() as server:
        reader, writer = await server.upgraded()
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        (protocol,) = server.state.connections
        largest = 0
        flood = frame(PING, os.urandom(125)) * 500
        async with asyncio.timeout(WITHIN_S):
            with contextlib.suppress(ConnectionError):
                while not server.ended.is_set():
                    writer.write(flood)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.05):
                            await writer.drain()
                    largest = max(largest, protocol.transport.get_write_buffer_size())
        assert largest < 1 << 20
        writer.transport.abort()


async def test_a_message_of_endless_parts_is_cut(server: Heard) -> None:
    reader, writer = await server.upgraded()
    writer.write(frame(BINARY, b"x", last=False))
    with contextlib.suppress(ConnectionError):
        writer.write(frame(CONTINUATION, last=False) * (sockets.PARTS_OF_A_MESSAGE + 1))
        await writer.drain()
    await rest(reader)
    assert server.messages == []
    writer.close()


@pytest.mark.parametrize(
    "garbage",
    [
        bytes([0x82, 0x05]) + b"plain",  # not masked
        bytes([0xF2, 0x80]) + bytes(4),  # reserved bits
        bytes([0x83, 0x80]) + bytes(4),  # an opcode that there is not
        bytes([0x82, 0xFF]) + b"\xff" * 8 + bytes(4),  # 2**64 - 1 bytes
        frame(TEXT, b"\xff\xfe"),
        os.urandom(64),
    ],
    ids=["bare", "reserved", "opcode", "endless", "no UTF-8", "chance"],
)
async def test_what_is_no_frame_ends_the_connection_alone(server: Heard, garbage: bytes) -> None:
    reader, writer = await server.upgraded()
    writer.write(garbage + bytes(200))
    await rest(reader)
    writer.close()
    assert server.messages == []
    _, other = await server.upgraded()
    other.write(frame(TEXT, b"hello"))
    await server.has(1)
    other.close()
