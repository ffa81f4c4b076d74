"""Where the irises of two eyes really are: their rims in the picture, sought near the landmarks.

Flow      face.eye_extent -> face.iris -> render.eyes
Reads     EyeView of both eyes
Gives     EyeView with the iris's centre and radius as seen
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from portravox.arrays import Bool, Float32, Float64
from portravox.face.eyes import EyeView

WORK_RADIUS_PX = 12.0
"""Irises are looked at no larger than this."""

ANGLES = 40
"""Of the rim, so many places are looked at."""

BESIDE = 0.10
"""White and iris are compared so far outside and inside of the rim, in radii. Our choice."""

SOFT = 0.05
"""In a picture that is as soft as this."""

INSET_MM = 0.7
"""Nearer to a lid than this it is the lid's edge, lashes or shade that are seen."""

AROUND, LARGER = (0.24, 0.16), (-0.32, 0.40)
STEPS = (0.08, 0.04, 0.02)
"""In radii of the landmarks: so far to the side, and up and down, and by so much larger or smaller
the iris is sought, and how finely, one step after the other. Drawn irises are larger by a
quarter."""

DEVIATION = 0.35
"""What a landmark that is off by a radius costs, in differences of white and iris. Our choice."""

LEAST_SIDE = 2.0
"""So much of either side has to be seen, in places that look straight to the side."""

MOST_UNLIKE = 0.2
"""Where one iris is larger than its landmarks by so much more than the other, neither is sure."""

MOST_OFF = 0.26
"""What lies further from the landmarks is hair before the eye. Our choice."""

LEAST_STEP, LEAST_GAIN = 0.35, 0.04
"""Share of the difference of white and iris by which brightness changes at a rim, at least, and
by how much more than where the landmarks have it. Our choice."""

RING, BEYOND = (0.5, 0.85), 1.2
LEAST_SEEN_PX = 8
"""Radii between which the landmarks tell what the iris looks like, around the pupil, and beyond
which white, and how much of both has to be seen. Our choice."""

LEAST_CONTRAST = 24.0
"""White is brighter than the iris by so much, of 255, or there is no rim to be found."""


CARVED_INSET_MM = 1.0
LEAST_CARVED = 0.92
"""So far from the lids, the least share of the white's brightness that a carved iris has around its
pupil, the mean of both eyes: 1.00 and 1.12 on two statues, of 25 other portraits at most .85 (pale
eyes in which lamps shine)."""


class _Seen(NamedTuple):
    """An eye as small as its iris is looked for."""

    white: Float32
    """(h, w) 0 as the iris, or darker, to 1 as the white, or brighter: pupil and lamps are no
    edges."""

    free: Float32
    """(h, w) 1 between the lids, 0 elsewhere."""

    place: Float64
    """(3,) column, row and radius of the landmarks."""

    scale: float
    """Of the view's px to its own."""


def with_true_irises(left: EyeView, right: EyeView) -> tuple[EyeView, EyeView]:
    """Both views with the circles around which brightness rises most from inside to outside.

    That is Daugman's operator (IEEE PAMI 15(11), 1993) over what lies between the lids, with a
    price on being far from the landmarks. Both irises are larger than their landmarks say by the
    same share. Landmarks are kept where no rim is clear: blurred, carved or dark eyes.
    """
    views = (left, right)
    seen = [_seen(view) for view in views]
    found = [eye for eye in seen if eye]
    if not found:
        return views
    columns, rows = (np.arange(-reach, reach + 0.01, STEPS[0]) for reach in AROUND)
    shares = np.arange(LARGER[0], LARGER[1] + 0.01, STEPS[0])
    grid = np.stack(np.meshgrid(shares, columns, rows, indexing="ij"), axis=-1)[..., [1, 2, 0]]
    worth = [_worth(eye, grid.reshape(-1, 3)).reshape(len(shares), -1) for eye in found]
    share = int(np.argmax(sum(each.max(axis=1) for each in worth)))
    starts = iter([grid[share].reshape(-1, 3)[int(np.argmax(each[share]))] for each in worth])
    left, right = (
        _with_iris(view, eye, next(starts)) if eye else view
        for view, eye in zip(views, seen, strict=True)
    )
    off = [
        now.iris[2] / before.iris[2] - 1 for now, before in zip((left, right), views, strict=True)
    ]
    return views if np.ptp(off) > MOST_UNLIKE else (left, right)


def are_carved(left: EyeView, right: EyeView) -> bool:
    """Whether no iris is painted, as in stone: such eyes have no lashes and do not look about."""
    shares = [_brightness_of_iris(view) for view in (left, right)]
    return float(np.mean(shares)) > LEAST_CARVED


