"""The provider that the settings name.

Flow      SpeechSettings -> open_provider -> SpeechProvider
"""

from __future__ import annotations

from portravox.synthesis.exchange import send
from portravox.synthesis.programs import EspeakNg, Piper
from portravox.synthesis.provider import Exchange, SpeechProvider
from portravox.synthesis.servers import DashScopeSpeech, OpenAiSpeech
from portravox.synthesis.settings import SpeechSettings


def open_provider(settings: SpeechSettings, exchange: Exchange = send) -> SpeechProvider:
    """exchange: how its requests go out, if it sends any"""
    match settings.provider:
        case "espeak-ng":
            return EspeakNg(settings)
        case "piper":
            return Piper(settings)
        case "dashscope":
            return DashScopeSpeech(settings, exchange)
        case _:
            return OpenAiSpeech(settings, exchange)
