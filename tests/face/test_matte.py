"""The person cut out."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from portravox.arrays import Float32, UInt8
from portravox.face.face import Face
from portravox.face.find import find_face
from portravox.face.matte import _mistaken, person_matte
from portravox.media.picture import Picture
from portravox.media.picture_file import read_picture


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


def sides_of(unsure: float) -> tuple[UInt8, Float32, Float32]:
    """A dark person before a red wall and a grey one beside that: pixels, and two looks at them.

    unsure  what the closer look says of the red wall on one side of the person
    """
    pixels = np.full((240, 240, 3), 210, np.uint8)
    pixels[:, 30:] = (140, 30, 40)
    pixels[40:, 100:160] = (40, 35, 30)
    person = np.zeros((240, 240), np.float32)
    person[40:, 100:160] = 1.0
    closer = person.copy()
    closer[60:, 30:100] = unsure
    return pixels, person, closer


@pytest.mark.parametrize("unsure", [0.5, 0.95])
def test_a_wall_that_a_look_takes_for_the_person_is_behind(unsure: float) -> None:
    pixels, whole, closer = sides_of(unsure)
    behind = _mistaken(pixels, whole, closer, face_width_px=60.0)
    assert behind[80:, 40:95].mean() > 0.95
    assert not behind[:, 105:155].any()


def test_hair_of_which_a_look_is_unsure_stays_with_the_person() -> None:
    pixels, whole, closer = sides_of(0.0)
    closer[60:140, 130:160] = 0.4
    assert not _mistaken(pixels, whole, closer, face_width_px=60.0).any()


def test_the_frame_around_a_portrait_is_behind(samples: Path) -> None:
    picture = read_picture(samples / "portraits" / "woman_alpha.png", max_side_px=900)
    face, _ = find_face(picture)
    matte = person_matte(picture.pixels, face)
    x0, y0, x1, y1 = (round(edge) for edge in (face.box.x0, face.box.y0, face.box.x1, face.box.y1))
    beside = round(0.55 * (x1 - x0))
    assert matte[y0:y1, : x0 - beside].mean() < 0.05
    assert matte[y0:y1, x1 + beside :].mean() < 0.05
    assert matte[y0:y1, x0:x1].mean() > 0.97


@pytest.mark.parametrize(("softness_px", "is_behind"), [(2.5, True), (0.0, False)])
def test_half_of_an_unsure_place_is_enough_where_it_is_out_of_focus(
    softness_px: float, is_behind: bool
) -> None:
    pixels, whole, closer = sides_of(0.5)
    pixels[60:, 72:100] = (40, 35, 30)  # as dark as the person, which it touches
    grain = np.random.default_rng(0).normal(0.0, 12.0, (240, 240, 1))
    blurred = cv2.GaussianBlur(grain, (0, 0), softness_px) * 4.0 if softness_px else grain[..., 0]
    noise = np.where(whole > 0, grain[..., 0], blurred)[..., None]
    pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    behind = _mistaken(pixels, whole, closer, face_width_px=60.0)
    assert bool(behind[80:, 40:65].mean() > 0.9) is is_behind
    assert not behind[:, 105:155].any()
