"""Texts are spoken by turns, each key has its share, and every end is a task's end."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portravox.errors import SpeechRefused, SpeechUnavailable
from portravox.service import problems
from portravox.service.explanations import of_task
from portravox.service.tasks.queue import Job
from portravox.service.tasks.states import TaskState
from portravox.service.worker import speaker as speaker_module
from portravox.service.worker.messages import CAPTIONS_NAME, RenderDone, RenderRequest
from portravox.service.worker.process import RequestFailed
from portravox.service.worker.speaker import AT_ONCE_PER_KEY, Speaker
from portravox.synthesis.provider import SpeechRequest
from portravox.synthesis.settings import SpeechSettings
from tests.service.conftest import JOB
from tests.service.worker.test_loop import Playing, claimed, video, worker_of


class Spoken:
    """A provider that speaks when the test lets it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.may_end = threading.Event()
        self.under_way = 0
        self.asked: list[SpeechRequest] = []

    def speak(self, speech: SpeechRequest, target: Path) -> None:
        self.asked.append(speech)
        self.under_way += 1
        try:
            assert self.may_end.wait(20.0)
            if self.error is not None:
                raise self.error
            target.write_bytes(b"RIFF")
        finally:
            self.under_way -= 1


def speaker_of(provider: Spoken, monkeypatch: pytest.MonkeyPatch) -> Speaker:
    monkeypatch.setattr(speaker_module, "open_provider", lambda *_: provider)
    return Speaker(SpeechSettings(provider="espeak-ng"))


async def until(condition: Any) -> None:
    async with asyncio.timeout(20.0):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_key_with_many_texts_leaves_turns_to_others_also_when_it_cancels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Spoken()
    speaker = speaker_of(provider, monkeypatch)
    greedy = [
        asyncio.create_task(speaker.speak({"text": "Greedy"}, tmp_path / f"{i}", key="greedy"))
        for i in range(6)
    ]
    await until(lambda: provider.under_way == AT_ONCE_PER_KEY)
    for task in greedy:
        task.cancel()
    await asyncio.gather(*greedy, return_exceptions=True)
    again = asyncio.create_task(speaker.speak({"text": "Greedy"}, tmp_path / "again", key="greedy"))
    other = asyncio.create_task(speaker.speak({"text": "Other"}, tmp_path / "other", key="other"))
    await until(lambda: provider.under_way == AT_ONCE_PER_KEY + 1)
    provider.may_end.set()
    await asyncio.gather(again, other)
    assert (tmp_path / "other").is_file()
    speaker.close()


async def test_what_was_cancelled_before_its_turn_is_never_spoken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a key that submits and cancels has the operator pay for what nobody hears."""
    provider = Spoken()
    speaker = speaker_of(provider, monkeypatch)
    tasks = [
        asyncio.create_task(speaker.speak({"text": "Greedy"}, tmp_path / f"{i}", key="greedy"))
        for i in range(6)
    ]
    await until(lambda: provider.under_way == AT_ONCE_PER_KEY)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    provider.may_end.set()
    await speaker.speak({"text": "Last"}, tmp_path / "last", key="greedy")
    assert [speech.text for speech in provider.asked] == ["Greedy"] * AT_ONCE_PER_KEY + ["Last"]
    speaker.close()


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (SpeechRefused("no such voice at 10.0.0.1"), problems.SPEECH_REFUSED),
        (SpeechUnavailable("status 500 of 10.0.0.1"), problems.SPEECH_FAILED),
    ],
)
async def test_a_task_says_what_kind_of_failure_and_not_what_the_provider_said(
    playing: Playing,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    problem: problems.Problem,
) -> None:
    provider = Spoken(error)
    provider.may_end.set()
    async with playing() as server:
        loop = worker_of(server, tmp_path, video)
        loop._speaker = speaker_of(provider, monkeypatch)
        task = await claimed(server, _job(text="Hi"))
        await loop.do(task)
        ended = await server.service.queue.get(task.task_id, key_group="default")
    assert ended is not None and ended.state is TaskState.FAILED
    assert (ended.code, ended.message) == (problem.code, problem.message)
    why = of_task(ended)
    assert why is not None and why.hint and "10.0.0.1" not in why.explanation


async def test_a_text_is_spoken_into_the_place_of_the_recording(
    playing: Playing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Spoken()
    provider.may_end.set()
    seen: list[bytes] = []

    async def look(request: RenderRequest) -> RenderDone:
        seen.append((Path(request.folder) / "audio").read_bytes())
        return await video(request)

    async with playing() as server:
        loop = worker_of(server, tmp_path, look)
        loop._speaker = speaker_of(provider, monkeypatch)
        await loop.do(await claimed(server, _job(text="Hi", voice_name="en-gb", language="en")))
    assert seen == [b"RIFF"]
    (speech,) = provider.asked
    assert (speech.text, speech.voice, speech.language) == ("Hi", "en-gb", "en")


async def test_a_worker_without_a_provider_fails_a_text_and_does_not_fetch(
    playing: Playing, tmp_path: Path
) -> None:
    async with playing() as server:
        task = await claimed(server, _job(text="Hi"))
        await worker_of(server, tmp_path, video).do(task)
        ended = await server.service.queue.get(task.task_id, key_group="default")
    assert ended is not None and ended.code == problems.NO_SPEECH.code


async def test_a_text_beyond_the_rules_of_today_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another server took it, or the settings have changed since."""
    speaker = speaker_of(Spoken(), monkeypatch)
    with pytest.raises(RequestFailed) as failed:
        await speaker.speak({"text": "x" * 5000}, tmp_path / "audio", key="1")
    assert failed.value.problem == problems.out_of_definition("text")


def _job(**parameters: Any) -> Job:
    return replace(JOB, audio_url="", parameters=parameters)


async def test_captions_are_stored_beside_the_video_and_linked_for_as_long(
    playing: Playing, tmp_path: Path
) -> None:
    async def captioned(request: RenderRequest) -> RenderDone:
        (Path(request.folder) / CAPTIONS_NAME).write_text("WEBVTT\n")
        return await video(request)

    types = {"vtt": "text/vtt", "srt": "application/x-subrip"}

    async with playing() as server:
        said = replace(JOB, parameters={"transcript": "早上好"})
        as_srt = replace(JOB, parameters={"transcript": "早上好", "captions": "srt"})
        links = []
        for job in (said, JOB, as_srt):
            task = await claimed(server, job)
            await worker_of(server, tmp_path, captioned).do(task)
            told = await server.client.get(f"/api/v1/tasks/{task.task_id}", headers=server.key)
            links.append(told.json()["output"]["results"])
        assert "captions_url" not in links[1]
        for kind, results in (("srt", links[2]), ("vtt", links[0])):
            url = results["captions_url"].removeprefix("http://server")
            answer = await server.client.get(url)
            assert url.partition("?")[0].endswith(kind) and answer.text == "WEBVTT\n"
            assert answer.headers["content-type"] == f"{types[kind]}; charset=utf-8"
        expires = [
            links[0][name].partition("?")[2].partition("&")[0]
            for name in ("captions_url", "video_url")
        ]
        assert expires[0] == expires[1]
        assert (
            await server.client.get(url.replace("Signature=", "Signature=0"))
        ).status_code == 403
