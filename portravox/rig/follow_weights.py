"""How far each place of a picture goes along with something: a smooth field, kept coarsely.

Flow      rig.body, rig.hair -> FollowWeights -> rig.fit, render.scene
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import Float32


@dataclass(frozen=True, slots=True, eq=False)
class FollowWeights:
    """Smooth weights over a part of the picture, 0 elsewhere."""

    weights: Float32
    """(h, w) 0..1"""

    origin: tuple[float, float]
    """x, y in the picture of the first weight."""

    cell_px: tuple[float, float]
    """Distance of the weights along x and y."""

    region: tuple[int, int, int, int]
    """x0, y0, x1, y1: outside, all weights are 0. Empty (all 0) where nothing goes along."""

    def at(self, x: Float32, y: Float32) -> Float32:
        """The weights at positions in the picture, px, any shape (r, c)."""
        columns = ((x - self.origin[0]) / self.cell_px[0]).astype(np.float32)
        rows = ((y - self.origin[1]) / self.cell_px[1]).astype(np.float32)
        # they end at 0, or at the picture's border
        found = cv2.remap(
            self.weights, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(found, np.float32)


NOWHERE = FollowWeights(np.zeros((1, 1), np.float32), (0.0, 0.0), (1.0, 1.0), (0, 0, 0, 0))
