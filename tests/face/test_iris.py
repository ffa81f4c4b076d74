from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from portravox.face.eyes import EyeView
from portravox.face.iris import are_carved, with_true_irises
from tests.eye_views import eye_view

WIDTH, HEIGHT = 236, 180
IRIS = (118.0, 96.0, 24.0)


def drawn(iris: tuple[float, float, float], *, white: int = 220, brown: int = 70) -> EyeView:
    """An eye with an iris there, a pupil and a lamp in it."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    across = np.clip((np.arange(WIDTH) - 54) / 128, 0, 1)
    bow = 4 * across * (1 - across)
    upper, lower = 96 - 20 * bow, 96 + 18 * bow
    column, row, radius = iris
    distance = np.hypot(x - column, y - row)
    grey = np.where(distance < radius, brown, white)
    grey = np.where(distance < 0.4 * radius, brown / 4, grey)
    grey = np.where(np.hypot(x - column - 6, y - row + 6) < 3, 255, grey)
    grey = np.where((y > upper) & (y < lower), grey, 160)
    grey = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.0)
    pixels = np.repeat(np.rint(grey)[..., None], 3, axis=2).astype(np.uint8)
    return eye_view(pixels, 96.0, upper, lower, iris)


def off(view: EyeView, column: float, row: float, radius: float) -> EyeView:
    """Landmarks that are off by so much, in radii."""
    x, y, r = view.iris
    return replace(view, iris=(x - column * r, y - row * r, r / (1 + radius)))


@pytest.mark.parametrize(
    "error", [(0.0, 0.0, 0.0), (0.16, 0.0, 0.0), (-0.1, 0.1, 0.1), (0.1, 0.0, 0.3)]
)
def test_the_iris_is_found_where_it_is_drawn(error: tuple[float, float, float]) -> None:
    for found in with_true_irises(off(drawn(IRIS), *error), off(drawn(IRIS), *error)):
        assert found.iris[0] == pytest.approx(IRIS[0], abs=0.06 * IRIS[2])
        assert found.iris[2] == pytest.approx(IRIS[2], rel=0.08)


def test_landmarks_are_kept_where_iris_and_white_are_alike() -> None:
    carved = off(drawn(IRIS, white=165, brown=155), 0.15, 0.0, 0.0)
    assert with_true_irises(carved, carved) == (carved, carved)


def test_one_eye_that_cannot_be_seen_keeps_its_landmarks() -> None:
    clear, dark = off(drawn(IRIS), 0.15, 0.0, 0.0), off(drawn(IRIS, white=60), 0.15, 0.0, 0.0)
    found, kept = with_true_irises(clear, dark)
    assert found.iris[0] == pytest.approx(IRIS[0], abs=0.06 * IRIS[2])
    assert kept.iris == dark.iris


def test_stone_is_carved_and_a_dark_eye_in_dim_light_is_not() -> None:
    stone, dim = drawn(IRIS, white=165, brown=160), drawn(IRIS, white=70, brown=40)
    assert are_carved(stone, stone)
    assert not are_carved(dim, dim)
