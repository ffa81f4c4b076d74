"""Why a task FAILED is told to who asks, and to nobody else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portravox import errors
from portravox.service import errors as service_errors
from portravox.service import explanations, problems
from portravox.service.explanations import MAX_SENTENCE, as_sentence, explanation, is_sentence, told
from portravox.service.problems import Problem
from portravox.service.tasks.queue import Failure, Job

JOB = Job(
    model="liveportrait",
    image_url="http://h/p",
    audio_url="http://h/v",
    parameters={},
    resolve_oss=False,
)
ORIGINAL = {
    "task_id",
    "task_status",
    "submit_time",
    "scheduled_time",
    "end_time",
    "code",
    "message",
}
OURS = {"file", "reason", "explanation", "hint"}


async def failed_task(playing: Any, failure: Failure) -> list[dict[str, Any]]:
    """`output` of a task that failed so: plain, explained, and from the explained events."""
    async with playing() as server:
        queue = server.service.queue
        task = await queue.submit(JOB, key_id="1", key_group="default", request_id="r")
        claimed = await queue.claim("w", lease_s=30.0)
        assert claimed is not None
        await queue.finish(task.task_id, claimed.attempt, failure)
        path = f"/api/v1/tasks/{task.task_id}"
        plain = await server.client.get(path, headers=server.key)
        asked = await server.client.get(f"{path}?explain=true", headers=server.key)
        events = await server.client.get(f"{path}/events?explain=true", headers=server.key)
        streamed = json.loads(events.text.split("data: ")[1].split("\n")[0])
        return [answer["output"] for answer in (plain.json(), asked.json(), streamed)]


def failure(problem: Problem, reason: str = "", sentence: str = "", **more: Any) -> Failure:
    why = explanation(reason, sentence, **more)
    return Failure(code=problem.code, message=problem.message, explanation=why)


async def test_code_and_text_stay_the_originals_unless_why_is_asked(playing: Any) -> None:
    sentence = "audio lasts 200.0 s; wanted 1 to 180 s"
    plain, asked, streamed = await failed_task(
        playing, failure(problems.AUDIO_LENGTH, "voice_too_long", sentence)
    )
    assert set(plain) == ORIGINAL
    assert (plain["code"], plain["message"]) == (
        problems.AUDIO_LENGTH.code,
        problems.AUDIO_LENGTH.message,
    )
    for output in (asked, streamed):
        assert set(output) >= OURS
        assert {name: output[name] for name in plain} == plain
        assert (output["file"], output["reason"]) == ("audio", "voice_too_long")
        assert output["explanation"] == sentence
        assert output["hint"] == errors.VoiceTooLong.hint


async def test_a_download_says_which_file_and_what_a_public_server_answered(playing: Any) -> None:
    error = service_errors.InputDownloadFailed(
        "status 404", told="its server answered with status 404"
    )
    _, asked, _ = await failed_task(
        playing, failure(problems.DOWNLOAD_FAILED, *told(error), file="audio")
    )
    assert asked["file"] == "audio"
    assert "status 404" in asked["explanation"]
    assert "signed" in asked["hint"]


async def test_a_download_never_says_what_is_around_the_server(playing: Any) -> None:
    error = service_errors.InputDownloadFailed("10.0.0.7: connection refused")
    _, asked, _ = await failed_task(
        playing, failure(problems.DOWNLOAD_FAILED, *told(error), file="image")
    )
    assert asked["explanation"] == "the file could not be downloaded from its URL"


@pytest.mark.parametrize(
    "problem",
    [problems.ALGO, problems.TIMEOUT, problems.NOT_STORED, problems.out_of_definition("x")],
)
async def test_what_is_no_files_fault_names_no_file(playing: Any, problem: Problem) -> None:
    _, asked, _ = await failed_task(playing, failure(problem))
    assert asked["file"] is None
    assert asked["reason"] and asked["explanation"] and asked["hint"]


def test_every_fault_of_a_file_has_a_reason_a_file_and_a_hint() -> None:
    for reason in explanations.REASONS - {explanations.DOWNLOAD_FAILED, "input_too_large"}:
        why = explanation(reason, "so")
        assert why is not None
        assert why.file in ("image", "audio", "background")


def test_our_own_faults_are_not_explained_by_the_process() -> None:
    for error in (
        MemoryError("x"),
        service_errors.QueueFull(1),
        errors.EncodingFailed("/srv/secret"),
    ):
        assert told(error) == ("", "")


@pytest.mark.parametrize(
    "text",
    ["a\nb\tc", "\x1b[31mred", "http://evil.example/x", "x" * 5000, "<BytesIO at 0x7f00deadbeef>"],
)
def test_whatever_an_error_says_becomes_one_harmless_line(text: str) -> None:
    line = as_sentence(text)
    assert is_sentence(line) and len(line) <= MAX_SENTENCE
    assert "deadbeef" not in line
