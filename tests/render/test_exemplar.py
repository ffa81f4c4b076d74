from __future__ import annotations

import cv2
import numpy as np
import pytest

from portravox.arrays import Bool, Float32, UInt8
from portravox.render.exemplar import Copies, carried_on, copied_from

SIDE, RADIUS, BAND = 160, 40.0, 16.0
UNIT = 100.0
"""Width of a face of which the disc would be the head, px."""


def _slanting(y: Float32, x: Float32) -> Float32:
    stripes = 130.0 + 70.0 * np.clip(2.0 * np.sin((0.8 * x + 0.6 * y) * (2 * np.pi / 22.0)), -1, 1)
    return np.repeat(stripes[..., None], 3, axis=2).astype(np.float32)


def _places() -> tuple[Float32, Float32, UInt8, Bool]:
    """y, x, what a disc hides, and the border of that."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    from_middle = np.hypot(y - SIDE / 2, x - SIDE / 2)
    hidden = (from_middle < RADIUS).astype(np.uint8)
    return y, x, hidden, (hidden > 0) & (from_middle > RADIUS - BAND)


def _copied(picture: Float32, way: tuple[float, float] = (0.0, 0.0)) -> Copies:
    _, _, hidden, band = _places()
    # whoever looks behind the disc sees a glaring colour
    seen = np.where(hidden[..., None] > 0, np.float32([255, 0, 255]), picture)
    behind = np.where(hidden[..., None] > 0, picture.mean(axis=(0, 1)), picture)
    lines = np.broadcast_to(np.array(way, np.float32), (*hidden.shape, 2))
    return copied_from(seen, behind.astype(np.float32), hidden, band, lines, UNIT)


def _looked_at(picture: Float32, copies: Copies) -> Float32:
    """The picture with its copies, at twice its size, as bytes of a photograph are copied."""
    _, _, hidden, band = _places()
    seen = np.where(hidden[..., None] > 0, np.float32([255, 0, 255]), picture)
    large = cv2.resize(seen, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    grown = cv2.dilate(hidden, np.ones((5, 5), np.uint8)).astype(np.float32)
    plate = carried_on(large, picture, copies, grown, band.astype(np.float32))
    return cv2.resize(plate, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)


def test_slanting_stripes_go_straight_on() -> None:
    y, x, _, band = _places()
    picture = _slanting(y, x)
    copies = _copied(picture, (0.6, -0.8))
    assert copies.there[band].all()
    inner = cv2.erode(band.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    off = np.abs(_looked_at(picture, copies) - picture)[inner].mean()
    by_mean = np.abs(picture - picture.mean())[inner].mean()
    assert off < 0.3 * by_mean


def test_all_is_copied_from_what_is_known() -> None:
    y, x, hidden, _ = _places()
    copies = _copied(_slanting(y, x), (0.6, -0.8))
    v, u = np.nonzero(copies.there)
    from_x, from_y = np.rint(np.array([u, v]) + copies.away[v, u].T).astype(int)
    assert hidden[from_y, from_x].max() == 0


def test_where_nothing_is_seen_nothing_new_is_made_up() -> None:
    """A bar stands at the picture's edge; no patch of it comes to the flat rest."""
    _, _, _, band = _places()
    picture = np.full((SIDE, SIDE, 3), 180.0, np.float32)
    picture[:, 8:20] = 40.0
    made = _looked_at(picture, _copied(picture))
    inner = cv2.erode(band.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    assert np.abs(made - 180.0)[inner].max() < 3.0


def test_copies_take_on_the_level_of_what_is_beside_them() -> None:
    """On a wall with a pool of light nothing elsewhere is as bright: no seam shows there."""
    y, x, hidden, _ = _places()
    grain = np.random.default_rng(3).normal(0.0, 1.0, (SIDE, SIDE))
    level = (230.0 - 0.018 * ((x - 80.0) ** 2 + (y - 80.0) ** 2)).astype(np.float32)
    copies = _copied(np.repeat((level + grain)[..., None], 3, axis=2).astype(np.float32))
    v, u = np.nonzero(hidden - cv2.erode(hidden, np.ones((3, 3), np.uint8)))
    from_x, from_y = np.rint(np.array([u, v]) + copies.away[v, u].T).astype(int)
    darker = level[v, u] - level[from_y, from_x]
    left = darker - copies.raised[v, u, 0]
    assert darker.mean() > 4.0
    assert np.abs(left).mean() < 0.4 * np.abs(darker).mean()


@pytest.mark.parametrize("known", [False, True])
def test_nothing_is_copied_where_nothing_is_known_or_all_is(*, known: bool) -> None:
    picture = np.full((60, 60, 3), 90.0, np.float32)
    unknown = np.full((60, 60), int(not known), np.uint8)
    lines = np.zeros((60, 60, 2), np.float32)
    copies = copied_from(picture, picture, unknown, np.ones((60, 60), np.bool_), lines, UNIT)
    assert not copies.there.any()
    assert not copies.raised.any()
