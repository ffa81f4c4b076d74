"""The eyes in a picture, seen upright: where the lids' edges run, how large the iris is.

Flow      face.landmarks -> face.eyes -> render.eyes, render.lids
Reads     pixels, landmarks
Gives     EyeView: one eye in coordinates of its own, corners level, lids moving up and down
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from portravox.arrays import AnyFloat, Bool, Float32, Float64, UInt8
from portravox.monotone_curve import MonotoneCurve

ADULT_EYE_MM = 30.0
"""Distance of the corners of an adult's eye (Farkas 1994: 30 to 32 mm). Lengths around an eye are
thought of in such millimetres, so that they fit a child's or a drawn eye as well."""

LEAST_EYE_PX = 128
"""Small eyes are worked on enlarged to this width, so that iris and lid edge stay smooth."""

EDGE_SEARCH_MM = 4.0
"""An eye may be larger than its landmarks say by so much on every side: drawn ones are."""

LEAST_DIFFERENCE = 60.0
"""Colours of skin and eyeball, of 255 a channel, must lie so far apart to be told apart."""

FAR_APART, LEAST_ALONG = (90.0, 130.0), (0.7, 0.5)
"""Share of the way from skin to white from which on a colour is white, by how far the two lie
apart. Our choice."""

LEAST_WIDER_MM = 0.7
MOST_WIDER = 1.9
"""Landmarks are trusted unless the eye is larger by so much on the average, and as a share not
beyond what can be believed. Our choice."""

LEAST_CLEARER = 1.15
"""... and unless brightness changes so much more steeply where the eye seems to end. Our choice."""

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
    return _with_true_edges(
        EyeView(
            pixels=view,
            to_view=to_view,
            corners=(float(origin[0]), float(origin[0] + width)),
            level=float(origin[1]),
            mm=width / ADULT_EYE_MM,
            upper=middle.astype(np.float32),
            lower=np.maximum(edges[1], middle).astype(np.float32),
            iris=(float(centre[0]), float(centre[1]), radius),
        )
    )


def _with_true_edges(view: EyeView) -> EyeView:
    """The view with lid edges where the white of the eye ends, if that is clearly further out.

    The network knows people. On drawn and very large eyes its lids run over the white, of which a
    blink would leave a sliver.
    """
    y = np.arange(view.pixels.shape[0], dtype=np.float32)[:, None]
    depth = np.minimum(y - view.upper, view.lower - y)
    opening = (view.lower - view.upper > 1.0) & (depth > 0)
    if opening.sum() < 50:
        return view
    ball = _ball_like(view, opening)
    if ball is None:
        return view
    count, labels = cv2.connectedComponents(ball.astype(np.uint8), connectivity=4)
    inside = np.bincount(labels[opening & ball], minlength=count)
    inside[0] = 0
    mask = (labels == int(inside.argmax())) | opening
    mask = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3))) > 0
    # an iris that touches a lid leaves a bay in the white; an eye has none
    hull = cv2.convexHull(np.argwhere(mask)[:, ::-1].astype(np.int32))
    mask = cv2.fillConvexPoly(np.zeros(mask.shape, np.uint8), hull, (1,)) > 0
    wider_mm = (float(mask.sum()) - float(opening.sum())) / view.width / view.mm
    if wider_mm < LEAST_WIDER_MM or mask.sum() > MOST_WIDER * opening.sum():
        return view
    columns = np.flatnonzero(mask.any(axis=0))
    first, last = int(columns[0]), int(columns[-1])
    upper = np.argmax(mask, axis=0).astype(np.float64)
    lower = mask.shape[0] - np.argmax(mask[::-1], axis=0).astype(np.float64)
    x = np.arange(mask.shape[1], dtype=np.float64)
    middle = (upper + lower) / 2
    for edge, ends in ((upper, middle), (lower, middle)):
        edge[:] = np.interp(x, columns, edge[columns])
        edge[: first + 1], edge[last:] = ends[first], ends[last]
    smooth = [
        cv2.GaussianBlur(edge[None], (0, 0), 0.8 * view.mm, borderType=cv2.BORDER_REPLICATE)[0]
        for edge in (upper, lower)
    ]
    wider = replace(
        view,
        corners=(float(first), float(last)),
        upper=np.minimum(*smooth).astype(np.float32),
        lower=np.maximum(*smooth).astype(np.float32),
    )
    return wider if _clarity(wider) > LEAST_CLEARER * _clarity(view) else view


def _clarity(view: EyeView) -> float:
    """How steeply brightness changes across the edges of both lids."""
    grey = cv2.cvtColor(view.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    steep = np.abs(cv2.Sobel(cv2.GaussianBlur(grey, (0, 0), 0.3 * view.mm), cv2.CV_32F, 0, 1))
    reach = 0.15 * view.width
    x = np.arange(int(view.corners[0] + reach), int(view.corners[1] - reach))
    rows = [
        np.clip(edge[x].round().astype(int), 0, len(steep) - 1) for edge in (view.upper, view.lower)
    ]
    return float(np.mean([np.median(steep[row, x]) for row in rows]))


def _ball_like(view: EyeView, opening: Bool) -> Bool | None:
    """(h, w) what has the colours of the white rather than those of the skin, near the opening.

    None where the two look alike.
    """
    reach = round(EDGE_SEARCH_MM * view.mm)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    near = cv2.dilate(opening.astype(np.uint8), disc) > 0
    around = (cv2.dilate(near.astype(np.uint8), disc) > 0) & ~near
    height, width = opening.shape
    y, x = np.arange(height)[:, None], np.arange(width)
    column, row, radius = view.iris
    off_iris = np.hypot(x - column, y - row) > 1.15 * radius
    pixels = view.pixels.astype(np.float32)
    white, skin = pixels[opening & off_iris], pixels[around]
    if len(white) < 30 or len(skin) < 30:
        return None
    light = white.mean(axis=1)
    sclera = np.median(white[light >= np.percentile(light, 50)], axis=0)
    face = np.median(skin, axis=0)
    if np.linalg.norm(sclera - face) < LEAST_DIFFERENCE or sclera.mean() < face.mean():
        return None
    # along the way from skin to white, past the middle; across it, no other colour
    axis = (sclera - face) / np.linalg.norm(sclera - face)
    along = (pixels - face) @ axis / np.linalg.norm(sclera - face)
    aside = np.linalg.norm(pixels - face - ((pixels - face) @ axis)[..., None] * axis, axis=-1)
    # where the two lie far apart, white in the shade is still far from skin
    least = np.interp(np.linalg.norm(sclera - face), FAR_APART, LEAST_ALONG)
    found: Bool = near & (along > least) & (aside < 30.0)
    return found


def _through(points: Float64, columns: Float64) -> Float64:
    """(w,) a smooth curve through points, (P, 2), level beyond their ends."""
    x = np.maximum.accumulate(points[:, 0] + np.arange(len(points)) * 1e-3)
    inside = np.clip(columns, x[0], x[-1])
    return MonotoneCurve(x, points[:, 1])(inside)
