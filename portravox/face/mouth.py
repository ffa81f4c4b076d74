"""The mouth seen upright: its picture, what its pixels look like, the line between the lips.

Flow      face.landmarks -> face.mouth -> face.lips, face.covering
Reads     pixels, landmarks
Gives     MouthView, Evidence, the seam

Numbers without a source are our choice, tuned by eye on 60 mouths: light and dark skin,
bearded, painted, carved, grey, blurred.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import repeat

import cv2
import numpy as np

from portravox.arrays import Bool, Float32, Float64, UInt8
from portravox.best_path import best_path
from portravox.face import outlines
from portravox.face.crop import Square, cut
from portravox.face.landmarks import Indices
from portravox.ramps import smoothstep

UPPER_INNER = np.array(outlines.UPPER_INNER)
"""Inner edge of the upper lip, from the picture's left corner to the right one."""

LOWER_INNER = np.array(outlines.LOWER_INNER)
"""Inner edge of the lower lip, the same way; both share their ends."""

UPPER_OUTER = np.array(outlines.UPPER_OUTER)
LOWER_OUTER = np.array(outlines.LOWER_OUTER)

VIEW_PX = 256
"""Side of the upright picture of the mouth."""

_LEAST_WIDTH_PX = 48

_VIEW_TO_WIDTH, _VIEW_TO_HEIGHT = 1.3, 1.4
"""Side of the view over the mouth's width and height, whichever gives more."""


@dataclass(frozen=True, slots=True, eq=False)
class MouthView:
    """The mouth upright, corners level, VIEW_PX on a side."""

    square: Square
    lab: Float32
    """(VIEW_PX, VIEW_PX, 3) CIE L*a*b*: L 0..100; exposure evened out by the skin."""

    outer_upper: Float64
    """(VIEW_PX,) y of the edge at each column; likewise the next three."""

    inner_upper: Float64
    inner_lower: Float64
    outer_lower: Float64

    left: int
    """First column inside the corners of the opening."""

    right: int
    """Last one."""

    width_px: float
    """Between the outer corners, in px of the view."""

    @property
    def skin(self) -> Float64:
        """(3,) L*a*b* of the skin above and below the lips."""
        ring = skin_ring(self.outer_upper, self.outer_lower, self.left, self.right)
        return _median_colour(self.lab, ring)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What each pixel of the view looks like; all (VIEW_PX, VIEW_PX), 0..1."""

    dark: Float64
    teeth: Float64

    @property
    def opening(self) -> Float64:
        return np.maximum(self.dark, self.teeth)


def mouth_view(pixels: UInt8, landmarks: Float32) -> MouthView:
    across = landmarks[291, :2] - landmarks[61, :2]
    width = float(np.linalg.norm(across))
    height = float(np.linalg.norm(landmarks[17, :2] - landmarks[0, :2]))
    middle = landmarks[[61, 291, 0, 17], :2].mean(axis=0)
    square = Square(
        float(middle[0]),
        float(middle[1]),
        max(_VIEW_TO_WIDTH * width, _VIEW_TO_HEIGHT * height),
        math.degrees(math.atan2(across[1], across[0])),
    )
    way = square.to_crop(VIEW_PX)
    flat = landmarks[:, :2] @ way[:, :2].T + way[:, 2]
    every = np.arange(VIEW_PX)

    def edge(ids: Indices) -> Float64:
        # a turned head folds the lip's far end over; np.interp wants rising columns
        x = np.maximum.accumulate(flat[ids, 0])
        heights: Float64 = np.interp(every, x, flat[ids, 1])
        return heights

    outer_upper, outer_lower = edge(UPPER_OUTER), edge(LOWER_OUTER)
    colour = cut(pixels, square, VIEW_PX, smooth=True).astype(np.float32) / np.float32(255.0)
    # a mouth in full profile has next to no width: keep enough of it to work on
    left = int(np.clip(round(flat[78, 0]), 0, VIEW_PX - _LEAST_WIDTH_PX - 1))
    right = int(np.clip(round(flat[308, 0]), left + _LEAST_WIDTH_PX, VIEW_PX - 1))
    around = skin_ring(outer_upper, outer_lower, left, right)
    # as if the skin around the mouth were lit well: the tests below hold in dark pictures too
    skin = float(np.quantile(colour[around], 0.9)) if around.any() else 0.8
    gain = np.float32(np.clip(0.8 / max(skin, 1e-3), 0.8, 12.0))
    even = np.clip(colour * gain, 0.0, 1.0)
    lab = cv2.cvtColor(cv2.GaussianBlur(even, (0, 0), 1.5), cv2.COLOR_RGB2LAB)
    return MouthView(
        square=square,
        lab=np.asarray(lab, np.float32),
        outer_upper=outer_upper,
        inner_upper=edge(UPPER_INNER),
        inner_lower=edge(LOWER_INNER),
        outer_lower=outer_lower,
        left=left,
        right=right,
        width_px=width * VIEW_PX / square.side_px,
    )


def skin_ring(outer_upper: Float64, outer_lower: Float64, left: int, right: int) -> Bool:
    """Skin above and below the lips, in px of the view."""
    y = np.arange(VIEW_PX)[:, None]
    above = (y < outer_upper - 8) & (y > outer_upper - 30)
    below = (y > outer_lower + 8) & (y < outer_lower + 30)
    x = np.arange(VIEW_PX)
    return (above | below) & (x > left) & (x < right)


def mouth_evidence(view: MouthView) -> Evidence:
    """Which pixels look like a dark mouth and which like teeth.

    Dark: darker than the lips. Teeth: less red than the lips and not darker. Where the picture
    has no colour: nearly as bright as the skin, if the lips are clearly darker than the skin; if
    they aren't, the gloss of the lower lip is as bright as teeth. Where the lips are no redder
    than the skin (grey, sepia, painted, made up), also what is brighter than the lips where the
    mesh, too, sees an opening.
    """
    y = np.arange(VIEW_PX)[:, None]
    x = np.arange(VIEW_PX)
    inside = (x > view.left + 8) & (x < view.right - 8)
    upper_px = view.inner_upper - view.outer_upper
    lower_px = view.outer_lower - view.inner_lower
    # the bands by the outer edges: even where the mesh takes teeth for lip, these are lip
    in_upper = (y > view.outer_upper + 0.15 * upper_px) & (y < view.outer_upper + 0.55 * upper_px)
    in_lower = (y < view.outer_lower - 0.15 * lower_px) & (y > view.outer_lower - 0.60 * lower_px)
    upper = _median_colour(view.lab, in_upper & inside)
    lower = _median_colour(view.lab, in_lower & inside)
    skin = view.skin

    light, red = view.lab[..., 0], view.lab[..., 1]
    depth = np.clip((y - view.outer_upper) / (view.outer_lower - view.outer_upper + 1e-6), 0, 1)
    lip_light = upper[0] * (1.0 - depth) + lower[0] * depth
    dark = 1.0 - smoothstep(0.45, 0.75, light / np.maximum(lip_light, 1.0))

    lip_red = 0.35 * upper[1] + 0.65 * lower[1]  # the lower lip has no moustache on it
    teeth = np.zeros_like(dark)
    if lip_red > 6.0:
        paleness = (lip_red - red) / (lip_red + 3.0)
        teeth = smoothstep(0.30, 0.75, paleness) * smoothstep(-4.0, 4.0, light - 0.8 * lip_light)
    elif skin[0] - max(upper[0], lower[0]) > 12.0:
        brightness = (light - lip_light) / np.maximum(skin[0] - lip_light, 1.0)
        of_mouth = (y > view.outer_upper) & (y < view.outer_lower) & inside
        # a moist lip is bright, too; teeth are the brightest
        best = float(np.quantile(brightness[of_mouth], 0.95)) if of_mouth.any() else 1.0
        teeth = smoothstep(max(0.30, 0.71 * best), max(0.70, 0.84 * best), brightness)
    if lip_red - skin[1] < 3.0:
        in_gap = (y > view.inner_upper - 3.0) & (y < view.inner_lower + 3.0)
        wide = view.inner_lower - view.inner_upper > 0.04 * view.width_px
        bright = smoothstep(6.0, 20.0, light - lip_light)
        teeth = np.where(in_gap & wide, np.maximum(teeth, bright), teeth)
    return Evidence(dark.astype(np.float64), teeth.astype(np.float64))


def _median_colour(lab: Float32, where: Bool) -> Float64:
    """(3,) of the masked pixels; mid grey when there are none (a mouth seen from the side)."""
    if not where.any():
        return np.array([50.0, 0.0, 0.0])
    return np.asarray(np.median(lab[where], axis=0), np.float64)


_STIFFNESS = 1.5
"""Price of one px more or less than the neighbour column's shift, squared."""

