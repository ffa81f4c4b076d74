"""Convert gives an upload back as what browsers open, or says why not."""

from __future__ import annotations

import io
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, cast

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


class Watched(io.FileIO):
    """A file of which is known how much was read at once."""

    most = 0

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size) or b""
        self.most = max(self.most, len(piece))
        return piece


async def test_a_file_is_sent_as_it_is_read_and_one_client_holds_half_of_all(
    playing: Any, tmp_path: Path
) -> None:
    """Answers of 115 MB that nobody took filled the memory, and no share counted them."""
    path = tmp_path / "plain"
    path.write_bytes(bytes(range(256)) * 4000)
    made: list[Watched] = []

    async def plain(*_: object, **__: object) -> BinaryIO:
        made.append(Watched(path))
        return cast(BinaryIO, made[-1])

    body = {"file": "audio", "url": LINK}
    async with playing() as server:
        server.service.detector.plain = plain
        answer = await server.client.post("/api/v1/convert", json=body, headers=server.key)
        assert answer.content == path.read_bytes()
        assert answer.headers["content-length"] == str(path.stat().st_size)
        assert made[0].most == 64 * 1024 and made[0].closed
        converted = server.service.converted
        assert converted.held() == 0
        with ExitStack() as held:
            for _ in range(converted.total // 2):
                held.enter_context(converted.hold("key 1"))
            answer = await server.client.post("/api/v1/convert", json=body, headers=server.key)
            assert (answer.status_code, answer.json()["code"]) == (429, "Throttling.Concurrency")
            others = {"Authorization": f"Bearer {server.stranger}"}
            answer = await server.client.post("/api/v1/convert", json=body, headers=others)
            assert answer.status_code == 200
        assert converted.held() == 0 and len(made) == 2


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
