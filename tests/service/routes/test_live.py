"""Live sessions over real sockets: what is kept, and who is shut out.

The process draws nothing (`live_talker`); with the real one the same is done in
`tests/end_to_end/test_live.py`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from portravox.service import live as live_module
from portravox.service import sockets
from portravox.service.app import Application
from portravox.service.connections import TimeoutProtocol
from portravox.service.errors import StorageFailed
from portravox.service.limits import Limits
from portravox.service.live import LiveLimits, LiveSessions
from portravox.service.live_calls import LiveCalls
from portravox.service.live_usage import LiveUsage
from portravox.service.service import Service
from portravox.service.storage.uploads import UploadedFiles
from portravox.service.worker import live_process
from portravox.service.worker.process import ProcessPool, WorkerProcess
from portravox.service.worker.scratch import ScratchSpace
from tests.service import live_talker
from tests.service.conftest import service_in

PICTURE = b"a picture"
WITHIN_S = 20.0
COMMAND = (sys.executable, live_talker.__file__)


@dataclass
class World:
    """A server, and what a test may touch of it."""

    url: str
    service: Service
    secret: str
    live: LiveSessions
    processes: list[WorkerProcess]
    app: Application | None = None

    @property
    def key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}

    def connect(self, **options: Any) -> connect:
        options.setdefault("additional_headers", self.key)
        # With a bounded queue a client that reads no further does not see the end, either.
        options.setdefault("max_queue", None)
        return connect(f"{self.url}/api/v1/live", max_size=None, **options)

    async def session(self, stack: contextlib.AsyncExitStack, **start: Any) -> Session:
        """A session that has started."""
        opened = Session(await stack.enter_async_context(self.connect()))
        await opened.start(**start)
        assert (await opened.event("started"))["session_id"]
        return opened

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self.processes if process.pid is not None]


class Session:
    """A client."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.pieces: list[bytes] = []
        self.events: list[dict[str, Any]] = []

    async def start(self, picture: bytes = PICTURE, **fields: Any) -> None:
        await self.tell(type="start", image_bytes=len(picture), **fields)
        await self.socket.send(picture)

    async def tell(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def event(self, *kinds: str) -> dict[str, Any]:
        """The next event of one of these kinds."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                said = await self.socket.recv()
                if isinstance(said, bytes):
                    self.pieces.append(said)
                    continue
                self.events.append(json.loads(said))
                if self.events[-1]["type"] in kinds:
                    return self.events[-1]

    async def ends(self) -> tuple[str, int]:
        """The reason that is told, and the code with which the connection ends."""
        reason = (await self.event("closed"))["reason"]
        async with asyncio.timeout(WITHIN_S):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.socket.recv()
        assert self.socket.close_code is not None
        return reason, self.socket.close_code


@asynccontextmanager
async def world_in(
    folder: Path,
    *,
    sessions: int = 2,
    limits: dict[str, Any] | None = None,
    speaker: Any = None,
    has_calls: bool = False,
    **settings: Any,
) -> AsyncIterator[World]:
    service = service_in(folder, **settings)
    _, secret = service.keys.create("first")
    processes: list[WorkerProcess] = []

    def process() -> WorkerProcess:
        processes.append(WorkerProcess("live", memory_mib=256, folders=folder, command=COMMAND))
        return processes[-1]

    scratch = ScratchSpace(
        root=service.work_dir, uploaded=UploadedFiles(service.uploads._storage), allow_nets=""
    )
    pool = ProcessPool(process, at_once=sessions, keep=1)
    times_s = {"idle_s": 60.0, "session_s": 60.0, **(limits or {})}
    live = LiveSessions(
        limits=LiveLimits(sessions=sessions, **times_s),
        pool=pool,
        fetching=pool,
        scratch=scratch,
        usage=LiveUsage(service.settings.live_seconds_file),
        metrics=service.metrics,
        speaker=speaker,
        picture_formats="original",
        producer="test",
    )  # fmt: skip

    def peer() -> WorkerProcess:
        processes.append(WorkerProcess("peer", memory_mib=768, folders=folder))
        return processes[-1]

    calls = None
    if has_calls:
        peers = ProcessPool(peer, at_once=sessions, keep=0)
        calls = LiveCalls(live, peers, address="127.0.0.1")
    service = replace(service, live=live, calls=calls)
    application = Application(open_nothing, cors_origins=service.settings.allowed_origins)
    application.state.service = service
    application._requests._metrics = service.metrics
    config = uvicorn.Config(application, lifespan="off", log_config=None, ws="none")
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: TimeoutProtocol(config, state, {}), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    try:
        yield World(f"ws://127.0.0.1:{port}", service, secret, live, processes, application)
    finally:
        for protocol in list(state.connections):
            protocol.transport.abort()
        async with asyncio.timeout(WITHIN_S):
            while state.tasks:
                await asyncio.sleep(0.01)
        server.close()
        if calls is not None:
            await calls.close()
        await live.close()
        await service.queue.close()


def open_nothing(metrics: Any) -> Any:
    raise AssertionError("the service is there already")


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., Any]:
    return lambda **options: world_in(tmp_path, **options)


World_ = Callable[..., Any]


async def test_speech_comes_in_and_a_video_with_its_events_goes_out(world: World_) -> None:
    async with world() as server, contextlib.AsyncExitStack() as stack:
        client = await server.session(stack, sample_rate=16_000)
        started = client.events[-1]
        assert started["format"] == "fmp4" and started["mime_type"].startswith("video/mp4; codecs=")
        assert (started["width"], started["fps"], started["sound_rate"]) == (64, 50, 48_000)
        await client.socket.send(bytes(640))
        await client.tell(type="append", audio=base64.b64encode(bytes(640)).decode())
        await client.tell(type="flush")
        first = await client.event("utterance_started")
        last = await client.event("utterance_ended")
        assert first["utterance"] == last["utterance"] == 1 and last["position_s"] == 0.5
        assert (await client.event("stopped"))["at_s"] >= first["at_s"]
        assert client.pieces[0] == b"init" and set(client.pieces[1:]) == {b"frame"}
        await client.tell(type="change", parameters={"head_move_strength": 0.2})
        await client.tell(type="listen", active=True)
        await client.tell(type="close")
        assert await client.ends() == ("asked", 1000)
        assert 0.0 < client.events[-1]["lasted_s"] < WITHIN_S
        assert "error" not in {event["type"] for event in client.events}
        page = server.service.metrics.page({}).decode()
        assert 'portravox_live_ended_total{reason="asked"} 1.0' in page
        assert "portravox_live_sessions 0.0" in page
        assert "portravox_live_start_seconds_count 1.0" in page
        assert "portravox_live_answer_seconds_count 1.0" in page


async def test_an_interruption_is_told_with_its_position(world: World_) -> None:
    async with world() as server, contextlib.AsyncExitStack() as stack:
        client = await server.session(stack)
        await client.tell(type="clear")
        assert (await client.event("cleared"))["utterance"] is None
        await client.socket.send(bytes(200_000))
        await client.event("utterance_started")
        await client.tell(type="clear")
        cleared = await client.event("cleared")
        assert (cleared["utterance"], cleared["position_s"]) == (1, 0.5)
        await client.socket.send(bytes(640))
        await client.tell(type="flush")
        assert (await client.event("utterance_started"))["utterance"] == 2


class Speaker:
    """Speaks what it is told to, once it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.texts: list[str] = []

    async def speak(self, parameters: Any, target: Path, *, key: str) -> None:
        self.texts.append(parameters["text"])
        await self.may.wait()
        target.write_bytes(bytes(2000))

    def close(self) -> None:
        pass


async def test_texts_are_spoken_one_after_the_other_until_they_are_interrupted(
    world: World_,
) -> None:
    speaker = Speaker()
    async with (
        world(speaker=speaker, speech="espeak-ng") as server,
        contextlib.AsyncExitStack() as stack,
    ):
        client = await server.session(stack)
        for number in range(live_module.TEXTS_HELD + 2):
            await client.tell(type="say", text=f"hello {number}")
        assert (await client.event("error"))["code"] == "SessionFull"
        await client.tell(type="clear")
        await client.event("cleared")
        assert speaker.texts == ["hello 0"]  # the others were forgotten
        await client.tell(type="say", text="bye", voice_name="en-gb")
        speaker.may.set()
        await client.event("utterance_started")
        await client.event("utterance_ended")
        assert speaker.texts == ["hello 0", "bye"]
        speaker.may.clear()
        await client.tell(type="say", text="never")
        await client.tell(type="close")
        assert await client.ends() == ("asked", 1000)


async def test_texts_of_a_session_count_among_those_of_the_day(world: World_) -> None:
    """Also those that were interrupted: a provider wants money for them, too."""
    speaker = Speaker()
    async with (
        world(speaker=speaker, speech="espeak-ng", spoken_characters_per_day=10) as server,
        contextlib.AsyncExitStack() as stack,
    ):
        client = await server.session(stack)
        for text in ("12345", "123456", "12345", "1"):
            await client.tell(type="say", text=text)
            await client.tell(type="clear")
            await client.event("cleared")
        codes = [event.get("code") for event in client.events if event["type"] == "error"]
        assert codes == ["Throttling.AllocationQuota"] * 2
        assert speaker.texts == ["12345", "12345"]
        await client.tell(type="close")
        await client.ends()


async def test_a_browser_brings_its_key_as_a_subprotocol(world: World_) -> None:
    async with world() as server:
        offered = ["portravox.live", f"bearer.{server.secret}"]
        own = server.url.replace("ws", "http")
        async with server.connect(
            additional_headers={}, subprotocols=offered, origin=own
        ) as socket:
            assert socket.subprotocol == "portravox.live"
            client = Session(socket)
            await client.start()
            await client.event("started")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer sk-wrong"}, 401),
        ({"Authorization": "Basic eA=="}, 401),
    ],
)
async def test_who_has_no_key_is_refused_before_anything_is_opened(
    world: World_, headers: dict[str, str], status: int
) -> None:
    async with world() as server:
        with pytest.raises(InvalidStatus) as refused:
            await server.connect(additional_headers=headers)
        answer = refused.value.response
        assert answer.status_code == status
        assert json.loads(answer.body)["code"] == "InvalidApiKey"
        assert server.live.open_count == 0 and not server.processes


