"""The compiled loops give what the readable ones give."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.render import reference
from portravox.render.kernels import FAR, LIGHT_UNIT, compose, rasterize


@pytest.mark.parametrize("step", [1, 3])
def test_raster_equals_the_reference(step: int) -> None:
    rng = np.random.default_rng(1)
    vertices = rng.uniform(0, 60, (30, 3)).astype(np.float32)
    attributes = rng.uniform(-1, 1, (30, 3)).astype(np.float32)
    triangles = rng.integers(0, 30, (25, 3)).astype(np.int32)
    rows, columns = 60 // step, 66 // step
    y, x = np.mgrid[0:rows, 0:columns] * float(step)
    background = rng.uniform(5, 6, (rows, columns, 3)).astype(np.float32)
    nodes = background.copy()
    depth = np.full((rows, columns), FAR, np.float32)
    rasterize(vertices, attributes, triangles, -2.0, 1.0, float(step), nodes, depth)
    places = np.dstack([x - 2.0, y + 1.0])
    expected = reference.rasterize(vertices, attributes, triangles, places, background)
    # a node on an edge may fall to either side of it
    different = np.abs(nodes - expected).max(axis=-1) > 1e-3
    assert different.mean() < 0.002
    assert (nodes != background).any(axis=-1).mean() > 0.3


def test_nearer_triangle_hides_the_farther_one() -> None:
    corners = np.array([[0, 0], [20, 0], [0, 20]], np.float32)
    near = np.column_stack([corners, [1, 1, 1]])
    far = np.column_stack([corners, [5, 5, 5]])
    vertices = np.concatenate([far, near]).astype(np.float32)
    attributes = np.repeat(np.array([[9, 9, 9], [2, 2, 2]], np.float32), 3, axis=0)
    for order in ([[0, 1, 2], [3, 4, 5]], [[3, 4, 5], [0, 1, 2]]):
        nodes = np.zeros((10, 10, 3), np.float32)
        depth = np.full((10, 10), FAR, np.float32)
        rasterize(vertices, attributes, np.array(order, np.int32), 0.0, 0.0, 1.0, nodes, depth)
        assert np.allclose(nodes[3, 3], 2)


def test_compose_equals_the_reference() -> None:
    rng = np.random.default_rng(2)
    looked_up = rng.integers(0, 256, (13, 17, 4), np.uint8)
    looked_up[:5, :, 3] = 255
    plate = rng.integers(0, 256, (20, 30, 3), np.uint8)
    light = rng.uniform(0.8, 1.25, (13, 17))
    frame = np.zeros((40, 50, 3), np.uint8)
    factors = np.rint(light * LIGHT_UNIT).astype(np.uint16)
    compose(looked_up, factors, plate, 4, 3, frame, 6, 5)
    expected = reference.compose(looked_up, light, plate[3:16, 4:21])
    drawn = frame[5:18, 6:23].astype(int)
    assert np.abs(drawn - expected).max() <= 1
    frame[5:18, 6:23] = 0
    assert not frame.any()  # nothing outside its rectangle


def test_compose_with_even_light_and_a_full_matte_copies() -> None:
    looked_up = np.random.default_rng(3).integers(0, 256, (9, 11, 4), np.uint8)
    looked_up[..., 3] = 255
    frame = np.zeros((9, 11, 3), np.uint8)
    light = np.full((9, 11), LIGHT_UNIT, np.uint16)
    compose(looked_up, light, np.zeros((9, 11, 3), np.uint8), 0, 0, frame, 0, 0)
    assert np.array_equal(frame, looked_up[..., :3])
