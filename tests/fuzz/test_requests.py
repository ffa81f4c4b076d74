"""Whatever is sent, the service answers as it says it does, and goes on."""

from __future__ import annotations

import asyncio
import io
import json
import random
import select
import socket
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import cast
from urllib.parse import unquote

import httpx
import pytest

from handbook.error_codes import answers
from portravox.service.app import Application
from portravox.service.metrics import Metrics
from portravox.service.service import Service
from tests.fuzz.conftest import Tally
from tests.fuzz.mutations import (
    JOB,
    SUBMIT,
    TASKS,
    Framed,
    Request,
    framed,
    mutated,
    request,
)
from tests.live import COLD, HTTP, Live, new_key, serving
from tests.service.conftest import listening_in, service_in

AT_ONCE = 64
"""So many requests are under way together, as in the load test."""

HANGS_S = 10.0

WAITS_S = 0.25
"""A server that has said nothing by then is taken to want more of a request that was cut."""

CLIENTS = 16
"""Connections that send odd frames at the same time."""

MOST_MIB = 16
"""By which the server's memory may have grown at any moment of odd frames. With limits it grows by
a few MiB; without, a sample of 100 took 28."""

REFUSALS = {(problem.status, problem.code) for problem in answers().values()}
"""All that docs/troubleshooting.md knows."""

VALID = Request(
    "POST",
    SUBMIT,
    headers=((b"content-type", b"application/json"), (b"x-dashscope-async", b"enable")),
    body=json.dumps(JOB).encode(),
)


async def call(application: Application, case: Request) -> tuple[int, bytes]:
    """One request without a socket; status and body of the answer."""
    sent = False
    answer: list[bytes] = []
    status = 0

    async def receive() -> dict[str, object]:
        nonlocal sent
        if sent:
            await asyncio.Event().wait()
        sent = True
        return {"type": "http.request", "body": case.body, "more_body": False}

    async def send(message: dict[str, object]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = int(str(message["status"]))
        else:
            answer.append(bytes(message.get("body", b"")))  # type: ignore[call-overload]

    length = (b"content-length", str(len(case.body)).encode())
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
        "method": case.method, "path": unquote(case.path), "raw_path": case.path.encode("latin-1"),
        "query_string": case.query, "root_path": "", "headers": [*case.headers, length],
        "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 80), "state": {},
    }  # fmt: skip
    await application(scope, receive, send)  # type: ignore[arg-type]
    return status, b"".join(answer)


async def test_every_answer_is_one_that_is_written_down(tmp_path: Path, bodies: int, tally: Tally):
    service = service_in(tmp_path)
    _, secret = service.keys.create("fuzz")
    key = (b"authorization", f"Bearer {secret}".encode())

    @asynccontextmanager
    async def open_service(_: Metrics) -> AsyncIterator[Service]:
        yield service

    application = Application(open_service)
    application.state.service = service
    valid = Request(VALID.method, VALID.path, b"", (*VALID.headers, key), VALID.body)
    status, answer = await call(application, valid)
    assert status == 200
    known = json.loads(answer)["output"]["task_id"]
    accepted = [known]

    async def one(number: int) -> None:
        case = request(number, secret, known)
        began = time.perf_counter()
        status, answer = await asyncio.wait_for(call(application, case), HANGS_S)
        took_s = time.perf_counter() - began
        told = f"case {number}, {case.path[:80]} {case.told}: {status} {answer[:300]!r}"
        if status < 400:
            tally.add("requests", "accepted", took_s)
            if case.path.rstrip("/") == SUBMIT and case.method == "POST":
                accepted.append(json.loads(answer)["output"]["task_id"])
            return
        code = ""
        if answer:
            refusal = json.loads(answer)
            code = refusal["code"]
            assert set(refusal) >= {"code", "message", "request_id"}, told
        else:
            assert case.method == "HEAD", told
        assert not code or (status, code) in REFUSALS, told
        assert status < 500, told
        tally.add("requests", f"{status} {code}".strip(), took_s)

    for first in range(0, bodies, AT_ONCE):
        await asyncio.gather(*map(one, range(first, min(first + AT_ONCE, bodies))))
    assert len(accepted) > bodies // 50, "most of what is sent must not be nonsense at once"
    for task_id in accepted:
        asked = Request("GET", f"{TASKS}/{task_id}", b"", (key,))
        status, answer = await call(application, asked)
        assert status == 200
        assert json.loads(answer)["output"]["task_id"] == task_id
    await service.queue.close()
    assert tally.counts["requests"].total() == bodies


@pytest.fixture
def port(tmp_path: Path) -> Iterator[tuple[int, str]]:
    """A server on a socket, without workers, and a key."""
    with listening_in(tmp_path) as server:
        yield server


