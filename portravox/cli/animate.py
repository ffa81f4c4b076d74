"""portravox animate: one portrait, one voice, one video.

Flow      cli.app -> cli.animate -> pipeline
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from portravox.cli.options import (
    EngineName,
    EyeMoveFreq,
    HeadMoveStrength,
    Json,
    Language,
    MaxSide,
    MouthMoveStrength,
    PasteBack,
    Quality,
    Seed,
    TemplateId,
    Transcript,
    VideoFps,
    VisibleLabel,
)
from portravox.cli.progress import shown_progress
from portravox.cli.terminal import give, give_json, tell
from portravox.errors import PortravoxError

if TYPE_CHECKING:
    from portravox.pipeline import Animation


def animate_command(
    portrait: Annotated[
        Path, typer.Argument(metavar="PORTRAIT", help="JPEG, PNG, BMP or WebP picture.")
    ],
    voice: Annotated[
        Path, typer.Argument(metavar="VOICE", help="WAV or MP3 recording, 1 to 180 s.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The MP4 to write.")],
    template_id: TemplateId = "normal",
    eye_move_freq: EyeMoveFreq = 0.5,
    video_fps: VideoFps = 24,
    mouth_move_strength: MouthMoveStrength = 1.0,
    head_move_strength: HeadMoveStrength = 0.7,
    paste_back: PasteBack = True,
    seed: Seed = 0,
    engine: EngineName = "embedded",
    max_side: MaxSide = None,
    quality: Quality = "standard",
    visible_label: VisibleLabel = None,
    transcript: Transcript = None,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Make the person in PORTRAIT say what is heard in VOICE."""
    make_video(
        portrait,
        voice,
        output,
        as_json=as_json,
        template_id=template_id,
        eye_move_freq=eye_move_freq,
        video_fps=video_fps,
        mouth_move_strength=mouth_move_strength,
        head_move_strength=head_move_strength,
        paste_back=paste_back,
        seed=seed,
        engine=engine,
        max_side=max_side,
        quality=quality,
        visible_label=visible_label,
        transcript=transcript,
        language=language,
    )


def make_video(
    portrait: Path, voice: Path, output: Path, *, as_json: bool, **settings: Any
) -> None:
    """Render with progress on stderr, then print the result; `settings` are those of animate."""
    from portravox.pipeline import animate

    try:
        with shown_progress() as on_progress:
            made = animate(portrait, voice, output, on_progress=on_progress, **settings)
    except PortravoxError as error:
        if as_json:
            give_json({"error": failure(error)})
        raise
    for notice in made.notices:
        tell(f"note: {notice}")
    if as_json:
        give_json(described(made))
    else:
        give(str(made.path))
        tell(
            f"{made.duration_s:.1f} s, {made.width} x {made.height}, {made.fps} frames/s,"
            f" made in {made.wall_s:.1f} s ({made.real_time_factor:.2f} of its length)"
        )


def described(made: Animation) -> dict[str, object]:
    """A finished video for JSON."""
    return {**asdict(made), "path": str(made.path), "notices": list(made.notices)}


def failure(error: PortravoxError) -> dict[str, object]:
    """An error for JSON."""
    return {"code": error.code, "message": str(error), "hint": error.hint}
