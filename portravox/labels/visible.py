"""Words in the picture that say that it is made by a machine.

Flow      labels.visible -> media.encode
Gives     a small overlay for a corner of every frame

Source: GB 45438-2025 (labelling of synthetic content, China), 5.2: letters of at least 5 % of the
shorter side. Other countries ask for less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from portravox.arrays import Float32
from portravox.errors import SettingOutOfRange
from portravox.options import LabelPlace

if TYPE_CHECKING:
    from PIL.Image import Image

VisibleLabel = Literal["zh", "en"]
"""zh: AI生成, en: AI-generated."""


MIN_TEXT_SHARE = 0.05
"""Height of the capital letters over the shorter side (GB 45438-2025, 5.2)."""

_MIN_TEXT_PX = 10
"""Below this nobody can read it, whatever the share. Our choice."""

_TEXT_OPACITY, _PLATE_OPACITY = 0.92, 0.45
"""White letters on a dark plate: legible on any picture, and little of it is lost. Our choice."""

_OVERSAMPLING = 4


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """A grey drawing to lay over a corner of each frame. Place and size are even."""

    left_px: int
    top_px: int

    grey: Float32
    """(h, w) 0..1: black to white."""

    opacity: Float32
    """(h, w) 0..1."""


def visible_label(
    language: VisibleLabel, width_px: int, height_px: int, place: LabelPlace = "bottom-right"
) -> Overlay:
    """The label for frames of this size, in one of their corners."""
    if language not in ("zh", "en"):
        raise SettingOutOfRange("visible_label", language, "'zh', 'en' or None")
    draw = _chinese_text if language == "zh" else _english_text
    capital_px = max(_MIN_TEXT_PX, math.ceil(MIN_TEXT_SHARE * min(width_px, height_px)))
    # Only frames narrower than about 100 pixels have no room for the smallest letters.
    while capital_px > 1 and _plate_size(draw(capital_px), capital_px)[0] > width_px:
        capital_px -= 1
    text = draw(capital_px)
    width, height = _plate_size(text, capital_px)
    margin_px = capital_px // 2
    letters, plate = _letters_and_plate(text, width, height)
    letters, plate = letters * np.float32(_TEXT_OPACITY), plate * np.float32(_PLATE_OPACITY)
    opacity: Float32 = np.float32(1) - (np.float32(1) - letters) * (np.float32(1) - plate)
    grey: Float32 = (letters / np.maximum(opacity, np.float32(1e-6))).astype(np.float32)
    right_px, bottom_px = width_px - width - margin_px, height_px - height - margin_px
    return Overlay(
        left_px=_even(min(margin_px, right_px) if place.endswith("left") else right_px),
        top_px=_even(min(margin_px, bottom_px) if place.startswith("top") else bottom_px),
        grey=grey,
        opacity=opacity,
    )


def _even(at_px: int) -> int:
    return max(0, at_px // 2 * 2)


def _plate_size(text: Image, capital_px: int) -> tuple[int, int]:
    """(width, height) of text and its padding; even, because chroma goes by 2x2 blocks."""
    width = math.ceil((text.width / _OVERSAMPLING + capital_px) / 2) * 2
    height = math.ceil((text.height / _OVERSAMPLING + capital_px) / 2) * 2
    return width, height


def _letters_and_plate(text: Image, width_px: int, height_px: int) -> tuple[Float32, Float32]:
    """Coverage of the text and of the rounded plate behind it, both (height, width), 0..1."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    size = (width_px * _OVERSAMPLING, height_px * _OVERSAMPLING)
    letters, plate = Pillow.new("L", size), Pillow.new("L", size)
    letters.paste(text, ((size[0] - text.width) // 2, (size[1] - text.height) // 2))
    ImageDraw.Draw(plate).rounded_rectangle(
        (0, 0, size[0] - 1, size[1] - 1), radius=size[1] // 4, fill=255
    )
    shrunk = [np.asarray(mask.reduce(_OVERSAMPLING), np.float32) for mask in (letters, plate)]
    return shrunk[0] / np.float32(255), shrunk[1] / np.float32(255)


def _english_text(capital_px: int) -> Image:
    """'AI-generated' in the font that Pillow carries, oversampled, cropped to the ink."""
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    text = "AI-generated"
    capital_share = -ImageFont.load_default(100).getbbox("AI", anchor="ls")[1] / 100
    font = ImageFont.load_default(capital_px * _OVERSAMPLING / capital_share)
    left, top, right, bottom = map(round, font.getbbox(text, anchor="ls"))
    mask = Pillow.new("L", (right - left, bottom - top))
    ImageDraw.Draw(mask).text((-left, -top), text, fill=255, font=font, anchor="ls")
    return mask


def _chinese_text(capital_px: int) -> Image:
    """'AI生成' in strokes of our own, oversampled: few machines without a desktop have a font for
    it, and a whole font for two characters would weigh more than the rest of the package."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    em = round(capital_px * _OVERSAMPLING / _CAPITAL_EM)
    pen = max(1, round(em * _PEN_EM))
    advance = sum(width for width, _ in _GLYPHS) + _GAP_EM * (len(_GLYPHS) - 1)
    mask = Pillow.new("L", (round(advance * em) + pen, em + pen))
    draw = ImageDraw.Draw(mask)
    left = 0.0
    for width, strokes in _GLYPHS:
        for stroke in strokes:
            points = [((left + x) * em + pen / 2, y * em + pen / 2) for x, y in stroke]
            draw.line(points, fill=255, width=pen, joint="curve")
            for x, y in points:  # round ends
                draw.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=255)
        left += width + _GAP_EM
    return mask


_PEN_EM, _GAP_EM = 0.085, 0.2

_CAPITAL_EM = 0.86
"""Height of the capitals below over the em."""

_GLYPHS: tuple[tuple[float, tuple[tuple[tuple[float, float], ...], ...]], ...] = (
    # A
    (0.66, (((0.0, 0.93), (0.33, 0.07), (0.66, 0.93)), ((0.12, 0.64), (0.54, 0.64)))),
    # I
    (0.10, (((0.05, 0.07), (0.05, 0.93)),)),
    # 生
    (
        0.92,
        (
            ((0.25, 0.06), (0.19, 0.25), (0.07, 0.43)),
            ((0.20, 0.27), (0.84, 0.27)),
            ((0.14, 0.59), (0.80, 0.59)),
            ((0.48, 0.02), (0.48, 0.93)),
            ((0.02, 0.93), (0.92, 0.93)),
        ),
    ),
    # 成
    (
        0.94,
        (
            ((0.13, 0.23), (0.92, 0.23)),
            ((0.13, 0.23), (0.13, 0.52), (0.10, 0.74), (0.02, 0.95)),
            ((0.14, 0.46), (0.43, 0.46), (0.42, 0.68), (0.38, 0.78), (0.26, 0.76)),
            (
                (0.53, 0.02),
                (0.55, 0.28),
                (0.61, 0.53),
                (0.70, 0.74),
                (0.81, 0.89),
                (0.89, 0.93),
                (0.94, 0.74),
            ),
            ((0.84, 0.38), (0.77, 0.57), (0.64, 0.76), (0.44, 0.93)),
            ((0.69, 0.03), (0.82, 0.13)),
        ),
    ),
)
"""(width, strokes) of each character; a stroke is a line through points; em units, y down."""
