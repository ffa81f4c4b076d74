"""Looks at a part of a picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from portravox.face.crop import Square, cut, cut_finely, to_picture

SQUARES = [
    Square(60.0, 50.0, 40.0),
    Square(60.0, 50.0, 400.0, 20.0),
    Square(-5.0, 99.0, 30.0, -75.0),
]


@pytest.mark.parametrize("square", SQUARES)
def test_into_the_crop_and_back_is_where_we_began(square: Square) -> None:
    points = np.random.default_rng(1).uniform(0.0, 100.0, (20, 3)).astype(np.float32)
    way = square.to_crop(192)
    inside = points.copy()
    inside[:, :2] = points[:, :2] @ way[:, :2].T + way[:, 2]
    inside[:, 2] *= 192 / square.side_px
    assert np.allclose(to_picture(inside, square, 192), points, atol=1e-3)


@pytest.mark.parametrize("side_px", [30.0, 100.0, 900.0])
def test_a_spot_lies_where_the_map_says_however_much_the_crop_shrinks(side_px: float) -> None:
    y, x = np.mgrid[:1200, :1200]
    spread_px = side_px / 20.0
    spot = np.exp(-((x - 610.0) ** 2 + (y - 590.0) ** 2) / (2.0 * spread_px**2))
    square = Square(600.0, 600.0, side_px * 1.5, 30.0)
    crop = cut(spot.astype(np.float32), square, 96)
    rows, columns = np.mgrid[:96, :96]
    seen = np.array([(columns * crop).sum(), (rows * crop).sum()]) / crop.sum()
    way = square.to_crop(96)
    assert np.allclose(seen, way[:, :2] @ (610.0, 590.0) + way[:, 2], atol=0.15)


def test_a_leaning_square_stands_upright_in_the_crop() -> None:
    picture = np.zeros((200, 200), np.float32)
    along = np.arange(-60, 61)
    roll = np.radians(30.0)
    x, y = 100 + along * np.cos(roll), 100 + along * np.sin(roll)  # a line leaning clockwise
    picture[np.round(y).astype(int), np.round(x).astype(int)] = 1.0
    crop = cut(picture, Square(100.0, 100.0, 100.0, 30.0), 100)
    rows = crop.argmax(axis=0)[10:90]
    assert np.ptp(rows) <= 2


def test_the_border_repeats_outside() -> None:
    picture = np.full((20, 20, 3), 7, np.uint8)
    assert np.all(cut(picture, Square(0.0, 0.0, 100.0), 32) == 7)


@pytest.mark.parametrize("side_px", [40.0, 150.0, 700.0])
def test_a_fine_cut_lies_where_a_plain_one_does(side_px: float) -> None:
    y, x = np.mgrid[:800, :800]
    spread_px = side_px / 12.0
    spot = 250.0 * np.exp(-((x - 410.0) ** 2 + (y - 395.0) ** 2) / (2.0 * spread_px**2))
    picture = np.repeat(spot.astype(np.uint8)[..., None], 3, axis=2)
    square = Square(400.0, 400.0, side_px, -15.0)
    plain, fine = (way(picture, square, 96)[..., 0] for way in (cut, cut_finely))
    assert np.abs(fine.astype(int) - plain.astype(int)).mean() < 1.0


@pytest.mark.parametrize("roll_deg", [0.0, 12.0, 45.0, -170.0])
def test_a_shrunk_crop_is_as_if_the_whole_picture_were_averaged(roll_deg: float) -> None:
    picture = np.random.default_rng(3).integers(0, 255, (700, 900, 3)).astype(np.uint8)
    square = Square(430.0, 360.0, 400.0, roll_deg)
    crop = cut(picture, square, 96)
    # blocks are counted from where half the diagonal begins
    x0, y0 = (int(v - 0.75 * 400.0 - 4) for v in (430.0, 360.0))
    part = picture[max(y0, 0) :, max(x0, 0) :]
    rows, columns = part.shape[0] // 4, part.shape[1] // 4
    small = cv2.resize(part[: rows * 4, : columns * 4], (columns, rows), None, 0, 0, cv2.INTER_AREA)
    from_small = np.array([[4.0, 0.0, max(x0, 0) + 1.5], [0.0, 4.0, max(y0, 0) + 1.5], [0, 0, 1.0]])
    whole = cv2.warpAffine(
        small, square.to_crop(96) @ from_small, (96, 96), borderMode=cv2.BORDER_REPLICATE
    )
    assert np.abs(crop.astype(int) - whole).max() <= 1
