"""Servers that speak: OpenAI's interface, which most of them have, and DashScope's.

Flow      SpeechRequest -> Transport -> a server -> a recording

Tries are bounded in number and all together in time. What a server says about its refusal goes to
the log and to the command line, which asks for itself; never to a client of ours.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from portravox.errors import SpeechRefused, SpeechUnavailable
from portravox.synthesis.provider import MAX_BYTES, Answer, Request, SpeechRequest, Transport
from portravox.synthesis.settings import SpeechSettings

PAUSES_S: Final = (0.5, 2.0)
"""Before the second and the third try, which is the last. Our choice."""

LONGEST_PAUSE_S: Final = 10.0
"""Where a server asks for a pause. Our choice."""

WORTH_ANOTHER_TRY: Final = frozenset((408, 429, 500, 502, 503, 504))
REFUSALS: Final = frozenset((400, 413, 415, 422))
"""Of what was asked, and not of who asks."""

MAX_JSON_BYTES: Final = 1024 * 1024

_SOUND: Final = ("audio/", "application/octet-stream", "binary/octet-stream", "video/mp4")

_LANGUAGES: Final = {
    "zh": "Chinese", "en": "English", "de": "German", "it": "Italian", "pt": "Portuguese",
    "es": "Spanish", "ja": "Japanese", "ko": "Korean", "fr": "French", "ru": "Russian",
}  # fmt: skip
"""As DashScope names them in `language_type`; others are Auto."""

_MOST_WIDTH: Final = 600
"""Characters that DashScope takes, a Chinese, Japanese or Korean one counting twice."""


@dataclass(frozen=True, slots=True)
class OpenAiSpeech:
    """POST {base}/v1/audio/speech: OpenAI, Kokoro-FastAPI, speaches, and many more."""

    settings: SpeechSettings
    transport: Transport
    sleep: Callable[[float], None] = time.sleep

    def speak(self, speech: SpeechRequest, target: Path) -> None:
        """As `SpeechProvider.speak`."""
        base = self.settings.base_url
        versioned = base if base.endswith("/v1") else f"{base}/v1"
        body = {
            "model": self.settings.model_name,
            "input": speech.text,
            "voice": speech.voice,
            "response_format": "wav",
        }
        request = _posted(f"{versioned}/audio/speech", body, self.settings.key)
        ends_at = time.monotonic() + self.settings.time_s
        _write(target, _sound(_patient(self, request, MAX_BYTES, ends_at)))


@dataclass(frozen=True, slots=True)
class DashScopeSpeech:
    """DashScope's Qwen-TTS: a call answers with the address of the recording, good for a day.

    Source: https://www.alibabacloud.com/help/en/model-studio/qwen-tts-api
    """

    settings: SpeechSettings
    transport: Transport
    sleep: Callable[[float], None] = time.sleep

    def speak(self, speech: SpeechRequest, target: Path) -> None:
        """As `SpeechProvider.speak`."""
        ends_at = time.monotonic() + self.settings.time_s
        width = sum(2 if _is_wide(letter) else 1 for letter in speech.text)
        if width > _MOST_WIDTH:
            raise SpeechRefused(
                f"the text counts {width} characters at DashScope, where a Chinese one is two;"
                f" wanted {_MOST_WIDTH} at most"
            )
        asked = {
            "text": speech.text,
            "voice": speech.voice,
            "language_type": _LANGUAGES.get(speech.language.split("-")[0], "Auto"),
        }
        url = f"{self.settings.base_url}/services/aigc/multimodal-generation/generation"
        request = _posted(
            url, {"model": self.settings.model_name, "input": asked}, self.settings.key
        )
        there = _audio_url(_patient(self, request, MAX_JSON_BYTES, ends_at))
        fetched = Request(url=there, body=None, headers={"Accept": "*/*"}, by_operator=False)
        _write(target, _sound(_patient(self, fetched, MAX_BYTES, ends_at)))


def _posted(url: str, body: dict[str, Any], key: str | None) -> Request:
    headers = {"Content-Type": "application/json", "Accept": "*/*"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return Request(url=url, body=json.dumps(body).encode(), headers=headers, by_operator=True)


def _patient(
    provider: OpenAiSpeech | DashScopeSpeech, request: Request, max_bytes: int, ends_at: float
) -> Answer:
    """The answer 200 to a request, sent again with pauses while it may help.

    ends_at   by time.monotonic, for all requests of a text together

    Raises SpeechRefused, SpeechUnavailable.
    """
    for pause_s in (*PAUSES_S, None):
        asked_s = 0.0
        try:
            left_s = ends_at - time.monotonic()
            answer = provider.transport(request, time_s=left_s, max_bytes=max_bytes)
            if answer.status == 200:
                return answer
            failure = _failure(answer)
            if answer.status not in WORTH_ANOTHER_TRY:
                raise failure
            asked_s = answer.retry_after_s
        except SpeechUnavailable as error:
            if not error.again:
                raise
            failure = error
        if pause_s is None:
            raise failure
        wait_s = min(max(pause_s, asked_s), LONGEST_PAUSE_S)
        if time.monotonic() + wait_s >= ends_at:
            raise failure
        provider.sleep(wait_s)
    raise AssertionError("the last try returns or raises")


def _failure(answer: Answer) -> SpeechRefused | SpeechUnavailable:
    said = _said(answer)
    words = f"status {answer.status}{f': {said}' if said else ''}"
    if answer.status in REFUSALS:
        return SpeechRefused(f"the speech provider refuses the text or the voice ({words})")
    if answer.status in (401, 403):
        return SpeechUnavailable(
            f"the speech provider does not take our key ({words})",
            hint="Set PORTRAVOX_SPEECH_KEY, or name a file that has it: PORTRAVOX_SPEECH_KEY_FILE.",
        )
    failure = SpeechUnavailable(f"the speech provider fails ({words})")
    if answer.status in WORTH_ANOTHER_TRY:
        failure.again = True
    elif answer.status < 500:
        failure.hint = "Are PORTRAVOX_SPEECH_URL and PORTRAVOX_SPEECH_MODEL right?"
    return failure


def _said(answer: Answer) -> str:
    """The sentence in an answer that is an error, of OpenAI's, FastAPI's or DashScope's kind."""
    try:
        body = json.loads(answer.body[:MAX_JSON_BYTES])
    except (ValueError, RecursionError):
        return ""
    if not isinstance(body, dict):
        return ""
    for found in (body.get("error"), body.get("detail"), body):
        text = found.get("message") if isinstance(found, dict) else found
        if isinstance(text, str) and text:
            return " ".join("".join(c if c.isprintable() else " " for c in text[:200]).split())
    return ""


def _sound(answer: Answer) -> bytes:
    """The recording in an answer; which kind it is, is looked at where recordings are read."""
    if answer.content_type and not answer.content_type.startswith(_SOUND):
        raise SpeechUnavailable(
            f"the speech provider answers with {answer.content_type[:60]} instead of sound"
        )
    if not answer.body:
        raise SpeechUnavailable("the speech provider answers with an empty recording")
    return answer.body


def _audio_url(answer: Answer) -> str:
    try:
        url = json.loads(answer.body)["output"]["audio"]["url"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise SpeechUnavailable("the speech provider's answer names no recording") from error
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise SpeechUnavailable("the speech provider's answer names no recording")
    return url


def _is_wide(letter: str) -> bool:
    """Chinese, Japanese kanji, Korean hanja and syllables."""
    return "\u3400" <= letter <= "\u9fff" or "\uac00" <= letter <= "\ud7af" or letter > "\U0001ffff"


def _write(target: Path, content: bytes) -> None:
    with target.open("xb") as file:
        file.write(content)
