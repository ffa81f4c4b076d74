"""The contract over HTTP: every refusal with status, code and text, and every answer's shape."""

from __future__ import annotations

import asyncio
import io
import json
import uuid
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from portravox.service.app import ROUTES
from portravox.service.fetch.urls import MAX_URL_CHARS
from portravox.service.openapi import PATHS
from portravox.service.routes import uploads
from portravox.service.tasks.queue import Failure, Result, Task
from portravox.service.tasks.states import TaskState
from tests.service.conftest import Server

SUBMIT = "/api/v1/services/aigc/image2video/video-synthesis"
DETECT = "/api/v1/services/aigc/image2video/face-detect"
SIBLING = "/api/v1/services/aigc/video-generation/video-synthesis"
ASYNC = {"X-DashScope-Async": "enable"}
INPUT = {"image_url": "http://h/p.png", "audio_url": "http://h/v.mp3"}
JOB: dict[str, Any] = {"model": "liveportrait", "input": INPUT}
PICTURE: dict[str, Any] = {"model": "liveportrait-detect", "input": {"image_url": "http://h/p.png"}}

BODY_INVALID = "Required body invalid, please check the request body format."
PARAMETER = "The type or value of {} is out of definition."

Playing = Callable[..., Any]


def with_parameter(name: str, value: Any) -> dict[str, Any]:
    return {**JOB, "parameters": {name: value}}


def with_input(**given: Any) -> dict[str, Any]:
    return {**JOB, "input": {**INPUT, **given}}


REFUSED = [
    ("POST", "/nowhere", JOB, ASYNC, 404, "NotFound", "Not found!"),
    (
        "GET",
        SUBMIT,
        None,
        ASYNC,
        400,
        "InvalidParameter",
        "Request method 'GET' is not supported.",
    ),
    (
        "GET",
        "/api/v1/tasks/x/cancel/",
        None,
        {},
        400,
        "InvalidParameter",
        "Request method 'GET' is not supported.",
    ),
    ("POST", SUBMIT, [], ASYNC, 400, "InvalidParameter", BODY_INVALID),
    (
        "POST",
        SUBMIT,
        {"input": INPUT},
        ASYNC,
        400,
        "InvalidParameter",
        "Required parameter(model) missing or invalid, please check the request parameters.",
    ),
    ("POST", SUBMIT, {"model": "emo-v1"}, {}, 404, "InvalidParameter", "Model not exist."),
    ("POST", SUBMIT, PICTURE, {}, 400, "InvalidParameter", "url error, please check url！"),
    ("POST", DETECT, JOB, {}, 400, "InvalidParameter", "url error, please check url！"),
    ("POST", SIBLING, JOB, {}, 400, "InvalidParameter", "url error, please check url！"),
    (
        "POST",
        SUBMIT,
        {"model": "liveportrait"},
        {"X-DashScope-Async": "disable"},
        403,
        "AccessDenied",
        "current user api does not support synchronous calls",
    ),
    (
        "POST",
        DETECT,
        PICTURE,
        ASYNC,
        403,
        "AccessDenied",
        "current user api does not support asynchronous calls",
    ),
    (
        "POST",
        SUBMIT,
        {"model": "liveportrait", "input": None},
        ASYNC,
        400,
        "BadRequest.EmptyInput",
        "Required input parameter missing from request.",
    ),
    (
        "POST",
        SUBMIT,
        with_input(image_url=""),
        ASYNC,
        400,
        "InvalidParameter",
        "Field required: input.image_url",
    ),
    (
        "POST",
        SUBMIT,
        with_input(audio_url=7),
        ASYNC,
        400,
        "InvalidParameter",
        "Field required: input.audio_url",
    ),
    *(
        (
            "POST",
            SUBMIT,
            with_input(image_url=url),
            ASYNC,
            400,
            "InvalidURL",
            "Invalid URL provided in your request.",
        )
        for url in (
            "data:image/png;base64,aa",
            "/etc/passwd",
            "file:///x",
            "ftp://h/x",
            "http://",
            "http://h/".ljust(MAX_URL_CHARS + 1, "x"),
            "http://h/" + "脸" * 1000,  # nine characters each over the wire
        )
    ),
    (
        "POST",
        SUBMIT,
        with_input(image_url="oss://a/b"),
        ASYNC,
        400,
        "InvalidParameter.DataInspection",
        "The media format is not supported or incorrect for the data inspection.",
    ),
    (
        "POST",
        SUBMIT,
        with_input(audio_url="OSS://a/b"),
        ASYNC,
        400,
        "InvalidParameter.DataInspection",
        "The media format is not supported or incorrect for the data inspection.",
    ),
    *(
        (
            "POST",
            SUBMIT,
            with_parameter(name, value),
            ASYNC,
            400,
            "InvalidParameter.OutOfDefinition",
            PARAMETER.format(name),
        )
        for name, value in (
            ("template_id", "wild"),
            ("template_id", 3),
            ("eye_move_freq", 1.1),
            ("video_fps", 24.5),
            ("video_fps", "24"),
            ("video_fps", True),
            ("video_fps", 31),
            ("mouth_move_strength", -0.1),
            ("mouth_move_strength", 10**300),
            ("head_move_strength", True),
            ("paste_back", 1),
            ("paste_back", "yes"),
        )
    ),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code", "message"), REFUSED
)
async def test_refusals_are_the_contracts(
    playing: Playing,
    method: str,
    path: str,
    body: Any,
    headers: dict[str, str],
    status: int,
    code: str,
    message: str,
) -> None:
    async with playing() as server:
        for form in (path, path.rstrip("/") + "/"):
            if not form.startswith("/api") and form.endswith("/"):
                continue
            answered = await server.client.request(
                method, form, json=body, headers={**server.key, **headers}
            )
            told = answered.json()
            assert (answered.status_code, told["code"], told["message"]) == (
                status,
                code,
                message,
            )
            assert uuid.UUID(told["request_id"])
            assert answered.headers["x-request-id"] == told["request_id"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff{}",
        b'{"model": NaN}',
        b'{"model": "a", "model": "b"}',
        b'{"model": "\\ud800"}',
        b'{"model": "a\\u0000"}',
        b'{"a\\u0000": 1}',
        b"[" * 30_000,
        b'{"a":' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"model": ' + b"9" * 5000 + b"}",
    ],
)
async def test_bodies_that_readers_could_differ_about_are_refused(
    playing: Playing, body: bytes
) -> None:
    async with playing() as server:
        answered = await server.client.post(SUBMIT, content=body, headers=server.key)
        assert answered.status_code == 400
        assert answered.json()["message"] == BODY_INVALID


