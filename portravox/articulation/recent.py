"""Recent: what is usual for a voice so far, where a recording would ask all of itself.

Flow      articulation.live -> articulation.recent -> articulation.live
Reads     numbers, as they come
Gives     percentiles of the latest
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import AnyFloat, Float64


class Recent:
    """The latest so many numbers."""

    def __init__(self, most: int) -> None:
        self._ring: Float64 = np.zeros(most)
        self._count = 0
        self._next = 0

    def __len__(self) -> int:
        return self._count

    def add(self, values: AnyFloat) -> None:
        """values (N,)"""
        values = values[-len(self._ring) :]
        places = (self._next + np.arange(len(values))) % len(self._ring)
        self._ring[places] = values
        self._next = (self._next + len(values)) % len(self._ring)
        self._count = min(len(self._ring), self._count + len(values))

    def percentile(self, percent: float, default: float, also: AnyFloat | None = None) -> float:
        """Of those kept and of some more; the default where there are none."""
        kept = self._ring[: self._count]
        if also is not None and len(also):
            kept = np.concatenate([kept, also])
        return float(np.percentile(kept, percent)) if len(kept) else default
