from __future__ import annotations

from collections.abc import Callable

import numpy as np

from portravox.arrays import Float32
from portravox.rig.deform import Deformer, head_rotation
from portravox.rig.fit import CAMERA_DISTANCE_FW, Rig
from portravox.rig.kernels import bend, turn_head

STILL = np.zeros(2, np.float32)


def test_points_of_the_skull_turn_as_the_readable_version_says(
    rig: Rig, deformer: Deformer, controls: Callable[..., Float32]
) -> None:
    posed = deformer.deform(
        controls(head_yaw_deg=6.0, head_pitch_deg=-3.0, head_roll_deg=4.0, head_shift_x=0.02)
    )
    points = rig.rest.copy()
    whole = np.ones(len(points), np.float32)
    turn_head(
        points, whole, rig.pivot, posed.rotation.astype(np.float32),
        posed.shift.astype(np.float32), CAMERA_DISTANCE_FW * rig.width_px,
        np.zeros_like(whole), STILL, np.zeros_like(whole), STILL,
    )  # fmt: skip
    assert np.abs(points - rig.rest).max() > 1.0
    assert np.abs(points - posed.on_skull(rig.rest.astype(np.float64))).max() < 0.01


def test_points_that_do_not_follow_stay_and_others_go_half_way(rig: Rig) -> None:
    rotation = head_rotation(6.0, 0.0, 0.0).astype(np.float32)
    shift = np.array([3.0, 0.0, 0.0], np.float32)
    distance = CAMERA_DISTANCE_FW * rig.width_px
    ways = []
    for share in (0.0, 0.5, 1.0):
        points = rig.rest.copy()
        follow = np.full(len(points), share, np.float32)
        nowhere = np.zeros_like(follow)
        turn_head(
            points, follow, rig.pivot, rotation, shift, distance, nowhere, STILL, nowhere, STILL
        )
        ways.append(points - rig.rest)
    assert np.all(ways[0] == 0)
    assert np.allclose(ways[1], ways[2] / 2, atol=1e-3)


def test_points_of_body_and_hair_go_with_them_alone(rig: Rig) -> None:
    points = rig.rest.copy()
    share = np.linspace(0, 1, len(points), dtype=np.float32)
    turn_head(
        points, np.zeros_like(share), rig.pivot, np.eye(3, dtype=np.float32),
        np.zeros(3, np.float32), CAMERA_DISTANCE_FW * rig.width_px,
        share, np.array([2.0, -4.0], np.float32),
        share[::-1].copy(), np.array([1.0, 3.0], np.float32),
    )  # fmt: skip
    way = points - rig.rest
    wanted = np.outer(share, [2.0, -4.0, 0.0]) + np.outer(share[::-1], [1.0, 3.0, 0.0])
    assert np.allclose(way, wanted, atol=1e-3)


def test_bending_is_a_weighted_sum() -> None:
    rng = np.random.default_rng(4)
    rest = rng.normal(0, 10, 300).astype(np.float32)
    shapes = rng.normal(0, 1, (5, 300)).astype(np.float32)
    weights = np.array([0.5, 0.0, -0.2, 1.0, 0.0], np.float32)
    bent = np.empty_like(rest)
    bend(rest, shapes, weights, bent)
    assert np.allclose(bent, rest + weights @ shapes, atol=1e-5)
