"""A server that is stopped, killed and told to give up: no task is lost, and none hangs."""

from __future__ import annotations

import json
import signal
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from benchmarks.probe import read_frames
from portravox.demo import VOICE
from tests.live import HTTP, Live, files_at, new_key, serving

pytestmark = pytest.mark.slow

TASKS = "/api/v1/tasks"
SUBMIT = "/api/v1/services/aigc/image2video/video-synthesis"
NETS = {"PORTRAVOX_FETCH_ALLOW_NETS": "127.0.0.0/8"}
BUSY_MACHINE = 4.0
"""Times that hold on a machine that does nothing else may be so many times as long here."""


@pytest.fixture(scope="module")
def files(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A portrait, a voice of 1.2 s, and one of 14 s that keeps a worker busy."""
    folder = tmp_path_factory.mktemp("files")
    with Image.open(astronaut) as picture:
        picture.resize((256, 256)).save(folder / "face.png")
    with wave.open(str(VOICE), "rb") as voice:
        whole = voice.readframes(voice.getnframes())
        for name, content in (("short", whole[: 2 * 19_200]), ("long", whole * 6)):
            with wave.open(str(folder / f"{name}.wav"), "wb") as written:
                written.setparams(voice.getparams())
                written.writeframes(content)
    with files_at(folder) as url:
        yield url


class Client:
    """One key's calls to one server."""

    def __init__(self, server: Live, key: str, files: str) -> None:
        self._files = files
        self._http = httpx.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {key}"}, timeout=30
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def submit(self, voice: str) -> str:
        body = {
            "model": "liveportrait",
            "input": {
                "image_url": f"{self._files}/face.png",
                "audio_url": f"{self._files}/{voice}.wav",
            },
            "parameters": {"video_fps": 15},
        }
        answered = self._http.post(SUBMIT, json=body, headers={"X-DashScope-Async": "enable"})
        task_id: str = answered.json()["output"]["task_id"]
        return task_id

    def output(self, task_id: str) -> dict[str, Any]:
        answered = self._http.get(f"{TASKS}/{task_id}", params={"progress": "true"})
        output: dict[str, Any] = answered.json()["output"]
        return output

    def until(self, task_id: str, *states: str, stage: str | None = None) -> dict[str, Any]:
        """The task once it is in one of these states, and in this stage."""
        deadline = time.monotonic() + 150
        while True:
            output = self.output(task_id)
            if output["task_status"] in states and stage in (None, output["stage"]):
                return output
            assert time.monotonic() < deadline, output
            time.sleep(0.02)

    def cancel(self, task_id: str) -> int:
        return self._http.post(f"{TASKS}/{task_id}/cancel", params={"force": "true"}).status_code

    def events(self, task_id: str) -> list[dict[str, Any]]:
        """All events of a task until it ends."""
        with self._http.stream("GET", f"{TASKS}/{task_id}/events") as stream:
            lines = [line for line in stream.iter_lines() if line.startswith("data: ")]
        return [json.loads(line.removeprefix("data: "))["output"] for line in lines]

    def watch(self, task_id: str, *, then: Callable[[], object] = lambda: None) -> bytes:
        """The video of a task as it is made; `then` is called once there is a frame of it."""
        seen = b""
        path = f"{TASKS}/{task_id}/stream"
        with self._http.stream("GET", path, follow_redirects=True) as stream:
            assert stream.status_code == 200, stream.read()
            for piece in stream.iter_raw():
                has_begun = b"moof" in seen
                seen += piece
                if not has_begun and b"moof" in seen:
                    then()
        return seen

    def video(self, task_id: str) -> httpx.Response:
        return HTTP.get(self.output(task_id)["results"]["video_url"])


def test_four_servers_after_each_other_lose_no_task_and_leave_none_hanging(
    tmp_path: Path, files: str
) -> None:
    """One is told to stop and has time, one is told and has none, one is killed; the last one goes
    on to be asked to cancel. One chain, since a server takes longer to start than to do all this.
    """
    key = new_key(tmp_path)

    @contextmanager
    def next_server(**settings: str) -> Iterator[tuple[Live, Client]]:
        environment = {**NETS, **settings}
        with (
            serving(tmp_path, environment=environment) as server,
            Client(server, key, files) as client,
        ):
            yield server, client

    with next_server() as (server, client):
        begun, waiting = client.submit("short"), client.submit("short")
        client.until(begun, "RUNNING", "SUCCEEDED")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
    with next_server(PORTRAVOX_DRAIN_S="0") as (server, client):
        assert client.output(begun)["task_status"] == "SUCCEEDED"  # before it ended
        video = client.video(begun)
        assert (video.status_code, video.headers["content-type"]) == (200, "video/mp4")
        client.until(waiting, "SUCCEEDED")
        told = left_rendering(server, client, signal.SIGTERM)
    started = time.monotonic()
    with next_server(PORTRAVOX_DRAIN_S="0") as (server, client):
        require_goes_on(client, told, started)
        killed = left_rendering(server, client, signal.SIGKILL)
    started = time.monotonic()
    with next_server() as (server, client):
        require_goes_on(client, killed, started)
        with Client(server, key, files) as other:
            require_cancels_within_a_second(client, other)
        require_is_watched_whole(client, tmp_path)
        require_tells_how_far_it_is(client)
        assert list((tmp_path / "work").iterdir()) == []
        assert len(list((tmp_path / "videos").iterdir())) == 6  # of those that were not cancelled


def left_rendering(server: Live, client: Client, by: signal.Signals) -> str:
    """A task that a server without patience renders when it is ended by a signal."""
    task_id = client.submit("long")
    client.until(task_id, "RUNNING", stage="render")
    stopped = time.monotonic()
    server.process.send_signal(by)
    assert server.process.wait(20) == (0 if by is signal.SIGTERM else -by)
    assert time.monotonic() - stopped < 2.0 * BUSY_MACHINE
    return task_id


def require_goes_on(client: Client, task_id: str, started: float) -> None:
    """What the server before could not finish, the next one does."""
    assert client.output(task_id)["task_status"] in ("PENDING", "RUNNING")
    assert time.monotonic() - started < 3.0 * BUSY_MACHINE
    assert client.until(task_id, "SUCCEEDED")["progress"] == 1.0


def require_cancels_within_a_second(client: Client, other: Client) -> None:
    """Who watches does not take what was made until then for the whole video."""
    task_id = client.submit("long")
    asked = 0.0

    def cancel() -> None:
        nonlocal asked
        asked = time.monotonic()
        assert other.cancel(task_id) == 200

    client.until(task_id, "RUNNING", stage="render")
    with pytest.raises(httpx.TransportError):
        client.watch(task_id, then=cancel)
    client.until(task_id, "CANCELED")
    assert time.monotonic() - asked < 1.0 * BUSY_MACHINE
    assert client.cancel(task_id) == 400


def require_is_watched_whole(client: Client, folder: Path) -> None:
    task_id = client.submit("short")
    (folder / "watched.mp4").write_bytes(client.watch(task_id))
    client.until(task_id, "SUCCEEDED")
    (folder / "finished.mp4").write_bytes(client.video(task_id).content)
    watched, finished = (
        list(read_frames(folder / name)) for name in ("watched.mp4", "finished.mp4")
    )
    assert len(watched) == len(finished) == 18
    assert all(map(np.array_equal, watched, finished))


def require_tells_how_far_it_is(client: Client) -> None:
    told = client.events(client.submit("short"))
    assert told[-1]["task_status"] == "SUCCEEDED"
    assert [event["progress"] for event in told] == sorted(e["progress"] for e in told)
    stages = [event["stage"] for event in told if event["stage"] is not None]
    assert set(stages) <= {"download", "read", "face", "listen", "render", "finish", "publish"}
