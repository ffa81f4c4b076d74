from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from portravox.arrays import Float32
from portravox.face.outlines import OVAL
from portravox.rig.deform import Deformer, head_rotation, settled_width_mm
from portravox.rig.fit import Rig

Row = Callable[..., Float32]
NOSE_TIP = 4


def gap_mm(rig: Rig, vertices: Float32) -> Float32:
    """(M,) opening along the lips; negative where they would cross."""
    upper, lower = rig.mesh.mouth
    gaps: Float32 = (vertices[lower] - vertices[upper]) @ rig.axes[:, 1] / rig.px_per_mm
    return gaps


def test_at_rest_nothing_moves(rig: Rig, deformer: Deformer, controls: Row) -> None:
    posed = deformer.deform(controls())
    assert np.array_equal(posed.vertices[: len(rig.rest)], rig.rest)


@pytest.mark.parametrize("jaw", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("lip_gap", [0.05, 0.15, 0.30])
@pytest.mark.parametrize("shape", [{}, {"lip_wide": 0.8}, {"lip_round": 0.8}])
def test_lips_open_as_far_as_told_whatever_jaw_and_corners_do(
    rig: Rig, deformer: Deformer, controls: Row, jaw: float, lip_gap: float, shape: dict[str, float]
) -> None:
    posed = deformer.deform(controls(speech=1, lip_gap=lip_gap, jaw=jaw, **shape))
    opening = gap_mm(rig, posed.vertices)
    wanted = lip_gap * settled_width_mm(rig)
    assert opening[len(opening) // 2] == pytest.approx(wanted, abs=0.1)


@pytest.mark.parametrize("jaw", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("press", [0.0, 0.9])
def test_shut_lips_touch_from_corner_to_corner_and_never_cross(
    rig: Rig, deformer: Deformer, controls: Row, jaw: float, press: float
) -> None:
    posed = deformer.deform(controls(speech=1, lip_gap=0, jaw=jaw, lip_press=press))
    opening = gap_mm(rig, posed.vertices)
    assert opening.min() > -1e-3
    assert opening.max() < 0.8  # of a smile that stood open by many millimetres
    assert abs(opening[len(opening) // 2]) < 1e-2


def test_spread_lips_show_the_upper_teeth_more_than_open_ones_do(
    rig: Rig, deformer: Deformer, controls: Row
) -> None:
    middle = len(rig.mesh.mouth[0]) // 2

    def lower_lip_mm(**shape: float) -> float:
        posed = deformer.deform(controls(speech=1, lip_gap=0.12, jaw=0.1, **shape))
        shut = deformer.deform(controls(speech=1, lip_gap=0)).vertices
        lower = rig.mesh.mouth[1][middle]
        return float((posed.vertices[lower] - shut[lower]) @ rig.axes[:, 1]) / rig.px_per_mm

    assert lower_lip_mm(lip_wide=1.0) < lower_lip_mm() - 1.0
    assert lower_lip_mm(lip_teeth=1.0) < lower_lip_mm(lip_wide=1.0)


def test_lips_at_the_teeth_leave_some_of_them_to_be_seen_unless_they_shut(
    rig: Rig, deformer: Deformer, controls: Row
) -> None:
    def opening_mm(lip_gap: float) -> float:
        posed = deformer.deform(controls(speech=1, lip_gap=lip_gap, lip_teeth=1))
        return float(gap_mm(rig, posed.vertices)[len(rig.mesh.mouth[0]) // 2])

    assert opening_mm(0.04) > 2.5
    assert abs(opening_mm(0.0)) < 1e-2


def test_the_lower_lip_rolls_in_under_the_teeth_and_the_sides_of_the_mouth_stay_shut(
    rig: Rig, deformer: Deformer, controls: Row
) -> None:
    def posed(**shape: float) -> Float32:
        return deformer.deform(controls(speech=1, lip_gap=0.09, jaw=0.1, **shape)).vertices

    def red_mm(vertices: Float32) -> float:
        return float((vertices[17] - vertices[14]) @ rig.axes[:, 1])

    def narrower_beside(vertices: Float32) -> float:
        opening = gap_mm(rig, vertices)
        return float(opening[len(opening) // 5] / opening[len(opening) // 2])

    bite, open_mouth = posed(lip_teeth=1.0), posed()
    assert red_mm(bite) < 0.75 * red_mm(open_mouth)
    assert narrower_beside(bite) < 0.75 * narrower_beside(open_mouth)


def test_pressed_lips_show_less_red_and_rounded_ones_more(
    rig: Rig, deformer: Deformer, controls: Row
) -> None:
    def red_mm(**shape: float) -> float:
        vertices = deformer.deform(controls(speech=1, lip_gap=0, **shape)).vertices
        return float((vertices[17] - vertices[14]) @ rig.axes[:, 1]) / rig.px_per_mm

    assert red_mm(lip_press=1) < 0.8 * red_mm() < 0.85 * red_mm(lip_round=1)


def test_half_given_to_speech_the_mouth_is_halfway(
    rig: Rig, deformer: Deformer, controls: Row
) -> None:
    at_rest = gap_mm(rig, rig.rest)
    half = gap_mm(rig, deformer.deform(controls(speech=0.5)).vertices)
    middle = len(half) // 2
    assert half[middle] == pytest.approx(at_rest[middle] / 2, abs=0.1)


def test_a_jaw_that_drops_takes_the_chin_along(rig: Rig, deformer: Deformer, controls: Row) -> None:
    posed = deformer.deform(controls(speech=1, jaw=0.6, lip_gap=0.3))
    drop = (posed.vertices[152] - rig.rest[152]) @ rig.axes[:, 1] / rig.px_per_mm
    assert 4 < drop < 20


def test_a_blink_is_of_its_own_eye_and_moves_no_vertex(
    rig: Rig, deformer: Deformer, controls: Row
) -> None:
    posed = deformer.deform(controls(blink_right=0.7))
    assert posed.blink == pytest.approx((0.0, 0.7))
    assert posed.eyes_act
    assert np.array_equal(posed.vertices[: len(rig.rest)], rig.rest)


def test_lids_follow_eyes_that_look_down(rig: Rig, deformer: Deformer, controls: Row) -> None:
    assert deformer.deform(controls(gaze_pitch_deg=-5)).blink[0] > 0.1
    assert deformer.deform(controls(gaze_pitch_deg=4)).blink[0] < 0.0


def test_head_turns_the_way_the_controls_say(rig: Rig, deformer: Deformer, controls: Row) -> None:
    rest = rig.rest[NOSE_TIP]
    right = deformer.deform(controls(head_yaw_deg=5)).vertices[NOSE_TIP]
    up = deformer.deform(controls(head_pitch_deg=5)).vertices[NOSE_TIP]
    assert right[0] > rest[0] + 1
    assert up[1] < rest[1] - 1
    leaning = deformer.deform(controls(head_roll_deg=5)).vertices
    forehead, chin = leaning[10], leaning[152]
    assert forehead[0] - chin[0] > rig.rest[10, 0] - rig.rest[152, 0] + 5


def test_a_rotation_keeps_lengths_and_does_not_mirror() -> None:
    rotation = head_rotation(7.0, -4.0, 3.0)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)


def test_the_outermost_ring_stays_however_the_head_moves(
    rig: Rig, deformer: Deformer, controls: Row
) -> None:
    posed = deformer.deform(
        controls(head_yaw_deg=12, head_pitch_deg=8, head_roll_deg=8, head_shift_x=0.03)
    )
    still = (rig.rigid == 0.0) & (rig.body_share == 0.0) & (rig.hair_share == 0.0)
    assert still.sum() > 30
    assert np.array_equal(posed.vertices[: len(rig.rest)][still], rig.rest[still])


def test_larger_turns_go_further_but_not_beyond_what_a_photograph_bears(
    rig: Rig, deformer: Deformer, controls: Row
) -> None:
    x = [
        deformer.deform(controls(head_yaw_deg=yaw)).vertices[NOSE_TIP, 0]
        for yaw in (0, 2, 4, 8, 16, 40)
    ]
    steps = np.diff(x)
    assert np.all(steps > 0)
    assert steps[0] == pytest.approx(steps[1], rel=0.05)  # small turns are not bent
    assert steps[-1] < 0.5 * steps[2]


def test_a_smile_lifts_the_corners_of_the_mouth(
    rig: Rig, deformer: Deformer, controls: Row
) -> None:
    smiling = deformer.deform(controls(smile=0.5)).vertices
    for corner in (61, 291):
        assert (smiling[corner] - rig.rest[corner]) @ rig.axes[:, 1] < -0.5 * rig.px_per_mm


def test_rest_is_rest_also_where_shut_lips_cross_by_a_hair(rig: Rig, controls: Row) -> None:
    upper, lower = rig.mesh.mouth
    crossing = rig.rest.copy()
    middle = len(upper) // 2
    crossing[lower[middle]] = crossing[upper[middle]] - 0.02 * rig.px_per_mm * rig.axes[:, 1]
    shut = replace(rig, rest=crossing)
    posed = Deformer(shut).deform(controls())
    assert np.array_equal(posed.vertices[: len(crossing)], crossing)


def test_a_skewed_brow_is_up_on_one_side_and_down_on_the_other(
    rig: Rig, deformer: Deformer, controls: Row
) -> None:
    moved = (deformer.deform(controls(brow_skew=0.4)).vertices[: len(rig.rest)] - rig.rest) @ (
        -rig.axes[:, 1] / rig.px_per_mm
    )
    left, right = moved[105], moved[334]
    assert right == pytest.approx(-left, rel=0.25)
    assert right > 1.0


def test_wide_eyes_open_and_shut_eyes_stay_shut(deformer: Deformer, controls: Row) -> None:
    assert deformer.deform(controls(eye_wide=1)).blink[0] < -0.05
    assert deformer.deform(controls(blink_left=1, eye_wide=1)).blink[0] == pytest.approx(1.0)


def test_a_jaw_that_drops_goes_over_the_neck_and_leaves_the_collar(
    rig: Rig, deformer: Deformer, controls: Row
) -> None:
    opened = deformer.deform(controls(speech=1.0, jaw=1.0, lip_gap=0.3)).vertices
    drop = opened[: len(rig.rest), 1] - rig.rest[:, 1]
    below = rig.mesh.rings[2, OVAL.index(152)]
    assert drop[152] > 0.04 * rig.width_px
    assert abs(drop[below]) < 0.15 * drop[152]


def test_corners_use_up_their_line_as_they_are_drawn_in(deformer: Deformer, controls: Row) -> None:
    assert deformer.deform(controls()).corners_in == (0.0, 0.0)
    assert deformer.deform(controls(smile=1.0)).corners_in == (0.0, 0.0)
    rounding = [
        deformer.deform(controls(speech=1.0, lip_round=amount)).corners_in
        for amount in (0.0, 0.3, 0.6, 1.0)
    ]
    assert np.all(np.diff(rounding, axis=0) >= 0.0)
    assert rounding[-1] == (1.0, 1.0)


@pytest.mark.parametrize("pose", [{"lip_round": 1.0, "lip_gap": 0.08, "jaw": 0.2}, {"jaw": 0.6}])
def test_the_corner_of_the_mouth_does_not_fold_in(
    deformer: Deformer, controls: Row, rig: Rig, pose: dict[str, float]
) -> None:
    at = deformer.deform(controls(speech=1.0, **pose)).vertices @ rig.axes[:, 0] / rig.px_per_mm
    # each corner with its neighbours on the outline of the lips: no more than a hair inwards
    for side, corner, neighbours in ((-1.0, 61, (185, 146)), (1.0, 291, (409, 375))):
        assert max(side * (at[i] - at[corner]) for i in neighbours) < 0.8
