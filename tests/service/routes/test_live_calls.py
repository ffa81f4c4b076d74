"""Live sessions over WebRTC, with `aiortc` on both sides: the peer process is the real one, and the
one that draws draws nothing (`live_talker`)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from portravox.service import live_calls
from portravox.service.limits import Limits
from portravox.service.worker import opus
from portravox.service.worker.peer_process import PeerProcess
from tests.lossy_relay import LossyRelay
from tests.service.routes.test_live import WITHIN_S, World, nothing_is_left, world_in

aiortc = pytest.importorskip("aiortc", reason="the extra `live` is not installed")

import aioice.ice  # noqa: E402
import av  # noqa: E402
from aiortc.mediastreams import MediaStreamError  # noqa: E402


@pytest.fixture(autouse=True)
def loopback_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own addresses: a machine may have no others."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


class Microphone(aiortc.MediaStreamTrack):
    """A tone, once it is on."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.is_on = asyncio.Event()
        self._sent = 0
        self._began = 0.0

    async def recv(self) -> av.AudioFrame:
        await self.is_on.wait()
        self._began = self._began or time.monotonic()
        await asyncio.sleep(max(0.0, self._began + self._sent / 48_000 - time.monotonic()))
        samples = 8_000 * np.sin(np.arange(self._sent, self._sent + 960) * 2 * np.pi / 100)
        frame = av.AudioFrame.from_ndarray(
            samples.astype(np.int16)[np.newaxis], format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self._sent, Fraction(1, 48_000)
        self._sent += 960
        return frame


class Browser:
    """A client with a microphone, a video and a data channel."""

    def __init__(self, *, speaks: bool = False) -> None:
        self.peer = aiortc.RTCPeerConnection(
            aiortc.RTCConfiguration(iceServers=[], bundlePolicy=aiortc.RTCBundlePolicy.MAX_BUNDLE)
        )
        self.microphone = Microphone()
        if speaks:
            self.peer.addTrack(self.microphone)
        else:
            self.peer.addTransceiver("audio")
        self.peer.addTransceiver("video", "recvonly")
        self.channel = self.peer.createDataChannel("events")
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.codes: list[str] = []
        self.open, self.is_closed = asyncio.Event(), asyncio.Event()
        self.pictures: list[tuple[float, float]] = []
        """(time of the stream in s, mean luma)"""

        self.sounds: list[tuple[float, float]] = []
        """(time of the stream in s, mean amplitude)"""

        self.tasks: list[asyncio.Task[None]] = []
        self.channel.on("open", self.open.set)
        self.channel.on("close", self.is_closed.set)
        self.channel.on("message", lambda message: self.events.put_nowait(json.loads(message)))
        self.peer.on("track", self._tracked)

    async def offer(self) -> str:
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    async def take(self, answer: str) -> None:
        await self.peer.setRemoteDescription(aiortc.RTCSessionDescription(answer, "answer"))
        async with asyncio.timeout(WITHIN_S):
            await self.open.wait()

    def tell(self, **message: Any) -> None:
        self.channel.send(json.dumps(message))

    async def event(self, *kinds: str) -> dict[str, Any]:
        """The next event of one of these kinds."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                event = await self.events.get()
                if event["type"] == "error":
                    self.codes.append(event["code"])
                if event["type"] in kinds:
                    return event

    async def ends(self) -> None:
        async with asyncio.timeout(WITHIN_S):
            await self.is_closed.wait()

    async def vanish(self) -> None:
        """As where somebody pulls the plug: nothing is said any more."""
        for transport in self.peer._RTCPeerConnection__iceTransports:
            for protocol in transport._connection._protocols:
                protocol.transport.abort()

    async def close(self) -> None:
        await self.peer.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def _tracked(self, track: Any) -> None:
        watch = self._watch if track.kind == "video" else self._listen
        self.tasks.append(asyncio.create_task(watch(track)))

    async def _watch(self, track: Any) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                luma = frame.to_ndarray(format="gray").mean()
                self.pictures.append((frame.pts * float(frame.time_base), float(luma)))

    async def _listen(self, track: Any) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                loud = np.abs(frame.to_ndarray().astype(np.float32)).mean()
                self.sounds.append((frame.pts * float(frame.time_base), float(loud)))


async def asked(server: World, offer: str, *, key: str | None = None) -> httpx.Response:
    url = server.url.replace("ws", "http") + "/api/v1/live/webrtc"
    headers = server.key if key is None else {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(timeout=WITHIN_S) as client:
        return await client.post(url, json={"type": "offer", "sdp": offer}, headers=headers)


@asynccontextmanager
async def calling(
    server: World,
    *,
    speaks: bool = False,
    start: bool = True,
    relay: LossyRelay | None = None,
    **fields: Any,
) -> AsyncIterator[Browser]:
    """A browser whose session has started."""
    browser = Browser(speaks=speaks)
    try:
        answer = await asked(server, await browser.offer())
        assert answer.status_code == 200, answer.text
        told = answer.json()["output"]
        assert told["type"] == "answer"
        await browser.take(relay.through(told["sdp"]) if relay else told["sdp"])
        if start:
            browser.tell(type="start", image_url=server.picture_url, **fields)
            assert (await browser.event("started"))["format"] == "webrtc"
        yield browser
    finally:
        await browser.close()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A server whose pictures come from nowhere."""

    async def fetched(self: Any, url: str, folder: Path) -> None:
        (folder / "image").write_bytes(b"a picture")

    monkeypatch.setattr("portravox.service.live._Session._fetch", fetched)
    monkeypatch.setattr(World, "picture_url", "https://host.example/p.png", raising=False)
    return lambda **options: world_in(tmp_path, has_calls=True, **options)


World_ = Callable[..., Any]


def onset(values: list[tuple[float, float]], level: float) -> float:
    """When something rose above a level first."""
    return next(at for at, value in values if value > level)


async def test_what_is_heard_is_spoken_with_sound_and_picture_in_step(world: World_) -> None:
    async with world() as server, calling(server, speaks=True) as browser:
        async with asyncio.timeout(WITHIN_S):
            while not browser.pictures or not browser.sounds:
                await asyncio.sleep(0.02)
        browser.microphone.is_on.set()
        first = await browser.event("utterance_started")
        assert first["utterance"] == 1
        async with asyncio.timeout(WITHIN_S):
            while not any(loud > 2_000 for _, loud in browser.sounds):
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)
        # A packet of sound has 20 ms and so has a frame: the onsets may be one apart.
        assert abs(onset(browser.pictures, 130) - onset(browser.sounds, 1_000)) <= 0.0201
        assert browser.pictures[0][1] < 60  # dark before somebody spoke
        browser.tell(type="clear")
        cleared = await browser.event("cleared")
        assert (cleared["utterance"], cleared["position_s"]) == (1, 0.5)
        browser.tell(type="dance")
        browser.channel.send(b"no text")
        await browser.event("error")
        await browser.event("error")
        assert set(browser.codes) == {"InvalidParameter"}
        browser.tell(type="close")
        closed = await browser.event("closed")
        assert closed["reason"] == "asked" and closed["lasted_s"] > 0.0
        await browser.ends()
        await nothing_is_left(server)
        page = server.service.metrics.page({}).decode()
        assert 'portravox_live_ended_total{reason="asked"} 1.0' in page


