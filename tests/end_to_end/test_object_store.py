"""A server whose files lie in an object store: uploads in, a video out; the store goes away."""

from __future__ import annotations

import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from PIL import Image

from portravox.demo import VOICE
from tests.live import HTTP, new_key, serving, upload
from tests.service.storage import faulty_proxy
from tests.service.storage.faulty_proxy import FaultyProxy
from tests.service.storage.swift import SwiftServer

pytestmark = pytest.mark.slow

TASKS = "/api/v1/tasks"
SUBMIT = "/api/v1/services/aigc/image2video/video-synthesis"


@dataclass(frozen=True)
class World:
    """A server, its store, and a client with a key."""

    url: str
    key: str
    client: httpx.Client
    store: FaultyProxy
    data_dir: Path
    upload_dir: Path


@pytest.fixture(params=["direct", "proxy"])
def world(
    request: pytest.FixtureRequest, astronaut: Path, swift_server: SwiftServer, tmp_path: Path
) -> Iterator[World]:
    data_dir, upload_dir = tmp_path / "data", tmp_path / "files"
    data_dir.mkdir()
    upload_dir.mkdir()
    with Image.open(astronaut) as picture:
        picture.resize((256, 256)).save(upload_dir / "face.png")
    with wave.open(str(VOICE), "rb") as voice:
        beginning = voice.readframes(19_200)
        with wave.open(str(upload_dir / "voice.wav"), "wb") as written:
            written.setparams(voice.getparams())
            written.writeframes(beginning)
    key = new_key(data_dir)
    with faulty_proxy.before(swift_server.endpoint) as store:
        environment = {
            **swift_server.environment,
            "PORTRAVOX_STORAGE_URL": swift_server.url(tmp_path.name, endpoint=store.endpoint),
            "PORTRAVOX_LINKS": request.param,
        }
        with (
            serving(data_dir, environment=environment) as server,
            httpx.Client(
                base_url=server.url, headers={"Authorization": f"Bearer {key}"}, timeout=60
            ) as client,
        ):
            yield World(server.url, key, client, store, data_dir, upload_dir)


def uploaded(world: World, file: Path) -> str:
    status, address = upload(world.url, world.key, file.read_bytes(), file.name)
    assert status == 200
    return address


def submitted(world: World) -> str:
    body = {
        "model": "liveportrait",
        "input": {
            "image_url": uploaded(world, world.upload_dir / "face.png"),
            "audio_url": uploaded(world, world.upload_dir / "voice.wav"),
        },
        "parameters": {"video_fps": 15},
    }
    headers = {"X-DashScope-Async": "enable", "X-DashScope-OssResourceResolve": "enable"}
    answered = world.client.post(SUBMIT, json=body, headers=headers)
    assert answered.status_code == 200, answered.text
    task_id: str = answered.json()["output"]["task_id"]
    return task_id


def until(world: World, task_id: str, *states: str, stage: str | None = None) -> dict[str, Any]:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        answered = world.client.get(f"{TASKS}/{task_id}", params={"progress": "true"})
        output: dict[str, Any] = answered.json()["output"]
        if output["task_status"] in states and stage in (None, output.get("stage")):
            return output
        time.sleep(0.1)
    raise AssertionError(f"still {output}")


def test_files_lie_in_the_store_and_a_store_that_goes_away_loses_none(world: World) -> None:
    world.store.mode, world.store.only = "busy", "/videos/"
    task_id = submitted(world)
    until(world, task_id, "RUNNING", stage="publish")
    time.sleep(2.0)
    world.store.mode, world.store.only = "well", ""
    output = until(world, task_id, "SUCCEEDED", "FAILED")
    assert output["task_status"] == "SUCCEEDED", output
    link = output["results"]["video_url"]
    split = urlsplit(link)
    assert split.path.endswith(".mp4")
    direct = f"{split.scheme}://{split.netloc}" == world.store.endpoint
    life_s = (
        int(parse_qs(split.query)["X-Amz-Expires"][0])
        if direct
        else int(parse_qs(split.query)["Expires"][0]) - time.time()
    )
    assert 23.9 * 3600 < life_s <= 24 * 3600 + 1
    whole = HTTP.get(link, timeout=60)
    assert whole.status_code == 200
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.content[4:8] == b"ftyp"
    part = HTTP.get(link, headers={"Range": "bytes=-100"}, timeout=60)
    assert (part.status_code, part.content) == (206, whole.content[-100:])
    # Nothing of it lies on this machine's disk.
    left = [path.name for path in world.data_dir.rglob("*") if path.is_file()]
    assert not [name for name in left if name.endswith((".mp4", ".png", ".wav"))], left

    world.store.mode = "away"
    again = HTTP.get(link, timeout=60) if not direct else None
    world.store.mode = "well"
    if again is not None:
        assert again.status_code == 503
        assert int(again.headers["retry-after"]) > 0
        assert again.json()["code"] == "ModelUnavailable"
