"""The inner loops of the rig, compiled.

Flow      rig.deform -> bend, turn_head -> rig.deform

Linear algebra libraries would wake threads of their own for products of this size, while frames
are painted side by side and encoded on the same cores. Readable versions: a product of matrices,
and `PosedMesh.on_skull`; tests hold them together.
"""

from __future__ import annotations

import math

import numpy as np

from portravox.arrays import Float32, Float64, Int32
from portravox.compiled_code import compiled


@compiled(fastmath=True)
def bend(rest: Float32, shapes: Float32, weights: Float32, out: Float32) -> None:
    """The rest mesh and a weighted sum of displacements; shapes of weight 0 cost nothing.

    rest     (n,)
    shapes   (S, n)
    weights  (S,)
    out      (n,) written
    """
    for i in range(rest.shape[0]):
        out[i] = rest[i]
    for s in range(shapes.shape[0]):
        weight = weights[s]
        if weight != 0:
            shape = shapes[s]
            for i in range(rest.shape[0]):
                out[i] += weight * shape[i]


@compiled(fastmath=True)
def turn_head(
    points: Float32,
    rigid: Float32,
    pivot: Float32,
    rotation: Float32,
    shift: Float32,
    distance: float,
    on_body: Float32,
    body_shift: Float32,
    on_hair: Float32,
    hair_shift: Float32,
) -> None:
    """Turn and shift each point as far as it follows the head, as a camera sees it; then the rest.

    points      (V, 3) px; overwritten
    rigid       (V,) 1 follows the head, 0 stays
    pivot       (3,) px, the head turns about this
    rotation    (3, 3)
    shift       (3,) px
    distance    of the camera, px
    on_body     (V,) 1 follows the body, 0 stays
    body_shift  (2,) px to the right and down
    on_hair     (V,) 1 swings freely with the hair, 0 not
    hair_shift  (2,) px to the right and down
    """
    far = points.dtype.type(distance)
    for i in range(points.shape[0]):
        x, y, z = points[i, 0] - pivot[0], points[i, 1] - pivot[1], points[i, 2] - pivot[2]
        turned_x = rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z + shift[0]
        turned_y = rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z + shift[1]
        turned_z = rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z + shift[2]
        nearer = far / (far + turned_z - z)
        carried_x = on_body[i] * body_shift[0] + on_hair[i] * hair_shift[0]
        points[i, 0] += rigid[i] * (turned_x * nearer - x) + carried_x
        carried_y = on_body[i] * body_shift[1] + on_hair[i] * hair_shift[1]
        points[i, 1] += rigid[i] * (turned_y * nearer - y) + carried_y
        points[i, 2] += rigid[i] * (turned_z - z)


@compiled()
def blend_values(
    starts: Int32, sources: Int32, weights: Float32, values: Float32, out: Float32
) -> None:
    """Weighted sums of a few rows each; a product with a matrix that is mostly 0.

    starts   (V + 1,) where the entries of each sum begin
    sources  (E,) which rows
    weights  (E,)
    values   (n, K)
    out      (V, K) written
    """
    for i in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[i, k] = 0
        for e in range(starts[i], starts[i + 1]):
            weight, row = weights[e], sources[e]
            for k in range(out.shape[1]):
                out[i, k] += weight * values[row, k]


@compiled(fastmath=True)
def factorize(system: Float64, first: Int32) -> None:
    """Cholesky's factor in place of a symmetric, positive definite matrix.

    Nothing left of an entry `first` of a row ever becomes other than 0, so it is passed over: with
    vertices in the order of one coordinate that leaves a band along the diagonal (George & Liu,
    "Computer Solution of Large Sparse Positive Definite Systems", 1981, chapter 4).

    system  (n, n) its lower half is read, and overwritten with L, L Lᵀ = system
    first   (n,) column of the first entry of each row that is not 0
    """
    for i in range(system.shape[0]):
        for j in range(first[i], i + 1):
            total = system[i, j]
            for k in range(max(first[i], first[j]), j):
                total -= system[i, k] * system[j, k]
            system[i, j] = math.sqrt(total) if i == j else total / system[j, j]


@compiled(fastmath=True)
def solve_factorized(factor: Float64, first: Int32, sides: Float64) -> None:
    """Solve for several right-hand sides at once.

    factor  (n, n) L, see `factorize`; first likewise
    sides   (R, n) overwritten with the solutions
    """
    for r in range(sides.shape[0]):
        x = sides[r]
        for i in range(x.shape[0]):
            total = x[i]
            for k in range(first[i], i):
                total -= factor[i, k] * x[k]
            x[i] = total / factor[i, i]
        for i in range(x.shape[0] - 1, -1, -1):
            x[i] /= factor[i, i]
            for k in range(first[i], i):
                x[k] -= factor[i, k] * x[i]


@compiled(fastmath=True)
def squared_distances(points: Float64, dots: Float64, out: Float64) -> None:
    """How far each point is from the nearest dot, squared.

    points  (k, 3)
    dots    (n, 3)
    out     (k,) written
    """
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        nearest = np.inf
        for k in range(dots.shape[0]):
            dx, dy, dz = dots[k, 0] - x, dots[k, 1] - y, dots[k, 2] - z
            nearest = min(nearest, dx * dx + dy * dy + dz * dz)
        out[i] = nearest
