"""The mouth in the photograph: shut, parted, smiling with teeth or open, and where its edges are.

Flow      face.landmarks -> face.lips -> Face
Reads     pixels, landmarks
Gives     Lips

The mesh network knows well what a mouth looks like, but takes teeth for lips on black-and-white
photographs, opens blurred mouths that are shut, and misses slivers of teeth. So its edges are
only where we start: each pixel between the lips is judged to be lip or opening by its colour
against this person's own lips and skin, and two smooth edges are laid around what is opening.
All of it happens on a small upright picture of the mouth. Numbers without a source are our
choice, tuned by eye on 60 mouths: light and dark skin, bearded, painted, carved, grey, blurred.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import Bool, Float32, Float64, UInt8
from portravox.face.crop import Square, cut, to_picture
from portravox.face.face import Lips, LipState

UPPER_INNER = np.array([78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308])
"""Inner edge of the upper lip, from the picture's left corner to the right one."""

LOWER_INNER = np.array([78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308])
"""Inner edge of the lower lip, the same way; both share their ends."""

UPPER_OUTER = np.array([61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291])
LOWER_OUTER = np.array([61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291])

VIEW_PX = 256
"""Side of the upright picture of the mouth."""

_VIEW_TO_WIDTH, _VIEW_TO_HEIGHT = 1.3, 1.4
"""Side of the view over the mouth's width and height, whichever gives more."""

_COLUMN_STEP_PX = 3

_REACH = 0.16
"""How far an edge may move from the landmarks, in mouth widths."""

_LEAST_GAP = 0.045
"""Below this opening, in mouth widths, the lips count as touching: the shadow between closed
lips is up to that thick."""

_SHADOW_GAP = 0.07
"""The same where the mesh sees closed lips and no teeth show: on carved and strongly lit faces
the shadow of the upper lip is thicker."""

_MESH_CLOSED_GAP = 0.01

_LEAST_TEETH_GAP = 0.06
_LEAST_OPEN_GAP = 0.10

_WIDE_GAP = 0.30
"""From here on a mouth is open, however many teeth show: nobody smiles so."""

_TRUSTED_GAP = 0.10
"""A gap this wide the mesh network does not invent; the edges then stay near it."""

_TEETH_SHARE = 0.30


@dataclass(frozen=True, slots=True, eq=False)
class _MouthView:
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


@dataclass(frozen=True, slots=True, eq=False)
class _Evidence:
    """What each pixel of the view looks like; all (VIEW_PX, VIEW_PX), 0..1."""

    dark: Float64
    teeth: Float64

    @property
    def opening(self) -> Float64:
        return np.maximum(self.dark, self.teeth)


def read_lips(pixels: UInt8, landmarks: Float32) -> Lips:
    """State of the mouth and inner edges of the lips.

    pixels     (H, W, 3)
    landmarks  (478, 3) px
    """
    view = _view(pixels, landmarks)
    evidence = _evidence(view)
    columns = np.arange(view.left, view.right + 1, _COLUMN_STEP_PX)
    upper, lower = _edges(view, evidence, columns)
    gap = float(_central(lower - upper).mean()) / view.width_px
    mesh_gap = float(_central((view.inner_lower - view.inner_upper)[columns]).mean())
    teeth_share = _share_inside(evidence.teeth, upper, lower, columns)
    state = _state(gap, mesh_gap / view.width_px, teeth_share)
    if state is LipState.CLOSED:
        upper = lower = _seam(view, columns, (upper + lower) / 2.0)
        teeth_share = 0.0
    return Lips(
        state=state,
        upper_inner=_at_landmarks(view, landmarks, UPPER_INNER, columns, upper),
        lower_inner=_at_landmarks(view, landmarks, LOWER_INNER, columns, lower),
        teeth_share=teeth_share,
    )


def _state(gap: float, mesh_gap: float, teeth_share: float) -> LipState:
    """Gaps in mouth widths, mean of the middle half: as fitted, and as the landmarks had it."""
    shadow = mesh_gap < _MESH_CLOSED_GAP and teeth_share < _TEETH_SHARE
    if gap < (_SHADOW_GAP if shadow else _LEAST_GAP):
        return LipState.CLOSED
    if gap >= _WIDE_GAP:
        return LipState.OPEN
    if gap >= _LEAST_TEETH_GAP and teeth_share >= _TEETH_SHARE:
        return LipState.TEETH
    return LipState.OPEN if gap >= _LEAST_OPEN_GAP else LipState.PARTED