async def test_keys_come_before_bodies_and_large_bodies_are_not_read(playing: Playing) -> None:
    async with playing() as server:
        none = await server.client.post(SUBMIT, content=b"{")
        bad = await server.client.post(SUBMIT, headers={"Authorization": "Bearer sk-x"})
        large = await server.client.post(SUBMIT, content=b" " * 70_000, headers=server.key)
        assert (none.status_code, none.json()["message"]) == (401, "No API-key provided.")
        assert (bad.status_code, bad.json()["message"]) == (401, "Invalid API-key provided.")
        assert (large.status_code, large.json()["code"]) == (413, "BadRequest.TooLarge")


async def submitted(server: Server, body: Any = JOB, **headers: str) -> str:
    answered = await server.client.post(
        SUBMIT, json=body, headers={**server.key, **ASYNC, **headers}
    )
    assert answered.status_code == 200, answered.text
    told = answered.json()
    assert told["output"]["task_status"] == "PENDING"
    assert set(told) == {"output", "request_id"}
    task_id: str = told["output"]["task_id"]
    return task_id


async def test_what_real_clients_add_is_passed_over(playing: Playing) -> None:
    body = {
        "model": "liveportrait",
        "input": {**INPUT, "prompt": None, "extend_prompt": True, "function": "video-synthesis"},
        "parameters": {"video_fps": 24.0, "paste_back": None, "unknown": [1]},
        "more": {},
    }
    async with playing() as server:
        task_id = await submitted(server, body)
        task = await server.service.queue.get(task_id, key_group="default")
        assert task is not None
        assert task.job.parameters == {"video_fps": 24}
        await submitted(server, {**JOB, "parameters": None})
        await submitted(server, {**JOB, "parameters": []})
        filled = await server.client.post(
            SUBMIT, json={**JOB, "parameters": [1]}, headers={**server.key, **ASYNC}
        )
        assert filled.json()["code"] == "InvalidParameter.OutOfDefinition"


