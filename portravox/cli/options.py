"""Options that several commands share: names, texts and defaults.

Flow      cli.options -> cli.animate, cli.batch

Ranges are told here and checked in one place, `Direction` and `animate`, for every way in.
"""

from __future__ import annotations

from typing import Annotated

import typer

TemplateId = Annotated[
    str,
    typer.Option(
        "--template-id",
        metavar="NAME",
        help="How the head moves: calm (presenting), normal or active (singing).",
    ),
]
EyeMoveFreq = Annotated[
    float, typer.Option("--eye-move-freq", metavar="0..1", help="Blinks per second.")
]
VideoFps = Annotated[int, typer.Option("--video-fps", metavar="15..30", help="Frames per second.")]
MouthMoveStrength = Annotated[
    float,
    typer.Option("--mouth-move-strength", metavar="0..1.5", help="How far the mouth opens."),
]
HeadMoveStrength = Annotated[
    float,
    typer.Option("--head-move-strength", metavar="0..1", help="How far the head moves."),
]
PasteBack = Annotated[
    bool,
    typer.Option(
        "--paste-back/--no-paste-back", help="The whole picture, or a square around the face."
    ),
]
Seed = Annotated[
    int,
    typer.Option("--seed", metavar="N", help="Same seed, same inputs: same video."),
]
EngineName = Annotated[
    str, typer.Option("--engine", metavar="NAME", help="embedded: needs no graphics card.")
]
MaxSide = Annotated[
    int | None,
    typer.Option(
        "--max-side",
        metavar="64..4096",
        help="Scale the picture down to this longer side.",
        show_default="the picture's own, up to 4096",
    ),
]
Quality = Annotated[str, typer.Option("--quality", metavar="NAME", help="draft, standard or high.")]
VisibleLabel = Annotated[
    str | None,
    typer.Option(
        "--visible-label",
        metavar="zh|en",
        help="Write in the picture that it is AI-made. The file's metadata always says so.",
        show_default="none",
    ),
]
Transcript = Annotated[
    str | None,
    typer.Option(
        "--transcript",
        metavar="TEXT",
        help="What is said in the recording: lips then shut more surely for p, b, m.",
        show_default="none",
    ),
]
Language = Annotated[
    str | None,
    typer.Option(
        "--language",
        metavar="CODE",
        help="Of the transcript (en, fr, pt-br), where its letters do not tell.",
        show_default="en for Latin letters",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="One line of JSON on stdout, and nothing else there.")
]
