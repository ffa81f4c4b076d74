"""A world of our own: a resolver that says what it is told, and servers that play a script."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from portravox.service.fetch.connection import Network, Waits

PUBLIC = "93.184.215.14"
"""Stands for the public internet; nothing is sent there."""


class World:
    """A resolver and a dialler that note what they are asked. Answers are written beforehand, so
    that no thread is needed: what we ask fits into the socket's buffer."""

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {}
        self.answers: list[bytes] = []
        self.resolved: list[str] = []
        self.dialled: list[str] = []
        self.requests: list[socket.socket] = []
        self.network = Network(resolve=self._resolve, dial=self._dial)

    def _resolve(self, host: str, port: int) -> list[str]:
        self.resolved.append(host)
        return self.names.get(host, [PUBLIC])

    def _dial(self, address: object, port: int, seconds: float) -> socket.socket:
        self.dialled.append(str(address))
        ours, theirs = socket.socketpair()
        theirs.sendall(self.answers.pop(0) if self.answers else b"HTTP/1.1 404 No\r\n\r\n")
        theirs.shutdown(socket.SHUT_WR)
        self.requests.append(theirs)
        return ours

    def request(self, index: int) -> str:
        return self.requests[index].recv(65536).decode("ascii")


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    for request in made.requests:
        request.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: a thousand folders would take longer than a thousand refusals."""
    return tmp_path_factory.mktemp("fetched")


@pytest.fixture
def target(folder: Path) -> Iterator[Path]:
    path = folder / "file"
    yield path
    path.unlink(missing_ok=True)


Script = Callable[[socket.socket], None]


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Start a server on 127.0.0.1 that plays a script to each caller; gives its port."""
    with contextlib.ExitStack() as stack:
        yield lambda script, tls=None: stack.enter_context(_serving(script, tls))


@contextlib.contextmanager
def _serving(script: Script, tls: ssl.SSLContext | None) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)  # to see in time that the test is over
    over = threading.Event()

    def accept() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                caller, _ = listener.accept()
                caller.settimeout(5)
                with caller if tls is None else tls.wrap_socket(caller, server_side=True) as line:
                    line.recv(65536)
                    script(line)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        thread.join()
        listener.close()


@pytest.fixture
def drip() -> Callable[[Iterable[bytes], float], Script]:
    """A script that sends pieces with a pause after each, until the other side hangs up."""

    def script(pieces: Iterable[bytes], pause_s: float) -> Script:
        def play(caller: socket.socket) -> None:
            for piece in pieces:
                caller.sendall(piece)
                time.sleep(pause_s)

        return play

    return script


@pytest.fixture
def impatient() -> Network:
    """The real network, with waits that a test can sit through."""
    return Network(waits=Waits(connect_s=0.3, idle_s=0.15, total_s=0.4))
