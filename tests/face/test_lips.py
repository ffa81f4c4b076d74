"""Reading the mouth."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.face.face import Face, LipState
from portravox.face.lips import read_lips

from .conftest import MouthDrawer, SampleJudge

TEETH = (236, 230, 214)
DARK = (38, 14, 16)
LIP = (176, 84, 84)

STATES = {
    "boy_child_bangs.jpg": {LipState.CLOSED},
    "bw_photo_woman_tiara_smile_teeth.jpg": {LipState.TEETH},
    "cartoon_3d_boy.jpg": {LipState.CLOSED},
    "man_beard_grey_very_large_4600.jpg": {LipState.CLOSED},
    "man_dark_skin_smile_teeth.jpg": {LipState.TEETH},
    "man_exif_orientation_6.jpg": {LipState.CLOSED},
    "man_glasses_beard_smile_teeth.jpg": {LipState.TEETH},
    "man_glasses_mouth_open_three_quarter.png": {LipState.OPEN, LipState.PARTED},
    "man_speaking_open_mouth_at_microphone.png": {LipState.OPEN},
    "man_stubble_frontal_closed_mouth.jpg": {LipState.CLOSED},
    "painting_mona_lisa.jpg": {LipState.CLOSED},
    "statue_white_marble.png": {LipState.CLOSED},
    "woman_16bit.png": {LipState.OPEN, LipState.TEETH, LipState.PARTED},
    "woman_cap_smile_teeth.jpg": {LipState.TEETH},
    "woman_dark_skin_short_hair_hand_on_chin.jpg": {LipState.CLOSED},
    "woman_east_asian_very_large_2840.png": {LipState.CLOSED},
    "woman_elderly_small_low_light.png": {LipState.CLOSED},
    "woman_slight_turn_slightly_open_mouth.jpg": {LipState.CLOSED, LipState.PARTED},
    "woman_smile_teeth.webp": {LipState.CLOSED, LipState.PARTED},
}
"""What the eye sees; two or three where it hesitates."""


@pytest.mark.parametrize("name", STATES)
def test_the_state_is_what_the_eye_sees(judge_sample: SampleJudge, name: str) -> None:
    assert judge_sample(f"portraits/{name}").faces[0].lips.state in STATES[name]


def test_a_smile_shows_teeth(astronaut_face: Face) -> None:
    lips = astronaut_face.lips
    assert lips.state is LipState.TEETH
    assert lips.teeth_share > 0.4
    assert np.all(lips.lower_inner[1:-1, 1] > lips.upper_inner[1:-1, 1])


@pytest.mark.parametrize(("inside", "state"), [(TEETH, LipState.TEETH), (DARK, LipState.OPEN)])
def test_an_opening_that_the_mesh_missed_is_found(
    draw_mouth: MouthDrawer, inside: tuple[int, int, int], state: LipState
) -> None:
    lips = read_lips(*draw_mouth(inside, 26.0, mesh_gap_px=0.0))
    assert lips.state is state
    gap = lips.lower_inner[5, 1] - lips.upper_inner[5, 1]
    assert gap == pytest.approx(26.0, abs=3.0)
    assert lips.upper_inner[5, 1] == pytest.approx(200.0 - 13.0, abs=2.0)


def test_a_gap_that_only_the_mesh_sees_is_closed(draw_mouth: MouthDrawer) -> None:
    lips = read_lips(*draw_mouth(LIP, 0.0, mesh_gap_px=12.0))
    assert lips.state is LipState.CLOSED
    assert lips.teeth_share == 0.0
    assert np.array_equal(lips.upper_inner, lips.lower_inner)


def test_a_closed_seam_lies_on_the_dark_line(draw_mouth: MouthDrawer) -> None:
    pixels, landmarks = draw_mouth(DARK, 3.0)
    landmarks[:, 1] += 5.0  # the mesh is off by 5 px
    lips = read_lips(pixels, landmarks)
    assert lips.state is LipState.CLOSED
    assert np.allclose(lips.upper_inner[2:9, 1], 200.0, atol=1.6)


@pytest.mark.parametrize("gain", [0.15, 0.5, 1.1])
def test_exposure_does_not_change_the_reading(draw_mouth: MouthDrawer, gain: float) -> None:
    pixels, landmarks = draw_mouth(TEETH, 26.0)
    exposed = np.clip(pixels * gain, 0, 255).astype(np.uint8)
    assert read_lips(exposed, landmarks).state is LipState.TEETH


def test_both_lips_share_their_corners(draw_mouth: MouthDrawer, astronaut_face: Face) -> None:
    for lips in (astronaut_face.lips, read_lips(*draw_mouth(DARK, 26.0))):
        assert lips.upper_inner.shape == lips.lower_inner.shape == (11, 2)
        assert np.array_equal(lips.upper_inner[[0, -1]], lips.lower_inner[[0, -1]])
        assert np.all(np.diff(lips.upper_inner[:, 0]) > 0.0)


def test_grey_teeth_are_still_teeth(astronaut_face: Face, draw_mouth: MouthDrawer) -> None:
    pixels, landmarks = draw_mouth(TEETH, 26.0)
    grey = np.repeat(pixels.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    assert read_lips(grey, landmarks).state is LipState.TEETH
