"""The measured mesh."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from portravox.face.face import Face
from portravox.face.find import find_face, find_fits
from portravox.media.picture import Picture


def test_a_picture_twice_as_large_has_its_landmarks_twice_as_far(
    astronaut: Picture, astronaut_face: Face
) -> None:
    large = cv2.resize(astronaut.pixels, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    face, _ = find_face(Picture(np.asarray(large, np.uint8)))
    # the middle of the first pixel lies at 0 in both, but half a pixel from the border
    expected = astronaut_face.landmarks[:, :2] * 2.0 + 0.5
    off = np.linalg.norm(face.landmarks[:, :2] - expected, axis=1) / face.width_px
    assert np.median(off) < 0.006
    assert off.max() < 0.04


def test_a_mirrored_picture_has_mirrored_landmarks(
    astronaut: Picture, astronaut_face: Face
) -> None:
    mirrored, _ = find_face(Picture(np.ascontiguousarray(astronaut.pixels[:, ::-1])))
    right = astronaut.width_px - 1
    # eye corners, mouth corners, cheeks, nose, chin
    pairs = np.array([(33, 263), (133, 362), (61, 291), (234, 454), (1, 1), (152, 152)])
    there = astronaut_face.landmarks[pairs[:, 0], :2] * (-1, 1) + (right, 0)
    off = np.linalg.norm(mirrored.landmarks[pairs[:, 1], :2] - there, axis=1)
    assert off.max() / mirrored.width_px < 0.03
    assert mirrored.pose.yaw_deg == pytest.approx(-astronaut_face.pose.yaw_deg, abs=3.0)


def test_a_face_is_steady_and_known_as_one(astronaut: Picture) -> None:
    (fit,) = find_fits(astronaut.pixels)
    assert fit.is_face
    assert fit.spread(np.arange(478)) < 0.012


def test_the_nose_is_nearer_than_the_ears(astronaut_face: Face) -> None:
    z = astronaut_face.landmarks[:, 2]
    assert z[1] < z[234] - 0.2 * astronaut_face.width_px
    assert z[1] < z[454] - 0.2 * astronaut_face.width_px
