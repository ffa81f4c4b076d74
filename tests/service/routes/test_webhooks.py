"""Webhooks over HTTP: asked for with a submission, seen by their group, signed by known secrets."""

from __future__ import annotations

from portravox.service.tasks.outbox import NoticeFormat
from tests.service.conftest import Server
from tests.service.conftest import playing as playing

SUBMIT = "/api/v1/services/aigc/image2video/video-synthesis"
JOB = {
    "model": "liveportrait",
    "input": {"image_url": "http://h/p.png", "audio_url": "http://h/v.mp3"},
}
HOOK = {"X-Portravox-Webhook-Url": "https://shop.example/hook"}


async def submit(server: Server, **headers: str) -> str:
    answer = await server.client.post(
        SUBMIT, json=JOB, headers={**server.key, "X-DashScope-Async": "enable", **headers}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["output"]["task_id"]


async def the_list(server: Server, secret: str, query: str = "") -> dict:
    key = {"Authorization": f"Bearer {secret}"}
    answer = await server.client.get(f"/api/v1/webhooks{query}", headers=key)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def due(server: Server) -> list:
    claimed = await server.service.queue.outbox.claim(limit=10, lease_s=60.0)
    return [delivery for delivery, _ in claimed]


async def test_a_notice_is_asked_for_with_the_submission(playing):
    async with playing() as server:
        task_id = await submit(server, **HOOK)
        await submit(server)
        listed = await the_list(server, server.secret)
        assert listed["total"] == 1
        [row] = listed["data"]
        assert (row["task_id"], row["status"]) == (task_id, "WAITING")
        assert (row["host"], row["format"]) == ("shop.example", "standard")
        cancel = f"/api/v1/tasks/{task_id}/cancel"
        await server.client.post(cancel, headers=server.key)
        [delivery] = await due(server)
        assert delivery.task_id == task_id
        again = await the_list(server, server.secret, f"/?task_id={task_id}")
        assert again["data"][0]["status"] == "DUE"


async def test_an_address_that_cannot_be_refuses_the_submission(playing):
    async with playing() as server:
        headers = {**server.key, "X-DashScope-Async": "enable"}
        headers["X-Portravox-Webhook-Url"] = "ftp://shop.example"
        answer = await server.client.post(SUBMIT, json=JOB, headers=headers)
        assert answer.status_code == 400
        assert answer.json()["code"] == "InvalidParameter"
        assert "X-Portravox-Webhook-Url" in answer.json()["message"]
        tasks = await server.client.get("/api/v1/tasks", headers=server.key)
        assert tasks.json()["total"] == 0


async def test_other_groups_see_nothing_of_it(playing):
    async with playing() as server:
        await submit(server, **HOOK)
        assert (await the_list(server, server.stranger))["data"] == []
        refused = await server.client.get("/api/v1/webhooks")
        assert refused.json()["code"] == "InvalidApiKey"


async def test_the_operator_is_told_of_every_task_and_unseen(playing):
    async with playing(webhook_url="http://10.0.0.1/bus") as server:
        task_id = await submit(server)
        assert (await the_list(server, server.secret))["data"] == []
        await server.client.post(f"/api/v1/tasks/{task_id}/cancel", headers=server.key)
        [delivery] = await due(server)
        assert delivery.webhook.by_operator
        assert delivery.webhook.format is NoticeFormat.CLOUDEVENTS


async def test_each_key_has_a_secret_of_its_own(playing):
    async with playing() as server:
        path = "/api/v1/webhooks/secret"
        found = []
        for secret in (server.secret, server.secret, server.stranger):
            key = {"Authorization": f"Bearer {secret}"}
            answer = await server.client.get(path, headers=key)
            found += answer.json()["data"]["secrets"]
        assert found[0] == found[1] != found[2]
        assert all(secret.startswith("whsec_") for secret in found)
        assert (await server.client.get(path)).status_code == 401
