"""Speech provider: who speaks a text, behind one small interface.

Flow      JobOptions.text -> speech_request -> SpeechProvider.speak -> media.voice_file
Reads     SpeechSettings, a text, the name of a voice
Gives     a recording in a file, of a kind that is not checked yet

What a provider answers comes from outside: it is bounded in bytes and in time here, and opened
only where recordings of strangers are opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from portravox.articulation.transcript import language_of
from portravox.errors import SettingOutOfRange
from portravox.options import OPTIONS
from portravox.synthesis.settings import SpeechSettings

MAX_BYTES = 15 * 1024 * 1024
"""Of a recording: what is taken of recordings anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRequest:
    """What is to be said, and by which voice."""

    text: str
    """Of one line, without control characters."""

    voice: str

    language: str
    """ISO 639 code: the caller's, or of the text's script."""


class SpeechProvider(Protocol):
    """Speaks texts. Threads may share it."""

    def speak(self, speech: SpeechRequest, target: Path) -> None:
        """Write the recording into a new file.

        Waits while it works, for `SpeechSettings.time_s` at most. Raises SpeechRefused,
        SpeechUnavailable, OSError.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a provider asks over HTTP."""

    url: str
    body: bytes | None
    """JSON, which is posted; None: the address is fetched."""

    headers: Mapping[str, str]

    by_operator: bool
    """Whether the address is the one that was configured; else a server named it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came, whole."""

    status: int
    content_type: str
    """In lower case, without parameters; empty where nothing is said."""

    retry_after_s: float
    body: bytes


class Transport(Protocol):
    """How requests go out: as the command line may, or under the rules of a server."""

    def __call__(self, request: Request, *, time_s: float, max_bytes: int) -> Answer:
        """Send a request and read the answer. Redirects are answers like others.

        Raises SpeechUnavailable where none comes in time, or more bytes than may.
        """


def speech_request(
    settings: SpeechSettings, text: str, *, voice: str | None, language: str | None
) -> SpeechRequest:
    """What is asked for, by the rules of the settings.

    Raises SettingOutOfRange for a text that is too long or has no words, and for a voice that is
    not offered.
    """
    OPTIONS["text"].check(text)
    OPTIONS["voice_name"].check(voice)
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if not any(character.isalnum() for character in line):
        raise SettingOutOfRange("text", text[:40], "words")
    most = settings.most_characters
    if len(text) > most:
        raise SettingOutOfRange("text", f"{text[:40]}… ({len(text)})", f"{most} characters at most")
    spoken = (language or language_of(line)).lower()
    chosen = voice or settings.default_voice(spoken)
    if voice is not None and not settings.offers(voice):
        offered = ", ".join(settings.voices or (chosen,))
        raise SettingOutOfRange("voice_name", voice, f"one that is offered: {offered}")
    return SpeechRequest(text=line, voice=chosen, language=spoken)
