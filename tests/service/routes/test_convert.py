"""Convert gives an upload back as what browsers open, or says why not."""

from __future__ import annotations

from typing import Any

import pytest

from portravox.service import problems
from portravox.service.explanations import explained, explanation
from portravox.service.problems import Refusal

LINK = "oss://dashscope-instant/x/y/memo"


async def asked(
    playing: Any, body: object, *, refusal: Refusal | None = None, **headers: str
) -> Any:
    async with playing() as server:
        if refusal is not None:

            async def refuse(*_: object, **__: object) -> bytes:
                raise refusal

            server.service.detector.plain = refuse
        return await server.client.post("/api/v1/convert", json=body, headers=headers or server.key)


@pytest.mark.parametrize(("file", "kind"), [("image", "image/jpeg"), ("audio", "audio/wav")])
async def test_the_answer_is_the_file(playing: Any, file: str, kind: str) -> None:
    answer = await asked(playing, {"file": file, "url": LINK})
    assert (answer.status_code, answer.content) == (200, b"plain")
    assert answer.headers["content-type"] == kind


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"file": "video", "url": LINK}, "InvalidParameter"),
        ({"file": ["audio"], "url": LINK}, "InvalidParameter"),
        ({"url": LINK}, "InvalidParameter"),
        ({"file": "audio"}, "InvalidURL"),
        ({"file": "audio", "url": "http://169.254.169.254/"}, "InvalidURL"),
        ({"file": "audio", "url": 7}, "InvalidURL"),
    ],
)
async def test_nothing_but_uploads_is_converted(playing: Any, body: object, code: str) -> None:
    answer = await asked(playing, body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_who_has_no_key_converts_nothing(playing: Any) -> None:
    answer = await asked(playing, {"file": "audio", "url": LINK}, authorization="Bearer sk-none")
    assert answer.status_code == 401


async def test_a_refusal_says_why(playing: Any) -> None:
    why = explained(explanation("voice_unsupported", "audio is a MIDI file"))
    answer = await asked(
        playing, {"file": "audio", "url": LINK}, refusal=Refusal(problems.FILE_FORMAT, why)
    )
    told = answer.json()
    assert (answer.status_code, told["code"]) == (400, problems.FILE_FORMAT.code)
    assert told["reason"] == "voice_unsupported"
    assert "MIDI" in told["explanation"] and "ffmpeg" in told["hint"]
