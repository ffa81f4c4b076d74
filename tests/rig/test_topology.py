from __future__ import annotations

import numpy as np

from portravox.face.outlines import OVAL
from portravox.render.kernels import FAR, rasterize
from portravox.rig.fit import Rig
from portravox.rig.topology import LANDMARKS, RINGS, loop_subdivision, strip_positions, topology

HEXAGON = np.array([(0, i, i % 6 + 1) for i in range(1, 7)], np.int32)
"""Six triangles around vertex 0."""


def test_no_edge_of_the_mesh_has_more_than_two_triangles() -> None:
    triangles = topology().control_triangles
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    _, times = np.unique(edges, axis=0, return_counts=True)
    assert times.max() == 2


def test_face_has_as_many_triangles_as_a_disc_with_three_holes() -> None:
    triangles = topology().control_triangles
    face = triangles[(triangles < LANDMARKS).all(axis=1)]
    edges = np.unique(np.sort(face[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
    euler = len(np.unique(face)) - len(edges) + len(face)
    assert euler == 1 - 3  # mouth and both eyes


def test_rings_add_two_triangles_for_each_of_their_quads() -> None:
    triangles = topology().control_triangles
    outside = (triangles >= LANDMARKS).any(axis=1)
    assert outside.sum() == 2 * RINGS * len(OVAL)


def test_loop_weights_of_a_regular_vertex() -> None:
    step, _ = loop_subdivision(7, HEXAGON)
    weights = step.of_values(np.eye(7))[0]
    # Loop 1987: 5/8 of itself and 1/16 of each of its six neighbours
    np.testing.assert_allclose(weights, [10 / 16, *[1 / 16] * 6])


def test_subdivision_quarters_triangles_and_halves_edges() -> None:
    step, finer = loop_subdivision(7, HEXAGON)
    assert len(finer) == 4 * len(HEXAGON)
    assert (len(step), step.source_count) == (7 + 12, 7)


def test_sharp_corners_stay_where_they_are() -> None:
    step, _ = loop_subdivision(7, HEXAGON, sharp=(3,))
    assert step.of_values(np.eye(7))[3].tolist() == [0, 0, 0, 1, 0, 0, 0]


def test_smoothing_moves_nothing_when_all_vertices_move_alike() -> None:
    smooth = topology().smooth
    rows = smooth.of_values(np.ones(smooth.source_count))
    np.testing.assert_allclose(rows, 1.0, atol=1e-6)


def test_edges_of_the_holes_run_from_corner_to_corner_upper_above_lower(rig: Rig) -> None:
    for upper, lower in (rig.mesh.mouth, rig.mesh.left_eye, rig.mesh.right_eye):
        assert upper[0] == lower[0]
        assert upper[-1] == lower[-1]
        assert len(upper) == len(lower)
        assert np.all(np.diff(rig.rest[upper, 0]) > 0)
        middle = len(upper) // 2
        assert rig.rest[upper[middle], 1] < rig.rest[lower[middle], 1]


def test_coarse_triangles_show_the_same_surface(rig: Rig) -> None:
    mesh = topology()
    points = strip_positions(rig.rest, mesh, behind=0.004 * rig.width_px)
    x0, y0, x1, y1 = rig.region
    shape = (3, (y1 - y0) // 2, (x1 - x0) // 2)
    seen = []
    for triangles in (mesh.triangles, mesh.coarse_triangles):
        nodes = np.full(shape, np.nan, np.float32)
        depth = np.full(shape[1:], FAR, np.float32)
        rasterize(points, points, triangles, float(x0), float(y0), 2.0, nodes, depth)
        seen.append(nodes)
    fine, coarse = seen
    both = ~np.isnan(fine[0]) & ~np.isnan(coarse[0])
    assert np.isnan(coarse[0]).sum() - np.isnan(fine[0]).sum() < 0.002 * both.sum()  # the rim
    depths = np.abs(fine[2] - coarse[2])[both]
    assert np.percentile(depths, 99) < 0.004 * rig.width_px
    assert len(mesh.coarse_triangles) < 0.4 * len(mesh.triangles)
