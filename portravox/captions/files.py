"""Caption files as players read them: SubRip and WebVTT.

Flow      Cue -> captions.files -> a file beside the video
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from portravox.captions.cues import Cue

CaptionKind = Literal["srt", "vtt"]
KINDS: Final[tuple[CaptionKind, ...]] = ("srt", "vtt")
"""SubRip, which all players know, and WebVTT, which browsers know (W3C)."""


def written(cues: Sequence[Cue], kind: CaptionKind) -> str:
    """The file as a text."""
    if kind == "vtt":
        blocks = ["WEBVTT", *(_block(cue, ".") for cue in cues)]
    else:
        blocks = [f"{place}\n{_block(cue, ',')}" for place, cue in enumerate(cues, start=1)]
    return "\n\n".join(blocks) + "\n"


def _block(cue: Cue, point: str) -> str:
    start, end = (_moment(seconds, point) for seconds in (cue.start_s, cue.end_s))
    lines = [line.replace("-->", "→") for line in cue.lines]
    if point == ".":
        lines = [line.replace("&", "&amp;").replace("<", "&lt;") for line in lines]
    return "\n".join([f"{start} --> {end}", *lines])


def _moment(seconds: float, point: str) -> str:
    """00:00:01.250"""
    milliseconds = round(seconds * 1000.0)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"
