"""Hair that swings and shoulders that follow, as frames show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from portravox.arrays import Float32, UInt8
from portravox.render.scene import Painter, Scene, prepare_scene
from portravox.rig.deform import Deformer
from portravox.rig.fit import Rig
from portravox.rig.follow_weights import FollowWeights

Row = Callable[..., Float32]


@pytest.fixture(scope="module")
def hanging(rig: Rig, photo: UInt8, matte: Float32) -> Scene:
    """The demo's portrait as if something hung beside its neck, on both sides of the mesh's rim."""
    x0, y0 = (int(v) for v in rig.face.landmarks[361, :2] + (-50, 10))
    cell = 4.0
    weights = np.zeros((24, 24), np.float32)
    weights[6:18, 6:18] = 1.0
    weights = cv2.GaussianBlur(weights, (0, 0), 1.5)
    weights[[0, -1]] = 0.0
    weights[:, [0, -1]] = 0.0
    field = FollowWeights(weights, (float(x0), float(y0)), (cell, cell), (x0, y0, x0 + 96, y0 + 96))
    share = field.at(rig.rest[:, :1], rig.rest[:, 1:2])[:, 0]
    return prepare_scene(replace(rig, hair=field, hair_share=share), photo, matte)


def test_swung_hair_is_the_photograph_moved_and_all_else_stays_to_the_bit(
    hanging: Scene, controls: Row, matte: Float32
) -> None:
    painter, deformer = Painter(hanging), Deformer(hanging.rig)
    rest = painter.paint(deformer.deform(controls())).copy()
    fraction = 3.0 / hanging.rig.width_px
    swung = painter.paint(deformer.deform(controls(hair_x=fraction)))
    height, width = matte.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x0, y0, x1, y1 = hanging.rig.hair.region
    inside = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
    loose = np.where(inside, hanging.rig.hair.at(x, y), 0.0)
    changed = (swung != rest).any(axis=-1)
    spread = cv2.dilate((loose > 0.0).astype(np.uint8), np.ones((9, 9), np.uint8))
    assert not changed[spread == 0].any()  # head, body and background
    solid = cv2.erode(((loose > 0.98) & (matte > 0.8)).astype(np.uint8), np.ones((5, 5))) > 0
    assert solid.sum() > 60
    there = np.argwhere(solid)
    now = swung[there[:, 0], there[:, 1]].astype(int)
    before = rest[there[:, 0], there[:, 1] - 3].astype(int)
    unmoved = rest[there[:, 0], there[:, 1]].astype(int)
    assert np.abs(now - before).mean() < 0.5 * np.abs(now - unmoved).mean()


def test_background_stays_to_the_bit_when_all_of_the_person_moves(
    hanging: Scene, controls: Row, matte: Float32
) -> None:
    painter, deformer = Painter(hanging), Deformer(hanging.rig)
    rest = painter.paint(deformer.deform(controls())).copy()
    moved = painter.paint(
        deformer.deform(
            controls(
                breath=1.0, body_x=0.01, body_y=-0.01, hair_x=-0.025, hair_y=0.01,
                head_yaw_deg=5.0, head_shift_x=0.01,
            )
        )
    )  # fmt: skip
    reach = round(0.25 * hanging.rig.width_px)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    far = cv2.dilate((matte > 0.02).astype(np.uint8), disc) == 0
    assert far.mean() > 0.05
    assert np.array_equal(moved[far], rest[far])
    assert (moved != rest).any(axis=-1).mean() > 0.1


def test_hair_alone_is_enough_to_leave_the_photograph(hanging: Scene, controls: Row) -> None:
    painter, deformer = Painter(hanging), Deformer(hanging.rig)
    rest = painter.paint(deformer.deform(controls())).copy()
    assert (painter.paint(deformer.deform(controls(hair_y=0.02))) != rest).any()
    assert np.array_equal(painter.paint(deformer.deform(controls())), rest)
