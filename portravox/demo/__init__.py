"""What there is to try things with: a portrait and a voice.

Flow      model_files -> demo -> cli.demo, service.routes.studio

The portrait is the astronaut Eileen Collins, a public-domain photograph of NASA's that
scikit-image's package carries, and is fetched as the models are; how the voice was made stands in
VOICE.md.
"""

from __future__ import annotations

from pathlib import Path

from portravox.model_files.catalogue import DEMO_PORTRAIT, file_named
from portravox.model_files.required import required
from portravox.model_files.store import find

VOICE = Path(__file__).parent / "voice.wav"


def demo_portrait() -> Path:
    """The photograph, a PNG, fetched now if it is not there yet.

    Raises ModelFileMissing, ModelFileBroken or ModelFetchFailed.
    """
    return required(DEMO_PORTRAIT)


def demo_portrait_if_here() -> Path | None:
    """The photograph; None where it was not fetched."""
    return find(file_named(DEMO_PORTRAIT))