async def test_a_page_of_strangers_is_refused_with_and_without_keys(world: World_) -> None:
    async with world(cors_origins="https://app.example.com") as server:
        with pytest.raises(InvalidStatus) as refused:
            await server.connect(origin="https://evil.example.com")
        assert refused.value.response.status_code == 403
        async with server.connect(origin="https://app.example.com"):
            pass
    async with world(no_keys=True) as server:
        host, port = server.url.removeprefix("ws://").split(":")
        elsewhere = connect("ws://evil.example.com/api/v1/live", host=host, port=int(port))
        for connecting in (server.connect(origin="https://evil.example.com"), elsewhere):
            with pytest.raises(InvalidStatus) as refused:
                await connecting
            assert refused.value.response.status_code == 403
        async with server.connect(additional_headers={}):
            pass


async def test_sessions_are_counted_and_one_more_than_there_may_be_is_refused(
    world: World_,
) -> None:
    async with world(sessions=2) as server, contextlib.AsyncExitStack() as stack:
        server.service.keys.create("second")  # so that there is somebody to leave room for
        first = await server.session(stack)
        again = Session(await stack.enter_async_context(server.connect()))
        assert (await again.event("error"))["code"] == "Throttling.Concurrency"
        assert await again.ends() == ("refused", 1008)
        await first.tell(type="close")
        await first.ends()
        await server.session(stack)


