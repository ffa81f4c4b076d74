"""Real sockets: slow clients are cut, others do not notice, and every answer has the same form."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from portravox.service import connections
from portravox.service.connections import MAX_HEADERS_BYTES, TimeoutProtocol

PATIENCE_S = 0.2
LARGE_BYTES = 8 << 20

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Client]]

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once, reading no body; under /large with more than sockets hold."""
    content = b"x" * LARGE_BYTES if scope["path"] == "/large" else b"ok"
    length = str(len(content)).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}
    )
    for at in range(0, len(content), 1 << 18):
        await send(
            {
                "type": "http.response.body",
                "body": content[at : at + (1 << 18)],
                "more_body": at + (1 << 18) < len(content),
            }
        )


@asynccontextmanager
async def listening() -> AsyncIterator[Connect]:
    config = uvicorn.Config(app, lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: TimeoutProtocol(config, state, {}), "127.0.0.1", 0
    )
    opened: list[Client] = []

    async def connect() -> Client:
        client = await asyncio.open_connection(*server.sockets[0].getsockname())
        opened.append(client)
        return client

    try:
        yield connect
    finally:
        for _, writer in opened:
            writer.close()
        for task in state.tasks:
            task.cancel()
        server.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADERS_TIME_S", PATIENCE_S)
    monkeypatch.setattr(connections, "WRITE_TIME_S", PATIENCE_S)


async def ends(reader: asyncio.StreamReader) -> bytes:
    """What comes until the server ends the connection; a reset is an end."""
    received = b""
    async with asyncio.timeout(20 * PATIENCE_S):
        try:
            while piece := await reader.read(1 << 16):
                received += piece
        except ConnectionError:
            pass
    return received


async def answered(client: Client) -> bytes:
    reader, writer = client
    writer.write(GET)
    head = await reader.readuntil(b"\r\n\r\n")
    return head.split()[1] + await reader.readexactly(2)


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: h\r\n", b"\r\n"])
def test_headers_that_do_not_come_are_not_awaited(begun: bytes) -> None:
    async def play() -> None:
        async with listening() as connect:
            slow, quick = await connect(), await connect()
            slow[1].write(begun)
            assert await answered(quick) == b"200ok"
            assert await ends(slow[0]) == b""

    asyncio.run(play())


def test_a_trickle_of_headers_is_no_way_to_stay() -> None:
    async def play() -> None:
        async with listening() as connect:
            reader, writer = await connect()

            async def trickle() -> None:
                for byte in GET * 100:
                    writer.write(bytes([byte]) if byte != 10 else b"")
                    await asyncio.sleep(PATIENCE_S / 10)

            trickling = asyncio.create_task(trickle())
            assert await ends(reader) == b""
            trickling.cancel()

    asyncio.run(play())


@pytest.mark.parametrize("next_begun", [b"\r\n", b"G"])
def test_a_second_request_is_awaited_no_longer_than_the_first(next_begun: bytes) -> None:
    async def play() -> None:
        async with listening() as connect:
            client = await connect()
            assert await answered(client) == b"200ok"
            client[1].write(next_begun)
            assert await ends(client[0]) == b""

    asyncio.run(play())


def test_kept_alive_connections_may_pause_between_requests() -> None:
    async def play() -> None:
        async with listening() as connect:
            client = await connect()
            for _ in range(2):
                assert await answered(client) == b"200ok"
                await asyncio.sleep(2 * PATIENCE_S)
            assert await answered(client) == b"200ok"

    asyncio.run(play())


def test_a_client_hears_its_answer_while_it_still_sends_and_may_go_on() -> None:
    async def play() -> None:
        async with listening() as connect:
            client = reader, writer = await connect()
            writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n")
            writer.write(b"x" * 2_000_000)
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
            writer.write(b"x" * 2_000_000)
            assert await answered(client) == b"200ok"

    asyncio.run(play())


def test_the_rest_of_a_body_is_awaited_only_so_long() -> None:
    async def play() -> None:
        async with listening() as connect:
            reader, writer = await connect()
            writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nx")
            assert (await ends(reader)).endswith(b"ok")

    asyncio.run(play())


def test_who_does_not_take_what_he_asked_for_is_cut() -> None:
    async def play() -> None:
        async with listening() as connect:
            reader, writer = await connect()
            reader._transport.pause_reading()  # type: ignore[attr-defined] # as a client that hangs
            writer.write(GET.replace(b"/ ", b"/large "))
            await asyncio.sleep(3 * PATIENCE_S)
            reader._transport.resume_reading()  # type: ignore[attr-defined]
            assert len(await ends(reader)) < LARGE_BYTES
            reader, writer = await connect()
            writer.write(
                GET.replace(b"/ ", b"/large ").replace(b"Host", b"Connection: close\r\nHost")
            )
            assert len(await ends(reader)) > LARGE_BYTES

    asyncio.run(play())


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00 hello\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * MAX_HEADERS_BYTES, 431),
        (b"GET /" + b"x" * (MAX_HEADERS_BYTES + 1), 431),
    ],
)
def test_what_is_no_request_is_told_so_in_json(sent: bytes, status: int) -> None:
    async def play() -> None:
        async with listening() as connect:
            reader, writer = await connect()
            writer.write(sent)
            head, _, body = (await ends(reader)).partition(b"\r\n\r\n")
            assert int(head.split()[1]) == status
            assert b"Content-Type: application/json" in head
            assert set(json.loads(body)) == {"code", "message", "request_id"}

    asyncio.run(play())
