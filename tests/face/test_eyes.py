from __future__ import annotations

import numpy as np
import pytest

from portravox.face.eyes import ABOVE, LEAST_EYE_PX, view_eye


def outline(width: float, tilt_deg: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Upper and lower edge, (9, 2) each, and iris, (5, 2), of an eye in a picture of 400 px."""
    t = np.linspace(0, 1, 9)
    bow = 4 * t * (1 - t) * 0.15 * width
    x = width * (t - 0.5)
    turn = np.deg2rad(tilt_deg)
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    rim = np.array([[0, 0], [0.2, 0], [0, 0.2], [-0.2, 0], [0, -0.2]]) * width
    return tuple(
        points @ turned + 200
        for points in (np.column_stack([x, -bow]), np.column_stack([x, bow]), rim)
    )


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


def test_the_lids_of_a_drawn_eye_lie_where_its_white_ends() -> None:
    upper, lower, iris = outline(150)
    y, x = np.mgrid[0:400, 0:400]
    drawn = np.full((400, 400, 3), (220, 160, 130), np.uint8)
    bow = np.clip(1 - ((x - 200) / 82.0) ** 2, 0, 1)
    reach = 31 * bow
    drawn[np.abs(y - 200) < reach + 2] = (90, 30, 20)
    drawn[np.abs(y - 200) < reach] = (235, 232, 230)
    drawn[(np.hypot(x - 200, y - 200) < 30) & (np.abs(y - 200) < reach)] = (70, 110, 160)
    view = view_eye(drawn, upper, lower, iris)
    middle = round(float(np.mean(view.corners)))
    assert (view.lower - view.upper)[middle] == pytest.approx(62, abs=5)
    assert view.width == pytest.approx(164, abs=8)


def test_lids_stay_on_their_landmarks_where_skin_is_as_pale_as_the_eye() -> None:
    upper, lower, iris = outline(150)
    view = view_eye(np.full((400, 400, 3), 225, np.uint8), upper, lower, iris)
    assert view.width == pytest.approx(150)
