from __future__ import annotations

import cv2
import numpy as np
import pytest

from portravox.arrays import Float32, UInt8
from portravox.face.bystanders import without_bystanders
from portravox.face.face import Face

WIDE = 240
"""Room beside the photograph, px."""


def _beside(photo: UInt8, matte: Float32, blur_px: float) -> tuple[UInt8, Float32]:
    """Somebody in patterned clothes to the right of a photograph's noisy person; the matte takes
    both for one."""
    noise = np.random.default_rng(2).normal(0.0, 25.0, (photo.shape[0], photo.shape[1] + WIDE))
    other = cv2.GaussianBlur(noise, (0, 0), blur_px) if blur_px else noise
    other *= 25.0 / other.std()
    wide = np.pad(photo, ((0, 0), (0, WIDE), (0, 0)), mode="edge").astype(np.float32)
    person = np.pad(matte, ((0, 0), (0, WIDE)))
    person[photo.shape[0] // 2 :, photo.shape[1] - 40 :] = 1.0
    wide[:, : photo.shape[1]] += 0.5 * noise[:, : photo.shape[1], None]
    wide[:, photo.shape[1] - 40 :] = 128.0 + other[:, photo.shape[1] - 40 :, None]
    return np.clip(wide, 0, 255).astype(np.uint8), person


def test_who_is_out_of_focus_beside_the_person_does_not_go_along(
    photo: UInt8, face: Face, matte: Float32
) -> None:
    pixels, person = _beside(photo, matte, blur_px=4.0)
    alone = without_bystanders(pixels, person, face)
    aside = photo.shape[1] + 30
    assert person[photo.shape[0] // 2 + 40 :, aside : aside + 150].min() == 1.0
    assert np.mean(alone[photo.shape[0] // 2 + 40 :, aside : aside + 150] < 0.05) > 0.95
    assert np.array_equal(alone[:, : photo.shape[1] // 2], person[:, : photo.shape[1] // 2])


@pytest.mark.parametrize("blur_px", [0.0, 0.5])
def test_who_is_as_sharp_as_the_face_stays(
    photo: UInt8, face: Face, matte: Float32, blur_px: float
) -> None:
    pixels, person = _beside(photo, matte, blur_px)
    assert without_bystanders(pixels, person, face) is person


def test_a_person_alone_is_left_alone(photo: UInt8, face: Face, matte: Float32) -> None:
    assert without_bystanders(photo, matte, face) is matte