async def test_a_task_is_told_as_the_original_tells_it(playing: Playing) -> None:
    async with playing() as server:
        queue = server.service.queue
        one, two = await submitted(server), await submitted(server)

        async def ask(task_id: str) -> dict[str, Any]:
            answered = await server.client.get(f"/api/v1/tasks/{task_id}/", headers=server.key)
            assert answered.status_code == 200
            told: dict[str, Any] = answered.json()
            return told

        assert set((await ask(one))["output"]) == {"task_id", "task_status", "submit_time"}
        claimed = await queue.claim("w", lease_s=60.0)
        assert claimed is not None
        assert claimed.task_id == one
        assert (await ask(one))["output"]["task_status"] == "RUNNING"
        server.service.videos.put(f"{one}-1.mp4", io.BytesIO(b"0123456789"))
        await queue.finish(one, 1, Result(video_name=f"{one}-1.mp4", duration_s=2.791))
        told = await ask(one)
        assert told["usage"] == {"video_duration": 2.79, "video_ratio": "standard"}
        assert set(told["output"]) == {
            "task_id",
            "task_status",
            "submit_time",
            "scheduled_time",
            "end_time",
            "results",
        }
        link = told["output"]["results"]["video_url"]
        assert link.startswith("http://server/files/")
        assert link.partition("?")[0].endswith(".mp4")
        part = await server.client.get(link, headers={"Range": "bytes=2-4"})
        assert (part.status_code, part.content) == (206, b"234")
        assert part.headers["content-type"] == "video/mp4"
        assert (await server.client.get(link)).content == b"0123456789"
        assert (await server.client.get(link + "x")).status_code == 403

        claimed = await queue.claim("w", lease_s=60.0)
        assert claimed is not None
        failure = Failure(code="InvalidImage.NoHumanFace", message="No human face detected.")
        await queue.finish(two, claimed.attempt, failure)
        told = await ask(two)
        assert told["output"]["code"] == "InvalidImage.NoHumanFace"
        assert "usage" not in told


async def test_foreign_unknown_and_malformed_ids_look_alike(playing: Playing) -> None:
    async with playing() as server:
        task_id = await submitted(server)
        other = {"Authorization": f"Bearer {server.stranger}"}
        others = ("no-id", "..", "%00", "a/b", "a%2Fb", f"{task_id}/x", f"a/{task_id}")
        for asked in (task_id, str(uuid.uuid4()), *others):
            answered = await server.client.get(f"/api/v1/tasks/{asked}", headers=other)
            if asked == "..":  # the client itself makes /api/v1/ of it
                continue
            assert answered.status_code == 200
            assert set(answered.json()["output"]) == {"task_id", "task_status"}
            assert answered.json()["output"]["task_status"] == "UNKNOWN"
            refused = await server.client.post(f"/api/v1/tasks/{asked}/cancel", headers=other)
            assert (refused.status_code, refused.json()["code"]) == (
                400,
                "UnsupportedOperation",
            )
        listed = await server.client.get("/api/v1/tasks", headers=other)
        assert listed.json()["data"] == []


async def test_a_base_address_with_a_slash_at_its_end_works(playing: Playing) -> None:
    async with playing() as server:
        for base in ("//api/v1", "/api/v1/", "///api///v1"):
            path = SUBMIT.replace("/api/v1", base)
            given = await server.client.post(
                f"http://server{path}", json=JOB, headers={**server.key, **ASYNC}
            )
            assert given.status_code == 200, path
            task_id = given.json()["output"]["task_id"]
            told = await server.client.get(
                f"http://server{base}/tasks/{task_id}", headers=server.key
            )
            assert told.json()["output"]["task_status"] == "PENDING"


APP = "https://app.example.com"


def preflight(origin: str) -> dict[str, str]:
    """What a browser asks before a page of that origin may submit."""
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-dashscope-async",
    }