_JUMP_PX = 4


def smooth_path(price: Float64) -> Indices:
    """The cheapest way through a table from the first row to the last.

    price    (n, m)
    returns  (n,) column index in each row; neighbours differ by up to _JUMP_PX
    """
    each = np.arange(price.shape[1])
    jumps = np.arange(-_JUMP_PX, _JUMP_PX + 1)[:, None]
    came_from = each + jumps
    allowed = (came_from >= 0) & (came_from < len(each))
    toll = np.where(allowed, _STIFFNESS * jumps.astype(np.float64) ** 2, np.inf)
    path = best_path(-price, np.clip(came_from, 0, len(each) - 1), repeat(toll))
    return path.astype(np.int64)


def seam(
    view: MouthView,
    columns: Indices,
    middle: Float64,
) -> Float64:
    """(n,) y of the darkest smooth line near the middle of the lips."""
    reach = max(4, round(0.06 * view.width_px))
    shifts = np.arange(-reach, reach + 1, dtype=np.float64)
    y = np.clip(middle[:, None] + shifts, 0.0, VIEW_PX - 1.0)
    index = np.round(y).astype(np.int64)
    light = view.lab[index, columns[:, None], 0].astype(np.float64)
    pull = 2.0 * (shifts / reach) ** 2
    return middle + shifts[smooth_path(light / 4.0 + pull)]


def central(values: Float64) -> Float64:
    """The middle half: at the corners every mouth is shut."""
    quarter = len(values) // 4
    return values[quarter : len(values) - quarter]
