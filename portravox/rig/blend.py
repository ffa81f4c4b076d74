"""Weighted sums of a few values each: how a fine mesh follows a coarse one.

Flow      rig.topology -> rig.blend -> rig.fit
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.arrays import AnyFloat, AnyInteger, Float32, Float64, Int32
from portravox.rig.kernels import blend_values


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """Makes V values of n: each the sum of a few, weighted. A matrix that is mostly 0."""

    starts: Int32
    """(V + 1,) where the entries of each value begin in the next two."""

    sources: Int32
    """(E,) which of the n values counts ..."""

    weights: Float64
    """... (E,) and how much."""

    source_count: int
    """n"""

    @classmethod
    def of(
        cls,
        values: AnyInteger,
        sources: AnyInteger,
        weights: Float64,
        *,
        count: int,
        source_count: int,
    ) -> Blend:
        """From entries in any order, (E,) each; those of the same value and source add up."""
        keys, which = np.unique(values * source_count + sources, return_inverse=True)
        return cls(
            starts=np.searchsorted(keys, np.arange(count + 1) * source_count).astype(np.int32),
            sources=(keys % source_count).astype(np.int32),
            weights=np.asarray(np.bincount(which.ravel(), weights, len(keys)), np.float64),
            source_count=source_count,
        )

    @classmethod
    def unchanged(cls, count: int) -> Blend:
        """Every value as it is."""
        index = np.arange(count)
        return cls.of(index, index, np.ones(count), count=count, source_count=count)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def after(self, first: Blend) -> Blend:
        """What this one makes of what `first` makes."""
        taken = np.diff(first.starts)[self.sources]  # entries of `first` behind each of ours
        ours = np.repeat(np.arange(len(self.sources)), taken)
        within = np.arange(len(ours)) - np.repeat(np.cumsum(taken) - taken, taken)
        theirs = first.starts[self.sources[ours]] + within
        values = np.repeat(np.arange(len(self)), np.diff(self.starts))
        return Blend.of(
            values[ours],
            first.sources[theirs].astype(np.int64),
            self.weights[ours] * first.weights[theirs],
            count=len(self),
            source_count=first.source_count,
        )

    def of_values(self, values: AnyFloat) -> Float32:
        """(V, ...) of values (n, ...)."""
        flat = np.ascontiguousarray(values.reshape(len(values), -1), np.float32)
        made = np.empty((len(self), flat.shape[1]), np.float32)
        blend_values(self.starts, self.sources, self.weights.astype(np.float32), flat, made)
        return made.reshape(len(self), *values.shape[1:])

    def share_of(self, source: int, values: list[int]) -> float:
        """The sum of the weights that one source has in some values."""
        return float(
            sum(
                self.weights[a:b][self.sources[a:b] == source].sum()
                for a, b in zip(self.starts[values], self.starts[np.array(values) + 1], strict=True)
            )
        )
