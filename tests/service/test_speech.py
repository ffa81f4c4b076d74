"""Texts over HTTP: taken only where the operator named who speaks them, and by his rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from portravox.errors import SettingOutOfRange
from portravox.options import EXTENSION
from portravox.service import problems
from portravox.service.app import _speaker
from portravox.service.problems import Refusal
from portravox.service.schemas import CallMode, video_job
from portravox.service.settings import read_settings
from portravox.synthesis.settings import SpeechSettings

Playing = Callable[..., Any]

MODE = CallMode(asynchronous=True, resolve_oss=False)
SPEECH = SpeechSettings(
    provider="openai", url="http://127.0.0.1:8880", voices=("af_heart",), max_characters=40
)


def body(audio_url: str | None = None, **ours: object) -> dict[str, Any]:
    address = {} if audio_url is None else {"audio_url": audio_url}
    return {
        "model": "liveportrait",
        "input": {"image_url": "http://h/p", **address},
        "parameters": {EXTENSION: ours},
    }


def refusal(asked: dict[str, Any], speech: SpeechSettings | None = SPEECH) -> problems.Problem:
    with pytest.raises(Refusal) as refused:
        video_job(asked, MODE, speech=speech)
    return refused.value.problem


def test_a_text_takes_the_place_of_a_recording() -> None:
    job = video_job(body(text="Good morning.", voice_name="af_heart"), MODE, speech=SPEECH)
    assert job.audio_url == ""
    assert job.parameters == {"text": "Good morning.", "voice_name": "af_heart"}


def test_without_a_text_all_is_as_it_was() -> None:
    assert refusal(body(), None) == problems.field_required("input.audio_url")
    assert refusal(body(text=None)) == problems.field_required("input.audio_url")
    assert video_job(body("http://h/v"), MODE).audio_url == "http://h/v"


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (body("http://h/v", text="Hi"), problems.out_of_definition("text")),
        (body("http://h/v", voice_name="af_heart"), problems.out_of_definition("voice_name")),
        (body(text="Hi", voice_name="cloned"), problems.out_of_definition("voice_name")),
        (body(text="Hi", voice_name="../x"), problems.out_of_definition("voice_name")),
        (body(text="x" * 41), problems.out_of_definition("text")),
        (body(text=" ?! "), problems.out_of_definition("text")),
        (body(text=3), problems.out_of_definition("text")),
        (body(text=""), problems.out_of_definition("text")),
    ],
)
def test_what_the_operator_does_not_offer_is_refused_at_once(
    asked: dict[str, Any], problem: problems.Problem
) -> None:
    assert refusal(asked) == problem


async def test_a_server_that_speaks_nothing_says_so(playing: Playing) -> None:
    async with playing() as server:
        answer = await server.client.post(
            "/api/v1/services/aigc/image2video/video-synthesis",
            json=body(text="Hi"),
            headers={**server.key, "X-DashScope-Async": "enable"},
        )
    assert answer.status_code == 400
    assert answer.json()["code"] == problems.NO_SPEECH.code


async def test_texts_end_when_a_keys_characters_of_the_day_are_spent(playing: Playing) -> None:
    limited = {"speech": "openai", "speech_url": "http://h:1/", "spoken_characters_per_day": 10}
    async with playing(**limited) as server:
        path = "/api/v1/services/aigc/image2video/video-synthesis"
        headers = {**server.key, "X-DashScope-Async": "enable"}

        async def asked(text: str, **more: str) -> tuple[int, str | None]:
            given = body(text=text)
            answer = await server.client.post(path, json=given, headers={**headers, **more})
            return answer.status_code, answer.json().get("code")

        once = {"Idempotency-Key": "once"}
        assert await asked("12345", **once) == (200, None)
        assert await asked("12345", **once) == (200, None)  # repeated, and counted once
        assert await asked("1234567") == (429, "Throttling.AllocationQuota")
        assert await asked("12345") == (200, None)
        assert await asked("1") == (429, "Throttling.AllocationQuota")
        assert await asked("12345", **once) == (200, None)  # answered where nothing is left
        recorded = await server.client.post(path, json=body("http://h/v"), headers=headers)
        assert recorded.status_code == 200  # costs nothing
        others = {"Authorization": f"Bearer {server.stranger}"}
        assert await asked("12345", **others) == (200, None)
        # A server that is started anew, and each minute: as the table says.
        server.service.spoken._known.clear()
        assert await asked("1") == (429, "Throttling.AllocationQuota")


def test_a_key_of_the_provider_is_never_told() -> None:
    settings = read_settings(
        {"speech": "openai", "speech_url": "http://h:1/", "speech_key": "sk-secret"}
    )
    assert settings.speaks is not None and settings.speaks.key == "sk-secret"
    assert "sk-secret" not in repr(settings) + repr(settings.speaks)
    with pytest.raises(SettingOutOfRange) as told:
        read_settings({"speech": "openai", "speech_url": "http://me:hunter2@h/"})
    assert "hunter2" not in str(told.value)


def test_a_server_does_not_start_without_the_program_that_is_to_speak(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SettingOutOfRange, match="installed"):
        _speaker(read_settings({"speech": "espeak-ng"}))
    with pytest.raises(SettingOutOfRange, match="speech_url"):
        read_settings({"speech": "openai"}).require_safe()
    assert _speaker(read_settings({})) is None
