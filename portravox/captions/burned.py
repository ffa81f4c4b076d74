"""Captions in the picture: white letters on a dark plate, within the safe area.

Flow      Cue, a font -> captions.burned -> Stamp, frame by frame -> media.encode

Sources: EBU R 95, graphics safe area (5 % from each edge); the letters are as large as lets 42 of
them stand in a line. Plate and opacity are our choice, as those of the visible label.
"""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from portravox.arrays import Float32
from portravox.captions.cues import LINE_WIDTH, Cue
from portravox.errors import SettingOutOfRange
from portravox.labels.visible import Overlay
from portravox.media.encode import Stamp

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

SAFE_SHARE: Final = 0.05
_EM_OF_WIDTH: Final = (1.0 - 2.0 * SAFE_SHARE) / (0.52 * LINE_WIDTH)
"""A Latin letter takes about half of an em."""

_EM_OF_HEIGHT: Final = 0.064
"""Two lines and their plate then take less than a fifth of the picture."""

_LEAST_EM_PX: Final = 10
_LEADING: Final = 1.25
_PADDING_EM: Final = 0.35
_PLATE_OPACITY: Final = 0.6
_NO_LETTER: Final = "\U0010fffd"
"""What no font draws: it shows how the font draws what it does not have."""

_FONT_TIME_S: Final = 10.0

OpenFont = Callable[[int], "FreeTypeFont"]
"""px of an em -> the font at that size"""


def font_for(text: str, file: Path | None = None) -> OpenFont:
    """A font that has every letter of a text: the one that is named; else Pillow's own, which has
    Latin ones; else one of the system's.

    Raises SettingOutOfRange where the named one, or any that is found, lacks a letter.
    """
    letters = {letter for letter in text if not letter.isspace()}
    if file is not None:
        named = _of_file(file, 0)
        lacks = _lacking(named, letters)
        if lacks:
            raise SettingOutOfRange("captions_font", str(file), f"a font that has {_shown(lacks)}")
        return named
    for candidate in (_of_pillow, *_of_system(letters)):
        if not _lacking(candidate, letters):
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


def _of_file(file: Path, index: int) -> OpenFont:
    from PIL import ImageFont

    def opened(em_px: int) -> FreeTypeFont:
        try:
            return ImageFont.truetype(file, em_px, index=index)
        except (OSError, ValueError) as error:
            raise SettingOutOfRange("captions_font", str(file), f"a font ({error})") from error

    return opened


def _of_system(letters: Iterable[str]) -> list[OpenFont]:
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
    return [_of_file(Path(file), int(index))] if index.isdecimal() and Path(file).is_file() else []


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


class BurnedCaptions:
    """The captions of one video, drawn when they are shown."""

    def __init__(
        self,
        cues: Sequence[Cue],
        font: OpenFont,
        *,
        width_px: int,
        height_px: int,
        fps: int,
        clear_px: int = 0,
    ) -> None:
        """clear_px: at the foot of the picture, where something else is written"""
        self._cues = list(cues)
        self._font = font
        self._size = (width_px, height_px)
        self._fps = fps
        self._clear_px = clear_px
        self._place = 0
        self._drawn: tuple[int, Stamp] | None = None

    def at(self, frame: int) -> Stamp | None:
        """What is shown on a frame; frames are asked for in order."""
        now_s = frame / self._fps
        while self._place < len(self._cues) and self._cues[self._place].end_s <= now_s:
            self._place += 1
        if self._place == len(self._cues) or self._cues[self._place].start_s > now_s:
            return None
        if self._drawn is None or self._drawn[0] != self._place:
            lines = self._cues[self._place].lines
            overlay = caption_overlay(lines, self._font, *self._size, clear_px=self._clear_px)
            self._drawn = self._place, Stamp(overlay)
        return self._drawn[1]


def caption_overlay(
    lines: Sequence[str], font: OpenFont, width_px: int, height_px: int, *, clear_px: int = 0
) -> Overlay:
    """One or two lines at the foot of the picture, in the middle."""
    from PIL import Image, ImageDraw

    room_px = (1.0 - 2.0 * SAFE_SHARE) * width_px
    em_px = max(_LEAST_EM_PX, round(min(_EM_OF_WIDTH * width_px, _EM_OF_HEIGHT * height_px)))
    while True:
        opened = font(em_px)
        padding_px = math.ceil(_PADDING_EM * em_px)
        longest_px = max(opened.getlength(line) for line in lines)
        if longest_px + 2 * padding_px <= room_px or em_px <= 4:
            break
        em_px -= 1
    line_px = _LEADING * em_px
    width = min(_even(longest_px + 2 * padding_px), width_px)
    height = min(_even(line_px * len(lines) + 2 * padding_px), height_px)
    letters = Image.new("L", (width, height))
    draw = ImageDraw.Draw(letters)
    for place, line in enumerate(lines):
        middle = (width / 2, padding_px + (place + 0.5) * line_px)
        draw.text(middle, line, fill=255, font=opened, anchor="mm")
    plate = Image.new("L", (width, height))
    ImageDraw.Draw(plate).rounded_rectangle(
        (0, 0, width - 1, height - 1), radius=padding_px, fill=255
    )
    ink: Float32 = np.asarray(letters, np.float32) / np.float32(255)
    dark = np.asarray(plate, np.float32) / np.float32(255) * np.float32(_PLATE_OPACITY)
    opacity: Float32 = 1 - (1 - ink) * (1 - dark)
    foot_px = max(round(SAFE_SHARE * height_px), clear_px)
    return Overlay(
        left_px=(width_px - width) // 4 * 2,
        top_px=max(0, (height_px - height - foot_px) // 2 * 2),
        grey=(ink / np.maximum(opacity, np.float32(1e-6))).astype(np.float32),
        opacity=opacity.astype(np.float32),
    )


def _even(length_px: float) -> int:
    return math.ceil(length_px / 2.0) * 2