def _brightness_of_iris(view: EyeView) -> float:
    """Of an iris, as a share of its white; 0 where one of them is not seen."""
    grey = cv2.cvtColor(view.pixels, cv2.COLOR_RGB2GRAY)
    grey = cv2.GaussianBlur(grey, (0, 0), 0.3 * view.mm)
    y, x = np.arange(grey.shape[0])[:, None], np.arange(grey.shape[1])
    inset = CARVED_INSET_MM * view.mm
    between = (y > view.upper + inset) & (y < view.lower - inset)
    away = np.hypot(x - view.iris[0], y - view.iris[1]) / max(view.iris[2], 1.0)
    ring = (away > RING[0]) & (away < RING[1])
    within, beyond = (grey[between & part] for part in (ring, away > BEYOND))
    if min(within.size, beyond.size) < LEAST_SEEN_PX:
        return 0.0
    return float(np.median(within)) / max(float(np.percentile(beyond, 60)), 1.0)


def _seen(view: EyeView) -> _Seen | None:
    """None where white and iris are not seen, or look alike."""
    scale = min(1.0, WORK_RADIUS_PX / max(view.iris[2], 1.0))
    height, width = (max(8, round(side * scale)) for side in view.pixels.shape[:2])
    small = cv2.resize(view.pixels, (width, height), interpolation=cv2.INTER_AREA)
    place = np.array(view.iris) * scale
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey = cv2.GaussianBlur(grey, (0, 0), max(SOFT * place[2], 0.5))
    columns = np.clip(((np.arange(width) + 0.5) / scale).astype(int), 0, len(view.upper) - 1)
    inset = INSET_MM * view.mm
    y = (np.arange(height)[:, None] + 0.5) / scale
    free: Bool = (y > view.upper[columns] + inset) & (y < view.lower[columns] - inset)
    away = np.hypot(np.arange(width) - place[0], np.arange(height)[:, None] - place[1]) / place[2]
    ring = (away > RING[0]) & (away < RING[1])
    within, beyond = (grey[free & part] for part in (ring, away > BEYOND))
    if min(within.size, beyond.size) < LEAST_SEEN_PX:
        return None
    iris, white = float(np.percentile(within, 70)), float(np.percentile(beyond, 75))
    if white - iris < LEAST_CONTRAST:
        return None
    share = np.clip((grey - iris) / (white - iris), 0.0, 1.0).astype(np.float32)
    return _Seen(share, free.astype(np.float32), place, scale)


def _with_iris(view: EyeView, eye: _Seen, off: Float64) -> EyeView:
    """off  (3,) by how much its iris is off the landmarks, about."""
    for step in STEPS[1:]:
        ways = np.array([-step, 0.0, step])
        tried = off + np.stack(np.meshgrid(ways, ways, ways), axis=-1).reshape(-1, 3)
        off = tried[int(np.argmax(_worth(eye, tried)))]
    start, step = _rises(eye, np.stack([np.zeros(3), off]))
    if step < max(LEAST_STEP, start + LEAST_GAIN) or np.hypot(*off[:2]) > MOST_OFF:
        return view
    column, row, radius = (float(v) for v in (eye.place + off * eye.place[2]) / eye.scale)
    return replace(view, iris=(column, row, radius))


def _worth(eye: _Seen, off: Float64) -> Float64:
    """(N,) how well circles go with what is seen, (N, 3) off the landmarks."""
    away = np.hypot(off[:, 0], off[:, 1])
    return _rises(eye, off) - DEVIATION * (np.square(away) + np.square(off[:, 2]))


def _rises(eye: _Seen, off: Float64) -> Float64:
    """(N,) how much whiter, 0..1, it is beyond circles than within; what is seen to the sides
    counts most, and the side where it rises less.

    off  (N, 3) columns, rows and radii off the landmarks, in their radii
    """
    angle = (np.arange(ANGLES) + 0.5) * (2 * np.pi / ANGLES)
    across, down = np.cos(angle), np.sin(angle)
    x, y, radius = ((eye.place + off * eye.place[2])[:, i, None] for i in range(3))
    on_rim, outside, inside = (
        _at(picture, x + share * radius * across, y + share * radius * down)
        for picture, share in ((eye.free, 1.0), (eye.white, 1 + BESIDE), (eye.white, 1 - BESIDE))
    )
    weight = (on_rim > 0.5) * np.square(across)
    sides = []
    for side in (across < 0, across > 0):
        seen = weight[:, side].sum(axis=1)
        mean = (weight * (outside - inside))[:, side].sum(axis=1) / np.maximum(seen, 1e-6)
        sides.append(np.where(seen > LEAST_SIDE, mean, -1.0))
    rise: Float64 = (sides[0] + sides[1] + 2 * np.minimum(*sides)) / 4
    return rise


def _at(picture: Float32, x: Float64, y: Float64) -> Float64:
    """Values of the pixels at (x, y), as at the border beyond it."""
    height, width = picture.shape
    rows = np.clip(np.rint(y), 0, height - 1).astype(np.intp)
    columns = np.clip(np.rint(x), 0, width - 1).astype(np.intp)
    return picture[rows, columns].astype(np.float64)
