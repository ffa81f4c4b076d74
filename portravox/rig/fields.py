"""Smooth displacement fields: a few vertices are told where to go, the others follow.

Flow      rig.shapes (handles) -> rig.fields -> rig.fit
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from portravox.arrays import AnyInteger, Bool, Float64, Int32
from portravox.rig.kernels import factorize, solve_factorized

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

    def __init__(
        self,
        positions: Float64,
        triangles: Int32,
        *,
        stiffness: float = 0.15,
        held: Iterable[int] = (),
    ) -> None:
        """positions (n, 3), triangles (F, 3).

        held  vertices that are handles in most calls of `extend`: their share of the work is done
              once
        """
        self._order = np.argsort(positions[:, 1], kind="stable")
        self._energy = _energy(positions, triangles, stiffness)
        self._held = np.isin(np.arange(len(positions)), np.fromiter(held, np.int64))
        self._systems: dict[bytes, _System] = {}

    def extend(self, handles: dict[int, Float64]) -> Float64:
        """(n, 3) displacement of every vertex, given that of the handles, (3,) each."""
        field = np.zeros((len(self._order), 3))
        told = np.zeros(len(field), np.bool_)
        index = np.fromiter(handles, dtype=np.int64)
        field[index], told[index] = np.array(list(handles.values())), True
        held = self._held if self._held.any() and told[self._held].all() else told
        key = held.tobytes()
        if key not in self._systems:
            free = self._order[~held[self._order]]
            self._systems[key] = _System(self._energy, free, np.flatnonzero(held))
        self._systems[key].complete(field, told)
        return field


class _System:
    """The equations of all vertices but some, factorized."""

    def __init__(self, energy: Float64, free: AnyInteger, held: AnyInteger) -> None:
        """energy (n, n); the indices of its rows and columns are in `free` or in `held`.

        free  in an order that keeps neighbours together
        """
        self._free, self._held = free, held
        self._factor = energy[np.ix_(free, free)]
        self._factor[np.diag_indices(len(free))] += LEAST_STIFF
        self._pull = energy[np.ix_(free, held)]
        self._first = np.argmax(self._factor != 0.0, axis=1).astype(np.int32)
        factorize(self._factor, self._first)
        self._answers = np.zeros((len(free), len(free)))
        self._answered = np.zeros(len(free), np.bool_)

    def complete(self, field: Float64, told: Bool) -> None:
        """Move the free vertices of a field, (n, 3), of which some are told, (n,), where to go."""
        sides = np.zeros((3, len(self._free)))
        if field[self._held].any():
            sides -= (self._pull @ field[self._held]).T
            solve_factorized(self._factor, self._first, sides)
        moved = sides.T
        ours = np.flatnonzero(told[self._free])
        if len(ours):
            # forces on these alone bring them to where they are told to go
            wanted = field[self._free[ours]]
            answers = self._answers_to(ours)
            force = np.linalg.solve(answers[:, ours], wanted - moved[ours])
            moved = moved + answers.T @ force
            moved[ours] = wanted
        field[self._free] = moved

    def _answers_to(self, vertices: AnyInteger) -> Float64:
        """(R, f) where the free vertices go when one of them is pulled by 1; kept."""
        new = vertices[~self._answered[vertices]]
        sides = np.zeros((len(new), len(self._free)))
        sides[np.arange(len(new)), new] = 1.0
        solve_factorized(self._factor, self._first, sides)
        self._answers[new], self._answered[new] = sides, True
        return self._answers[vertices]


def _energy(positions: Float64, triangles: Int32, stiffness: float) -> Float64:
    """(n, n) (1 - stiffness) L M^-1 L + stiffness L; cotangents are clipped to 0.1..4."""
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
    if stiffness == 1.0:
        return laplacian
    # what each vertex adds to the product is the outer product of its few entries of L
    rows, columns = np.nonzero(laplacian)
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    near = np.zeros((count, int(place.max()) + 1), np.int64)
    entry = np.zeros(near.shape)
    near[rows, place], entry[rows, place] = columns, laplacian[rows, columns]
    weights = (1 - stiffness) / np.maximum(mass, 1e-9)
    outer = entry[:, :, None] * entry[:, None, :] * weights[:, None, None]
    key = near[:, :, None] * count + near[:, None, :]
    bending = np.bincount(key.ravel(), outer.ravel(), count * count)
    laplacian *= stiffness
    laplacian += bending.reshape(count, count)
    return laplacian
