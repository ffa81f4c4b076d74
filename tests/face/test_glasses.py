from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from portravox.arrays import UInt8
from portravox.face.eyes import EyeView
from portravox.face.face import Face
from portravox.face.find import find_face
from portravox.face.glasses import LEAST_STEP, bridge_step, hidden_by_lens, rim_above, wears_glasses
from portravox.media.picture_file import read_picture


def test_a_bare_nose_wears_none(photo: UInt8, face: Face) -> None:
    assert bridge_step(photo, face.landmarks) < 0.8 * LEAST_STEP
    assert not face.glasses


@pytest.mark.parametrize("colour", [(20, 20, 20), (120, 80, 40), (60, 90, 170)])
def test_a_rim_painted_across_the_nose_is_seen(
    photo: UInt8, face: Face, colour: tuple[int, int, int]
) -> None:
    painted = photo.copy()
    left, right = (face.landmarks[i, :2] for i in (133, 362))
    way = (right - left) * 0.2
    points = np.round(np.stack([left - way, right + way])).astype(int)
    cv2.line(painted, tuple(points[0].tolist()), tuple(points[1].tolist()), colour, 2, cv2.LINE_AA)
    assert wears_glasses(painted, face.landmarks)


@pytest.mark.parametrize(
    ("name", "worn"),
    [
        ("man_glasses_beard_smile_teeth.jpg", True),
        ("man_glasses_mouth_open_three_quarter.png", True),
        ("man_stubble_frontal_closed_mouth.jpg", False),
        ("man_exif_orientation_6.jpg", False),
        ("woman_cap_smile_teeth.jpg", False),
        ("painting_mona_lisa.jpg", False),
    ],
)
def test_real_people(samples: Path, name: str, worn: bool) -> None:
    face, _ = find_face(read_picture(samples / "portraits" / name, max_side_px=1600))
    assert face.glasses is worn


def eye_behind(lens: float) -> EyeView:
    """A drawn eye on skin of brightness 180, behind glass that lets a share of light through."""
    y, x = np.mgrid[0:180, 0:236]
    bow = np.clip(1 - ((x[0] - 118) / 64.0) ** 2, 0, 1)
    upper, lower = (100 - 20 * bow).astype(np.float32), (100 + 16 * bow).astype(np.float32)
    grey = np.where((y > upper) & (y < lower), 220, 180)
    grey[np.hypot(x - 118, y - 98) < 16] = 30
    pixels = np.repeat((grey * lens).astype(np.uint8)[..., None], 3, axis=2)
    return EyeView(
        pixels, np.eye(2, 3), (54.0, 182.0), 100.0, 128 / 30, upper, lower, (118.0, 98.0, 16.0)
    )


def test_a_dark_lens_hides_the_eye_and_a_clear_one_does_not() -> None:
    assert hidden_by_lens(eye_behind(0.12), skin=180.0)
    assert not hidden_by_lens(eye_behind(0.6), skin=180.0)
    assert not hidden_by_lens(eye_behind(1.0), skin=180.0)


def test_the_rim_above_an_eye_is_found_where_it_is_drawn() -> None:
    eye = eye_behind(1.0)
    bare = rim_above(eye)
    rimmed = eye.pixels.copy()
    rimmed[50:58] = 20
    found = rim_above(replace(eye, pixels=rimmed))
    assert (bare < 0).all()  # skin alone
    assert found[60:176] == pytest.approx(58, abs=0.6 * eye.mm)


def test_hairs_of_a_brow_are_no_rim() -> None:
    eye = eye_behind(1.0)
    hairy = eye.pixels.copy()
    for x in range(40, 200, 14):
        hairy[40:60, x : x + 3] = 60
    assert (rim_above(replace(eye, pixels=hairy)) < 0).all()
