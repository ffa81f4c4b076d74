from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from portravox.arrays import Float32
from portravox.face.face import Face
from portravox.rig.body import find_body
from portravox.rig.deform import Deformer
from portravox.rig.fit import Rig
from portravox.rig.follow_weights import FollowWeights

Row = Callable[..., Float32]


@pytest.fixture(scope="module")
def body(face: Face, matte: Float32) -> FollowWeights:
    return find_body(face, matte)


def _field(body: FollowWeights, height: int = 512, width: int = 512) -> Float32:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x0, y0, x1, y1 = body.region
    inside = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
    return np.where(inside, body.at(x, y), np.float32(0.0))


def test_shoulders_move_and_head_and_far_background_do_not(
    body: FollowWeights, face: Face, matte: Float32
) -> None:
    field = _field(body)
    chin = int(face.landmarks[152, 1])
    assert field[: chin - 10].max() == 0.0
    shoulders = field[chin + 40 : chin + 60]
    assert shoulders[matte[chin + 40 : chin + 60] > 0.9].max() > 0.8
    assert field[:, :40].max() < 0.05
    assert field.max() <= 1.0


def test_it_has_no_steps(body: FollowWeights) -> None:
    field = _field(body)
    for axis in (0, 1):
        assert np.abs(np.diff(field, axis=axis)).max() < 0.06


def test_at_the_lower_edge_of_the_picture_nothing_moves(face: Face, matte: Float32) -> None:
    chin = int(face.landmarks[152, 1])
    cut = matte[: chin + 60]
    field = _field(find_body(face, cut), len(cut))
    assert field.max() > 0.1
    assert field[-1].max() < 0.02


def test_a_picture_that_ends_at_the_chin_has_no_body(face: Face, matte: Float32) -> None:
    body = find_body(face, matte[: int(face.landmarks[152, 1]) + 2])
    assert not body.weights.any()


def test_breath_lifts_shoulders_and_head_alike(rig: Rig, deformer: Deformer, controls: Row) -> None:
    posed = deformer.deform(controls(breath=1.0))
    rise = rig.rest[:, 1] - posed.vertices[: len(rig.rest), 1]
    on_body = rig.body_share > 0.8
    assert on_body.sum() > 20
    assert np.all(rise[on_body] > 0.003 * rig.width_px)
    assert np.all(rise[on_body] < 0.010 * rig.width_px)
    assert -posed.body_shift[1] == pytest.approx(0.009 * rig.width_px)


def test_the_body_goes_where_its_controls_say_and_takes_no_head_along(
    rig: Rig, deformer: Deformer, controls: Row
) -> None:
    posed = deformer.deform(controls(body_x=0.01, body_y=0.02))
    assert posed.body_shift == pytest.approx(np.array([0.01, -0.02]) * rig.width_px)
    way = posed.vertices[: len(rig.rest)] - rig.rest
    assert np.abs(way[rig.body_share > 0.8]).max() > 0.008 * rig.width_px
    assert not way[rig.body_share == 0.0].any()
