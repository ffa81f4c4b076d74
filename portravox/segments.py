"""Segments: where in a row of flags something holds without a break.

Flow      speech, articulation, animation, face, benchmarks -> segments
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Bool


def segments(mask: Bool) -> list[slice]:
    """The longest unbroken segments in which the mask holds, in order.

    mask  (T,)
    """
    between = np.zeros(len(mask) + 2, np.int8)
    between[1:-1] = mask
    edges = between[1:] - between[:-1]
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [slice(int(a), int(b)) for a, b in zip(starts, stops, strict=True)]