async def test_pages_of_named_origins_may_call(playing: Playing) -> None:
    async with playing(cors_origins=f"{APP}, http://localhost:3000") as server:
        for origin in (APP, "http://localhost:3000"):
            asked = await server.client.options(SUBMIT, headers=preflight(origin))
            assert asked.status_code == 200
            assert asked.headers["access-control-allow-origin"] == origin
            allowed = asked.headers["access-control-allow-headers"].lower()
            assert all(name in allowed for name in ("authorization", "x-dashscope-async"))
            given = await server.client.post(
                SUBMIT, json=JOB, headers={**server.key, **ASYNC, "Origin": origin}
            )
            assert given.status_code == 200
            assert given.headers["access-control-allow-origin"] == origin
            assert "Origin" in given.headers["vary"]
            assert "access-control-allow-credentials" not in given.headers
        for origin in ("https://evil.example.com", f"{APP}.evil.com", "null", f"{APP}:444"):
            asked = await server.client.options(SUBMIT, headers=preflight(origin))
            assert "access-control-allow-origin" not in asked.headers
            given = await server.client.get(
                "/api/v1/tasks", headers={**server.key, "Origin": origin}
            )
            assert "access-control-allow-origin" not in given.headers


async def test_no_page_of_another_origin_may_call_unless_named(playing: Playing) -> None:
    async with playing() as server:
        asked = await server.client.options(SUBMIT, headers=preflight(APP))
        assert asked.status_code == 400
        given = await server.client.get("/api/v1/tasks", headers={**server.key, "Origin": APP})
        for answered in (asked, given):
            assert not any(name.startswith("access-control") for name in answered.headers)


async def test_cancelled_once_and_no_more(playing: Playing) -> None:
    async with playing() as server:
        path = f"/api/v1/tasks/{await submitted(server)}/cancel/"
        first = await server.client.post(
            path, headers=server.key, json={"model": "", "parameters": {}, "input": ""}
        )
        second = await server.client.post(path, headers=server.key)
        assert first.status_code == 200
        assert set(first.json()) == {"request_id"}
        assert second.status_code == 400


async def test_lists_are_pages_of_rows(playing: Playing) -> None:
    async with playing() as server:
        ids = [await submitted(server) for _ in range(3)]

        async def ask(query: str) -> tuple[int, dict[str, Any]]:
            answered = await server.client.get(f"/api/v1/tasks/?{query}", headers=server.key)
            return answered.status_code, answered.json()

        status, page = await ask("page_size=2")
        assert (status, page["total"], page["total_page"]) == (200, 3, 2)
        assert [row["task_id"] for row in page["data"]] == ids[:0:-1]
        row = page["data"][0]
        assert (row["status"], row["model_name"], row["api_key_id"]) == (
            "PENDING",
            "liveportrait",
            "1",
        )
        assert "end_time" not in row
        for nothing in ("status=SUSPENDED", "model_name=x", "region=mars", "api_key_id=7"):
            assert (await ask(nothing))[1]["total"] == 0
        for bad in (
            "page_no=0",
            "page_size=x",
            "start_time=1",
            "start_time=20250101000000&end_time=20250103000000",
            "end_time=00000000000000",
        ):
            status, told = await ask(bad)
            assert (status, told["code"]) == (400, "InvalidParameter")


async def test_an_idempotency_key_gives_the_same_task(playing: Playing) -> None:
    async with playing() as server:
        first = await submitted(server, **{"Idempotency-Key": "a"})
        assert await submitted(server, **{"Idempotency-Key": "a"}) == first
        other = await server.client.post(
            SUBMIT,
            json=with_input(image_url="http://h/other.png"),
            headers={**server.key, **ASYNC, "Idempotency-Key": "a"},
        )
        assert other.status_code == 409