async def test_a_key_has_the_sessions_and_seconds_of_its_limits(world: World_) -> None:
    async with world(sessions=3) as server, contextlib.AsyncExitStack() as stack:
        _, secret = server.service.keys.create(
            "bounded", limits=Limits(live_sessions=1, live_s_per_day=0.9)
        )
        bounded = replace_secret(server, secret)
        first = await bounded.session(stack)
        second = Session(await stack.enter_async_context(bounded.connect()))
        assert (await second.event("error"))["code"] == "Throttling.Concurrency"
        assert await first.ends() == ("spent", 1008)
        third = Session(await stack.enter_async_context(bounded.connect()))
        assert (await third.event("error"))["code"] == "Throttling.AllocationQuota"
        await server.session(stack)  # others go on


def replace_secret(server: World, secret: str) -> World:
    return World(server.url, server.service, secret, server.live, server.processes)


GARBAGE = ("", "no JSON", "[]", "7", '{"type":7}', '{"type":"dance"}', '{"type":"start"}',
    '{"type":"append"}', '{"type":"append","audio":"?"}', '{"type":"append","audio":7}',
    '{"type":"append","audio":"AAAA","sample_rate":1}', '{"type":"say"}', '{"type":"a","type":"b"}',
    '{"type":"say","text":"hello"}', '{"type":"change","parameters":{"video_fps":30}}',
    '{"type":"change","parameters":{"head_move_strength":7}}', '{"type":"change","parameters":7}',
    '{"type":"change","parameters":{"portravox":{"text":"x"}}}', '{"type":"flush","x":NaN}',
    '{"type":"listen"}', '{"type":"listen","active":1}', '{"type":"listen","active":"true"}',
)  # fmt: skip