async def test_a_line_that_loses_packets_keeps_picture_sound_and_messages(
    world: World_, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in twenty lost and up to 100 ms late, then none for a second; a whole picture is asked
    for, as browsers do that have missed one."""
    whole: list[bool] = []
    decoded = aiortc.codecs.vpx.Vp8Decoder.decode

    def decode(decoder: Any, encoded: Any) -> Any:
        whole.append(not encoded.data[0] & 1)  # RFC 7741, 4.3
        return decoded(decoder, encoded)

    monkeypatch.setattr(aiortc.codecs.vpx.Vp8Decoder, "decode", decode)

    async def more(seen: list[Any], count: int) -> None:
        wanted = len(seen) + count
        async with asyncio.timeout(WITHIN_S):
            while len(seen) < wanted:
                await asyncio.sleep(0.02)

    async with world() as server:
        with LossyRelay() as relay:
            async with calling(server, relay=relay) as browser:
                await more(browser.pictures, 5)
                relay.loss, relay.jitter_s = 0.05, 0.1
                await more(browser.pictures, 40)
                await more(browser.sounds, 10)
                browser.tell(type="clear")
                assert (await browser.event("cleared"))["utterance"] is None
                assert relay.lost > 0
                relay.loss, relay.jitter_s = 1.0, 0.0
                await asyncio.sleep(1.0)
                relay.loss = 0.0
                await more(browser.pictures, 10)
                await more(browser.sounds, 10)
                receiver = next(
                    one.receiver for one in browser.peer.getTransceivers() if one.kind == "video"
                )
                before = len(whole)
                for source in receiver.getSynchronizationSources():
                    await receiver._send_rtcp_pli(source.source)
                await more(browser.pictures, 20)
                assert any(whole[before:])
                browser.tell(type="close")
                assert (await browser.event("closed"))["reason"] == "asked"


@pytest.mark.skipif(not opus.is_reachable(), reason="FFmpeg is linked to no libopus")
async def test_what_a_line_loses_of_a_microphone_leaves_no_hole(
    world: World_, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One packet in ten, of 2 s; of two in a row only the second one comes with the next."""
    heard: list[np.ndarray] = []
    said = PeerProcess.said

    async def noted(peer: PeerProcess) -> str | bytes | None:
        found = await said(peer)
        if isinstance(found, bytes):
            heard.append(np.frombuffer(found, np.int16))
        return found

    monkeypatch.setattr(PeerProcess, "said", noted)
    async with world() as server:
        with LossyRelay() as relay:
            async with calling(server, speaks=True, relay=relay) as browser:
                relay.every = 10
                browser.microphone.is_on.set()
                async with asyncio.timeout(4 * WITHIN_S):
                    while browser.microphone._sent < 2 * 48_000:
                        await asyncio.sleep(0.02)
                    relay.every = None
                    while browser.microphone._sent < 2.2 * 48_000:
                        await asyncio.sleep(0.02)
                    browser.microphone.is_on.clear()
                    # What was lost has its time: without it, a tenth would be missing.
                    while sum(map(len, heard)) < browser.microphone._sent - 4 * 960:
                        await asyncio.sleep(0.02)
                assert relay.lost > 5
    pieces = np.concatenate(heard)[: 2 * 48_000].reshape(-1, 480)
    assert np.abs(pieces[2:]).max(axis=1).min() > 2_000  # a tone of 8,000


async def test_a_browser_that_vanishes_frees_its_place_and_both_processes(
    world: World_, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_calls, "SILENCE_S", 3.0)
    async with world(sessions=1) as server:
        async with calling(server) as browser:
            pids = server.pids
            assert (await asked(server, "x")).status_code == 429  # its place is taken
            await browser.vanish()
            await nothing_is_left(server)
        async with asyncio.timeout(WITHIN_S):
            while any(Path(f"/proc/{pid}").exists() for pid in pids[:2]):
                await asyncio.sleep(0.02)
        assert server.live.left_for(holder_of(server)) == 1


def holder_of(server: World) -> Any:
    return type("Holder", (), {"key_id": "1", "sessions": None, "is_alone": True})()


async def test_an_offer_that_will_not_do_is_refused_and_holds_nothing(world: World_) -> None:
    async with world(sessions=1) as server:
        browser = Browser()
        offer = await browser.offer()
        await browser.close()
        without_data = offer[: offer.index("m=application")]
        for odd in ("", "ü", "x" * 40_000, "v=0\r\n", without_data):
            refused = await asked(server, odd)
            assert refused.status_code == 400, odd[:20]
            assert refused.json()["code"] == "InvalidParameter"
        await nothing_is_left(server)
        assert server.live.left_for(holder_of(server)) == 1


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_calls_that_never_come_about_leave_nothing(world: World_) -> None:
    """Offers with hundreds of addresses among them, which nobody then calls with."""
    async with world(sessions=2) as server:
        before = open_files()
        for turn in range(4):
            browser = Browser()
            offer = await browser.offer()
            await browser.close()
            if turn % 2:
                offer += "".join(
                    f"a=candidate:{n} 1 udp 2113937151 192.0.2.{n % 250} {5_000 + n} typ host\r\n"
                    for n in range(400)
                )
            async with asyncio.timeout(4 * WITHIN_S):
                while server.live.left_for(holder_of(server)) < 1:
                    await asyncio.sleep(0.05)
            assert (await asked(server, offer)).status_code == 200
        await nothing_is_left(server, within_s=4 * WITHIN_S)
        async with asyncio.timeout(4 * WITHIN_S):
            while any(Path(f"/proc/{pid}").exists() for pid in server.pids):
                await asyncio.sleep(0.05)
        assert server.live.left_for(holder_of(server)) == 2
        assert open_files() <= before + 2


async def test_garbage_at_its_port_ends_no_call(world: World_) -> None:
    chance = random.Random(5)
    async with world() as server:
        with LossyRelay() as relay:
            async with calling(server, relay=relay) as browser:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                    for n in range(500):
                        size = chance.randrange(1, 1_400)
                        # Each kind of packet is told by its first byte (RFC 9443).
                        head = bytes([(0, 20, 128, 200)[n % 4]])
                        stranger.sendto(head + chance.randbytes(size), relay._server)
                shown = len(browser.pictures)
                async with asyncio.timeout(4 * WITHIN_S):
                    while len(browser.pictures) < shown + 5:
                        await asyncio.sleep(0.05)
                browser.tell(type="close")
                assert (await browser.event("closed"))["reason"] == "asked"


async def test_tenants_have_their_sessions_and_no_more(world: World_) -> None:
    async with world(sessions=2) as server:
        _, second = server.service.keys.create("second", limits=Limits(live_sessions=1))
        assert (await asked(server, "x", key="sk-wrong")).status_code == 401
        async with calling(server):
            full = await asked(server, "v=0")
            assert (full.status_code, full.json()["code"]) == (429, "Throttling.Concurrency")
            other = World(server.url, server.service, second, server.live, server.processes)
            async with calling(other) as browser:
                browser.tell(type="clear")
                assert (await browser.event("cleared"))["utterance"] is None
                server.service.keys.revoke("2")
                assert (await browser.event("closed"))["reason"] == "revoked"


async def test_a_session_that_cannot_begin_is_told_why_on_its_channel(world: World_) -> None:
    async with world() as server, calling(server, start=False) as browser:
        browser.tell(type="start", image_bytes=9)
        assert (await browser.event("error"))["code"] == "InvalidParameter"
        assert (await browser.event("closed"))["reason"] == "refused"
        await browser.ends()


async def test_without_the_extra_the_answer_says_what_mends_it(world: World_) -> None:
    async with world() as server:
        bare = replace(server.service, calls=None)
        server.app.state.service = bare
        refused = await asked(server, "v=0")
        assert refused.json()["code"] == "UnsupportedOperation.NoWebRTC"
        assert "pip install 'portravox[live]'" in refused.json()["message"]
        url = server.url.replace("ws", "http") + "/api/v1/live"
        async with httpx.AsyncClient(headers=server.key) as client:
            assert (await client.get(url)).json()["output"]["webrtc"] is False
        async with asyncio.timeout(WITHIN_S):
            while not server.pids:  # one for the next session is being started
                await asyncio.sleep(0.01)
