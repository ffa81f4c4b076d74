from __future__ import annotations

import numpy as np

from portravox.render.eye_pass import LID_ROWS, fill_tables, fit_view, reach_of, solve_in_place


def test_a_small_system_is_solved() -> None:
    rng = np.random.default_rng(5)
    terms = rng.normal(0, 1, (6, 40))
    system, wanted = terms @ terms.T, rng.normal(0, 1, (6, 2))
    right = system @ wanted
    solve_in_place(system.copy(), right)
    assert np.allclose(right, wanted)


def test_a_view_is_fitted_as_by_least_squares() -> None:
    rng = np.random.default_rng(6)
    vertices = rng.uniform(200, 260, (50, 3)).astype(np.float32)
    near = rng.choice(50, 30, replace=False).astype(np.int32)
    seen = rng.normal(0, 20, (30, 2))
    fitted = np.empty((2, 6), np.float32)
    fit_view(vertices, near, seen, 190, 195, 70.0, fitted)
    x, y = (vertices[near, :2].astype(np.float64) - (190, 195)).T
    terms = np.column_stack([np.ones_like(x), x, y, x * x, x * y, y * y])
    wanted = np.linalg.lstsq(terms, seen, rcond=None)[0]
    assert np.allclose(terms @ fitted.T, terms @ wanted, atol=0.05)


def test_reach_is_the_rim_as_far_as_any_vertex_goes() -> None:
    rest = np.array([[10, 10, 0], [20, 10, 0], [15, 18, 0]], np.float32)
    shift = np.array([[1, -2, 5], [3, 0, 5], [-1, 4, 5]], np.float32)
    rim = np.array([[8, 6], [24, 7], [23, 21], [9, 20]], np.float32)
    reach = np.empty((2, 2), np.float32)
    reach_of(rest + shift, rest, np.array([0, 2], np.int32), rim, reach)
    assert reach.tolist() == [[7, 4], [25, 25]]


def test_tables_hold_the_edges_and_the_cosine_of_the_slope() -> None:
    rng = np.random.default_rng(7)
    edges = rng.uniform(10, 40, (5, 33)).astype(np.float32)
    tables = np.empty((LID_ROWS, 33), np.float32)
    fill_tables(*edges, tables)
    assert np.array_equal(tables[:5], edges)
    assert np.allclose(tables[5], 1 / np.hypot(1, np.gradient(edges[3])), atol=1e-5)
