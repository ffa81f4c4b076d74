"""Local files in a form that every server takes: what the contract does not list is converted here.

Flow      cli.client -> cli.uploadable -> client.api -> a server
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from portravox.cli.terminal import tell
from portravox.errors import PictureError, PictureTooLarge, PictureUnsupported, VoiceError


@contextlib.contextmanager
def uploadable(portrait: str, voice: str | None = None) -> Iterator[tuple[str, str | None]]:
    """Both inputs, with temporary copies in place of files that a server would refuse for their
    kind or size. Addresses stay as they are, and so do files that cannot be read: the server says
    why."""
    with tempfile.TemporaryDirectory(prefix="portravox-") as folder:
        yield (
            _picture(portrait, Path(folder)),
            None if voice is None else _voice(voice, Path(folder)),
        )


def _picture(given: str, folder: Path) -> str:
    from portravox.media.picture_file import PictureLimits, read_picture
    from portravox.media.plain_files import write_jpeg, write_png

    path = Path(given)
    if "://" in given or not path.is_file():
        return given
    limits = PictureLimits.service()
    try:
        read_picture(path, limits)
        return given
    except (PictureUnsupported, PictureTooLarge):
        pass
    except PictureError:
        return given
    try:
        picture = read_picture(path)
    except PictureError:
        return given
    converted = folder / f"{path.stem}.png"
    write_png(converted, picture.pixels)
    if converted.stat().st_size > limits.max_bytes:
        converted = folder / f"{path.stem}.jpg"
        write_jpeg(converted, picture.pixels)
    _tell_converted(path, converted, picture.notices)
    return str(converted)


def _voice(given: str, folder: Path) -> str:
    from portravox.media.plain_files import write_mp3, write_wav
    from portravox.media.voice_file import VoiceLimits, read_voice

    path = Path(given)
    if "://" in given or not path.is_file():
        return given
    limits = VoiceLimits.service()
    try:
        voice = read_voice(path, VoiceLimits.service("all"))  # of any kind, and no longer
    except VoiceError:
        return given
    with contextlib.suppress(VoiceError):
        read_voice(path, limits)
        return given
    converted = folder / f"{path.stem}.wav"
    write_wav(converted, voice)
    if converted.stat().st_size > limits.max_bytes:
        converted = folder / f"{path.stem}.mp3"
        write_mp3(converted, voice)
    _tell_converted(path, converted, voice.notices)
    return str(converted)


def _tell_converted(path: Path, converted: Path, notices: tuple[str, ...]) -> None:
    tell(f"note: {path.name} is sent as {converted.name}, which every server takes")
    for notice in notices:
        tell(f"note: {notice}")
