"""The provider that the settings name.

Flow      SpeechSettings -> open_provider -> SpeechProvider
"""

from __future__ import annotations

from portravox.synthesis.programs import EspeakNg, Piper
from portravox.synthesis.provider import SpeechProvider, Transport
from portravox.synthesis.servers import DashScopeSpeech, OpenAiSpeech
from portravox.synthesis.settings import SpeechSettings
from portravox.synthesis.transport import send


def open_provider(settings: SpeechSettings, transport: Transport = send) -> SpeechProvider:
    """transport: how its requests go out, if it sends any"""
    match settings.provider:
        case "espeak-ng":
            return EspeakNg(settings)
        case "piper":
            return Piper(settings)
        case "dashscope":
            return DashScopeSpeech(settings, transport)
        case _:
            return OpenAiSpeech(settings, transport)