async def test_messages_that_are_none_are_refused_and_the_session_goes_on(world: World_) -> None:
    async with world() as server, contextlib.AsyncExitStack() as stack:
        client = await server.session(stack)
        for message in GARBAGE:
            await client.socket.send(message)
            assert (await client.event("error", "closed"))["type"] == "error", message
        await client.socket.send(bytes(3))  # one sample and a half
        await client.tell(type="flush")
        await client.event("utterance_started")


FIRST = ("no JSON", '{"type":"flush"}', '{"type":"start"}', b"\x00\x00",
    '{"type":"start","image_url":"ftp://h/p"}', '{"type":"start","image_url":7}',
    '{"type":"start","image_bytes":-1}', '{"type":"start","image_bytes":1e9}',
    '{"type":"start","image_bytes":99999999}',
    '{"type":"start","image_bytes":9,"format":"gif"}',
    '{"type":"start","image_bytes":9,"sound_rate":8000}',
    '{"type":"start","image_bytes":9,"sample_rate":7999}',
    '{"type":"start","image_bytes":9,"sample_rate":192001}',
    '{"type":"start","image_bytes":9,"parameters":{"portravox":{"text":"hello"}}}',
    '{"type":"start","image_bytes":9,"parameters":{"video_fps":7}}',
    '{"type":"start","image_bytes":9,"parameters":{"portravox":{"engine":"neural"}}}',
    '{"type":"start","image_url":"oss://dashscope-instant/none/of/ours.png"}',
)  # fmt: skip


@pytest.mark.parametrize("message", FIRST, ids=range(len(FIRST)))
async def test_a_first_message_that_will_not_do_ends_the_session(
    world: World_, message: str | bytes
) -> None:
    async with world() as server, server.connect() as socket:
        client = Session(socket)
        await socket.send(message)
        assert (await client.event("error"))["code"]
        assert await client.ends() == ("refused", 1008)
        assert not server.processes


async def test_a_picture_without_a_face_is_refused_and_told_why(world: World_) -> None:
    async with world() as server, server.connect() as socket:
        client = Session(socket)
        await client.start(b"no face")
        error = await client.event("error")
        assert error["reason"] == "no_face_found" and error["file"] == "image"
        assert await client.ends() == ("refused", 1008)


async def test_a_picture_of_another_size_than_was_said_is_refused(world: World_) -> None:
    async with world() as server, server.connect() as socket:
        client = Session(socket)
        await client.tell(type="start", image_bytes=5)
        await socket.send(b"123456")
        await client.event("error")
        assert await client.ends() == ("refused", 1008)


async def test_a_message_above_1_mib_ends_the_session(world: World_) -> None:
    async with world() as server, contextlib.AsyncExitStack() as stack:
        client = await server.session(stack)
        with contextlib.suppress(ConnectionClosed):
            await client.socket.send(bytes(sockets.MESSAGE_BYTES + 1))
            while True:
                await client.socket.recv()
        assert client.socket.close_code == 1009
        await nothing_is_left(server)


async def nothing_is_left(server: World, within_s: float = WITHIN_S) -> None:
    async with asyncio.timeout(within_s):
        while server.live.open_count:
            await asyncio.sleep(0.01)


async def test_a_killed_process_ends_its_session_and_no_other(world: World_) -> None:
    async with world(sessions=2) as server, contextlib.AsyncExitStack() as stack:
        first = await server.session(stack)
        (pid,) = server.pids
        second = await server.session(stack)
        os.kill(pid, signal.SIGKILL)
        assert (await first.event("error"))["code"] == "InternalError.Algo"
        assert await first.ends() == ("failed", 1011)
        await second.socket.send(bytes(64))
        await second.event("utterance_started")
        await server.session(stack)


@pytest.mark.parametrize("odd", [live_talker.DIES, live_talker.FLOODS, live_talker.BABBLES])
async def test_a_process_that_says_odd_things_ends_its_session(world: World_, odd: int) -> None:
    async with world() as server, contextlib.AsyncExitStack() as stack:
        client = await server.session(stack, parameters={"portravox": {"seed": odd}})
        await client.socket.send(bytes(64))
        assert (await client.event("error"))["code"] == "InternalError.Algo"
        assert await client.ends() == ("failed", 1011)


