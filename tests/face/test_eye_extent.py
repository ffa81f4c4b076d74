from __future__ import annotations

import cv2
import numpy as np
import pytest

from portravox.face.eye_extent import ROOTS_MM, with_eyeball_edges, with_true_edges
from portravox.face.eyes import EyeView, view_eye
from tests.face.eye_outline import outline

BLUE, BROWN = (70, 110, 160), (95, 60, 40)
LIGHT = {"white": (1.0, 1.0, 1.0), "warm": (1.05, 0.92, 0.72), "dim": (0.45, 0.45, 0.45)}


def drawn(
    larger: float, *, iris: tuple[int, int, int] = BLUE, light: str = "white"
) -> tuple[np.ndarray, np.ndarray]:
    """A picture of an eye, (400, 400, 3), larger than `outline(150)`, and where it is, (400, 400).

    It has a dark line around it and lies in the shade towards its left corner.
    """
    y, x = np.mgrid[0:400, 0:400]
    picture = np.full((400, 400, 3), (220.0, 160.0, 130.0))
    reach = 22.5 * larger * np.clip(1 - ((x - 200) / 75.0 / larger) ** 2, 0, None)
    picture[np.abs(y - 200) < reach + 3] = (90, 30, 20)
    eye = np.abs(y - 200) < reach
    picture[eye] = (235, 232, 230)
    picture[eye & (np.hypot(x - 200, y - 200) < 30)] = iris
    picture *= np.clip(0.75 + (x - 120) / 300.0, 0.6, 1.0)[..., None] * LIGHT[light]
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 0.7), 0, 255).astype(np.uint8), eye


def seen(picture: np.ndarray) -> EyeView:
    return view_eye(picture, *outline(150))


def left_over(view: EyeView, eye: np.ndarray) -> float:
    """Share of an eye that lies beyond the edges of its lids."""
    rows, columns = np.nonzero(eye)
    x, y = view.placed(np.column_stack([columns, rows])).T
    at = np.clip(np.rint(x).astype(int), 0, len(view.upper) - 1)
    return float(((y < view.upper[at] - 1) | (y > view.lower[at] + 1)).mean())


@pytest.mark.parametrize("light", LIGHT)
@pytest.mark.parametrize("iris", [BLUE, BROWN])
@pytest.mark.parametrize("larger", [1.2, 1.35])
def test_lids_of_drawn_eyes_lie_where_their_white_ends(
    larger: float, iris: tuple[int, int, int], light: str
) -> None:
    picture, eye = drawn(larger, iris=iris, light=light)
    before = seen(picture)
    for view in with_true_edges(before, seen(picture[:, ::-1])):
        middle = round(float(np.mean(view.corners)))
        assert (view.lower - view.upper)[middle] == pytest.approx(45 * larger, abs=4)
        assert view.width == pytest.approx(150 * larger, rel=0.08)
        assert left_over(view, eye if view.pixels is before.pixels else eye[:, ::-1]) < 0.02
    assert left_over(before, eye) > 0.2


def test_lids_stay_on_their_landmarks_where_these_are_right() -> None:
    view = seen(drawn(1.0)[0])
    assert with_true_edges(view, view) == (view, view)


def test_two_eyes_convince_where_one_would_not() -> None:
    def faded(larger: float) -> EyeView:
        picture = drawn(larger)[0].astype(np.float32)
        x = np.arange(400)
        soft = cv2.GaussianBlur(picture, (0, 0), 9.0)
        return seen(np.where((np.abs(x - 200) < 75)[None, :, None], soft, picture).astype(np.uint8))

    larger, usual = faded(1.3), seen(drawn(1.0)[0])
    assert with_true_edges(larger, usual) == (larger, usual)
    assert all(eye.width > larger.width for eye in with_true_edges(larger, larger))


def test_without_colour_the_line_around_both_eyes_tells() -> None:
    def grey(larger: float) -> tuple[EyeView, np.ndarray]:
        picture, eye = drawn(larger)
        even = np.where(eye, 0.75, 1.0)[..., None] * picture.mean(axis=-1, keepdims=True)
        return seen(np.repeat(even, 3, axis=-1).astype(np.uint8)), eye

    (larger, eye), (usual, _) = grey(1.3), grey(1.0)
    for view in with_true_edges(larger, larger):
        assert left_over(view, eye) < 0.02
    assert left_over(larger, eye) > 0.2
    assert with_true_edges(larger, usual) == (larger, usual)


def test_lids_stay_on_their_landmarks_where_skin_is_as_pale_as_the_eye() -> None:
    view = seen(np.full((400, 400, 3), 225, np.uint8))
    assert with_true_edges(view, view) == (view, view)


def test_the_eyeball_is_seen_below_the_line_of_the_lashes() -> None:
    view = seen(drawn(1.0)[0])
    for eye in with_eyeball_edges(view, view):
        middle = round(float(np.mean(view.corners)))
        assert eye.upper[middle] - view.upper[middle] == pytest.approx(ROOTS_MM * view.mm, rel=0.01)
        np.testing.assert_array_equal(eye.upper[:5], view.upper[:5])  # beyond the corner
        np.testing.assert_array_equal(eye.lower, view.lower)


def test_edges_that_were_found_in_the_picture_stay_there() -> None:
    larger = seen(drawn(1.3)[0])
    found, kept = with_true_edges(larger, larger), with_eyeball_edges(larger, larger)
    for eye, same in zip(found, kept, strict=True):
        assert eye is not larger
        np.testing.assert_array_equal(eye.upper, same.upper)
