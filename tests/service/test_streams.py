"""Who watches a video while it is made gets all of it, or is cut off; and nothing else of ours."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from portravox.service import streams as streams_module
from portravox.service.places import Places
from portravox.service.routes import tasks as routes
from portravox.service.streams import PIECE_BYTES, StreamCut, StreamedVideo, Streams
from portravox.service.tasks.queue import Failure, Result
from tests.service.conftest import JOB, Server

Playing = Callable[..., Any]
CONTENT = os.urandom(3 * PIECE_BYTES + 17)


async def watched(video: StreamedVideo) -> bytes:
    return b"".join([piece async for piece in video.pieces()])


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


async def test_everybody_gets_all_of_it_from_the_beginning(tmp_path: Path) -> None:
    streams, file, before = Streams(), tmp_path / "stream.mp4", descriptors()
    with streams.showing("a", file) as video:
        assert streams.find("a") is video
        assert not video.has_begun
        file.write_bytes(b"")
        assert not video.has_begun
        with file.open("ab", buffering=0) as growing:
            growing.write(CONTENT[:10])
            assert video.has_begun
            early = [asyncio.create_task(watched(video)) for _ in range(3)]
            await asyncio.sleep(0.01)
            assert streams.watching == video.watching == 3
            for at in range(10, len(CONTENT), 50_000):
                growing.write(CONTENT[at : at + 50_000])
                await asyncio.sleep(0.01)
            late = asyncio.create_task(watched(video))
            await asyncio.sleep(0.01)
        file.unlink()  # the scratch folder goes while some still take the rest
        video.end(whole=True)
    assert streams.find("a") is None
    assert await asyncio.gather(*early, late) == [CONTENT] * 4
    assert streams.watching == 0
    assert descriptors() == before


@pytest.mark.parametrize("said", [False, None])
async def test_what_does_not_become_whole_is_cut_off(tmp_path: Path, said: bool | None) -> None:
    streams, file = Streams(), tmp_path / "stream.mp4"
    with streams.showing("a", file) as video:
        file.write_bytes(CONTENT)
        watching = asyncio.create_task(watched(video))
        await asyncio.sleep(0.05)
        if said is not None:
            video.end(whole=said)
    with pytest.raises(StreamCut):
        await watching
    file.unlink()
    # The next attempt has another file, and begins anew.
    with streams.showing("a", file) as video:
        assert not video.has_begun
        file.write_bytes(b"second")
        video.end(whole=True)
        assert await watched(video) == b"second"


async def test_a_server_that_stops_cuts_everybody_off(tmp_path: Path) -> None:
    streams, file = Streams(), tmp_path / "stream.mp4"
    file.write_bytes(CONTENT)
    with streams.showing("a", file) as video:
        slow = video.pieces()
        await anext(slow)
        video.end(whole=True)
    streams.close()
    with pytest.raises(StreamCut):
        await anext(slow)
    assert streams.watching == 0


async def test_a_whole_video_waits_only_so_long_for_who_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams_module, "REST_S", 0.02)
    file = tmp_path / "stream.mp4"
    file.write_bytes(CONTENT)
    with Streams().showing("a", file) as video:
        slow = video.pieces()
        await anext(slow)
        video.end(whole=True)
        await asyncio.sleep(0.03)
        with pytest.raises(StreamCut):
            await anext(slow)


async def test_a_child_cannot_make_us_read_what_it_likes(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("secret")
    file = tmp_path / "stream.mp4"
    with Streams().showing("a", file) as video:
        file.symlink_to(tmp_path / "keys.json")
        with pytest.raises(StreamCut):
            await watched(video)
        file.unlink()
        os.mkfifo(file)  # opening it must not wait
        with pytest.raises(StreamCut):
            await watched(video)


# ---- over HTTP


async def running(server: Server) -> str:
    queue = server.service.queue
    await queue.submit(JOB, key_id="1", key_group="default", request_id="r")
    task = await queue.claim("w", lease_s=30.0)
    assert task is not None
    return task.task_id


def path_of(task_id: str) -> str:
    return f"/api/v1/tasks/{task_id}/stream"


async def test_a_running_task_is_watched_by_those_who_may_see_it(
    playing: Playing, tmp_path: Path
) -> None:
    async with playing() as server:
        task_id = await running(server)
        file = tmp_path / "stream.mp4"
        with server.service.streams.showing(task_id, file) as video:
            asked = asyncio.create_task(server.client.get(path_of(task_id), headers=server.key))
            await asyncio.sleep(0.1)
            assert server.service.watching.held() == 1
            file.write_bytes(CONTENT)
            video.end(whole=True)
            shown = await asked
            assert (shown.status_code, shown.content) == (200, CONTENT)
            assert shown.headers["content-type"] == "video/mp4"
            assert shown.headers["cache-control"] == "no-store"
            assert shown.headers["x-accel-buffering"] == "no"
            assert "content-length" not in shown.headers
            head = await server.client.head(path_of(task_id), headers=server.key)
            assert (head.status_code, head.content) == (200, b"")
            bearer = {"Authorization": f"Bearer {server.service.passes.create()}"}
            by_pass = await server.client.get(path_of(task_id), headers=bearer)
            assert by_pass.content == CONTENT
            stranger = {"Authorization": f"Bearer {server.stranger}"}
            assert (await server.client.get(path_of(task_id))).status_code == 401
            for path, key in ((path_of(task_id), stranger), (path_of("x"), server.key)):
                hidden = await server.client.get(path, headers=key)
                assert (hidden.status_code, hidden.json()["code"]) == (404, "NotFound")
        assert server.service.watching.held() == 0


async def test_what_has_ended_is_shown_where_it_lies_or_not_at_all(playing: Playing) -> None:
    async with playing() as server:
        queue = server.service.queue
        task_id = await running(server)
        await queue.finish(task_id, 1, Result(video_name="v.mp4", duration_s=2.0))
        ready = await server.client.get(path_of(task_id), headers=server.key)
        assert ready.status_code == 302
        told = (await server.client.get(f"/api/v1/tasks/{task_id}", headers=server.key)).json()
        link = ready.headers["location"]
        assert link.partition("?")[0] == told["output"]["results"]["video_url"].partition("?")[0]
        task_id = await running(server)
        await queue.finish(task_id, 1, Failure(code="X", message="x", retry=False))
        broken = await server.client.get(path_of(task_id), headers=server.key)
        assert (broken.status_code, broken.json()["code"]) == (409, "UnsupportedOperation.NoStream")


async def test_nobody_waits_for_ever(
    playing: Playing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "WAIT_S", 0.2)
    monkeypatch.setattr(routes, "HERE_S", 0.05)
    async with playing() as server:
        waiting = await server.service.queue.submit(
            JOB, key_id="1", key_group="default", request_id="r"
        )
        began = time.monotonic()
        early = await server.client.get(path_of(waiting.task_id), headers=server.key)
        assert (early.status_code, early.json()["code"]) == (
            409,
            "UnsupportedOperation.StreamNotYet",
        )
        assert time.monotonic() - began >= 0.2
        task_id = await running(server)
        with server.service.streams.showing(task_id, tmp_path / "none"):
            slow = await server.client.get(path_of(task_id), headers=server.key)
            assert slow.json()["code"] == "UnsupportedOperation.StreamNotYet"
        monkeypatch.setattr(routes, "WAIT_S", 60.0)
        elsewhere = await server.client.get(path_of(task_id), headers=server.key)
        assert elsewhere.json()["code"] == "UnsupportedOperation.StreamElsewhere"
        assert server.service.watching.held() == 0


async def test_a_key_that_is_revoked_watches_no_longer(
    playing: Playing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "ASK_S", 0.0)
    async with playing() as server:
        task_id = await running(server)
        file = tmp_path / "stream.mp4"
        file.write_bytes(CONTENT)
        with server.service.streams.showing(task_id, file):
            watching = asyncio.create_task(server.client.get(path_of(task_id), headers=server.key))
            await asyncio.sleep(0.1)
            server.service.keys.revoke("1")
            with file.open("ab") as growing:
                growing.write(b"more")
            with pytest.raises(StreamCut):
                await watching


async def test_no_key_takes_all_places(playing: Playing, tmp_path: Path) -> None:
    async with playing() as server:
        object.__setattr__(server.service, "watching", Places(4))
        task_id = await running(server)
        file = tmp_path / "stream.mp4"
        file.write_bytes(b"begun")
        with server.service.streams.showing(task_id, file) as video:
            first = [
                asyncio.create_task(server.client.get(path_of(task_id), headers=server.key))
                for _ in range(2)
            ]
            await asyncio.sleep(0.1)
            third = await server.client.get(path_of(task_id), headers=server.key)
            assert (third.status_code, third.json()["code"]) == (429, "Throttling.Concurrency")
            video.end(whole=True)
            assert [answered.content for answered in await asyncio.gather(*first)] == [b"begun"] * 2


async def test_a_client_that_goes_leaves_its_place(playing: Playing, tmp_path: Path) -> None:
    async with playing() as server:
        task_id = await running(server)
        file = tmp_path / "stream.mp4"
        file.write_bytes(b"begun")
        with server.service.streams.showing(task_id, file) as video:
            gone = asyncio.create_task(server.client.get(path_of(task_id), headers=server.key))
            await asyncio.sleep(0.1)
            assert video.watching == 1
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone
            assert (video.watching, server.service.watching.held()) == (0, 0)