async def test_every_video_is_labelled_but_those_of_keys_with_an_agreement(
    playing: Playing, tmp_path: Path
) -> None:
    async with playing(visible_label="zh", unlabelled_keys={"2": "told, 2026-10-01"}) as server:
        stranger = {"Authorization": f"Bearer {server.stranger}"}
        labelled = await submitted(server)
        free = await submitted(server, **stranger)
        found = await server.service.queue.find([labelled, free])
        assert found[labelled].job.parameters["visible_label"] == "zh"
        assert "visible_label" not in found[free].job.parameters
        record = tmp_path / "unlabelled.jsonl"
        [line] = record.read_text().splitlines()
        assert json.loads(line)["task_id"] == free
        # Without a record there is no such video.
        record.unlink()
        record.mkdir()
        refused = await server.client.post(SUBMIT, json=JOB, headers={**ASYNC, **stranger})
        assert refused.status_code == 500
        states = await server.service.queue.counts()
        assert (states[TaskState.PENDING], states[TaskState.CANCELED]) == (2, 1)


async def test_rates_are_told_as_the_original_tells_them(playing: Playing) -> None:
    async with playing(requests_per_s=1.0) as server:
        await submitted(server)
        answered = await server.client.post(SUBMIT, json=JOB, headers={**server.key, **ASYNC})
        assert (answered.status_code, answered.json()["code"]) == (429, "Throttling.RateQuota")


async def granted_form(server: Server) -> tuple[dict[str, str], str]:
    """The fields of an upload's form as the official package fills them in, and where to post."""
    granted = await server.client.get(
        "/api/v1/uploads?action=getPolicy&model=liveportrait", headers=server.key
    )
    data = granted.json()["data"]
    assert len(data) == 10
    form = {
        "OSSAccessKeyId": data["oss_access_key_id"],
        "Signature": data["signature"],
        "policy": data["policy"],
        "key": data["upload_dir"] + "/a.wav",
        "x-oss-object-acl": data["x_oss_object_acl"],
        "x-oss-forbid-overwrite": data["x_oss_forbid_overwrite"],
        "success_action_status": "200",
    }
    return form, data["upload_host"]


async def test_an_upload_in_three_steps(playing: Playing) -> None:
    async with playing() as server:
        form, host = await granted_form(server)
        sent = await server.client.post(host, data=form, files={"file": b"RIFF"})
        assert (sent.status_code, sent.content) == (200, b"")
        assert server.service.uploads.files.find("oss://" + form["key"], group="default")
        again = await server.client.post(host, data=form, files={"file": b"RIFF"})
        assert again.status_code == 409
        wrong = {**form, "Signature": "x"}
        refused = await server.client.post(host, data=wrong, files={"file": b"RIFF"})
        assert (refused.status_code, refused.json()["code"]) == (403, "AccessDenied")
        elsewhere = {**form, "key": "dashscope-instant/x/y/z/a.wav"}
        refused = await server.client.post(host, data=elsewhere, files={"file": b"RIFF"})
        assert refused.status_code == 403
        fileless = await server.client.post(host, data=form)
        assert fileless.status_code == 400
        for query in ("", "action=getPolicy", "model=liveportrait"):
            asked = await server.client.get(f"/api/v1/uploads?{query}", headers=server.key)
            assert (asked.status_code, asked.json()["code"]) == (400, "InvalidParameter")


async def test_detect_answers_with_the_result(playing: Playing) -> None:
    async with playing() as server:
        answered = await server.client.post(DETECT + "/", json=PICTURE, headers=server.key)
        told = answered.json()
        assert told["output"] == {"pass": True, "message": ""}
        assert told["usage"] == {"image_count": 1}
        explained = await server.client.post(
            f"{DETECT}?explain=true", json=PICTURE, headers=server.key
        )
        assert explained.json()["output"]["reason"] == "ok"


async def test_events_end_with_the_task(playing: Playing) -> None:
    async with playing() as server:
        task_id = await submitted(server)
        await server.client.post(f"/api/v1/tasks/{task_id}/cancel", headers=server.key)
        path = f"/api/v1/tasks/{task_id}/events"
        answered = await server.client.get(path, headers=server.key)
        assert answered.headers["content-type"].startswith("text/event-stream")
        assert '"task_status":"CANCELED"' in answered.text


