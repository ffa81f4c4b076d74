"""portravox animate: one portrait, one voice, one video.

Flow      cli.app -> cli.animate -> pipeline
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portravox.cli.credentials import Certificates, Command, KeyFile, credentials_of
from portravox.cli.options import (
    CaptionsFont,
    Given,
    Json,
    Producer,
    job_options,
    with_job_options,
)
from portravox.cli.paths import STDOUT, require_file, require_no_terminal, require_video_name
from portravox.cli.progress import shown_progress
from portravox.cli.terminal import give, give_json, tell
from portravox.errors import PortravoxError, SettingOutOfRange
from portravox.labels.aigc import PRODUCER
from portravox.options import background_kind

if TYPE_CHECKING:
    from portravox.labels.signer import Credentials
    from portravox.pipeline import Animation


@with_job_options
def animate_command(
    portrait: Annotated[
        Path, typer.Argument(metavar="PORTRAIT", help="JPEG, PNG, BMP or WebP picture.")
    ],
    voice: Annotated[
        Path | None,
        typer.Argument(metavar="VOICE", help="WAV or MP3 recording, 1 s to 60 min; or --text."),
    ] = None,
    *,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="The MP4 to write; - is standard output. Transparent: a .webm or .mov.",
        ),
    ],
    given: Given,
    captions_font: CaptionsFont = None,
    producer: Producer = PRODUCER,
    c2pa_certificates: Certificates = None,
    c2pa_key_file: KeyFile = None,
    c2pa_command: Command = None,
    as_json: Json = False,
) -> None:
    """Make the person in PORTRAIT say what is heard in VOICE, or a text."""
    make_video(
        portrait,
        voice,
        output,
        given,
        producer=producer,
        as_json=as_json,
        captions_font=captions_font,
        credentials=credentials_of(c2pa_certificates, c2pa_key_file, c2pa_command),
    )


def make_video(
    portrait: Path,
    voice: Path | None,
    output: Path,
    given: Given,
    *,
    producer: str,
    as_json: bool,
    captions_font: Path | None = None,
    credentials: Credentials | None = None,
) -> None:
    """Render with progress on stderr, then print the result; to `-`, the video itself."""
    try:
        require_file(portrait, "portrait")
        require_one_voice(voice, given)
        options = job_options(given)
        if output == STDOUT and background_kind(options.background) == "transparent":
            require_video_name(output, options.background)
        if output == STDOUT:
            if options.captions in ("srt", "vtt"):
                raise SettingOutOfRange("output", "-", "a file, with captions beside it")
            if as_json:
                raise SettingOutOfRange(
                    "output", "-", "a file, where --json has the standard output"
                )
            _make_for_stdout(portrait, voice, given, producer, captions_font, credentials)
            return
        require_video_name(output, options.background)
        made = _made(portrait, voice, output, given, producer, captions_font, credentials)
    except PortravoxError as error:
        if as_json:
            give_json({"error": failure(error)})
        raise
    if as_json:
        give_json(described(made))
    else:
        give(str(made.path))
        if made.captions is not None:
            give(str(made.captions))
        tell(
            f"{made.duration_s:.1f} s, {made.width} x {made.height}, {made.fps} frames/s,"
            f" made in {made.wall_s:.1f} s ({made.real_time_factor:.2f} of its length)"
        )


def require_one_voice(voice: Path | str | None, given: Given) -> None:
    """Raise SettingOutOfRange unless there is either a recording or a text."""
    text = given.get("text")
    if voice is None and text is None:
        missing = SettingOutOfRange("voice", None, "a recording, or a text to be spoken")
        missing.hint = "`portravox animate face.jpg voice.wav …`, or `--text 'Good morning.'`."
        raise missing
    if voice is not None and text is not None:
        raise SettingOutOfRange("text", text, "either a text or a recording, and not both")
    if isinstance(voice, Path):
        require_file(voice, "voice")


def _make_for_stdout(
    portrait: Path,
    voice: Path | None,
    given: Given,
    producer: str,
    captions_font: Path | None,
    credentials: Credentials | None,
) -> None:
    """An MP4 has its table of contents in front, so it is written once it is whole."""
    require_no_terminal()
    with tempfile.TemporaryDirectory(prefix="portravox-") as folder:
        path = Path(folder) / "video.mp4"
        made = _made(portrait, voice, path, given, producer, captions_font, credentials)
        with made.path.open("rb") as video:
            shutil.copyfileobj(video, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _made(
    portrait: Path,
    voice: Path | None,
    output: Path,
    given: Given,
    producer: str,
    captions_font: Path | None = None,
    credentials: Credentials | None = None,
) -> Animation:
    from portravox.pipeline import animate

    options = job_options(given)
    with shown_progress() as on_progress:
        made = animate(
            portrait,
            voice,
            output,
            producer=producer,
            credentials=credentials,
            captions_font=captions_font,
            on_progress=on_progress,
            **asdict(options),
        )
    for notice in made.notices:
        tell(f"note: {notice}")
    return made


def described(made: Animation) -> dict[str, object]:
    """A finished video for JSON."""
    beside = None if made.captions is None else str(made.captions)
    return {
        **asdict(made),
        "path": str(made.path),
        "captions": beside,
        "notices": list(made.notices),
    }


def failure(error: PortravoxError) -> dict[str, object]:
    """An error for JSON."""
    return {"code": error.code, "message": str(error), "hint": error.hint}