def _wire(case: Request) -> bytes:
    lines = [f"{case.method} {case.path}".encode("latin-1", "replace")]
    lines[0] += (b"?" + case.query if case.query else b"") + b" HTTP/1.1"
    lines += [name + b": " + value for name, value in case.headers]
    lines += [b"host: x", b"connection: close", b"content-length: %d" % len(case.body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + case.body


def _answer(port: int, sent: bytes) -> bytes:
    """All that comes back until the server closes; whoever is waited for says that it is done."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=WAITS_S) as connection:
        with suppress(OSError):  # refused before it was read whole
            connection.sendall(sent)
        with suppress(ConnectionResetError):
            try:
                received = connection.recv(1 << 16)
            except TimeoutError:
                connection.shutdown(socket.SHUT_WR)
            connection.settimeout(HANGS_S)
            while piece := connection.recv(1 << 16):
                received += piece
    return received


def test_broken_http_does_not_hurt_the_server(
    port: tuple[int, str], bodies: int, tally: Tally
) -> None:
    number, secret = port
    valid = _wire(
        Request(
            VALID.method,
            VALID.path,
            b"",
            (*VALID.headers, (b"authorization", f"Bearer {secret}".encode())),
            VALID.body,
        )
    )
    assert _answer(number, valid).startswith(b"HTTP/1.1 200")
    for case in range(max(bodies // 40, 50)):
        chance = random.Random(f"wire {case}")
        began = time.perf_counter()
        answer = _answer(number, mutated(valid, chance))
        took_s = time.perf_counter() - began
        status = answer[9:12].decode() if answer.startswith(b"HTTP/1.1 ") else "closed"
        assert not status.startswith("5"), f"case {case}: {answer[:300]!r}"
        assert answer == b"" or answer.startswith(b"HTTP/1.1 "), f"case {case}"
        tally.add("broken HTTP", status, took_s)
    assert _answer(number, valid).startswith(b"HTTP/1.1 200")


class _Answers(io.BytesIO):
    """What came back, as a socket of which each answer is read in turn."""

    def makefile(self, _: str) -> _Answers:
        return self

    def close(self) -> None:
        """Not after the first answer."""


def _answers(received: bytes) -> list[tuple[int, bytes]]:
    """Status and body of each. Raises HTTPException for what is no answer, or no whole one."""
    answers = []
    rest = _Answers(received)
    while rest.tell() < len(received):
        answer = HTTPResponse(cast(socket.socket, rest))
        answer.begin()
        answers.append((answer.status, answer.read()))
    return answers


def _exchange(port: int, sent: bytes) -> bytes:
    """All that comes back until the server closes, read while it is sent: many requests at once
    have many answers. Raises TimeoutError where the server says nothing and does not close."""
    received, waiting, quiet_since = b"", memoryview(sent), time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection, suppress(ConnectionError):
        connection.setblocking(False)
        done = False
        while True:
            readable, writable, _ = select.select(
                [connection], [connection] if waiting else [], [], WAITS_S
            )
            if readable:
                piece = connection.recv(1 << 16)
                if not piece:
                    break
                received += piece
            if writable:
                waiting = waiting[connection.send(waiting) :]
            now = time.perf_counter()
            if readable or writable:
                quiet_since = now
            elif now - quiet_since > HANGS_S:
                raise TimeoutError
            elif not waiting and not done:
                connection.shutdown(socket.SHUT_WR)
                done = True
    return received


def _memory_mib(server: Live, kind: str) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith(kind)]
    return int(line.split()[1]) / 1024


def test_odd_frames_are_answered_as_written_down_and_take_no_memory(
    tmp_path: Path, bodies: int, tally: Tally
) -> None:
    secret = new_key(tmp_path)
    count = max(bodies // 20, 100)
    limits = {"PORTRAVOX_MAX_QUEUED": "10000000"}
    with (
        serving(tmp_path, environment=limits, main=COLD) as server,
        ThreadPoolExecutor(CLIENTS) as clients,
    ):
        port = httpx.URL(server.url).port
        assert port is not None
        key = {"Authorization": f"Bearer {secret}"}
        submitted = HTTP.post(
            f"{server.url}{SUBMIT}", json=JOB, headers={**key, "X-DashScope-Async": "enable"}
        )
        known = submitted.json()["output"]["task_id"]

        def send(number: int) -> tuple[int, Framed, bytes, float]:
            case = framed(number, secret, known)
            began = time.perf_counter()
            return number, case, _exchange(port, case.content), time.perf_counter() - began

        for _ in clients.map(send, range(-CLIENTS, 0)):
            pass  # what a first request takes for good is not growth
        before_mib = _memory_mib(server, "VmRSS")
        answered = 0
        for number, case, received, took_s in clients.map(send, range(count)):
            told = f"case {number}, {case.told}: {received[:300]!r}"
            try:
                answers = _answers(received)
            except HTTPException as error:
                raise AssertionError(told) from error
            assert len(answers) <= case.requests or not case.whole, told
            for status, content in answers:
                assert status < 500, told
                if status >= 400:
                    refusal = json.loads(content)
                    assert set(refusal) >= {"code", "message", "request_id"}, told
                    assert (status, refusal["code"]) in REFUSALS, told
            answered += bool(answers)
            outcome = str(answers[0][0]) if answers else "closed"
            tally.add(f"odd frames: {case.told}", outcome, took_s)
        assert answered > count // 2
        grown_mib = _memory_mib(server, "VmHWM") - before_mib
        tally.add("odd frames: memory", f"grew by {grown_mib:.0f} MiB at most", 0.0)
        assert grown_mib < MOST_MIB
        asked = HTTP.get(f"{server.url}{TASKS}/{known}", headers=key)
        assert asked.json()["output"]["task_id"] == known
        assert server.process.poll() is None
