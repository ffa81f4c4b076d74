"""portravox demo: a video from what comes along with the package.

Flow      cli.app -> cli.demo -> cli.animate
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portravox.cli.animate import make_video
from portravox.cli.options import Given, Json, Producer, with_job_options
from portravox.cli.paths import STDOUT, require_folder
from portravox.demo import VOICE, demo_portrait
from portravox.errors import OutputNotWritable
from portravox.labels.aigc import PRODUCER


@with_job_options
def demo_command(
    *,
    given: Given,
    output: Annotated[Path, typer.Option("-o", "--output", help="The MP4 to write.")] = Path(
        "portravox-demo.mp4"
    ),
    producer: Producer = PRODUCER,
    as_json: Json = False,
) -> None:
    """Render a video from a portrait and a voice that come along."""
    portrait = demo_portrait()
    try:
        if output != STDOUT:
            require_folder(output.parent)
            output.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputNotWritable(output, error.strerror or str(error)) from error
    voice = VOICE if given.get("text") is None else None
    make_video(portrait, voice, output, given, producer=producer, as_json=as_json)
