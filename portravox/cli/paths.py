"""What commands make of the paths they are given, before anything is read or made.

Flow      a command -> cli.paths -> pipeline, client
"""

from __future__ import annotations

import sys
from pathlib import Path

from portravox.errors import FileMissing, OutputNotWritable, SettingOutOfRange
from portravox.options import background_kind

STDOUT = Path("-")

_VIDEO_KINDS = ("3gp", "avi", "flv", "mkv", "mov", "mpeg", "mpg", "ogv", "ts", "webm", "wmv")
_OTHER_KINDS = frozenset(
    (*_VIDEO_KINDS, "gif", "jpeg", "jpg", "png", "webp", "m4a", "mp3", "ogg", "wav")
)
"""Endings that promise another kind of file than an MP4."""


def require_file(path: Path, what: str) -> None:
    """Raise FileMissing, with a way out, where an address was given for a file."""
    scheme, colon, place = str(path).partition(":")
    if scheme not in ("http", "https") or not colon or not place.startswith("/"):
        return
    # A path has one slash where two were.
    address = f"{scheme}://{place.lstrip('/')}"
    missing = FileMissing(address, f"the {what} has to be a file, and this is an address")
    missing.hint = (
        "Download it first: `curl -LO ADDRESS`; or have a server fetch it:"
        " `portravox client submit` takes addresses."
    )
    raise missing


def require_mp4(path: Path) -> None:
    """Raise OutputNotWritable for a name that promises another kind of file."""
    if path.suffix.lower().removeprefix(".") in _OTHER_KINDS:
        refused = OutputNotWritable(path, f"what is written is an MP4, and no {path.suffix}")
        refused.hint = (
            f"Name it {path.with_suffix('.mp4').name}; `ffmpeg -i {path.with_suffix('.mp4').name}"
            f" {path.name}` makes the other kind from it."
        )
        raise refused


def require_video_name(path: Path, background: str) -> None:
    """The same, by what stands behind the person: what can be seen through is no MP4.

    Raises OutputNotWritable and SettingOutOfRange.
    """
    from portravox.media.see_through import KINDS, WANTED

    if background_kind(background) != "transparent":
        require_mp4(path)
    elif path.suffix.lower() not in KINDS:
        raise SettingOutOfRange("output", str(path), WANTED)


def require_folder(folder: Path) -> None:
    """Raise OutputNotWritable where the folder that is to hold a new one is not there: a typing
    mistake makes no folders."""
    if not folder.parent.is_dir():
        raise OutputNotWritable(folder, f"there is no folder {folder.parent}")


def require_no_terminal() -> None:
    """Raise SettingOutOfRange where a video would be written into a terminal."""
    if sys.stdout.isatty():
        raise SettingOutOfRange("output", "-", "a file, or a pipe behind the command")
