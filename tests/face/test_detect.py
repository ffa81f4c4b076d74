"""The coarse search."""

from __future__ import annotations

import cv2
import numpy as np

from portravox.face.detect import searches
from portravox.media.picture import Picture


def test_a_blank_picture_holds_nothing_at_any_patience() -> None:
    blank = np.full((300, 400, 3), 120, np.uint8)
    assert all(found == () for found in searches(blank))


def test_the_first_search_finds_a_plain_portrait(astronaut: Picture) -> None:
    found = next(searches(astronaut.pixels))
    assert len(found) == 1
    assert 60 < found[0].box.width < 140


def test_a_face_of_two_hundredths_of_the_picture_is_found_by_the_tiles(
    astronaut: Picture,
) -> None:
    small = cv2.resize(astronaut.pixels, None, fx=0.45, fy=0.45, interpolation=cv2.INTER_AREA)
    large = np.full((2000, 2000, 3), 128, np.uint8)
    large[600 : 600 + len(small), 1300 : 1300 + len(small)] = small
    widths = [one.box.width for found in searches(large) for one in found]
    assert any(25 < width < 70 for width in widths)


def test_two_faces_come_as_two_the_wider_first(astronaut: Picture) -> None:
    half = cv2.resize(astronaut.pixels, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    both = np.full((512, 1024, 3), 128, np.uint8)
    both[:, 512:] = astronaut.pixels
    both[: len(half), : len(half)] = half
    found = next(searches(both))
    assert len(found) == 2
    assert found[0].box.x0 > 512 > found[1].box.x1