async def test_a_process_that_falls_silent_ends_its_session(
    world: World_, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_process, "SILENCE_S", 0.3)
    async with world() as server, contextlib.AsyncExitStack() as stack:
        seed = {"portravox": {"seed": live_talker.IS_SILENT}}
        client = await server.session(stack, parameters=seed)
        await client.event("error")
        assert await client.ends() == ("failed", 1011)


async def test_a_client_that_vanishes_frees_its_process_and_its_place(world: World_) -> None:
    async with world(sessions=1) as server, contextlib.AsyncExitStack() as stack:
        client = await server.session(stack)
        (pid,) = server.pids
        client.socket.transport.abort()
        await nothing_is_left(server)
        assert not Path(f"/proc/{pid}").exists()
        await server.session(stack)


async def test_a_client_that_says_nothing_is_told_so_and_let_go(world: World_) -> None:
    async with world(limits={"idle_s": 0.4}) as server, contextlib.AsyncExitStack() as stack:
        client = await server.session(stack)
        assert await client.ends() == ("idle", 1008)
    async with world(limits={"session_s": 0.4}) as server, contextlib.AsyncExitStack() as stack:
        client = await server.session(stack)
        assert await client.ends() == ("too_long", 1008)


async def test_a_client_that_begins_nothing_gives_its_place_back(
    world: World_, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "START_TIME_S", 0.2)
    async with world() as server, server.connect() as socket:
        client = Session(socket)
        assert (await client.event("error"))["code"] == "RequestTimeOut"
        assert await client.ends() == ("refused", 1008)


async def test_a_disk_without_room_refuses_a_session_and_says_so(
    world: World_, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageFailed("no room")

    async with world() as server:
        # Before it connects: the folder of a session may be made as soon as that is answered.
        monkeypatch.setattr(server.live._scratch.space, "_change", full)
        async with server.connect() as socket:
            client = Session(socket)
            await client.start()
            assert (await client.event("error"))["code"]
            assert await client.ends() == ("refused", 1008)


async def test_a_revoked_key_ends_its_session(world: World_) -> None:
    async with world() as server, contextlib.AsyncExitStack() as stack:
        client = await server.session(stack)
        server.service.keys.revoke("1")
        assert await client.ends() == ("revoked", 1008)


async def test_a_server_that_stops_tells_its_sessions(world: World_) -> None:
    async with world() as server, contextlib.AsyncExitStack() as stack:
        client = await server.session(stack)
        stopping = asyncio.create_task(server.live.stop())
        await client.event("stopping")
        assert await client.ends() == ("stopping", 1012)
        await stopping
        again = Session(await stack.enter_async_context(server.connect()))
        assert (await again.event("error"))["code"] == "ModelUnavailable"


async def test_who_takes_nothing_is_cut_and_holds_little(
    world: World_, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "WRITE_TIME_S", 0.3)
    async with world() as server, contextlib.AsyncExitStack() as stack:
        client = await server.session(stack, parameters={"portravox": {"seed": live_talker.LARGE}})
        client.socket.transport.pause_reading()
        await nothing_is_left(server)
        client.socket.transport.abort()


async def test_what_may_be_is_told_before_a_session_and_a_process_made_ready(
    world: World_,
) -> None:
    async with world() as server, httpx.AsyncClient(headers=server.key) as client:
        url = server.url.replace("ws", "http") + "/api/v1/live"
        told = (await client.get(url)).json()["output"]
        assert (told["sessions_left"], told["speech"], told["max_side"]) == (2, False, 1024)
        async with asyncio.timeout(WITHIN_S):
            while not server.pids:
                await asyncio.sleep(0.01)
        assert (await client.get(url, headers={"Authorization": ""})).status_code == 401


async def test_seconds_are_remembered_across_restarts(world: World_) -> None:
    async with world() as server, contextlib.AsyncExitStack() as stack:
        client = await server.session(stack)
        await asyncio.sleep(1.1)
        await client.tell(type="close")
        await client.ends()
        await nothing_is_left(server)
    again = LiveUsage(server.service.settings.live_seconds_file)
    assert again.used_s("1") >= 1.0
