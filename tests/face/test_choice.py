"""Which of several faces speaks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from portravox.errors import SettingOutOfRange
from portravox.face.verdict import judge, require_face
from portravox.media.picture import Picture


@pytest.fixture(scope="module")
def both(astronaut: Picture) -> Picture:
    """The larger face on the right, the smaller one on the left, at 60 %."""
    half = cv2.resize(astronaut.pixels, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    pixels = np.full((512, 1024, 3), 128, np.uint8)
    pixels[:, 512:] = astronaut.pixels
    pixels[: len(half), : len(half)] = half
    return Picture(pixels)


def test_the_smaller_is_chosen_by_its_place_or_by_a_point_on_it(both: Picture) -> None:
    largest, notices = require_face(both)
    assert largest.box.x0 > 512 and "the largest is animated" in notices[0]
    for choice in ("2", "0.13,0.13"):
        face, notices = require_face(both, choice)
        assert face.box.x1 < 307
        assert not any("largest" in notice for notice in notices)  # a choice was made
    for choice in ("1", "0.72,0.2"):
        face, _ = require_face(both, choice)
        assert np.array_equal(face.landmarks, largest.landmarks)


def test_a_face_that_is_not_there_is_refused_by_its_name(both: Picture) -> None:
    with pytest.raises(SettingOutOfRange, match="at most 2"):
        require_face(both, "3")
    with pytest.raises(SettingOutOfRange, match="a point on one of the 2 faces"):
        require_face(both, "0.4,0.95")


def test_each_face_has_a_verdict_and_the_choice_is_judged(both: Picture) -> None:
    pixels = both.pixels.copy()
    pixels[:, :512] //= 30  # the smaller one in the dark
    verdict = judge(Picture(pixels))
    assert verdict.passed
    if len(verdict.faces) == 2:
        assert verdict.codes == ("ok", "face_unclear")
    assert judge(both).codes == ("ok", "ok")
    assert judge(both, "2").faces[0].box.x1 < 307
