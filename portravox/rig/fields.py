"""Smooth displacement fields: a few vertices are told where to go, the others follow.

Flow      rig.shapes (handles) -> rig.fields -> rig.fit
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from portravox.arrays import AnyInteger, Float64, Int32

LEAST_STIFF = 1e-9
"""Added to the diagonal, so that a piece of mesh without a handle stays where it is."""


class FieldSolver:
    """Extends displacements of handle vertices smoothly over one mesh.

    Minimises  (1 - stiffness) |M^-1/2 L u|^2 + stiffness |grad u|^2  with u fixed at the handles:
    the first term bends smoothly (biharmonic), the second keeps the field from overshooting
    (harmonic). L is the cotangent Laplacian, M its diagonal.

    Source: Botsch & Sorkine, "On linear variational surface deformation methods", 2008; the mix and
    the clipping of the cotangents (obtuse triangles would push the wrong way) are our choice.
    """

    def __init__(self, positions: Float64, triangles: Int32, held: Iterable[int] = ()) -> None:
        """positions (n, 3), triangles (F, 3).

        held  vertices that are handles in most calls of `extend`, which are solved for once
        """
        self._count = len(positions)
        self._laplacian, self._bending = _cotangent_energies(positions, triangles)
        self._held = np.unique(np.fromiter(held, np.int64))
        self._free = np.setdiff1d(np.arange(self._count), self._held)
        self._inverses: dict[float, Float64] = {}

    def extend(self, handles: dict[int, Float64], stiffness: float = 0.15) -> Float64:
        """(n, 3) displacement of every vertex, given that of the handles, (3,) each."""
        index = np.fromiter(handles, dtype=np.int64)
        values = np.array([handles[i] for i in index], dtype=np.float64)
        field = np.zeros((self._count, 3))
        field[index] = values
        if not len(self._held) or not np.isin(self._held, index).all():
            free = np.setdiff1d(np.arange(self._count), index)
            system, pull = self._system(free, index, stiffness)
            field[free] = np.linalg.solve(system, -(pull @ values))
            return field
        # Of those that are not held, some are handles as well: forces on these alone bring them
        # to where they belong, and the inverse says what a force does.
        if stiffness not in self._inverses:
            system, _ = self._system(self._free, self._held, stiffness)
            self._inverses[stiffness] = np.asarray(np.linalg.inv(system), np.float64)
        inverse = self._inverses[stiffness]
        pull = self._energy(self._free, self._held, stiffness)
        moved = -(pull @ field[self._held])
        moved = inverse @ moved if moved.any() else moved
        told = np.flatnonzero(np.isin(self._free, index))
        wanted = field[self._free[told]]
        force = np.linalg.solve(inverse[np.ix_(told, told)], wanted - moved[told])
        moved += inverse[:, told] @ force
        moved[told] = wanted
        field[self._free] = moved
        return field

    def _system(
        self, free: AnyInteger, fixed: AnyInteger, stiffness: float
    ) -> tuple[Float64, Float64]:
        """(f, f) energy among the free vertices, (f, h) between them and the fixed ones."""
        own = self._energy(free, free, stiffness)
        own[np.diag_indices(len(free))] += LEAST_STIFF
        return own, self._energy(free, fixed, stiffness)

    def _energy(self, rows: AnyInteger, columns: AnyInteger, stiffness: float) -> Float64:
        part = np.ix_(rows, columns)
        energy: Float64 = (1 - stiffness) * self._bending[part] + stiffness * self._laplacian[part]
        return energy


def _cotangent_energies(positions: Float64, triangles: Int32) -> tuple[Float64, Float64]:
    """(n, n) the symmetric Laplacian L with cotangents clipped to 0.1..4, and L M^-1 L."""
    count = len(positions)
    laplacian = np.zeros((count, count))
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        i, j, k = triangles[:, a], triangles[:, b], triangles[:, c]
        u, v = positions[i] - positions[k], positions[j] - positions[k]
        area = np.linalg.norm(np.cross(u, v), axis=1)
        cotangent = np.clip(np.einsum("ij,ij->i", u, v) / np.maximum(area, 1e-9), 0.1, 4.0)
        np.add.at(laplacian, (i, j), -0.5 * cotangent)
        np.add.at(laplacian, (j, i), -0.5 * cotangent)
    mass = -laplacian.sum(axis=1)
    laplacian[np.diag_indices(count)] = mass
    return laplacian, _product_with_itself(laplacian, 1.0 / np.maximum(mass, 1e-9))


def _product_with_itself(laplacian: Float64, weights: Float64) -> Float64:
    """(n, n) L W L: what each vertex adds is the outer product of its few entries of L."""
    count = len(laplacian)
    rows, columns = np.nonzero(laplacian)
    most = int(np.bincount(rows, minlength=count).max())
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    near = np.zeros((count, most), np.int64)
    entry = np.zeros((count, most))
    near[rows, place], entry[rows, place] = columns, laplacian[rows, columns]
    outer = entry[:, :, None] * entry[:, None, :] * weights[:, None, None]
    key = near[:, :, None] * count + near[:, None, :]
    product = np.bincount(key.ravel(), outer.ravel(), count * count)
    return np.asarray(product, np.float64).reshape(count, count)
