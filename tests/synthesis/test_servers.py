"""Whatever a speech server answers, it ends in a recording or in one of two errors, and in time."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest

from portravox.errors import SpeechRefused, SpeechUnavailable
from portravox.service.fetch.addresses import AddressPolicy
from portravox.service.worker.speaker import _send
from portravox.synthesis import servers
from portravox.synthesis.provider import Answer, Request, SpeechRequest, Transport
from portravox.synthesis.servers import DashScopeSpeech, OpenAiSpeech
from portravox.synthesis.settings import SpeechSettings
from portravox.synthesis.transport import send
from tests.synthesis.conftest import SpeechServer, recording

HERE = AddressPolicy.allowing("127.0.0.0/8")
EXCHANGES = {"of the command line": send, "of a server": partial(_send, HERE)}
SPEECH = SpeechRequest(text="Good morning.", voice="alloy", language="en")


def provider(url: str, transport: Transport, *, time_s: float = 20.0) -> OpenAiSpeech:
    settings = SpeechSettings(provider="openai", url=url, key="sk-1", time_s=time_s)
    return OpenAiSpeech(settings, transport, sleep=lambda _: None)


@pytest.fixture(params=EXCHANGES.values(), ids=EXCHANGES)
def transport(request: pytest.FixtureRequest) -> Transport:
    chosen: Transport = request.param
    return chosen


@pytest.mark.parametrize("base", ["good", "good/v1", "good/v1/"])
def test_a_text_becomes_the_recording_that_came(
    speech_server: SpeechServer, transport: Transport, tmp_path: Path, base: str
) -> None:
    provider(f"{speech_server.url}/{base}", transport).speak(SPEECH, tmp_path / "audio")
    assert (tmp_path / "audio").read_bytes() == recording()
    ((path, headers, body),) = speech_server.asked
    assert path == "/good/v1/audio/speech"
    assert headers["authorization"] == "Bearer sk-1"
    assert body == {
        "model": "tts-1",
        "input": "Good morning.",
        "voice": "alloy",
        "response_format": "wav",
    }


def test_a_server_that_was_tired_is_asked_again(
    speech_server: SpeechServer, transport: Transport, tmp_path: Path
) -> None:
    provider(f"{speech_server.url}/tired", transport).speak(SPEECH, tmp_path / "audio")
    assert len(speech_server.asked) == 2


@pytest.mark.parametrize(
    ("mood", "error", "words", "tries"),
    [
        ("html", SpeechUnavailable, "text/html instead of sound", 1),
        ("empty", SpeechUnavailable, "empty recording", 1),
        ("refuses", SpeechRefused, "no such voice", 1),
        ("locked", SpeechUnavailable, "does not take our key", 1),
        ("busy", SpeechUnavailable, "429", 3),
        ("elsewhere", SpeechUnavailable, "307", 1),
        ("cut", SpeechUnavailable, "cut off", 3),
    ],
)
def test_what_is_no_recording_is_an_error_and_leaves_no_file(
    speech_server: SpeechServer,
    transport: Transport,
    tmp_path: Path,
    mood: str,
    error: type[Exception],
    words: str,
    tries: int,
) -> None:
    with pytest.raises(error, match=words):
        provider(f"{speech_server.url}/{mood}", transport).speak(SPEECH, tmp_path / "audio")
    assert len(speech_server.asked) == tries
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mood", ["slow", "drips"])
def test_time_ends_all_tries_together(
    speech_server: SpeechServer, transport: Transport, tmp_path: Path, mood: str
) -> None:
    with pytest.raises(SpeechUnavailable):
        provider(f"{speech_server.url}/{mood}", transport, time_s=0.3).speak(
            SPEECH, tmp_path / "audio"
        )
    assert len(speech_server.asked) == 1


def test_more_bytes_than_a_recording_may_have_end_the_answer(
    speech_server: SpeechServer,
    transport: Transport,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(servers, "MAX_BYTES", 1_000_000)
    with pytest.raises(SpeechUnavailable):
        provider(f"{speech_server.url}/endless", transport).speak(SPEECH, tmp_path / "audio")


def test_where_nobody_listens_is_an_error(transport: Transport, tmp_path: Path) -> None:
    with pytest.raises(SpeechUnavailable, match="no answer"):
        provider("http://127.0.0.1:9", transport).speak(SPEECH, tmp_path / "audio")


def dashscope(server: SpeechServer, mood: str, transport: Transport) -> DashScopeSpeech:
    settings = SpeechSettings(provider="dashscope", url=f"{server.url}/{mood}", key="sk-2")
    return DashScopeSpeech(settings, transport, sleep=lambda _: None)


def test_dashscope_names_an_address_that_never_sees_the_key(
    speech_server: SpeechServer, transport: Transport, tmp_path: Path
) -> None:
    speech = SpeechRequest(text="早上好。", voice="Cherry", language="zh")
    dashscope(speech_server, "dashscope", transport).speak(speech, tmp_path / "audio")
    assert (tmp_path / "audio").read_bytes() == recording()
    (path, headers, body), (there, later, _) = speech_server.asked
    assert path == "/dashscope/services/aigc/multimodal-generation/generation"
    assert headers["authorization"] == "Bearer sk-2"
    asked = {"text": "早上好。", "voice": "Cherry", "language_type": "Chinese"}
    assert body == {"model": "qwen3-tts-flash", "input": asked}
    assert there == "/recordings/1.wav?sign=1"
    assert "authorization" not in later


def test_a_server_calls_no_inner_address_that_an_answer_names(
    speech_server: SpeechServer, tmp_path: Path
) -> None:
    public_only: Transport = partial(_send, AddressPolicy())
    with pytest.raises(SpeechUnavailable, match="no answer"):
        dashscope(speech_server, "dashscope", public_only).speak(SPEECH, tmp_path / "audio")
    assert len(speech_server.asked) == 1


def test_an_answer_that_names_no_web_address_is_an_error(
    speech_server: SpeechServer, transport: Transport, tmp_path: Path
) -> None:
    with pytest.raises(SpeechUnavailable, match="names no recording"):
        dashscope(speech_server, "dashscope-odd", transport).speak(SPEECH, tmp_path / "audio")


def test_the_time_of_a_text_holds_for_its_call_and_its_recording_together(tmp_path: Path) -> None:
    left: list[float] = []

    def slow(request: Request, *, time_s: float, max_bytes: int) -> Answer:
        del max_bytes
        left.append(time_s)
        time.sleep(0.2)
        named = b'{"output": {"audio": {"url": "http://h/a.wav"}}}'
        content = named if request.by_operator else recording()
        return Answer(status=200, content_type="", retry_after_s=0.0, body=content)

    settings = SpeechSettings(provider="dashscope", key="sk-2", time_s=5.0)
    DashScopeSpeech(settings, slow).speak(SPEECH, tmp_path / "audio")
    assert left[0] <= 5.0 and left[1] <= 5.0 - 0.2


def test_dashscope_counts_a_chinese_letter_twice(
    speech_server: SpeechServer, transport: Transport, tmp_path: Path
) -> None:
    speech = SpeechRequest(text="好" * 301, voice="Cherry", language="zh")
    with pytest.raises(SpeechRefused, match="602 characters"):
        dashscope(speech_server, "dashscope", transport).speak(speech, tmp_path / "audio")
    assert not speech_server.asked
