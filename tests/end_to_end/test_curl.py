"""Plain scripts with curl: both forms of every path, uploads, ranges, and no redirect anywhere."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portravox.service.storage.local import LocalLinks, LocalStorage
from portravox.service.storage.signing import open_signing_keys
from tests.live import Live, new_key, serving

CURL = shutil.which("curl")
pytestmark = pytest.mark.skipif(CURL is None, reason="curl is not installed")

JOB = '{"model": "liveportrait", "input": {"image_url": "http://h/p", "audio_url": "http://h/v"}}'
PICTURE = '{"model": "liveportrait-detect", "input": {"image_url": "ftp://h/p.png"}}'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def key(folder: Path) -> str:
    return new_key(folder)


@pytest.fixture(scope="module")
def server(folder: Path, key: str) -> Iterator[Live]:
    with serving(folder) as live:
        yield live


def curl(*arguments: str) -> tuple[int, str]:
    """Status and body, without following redirects."""
    done = subprocess.run(
        ["curl", "-s", "-w", "\n%{http_code}", *arguments],
        capture_output=True,
        text=True,
        timeout=20,
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


@pytest.mark.parametrize("slash", ["", "/"])
def test_every_path_answers_with_and_without_a_slash(server: Live, key: str, slash: str) -> None:
    def ask(path: str, *arguments: str) -> tuple[int, Any]:
        given = ("-H", f"Authorization: Bearer {key}", *arguments)
        status, body = curl(f"{server.url}/api/v1{path}", *given)
        return status, json.loads(body)

    submit = f"/services/aigc/image2video/video-synthesis{slash}"
    status, told = ask(submit, "-H", "X-DashScope-Async: enable", "-d", JOB)
    assert (status, told["output"]["task_status"]) == (200, "PENDING")
    task_id = told["output"]["task_id"]
    status, told = ask(f"/tasks/{task_id}{slash}")
    assert (status, told["output"]["task_id"]) == (200, task_id)
    status, told = ask(f"/tasks{slash}?page_size=1")
    assert (status, told["data"][0]["task_id"]) == (200, task_id)
    status, told = ask(f"/tasks/nobody/cancel{slash}", "-X", "POST")
    assert (status, told["code"]) == (400, "UnsupportedOperation")
    status, told = ask(f"/services/aigc/image2video/face-detect{slash}", "-d", PICTURE)
    assert (status, told["code"]) == (400, "InvalidURL")
    status, told = ask(f"/uploads{slash}?action=getPolicy&model=liveportrait")
    assert (status, len(told["data"])) == (200, 10)


def test_bodies_too_large_are_refused_and_the_answer_arrives(
    server: Live, key: str, tmp_path: Path
) -> None:
    large = tmp_path / "large.json"
    large.write_bytes(b"[" * (4 << 20))
    url = f"{server.url}/api/v1/services/aigc/image2video/video-synthesis"
    for form in ([], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect:"]):
        status, body = curl(
            url, "-H", f"Authorization: Bearer {key}", *form, "--data-binary", f"@{large}"
        )
        assert (status, json.loads(body)["code"]) == (413, "BadRequest.TooLarge")


def test_a_file_is_uploaded_by_a_form(server: Live, key: str, tmp_path: Path) -> None:
    (tmp_path / "voice.wav").write_bytes(b"RIFF" * 100_000)
    _, body = curl(
        f"{server.url}/api/v1/uploads?action=getPolicy&model=liveportrait",
        *("-H", f"Authorization: Bearer {key}"),
    )
    data = json.loads(body)["data"]
    fields = {
        "OSSAccessKeyId": data["oss_access_key_id"],
        "Signature": data["signature"],
        "policy": data["policy"],
        "key": data["upload_dir"] + "/voice.wav",
        "x-oss-object-acl": data["x_oss_object_acl"],
        "x-oss-forbid-overwrite": data["x_oss_forbid_overwrite"],
        "success_action_status": "200",
        "file": f"@{tmp_path / 'voice.wav'}",
    }
    form = [argument for name, value in fields.items() for argument in ("-F", f"{name}={value}")]
    assert curl(data["upload_host"], *form) == (200, "")
    status, body = curl(data["upload_host"], *form)
    assert (status, json.loads(body)["code"]) == (409, "FileAlreadyExists")


def test_videos_come_whole_and_in_parts_to_who_has_the_link(server: Live, folder: Path) -> None:
    content = bytes(range(256)) * 10
    with (folder / "content").open("w+b") as stream:
        stream.write(content)
        stream.seek(0)
        LocalStorage(folder / "videos").put("v-1.mp4", stream)
    links = LocalLinks(open_signing_keys(folder / "signing-keys.txt"))
    link = links.link("v-1.mp4", base_url=server.url, expires_at=4e9)
    got = folder / "got.mp4"
    headers = folder / "headers.txt"
    status, _ = curl(link, "-o", str(got), "-D", str(headers))
    assert (status, got.read_bytes()) == (200, content)
    told = headers.read_text().lower()
    assert "content-type: video/mp4" in told
    assert "x-content-type-options: nosniff" in told
    assert f"content-length: {len(content)}" in told
    got.write_bytes(content[:1000])
    status, _ = curl(link, "-o", str(got), "-C", "-")  # goes on where a download was cut off
    assert (status, got.read_bytes()) == (206, content)
    for broken in (link.replace("v-1", "v-2"), link[:-1], link.partition("?")[0]):
        status, body = curl(broken)
        assert (status, json.loads(body)["code"]) == (403, "AccessDenied")
