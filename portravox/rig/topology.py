"""Which vertices the mesh has and which triangles join them: the same for every face.

Flow      face.models (tessellation) -> rig.topology -> rig.fit, rig.deform, render.raster
Gives     Topology: the control mesh, its smooth subdivision, the holes and what closes them

The control mesh is MediaPipe's 468 landmarks and, around their outline, RINGS rings of 36 vertices
that reach over hair and neck to the background. Loop's scheme refines it twice. Mouth and eyes are
holes: their two edges are separate vertices, so lips and lids part without tearing a texture.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from portravox.arrays import Float32, Int32
from portravox.face.outlines import OVAL, UPPER_INNER
from portravox.face.tessellation import tessellation_edges
from portravox.rig.blend import Blend

LANDMARKS = 468
"""Vertices of the face itself; MediaPipe's ten iris landmarks are not part of the mesh."""

BETWEEN_LIP_EDGES = frozenset(
    (
        *(76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306),
        *(62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292),
        *(77, 90, 180, 85, 16, 315, 404, 320, 307),
        *(96, 89, 179, 86, 15, 316, 403, 319, 325),
    )
)
"""On the red of the lips, between their inner and outer edges."""

RINGS = 6
SUBDIVISIONS = 2


@dataclass(frozen=True, slots=True)
class EyeLandmarks:
    """Landmarks of one eye, rows from the picture's left to the right."""

    upper: tuple[int, ...]
    lower: tuple[int, ...]
    crease: tuple[int, ...]
    """Above the inner seven of `upper`: the fold of the lid."""
    under_brow: tuple[int, ...]
    """Above the crease."""
    brow: tuple[int, ...]
    iris: tuple[int, ...]
    """Centre, then four points on the rim; beyond the mesh's 468."""


LEFT_EYE = EyeLandmarks(
    upper=(33, 246, 161, 160, 159, 158, 157, 173, 133),
    lower=(33, 7, 163, 144, 145, 153, 154, 155, 133),
    crease=(247, 30, 29, 27, 28, 56, 190),
    under_brow=(113, 225, 224, 223, 222, 221, 189),
    brow=(70, 63, 105, 66, 107, 46, 53, 52, 65, 55),
    iris=(468, 469, 470, 471, 472),
)
"""The eye on the left of the picture."""

