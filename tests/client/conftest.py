"""A client on a server that is not there, with all the time in the world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from portravox.client.access import Access
from portravox.client.api import LiveportraitClient
from portravox.client.connection import Connection, Patience
from portravox.errors import PortravoxError
from tests.client.fake_server import KEY, FakeServer


@dataclass
class Waited:
    """How long was waited, and why."""

    pauses_s: list[float] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def note(self, error: PortravoxError, pause_s: float) -> None:
        self.reasons.append(str(error))


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def waited() -> Waited:
    return Waited()


@pytest.fixture
def connect(server: FakeServer, waited: Waited) -> Iterator[Callable[..., Connection]]:
    opened: list[Connection] = []

    def connect(api_key: str | None = KEY) -> Connection:
        access = Access(base_url="http://maker.example/api/v1", api_key=api_key)
        patience = Patience(sleep=waited.pauses_s.append, on_retry=waited.note)
        opened.append(Connection(access, patience=patience, transport=server.transport))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.__exit__(None, None, None)


@pytest.fixture
def client(connect: Callable[..., Connection]) -> LiveportraitClient:
    return LiveportraitClient(connect())
