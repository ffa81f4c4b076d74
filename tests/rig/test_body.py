from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from portravox.arrays import Float32
from portravox.face.face import Face
from portravox.rig.body import Body, find_body
from portravox.rig.deform import Deformer
from portravox.rig.fit import Rig

Row = Callable[..., Float32]


@pytest.fixture(scope="module")
def body(face: Face, matte: Float32) -> Body:
    return find_body(face, matte)


def _field(body: Body, height: int = 512, width: int = 512) -> Float32:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x0, y0, x1, y1 = body.region
    inside = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
    return np.where(inside, body.at(x, y), np.float32(0.0))


def test_shoulders_move_and_head_and_far_background_do_not(
    body: Body, face: Face, matte: Float32
) -> None:
    field = _field(body)
    chin = int(face.landmarks[152, 1])
    assert field[: chin - 10].max() == 0.0
    shoulders = field[chin + 40 : chin + 60]
    assert shoulders[matte[chin + 40 : chin + 60] > 0.9].max() > 0.8
    assert field[:, :40].max() < 0.05
    assert field.max() <= 1.0


def test_it_has_no_steps(body: Body) -> None:
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
    assert np.all(rise[on_body] < 0.006 * rig.width_px)
    assert -posed.body_shift[1] == pytest.approx(0.005 * rig.width_px)


def test_the_body_gives_way_a_little_when_the_head_turns(deformer: Deformer, controls: Row) -> None:
    right = deformer.deform(controls(head_yaw_deg=6.0)).body_shift
    left = deformer.deform(controls(head_yaw_deg=-6.0)).body_shift
    assert right[0] > 0.0
    assert right[0] == -left[0]
