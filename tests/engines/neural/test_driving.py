"""What controls do to keypoints: 0 moves nothing, and each part moves its own."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.animation.controls import CONTROLS, ControlTrack
from portravox.animation.direct import direct
from portravox.arrays import Float64
from portravox.articulation.from_voice import articulate
from portravox.engines.neural.driving import (
    BROWS,
    EYES,
    LIPS,
    PortraitMeasures,
    driven_keypoints,
    expression_offsets,
    opening_offset,
    shutting_offset,
)
from portravox.engines.neural.keypoints import HeadShape
from portravox.options import Direction
from tests.talking import voice

RNG = np.random.default_rng(1)
HEAD = HeadShape(
    neutral=RNG.normal(0.0, 0.3, (21, 3)).astype(np.float32),
    expression=RNG.normal(0.0, 0.01, (21, 3)).astype(np.float32),
    angles_deg=np.array([3.0, -8.0, 1.0], np.float32),
    scale=1.3,
    translation=np.array([0.02, 0.05, 9.0], np.float32),
)
CLOSED = PortraitMeasures(lip_ratio=0.0, eye_ratios=(0.35, 0.35), face_width=0.9)


def track(**controls: float) -> ControlTrack:
    values = np.zeros((1, len(CONTROLS)), np.float32)
    for name, value in controls.items():
        values[0, CONTROLS.index(name)] = value
    return ControlTrack(values, 25)


def offsets(**controls: float) -> Float64:
    return expression_offsets(HEAD, track(**controls), CLOSED)[0]


def moved(**controls: float) -> set[int]:
    return set(np.flatnonzero(np.abs(offsets(**controls)).max(axis=1)).tolist())


def test_at_rest_every_keypoint_is_the_portraits_own() -> None:
    assert np.array_equal(driven_keypoints(HEAD, track(), CLOSED)[0], HEAD.keypoints)


@pytest.mark.parametrize("control", CONTROLS)
def test_nothing_outside_lips_eyes_and_brows_changes_its_expression(control: str) -> None:
    assert moved(speech=1.0, **({control: 1.0} if control != "speech" else {})) <= {
        *LIPS,
        *EYES,
        *BROWS,
    }


def test_each_part_of_the_face_moves_its_own_keypoints() -> None:
    assert moved(speech=1.0, lip_gap=0.3, lip_wide=1.0, lip_round=0.5, smile=1.0) <= set(LIPS)
    assert moved(gaze_yaw_deg=5.0, gaze_pitch_deg=2.0, squint=1.0) <= set(EYES)
    assert moved(brow_raise=1.0, brow_lower=0.3) <= set(BROWS)
    assert moved(blink_left=1.0, blink_right=1.0) <= {*EYES, *BROWS}


def test_an_opening_is_absolute_and_the_photographs_own_is_taken_off() -> None:
    smiling = PortraitMeasures(lip_ratio=0.2, eye_ratios=(0.35, 0.35), face_width=0.9)
    as_it_is = expression_offsets(HEAD, track(speech=1.0, lip_gap=0.2), smiling)
    assert np.abs(as_it_is).max() < 1e-6  # controls are single precision
    closing = expression_offsets(HEAD, track(speech=1.0), smiling)[0, 19, 1]
    assert closing == pytest.approx(-opening_offset(np.array(0.2)))
    assert offsets(speech=0.0, lip_gap=0.3).any() == np.False_


def test_wider_lips_move_the_lower_lip_further_and_0_1_moves_it_as_measured() -> None:
    ratios = np.linspace(0.0, 1.0, 101)
    assert np.all(np.diff(opening_offset(ratios)) > 0.0)
    mean_slope = float(opening_offset(np.array(0.6)) - opening_offset(np.array(0.0))) / 6.0
    assert mean_slope == pytest.approx(0.012, rel=0.05)


def test_a_wider_eye_has_further_to_go_until_it_is_shut() -> None:
    assert 0.010 <= shutting_offset(0.35) <= 0.015
    assert shutting_offset(0.2) < shutting_offset(0.35) < shutting_offset(0.5) <= 0.020


def test_the_left_eye_of_the_picture_is_the_one_whose_keypoint_lies_left() -> None:
    left = 11 if HEAD.keypoints[11, 0] < HEAD.keypoints[15, 0] else 15
    assert offsets(blink_left=1.0)[left, 1] > 0.0
    assert offsets(blink_left=1.0)[26 - left, 1] == 0.0


def test_a_chin_that_is_raised_a_head_that_turns_and_leans_go_where_they_say() -> None:
    nose = HeadShape(
        neutral=np.tile(np.array([0.0, 0.0, -1.0], np.float32), (21, 1)),
        expression=np.zeros((21, 3), np.float32),
        angles_deg=np.zeros(3, np.float32),
        scale=1.0,
        translation=np.zeros(3, np.float32),
    )
    assert driven_keypoints(nose, track(head_pitch_deg=10.0), CLOSED)[0, 0, 1] < -0.1  # up
    assert driven_keypoints(nose, track(head_yaw_deg=10.0), CLOSED)[0, 0, 0] > 0.1  # right
    assert driven_keypoints(nose, track(head_shift_x=0.1), CLOSED)[0, 0, 0] == pytest.approx(0.09)
    assert driven_keypoints(nose, track(head_shift_y=0.1), CLOSED)[0, 0, 1] == pytest.approx(-0.09)
    crown = HeadShape(
        neutral=np.tile(np.array([0.0, -1.0, 0.0], np.float32), (21, 1)),
        expression=nose.expression,
        angles_deg=nose.angles_deg,
        scale=1.0,
        translation=nose.translation,
    )
    assert driven_keypoints(crown, track(head_roll_deg=10.0), CLOSED)[0, 0, 0] > 0.1  # clockwise


def test_parameters_at_0_keep_their_part_of_the_portrait_in_every_frame() -> None:
    still = driven_keypoints(
        HEAD,
        direct(
            articulate(voice()),
            Direction(mouth_move_strength=0.0, head_move_strength=0.0, eye_move_freq=0.0, seed=3),
        ),
        CLOSED,
    )
    untouched = [point for point in range(21) if point not in (*EYES, *BROWS)]
    assert np.array_equal(
        still[:, untouched], np.repeat(HEAD.keypoints[None, untouched], len(still), 0)
    )
