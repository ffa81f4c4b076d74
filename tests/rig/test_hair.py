from __future__ import annotations

import cv2
import numpy as np
import pytest

from portravox.arrays import Bool, Float32, UInt8
from portravox.face.face import Face
from portravox.face.outlines import OVAL
from portravox.rig.follow_weights import NOWHERE, FollowWeights
from portravox.rig.hair import find_hair


def _field(field: FollowWeights, height: int, width: int) -> Float32:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x0, y0, x1, y1 = field.region
    inside = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
    return np.where(inside, field.at(x, y), np.float32(0.0))


def _long_haired(face: Face, hair: tuple[int, int, int]) -> tuple[UInt8, Float32, Bool]:
    """A drawn person on grey with this colour of hair: pixels, matte, and where locks hang."""
    height = width = 512
    pixels = np.full((height, width, 3), 150, np.uint8)
    matte = np.zeros((height, width), np.float32)
    outline = face.landmarks[list(OVAL), :2]
    fw, middle = face.width_px, outline.mean(axis=0)
    left, right = (int(middle[0] + side * 0.72 * fw) for side in (-1, 1))
    top, chin = int(outline[:, 1].min() - 0.2 * fw), int(outline[:, 1].max())
    shoulders = np.array([[left - 30, height], [left, chin + 55], [right, chin + 55],
                          [right + 30, height]], np.int32)  # fmt: skip
    for image, colour in ((pixels, (40, 60, 190)), (matte, 1.0)):
        cv2.fillPoly(image, [shoulders], colour)
    for image, colour in ((pixels, hair), (matte, 1.0)):
        cv2.rectangle(image, (left, top), (right, chin + 50), colour, -1)
    neck = slice(chin - 10, chin + 55), slice(int(middle[0]) - 28, int(middle[0]) + 28)
    pixels[neck] = (205, 160, 135)
    cv2.fillPoly(pixels, [np.rint(outline).astype(np.int32)], (215, 170, 145))
    locks = np.zeros(matte.shape, bool)
    locks[chin - 5 : chin + 25, left + 6 : left + 30] = True
    locks[chin - 5 : chin + 25, right - 30 : right - 6] = True
    return pixels, matte, locks


def test_long_hair_hangs_and_face_roots_clothes_and_background_do_not(face: Face) -> None:
    pixels, matte, locks = _long_haired(face, (50, 35, 30))
    field = _field(find_hair(pixels, face, matte), *matte.shape)
    assert field[locks].mean() > 0.6
    inside = np.zeros(matte.shape, np.uint8)
    cv2.fillPoly(inside, [np.rint(face.landmarks[list(OVAL), :2]).astype(np.int32)], (1,))
    assert field[inside > 0].max() < 0.1
    brow = int(face.landmarks[9, 1])
    assert field[:brow].max() < 0.25
    chin = int(face.landmarks[152, 1])
    assert field[chin + 90 :].max() < 0.05  # clothes
    spread = cv2.dilate(matte, np.ones((41, 41), np.uint8))
    assert not field[spread == 0].any()
    assert field.max() <= 1.0


def test_it_has_no_steps(face: Face) -> None:
    pixels, matte, _ = _long_haired(face, (50, 35, 30))
    field = _field(find_hair(pixels, face, matte), *matte.shape)
    for axis in (0, 1):
        assert np.abs(np.diff(field, axis=axis)).max() < 10.0 / face.width_px


def test_what_differs_from_skin_by_its_shade_alone_is_stone(face: Face) -> None:
    pixels, matte, _ = _long_haired(face, (150, 108, 86))
    assert find_hair(pixels, face, matte) is NOWHERE


def test_a_shorn_head_has_none(face: Face, photo: UInt8) -> None:
    pixels = np.full_like(photo, 150)
    matte = np.zeros(photo.shape[:2], np.float32)
    skull = face.landmarks[list(OVAL), :2] - (0, 10)
    cv2.fillPoly(pixels, [np.rint(skull).astype(np.int32)], (215, 170, 145))
    cv2.fillPoly(matte, [np.rint(skull).astype(np.int32)], 1.0)
    assert find_hair(pixels, face, matte) is NOWHERE


@pytest.mark.parametrize("side", [0, 1])
def test_an_ear_ring_hangs(face: Face, side: int) -> None:
    pixels, matte, _ = _long_haired(face, (205, 165, 140))  # as the skin is
    corner = face.landmarks[(132, 361)[side], :2] + ((-1, 1)[side] * 0.1 * face.width_px, 0)
    x, y = corner.astype(int)
    cv2.circle(pixels, (x, y + 16), 11, (30, 160, 90), -1)
    field = _field(find_hair(pixels, face, matte), *matte.shape)
    assert field[y + 18 : y + 24, x - 3 : x + 4].mean() > 0.35
    assert field[:, 256:].any() if side else field[:, :256].any()


def test_at_the_lower_edge_of_the_picture_nothing_swings(face: Face) -> None:
    pixels, matte, _ = _long_haired(face, (50, 35, 30))
    cut = int(face.landmarks[152, 1]) + 30
    field = _field(find_hair(pixels[:cut], face, matte[:cut]), cut, matte.shape[1])
    assert field.max() > 0.3
    assert field[-1].max() < 0.05
