"""The compiled loops give what the readable ones give."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.render import reference
from portravox.render.film import double, pairs_of, states_of
from portravox.render.kernels import (
    BETWEEN,
    CELLS,
    CLEAR,
    FAR,
    SOLID,
    MovingLayer,
    NodeMap,
    ThreePlanes,
    draw_planes,
    rasterize,
)


@pytest.mark.parametrize("step", [1, 3])
def test_raster_equals_the_reference(step: int) -> None:
    rng = np.random.default_rng(1)
    vertices = rng.uniform(0, 60, (30, 3)).astype(np.float32)
    attributes = rng.uniform(-1, 1, (30, 3)).astype(np.float32)
    triangles = rng.integers(0, 30, (25, 3)).astype(np.int32)
    rows, columns = 60 // step, 66 // step
    y, x = np.mgrid[0:rows, 0:columns] * float(step)
    background = rng.uniform(5, 6, (3, rows, columns)).astype(np.float32)
    nodes = background.copy()
    depth = np.full((rows, columns), FAR, np.float32)
    rasterize(vertices, attributes, triangles, -2.0, 1.0, float(step), nodes, depth)
    places = np.dstack([x - 2.0, y + 1.0])
    expected = reference.rasterize(vertices, attributes, triangles, places, background)
    # a node on an edge may fall to either side of it
    different = np.abs(nodes - expected).max(axis=0) > 1e-3
    assert different.mean() < 0.002
    assert (nodes != background).any(axis=0).mean() > 0.3


def test_nearer_triangle_hides_the_farther_one() -> None:
    corners = np.array([[0, 0], [20, 0], [0, 20]], np.float32)
    near = np.column_stack([corners, [1, 1, 1]])
    far = np.column_stack([corners, [5, 5, 5]])
    vertices = np.concatenate([far, near]).astype(np.float32)
    attributes = np.repeat(np.array([[9, 9, 9], [2, 2, 2]], np.float32), 3, axis=0)
    for order in ([[0, 1, 2], [3, 4, 5]], [[3, 4, 5], [0, 1, 2]]):
        nodes = np.zeros((3, 10, 10), np.float32)
        depth = np.full((10, 10), FAR, np.float32)
        rasterize(vertices, attributes, np.array(order, np.int32), 0.0, 0.0, 1.0, nodes, depth)
        assert np.allclose(nodes[:, 3, 3], 2)


HEIGHT, WIDTH = 64, 72
FILM_AT = (10, 6)
"""x, y in the picture."""


def planes(rng: np.random.Generator, low: int, high: int) -> ThreePlanes:
    half = (HEIGHT // 2, WIDTH // 2)
    return ThreePlanes(
        rng.integers(low, high, (HEIGHT, WIDTH), np.uint8),
        rng.integers(low, high, half, np.uint8),
        rng.integers(low, high, half, np.uint8),
    )


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("scale", [1, 2])
def test_planes_equal_the_reference(cell: int, scale: int) -> None:
    rng = np.random.default_rng(2)
    film, plate = planes(rng, 16, 236), planes(rng, 16, 236)
    ramp = np.clip((np.arange(WIDTH) - 20) * 16.0, 0, 255)  # clear, between, solid
    matte = np.repeat(ramp[None].astype(np.uint8), HEIGHT, axis=0)
    states = states_of(matte)
    assert {CLEAR, BETWEEN, SOLID} == set(states.ravel().tolist())
    luma = double(film.luma) if scale == 2 else film.luma
    pairs = [pairs_of(plane) for plane in (luma, film.cb, film.cr)]
    moving = MovingLayer(*pairs, matte, states, *FILM_AT, scale)

    # a turned and shifted copy of the film, in a window of a larger frame
    x0, y0, x1, y1 = window = (12, 8, 76, 64)
    rows, columns = (y1 - y0) // cell + 1, (x1 - x0) // cell + 1
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float64) * cell
    across = x0 + x + 1.3 - 0.05 * y
    down = y0 + y - 0.7 + 0.05 * x
    light = 0.9 + 0.002 * x
    nodes = np.stack([across, down, light]).astype(np.float32)
    sizes = ((80, 90), (40, 45), (40, 45))
    frame = ThreePlanes(*(np.zeros(size, np.uint8) for size in sizes))
    bands = np.array([window], np.int32)
    draw_planes(NodeMap(nodes, x0, y0, cell), bands, moving, plate, frame)

    def everywhere(values: np.ndarray) -> np.ndarray:
        """At every pixel of the window; the values are linear, so that nodes tell them all."""
        fine_y, fine_x = np.mgrid[0 : y1 - y0, 0 : x1 - x0]
        by_x = (values[0, 1] - values[0, 0]) / cell
        by_y = (values[1, 0] - values[0, 0]) / cell
        return values[0, 0] + fine_x * by_x + fine_y * by_y

    places = np.dstack([everywhere(across) - FILM_AT[0], everywhere(down) - FILM_AT[1]])
    bright = everywhere(light)
    flat = np.zeros(bright.shape)
    cover = reference.draw_plane(places, flat + 1, matte, 0, flat + 1, flat) / 255
    here = np.s_[y0 - FILM_AT[1] : y1 - FILM_AT[1], x0 - FILM_AT[0] : x1 - FILM_AT[0]]
    expected = reference.draw_plane(
        np.clip(places, 0, [WIDTH - 1, HEIGHT - 1]) * scale, bright, luma, 16, cover, plate[0][here]
    )
    assert np.abs(frame[0][y0:y1, x0:x1] - expected).max() <= 1.5

    def mean_of_four(values: np.ndarray) -> np.ndarray:
        h, w = values.shape[:2]
        return values.reshape(h // 2, 2, w // 2, 2, -1).mean(axis=(1, 3)).squeeze()

    half = tuple(slice(s.start // 2, s.stop // 2) for s in here)
    for k in (1, 2):
        expected = reference.draw_plane(
            (mean_of_four(places) - 0.5) / 2, mean_of_four(bright), film[k], 128,
            mean_of_four(cover), plate[k][half],
        )  # fmt: skip
        drawn = frame[k][y0 // 2 : y1 // 2, x0 // 2 : x1 // 2]
        assert np.abs(drawn - expected).max() <= 1.5
    outside = frame[0].copy()
    outside[y0:y1, x0:x1] = 0
    assert not outside.any()  # nothing outside its band


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("scale", [1, 2])
def test_a_map_that_moves_nothing_gives_the_film_back(scale: int, cell: int) -> None:
    rng = np.random.default_rng(3)
    film = planes(rng, 16, 236)
    matte = np.full((HEIGHT, WIDTH), 255, np.uint8)
    luma = double(film.luma) if scale == 2 else film.luma
    pairs = [pairs_of(plane) for plane in (luma, film.cb, film.cr)]
    moving = MovingLayer(*pairs, matte, states_of(matte), 0, 0, scale)
    y, x = np.mgrid[0 : HEIGHT // cell + 1, 0 : WIDTH // cell + 1].astype(np.float32) * cell
    nodes = np.stack([x, y, np.ones_like(x)])
    frame = ThreePlanes(*(np.zeros_like(plane) for plane in film))
    bands = np.array([[0, 0, WIDTH, HEIGHT]], np.int32)
    draw_planes(NodeMap(nodes, 0, 0, cell), bands, moving, film, frame)
    for drawn, photographed in zip(frame, film, strict=True):
        assert np.array_equal(drawn, photographed)