def _view(pixels: UInt8, landmarks: Float32) -> _MouthView:
    left, right = landmarks[61, :2], landmarks[291, :2]
    across = right - left
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

    def edge(ids: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Float64:
        # a turned head folds the lip's far end over; np.interp wants rising columns
        x = np.maximum.accumulate(flat[ids, 0])
        return np.interp(every, x, flat[ids, 1])

    outer_upper, outer_lower = edge(UPPER_OUTER), edge(LOWER_OUTER)
    colour = cut(pixels, square, VIEW_PX, smooth=True).astype(np.float32) / np.float32(255.0)
    around = _ring(outer_upper, outer_lower, int(flat[78, 0]), int(flat[308, 0]))
    # as if the skin around the mouth were lit well: the tests below hold in dark pictures too
    gain = np.clip(0.8 / max(float(np.quantile(colour[around], 0.9)), 1e-3), 0.8, 12.0)
    colour = cv2.GaussianBlur(np.clip(colour * np.float32(gain), 0.0, 1.0), (0, 0), 1.5)
    return _MouthView(
        square=square,
        lab=np.asarray(cv2.cvtColor(colour, cv2.COLOR_RGB2LAB), np.float32),
        outer_upper=outer_upper,
        inner_upper=edge(UPPER_INNER),
        inner_lower=edge(LOWER_INNER),
        outer_lower=outer_lower,
        left=round(float(flat[78, 0])),
        right=round(float(flat[308, 0])),
        width_px=width * VIEW_PX / square.side_px,
    )


def _ring(outer_upper: Float64, outer_lower: Float64, left: int, right: int) -> Bool:
    """Skin above and below the lips, in px of the view."""
    y = np.arange(VIEW_PX)[:, None]
    above = (y < outer_upper - 8) & (y > outer_upper - 30)
    below = (y > outer_lower + 8) & (y < outer_lower + 30)
    x = np.arange(VIEW_PX)
    return (above | below) & (x > left) & (x < right)


def _evidence(view: _MouthView) -> _Evidence:
    """Which pixels look like a dark mouth and which like teeth.

    Dark: darker than the lips. Teeth: less red than the lips and not darker; where the picture
    has no colour, nearly as bright as the skin, but only if the lips are clearly darker than
    the skin (on a statue or a pale mouth the gloss of the lower lip is as bright).
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
    skin = _median_colour(
        view.lab, _ring(view.outer_upper, view.outer_lower, view.left, view.right)
    )

    light, red = view.lab[..., 0], view.lab[..., 1]
    depth = np.clip((y - view.outer_upper) / (view.outer_lower - view.outer_upper + 1e-6), 0, 1)
    lip_light = upper[0] * (1.0 - depth) + lower[0] * depth
    dark = 1.0 - _step(0.45, 0.75, light / np.maximum(lip_light, 1.0))

    lip_red = 0.35 * upper[1] + 0.65 * lower[1]  # the lower lip has no moustache on it
    if lip_red > 6.0:
        paleness = (lip_red - red) / (lip_red + 3.0)
        teeth = _step(0.30, 0.75, paleness) * _step(-4.0, 4.0, light - 0.8 * lip_light)
    elif skin[0] - max(upper[0], lower[0]) > 12.0:
        brightness = (light - lip_light) / np.maximum(skin[0] - lip_light, 1.0)
        teeth = _step(0.30, 0.70, brightness)
    else:
        teeth = np.zeros_like(dark)
    return _Evidence(dark.astype(np.float64), teeth.astype(np.float64))


def _median_colour(lab: Float32, where: Bool) -> Float64:
    """(3,) of the masked pixels; mid grey when there are none (a mouth seen from the side)."""
    if not where.any():
        return np.array([50.0, 0.0, 0.0])
    return np.asarray(np.median(lab[where], axis=0), np.float64)


def _step(low: float, high: float, value: Float64 | Float32) -> Float64:
    """0 up to low, 1 from high, smooth between."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float64)


_LIP_WEIGHT = 0.35
"""What a pixel that looks like lip counts inside the opening, against 1 for one that looks open:
tongue and gums look like lip."""


def _edges(
    view: _MouthView, evidence: _Evidence, columns: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> tuple[Float64, Float64]:
    """Two smooth edges around what looks open, near the landmarks' edges.

    Minimised, over the distances of both edges from the landmarks' edges: the evidence left
    out or taken in wrongly, the distance itself, and its change from column to column. One edge
    is solved exactly by dynamic programming while the other stands still, in turn.

    returns  (n,), (n,) y of the upper and the lower edge at the columns
    """
    opening = evidence.opening
    worth = opening - _LIP_WEIGHT * (1.0 - opening)
    above = np.vstack([np.zeros(VIEW_PX), np.cumsum(worth, axis=0)])[:, columns]
    start_upper = view.inner_upper[columns]
    start_lower = np.maximum(view.inner_lower[columns], start_upper)
    top = view.outer_upper[columns] + 2.0
    bottom = view.outer_lower[columns] - 2.0
    gap = float(_central(start_lower - start_upper).mean()) / view.width_px
    trusted = gap >= _TRUSTED_GAP

    reach = max(4, round(_REACH * view.width_px))
    shifts = np.arange(-reach, reach + 1, dtype=np.float64)
    scale = 0.03 * view.width_px
    pull = (shifts / scale) ** 2
    if not trusted:
        pull = np.minimum(pull, 4.0)  # beyond that the landmarks are simply wrong
    # the shadow in a corner reaches far beyond the opening
    nearness = np.abs(np.linspace(-1.0, 1.0, len(columns)))
    hold = 1.0 + 8.0 * np.clip((nearness - 0.7) / 0.3, 0.0, 1.0)

    def price(start: Float64, sign: float, low: Float64, high: Float64) -> Float64:
        """(n, shifts) of setting one edge there."""
        y = start[:, None] + shifts
        inside = np.clip(y, 0.0, VIEW_PX - 1.0)
        index = np.floor(inside).astype(np.int64)
        share = inside - index
        each = np.arange(len(start))[:, None]
        value = above[index, each] * (1.0 - share) + above[index + 1, each] * share
        outside = np.maximum(low[:, None] - y, 0.0) + np.maximum(y - high[:, None], 0.0)
        return np.asarray(sign * value + hold[:, None] * pull + 10.0 * outside, np.float64)

    upper, lower = start_upper, start_lower
    for _ in range(4):
        upper = start_upper + shifts[_smooth_path(price(start_upper, 1.0, top, lower))]
        upper = np.minimum(upper, lower)
        lower = start_lower + shifts[_smooth_path(price(start_lower, -1.0, upper, bottom))]
        lower = np.maximum(upper, lower)
    return upper, lower


_STIFFNESS = 1.5
"""Price of one px more or less than the neighbour column's shift, squared."""

_JUMP_PX = 4


def _smooth_path(price: Float64) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The cheapest way through a table from the first row to the last.

    price    (n, m)
    returns  (n,) column index in each row; neighbours differ by up to _JUMP_PX
    """
    rows, width = price.shape
    jumps = np.arange(-_JUMP_PX, _JUMP_PX + 1)
    came = np.arange(width)[:, None] + jumps
    allowed = (came >= 0) & (came < width)
    came = np.clip(came, 0, width - 1)
    toll = np.where(allowed, _STIFFNESS * jumps.astype(np.float64) ** 2, np.inf)
    total = price[0]
    best = np.zeros((rows, width), np.int64)
    for row in range(1, rows):
        ways = total[came] + toll
        choice = ways.argmin(axis=1)
        each = np.arange(width)
        best[row] = came[each, choice]
        total = ways[each, choice] + price[row]
    path = np.zeros(rows, np.int64)
    path[-1] = int(total.argmin())
    for row in range(rows - 1, 0, -1):
        path[row - 1] = best[row, path[row]]
    return path


def _seam(
    view: _MouthView,
    columns: np.ndarray[tuple[int], np.dtype[np.int64]],
    middle: Float64,
) -> Float64:
    """(n,) y of the darkest smooth line near the middle of the lips."""
    reach = max(4, round(0.06 * view.width_px))
    shifts = np.arange(-reach, reach + 1, dtype=np.float64)
    y = np.clip(middle[:, None] + shifts, 0.0, VIEW_PX - 1.0)
    index = np.round(y).astype(np.int64)
    light = view.lab[index, columns[:, None], 0].astype(np.float64)
    pull = 2.0 * (shifts / reach) ** 2
    return middle + shifts[_smooth_path(light / 4.0 + pull)]


def _central(values: Float64) -> Float64:
    """The middle half: at the corners every mouth is shut."""
    quarter = len(values) // 4
    return values[quarter : len(values) - quarter]


def _share_inside(
    amount: Float64,
    upper: Float64,
    lower: Float64,
    columns: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> float:
    """Mean of amount between the edges; 0 when there is nothing between."""
    y = np.arange(VIEW_PX)[:, None]
    between = (y >= upper) & (y <= lower) & (lower - upper >= 1.0)
    if not between.any():
        return 0.0
    return float(amount[:, columns][between].mean())


def _at_landmarks(
    view: _MouthView,
    landmarks: Float32,
    ids: np.ndarray[tuple[int], np.dtype[np.int64]],
    columns: np.ndarray[tuple[int], np.dtype[np.int64]],
    edge: Float64,
) -> Float32:
    """(11, 2) px of the picture: the edge at the landmarks' places along the mouth.

    The ends stay on the corners, which both lips share.
    """
    way = view.square.to_crop(VIEW_PX)
    flat = landmarks[ids, :2] @ way[:, :2].T + way[:, 2]
    flat[1:-1, 1] = np.interp(flat[1:-1, 0], columns, edge)
    return to_picture(flat, view.square, VIEW_PX)