async def test_streams_go_on_while_the_server_drains_and_end_with_it(playing: Playing) -> None:
    async with playing() as server:
        task_id = await submitted(server)
        path = f"/api/v1/tasks/{task_id}/events"
        following = asyncio.create_task(server.client.get(path, headers=server.key))
        await asyncio.sleep(0.05)
        assert (await server.client.get("/readyz")).status_code == 200
        server.service.stopping.set()
        assert (await server.client.get("/readyz")).status_code == 503
        assert (await server.client.get("/healthz")).status_code == 200
        polled = await server.client.get(f"/api/v1/tasks/{task_id}", headers=server.key)
        assert polled.json()["output"]["task_status"] == "PENDING"
        refused = await server.client.post(SUBMIT, json=JOB, headers=server.key | ASYNC)
        assert (refused.status_code, refused.json()["code"]) == (503, "ModelUnavailable")
        await asyncio.sleep(0.7)
        assert not following.done()
        server.service.followers.close()
        told = await asyncio.wait_for(following, 2.0)
        assert '"queue_position":0' in told.text


async def test_streams_and_uploads_have_only_so_many_places(playing: Playing) -> None:
    async with playing() as server:
        path = f"/api/v1/tasks/{await submitted(server)}/events"
        form, host = await granted_form(server)
        account = form["key"].split("/")[1]
        with ExitStack() as held:
            streaming, uploading = server.service.streaming, server.service.uploading
            for places, holder in ((streaming, "1"), (uploading, account)):
                for _ in range(places.total // 2):
                    held.enter_context(places.hold(holder))
            stream = await server.client.get(path, headers=server.key)
            upload = await server.client.post(host, data=form, files={"file": b"RIFF"})
            for refused in (stream, upload):
                assert (refused.status_code, refused.json()["code"]) == (
                    429,
                    "Throttling.Concurrency",
                )
            # Another key finds room, whatever the first one holds.
            other = {"Authorization": f"Bearer {server.stranger}"}
            assert (await server.client.get(path, headers=other)).status_code == 200
        assert (await server.client.post(host, data=form, files={"file": b"RIFF"})).is_success
        assert streaming.held() == uploading.held() == 0


async def test_downloads_have_only_so_many_places_and_give_theirs_back(playing: Playing) -> None:
    async with playing() as server:
        service = server.service
        links = []
        for name in ("a-1.mp4", "b-1.mp4"):
            service.videos.put(name, io.BytesIO(bytes(range(256)) * 1024))
            links.append(service.links.link(name, base_url="http://server", expires_at=4e9))
        downloading = service.downloading
        with ExitStack() as held:
            for _ in range(downloading.total // 2):
                held.enter_context(downloading.hold("a-1.mp4"))
            refused = await server.client.get(links[0])
            assert (refused.status_code, refused.json()["code"]) == (
                429,
                "Throttling.Concurrency",
            )
            assert (await server.client.get(links[1])).content == bytes(range(256)) * 1024
        for headers in ({}, {"Range": "bytes=5-9"}, {"Range": "bytes=999999999-"}):
            answered = await server.client.get(links[0], headers=headers)
            assert answered.status_code in (200, 206, 416)
        assert (await server.client.head(links[0])).status_code == 200
        service.videos.delete("a-1.mp4")
        assert (await server.client.get(links[0])).status_code == 404
        assert downloading.held() == 0


@pytest.mark.parametrize("fast", [True, False])
async def test_a_file_that_trickles_gives_its_place_back(
    playing: Playing, monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    monkeypatch.setattr(uploads, "IDLE_S", 0.2)
    monkeypatch.setattr(uploads, "MIN_BYTES_PER_S", 1000)
    async with playing() as server:
        form, host = await granted_form(server)
        whole = server.client.build_request(
            "POST", host, data=form, files={"file": b"x" * (2000 if fast else 200)}
        )
        body = await whole.aread()
        begin = body.index(b"x" * 100)

        async def trickle() -> AsyncIterator[bytes]:
            yield body[:begin]
            for at in range(begin, len(body), max((len(body) - begin) // 10, 1)):
                await asyncio.sleep(0.05)
                yield body[at : at + max((len(body) - begin) // 10, 1)]

        headers = {"Content-Type": whole.headers["content-type"]}
        answered = await server.client.post(host, content=trickle(), headers=headers)
        assert answered.status_code == (200 if fast else 408)
        assert server.service.uploading.held() == 0


async def test_a_revoked_key_hears_no_more_of_its_tasks(playing: Playing) -> None:
    async with playing() as server:
        task_id = await submitted(server)
        path = f"/api/v1/tasks/{task_id}/events"
        following = asyncio.create_task(server.client.get(path, headers=server.key))
        await asyncio.sleep(0.05)
        server.service.keys.revoke("1")
        task = await server.service.queue.claim("w", lease_s=9.0)
        assert task is not None
        video = Result(video_name=f"{task_id}-1.mp4", duration_s=1.0)
        await server.service.queue.finish(task_id, task.attempt, video)
        told = await asyncio.wait_for(following, 1.0)
        assert told.text.count("event: task") == 1
        assert "video_url" not in told.text


async def test_one_reader_looks_for_all_who_follow(
    playing: Playing, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with playing() as server:
        looks: list[int] = []
        find = server.service.queue.find

        async def counted(ids: Collection[str]) -> dict[str, Task]:
            looks.append(len(ids))
            return await find(ids)

        monkeypatch.setattr(server.service.queue, "find", counted)
        ids = [await submitted(server) for _ in range(5)]
        following = [
            asyncio.create_task(
                server.client.get(f"/api/v1/tasks/{task_id}/events", headers=server.key)
            )
            for task_id in ids * 4
        ]
        await asyncio.sleep(1.7)
        assert 2 <= len(looks) <= 5
        assert max(looks) == 5
        for task_id in ids:
            await server.client.post(f"/api/v1/tasks/{task_id}/cancel", headers=server.key)
        for told in await asyncio.wait_for(asyncio.gather(*following), 2.0):
            assert told.text.rstrip().rpartition("event: task")[2].count('"CANCELED"') == 1
        await asyncio.sleep(0.6)
        assert not server.service.followers.reading


@pytest.mark.parametrize("odd", ["/b", "%2Fb", "..%2F..%2Fetc", "%2fevents%2fb"])
async def test_an_id_with_a_slash_is_a_task_that_there_is_not(playing: Playing, odd: str) -> None:
    async with playing() as server:
        answered = await server.client.get(f"/api/v1/tasks/x{odd}", headers=server.key)
        output = answered.json()["output"]
        assert output == {"task_id": f"x{unquote(odd)}", "task_status": "UNKNOWN"}
        cancel = f"/api/v1/tasks/x{odd}/cancel"
        canceled = await server.client.post(cancel, headers=server.key)
        assert canceled.json()["code"] == "UnsupportedOperation"
        wrong = await server.client.get(cancel, headers=server.key)
        assert (wrong.status_code, wrong.json()["code"]) == (400, "InvalidParameter")


async def test_health_and_docs_need_no_key(playing: Playing) -> None:
    async with playing() as server:
        for path in ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"):
            answered = await server.client.get(path)
            assert answered.status_code == 200, path
            assert answered.headers["x-content-type-options"] == "nosniff"
        assert "https://" not in (await server.client.get("/docs")).text.replace(
            "https://example.com", ""
        )


def test_the_document_has_every_path_of_the_contract() -> None:
    unlisted = {"/", "/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", SIBLING}
    ours = {
        route.path.replace("{task_id:path}", "{task_id}")
        for route in ROUTES
        if not route.path.startswith(("/studio/", "/docs/"))
    }
    assert ours - unlisted == set(PATHS)


async def test_without_keys_a_name_that_only_leads_here_is_refused(playing: Playing) -> None:
    async def statuses(host: str | None, **settings: Any) -> list[int]:
        async with playing(no_keys=True, **settings) as server:
            client = server.client
            request = client.build_request("GET", "/api/v1/tasks")
            if host is None:
                del request.headers["host"]
            else:
                request.headers["host"] = host
            listed = await client.send(request)
            health = await client.get("/healthz", headers={"Host": "rebound.example.net"})
            return [listed.status_code, health.status_code]

    assert await statuses("rebound.example.net:8000") == [403, 403]
    assert await statuses("localhost:8000") == [200, 403]
    assert await statuses(None) == [200, 403]
    assert await statuses("rebound.example.net", insecure=True) == [200, 200]
    public = "https://video.example.com"
    assert await statuses("video.example.com", public_url=public) == [200, 403]