RIGHT_EYE = EyeLandmarks(
    upper=(362, 398, 384, 385, 386, 387, 388, 466, 263),
    lower=(362, 382, 381, 380, 374, 373, 390, 249, 263),
    crease=(414, 286, 258, 257, 259, 260, 467),
    under_brow=(413, 441, 442, 443, 444, 445, 342),
    brow=(300, 293, 334, 296, 336, 276, 283, 282, 295, 285),
    iris=(473, 474, 475, 476, 477),
)
"""The eye on the right of the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Topology:
    """The mesh without its positions."""

    control_triangles: Int32
    """(F, 3) of the control mesh."""

    rings: Int32
    """(RINGS, 36) control vertices around the outline, the innermost first."""

    smooth: Blend
    """Makes the V positions of the fine mesh of those of the control mesh."""

    triangles: Int32
    """(F, 3) of the fine mesh, the strips that close the holes included."""

    skin_triangles: int
    """How many of `triangles`, from the first, are skin and not strips."""

    coarse_triangles: Int32
    """(F', 3) the same surface, four triangles of the last refinement as one wherever no hole is
    near: for maps whose nodes stand too far apart to tell. Strips included."""

    strip_upper: Int32
    strip_lower: Int32
    """(S,) a strip vertex lies midway between these two fine vertices ..."""

    strip_edge: Int32
    """... and belongs to this one's side. Strip vertices come after the V fine ones."""

    mouth_strips: int
    """How many strip vertices, from the first, close the mouth; the others close the eyes."""

    mouth: tuple[Int32, Int32]
    left_eye: tuple[Int32, Int32]
    right_eye: tuple[Int32, Int32]
    """Fine vertices along the upper and the lower edge of each hole, left to right."""


@lru_cache(maxsize=1)
def topology() -> Topology:
    """The one mesh that every face is fitted to."""
    face = _triangles_of(tessellation_edges())
    rings = np.arange(LANDMARKS, LANDMARKS + RINGS * len(OVAL), dtype=np.int32).reshape(RINGS, -1)
    control = np.vstack([face, _ring_triangles(np.vstack([np.array(OVAL, np.int32), rings]))])
    corners = (78, 308, 61, 291, 33, 133, 263, 362)
    count = LANDMARKS + rings.size
    smooth = Blend.unchanged(count)
    fine = control
    for _ in range(SUBDIVISIONS):
        step, fine = loop_subdivision(len(smooth), fine, corners)
        smooth = step.after(smooth)
    edges = _boundary_paths(fine)
    holes = {
        "mouth": _hole(edges, 78, 308, UPPER_INNER[5], smooth),
        "left_eye": _hole(edges, 33, 133, LEFT_EYE.upper[4], smooth),
        "right_eye": _hole(edges, 362, 263, RIGHT_EYE.upper[4], smooth),
    }
    first = len(smooth)
    upper: list[int] = []
    lower: list[int] = []
    own_edge: list[int] = []
    strips: list[tuple[int, int, int]] = []
    for up, low in holes.values():
        for own in (up, low):
            start = first + len(own_edge)
            upper.extend(up)
            lower.extend(low)
            own_edge.extend(own)
            for i in range(len(own) - 1):
                strips.append((own[i], own[i + 1], start + i))
                strips.append((own[i + 1], start + i + 1, start + i))
    coarse = _merged(fine, np.unique(np.array(own_edge, np.int32)))
    return Topology(
        control_triangles=control,
        rings=rings,
        smooth=smooth,
        triangles=np.vstack([fine, np.array(strips, np.int32)]).astype(np.int32),
        skin_triangles=len(fine),
        coarse_triangles=np.vstack([coarse, np.array(strips, np.int32)]).astype(np.int32),
        strip_upper=np.array(upper, np.int32),
        strip_lower=np.array(lower, np.int32),
        strip_edge=np.array(own_edge, np.int32),
        mouth_strips=2 * len(holes["mouth"][0]),
        **holes,
    )


def loop_subdivision(
    count: int, triangles: Int32, sharp: tuple[int, ...] = ()
) -> tuple[Blend, Int32]:
    """One step of Loop's scheme: each triangle becomes four, and vertices are averaged.

    count      vertices before
    triangles  (F, 3)
    sharp      vertices that keep their place (corners of mouth and eyes)
    returns    what makes the vertices after of those before; (4F, 3) triangles. Old vertices keep
               their index

    Source: Loop, "Smooth subdivision surfaces based on triangles", 1987, with Warren's simpler
    vertex weight 3/(8n); borders are cubic B-spline curves.
    """
    corner_pairs = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    opposite = triangles[:, [2, 0, 1]].ravel()
    edges, which = np.unique(corner_pairs, axis=0, return_inverse=True)
    which = which.ravel()
    faces_of_edge = np.bincount(which, minlength=len(edges))
    border = faces_of_edge == 1

    # new vertex on each edge: 3/8 of its ends and 1/8 of the two opposite corners; on a border 1/2
    rows = count + np.repeat(np.arange(len(edges)), 2)
    columns = edges.ravel()
    weights = np.repeat(np.where(border, 0.5, 0.375), 2)
    inner = ~border[which]
    rows = np.concatenate([rows, count + which[inner]])
    columns = np.concatenate([columns, opposite[inner]])
    weights = np.concatenate([weights, np.full(int(inner.sum()), 0.125)])

    # old vertices: pulled to their neighbours; on a border only along it
    ends = np.concatenate([edges, edges[:, ::-1]])
    valence = np.bincount(ends[:, 0], minlength=count)
    on_border = np.bincount(edges[border].ravel(), minlength=count)
    fixed = (valence == 0) | ((on_border != 0) & (on_border != 2))
    fixed[list(sharp)] = True
    curve = (on_border == 2) & ~fixed
    surface = ~fixed & ~curve
    pull = np.zeros(count)
    pull[surface] = np.where(
        valence[surface] == 3, 3 / 16, 3 / (8 * np.maximum(valence[surface], 1))
    )
    pull[curve] = 0.125
    own = np.ones(count)
    own[surface] = 1 - pull[surface] * valence[surface]
    own[curve] = 0.75
    both_border = np.concatenate([border, border])
    linked = surface[ends[:, 0]] | (curve[ends[:, 0]] & both_border)
    rows = np.concatenate([rows, np.arange(count), ends[linked, 0]])
    columns = np.concatenate([columns, np.arange(count), ends[linked, 1]])
    weights = np.concatenate([weights, own, pull[ends[linked, 0]]])

    ab, bc, ca = (count + which.reshape(-1, 3)).T
    a, b, c = triangles.T
    finer = np.stack([[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]])  # (4, 3, F)
    step = Blend.of(rows, columns, weights, count=count + len(edges), source_count=count)
    return step, finer.transpose(2, 0, 1).reshape(-1, 3).astype(np.int32)


def _merged(fine: Int32, borders: Int32) -> Int32:
    """(F', 3) the triangles after the last refinement around borders, and elsewhere before it.

    In a ring between both are given: their edges are not quite the same and would gape.
    """
    families = fine.reshape(-1, 4, 3)  # loop_subdivision keeps the four of each together
    coarse = families[:, [0, 1, 2], [0, 1, 2]]
    touching = np.isin(families, borders).any(axis=(1, 2))
    near = np.isin(coarse, coarse[touching]).any(axis=1)  # and all around them
    return np.vstack([families[near].reshape(-1, 3), coarse[~touching]]).astype(np.int32)


def strip_positions(fine: Float32, mesh: Topology, behind: float) -> Float32:
    """Fine vertices and, after them, the strip vertices midway across each hole.

    fine     (V, 3)
    behind   how far strips lie behind the edges, in the unit of z, so that skin covers them
    returns  (V + S, 3)
    """
    middle = (fine[mesh.strip_upper] + fine[mesh.strip_lower]) * np.float32(0.5)
    middle[:, 2] += np.float32(behind)
    return np.concatenate([fine, middle])


def _triangles_of(edges: frozenset[tuple[int, int]]) -> Int32:
    """(F, 3) every three landmarks of which each two are joined and that enclose no others.

    Beside each wing of the nose three landmarks are joined around a fourth: no triangle. Such
    three are told by all their edges having a triangle on both sides already.
    """
    neighbours: dict[int, set[int]] = defaultdict(set)
    for a, b in edges:
        neighbours[a].add(b)
        neighbours[b].add(a)
    found = sorted(
        {tuple(sorted((a, b, c))) for a, b in edges for c in neighbours[a] & neighbours[b]}
    )
    triangles = np.array(found, np.int32)
    sides = triangles[:, [[0, 1], [1, 2], [0, 2]]]  # (F, 3, 2), each pair sorted
    _, which, times = np.unique(
        sides.reshape(-1, 2), axis=0, return_inverse=True, return_counts=True
    )
    encloses = (times[which.reshape(-1, 3)] > 2).all(axis=1)
    kept: Int32 = triangles[~encloses]
    return kept


def _ring_triangles(loops: Int32) -> Int32:
    """(F, 3) two triangles for each quad between neighbouring loops, diagonals alternating."""
    triangles = []
    count = loops.shape[1]
    for j in range(len(loops) - 1):
        for i in range(count):
            a, b = loops[j][i], loops[j][(i + 1) % count]
            c, d = loops[j + 1][i], loops[j + 1][(i + 1) % count]
            triangles += [(a, b, c), (b, d, c)] if (i + j) % 2 else [(a, b, d), (a, d, c)]
    return np.array(triangles, np.int32)


def _boundary_paths(triangles: Int32) -> dict[int, list[int]]:
    """For each vertex on a border, its neighbours along the border."""
    pairs = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    edges, times = np.unique(pairs, axis=0, return_counts=True)
    along: dict[int, list[int]] = defaultdict(list)
    for a, b in edges[times == 1].tolist():
        along[a].append(b)
        along[b].append(a)
    return along


def _hole(
    along: dict[int, list[int]], start: int, end: int, on_upper: int, smooth: Blend
) -> tuple[Int32, Int32]:
    """Fine vertices from corner to corner of a hole: the upper edge, then the lower one."""
    paths = []
    for second in along[start]:
        path = [start, second]
        while path[-1] != end:
            path.append(next(v for v in along[path[-1]] if v != path[-2]))
        paths.append(path)
    # the upper edge is the one that the landmark of the upper lip or lid has weight in
    weight = [smooth.share_of(on_upper, path) for path in paths]
    first = int(np.argmax(weight))
    return np.array(paths[first], np.int32), np.array(paths[1 - first], np.int32)
