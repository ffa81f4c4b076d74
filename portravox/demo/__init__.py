"""What comes along to try things with: a portrait and a voice.

Flow      demo -> cli.demo, service.routes.studio

The portrait is the astronaut Eileen Collins, a public-domain photograph of NASA's that
scikit-image carries; how the voice was made stands in VOICE.md.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from portravox.errors import FileMissing

VOICE = Path(__file__).parent / "voice.wav"


def demo_portrait() -> Path:
    """The photograph inside scikit-image, a PNG. Raises FileMissing where that is not installed."""
    spec = find_spec("skimage")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "data" / "astronaut.png"
        if path.is_file():
            return path
    missing = FileMissing("the portrait of the demo", "scikit-image is not installed")
    missing.hint = "pip install 'portravox[demo]'"
    raise missing
