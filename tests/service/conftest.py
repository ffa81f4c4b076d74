"""A server without sockets: real table, storage and keys, and a detector that says yes."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import httpx
import pytest
import uvicorn

from portravox.inspection import Inspection
from portravox.service.app import Application
from portravox.service.connections import TimeoutProtocol
from portravox.service.detector import Judgement
from portravox.service.keys import ApiKeys
from portravox.service.metrics import Metrics
from portravox.service.service import Service
from portravox.service.settings import ServiceSettings
from portravox.service.storage.local import LocalLinks, LocalStorage
from portravox.service.storage.signing import open_signing_keys
from portravox.service.storage.uploads import Uploads
from portravox.service.tasks.sqlite import SqliteTaskQueue
from portravox.service.tasks.task import Job

JOB = Job(
    model="liveportrait",
    image_url="http://h/p",
    audio_url="http://h/v",
    parameters={},
    resolve_oss=False,
)


class YesDetector:
    """Sees a face everywhere."""

    async def plain(self, file: str, link: str, *, key: str, key_group: str) -> BinaryIO:
        del file, link, key, key_group
        made = tempfile.TemporaryFile()  # noqa: SIM115 - closed by who is given it
        made.write(b"plain")
        made.flush()
        return cast(BinaryIO, made)

    async def judge(self, image_url: str, *, key: str, key_group: str) -> Judgement:
        del image_url, key, key_group
        return Judgement(passed=True, detail={"reason": "ok", "faces": []})

    async def inspect(self, url: str, *, key: str, key_group: str) -> Inspection:
        del url, key, key_group
        return Inspection(kind="MP4", is_known=True, marks=())


@dataclass(frozen=True)
class Server:
    """What a test may touch."""

    client: httpx.AsyncClient
    service: Service
    secret: str
    stranger: str
    """A key of another group."""

    @property
    def key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


def service_in(folder: Path, **settings: Any) -> Service:
    """The parts of a server that has its data in a folder; without keys and workers."""
    (folder / "work").mkdir(exist_ok=True)
    signing = open_signing_keys(folder / "signing")
    return Service(
        settings=ServiceSettings(data_dir=folder, **settings),
        queue=SqliteTaskQueue(folder / "tasks.db"),
        videos=LocalStorage(folder / "videos", reserve_bytes=0),
        links=LocalLinks(signing),
        served_links=LocalLinks(signing),
        uploads=Uploads(LocalStorage(folder / "uploads", reserve_bytes=0), signing),
        keys=ApiKeys(folder / "keys.json"),
        detector=YesDetector(),
        signing=signing,
    )


@contextmanager
def listening_in(folder: Path) -> Iterator[tuple[int, str]]:
    """Its port and a key, of a server on a real socket that has no worker."""
    _, secret = ApiKeys(folder / "keys.json").create("test")

    @asynccontextmanager
    async def open_service(_: Metrics) -> AsyncIterator[Service]:
        service = service_in(folder)
        yield service
        await service.queue.close()

    config = uvicorn.Config(
        Application(open_service), http=TimeoutProtocol, lifespan="on", log_config=None
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield listener.getsockname()[1], secret
        server.should_exit = True
        thread.join()


@pytest.fixture
def playing(tmp_path: Path) -> Callable[..., Any]:
    """Opens a server, with settings by name."""

    @asynccontextmanager
    async def opened(**settings: Any) -> AsyncIterator[Server]:
        service = service_in(tmp_path, **settings)
        _, secret = service.keys.create("first")
        _, stranger = service.keys.create("other", group="other")

        @asynccontextmanager
        async def open_service(_: Metrics) -> AsyncIterator[Service]:
            yield service

        application = Application(open_service, cors_origins=service.settings.allowed_origins)
        application.state.service = service
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            yield Server(client, service, secret, stranger)
        await service.queue.close()

    return opened
