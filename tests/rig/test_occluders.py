from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from portravox.arrays import Float32
from portravox.face.face import Face
from portravox.rig.deform import Deformer
from portravox.rig.fit import Rig, fit
from portravox.rig.occluders import covered_share

Row = Callable[..., Float32]


@pytest.fixture(scope="module")
def hand(face: Face) -> Float32:
    """(21, 2) a hand that comes from below left, its fingers side by side on the chin."""
    chin, unit = face.landmarks[152, :2], face.width_px
    joints = [chin + np.array([-0.9, 0.7]) * unit]
    for finger in range(5):
        for joint in range(4):
            joints.append(chin + np.array([-0.45 + 0.14 * joint, 0.3 - 0.07 * finger]) * unit)
    return np.array(joints, np.float32)


@pytest.fixture(scope="module")
def held(face: Face, matte: Float32, hand: Float32) -> Rig:
    return fit(replace(face, hands=(hand,)), matte)


def test_a_point_on_a_finger_is_covered_and_one_far_away_is_not(face: Face, hand: Float32) -> None:
    far = hand[8] + np.array([0.0, -1.0]) * face.width_px
    covered = covered_share(np.stack([hand[8], far]), replace(face, hands=(hand,)))
    assert covered.tolist() == [1.0, 0.0]


def test_without_hands_nothing_is_covered(face: Face) -> None:
    assert not covered_share(face.landmarks[:468, :2], face).any()


def test_what_lies_inside_an_outline_is_covered(face: Face) -> None:
    centre, unit = face.landmarks[152, :2], face.width_px
    angle = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
    disc = centre + 0.2 * unit * np.column_stack([np.cos(angle), np.sin(angle)])
    points = centre + np.array([[0.0, 0.0], [0.15, 0.0], [0.24, 0.0], [0.4, 0.0]]) * unit
    with_disc = replace(face, objects=(disc.astype(np.float32),))
    covered = covered_share(points.astype(np.float32), with_disc)
    assert covered[0] == covered[1] == 1.0
    assert 0.0 < covered[2] < 1.0
    assert covered[3] == 0.0


def test_a_hand_is_not_bent_by_the_jaw(held: Rig, controls: Row) -> None:
    opened = Deformer(held).deform(controls(speech=1.0, jaw=0.8, lip_gap=0.3))
    under = covered_share(held.rest[:, :2], held.face) > 0.99
    assert under.sum() > 50
    moved = np.linalg.norm((opened.vertices[: len(held.rest)] - held.rest)[under], axis=1)
    assert moved.max() < 0.01 * held.width_px


def test_the_mouth_opens_as_far_as_asked_all_the_same(held: Rig, rig: Rig, controls: Row) -> None:
    row = controls(speech=1.0, jaw=0.5, lip_gap=0.25)
    gaps = []
    for one in (held, rig):
        upper, lower = Deformer(one).deform(row).mouth_edges
        middle = len(upper) // 2
        gaps.append(float(np.linalg.norm(lower[middle] - upper[middle])))
    assert gaps[0] == pytest.approx(gaps[1], rel=0.1)


def test_a_head_with_a_hand_at_it_moves_less(held: Rig, rig: Rig, controls: Row) -> None:
    row = controls(head_yaw_deg=5.0)
    turned = [Deformer(one).deform(row).vertices[4] - one.rest[4] for one in (held, rig)]
    assert 0.2 < np.linalg.norm(turned[0]) / np.linalg.norm(turned[1]) < 0.6
