"""A font that has every letter of a text: the one that is named, Pillow's own, or the system's.

Flow      a text -> captions.fonts -> captions.burned
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from portravox.errors import SettingOutOfRange

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_NO_LETTER: Final = "\U0010fffd"
"""What no font draws: it shows how the font draws what it does not have."""

_FONT_TIME_S: Final = 10.0

OpenFont = Callable[[int], "FreeTypeFont"]
"""px of an em -> the font at that size"""


@dataclass(frozen=True, slots=True)
class FontFile:
    """A font in a file that may have several."""

    path: Path
    index: int = 0


def font_for(text: str, file: Path | None = None) -> OpenFont:
    """A font that has every letter of a text, as `font_file_for` finds it."""
    return opened_font(font_file_for(text, file))


def opened_font(file: FontFile | None) -> OpenFont:
    """A font of a file; Pillow's own where there is none."""
    return _of_pillow if file is None else _of_file(file)


def font_file_for(text: str, file: Path | None = None) -> FontFile | None:
    """The font that has every letter of a text: the one that is named; else Pillow's own, which has
    Latin ones (None); else one of the system's.

    Raises SettingOutOfRange where the named one, or any that is found, lacks a letter.
    """
    letters = {letter for letter in text if not letter.isspace()}
    if file is not None:
        named = FontFile(file)
        lacks = _lacking(_of_file(named), letters)
        if lacks:
            raise SettingOutOfRange("captions_font", str(file), f"a font that has {_shown(lacks)}")
        return named
    for candidate in (None, *_of_system(letters)):
        if not _lacking(opened_font(candidate), letters):
            return candidate
    missing = SettingOutOfRange(
        "captions_font", None, f"a font that has {_shown(_lacking(_of_pillow, letters))}"
    )
    missing.hint = (
        "Name a font's file: --captions-font FILE; or install one: `apt-get install fontconfig"
        " fonts-noto-cjk` brings one with Chinese, Japanese and Korean letters."
    )
    raise missing


def _of_pillow(em_px: int) -> FreeTypeFont:
    from PIL import ImageFont

    font = ImageFont.load_default(em_px)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _of_file(file: FontFile) -> OpenFont:
    from PIL import ImageFont

    def opened(em_px: int) -> FreeTypeFont:
        try:
            return ImageFont.truetype(file.path, em_px, index=file.index)
        except (OSError, ValueError) as error:
            raise SettingOutOfRange("captions_font", str(file.path), f"a font ({error})") from error

    return opened


def _of_system(letters: Iterable[str]) -> list[FontFile]:
    """What fontconfig names as the best for some letters, where it is installed."""
    program = shutil.which("fc-match")
    if program is None:
        return []
    wanted = " ".join(sorted(f"{ord(letter):x}" for letter in letters))
    command = [program, "-f", "%{index}\t%{file}", f"sans-serif:charset={wanted}"]
    try:
        told = subprocess.run(
            command, capture_output=True, timeout=_FONT_TIME_S, check=False, text=True
        )
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return []
    index, _, file = told.stdout.partition("\t")
    return [FontFile(Path(file), int(index))] if index.isdecimal() and Path(file).is_file() else []


def _lacking(font: OpenFont, letters: Iterable[str]) -> list[str]:
    """Letters that a font draws as what it does not have."""
    opened = font(32)
    unknown = _drawn(opened, _NO_LETTER)
    return sorted(letter for letter in letters if _drawn(opened, letter) == unknown)


def _drawn(font: FreeTypeFont, letter: str) -> tuple[object, bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)


def _shown(letters: Sequence[str]) -> str:
    return "".join(letters[:20]) + ("…" if len(letters) > 20 else "")
