"""The person cut out."""

from __future__ import annotations

import cv2
import numpy as np

from portravox.arrays import Float32
from portravox.face.face import Face
from portravox.face.find import find_face
from portravox.face.matte import person_matte
from portravox.media.picture import Picture


def test_face_is_person_and_background_is_not(astronaut: Picture, astronaut_face: Face) -> None:
    matte = person_matte(astronaut.pixels, astronaut_face)
    assert matte.shape == astronaut.pixels.shape[:2]
    assert matte.dtype == np.float32
    assert matte.min() >= 0.0
    assert matte.max() <= 1.0
    x, y = np.round(astronaut_face.landmarks[:468, :2]).astype(int).T
    assert matte[y, x].mean() > 0.97
    assert matte[:60, :60].mean() < 0.05  # the flag behind her


def test_the_edge_is_soft_but_narrow(astronaut: Picture, astronaut_face: Face) -> None:
    matte = person_matte(astronaut.pixels, astronaut_face)
    undecided = ((matte > 0.1) & (matte < 0.9)).mean()
    assert 0.005 < undecided < 0.15


def test_a_larger_copy_of_the_picture_has_the_same_matte(
    astronaut: Picture, astronaut_face: Face
) -> None:
    large = np.asarray(cv2.resize(astronaut.pixels, (1536, 1536)), np.uint8)
    face, _ = find_face(Picture(large))
    matte: Float32 = person_matte(large, face)
    shrunk = cv2.resize(matte, (512, 512), interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk - person_matte(astronaut.pixels, astronaut_face)).mean() < 0.03


def test_somebody_else_in_the_picture_is_background(
    astronaut: Picture, astronaut_face: Face
) -> None:
    beside = np.zeros((512, 900, 3), np.uint8) + np.uint8(90)
    beside[:, :512] = astronaut.pixels
    beside[60:260, 700:860] = astronaut.pixels[20:220, 140:300]  # her head once more
    matte = person_matte(beside, astronaut_face)
    assert matte[60:260, 700:860].mean() < 0.05
