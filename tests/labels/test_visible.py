"""The words in the picture are as high as the rule asks, and can be read."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.errors import SettingOutOfRange
from portravox.labels.visible import MIN_TEXT_SHARE, visible_label
from portravox.options import LABEL_PLACES

SIZES = [(512, 512), (1080, 1920), (1920, 1080), (2048, 700), (4096, 4096)]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_letters_are_as_high_as_the_rule_asks(language: str, size: tuple[int, int]) -> None:
    overlay = visible_label(language, *size)
    inked = np.flatnonzero(((overlay.opacity > 0.7) & (overlay.grey > 0.7)).any(axis=1))
    assert inked[-1] - inked[0] + 1 >= MIN_TEXT_SHARE * min(size)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", [*SIZES, (96, 128), (48, 48), (16, 16)], ids=str)
def test_the_label_lies_within_the_frame_on_whole_blocks(
    language: str, size: tuple[int, int]
) -> None:
    overlay = visible_label(language, *size)
    height, width = overlay.grey.shape
    assert all(n % 2 == 0 for n in (overlay.left_px, overlay.top_px, height, width))
    assert overlay.left_px >= 0 and overlay.left_px + width <= size[0]
    assert overlay.top_px >= 0 and overlay.top_px + height <= size[1]
    assert np.all((overlay.opacity >= 0) & (overlay.opacity <= 1))
    assert np.all((overlay.grey >= 0) & (overlay.grey <= 1))


@pytest.mark.parametrize("size", [(320, 180), (181, 321)], ids=str)
def test_each_corner_has_its_place(size: tuple[int, int]) -> None:
    """As far from the sides as in the usual corner, but for the evenness of its place."""
    usual = visible_label("en", *size)
    height, width = usual.grey.shape
    right, below = size[0] - usual.left_px - width, size[1] - usual.top_px - height
    for place in LABEL_PLACES:
        label = visible_label("en", *size, place)
        across = label.left_px if "left" in place else size[0] - label.left_px - width
        down = label.top_px if "top" in place else size[1] - label.top_px - height
        assert abs(across - right) <= 2 and abs(down - below) <= 2
        assert np.array_equal(label.grey, usual.grey)


@pytest.mark.parametrize("background", [0.0, 0.5, 1.0])
def test_it_stands_out_from_any_background(background: float) -> None:
    overlay = visible_label("zh", 1024, 1024)
    seen = background * (1 - overlay.opacity) + overlay.grey * overlay.opacity
    letters = seen[(overlay.grey > 0.9) & (overlay.opacity > 0.9)]
    plate = seen[overlay.grey < 0.05]
    assert letters.mean() - np.median(plate) > 0.35


def test_other_languages_are_refused() -> None:
    with pytest.raises(SettingOutOfRange, match="zh"):
        visible_label("fr", 100, 100)  # type: ignore[arg-type]
