"""The studio over HTTP: its files and their headers, its examples, and signing in."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from portravox import demo
from portravox.options import OPTIONS, OURS
from portravox.service.logins import LoginTokens
from portravox.service.option_controls import PRESETS

Playing = Callable[..., Any]


async def test_the_page_names_its_files_by_their_content(playing: Playing) -> None:
    async with playing() as server:
        index = await server.client.get("/")
        assert index.status_code == 200
        paths = re.findall(r'(?:src|href)="(studio/[^"]+)"', index.text)
        assert len(paths) >= 5
        for path in paths:
            file = await server.client.get(f"/{path}")
            assert file.status_code == 200
            assert "immutable" in file.headers["cache-control"]
            assert file.headers["x-content-type-options"] == "nosniff"
        again = await server.client.get("/", headers={"If-None-Match": index.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        version = paths[0].split("/")[1]
        assert (await server.client.get("/studio/0123456789abcdef/app.js")).status_code == 404
        for nothing in ("nothing.js", "../files.py", "%2e%2e/files.py", "index.html"):
            assert (await server.client.get(f"/studio/{version}/{nothing}")).status_code == 404


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip, deflate, br", True),
        ("GZIP;q=0.5", True),
        ("gzip;q=0, br", False),
        ("gzip; q=0.00", False),
        ("br", False),
        ("", False),
    ],
)
async def test_the_page_is_packed_for_who_unpacks_it(
    playing: Playing, accepted: str, packed: bool
) -> None:
    async with playing() as server:
        index = (await server.client.get("/")).text
        style = re.search(r'"(studio/[^"]+page\.css)"', index)
        assert style is not None
        for path in ("", style[1]):
            async with server.client.stream(
                "GET", f"/{path}", headers={"Accept-Encoding": accepted}
            ) as answered:
                sent = b"".join([piece async for piece in answered.aiter_raw()])
                plain = (await server.client.get(f"/{path}")).content
                assert answered.headers["vary"] == "accept-encoding"
                assert int(answered.headers["content-length"]) == len(sent)
                assert ("content-encoding" in answered.headers) is packed
                assert (len(sent) < 0.4 * len(plain)) is packed
                assert (gzip.decompress(sent) if packed else sent) == plain


async def test_only_what_is_text_is_packed(playing: Playing) -> None:
    async with playing() as server:
        for path in ("examples/photograph/portrait", "examples/man/voice", "about"):
            answered = await server.client.get(f"/studio/{path}")
            assert "content-encoding" not in answered.headers


async def test_nothing_inline_and_nothing_from_elsewhere_may_run(playing: Playing) -> None:
    async with playing() as server:
        index = await server.client.get("/")
    policy = dict(
        part.split(" ", 1) for part in index.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in index.headers["content-security-policy"]
    assert policy["frame-ancestors"] == "'none'"
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", index.text)
    assert not re.search(r"https?://", index.text)


async def test_the_examples_are_pictures_and_sounds(playing: Playing) -> None:
    pictures = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff"}
    sounds = {"audio/wav": b"RIFF", "audio/mpeg": b"\xff\xf3"}
    async with playing() as server:
        about = (await server.client.get("/studio/about")).json()
        assert about["needs_key"] is True
        names = [example["name"] for example in about["examples"]]
        assert names == ["photograph", "man", "statue", "woman"]
        assert {one["preset"] for one in about["examples"]} <= set(PRESETS)
        for name in names:
            for kind, starts in (("portrait", pictures), ("voice", sounds)):
                file = await server.client.get(f"/studio/examples/{name}/{kind}")
                assert file.content.startswith(starts[file.headers["content-type"]])
        for nothing in ("keys.json/portrait", "man/keys.json", "man", "../man/voice"):
            assert (await server.client.get(f"/studio/examples/{nothing}")).status_code == 404


async def test_the_page_is_told_how_long_a_recording_may_be(playing: Playing) -> None:
    async with playing(max_voice_s=360) as server:
        about = (await server.client.get("/studio/about")).json()
        limits = about["limits"]["voice"]
        assert (limits["min_s"], limits["max_s"]) == (1, 360)
        assert limits["max_bytes"] == 2 * 15 * 1024 * 1024


async def test_without_the_package_that_carries_it_the_photograph_is_not_offered(
    playing: Playing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "demo_portrait_if_here", lambda: None)
    async with playing(no_keys=True) as server:
        here = "http://localhost/studio"  # without keys only names of this machine are answered
        about = (await server.client.get(f"{here}/about")).json()
        names = [example["name"] for example in about["examples"]]
        assert (names, about["needs_key"]) == (["man", "statue", "woman"], False)
        assert (await server.client.get(f"{here}/examples/photograph/portrait")).status_code == 404


async def test_a_one_time_link_gives_a_pass_that_the_api_takes(playing: Playing) -> None:
    async with playing() as server:
        tokens = LoginTokens(server.service.settings.logins_dir)
        body = {"token": tokens.create()}
        answered = await server.client.post("/studio/login", json=body)
        assert answered.status_code == 200
        assert "set-cookie" not in answered.headers
        assert answered.headers["cache-control"] == "no-store"
        key = {"Authorization": f"Bearer {answered.json()['key']}"}
        assert (await server.client.get("/api/v1/tasks", headers=key)).status_code == 200
        refused = await server.client.post("/studio/login", json=body)
        assert (refused.status_code, refused.json()["code"]) == (401, "InvalidApiKey")


@pytest.mark.parametrize("body", [{}, {"token": 7}, {"token": None}, {"token": "guessed"}])
async def test_without_a_token_there_is_no_pass(playing: Playing, body: dict[str, Any]) -> None:
    async with playing() as server:
        answered = await server.client.post("/studio/login", json=body)
        assert answered.status_code == 401


async def test_a_pass_is_a_key_of_the_first_group(playing: Playing) -> None:
    async with playing() as server:
        secret = server.service.passes.create()
        basic = {"Authorization": f"Basic {secret}"}
        assert (await server.client.get("/api/v1/tasks", headers=basic)).status_code == 401
        body = {
            "model": "liveportrait",
            "input": {"image_url": "http://h", "audio_url": "http://h"},
        }
        submitted = await server.client.post(
            "/api/v1/services/aigc/image2video/video-synthesis",
            json=body,
            headers={"Authorization": f"Bearer {secret}", "X-DashScope-Async": "enable"},
        )
        task_id = submitted.json()["output"]["task_id"]
        seen = await server.client.get(f"/api/v1/tasks/{task_id}", headers=server.key)
        assert seen.json()["output"]["task_status"] == "PENDING"
        stranger = {"Authorization": f"Bearer {server.stranger}"}
        unseen = await server.client.get(f"/api/v1/tasks/{task_id}", headers=stranger)
        assert unseen.json()["output"]["task_status"] == "UNKNOWN"


SUBMIT = "/api/v1/services/aigc/image2video/video-synthesis"


async def submitted(server: Any, ours: Any) -> httpx.Response:
    return await server.client.post(
        SUBMIT,
        json={
            "model": "liveportrait",
            "input": {"image_url": "http://h/p", "audio_url": "http://h/v"},
            "parameters": {"template_id": "calm", "portravox": ours},
        },
        headers={**server.key, "X-DashScope-Async": "enable"},
    )


async def test_what_is_ours_travels_beside_the_originals_parameters(playing: Playing) -> None:
    async with playing() as server:
        ours = {
            "seed": 7,
            "expression": "happy",
            "expression_strength": 0.5,
            "engine": "embedded",
            "face": "0.5,0.4",
            "frame": "4:5",
            "background": "#10a0f0",
            "max_side": 720,
            "quality": "draft",
            "visible_label": "zh",
            "label_place": "top-left",
            "label_s": 3,
            "transcript": "Mama",
            "language": "de",
            "captions": "srt",
        }
        assert set(ours) == set(OURS) - {"text", "voice_name"}  # in place of a recording
        assert (await submitted(server, ours)).status_code == 200
        task = await server.service.queue.claim("w", lease_s=30.0)
        assert dict(task.job.parameters) == {"template_id": "calm", **ours}
        for nothing in (None, {}, {"seed": None}):
            assert (await submitted(server, nothing)).status_code == 200


@pytest.mark.parametrize(
    ("ours", "named"),
    [
        ([], "portravox"),
        ({"seed": -1}, "seed"),
        ({"seed": True}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": 10**30}, "seed"),
        ({"seed": "7"}, "seed"),
        ({"seed": 2**53}, "seed"),
        ({"max_side": 63}, "max_side"),
        ({"background": "/etc/passwd"}, "background"),
        ({"background": "file:///etc/passwd"}, "background"),
        ({"background": "#12345"}, "background"),
        ({"background": ["blur"]}, "background"),
        ({"max_side": 4097}, "max_side"),
        ({"visible_label": "fr"}, "visible_label"),
        ({"visible_label": []}, "visible_label"),
        ({"engine": "neural"}, "engine"),
        ({"engine": "/bin/sh"}, "engine"),
        ({"quality": "best"}, "quality"),
        ({"quality": 1}, "quality"),
        ({"transcript": ["words"]}, "transcript"),
        ({"transcript": "w" * 20_001}, "transcript"),
        ({"language": "-v"}, "language"),
        ({"language": "en" * 99}, "language"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
async def test_what_is_ours_is_read_strictly(playing: Playing, ours: Any, named: str) -> None:
    async with playing() as server:
        refused = await submitted(server, ours)
        assert (refused.status_code, refused.json()["message"]) == (
            400,
            f"The type or value of {named} is out of definition.",
        )


async def test_a_transcript_that_this_server_cannot_read_is_refused_at_once(
    playing: Playing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    async with playing() as server:
        refused = await submitted(server, {"transcript": "Mama"})
        assert (refused.status_code, refused.json()["message"]) == (
            400,
            "The transcript cannot be read: espeak-ng is not installed on this server.",
        )
        assert (await submitted(server, {"language": "de"})).status_code == 200


async def test_the_page_is_told_of_every_option_of_which_there_is_something_to_choose(
    playing: Playing,
) -> None:
    async with playing() as server:
        told = (await server.client.get("/studio/about")).json()["options"]
    assert [option["name"] for option in told] == [name for name in OPTIONS if name != "engine"]
    for said in told:
        option = OPTIONS[said["name"]]
        assert said["default"] == option.default
        assert said["ours"] is not option.original
        assert (said["title"], said["help"]) == (option.title._asdict(), option.help._asdict())
        schema = option.kind.json_schema()
        limits = (schema.get("minimum"), schema.get("maximum"), schema.get("maxLength"))
        assert (said.get("min"), said.get("max"), said.get("max_characters")) == limits
        for value in said.get("values", []):
            option.check(value["value"])
            assert value["title"]["en"] and value["title"]["zh"]
        if "enum" in schema:
            offered = [*option.control.offered] or schema["enum"]
            assert [value["value"] for value in said["values"]] == offered
            assert set(offered) <= set(schema["enum"])


async def test_a_preview_is_for_those_who_may_see_the_task(
    playing: Playing, tmp_path: Path
) -> None:
    async with playing() as server:
        task_id = (await submitted(server, None)).json()["output"]["task_id"]
        path = f"/api/v1/tasks/{task_id}/preview"
        file = tmp_path / "preview.jpg"
        file.write_bytes(b"\xff\xd8 a frame")
        with server.service.previews.showing(task_id, file):
            waiting = await server.client.get(path, headers=server.key)
            assert (waiting.status_code, waiting.content) == (204, b"")
            await server.service.queue.claim("w", lease_s=30.0)
            shown = await server.client.get(path, headers=server.key)
            assert (shown.status_code, shown.content) == (200, b"\xff\xd8 a frame")
            assert shown.headers["content-type"] == "image/jpeg"
            assert shown.headers["cache-control"] == "no-store"
            assert (await server.client.get(path)).status_code == 401
            stranger = {"Authorization": f"Bearer {server.stranger}"}
            hidden = await server.client.get(path, headers=stranger)
            nowhere = await server.client.get(path.replace(task_id, "x"), headers=server.key)
            assert (hidden.status_code, hidden.content) == (204, b"")
            assert nowhere.status_code == 204
