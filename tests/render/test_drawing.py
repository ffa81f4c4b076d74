from __future__ import annotations

import numpy as np
import pytest

from portravox.render.drawing import (
    Box,
    box_around,
    lay_over,
    line_cover,
    polygon_cover,
    soften_drawn,
)

SQUARE = np.array([[2.5, 3.5], [8.5, 3.5], [8.5, 9.5], [2.5, 9.5]])
"""Six pixels wide and high; its sides lie on borders between pixels."""


def test_a_polygon_covers_its_area() -> None:
    cover = polygon_cover(SQUARE, (14, 14), fine=8)
    assert cover.sum() == pytest.approx(36, rel=0.06)
    assert cover[6, 5] == 1.0
    assert cover[1, 1] == 0.0


def test_a_polygon_moved_by_half_a_pixel_covers_its_border_half() -> None:
    cover = polygon_cover(SQUARE + np.array([0.5, 0.0]), (14, 14), fine=8)
    assert cover[6, 3] == pytest.approx(0.5, abs=0.1)
    assert cover[6, 9] == pytest.approx(0.5, abs=0.1)


def test_a_line_fades_where_its_strength_does() -> None:
    path = np.array([[2.0, 5.0], [7.0, 5.0], [12.0, 5.0]])
    cover = line_cover(path, np.array([1.0, 0.3, 0.0]), 2.0, (15, 11))
    assert cover[5, 4] > 0.8
    assert 0.15 < cover[5, 9] < 0.45
    assert cover[0].max() == 0.0


def test_laying_over_keeps_to_the_cover() -> None:
    below = np.full((2, 2, 3), 100, np.uint8)
    lay_over(below, np.array([200.0, 0.0, 100.0]), np.array([[0.0, 1.0], [0.5, 0.25]]))
    assert below[0, 0].tolist() == [100, 100, 100]
    assert below[0, 1].tolist() == [200, 0, 100]
    assert below[1, 0].tolist() == [150, 50, 100]


def test_a_box_is_cut_to_the_frame_or_absent() -> None:
    frame = np.zeros((20, 30, 3), np.uint8)
    assert box_around(np.array([[25.0, 5.0], [40.0, 9.0]]), 2, frame) == Box(23, 3, 30, 12)
    assert box_around(np.array([[50.0, 5.0], [60.0, 9.0]]), 2, frame) is None


def test_what_is_drawn_gets_softer_and_the_rest_stays() -> None:
    before = np.full((40, 60, 3), 180, np.uint8)
    before[:, :5] = 20  # an edge that was there
    drawn = before.copy()
    drawn[:, 40] = 60
    soften_drawn(drawn, before, 2.0)
    np.testing.assert_array_equal(drawn[:, :30], before[:, :30])
    darker = 180.0 - drawn[20, :, 0][30:51]
    place = np.arange(30, 51)
    middle = float((darker * place).sum() / darker.sum())
    width = float(np.sqrt((darker * (place - middle) ** 2).sum() / darker.sum()))
    assert middle == pytest.approx(40.0, abs=0.1)
    assert 1.2 < width < 2.2  # a line one pixel wide, blurred by 2, as far as it was drawn
