"""Teeth are found in a photograph, and the row is completed around them."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.arrays import Float32
from portravox.render.own_teeth import completed, own_row, toothness
from portravox.render.teeth import TeethLook, draw_teeth, row_place

SKIN = np.array([200.0, 150.0, 120.0])
LIP = np.array([180.0, 90.0, 95.0])


@pytest.mark.parametrize(
    ("what", "colour", "tooth"),
    [
        ("a tooth in full light", (230, 222, 205), True),
        ("a tooth in the shade", (150, 143, 131), True),
        ("lip", (180, 90, 95), False),
        ("gum", (170, 85, 90), False),
        ("skin", (200, 150, 120), False),
        ("the dark between the lips", (30, 18, 16), False),
    ],
)
def test_teeth_are_told_from_what_is_around_them(
    what: str, colour: tuple[int, int, int], tooth: bool
) -> None:
    del what
    likeness = float(toothness(np.array([[colour]], np.float32), SKIN, LIP)[0, 0])
    assert likeness > 0.8 if tooth else likeness < 0.2


@pytest.mark.parametrize("cast", [(0.80, 0.97, 1.15), (0.85, 1.0, 1.1), (1.1, 1.0, 0.8)])
def test_teeth_are_told_in_cold_and_warm_light(cast: tuple[float, float, float]) -> None:
    skin, lip, tooth = (np.array(c) * cast for c in (SKIN, LIP, (212.0, 207.0, 196.0)))
    assert toothness(tooth[None, None].astype(np.float32), skin, lip)[0, 0] > 0.8
    assert toothness(lip[None, None].astype(np.float32), skin, lip)[0, 0] < 0.2
    assert toothness(skin[None, None].astype(np.float32), skin, lip)[0, 0] < 0.5


def test_teeth_of_tanned_people_under_a_warm_lamp_are_no_lips() -> None:
    lamp = (1.1, 0.95, 0.68)
    skin, lip, tooth = (
        np.array(c) * lamp for c in ((198, 132, 96), (184, 104, 89), (210, 190, 170))
    )
    assert toothness(tooth[None, None].astype(np.float32), skin, lip)[0, 0] > 0.8
    assert toothness(lip[None, None].astype(np.float32), skin, lip)[0, 0] < 0.2


def test_on_a_grey_picture_brightness_tells() -> None:
    grey_skin, grey_lip = np.full(3, 150.0), np.full(3, 90.0)
    tooth, dark = (np.full((1, 1, 3), v, np.float32) for v in (170.0, 40.0))
    assert toothness(tooth, grey_skin, grey_lip)[0, 0] > 0.8
    assert toothness(dark, grey_skin, grey_lip)[0, 0] < 0.2


DENSITY, OPENING_MM = 5.0, 10.0
TOOTH, DARK = np.array([225.0, 215.0, 195.0]), np.array([40.0, 20.0, 18.0])


def smile(edge_mm: float = 1.0, half_width_mm: float = 18.0) -> tuple[Float32, Float32, Float32]:
    """Colour, opening and toothness of a mouth whose upper teeth end `edge_mm` above its line."""
    (width, height), (ox, oy) = row_place(DENSITY, upper=True)
    x = (np.arange(width) - ox) / DENSITY
    y = (np.arange(height) - oy)[:, None] / DENSITY
    between = (np.abs(x) < half_width_mm + 3) & (y > -7) & (y < 3)
    tooth = between & (np.abs(x) < half_width_mm) & (y < -edge_mm)
    colour = np.where(tooth[..., None], TOOTH, DARK)
    return tuple(a.astype(np.float32) for a in (colour, between, tooth))  # type: ignore[return-value]


def test_the_biting_edge_is_where_the_teeth_end() -> None:
    row = own_row(*smile(edge_mm=1.0), DENSITY, OPENING_MM)
    assert row is not None
    _, (ox, oy) = row_place(DENSITY, upper=True)
    middle = row.edge[round(ox) - 40 : round(ox) + 40]
    assert np.abs(middle - (oy - 1.0 * DENSITY)).max() < 0.25 * DENSITY


def test_an_edge_that_the_lower_lip_hid_fades_and_one_that_was_seen_does_not() -> None:
    def below_and_above(edge_mm: float) -> tuple[float, float]:
        row = own_row(*smile(edge_mm=edge_mm), DENSITY, OPENING_MM)
        assert row is not None
        column = round(row_place(DENSITY, upper=True)[1][0])
        edge = row.edge[column]
        light = row.colour[..., 1] * row.cover
        return tuple(
            float(light[round(edge - mm * DENSITY), column] / TOOTH[1]) for mm in (0.3, 2.5)
        )  # type: ignore[return-value]

    assert min(below_and_above(1.0)) > 0.9
    faded, whole = below_and_above(-3.5)
    assert whole > 0.9 and faded < 0.75


def test_an_edge_under_a_shining_lip_is_where_the_edges_beside_it_are() -> None:
    colour, between, tooth = smile(edge_mm=1.0)
    _, (ox, oy) = row_place(DENSITY, upper=True)
    middle = slice(round(ox) - 20, round(ox) + 20)
    lip = round(oy + 0.5 * DENSITY)
    tooth[round(oy - 2 * DENSITY) : lip, middle] = 1.0
    between[lip:, middle] = 0.0
    row = own_row(colour, between, tooth, DENSITY, OPENING_MM)
    assert row is not None
    assert np.abs(row.edge[middle] - (oy - 1.0 * DENSITY)).max() < 0.3 * DENSITY


def test_teeth_reach_into_the_corners_of_the_mouth() -> None:
    colour, between, _ = smile()
    (width, height), (ox, oy) = row_place(DENSITY, upper=True)
    x = (np.arange(width) - ox) / DENSITY
    y = (np.arange(height) - oy)[:, None] / DENSITY
    bowed = (between > 0) & (np.abs(x) < 14) & (y < -0.015 * x**2)
    row = own_row(colour, between, bowed.astype(np.float32), DENSITY, OPENING_MM)
    assert row is not None
    at_the_end, in_the_corner = (row.edge[round(ox + mm * DENSITY)] for mm in (13, 24))
    assert 0.0 < (at_the_end - in_the_corner) / DENSITY < 1.5  # the parabola rises by 6 mm


@pytest.mark.parametrize(("rise_mm", "sinks_mm"), [(1.2, 0.0), (4.0, 1.5)])
def test_a_row_that_a_smile_bows_hangs_more_level_in_speech(
    rise_mm: float, sinks_mm: float
) -> None:
    (width, height), (ox, oy) = row_place(DENSITY, upper=True)
    x = (np.arange(width) - ox) / DENSITY
    y = (np.arange(height) - oy)[:, None] / DENSITY
    edge = -1.0 - rise_mm * (x / 18.0) ** 2
    between = (np.abs(x) < 21) & (y > -11) & (y < 3)
    tooth = between & (np.abs(x) < 18) & (y < edge) & (y > edge - 7)
    colour = np.where(tooth[..., None], TOOTH, DARK).astype(np.float32)
    row = own_row(colour, between.astype(np.float32), tooth.astype(np.float32), DENSITY, OPENING_MM)
    assert row is not None
    sunk = (row.edge - oy) / DENSITY - edge
    at_side = np.abs(np.abs(x) - 16.0) < 0.5
    assert abs(sunk[np.abs(x) < 2.0]).max() < 0.3
    assert abs(sunk[at_side].mean() - sinks_mm) < 0.35


def test_a_few_teeth_are_not_kept() -> None:
    assert own_row(*smile(half_width_mm=8.0), DENSITY, OPENING_MM) is None


def test_lower_teeth_are_not_taken_for_upper_ones() -> None:
    colour, between, tooth = smile(edge_mm=2.5)
    with_lower = tooth.copy()
    _, (ox, oy) = row_place(DENSITY, upper=True)
    with_lower[round(oy + 1.0 * DENSITY) : round(oy + 2.5 * DENSITY)] = 1.0
    upper = own_row(colour, between, tooth, DENSITY, OPENING_MM)
    both = own_row(colour, between, with_lower, DENSITY, OPENING_MM)
    assert upper is not None and both is not None
    assert abs(upper.edge[round(ox)] - both.edge[round(ox)]) < 0.2 * DENSITY


def test_the_completed_row_joins_without_a_step() -> None:
    look = TeethLook(np.array([150.0, 150.0, 150.0]), np.array([150.0, 80.0, 80.0]), np.zeros(3))
    drawn = draw_teeth(look, upper=True, density=DENSITY, seed=3)
    row = own_row(*smile(half_width_mm=12.0), DENSITY, OPENING_MM)
    assert row is not None
    whole = completed(drawn, row).pixels
    edge = round(drawn.origin[1])
    band = whole[edge - 25 : edge - 15, :, :3].mean(axis=(0, 2))
    middle = round(drawn.origin[0])
    # 10 mm from the middle teeth are photographed, at 14 mm drawn ones have taken over
    inner, outer = band[middle + 50], band[middle + 65 : middle + 75].max()
    assert outer > 0.6 * inner
    assert np.all(whole[..., :3] <= 255 * whole[..., 3:] + 1.0)


def test_a_lower_row_alone_is_no_upper_row() -> None:
    colour, between, tooth = smile(edge_mm=-2.0)
    tooth[: round(row_place(DENSITY, upper=True)[1][1])] = 0.0
    assert own_row(colour, between, tooth, DENSITY, OPENING_MM) is None
