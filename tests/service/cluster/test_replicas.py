"""Servers without workers around one PostgreSQL: whichever is asked, the answer is the same."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import httpx
import pytest

from portravox.service.accounts import keys_of, logins_of
from portravox.service.app import create_server, opened_worker
from portravox.service.settings import ServiceSettings
from portravox.service.tasks.task import Result
from tests.postgres import database_of, postgres_server

pytest.importorskip("psycopg", reason="the extra `cluster` is not installed")

from portravox.service.database.database import Database
from portravox.service.tasks.postgres import PostgresTaskQueue

SUBMIT = "/api/v1/services/aigc/image2video/video-synthesis"
BODY = {
    "model": "liveportrait",
    "input": {"image_url": "https://host.example/p.png", "audio_url": "https://host.example/v.wav"},
}
ASYNC = {"X-DashScope-Async": "enable"}


@pytest.fixture
def settings(tmp_path):
    return ServiceSettings(
        data_dir=tmp_path / "data", database_url=database_of(tmp_path), workers=0, sandbox="off"
    )


@asynccontextmanager
async def replica(settings):
    application = create_server(settings)
    async with application._open_service(application._metrics) as service:
        application.state.service = service
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://portravox") as client:
            yield client


@asynccontextmanager
async def elsewhere(settings):
    """The queue, as a worker on another machine has it."""
    queue = PostgresTaskQueue(Database(settings.database_url.get_secret_value()))
    try:
        yield queue
    finally:
        await queue.close()


async def test_tasks_links_and_passes_work_at_whichever_replica(settings):
    _, secret = keys_of(settings).create("shop")
    token = logins_of(settings).create()
    key = {"Authorization": f"Bearer {secret}"}
    async with replica(settings) as one, replica(settings) as other:
        for client in (one, other):
            assert (await client.get("/healthz")).status_code == 200
        submitted = await one.post(SUBMIT, json=BODY, headers=key | ASYNC)
        assert submitted.status_code == 200
        task = f"/api/v1/tasks/{submitted.json()['output']['task_id']}"
        seen = await other.get(task, headers=key)
        assert seen.json()["output"]["task_status"] == "PENDING"
        login = await other.post("/studio/login", json={"token": token})
        assert login.status_code == 200
        again = await one.post("/studio/login", json={"token": token})
        assert again.status_code == 401
        passed = {"Authorization": f"Bearer {login.json()['key']}"}
        assert (await one.get("/api/v1/tasks/", headers=passed)).status_code == 200
        assert (await other.post(f"{task}/cancel", headers=key)).status_code == 200
        seen = await one.get(task, headers=key)
        assert seen.json()["output"]["task_status"] == "CANCELED"
        assert "portravox_tasks" in (await one.get("/metrics")).text


async def test_forms_passes_and_links_hold_where_clocks_are_an_hour_apart(settings, monkeypatch):
    """All are checked by the database's clock, whichever server gave them."""
    _, secret = keys_of(settings).create("shop")
    token = logins_of(settings).create()
    key = {"Authorization": f"Bearer {secret}"}
    asked = {"action": "getPolicy", "model": "liveportrait"}
    async with replica(settings) as one, replica(settings) as other, elsewhere(settings) as worker:
        given = (await one.get("/api/v1/uploads", params=asked, headers=key)).json()["data"]
        passed = (await one.post("/studio/login", json={"token": token})).json()["key"]
        submitted = await one.post(SUBMIT, json=BODY, headers=key | ASYNC)
        task_id = submitted.json()["output"]["task_id"]
        task = await worker.claim("w", lease_s=300.0)
        folder = settings.data_dir / "videos"
        folder.mkdir(exist_ok=True)
        (folder / f"{task_id}-1.mp4").write_bytes(b"made")
        made = Result(video_name=f"{task_id}-1.mp4", duration_s=1.0)
        assert await worker.finish(task_id, task.attempt, made)
        answered = await one.get(f"/api/v1/tasks/{task_id}", headers=key)
        link = answered.json()["output"]["results"]["video_url"]

        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + 3600.0)
        fields = {
            "OSSAccessKeyId": given["oss_access_key_id"],
            "Signature": given["signature"],
            "policy": given["policy"],
            "key": f"{given['upload_dir']}/face.png",
            "success_action_status": "200",
        }
        laid = await other.post("/uploads", data=fields, files={"file": b"picture"})
        assert laid.status_code == 200
        signed_in = {"Authorization": f"Bearer {passed}"}
        assert (await other.get("/api/v1/tasks/", headers=signed_in)).status_code == 200
        assert (await other.get(link)).content == b"made"


async def test_a_database_that_is_away_is_told_with_a_time_and_nothing_is_lost(settings):
    _, secret = keys_of(settings).create("shop")
    key = {"Authorization": f"Bearer {secret}"}
    server = postgres_server()
    async with replica(settings) as client:
        submitted = await client.post(SUBMIT, json=BODY, headers=key | ASYNC)
        task = f"/api/v1/tasks/{submitted.json()['output']['task_id']}"
        await asyncio.to_thread(server.stop)
        try:
            for answer in (
                await client.get(task, headers=key),
                await client.post(SUBMIT, json=BODY, headers=key | ASYNC),
            ):
                assert answer.status_code == 503
                assert int(answer.headers["retry-after"]) > 0
        finally:
            await asyncio.to_thread(server.start)
        ends = time.monotonic() + 30.0
        while (answer := await client.get(task, headers=key)).status_code != 200:
            assert time.monotonic() < ends
            await asyncio.sleep(0.2)
        assert answer.json()["output"]["task_status"] == "PENDING"
        submitted = await client.post(SUBMIT, json=BODY, headers=key | ASYNC)
        assert submitted.status_code == 200


async def test_a_server_without_workers_tells_who_waits_how_long(settings):
    _, secret = keys_of(settings).create("shop")
    key = {"Authorization": f"Bearer {secret}"}
    made = Result(video_name="v.mp4", duration_s=1.0)
    async with replica(settings) as client, elsewhere(settings) as queue:
        await client.post(SUBMIT, json=BODY, headers=key | ASYNC)
        task = await queue.claim("far", lease_s=30)
        await asyncio.sleep(0.2)
        assert await queue.finish(task.task_id, 1, made)
        submitted = await client.post(SUBMIT, json=BODY, headers=key | ASYNC)
        waiting = f"/api/v1/tasks/{submitted.json()['output']['task_id']}?progress=true"
        ends = time.monotonic() + 30.0
        while (await client.get(waiting, headers=key)).json()["output"]["remaining_s"] is None:
            assert time.monotonic() < ends
            await asyncio.sleep(0.2)


async def test_a_worker_opens_no_signing_keys(settings):
    stopping, hurrying = asyncio.Event(), asyncio.Event()
    opening = opened_worker(settings, slots=1, stopping=stopping, hurrying=hurrying)
    async with opening as worker:
        assert worker.trouble() is None
        stopping.set()
        hurrying.set()
    assert not settings.signing_keys_file.exists()
