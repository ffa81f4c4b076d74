"""Captions in the picture: white letters on a dark plate, within the safe area.

Flow      Cue, a font -> captions.burned -> Stamp, frame by frame -> media.encode

Sources: EBU R 95, graphics safe area (5 % from each edge); the letters are as large as lets 42 of
them stand in a line. Plate and opacity are our choice, as those of the visible label.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from portravox.arrays import Float32
from portravox.captions.cues import LINE_WIDTH, Cue
from portravox.captions.fonts import OpenFont
from portravox.labels.visible import Overlay
from portravox.media.encode import Stamp

SAFE_SHARE: Final = 0.05
_EM_OF_WIDTH: Final = (1.0 - 2.0 * SAFE_SHARE) / (0.52 * LINE_WIDTH)
"""A Latin letter takes about half of an em."""

_EM_OF_HEIGHT: Final = 0.064
"""Two lines and their plate then take less than a fifth of the picture."""

_LEAST_EM_PX: Final = 10
_LEADING: Final = 1.25
_PADDING_EM: Final = 0.35
_PLATE_OPACITY: Final = 0.6


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
