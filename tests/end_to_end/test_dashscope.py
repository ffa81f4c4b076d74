"""The official package, unmodified but for its base URL, drives the whole service.

Runs with the version of `dashscope` that is installed; `make test-clients` runs it with the older
line, too: PORTRAVOX_DASHSCOPE names the folder with that one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.probe import probe_video
from portravox.demo import VOICE
from tests.live import files_at, new_key, serving

CALLS = Path(__file__).with_name("dashscope_calls.py")

pytestmark = pytest.mark.slow


def cut(path: Path, duration_s: float) -> None:
    with wave.open(str(VOICE), "rb") as voice, wave.open(str(path), "wb") as short:
        short.setparams(voice.getparams())
        short.writeframes(voice.readframes(round(duration_s * voice.getframerate())))


@pytest.fixture(scope="module")
def heard(astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the package heard in one conversation with one server."""
    files, data = tmp_path_factory.mktemp("files"), tmp_path_factory.mktemp("data")
    with Image.open(astronaut) as picture:
        picture.resize((192, 192)).save(files / "face.png")
    Image.new("RGB", (200, 200), (128, 128, 128)).save(files / "grey.png")
    cut(files / "voice.wav", 1.2)
    cut(files / "short.wav", 0.5)
    key, stranger = new_key(data), new_key(data, group="others")
    with (
        files_at(files) as url,
        serving(data, environment={"PORTRAVOX_FETCH_ALLOW_NETS": "127.0.0.0/8"}) as server,
    ):
        given = {
            "base": f"{server.url}/api/v1",
            "key": key,
            "stranger": stranger,
            "picture": str(files / "face.png"),
            "voice": str(files / "voice.wav"),
            "picture_url": f"{url}/face.png",
            "voice_url": f"{url}/voice.wav",
            "faceless_url": f"{url}/grey.png",
            "short_url": f"{url}/short.wav",
            "video": str(files / "video.mp4"),
        }
        chosen = [folder] if (folder := os.environ.get("PORTRAVOX_DASHSCOPE")) else []
        spoken = subprocess.run(
            [sys.executable, CALLS, json.dumps(given)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(chosen)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert spoken.returncode == 0, spoken.stderr
        # Neither the key nor a link's signature is ever written down.
        log = server.log.read_text()
    assert key not in log
    assert "Signature" not in log
    answers: dict[str, Any] = json.loads(spoken.stdout)
    answers["video"] = files / "video.mp4"
    return answers


@pytest.fixture(scope="module")
def sync(heard: dict[str, Any]) -> dict[str, Any]:
    answers: dict[str, Any] = heard["synchronous"]
    return answers


def test_pictures_are_checked(sync: dict[str, Any]) -> None:
    for name, output in (
        ("detect", {"pass": True, "message": ""}),
        ("detect faceless", {"pass": False, "message": "No human face detected."}),
    ):
        assert sync[name]["status_code"] == 200
        assert sync[name]["output"] == output
        assert sync[name]["usage"] == {"image_count": 1}


def test_a_task_becomes_a_video(heard: dict[str, Any], sync: dict[str, Any]) -> None:
    assert sync["submitted"]["output"]["task_status"] == "PENDING"
    waited = sync["waited"]
    assert waited["output"]["task_status"] == "SUCCEEDED"
    assert waited["usage"]["video_duration"] == 1.2
    assert waited["usage"]["video_ratio"] == "standard"
    assert sync["download"]["status"] == 200
    assert sync["download"]["type"] == "video/mp4"
    assert sync["download"]["url"].partition("?")[0].endswith(".mp4")
    video = probe_video(heard["video"])
    assert (video.width_px, video.height_px, video.fps) == (192, 192, 15)
    assert abs(video.duration_s - 1.2) < 0.1


def test_what_waits_can_be_cancelled_once(sync: dict[str, Any]) -> None:
    assert sync["pending"]["output"]["task_status"] == "PENDING"
    assert (sync["cancelled"]["status_code"], sync["cancelled"]["output"]) == (200, {})
    assert sync["after"]["output"]["task_status"] == "CANCELED"
    assert (sync["again"]["status_code"], sync["again"]["code"]) == (400, "UnsupportedOperation")


def test_lists_show_what_was_asked_for(sync: dict[str, Any]) -> None:
    listed = sync["list"]["output"]
    assert listed["total"] == 1
    assert listed["data"][0]["task_id"] == sync["after"]["output"]["task_id"]
    assert listed["data"][0]["status"] == "CANCELED"


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        ("bad key", 401, "InvalidApiKey"),
        ("parameter", 400, "InvalidParameter.OutOfDefinition"),
        ("model", 404, "InvalidParameter"),
        ("path", 400, "InvalidParameter"),
        ("scheme", 400, "InvalidURL"),
        ("no picture", 400, "InvalidParameter"),
        ("detect model", 400, "InvalidParameter"),
        ("detect download", 400, "InvalidParameter.InputDownloadFailed"),
        ("detect format", 400, "InvalidParameter.UnsupportedFileFormat"),
        ("cancel unknown", 400, "UnsupportedOperation"),
        ("cancel of others", 400, "UnsupportedOperation"),
    ],
)
def test_refusals_reach_the_packages_user(
    sync: dict[str, Any], call: str, status: int, code: str
) -> None:
    refused = sync["refused"][call]
    assert (refused["status_code"], refused["code"]) == (status, code)
    assert refused["message"]
    assert refused["request_id"]


@pytest.mark.parametrize("call", ["fetch unknown", "fetch of others"])
def test_tasks_of_others_are_as_unknown_as_none(sync: dict[str, Any], call: str) -> None:
    answered = sync["refused"][call]
    assert answered["status_code"] == 200
    assert answered["output"]["task_status"] == "UNKNOWN"
    assert set(answered["output"]) <= {"task_id", "task_status", "video_url"}  # its own, empty
    assert not answered["output"]["video_url"]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("no face", "InvalidImage.NoHumanFace"),
        ("not a sound", "InvalidParameter.UnsupportedFileFormat"),
        ("too short", "InvalidFile.AudioLengthError"),
        ("private", "InvalidParameter.InputDownloadFailed"),
        ("low level", "InvalidParameter.InputDownloadFailed"),
    ],
)
def test_what_is_wrong_with_the_files_is_told_by_the_task(
    sync: dict[str, Any], call: str, code: str
) -> None:
    failed = sync[call]
    assert failed["status_code"] == 200
    assert failed["output"]["task_status"] == "FAILED"
    assert failed["output"]["code"] == code


def test_local_files_are_uploaded_on_the_way(heard: dict[str, Any]) -> None:
    uploads = heard["uploads"]
    assert uploads["link"].startswith("oss://dashscope-instant/")
    assert uploads["waited"]["output"]["task_status"] == "SUCCEEDED"


def test_the_asyncio_half_does_the_same(heard: dict[str, Any]) -> None:
    calls = heard["asynchronous"]
    assert calls["submitted"]["output"]["task_status"] == "PENDING"
    assert calls["waited"]["output"]["task_status"] == "SUCCEEDED"
    assert len(calls["list"]["output"]["data"]) == 2
    assert (calls["bad key"]["status_code"], calls["bad key"]["code"]) == (401, "InvalidApiKey")
    if heard["version"].startswith("1."):
        # These versions cancel by GET. An answer of 200 would tell their users that it worked.
        assert (calls["cancelled"]["status_code"], calls["cancelled"]["code"]) == (
            400,
            "InvalidParameter",
        )
    else:
        assert calls["cancelled"]["status_code"] == 200
        assert calls["after"]["output"]["task_status"] == "CANCELED"
