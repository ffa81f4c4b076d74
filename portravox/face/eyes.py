"""The eyes in a picture, seen upright: where the lids' edges run, how large the iris is.

Flow      face.landmarks -> face.eyes -> face.eye_extent, render.eyes, render.lids
Reads     pixels, landmarks
Gives     EyeView: one eye in coordinates of its own, corners level, lids moving up and down
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import AnyFloat, Float32, Float64, UInt8
from portravox.monotone_curve import MonotoneCurve

ADULT_EYE_MM = 30.0
"""Distance of the corners of an adult's eye (Farkas 1994: 30 to 32 mm). Lengths around an eye are
thought of in such millimetres, so that they fit a child's or a drawn eye as well."""

LEAST_EYE_PX = 128
"""Small eyes are worked on enlarged to this width, so that iris and lid edge stay smooth."""

SIDEWAYS = 0.42
ABOVE = 0.78
BELOW = 0.62
"""The view reaches so far beyond the corners and above and below them, in eye widths."""


@dataclass(frozen=True, slots=True, eq=False)
class EyeView:
    """One eye cut out, turned so that its corners are level. Lengths are in pixels of the view."""

    pixels: UInt8
    """(h, w, 3)"""

    to_view: Float64
    """(2, 3) picture position -> view position."""

    corners: tuple[float, float]
    """Columns of the left and the right corner."""

    level: float
    """Row of both corners."""

    mm: float
    """An eye is ADULT_EYE_MM of these wide."""

    upper: Float32
    lower: Float32
    """(w,) row of each lid's edge in every column; beyond the corners both are `level`."""

    iris: tuple[float, float, float]
    """Column, row and radius."""

    @property
    def scale(self) -> float:
        """Pixels of the view to one of the picture."""
        return float(np.hypot(*self.to_view[:, 0]))

    @property
    def width(self) -> float:
        """From corner to corner."""
        return self.corners[1] - self.corners[0]

    def placed(self, points: AnyFloat) -> Float64:
        """(..., 2) picture positions -> view positions."""
        seen: Float64 = points @ self.to_view[:, :2].T + self.to_view[:, 2]
        return seen


def view_eye(pixels: UInt8, upper: AnyFloat, lower: AnyFloat, iris: AnyFloat) -> EyeView:
    """Cut one eye out of a picture, (H, W, 3).

    upper  (P, 2) px along the edge of the upper lid, from the picture's left corner to the right
    lower  (P, 2) px the same of the lower lid
    iris   (5, 2) px its centre, then four points on its rim
    """
    left, right = upper[0].astype(np.float64), upper[-1].astype(np.float64)
    width_px = max(float(np.hypot(*(right - left))), 4.0)
    scale = max(1.0, LEAST_EYE_PX / width_px)
    across = (right - left) / width_px * scale
    turn = np.array([[across[0], across[1]], [-across[1], across[0]]])
    width = width_px * scale
    origin = np.ceil(np.array([SIDEWAYS, ABOVE]) * width)
    to_view = np.column_stack([turn, origin - turn @ left])
    size = (int(origin[0] + (1 + SIDEWAYS) * width) + 1, int(origin[1] + BELOW * width) + 1)
    view = cv2.warpAffine(
        pixels, to_view, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    placed = [points.astype(np.float64) @ turn.T + to_view[:, 2] for points in (upper, lower, iris)]
    columns = np.arange(size[0], dtype=np.float64)
    edges = [_through(row, columns) for row in placed[:2]]
    middle = np.minimum(edges[0], edges[1])
    centre = placed[2][0]
    radius = float(np.linalg.norm(placed[2][1:] - centre, axis=1).mean())
    return EyeView(
        pixels=view,
        to_view=to_view,
        corners=(float(origin[0]), float(origin[0] + width)),
        level=float(origin[1]),
        mm=width / ADULT_EYE_MM,
        upper=middle.astype(np.float32),
        lower=np.maximum(edges[1], middle).astype(np.float32),
        iris=(float(centre[0]), float(centre[1]), radius),
    )


def _through(points: Float64, columns: Float64) -> Float64:
    """(w,) a smooth curve through points, (P, 2), level beyond their ends."""
    x = np.maximum.accumulate(points[:, 0] + np.arange(len(points)) * 1e-3)
    inside = np.clip(columns, x[0], x[-1])
    return MonotoneCurve(x, points[:, 1])(inside)
