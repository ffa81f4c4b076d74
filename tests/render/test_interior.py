"""What the compiled pass does to a pixel, on a mouth drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.arrays import UInt8
from portravox.render.drawing import Box
from portravox.render.interior import Layer, LipLine, Shades, paint_interior

MM = 3.0
LEFT, WIDTH, MIDDLE = 20, 60, 30
CLEAR = Layer(np.zeros((4, 4, 4), np.float32), np.eye(2, 3, dtype=np.float32))
BLANK = np.zeros((8, 8), np.float32)
SKIN = 150


def painted(gap_px: float, touch: float = 0.0, gloss: float = 0.0, upper: Layer = CLEAR) -> UInt8:
    """(64, 100, 3) a mouth with straight lips, gap_px apart."""
    frame = np.full((64, 100, 3), SKIN, np.uint8)
    s = np.arange(-6.0, WIDTH + 7.0)
    open_ = np.clip(np.minimum(s, WIDTH - s) / 10.0, 0, 1) * gap_px / 2
    one = np.ones_like(s)
    table = np.column_stack([-open_, open_, one, one, touch * one]).astype(np.float32)
    at = np.array([LEFT, MIDDLE], np.float32)
    lips = LipLine(table, at, np.array([1.0, 0.0], np.float32), -6.0, float(WIDTH))
    shades = Shades(
        cavity=np.array([40, 16, 14], np.float32),
        contact=np.array([60, 30, 30], np.float32),
        falloff=np.zeros(3, np.float32),
        mm=MM, edge_px=0.6, contact_px=1.0, narrow=1.0, upper=1.0, tongue=1.0,
        tongue_in_front=0.0, photographed=0.0, gloss=gloss, grain=0.0,
    )  # fmt: skip
    paint_interior(frame, Box(0, 0, 100, 64), lips, shades, upper, CLEAR, CLEAR, CLEAR, BLANK)
    return frame


def test_shut_lips_without_a_line_stay_as_they_are() -> None:
    assert np.all(painted(0.0) == SKIN)


def test_shut_lips_get_a_dark_line_where_asked() -> None:
    column = painted(0.0, touch=0.6)[:, 50, 0]
    assert column.argmin() == MIDDLE
    assert column.min() < 0.75 * SKIN
    assert column[25] == SKIN


def test_an_opening_is_dark_in_the_middle_and_its_edges_are_soft() -> None:
    column = painted(20.0)[:, 50, 1].astype(int)
    assert column[30] < 30
    assert np.all(np.diff(column[15:30]) <= 1)  # ever darker going in
    assert ((column > 40) & (column < 100)).any()


@pytest.mark.parametrize("gap_px", [0.2, 0.5, 1.0, 2.0, 4.0])
def test_a_wider_gap_is_a_darker_one(gap_px: float) -> None:
    def darkness(gap: float) -> float:
        return float((SKIN - painted(gap)[:, 50].astype(float)).sum())

    assert darkness(gap_px) > darkness(gap_px / 2)


def test_teeth_are_darkest_right_under_the_lip() -> None:
    white = np.ones((80, 120, 4), np.float32)
    white[..., :3] = 220.0
    teeth = Layer(white, np.eye(2, 3, dtype=np.float32))
    column = painted(24.0, upper=teeth)[:, 50, 0].astype(int)
    assert column[20] < column[23] < column[28]
    assert column[28] > 180


def test_the_lower_lip_glistens_just_below_the_opening() -> None:
    dull, wet = (painted(20.0, gloss=g)[:, 50, 0].astype(int) for g in (0.0, 0.2))
    brighter = wet - dull
    assert MIDDLE + 10 < brighter.argmax() < MIDDLE + 10 + 2 * MM
    assert brighter[:MIDDLE].max() == 0
