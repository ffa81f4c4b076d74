"""A real server signs what its isolated process made, and says of it what it is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from portravox.demo import VOICE, demo_portrait
from portravox.inspection import inspect
from tests.live import HTTP, files_at, serving

pytestmark = pytest.mark.slow

API = "/api/v1"


def test_the_video_of_a_task_is_signed_and_the_server_tells_by_whom(tmp_path: Path) -> None:
    from tests.credentials import new_chain

    chain = new_chain(tmp_path / "chain")
    files = tmp_path / "files"
    files.mkdir()
    (tmp_path / "data").mkdir()
    with Image.open(demo_portrait()) as picture:
        picture.resize((256, 256)).save(files / "face.png")
    (files / "voice.wav").write_bytes(VOICE.read_bytes())
    environment = {
        "PORTRAVOX_C2PA_CERTIFICATES": str(chain.certificates),
        "PORTRAVOX_C2PA_KEY": chain.key_file.read_text(),
        "PORTRAVOX_C2PA_TRUST": str(chain.root),
        "PORTRAVOX_NO_KEYS": "1",
        "PORTRAVOX_FETCH_ALLOW_NETS": "127.0.0.0/8",
        "PORTRAVOX_PRODUCER": "某公司",
    }
    with files_at(files) as place, serving(tmp_path / "data", environment=environment) as server:
        task_id = submitted(server.url, place)
        content = HTTP.get(video_of(server.url, task_id)).content
        (files / "video.mp4").write_bytes(content)
        told = HTTP.post(
            f"{server.url}{API}/inspect", json={"input": {"url": f"{place}/video.mp4"}}
        ).json()["output"]
    marks = {mark["scheme"]: mark for mark in told["marks"]}
    assert {"c2pa", "aigc", "comment"} <= set(marks)
    mark = marks["c2pa"]
    assert (mark["fields"]["state"], mark["is_ours"]) == ("Trusted", True)
    assert "signed by Signer, Tests, as a trusted authority confirms" in mark["words"]
    assert inspect(content).marks[0].valid and task_id.encode() in content
    assert "videos are signed by CN=Signer,O=Tests until" in (tmp_path / "data/log.txt").read_text()


def submitted(url: str, place: str) -> str:
    job: dict[str, Any] = {
        "model": "liveportrait",
        "input": {"image_url": f"{place}/face.png", "audio_url": f"{place}/voice.wav"},
        "parameters": {"video_fps": 15},
    }
    answer = HTTP.post(
        f"{url}{API}/services/aigc/image2video/video-synthesis",
        json=job,
        headers={"X-DashScope-Async": "enable"},
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["output"]["task_id"])


def video_of(url: str, task_id: str) -> str:
    ends_at = time.monotonic() + 120
    while time.monotonic() < ends_at:
        answer = HTTP.get(f"{url}{API}/tasks/{task_id}").json()["output"]
        if answer["task_status"] == "SUCCEEDED":
            return str(answer["results"]["video_url"])
        assert answer["task_status"] in ("PENDING", "RUNNING"), answer
        time.sleep(0.2)
    raise AssertionError("no video in two minutes")
