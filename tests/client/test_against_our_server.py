"""The client and the server of this package understand each other."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from portravox.client.access import Access
from portravox.client.api import LiveportraitClient
from portravox.client.connection import Connection
from portravox.client.errors import RequestRefused, TaskCanceled, TaskForgotten, TaskRefused
from portravox.client.waiting import wait_for_end
from portravox.service.tasks.queue import Failure, Result
from tests.service.conftest import Server
from tests.service.conftest import playing as playing

VIDEO = b"\0\0\0\x18ftypmp42" + bytes(20_000)


class Bridge(httpx.BaseTransport):
    """Carries what a thread asks into the loop in which the server lives."""

    def __init__(self, server: Server) -> None:
        self._client = server.client
        self._loop = asyncio.get_running_loop()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        asked = self._client.request(
            request.method, request.url, headers=request.headers, content=request.content
        )
        answer = asyncio.run_coroutine_threadsafe(asked, self._loop).result()
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


@pytest.fixture
def talk(playing):
    """Runs a function of a client in a thread, on a server whose worker is another function."""

    async def talk(say, work=None, **settings):
        async with playing(**settings) as server:
            access = Access(base_url="http://server/api/v1", api_key=server.secret)
            with Connection(access, transport=Bridge(server)) as connection:
                client = LiveportraitClient(connection)
                said = asyncio.to_thread(say, client)
                parts = [said] if work is None else [said, work(server.service)]
                ends = await asyncio.gather(*parts, return_exceptions=True)
        # What was raised is raised here, after the server was closed.
        for end in reversed(ends):
            if isinstance(end, BaseException):
                raise end
        return ends[0]

    return talk


async def next_task(service):
    while (task := await service.queue.claim("worker", lease_s=30.0)) is None:
        await asyncio.sleep(0.01)
    return task


def wait(client, task_id):
    return wait_for_end(client, task_id, sleep=lambda seconds: time.sleep(0.01))


async def test_from_two_files_to_a_video(talk, tmp_path):
    (tmp_path / "face.png").write_bytes(b"\x89PNG")
    (tmp_path / "voice.wav").write_bytes(b"RIFF")
    target = tmp_path / "v.mp4"

    def say(client):
        task_id = client.submit(
            str(tmp_path / "face.png"), str(tmp_path / "voice.wav"), {"video_fps": 30}
        )
        report = wait(client, task_id)
        client.download(report.video_url, target)
        return report

    async def work(service):
        task = await next_task(service)
        assert task.job.parameters == {"video_fps": 30}
        for address in (task.job.image_url, task.job.audio_url):
            service.uploads.files.find(address, group=task.key_group)
        made = tmp_path / "made.mp4"
        made.write_bytes(VIDEO)
        name = f"{task.task_id}.mp4"
        with made.open("rb") as stream:
            service.videos.put(name, stream)
        await service.queue.finish(
            task.task_id, task.attempt, Result(video_name=name, duration_s=2.0)
        )

    report = await talk(say, work)
    assert (report.status, report.video_s, report.done) == ("SUCCEEDED", 2.0, 1.0)
    assert target.read_bytes() == VIDEO


async def test_a_task_that_fails_says_why(talk):
    async def work(service):
        task = await next_task(service)
        why = Failure(code="InvalidImage.NoHumanFace", message="No human face detected.")
        await service.queue.finish(task.task_id, task.attempt, why)

    with pytest.raises(TaskRefused, match="No human face detected"):
        await talk(lambda client: wait(client, client.submit("http://h/a", "http://h/b", {})), work)


async def test_cancel_list_and_tasks_that_are_not_there(talk):
    def say(client):
        task_id = client.submit("http://h/a", "http://h/b", {})
        assert client.report(task_id).queue_position == 0
        client.cancel(task_id)
        with pytest.raises(TaskCanceled):
            wait(client, task_id)
        with pytest.raises(RequestRefused, match="UnsupportedOperation"):
            client.cancel(task_id)
        with pytest.raises(TaskForgotten):
            wait(client, "nobodys")
        rows = client.list({"status": "CANCELED"})["data"]
        assert [row["task_id"] for row in rows] == [task_id]

    await talk(say)


async def test_the_same_idempotency_key_is_the_same_task(talk):
    def say(client):
        job = ("http://h/a", "http://h/b", {})
        return {client.submit(*job, idempotency_key="one") for _ in range(3)}

    assert len(await talk(say)) == 1


async def test_detect(talk):
    assert (await talk(lambda client: client.detect("http://h/a"))).passed


async def test_a_statement_that_is_asked_for_is_read_and_agreed_to(talk):
    def say(client):
        job = ("http://h/a", "http://h/b", {})
        with pytest.raises(RequestRefused, match="ConsentRequired"):
            client.submit(*job)
        named, text = client.statement()
        assert text == "I may."
        return client.submit(*job, consent=named)

    assert await talk(say, consent_statement="I may.")
    assert await talk(lambda client: client.statement()) is None
