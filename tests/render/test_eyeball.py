from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from portravox.face.eyes import EyeView
from portravox.render.eyeball import Eyeball, take_apart
from tests.eye_views import eye_view

WIDTH, HEIGHT = 236, 180
IRIS = (118.0, 96.0, 22.0)
GLINT = (112, 90)


@pytest.fixture(scope="module")
def view() -> EyeView:
    """A drawn eye: white, a brown iris half under the upper lid, a black pupil, a reflection."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    pixels = np.full((HEIGHT, WIDTH, 3), (200, 150, 130), np.uint8)
    across = np.clip((np.arange(WIDTH) - 54) / 128, 0, 1)
    bow = 4 * across * (1 - across)
    upper, lower = 100 - 22 * bow, 100 + 16 * bow
    opening = (y > upper) & (y < lower)
    distance = np.hypot(x - IRIS[0], y - IRIS[1])
    pixels[opening] = (225, 220, 215)
    pixels[opening & (distance < IRIS[2])] = (90, 60, 30)
    pixels[opening & (distance < 8)] = (12, 10, 10)
    pixels[opening & (np.hypot(x - GLINT[0], y - GLINT[1]) < 3)] = 255
    return eye_view(pixels, 100.0, upper, lower, IRIS)


@pytest.fixture(scope="module")
def ball(view: EyeView) -> Eyeball:
    return take_apart(view)


def test_the_layers_together_give_the_photograph_back(view: EyeView, ball: Eyeball) -> None:
    together = ball.white * (1 - ball.iris[..., 3:]) + ball.iris[..., :3] + ball.glint
    y = np.arange(HEIGHT)[:, None]
    inside = (y > view.upper + view.mm) & (y < view.lower - view.mm)
    assert inside.sum() > 1000
    assert np.abs(together - view.pixels)[inside].max() < 2.0


def test_the_white_has_no_iris_in_it(ball: Eyeball) -> None:
    assert ball.white[96, 118].min() > 190


def test_the_iris_is_a_whole_disc(ball: Eyeball) -> None:
    cover = ball.iris[..., 3]
    assert cover.sum() == pytest.approx(np.pi * (1.03 * IRIS[2]) ** 2, rel=0.05)
    hidden = ball.iris[int(IRIS[1] - 0.85 * IRIS[2]), int(IRIS[0])]  # under the upper lid
    assert hidden[3] > 0.999
    assert np.abs(hidden[:3] - (90, 60, 30)).max() < 25


def test_a_reflection_is_no_part_of_the_iris(ball: Eyeball) -> None:
    assert ball.iris[GLINT[1], GLINT[0], :3].max() < 130
    assert ball.glint[GLINT[1], GLINT[0]].min() > 100


def test_an_iris_that_is_beside_its_landmarks_ends_where_the_white_begins(view: EyeView) -> None:
    off = take_apart(replace(view, iris=(IRIS[0] + 2.0, IRIS[1], IRIS[2])))
    left, right = int(IRIS[0] - IRIS[2]), int(IRIS[0] + IRIS[2])
    assert off.iris[96, right + 2, 3] < 0.1  # white, though within the circle
    assert off.iris[96, left + 2, 3] > 0.9  # iris, though at the circle's end


def test_white_beneath_the_iris_is_as_dark_under_the_lid_as_beside_it(view: EyeView) -> None:
    lined = view.pixels.copy()
    y = np.arange(HEIGHT)[:, None]
    lined[(y >= view.upper) & (y < view.upper + 1.2 * view.mm) & (view.lower > view.upper)] = 40
    white = take_apart(replace(view, pixels=lined)).white
    row = int(view.upper[118] + 0.5 * view.mm)
    assert white[row, 118].mean() < 100 < white[96, 118].mean()
