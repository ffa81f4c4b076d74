"""Things before the chin, and beards that are none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from portravox.arrays import Float32, UInt8
from portravox.face.find import find_face
from portravox.face.objects import objects_at_chin
from portravox.media.picture import Picture


def _with_disc(
    astronaut: Picture, colour: tuple[int, int, int], aside: float = 0.0
) -> tuple[UInt8, Float32, Float32]:
    """A disc held before the chin: pixels, landmarks measured on them, the disc's middle."""
    face, _ = find_face(astronaut)
    middle = face.landmarks[152, :2] + np.array([aside, 0.05]) * face.width_px
    pixels = astronaut.pixels.copy()
    x, y = np.round(middle).astype(int).tolist()
    cv2.circle(pixels, (x, y), int(0.22 * face.width_px), colour, -1, cv2.LINE_AA)
    again, _ = find_face(Picture(pixels))
    return pixels, again.landmarks, middle.astype(np.float32)


@pytest.mark.parametrize("colour", [(25, 25, 28), (30, 60, 150)], ids=["black", "blue"])
@pytest.mark.parametrize("aside", [0.0, 0.12])
def test_a_disc_before_the_chin_is_outlined(
    astronaut: Picture, colour: tuple[int, int, int], aside: float
) -> None:
    pixels, landmarks, middle = _with_disc(astronaut, colour, aside)
    (outline,) = objects_at_chin(pixels, landmarks)
    x, y = (float(v) for v in middle)
    assert cv2.pointPolygonTest(outline, (x, y), False) > 0


def test_a_bare_chin_has_nothing_before_it(astronaut: Picture) -> None:
    face, _ = find_face(astronaut)
    assert objects_at_chin(astronaut.pixels, face.landmarks) == ()


def test_a_beard_that_covers_the_jaw_is_no_object(astronaut: Picture) -> None:
    face, _ = find_face(astronaut)
    jaw = [234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152]
    jaw += [377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 425, 18, 205]
    outline = np.round(face.landmarks[jaw, :2]).astype(np.int32)
    beard = np.zeros(astronaut.pixels.shape[:2], np.uint8)
    cv2.fillPoly(beard, [outline], (1,))
    cover = cv2.GaussianBlur(beard.astype(np.float32), (0, 0), 1.5)[..., None]
    noise = np.random.default_rng(2).normal(0.0, 12.0, astronaut.pixels.shape)
    bearded = astronaut.pixels * (1 - cover) + (np.array([60, 48, 40]) + noise) * cover
    pixels = np.clip(bearded, 0, 255).astype(np.uint8)
    assert objects_at_chin(pixels, face.landmarks) == ()
