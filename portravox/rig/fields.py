"""Smooth displacement fields: a few vertices are told where to go, the others follow.

Flow      rig.shapes (handles) -> rig.fields -> rig.fit
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl

from portravox.arrays import Float64, Int32


class FieldSolver:
    """Extends displacements of handle vertices smoothly over one mesh.

    Minimises  (1 - stiffness) |M^-1/2 L u|^2 + stiffness |grad u|^2  with u fixed at the handles:
    the first term bends smoothly (biharmonic), the second keeps the field from overshooting
    (harmonic). L is the cotangent Laplacian, M its diagonal.

    Source: Botsch & Sorkine, "On linear variational surface deformation methods", 2008; the mix and
    the clipping of the cotangents (obtuse triangles would push the wrong way) are our choice.
    """

    def __init__(self, positions: Float64, triangles: Int32) -> None:
        """positions (n, 3), triangles (F, 3)."""
        self._count = len(positions)
        laplacian, mass = _cotangent_laplacian(positions, triangles)
        inverse_mass = sp.diags(1.0 / np.maximum(mass, 1e-9))
        self._laplacian = laplacian
        self._bending = (laplacian @ inverse_mass @ laplacian).tocsr()

    def extend(self, handles: dict[int, Float64], stiffness: float = 0.15) -> Float64:
        """(n, 3) displacement of every vertex, given that of the handles, (3,) each."""
        index = np.fromiter(handles, dtype=np.int64)
        values = np.array([handles[i] for i in index], dtype=np.float64)
        free = np.setdiff1d(np.arange(self._count), index)
        energy = ((1 - stiffness) * self._bending + stiffness * self._laplacian).tocsr()
        rows = energy[free]
        field = np.zeros((self._count, 3))
        field[index] = values
        system = (rows[:, free] + 1e-9 * sp.identity(len(free))).tocsc()
        field[free] = spl.splu(system).solve(-(rows[:, index] @ values))
        return field


def _cotangent_laplacian(positions: Float64, triangles: Int32) -> tuple[sp.csr_matrix, Float64]:
    """Symmetric (n, n) Laplacian with cotangents clipped to 0.1..4, and its diagonal."""
    rows, columns, weights = [], [], []
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        i, j, k = triangles[:, a], triangles[:, b], triangles[:, c]
        u, v = positions[i] - positions[k], positions[j] - positions[k]
        area = np.linalg.norm(np.cross(u, v), axis=1)
        cotangent = np.clip(np.einsum("ij,ij->i", u, v) / np.maximum(area, 1e-9), 0.1, 4.0)
        rows += [i, j]
        columns += [j, i]
        weights += [0.5 * cotangent, 0.5 * cotangent]
    shape = (len(positions), len(positions))
    adjacency = sp.csr_matrix(
        (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape=shape
    )
    diagonal = np.asarray(adjacency.sum(axis=1)).ravel()
    return (sp.diags(diagonal) - adjacency).tocsr(), diagonal
