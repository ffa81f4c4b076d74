"""The face to animate."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from portravox.errors import NoFaceFound
from portravox.face import find
from portravox.face.detect import searches
from portravox.face.face import Face
from portravox.face.find import find_face
from portravox.media.picture import Picture


def test_a_blank_picture_holds_no_face() -> None:
    with pytest.raises(NoFaceFound, match="320 x 240 px"):
        find_face(Picture(np.full((240, 320, 3), 200, np.uint8)))


def test_one_face_needs_no_notice(astronaut: Picture) -> None:
    face, notices = find_face(astronaut)
    assert notices == ()
    assert 80 < face.width_px < 110


def test_the_box_holds_every_landmark(astronaut_face: Face) -> None:
    box, points = astronaut_face.box, astronaut_face.landmarks
    assert (box.x0, box.x1) == (points[:, 0].min(), points[:, 0].max())
    assert (box.y0, box.y1) == (points[:, 1].min(), points[:, 1].max())


def test_of_two_the_larger_is_taken_with_a_notice(astronaut: Picture) -> None:
    half = cv2.resize(astronaut.pixels, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    both = np.full((512, 1024, 3), 128, np.uint8)
    both[:, 512:] = astronaut.pixels
    both[: len(half), : len(half)] = half
    face, notices = find_face(Picture(both))
    assert face.box.x0 > 512
    assert notices == ("2 faces found; the largest is animated",)


def test_a_face_turned_in_depth_keeps_its_width(astronaut_face: Face) -> None:
    seen = np.linalg.norm(astronaut_face.landmarks[234, :2] - astronaut_face.landmarks[454, :2])
    assert astronaut_face.width_px >= seen


def test_of_a_hall_full_of_people_the_largest_twenty_are_looked_at(
    astronaut: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    [one] = next(iter(searches(astronaut.pixels)))
    monkeypatch.setattr(find, "searches", lambda pixels: iter([(one,) * 400]))
    assert len(find.find_fits(astronaut.pixels)) == find.MAX_FACES
    assert find.count_notices(find.MAX_FACES) == (
        "20 or more faces found; the largest is animated",
    )
