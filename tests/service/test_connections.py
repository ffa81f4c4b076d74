"""Real sockets: slow clients are cut, others do not notice, and every answer has the same form."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from portravox.service import connections
from portravox.service.connections import (
    MAX_HEADER_FIELDS,
    MAX_OVERHEAD_BYTES,
    TimeoutProtocol,
)
from portravox.service.places import Places
from portravox.service.streams import cut_off

PATIENCE_S = 0.2
LARGE_BYTES = 8 << 20

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Client]]

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"


called: list[str] = []
"""Paths of the requests that the application saw."""

taken: list[int] = []
"""Bytes that each answer of the application had handed on, the last one's last."""

released: list[asyncio.Event] = []
"""Of the latest server."""

state_of = ServerState()
"""Whose connections are those of the latest server."""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once, reading no body; under /large with more than sockets hold; under /read what
    its body and headers were; under /echo with its body; under /slow once it is released, asking
    for more of a body meanwhile, as streams do; under /cut with an answer that breaks off then."""
    called.append(scope["path"])
    content = b"x" * LARGE_BYTES if scope["path"] == "/large" else b"ok"
    taken.append(0)
    if scope["path"] in ("/read", "/echo"):
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        content = b"%d body, %d headers" % (len(body), len(scope["headers"]))
        if scope["path"] == "/echo":
            content = body
    if scope["path"] == "/cut":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": content, "more_body": True})
        await released[-1].wait()
        assert cut_off(scope)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    if scope["path"] == "/slow":
        listening = asyncio.create_task(receive())
        await released[-1].wait()
        listening.cancel()
    length = str(len(content)).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}
    )
    for at in range(0, len(content), 1 << 16):
        taken[-1] = at
        await send(
            {
                "type": "http.response.body",
                "body": content[at : at + (1 << 16)],
                "more_body": at + (1 << 16) < len(content),
            }
        )


@asynccontextmanager
async def listening() -> AsyncIterator[Connect]:
    config = uvicorn.Config(app, lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    state_of.connections = state.connections
    released.append(asyncio.Event())
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
        for protocol in list(state.connections):
            protocol.transport.abort()
        server.close()
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    called.clear()
    monkeypatch.setattr(connections, "LINGER_S", PATIENCE_S)
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


def waiting() -> int:
    return connections._WAITING.total_bytes


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60.0):
        while not holds():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: h\r\n", b"\r\n"])
async def test_headers_that_do_not_come_are_not_awaited(begun: bytes) -> None:
    async with listening() as connect:
        slow, quick = await connect(), await connect()
        slow[1].write(begun)
        assert await answered(quick) == b"200ok"
        assert await ends(slow[0]) == b""


async def test_a_trickle_of_headers_is_no_way_to_stay() -> None:
    async with listening() as connect:
        reader, writer = await connect()

        async def trickle() -> None:
            for byte in GET * 100:
                writer.write(bytes([byte]) if byte != 10 else b"")
                await asyncio.sleep(PATIENCE_S / 10)

        trickling = asyncio.create_task(trickle())
        assert await ends(reader) == b""
        trickling.cancel()


@pytest.mark.parametrize("next_begun", [b"\r\n", b"G"])
async def test_a_second_request_is_awaited_no_longer_than_the_first(next_begun: bytes) -> None:
    async with listening() as connect:
        client = await connect()
        assert await answered(client) == b"200ok"
        client[1].write(next_begun)
        assert await ends(client[0]) == b""


async def test_kept_alive_connections_may_pause_between_requests() -> None:
    async with listening() as connect:
        client = await connect()
        for _ in range(2):
            assert await answered(client) == b"200ok"
            await asyncio.sleep(2 * PATIENCE_S)
        assert await answered(client) == b"200ok"


async def test_a_client_hears_its_answer_while_it_still_sends_and_may_go_on() -> None:
    async with listening() as connect:
        client = reader, writer = await connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n")
        writer.write(b"x" * 2_000_000)
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)
        writer.write(b"x" * 2_000_000)
        assert await answered(client) == b"200ok"


async def test_the_rest_of_a_body_is_awaited_only_so_long() -> None:
    async with listening() as connect:
        reader, writer = await connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nx")
        assert (await ends(reader)).endswith(b"ok")


async def test_who_does_not_take_what_he_asked_for_is_cut() -> None:
    async with listening() as connect:
        reader, writer = await connect()
        reader._transport.pause_reading()  # type: ignore[attr-defined] # as a client that hangs
        writer.write(GET.replace(b"/ ", b"/large "))
        await asyncio.sleep(3 * PATIENCE_S)
        reader._transport.resume_reading()  # type: ignore[attr-defined]
        assert len(await ends(reader)) < LARGE_BYTES
        reader, writer = await connect()
        writer.write(GET.replace(b"/ ", b"/large ").replace(b"Host", b"Connection: close\r\nHost"))
        assert len(await ends(reader)) > LARGE_BYTES


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00 hello\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * MAX_OVERHEAD_BYTES, 431),
        (b"GET /" + b"x" * (MAX_OVERHEAD_BYTES + 1), 431),
    ],
)
async def test_what_is_no_request_is_told_so_in_json(sent: bytes, status: int) -> None:
    async with listening() as connect:
        reader, writer = await connect()
        writer.write(sent)
        head, _, body = (await ends(reader)).partition(b"\r\n\r\n")
        assert int(head.split()[1]) == status
        assert b"Content-Type: application/json" in head
        assert set(json.loads(body)) == {"code", "message", "request_id"}


CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
READ = CHUNKED.replace(b"/ ", b"/read ")

FLOODS = {
    "trailers after an answer": (CHUNKED + b"0\r\n", b"X:b\r\n"),
    "trailers": (READ + b"0\r\n", b"X:b\r\n"),
    "one endless trailer": (READ + b"0\r\nX: ", b"x" * 64),
    "one endless trailer name": (READ + b"0\r\n", b"x" * 64),
    "one endless chunk extension": (READ + b"1", b";x" * 32),
    "many chunk extensions": (READ, b"1;" + b"x" * 64 + b"\r\nx\r\n"),
    "a chunk size of noughts": (READ, b"0" * 64),
    "chunks of one byte": (READ, b"1\r\nx\r\n"),
    "headers": (b"GET / HTTP/1.1\r\nHost: h\r\n", b"X:b\r\n"),
    "one endless header": (b"GET / HTTP/1.1\r\nHost: h\r\nX: ", b"x" * 64),
    "an endless address": (b"GET /", b"x" * 64),
    "line ends before a request": (b"", b"\r\n"),
    "headers of a later request": (GET + b"GET / HTTP/1.1\r\nHost: h\r\n", b"X:b\r\n"),
    "trailers, then a pipelined request": (
        CHUNKED + b"0\r\nX: y\r\n\r\n" + CHUNKED + b"0\r\n",
        b"X:b\r\n",
    ),
}
"""What is sent first, and what is sent without end after it; none of it is body."""


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_flood_of_what_is_no_body_is_cut_after_64_kib(kind: str) -> None:
    begin, more = FLOODS[kind]
    piece = more * (16 * 1024 // len(more))

    async with listening() as connect:
        reader, writer = await connect()
        writer.write(begin)
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 32 * MAX_OVERHEAD_BYTES and not reader.at_eof():
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.001)
                sent += len(piece)
        # Sockets hold some; what is thrown away after the answer is bounded, too.
        assert sent < 32 * MAX_OVERHEAD_BYTES
        await ends(reader)
        assert not state_of.connections


@pytest.mark.parametrize("kind", FLOODS)
async def test_who_sends_too_much_hears_why_unless_it_has_its_answer(kind: str) -> None:
    begin, more = FLOODS[kind]

    async def play() -> None:
        async with listening() as connect:
            reader, writer = await connect()
            flood = more * (3 * MAX_OVERHEAD_BYTES // len(more))
            if kind == "trailers after an answer":
                writer.write(begin)
                assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
                writer.write(flood)
                assert await ends(reader) == b"ok"
                return
            writer.write(begin + flood)
            received = await ends(reader)
            if kind in ("headers of a later request", "trailers, then a pipelined request"):
                assert 1 <= received.count(b"HTTP/1.1 200 ") == received.count(b"HTTP/1.1 ")
            else:
                assert received.startswith(b"HTTP/1.1 431 ")
                told = json.loads(received.partition(b"\r\n\r\n")[2])
                assert told["code"] == "BadRequest.TooLarge"

    await play()


@pytest.mark.parametrize("chunk_bytes", [128, 1024, 64 * 1024])
async def test_a_long_upload_in_chunks_is_no_flood(chunk_bytes: int) -> None:
    count = 4 * 1024 * 1024 // chunk_bytes
    body = (b"%x\r\n" % chunk_bytes + b"x" * chunk_bytes + b"\r\n") * count

    async with listening() as connect:
        reader, writer = await connect()
        writer.write(READ + body + b"0\r\nX-Sum: 1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        assert (await reader.read(100)).startswith(b"%d body" % (chunk_bytes * count))


@pytest.mark.parametrize("body_bytes", [1, 2000, 2100, 5000, 16_000, 17_000, 40_000, 64_000])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_comes_together_with_its_headers_arrives_as_it_was_sent(
    body_bytes: int, chunked: bool
) -> None:
    body = random.Random(body_bytes).randbytes(body_bytes)
    sent = b"POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
    if chunked:
        sent += b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    else:
        sent += b"Content-Length: %d\r\n\r\n%b" % (len(body), body)

    async with listening() as connect:
        reader, writer = await connect()
        writer.write(sent)
        assert (await ends(reader)).partition(b"\r\n\r\n")[2] == body


async def test_trailers_never_become_headers() -> None:
    async with listening() as connect:
        reader, writer = await connect()
        writer.write(READ)
        await asyncio.sleep(PATIENCE_S / 4)
        writer.write(b"0\r\nAuthorization: Bearer x\r\nX-DashScope-Async: enable\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.read(100) == b"0 body, 2 headers"


async def test_more_header_fields_than_anybody_has_are_refused() -> None:
    async with listening() as connect:
        for extra, status in ((MAX_HEADER_FIELDS - 1, b"200"), (MAX_HEADER_FIELDS, b"431")):
            reader, writer = await connect()
            fields = b"".join(b"a%d:b\r\n" % number for number in range(extra))
            writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n" + fields + b"\r\n")
            assert (await reader.readuntil(b"\r\n")).split()[1] == status


async def test_little_is_read_ahead_for_who_takes_nothing() -> None:
    async with listening() as connect:
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.connect((await connect())[1].get_extra_info("peername"))
        with narrow:
            narrow.sendall(GET.replace(b"/ ", b"/large "))
            await asyncio.sleep(PATIENCE_S / 2)
            # Twice what was asked for in the system, a piece on its way and one that waits.
            assert 0 < taken[-1] <= 2 * connections.SEND_BUFFER_BYTES + 4 * (1 << 16)


async def test_requests_behind_one_that_takes_long_are_not_taken_apart() -> None:
    async with listening() as connect:
        reader, writer = await connect()
        writer.write(GET.replace(b"/ ", b"/slow "))
        await asyncio.sleep(PATIENCE_S / 4)
        pipelined = 0
        with contextlib.suppress(TimeoutError):
            while pipelined < 10**6:
                writer.write(GET * 1000)
                async with asyncio.timeout(4 * PATIENCE_S):
                    await writer.drain()
                pipelined += 1000
        [protocol] = [p for p in state_of.connections if p.pipeline]
        assert len(protocol.pipeline) <= 128
        assert len(protocol._unparsed) < 1 << 20
        assert pipelined < 10**6  # the server reads no more, so the client cannot send more
        released[-1].set()
        for _ in range(1000):
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(2) == b"ok"


async def test_pipelined_requests_are_answered_in_order_also_where_the_last_is_none() -> None:
    async with listening() as connect:
        reader, writer = await connect()
        writer.write(GET.replace(b"/ ", b"/slow ") + GET + b"nonsense\r\n\r\n")
        await asyncio.sleep(PATIENCE_S / 2)
        released[-1].set()
        received = await ends(reader)
        assert received.count(b"HTTP/1.1 200") == 2
        assert received.count(b"HTTP/1.1") == 2
        assert received.endswith(b"ok")


async def test_a_request_whose_beginning_came_behind_others_is_read_on() -> None:
    async with listening() as connect:
        reader, writer = await connect()
        writer.write(GET + GET + GET[:16])
        await asyncio.sleep(PATIENCE_S / 2)
        writer.write(b"Connection: close\r\n" + GET[16:])
        assert (await ends(reader)).count(b"HTTP/1.1 200") == 3


@pytest.mark.parametrize("closes", [True, False])
async def test_a_request_that_begins_behind_others_and_never_comes_is_not_awaited(
    closes: bool,
) -> None:
    async with listening() as connect:
        reader, writer = await connect()
        writer.write(GET + GET + GET[:20])
        if closes:
            writer.write_eof()
        assert (await ends(reader)).count(b"HTTP/1.1 200") == 2


async def test_a_request_to_upgrade_is_answered_as_if_it_asked_for_nothing() -> None:
    async with listening() as connect:
        for kind in (b"h2c", b"websocket"):
            reader, writer = await connect()
            asked = b"Host: h\r\nConnection: Upgrade\r\nUpgrade: %s\r\n" % kind
            writer.write(GET.replace(b"Host: h\r\n", asked) + GET)
            for _ in range(2):
                assert (await reader.readuntil(b"\r\n\r\n")).split()[1] == b"200"
                await reader.readexactly(2)


async def test_a_body_that_waits_to_be_asked_for_never_becomes_a_request() -> None:
    """The client may send its body after an answer that did not want it, or not; so nothing that
    follows can be told from it."""

    async with listening() as connect:
        reader, writer = await connect()
        expects = b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % (2 * len(GET))
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\n" + expects)
        assert b"connection: close" in await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(2) == b"ok"
        writer.write(GET * 3)
        assert await ends(reader) == b""
        assert called == ["/"]
        reader, writer = await connect()
        writer.write(b"POST /read HTTP/1.1\r\nHost: h\r\n" + expects)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(GET * 2)
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"

AMBIGUOUS = [
    b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % len(SMUGGLED),
    b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n" % len(SMUGGLED),
    b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(SMUGGLED),
    b"Content-Length: 5, 5\r\n",
    b"Content-Length: +5\r\n",
    b"Content-Length: 0x5\r\n",
    b"Content-Length: 5 5\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Content-Length : 5\r\n",
    b" Content-Length: 5\r\n",
    b"X: y\r\n Content-Length: 5\r\n",
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding: chunked, identity\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"X: a\x00b\r\n",
    b"X: a\rContent-Length: 5\r\n",
    b"X: a\nContent-Length: 5\r\n",
    b"Host: other\r\n",
]


@pytest.mark.parametrize("fields", AMBIGUOUS)
async def test_a_request_whose_end_two_readers_see_differently_is_refused(fields: bytes) -> None:
    async with listening() as connect:
        reader, writer = await connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\n" + fields + b"\r\n" + SMUGGLED)
        received = await ends(reader)
        assert received.startswith(b"HTTP/1.1 400 ")
        assert received.count(b"HTTP/1.1 ") == 1
        assert "/smuggled" not in called


@pytest.mark.parametrize(
    "begin",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/0.9\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: h\r\n\r\n",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\nHost: h\n\n",
        b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
    ],
)
async def test_what_no_version_of_http_allows_is_refused(begin: bytes) -> None:
    async with listening() as connect:
        reader, writer = await connect()
        writer.write(begin)
        received = await ends(reader)
        assert received.startswith(b"HTTP/1.1 400 ")
        assert called == []


async def test_http_1_0_is_answered_and_closed() -> None:
    async with listening() as connect:
        reader, writer = await connect()
        writer.write(b"POST /read HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok")
        received = await ends(reader)
        assert received.startswith(b"HTTP/1.1 200 ")
        assert received.endswith(b"2 body, 2 headers")


async def test_what_waits_behind_requests_is_bounded_for_all_connections_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "MAX_WAITING_BYTES", 100_000)
    behind = SLOW + GET * (60_000 // len(GET))

    async with listening() as connect:
        first_reader, first = await connect()
        first.write(behind)
        await until(lambda: waiting() > 50_000)
        second_reader, second = await connect()
        second.write(behind)
        assert await ends(second_reader) == b""  # cut, and what it sent is forgotten
        await until(lambda: waiting() < 60_000)
        released[-1].set()
        assert (await first_reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        assert first.transport.is_closing() is False
    await until(lambda: waiting() == 0)


async def test_one_address_has_half_of_the_connections_that_the_others_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_OPEN", Places(4))

    async with listening() as connect:
        held = [await connect(), await connect()]
        third_reader, _ = await connect()
        assert await ends(third_reader) == b""
        assert [await answered(client) for client in held] == [b"200ok"] * 2
        held[0][1].close()
        await until(lambda: connections._OPEN.held() == 1)
        assert await answered(await connect()) == b"200ok"


async def test_an_answer_that_breaks_off_is_seen_to_be_not_whole(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with listening() as connect:
        reader, writer = await connect()
        writer.write(b"GET /cut HTTP/1.1\r\nHost: h\r\n\r\n")
        answered = await reader.readuntil(b"ok\r\n")
        assert b"transfer-encoding: chunked" in answered.lower()
        released[-1].set()
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""  # not the chunk that says that it is the last
        assert reader.at_eof() or reader.exception() is not None
    assert not caplog.records  # it is nobody's fault
