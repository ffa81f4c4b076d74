"""What the compiled pass does to a pixel, on a mouth drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.arrays import UInt8
from portravox.ramps import smoothstep
from portravox.render.drawing import Box
from portravox.render.interior import Layer, LipLine, Shades, lip_table, paint_interior

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


def test_lips_along_the_mouth_are_their_points_joined_by_lines() -> None:
    rng = np.random.default_rng(8)
    x = np.linspace(30, 90, 9)
    up = np.column_stack([x, 40 - rng.uniform(0, 4, 9)])
    low = np.column_stack([x, 41 + rng.uniform(0, 9, 9)])
    table, place, gap_mm = lip_table(up, low, 5.0, MM, 1.5, 0.8, 0.6)
    left, right = (up[0] + low[0]) / 2, (up[-1] + low[-1]) / 2
    width = np.linalg.norm(right - left)
    along = (right - left) / width
    down = np.array([-along[1], along[0]])
    assert np.allclose(place, [left, along, [width, 0]], atol=1e-4)
    s = np.arange(-5.0, width + 6.0)
    edges = [np.interp(s, (lip - left) @ along, (lip - left) @ down) for lip in (up, low)]
    gap = (edges[1] - edges[0]) / MM
    assert gap_mm == pytest.approx(gap.max())
    rim = 1.5 * smoothstep(0.3, 2.0, gap)
    assert np.allclose(table[:, 0], edges[0] - rim, atol=1e-4)
    assert np.allclose(table[:, 1], edges[1] + rim, atol=1e-4)
    slopes = np.column_stack([1 / np.hypot(1, np.gradient(edge)) for edge in edges])
    assert np.allclose(table[:, 2:4], slopes, atol=1e-4)


def test_lips_touch_where_they_are_near_and_not_beyond_the_corners() -> None:
    x = np.linspace(30.0, 90.0, 9)
    up = np.column_stack([x, np.full(9, 40.0)])
    apart = np.where(x < 60, 0.0, 3.0)
    table, _, _ = lip_table(up, up + np.column_stack([0 * x, apart]), 5.0, MM, 0.0, 0.8, 0.6)
    touch = table[:, 4]
    assert touch[20] == pytest.approx(0.8)  # 15 px from the left corner
    assert touch[5 + 45] == 0.0
    assert np.all(touch[:3] == 0.0)
