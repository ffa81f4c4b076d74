"""Who speaks texts here: chosen by whoever runs the command or the server, never by a client.

Flow      environment, service.settings -> SpeechSettings -> synthesis.open_provider
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from portravox.errors import FileMissing, SettingOutOfRange, SpeechNotSetUp
from portravox.system import ENVIRONMENT

PROGRAMS: Final = ("espeak-ng", "piper")
PROVIDERS: Final = (*PROGRAMS, "openai", "dashscope")
"""Two programs, the interface that most servers speak, and DashScope's own."""

DASHSCOPE_URL: Final = "https://dashscope.aliyuncs.com/api/v1"
_MODELS: Final = {"openai": "tts-1", "dashscope": "qwen3-tts-flash"}
_VOICES: Final = {"openai": "alloy", "dashscope": "Cherry"}
_MOST_CHARACTERS: Final = {"dashscope": 600}
"""Names that OpenAI's interface defined and Kokoro-FastAPI knows, too; DashScope's as in its
manual, which takes 600 (https://www.alibabacloud.com/help/en/model-studio/qwen-tts)."""

ESPEAK_NAMES: Final = dict.fromkeys(("zh", "zh-cn", "cmn"), "cmn-latn-pinyin") | {"en": "en-us"}
"""Language -> what espeak-ng calls it, where that is another name. Its voice `cmn` reads Chinese
letters as English spells pinyin, tones as numbers ("ma one"), in the edition of Debian 12."""


ESPEAK_SUGGESTED: Final = (
    *("cmn-latn-pinyin", "en-us", "en-gb", "de", "es", "fr-fr", "hi", "it", "ko", "pt-br", "ru"),
)
"""Of its hundred languages those that are asked for most; our choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechSettings:
    """Checked once, never changed. Raises SettingOutOfRange."""

    provider: str
    url: str | None = None
    """Of an HTTP provider: what comes before /audio/speech, with or without /v1."""

    key: str | None = field(default=None, repr=False)
    model: str | None = None
    """Of an HTTP provider; None: the usual one."""

    voice: str | None = None
    """The default; None: the usual one, of programs by the text's language."""

    voices: tuple[str, ...] = ()
    """Which may be asked for. None named: any of a program's, else the default alone."""

    any_voice: bool = False
    """Whether any may be asked for, since who asks is who configured it."""

    max_characters: int | None = None
    """Of a text; None: what the provider takes."""

    time_s: float = 60.0
    """For one text, all tries together."""

    models_dir: Path | None = None
    """Of piper: where NAME.onnx and NAME.onnx.json of each voice lie."""

    def __post_init__(self) -> None:
        if self.provider not in PROVIDERS:
            raise SettingOutOfRange("speech", self.provider, " or ".join(PROVIDERS))
        if self.provider == "openai" and self.url is None:
            raise SettingOutOfRange("speech_url", None, "the address of a server, as in the manual")
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https", "") or (self.base_url and not parts.hostname):
            raise SettingOutOfRange("speech_url", "…", "http://… or https://…")
        if self.provider == "piper" and self.models_dir is None:
            raise SettingOutOfRange("speech_models_dir", None, "the folder of piper's voices")
        if self.provider == "piper" and not self.voice and not self.voices:
            raise SettingOutOfRange("speech_voice", None, "the name of a voice of piper's")
        if not self.time_s > 0:
            raise SettingOutOfRange("speech_time_s", self.time_s, "more than 0")

    @property
    def base_url(self) -> str:
        """Without a slash at the end; empty where there is none."""
        url = self.url or (DASHSCOPE_URL if self.provider == "dashscope" else "")
        return url.rstrip("/")

    @property
    def model_name(self) -> str:
        return self.model or _MODELS.get(self.provider, "")

    @property
    def most_characters(self) -> int:
        from portravox.options import MAX_TEXT_CHARACTERS

        own = _MOST_CHARACTERS.get(self.provider, MAX_TEXT_CHARACTERS)
        return min(self.max_characters or own, own)

    def default_voice(self, language: str) -> str:
        """Of a text in a language."""
        if self.voice is not None:
            return self.voice
        if self.voices:
            return self.voices[0]
        if self.provider == "espeak-ng":
            return ESPEAK_NAMES.get(language, language)
        return _VOICES[self.provider]

    def offers(self, voice: str) -> bool:
        """Whether a voice may be asked for."""
        if self.any_voice or voice in self.voices or voice == self.voice:
            return True
        if self.voices:
            return False
        return self.provider == "espeak-ng" or voice == _VOICES.get(self.provider)

    @property
    def suggested(self) -> tuple[str, ...]:
        """Voices to choose from beside the usual one, as far as they are known."""
        if self.voices or self.provider != "espeak-ng":
            return tuple(name for name in self.voices if name != self.voice)
        return ESPEAK_SUGGESTED

    @property
    def identity(self) -> str:
        """What a recording depends on beside text and voice."""
        return f"{self.provider} {self.base_url} {self.model_name} {self.voice or ''}"


def speech_of_environment(environment: Mapping[str, str] | None = None) -> SpeechSettings:
    """What PORTRAVOX_SPEECH and its like say; without, espeak-ng where it is installed.

    Raises SpeechNotSetUp, SettingOutOfRange, FileMissing.
    """
    said = os.environ if environment is None else environment

    def get(name: str) -> str | None:
        return said.get(f"{ENVIRONMENT}SPEECH{name}") or None

    provider = _provider(get(""))
    most, models_dir = get("_MAX_CHARACTERS"), get("_MODELS_DIR")
    key = get("_KEY") or _key_in_file(get("_KEY_FILE"))
    if key is None and provider == "dashscope":
        key = said.get("DASHSCOPE_API_KEY") or None
    return SpeechSettings(
        provider=provider,
        url=get("_URL"),
        key=key,
        model=get("_MODEL"),
        voice=get("_VOICE"),
        voices=tuple(filter(None, (name.strip() for name in (get("_VOICES") or "").split(",")))),
        any_voice=True,
        max_characters=None if most is None else _characters(most),
        models_dir=None if models_dir is None else Path(models_dir),
    )


def _provider(said: str | None) -> str:
    """Who speaks. Raises SpeechNotSetUp."""
    if said == "off" or (said is None and shutil.which("espeak-ng") is None):
        raise SpeechNotSetUp
    return said or "espeak-ng"


def _characters(most: str) -> int:
    if not most.isdecimal() or int(most) < 1:
        raise SettingOutOfRange("speech_max_characters", most, "a whole number from 1")
    return int(most)


def _key_in_file(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        return Path(name).read_text("utf-8").strip() or None
    except (OSError, ValueError) as error:
        raise FileMissing(name, str(error)) from error
