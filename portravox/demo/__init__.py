"""What there is to try things with: portraits and voices.

Flow      model_files -> demo -> cli.demo, service.routes.studio

The portrait of the demo is the astronaut Eileen Collins, a public-domain photograph of NASA's that
scikit-image's package carries, and is fetched as the models are. Three more people were drawn by
code, so that nobody had to be asked (handbook/people.py); how the voices were made stands in
VOICE.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from portravox.model_files.catalogue import DEMO_PORTRAIT, file_named
from portravox.model_files.required import required
from portravox.model_files.store import find

_FOLDER = Path(__file__).parent

VOICE = _FOLDER / "voice.wav"


@dataclass(frozen=True, slots=True)
class Example:
    """A portrait and a voice that go together."""

    name: str
    portrait: Path
    voice: Path
    preset: str
    """How the person moves, by the name that `service.option_controls` knows."""


_DRAWN = tuple(
    Example(name, _FOLDER / f"{name}.jpg", _FOLDER / f"{name}.mp3", preset)
    for name, preset in (("man", "song"), ("statue", "news"), ("woman", "natural"))
)


def demo_portrait() -> Path:
    """The photograph, a PNG, fetched now if it is not there yet.

    Raises ModelFileMissing, ModelFileBroken or ModelFetchFailed.
    """
    return required(DEMO_PORTRAIT)


def demo_portrait_if_here() -> Path | None:
    """The photograph; None where it was not fetched."""
    return find(file_named(DEMO_PORTRAIT))


def examples() -> tuple[Example, ...]:
    """Those whose files are here, the photograph first."""
    photograph = demo_portrait_if_here()
    if photograph is None:
        return _DRAWN
    return (Example("photograph", photograph, VOICE, "natural"), *_DRAWN)
