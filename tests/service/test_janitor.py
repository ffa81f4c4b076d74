"""Nothing stays longer than its life, and nothing goes before it."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from portravox.service.janitor import end_overdue, remove_ended, sweep
from portravox.service.settings import VIDEO_LIFE_S
from portravox.service.storage.uploads import UPLOAD_LIFE_S
from portravox.service.tasks.queue import Failure, Job, Outcome, Result
from tests.service.conftest import Server

JOB = Job(model="liveportrait", image_url="i", audio_url="a", parameters={}, resolve_oss=False)

Playing = Callable[..., Any]


async def ended(server: Server, outcome: Outcome) -> str:
    queue = server.service.queue
    await queue.submit(JOB, key_id="1", key_group="default", request_id="r")
    task = await queue.claim("w", lease_s=30.0)
    assert task is not None
    await queue.finish(task.task_id, task.attempt, outcome)
    return task.task_id


async def test_ended_tasks_go_with_their_videos_and_no_earlier(playing: Playing) -> None:
    async with playing() as server:
        service = server.service
        service.videos.put("v-1.mp4", io.BytesIO(b"mp4"))
        done = await ended(server, Result(video_name="v-1.mp4", duration_s=1.0))
        failed = await ended(server, Failure(code="c", message="m"))
        await remove_ended(service, before=time.time() - VIDEO_LIFE_S)
        for task_id in (done, failed):
            assert await service.queue.get(task_id, key_group="default") is not None
        await remove_ended(service, before=time.time() + 1.0)
        for task_id in (done, failed):
            assert await service.queue.get(task_id, key_group="default") is None
        assert list(service.videos.entries()) == []


async def test_a_private_server_keeps_videos_longer(playing: Playing) -> None:
    async with playing(video_life_s=3 * VIDEO_LIFE_S) as server:
        service = server.service
        service.videos.put("v-1.mp4", io.BytesIO(b"mp4"))
        done = await ended(server, Result(video_name="v-1.mp4", duration_s=1.0))
        task = await service.queue.get(done, key_group="default")
        assert task is not None and task.ended_at is not None
        about = await server.client.get("/studio/about")
        assert about.json()["video_life_s"] == 3 * VIDEO_LIFE_S
        asked = await server.client.get(f"/api/v1/tasks/{done}", headers=server.key)
        link = asked.json()["output"]["results"]["video_url"]
        expires = float(parse_qs(urlsplit(link).query)["Expires"][0])
        assert expires == pytest.approx(task.ended_at + 3 * VIDEO_LIFE_S, abs=2.0)
        assert service.settings.video_life_s == 3 * VIDEO_LIFE_S


async def test_a_task_whose_turn_never_came_fails_when_its_life_is_over(playing: Playing) -> None:
    async with playing(task_life_s=60.0) as server:
        queue = server.service.queue
        task = await queue.submit(JOB, key_id="1", key_group="default", request_id="r")
        await end_overdue(server.service, now=task.submitted_at + 59.0)
        waiting = await queue.get(task.task_id, key_group="default")
        assert waiting is not None and waiting.state == "PENDING"
        await end_overdue(server.service, now=task.submitted_at + 61.0)
        ended = await queue.get(task.task_id, key_group="default")
        assert ended is not None
        assert (ended.state, ended.code) == ("FAILED", "InternalError.Timeout")
        counted = server.service.metrics.page({}).decode()
        assert 'portravox_errors_total{code="InternalError.Timeout"} 1.0' in counted


def aged(file: Path, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(file, (moment, moment))


async def test_what_no_task_knows_is_swept_up_an_hour_after_its_life(
    playing: Playing, tmp_path: Path
) -> None:
    async with playing() as server:
        videos, uploads = tmp_path / "videos", tmp_path / "uploads"
        ages = {
            videos / "kept.mp4": VIDEO_LIFE_S + 1800.0,
            videos / "gone.mp4": VIDEO_LIFE_S + 5400.0,
            uploads / "kept": UPLOAD_LIFE_S - 60.0,
            uploads / "gone": UPLOAD_LIFE_S + 60.0,
        }
        for file, age_s in ages.items():
            file.write_bytes(b"x")
            aged(file, age_s)
        sweep(server.service)
        assert [file.name for file in ages if file.exists()] == ["kept.mp4", "kept"]
