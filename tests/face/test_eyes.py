from __future__ import annotations

import numpy as np
import pytest

from portravox.face.eyes import ABOVE, LEAST_EYE_PX, view_eye
from tests.face.eye_outline import outline


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (400, 400, 3), np.uint8)


@pytest.mark.parametrize("tilt_deg", [0.0, 20.0, -35.0])
def test_corners_are_level_however_the_head_leans(picture: np.ndarray, tilt_deg: float) -> None:
    upper, lower, iris = outline(150, tilt_deg)
    view = view_eye(picture, upper, lower, iris)
    corners = view.placed(upper[[0, -1]])
    assert np.ptp(corners[:, 1]) < 1e-6
    assert corners[1, 0] - corners[0, 0] == pytest.approx(150)
    assert view.iris[2] == pytest.approx(30)


def test_small_eyes_are_seen_enlarged_and_large_ones_as_they_are(picture: np.ndarray) -> None:
    assert view_eye(picture, *outline(12)).width == pytest.approx(LEAST_EYE_PX)
    assert view_eye(picture, *outline(160)).scale == pytest.approx(1.0)


def test_an_upright_eye_is_seen_as_it_is(picture: np.ndarray) -> None:
    view = view_eye(picture, *outline(130))
    x, y = (view.placed(np.array([200.0, 200.0]))).round().astype(int)
    np.testing.assert_array_equal(
        view.pixels[y - 20 : y + 20, x - 20 : x + 20], picture[180:220, 180:220]
    )
    assert view.level == pytest.approx(ABOVE * 130, abs=1)


def test_edges_run_through_their_points_and_are_level_beyond(picture: np.ndarray) -> None:
    upper, lower, iris = outline(150)
    view = view_eye(picture, upper, lower, iris)
    for row, edge in ((upper, view.upper), (lower, view.lower)):
        for x, y in view.placed(row):
            assert edge[round(x)] == pytest.approx(y, abs=1.0)
    assert view.upper[0] == pytest.approx(view.level)
    assert view.lower[-1] == pytest.approx(view.level)
