"""portravox demo: a video from what comes along with the package.

Flow      cli.app -> cli.demo -> cli.animate

The portrait is the astronaut Eileen Collins, a public-domain photograph of NASA's that
scikit-image carries; how the voice was made stands in portravox/demo/VOICE.md.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

import portravox
from portravox.cli.animate import make_video
from portravox.cli.options import Json
from portravox.errors import FileMissing, OutputNotWritable

VOICE = Path(portravox.__file__).parent / "demo" / "voice.wav"


def demo_command(
    output: Annotated[Path, typer.Option("-o", "--output", help="The MP4 to write.")] = Path(
        "portravox-demo.mp4"
    ),
    as_json: Json = False,
) -> None:
    """Render a video from a portrait and a voice that come along."""
    portrait = demo_portrait()
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputNotWritable(output, error.strerror or str(error)) from error
    make_video(portrait, VOICE, output, as_json=as_json)


def demo_portrait() -> Path:
    """The photograph inside scikit-image. Raises FileMissing where that is not installed."""
    spec = find_spec("skimage")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "data" / "astronaut.png"
        if path.is_file():
            return path
    missing = FileMissing("the portrait of the demo", "scikit-image is not installed")
    missing.hint = "pip install 'portravox[demo]'"
    raise missing
