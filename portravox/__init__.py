"""Portravox: a portrait and a voice in, a talking video out.

    import portravox
    portravox.animate("face.jpg", "voice.wav", "out.mp4", template_id="calm")

For the pieces: `EmbeddedEngine().register(portrait) -> Avatar`, `Avatar.speak(voice, direction)`.
Names are loaded when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# onnxruntime's packages for Linux report to their maker since 1.29 (microsoft/onnxruntime#27379)
# and leave a folder in the user's cache. They read this once, when they load; turning it off later
# by their API comes too late. Whatever it was set to: nothing of ours calls anybody.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

if TYPE_CHECKING:
    from portravox.engines.base import Avatar as Avatar
    from portravox.engines.base import Engine as Engine
    from portravox.engines.embedded import EmbeddedEngine as EmbeddedEngine
    from portravox.errors import PortravoxError as PortravoxError
    from portravox.labels.signer import Credentials as Credentials
    from portravox.media.picture import Picture as Picture
    from portravox.media.picture_file import read_picture as read_picture
    from portravox.media.voice_file import read_voice as read_voice
    from portravox.media.waveform import Waveform as Waveform
    from portravox.options import Direction as Direction
    from portravox.options import JobOptions as JobOptions
    from portravox.options import SpokenText as SpokenText
    from portravox.pipeline import Animation as Animation
    from portravox.pipeline import Progress as Progress
    from portravox.pipeline import animate as animate

_HOMES = {
    "Animation": "portravox.pipeline",
    "Avatar": "portravox.engines.base",
    "Credentials": "portravox.labels.signer",
    "Direction": "portravox.options",
    "EmbeddedEngine": "portravox.engines.embedded",
    "Engine": "portravox.engines.base",
    "JobOptions": "portravox.options",
    "Picture": "portravox.media.picture",
    "PortravoxError": "portravox.errors",
    "Progress": "portravox.pipeline",
    "SpokenText": "portravox.options",
    "Waveform": "portravox.media.waveform",
    "animate": "portravox.pipeline",
    "read_picture": "portravox.media.picture_file",
    "read_voice": "portravox.media.voice_file",
}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'portravox' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
