"""The eyeball taken apart: its white, its iris as a whole disc, and what shines in it.

Flow      face.eyes -> render.eyeball -> render.eyes

The photograph shows an iris half under the lids. Before it can look about, what is hidden of it
and what is hidden behind it must be made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from portravox.arrays import Bool, Float32, Float64
from portravox.face.eyes import EyeView
from portravox.ramps import smoothstep

RINGS = 24
"""The iris's colour is told apart at so many distances from its middle."""

GLINTS = 0.88
"""Radii within which they are looked for: at the rim it is white that shines. Our choice."""

GLINT_EXCESS, GLINT_SHARE = 28.0, 0.5
"""What is brighter than its ring of the iris by so much, of 255, and of what white is brighter, is
a reflection. Our choice."""


OFF_IRIS = 1.2
"""So many radii from its middle there is white."""

RIM, LIMB = (0.72, 0.82), (1.10, 1.25)
BESIDE = 0.75
"""Radii from which on white may be seen, and up to which iris; so many above and below its middle
what is seen beside it is no lash. Our choice."""

RIM_RINGS = slice(18, 21)
"""What the iris looks like at its rim: at .75 to .875 of its radius."""

LEAST_CONTRAST = (14.0, 28.0)
"""White and iris must differ by so much, of 255, in each colour, to be told apart. Our choice."""

LEAST_LIGHT = 0.75
"""White on one side of the iris differs by less than this. Our choice."""

SHADE_MM, SHADE_STEPS = 2.4, 8
"""So far from its edge a lid's shade, its lashes and liner are looked for. Our choice."""


@dataclass(frozen=True, slots=True, eq=False)
class Eyeball:
    """Layers as large as the view of the eye, all Float32 and 0..255 but for covers."""

    white: Float32
    """(h, w, 3) the eye without its iris."""

    iris: Float32
    """(h, w, 4) premultiplied colour and cover, 0..1, without reflections."""

    glint: Float32
    """(h, w, 3) what reflections add. The three together give the photograph back."""


def take_apart(view: EyeView) -> Eyeball:
    """Split what the photograph shows between the lids."""
    patch = view.pixels.astype(np.float32)
    column, row, radius = view.iris
    height, width = patch.shape[:2]
    y, x = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)
    distance = np.hypot(x - column, y - row) / np.float32(max(radius, 1.0))
    depth = np.minimum(y - view.upper, view.lower - y)
    opening = np.clip(depth + 0.5, 0.0, 1.0).astype(np.float32)
    seen = depth > max(1.0, 0.5 * view.mm)

    white = _white(view, opening, seen & (distance > OFF_IRIS), distance)
    iris_seen = seen & (distance < 1.0)
    profile = _ring_colours(patch, iris_seen, distance, white)
    cover = (1 - smoothstep(0.94, 1.12, distance)).astype(np.float32)
    sure = np.clip(depth / max(0.8 * view.mm, 1.0), 0, 1).astype(np.float32)
    ring = np.median(profile[RIM_RINGS], axis=0).astype(np.float32)
    free = seen & ((distance < 1.0) | (np.abs(y - row) < BESIDE * radius))
    cover += (_matte(patch, white, ring, seen, distance) - cover) * _rim(distance) * sure * free
    cover = cv2.GaussianBlur(cover, (0, 0), 0.5)[..., None]
    plain = _without_glints(
        patch, white, iris_seen & (cover[..., 0] > 0.5), distance, profile, radius
    )
    disc = _whole_disc(plain, iris_seen, distance, profile, row, radius)
    # where the photograph is seen, iris over white must give it back: what has more of white than
    # of iris belongs to the white, for the rest goes along with the gaze
    bare = 1 - cover
    own = (plain - ring * cover) / np.maximum(bare, 0.5)
    white += (own - white) * smoothstep(0.75, 0.95, bare).astype(np.float32) * opening[..., None]
    sure = sure[..., None] * (cover > 0)
    premultiplied = disc * cover
    premultiplied += (plain - white * bare - premultiplied) * sure
    premultiplied = np.clip(premultiplied, 0, 255 * cover)
    white += (plain - white * bare - premultiplied) * (sure / np.maximum(bare, 0.1))
    glint = (patch - plain) * opening[..., None]
    return Eyeball(white, np.dstack([premultiplied, cover]).astype(np.float32), glint)


def _light(colours: Float32) -> Float32:
    """(h, w) mean of the channels; numpy's own over so short an axis takes long."""
    light: Float32 = (colours[..., 0] + colours[..., 1] + colours[..., 2]) * np.float32(1 / 3)
    return light


def _rim(distance: Float32) -> Float32:
    """(h, w) 0..1 where the iris may end: seen from the side it is no circle, and the circle may be
    off."""
    rim = smoothstep(*RIM, distance) * (1 - smoothstep(*LIMB, distance))
    return np.asarray(rim, np.float32)


def _matte(patch: Float32, white: Float32, iris: Float32, seen: Bool, distance: Float32) -> Float32:
    """(h, w) 1 where it looks like the iris, (3,), 0 like the white, (h, w, 3).

    A circle where the two look alike.
    """
    way = white - iris
    much = np.square(way).sum(axis=-1)
    matte = np.clip(((white - patch) * way).sum(axis=-1) / np.maximum(much, 1.0), 0.0, 1.0)
    # a lamp in the iris, or its light side, does not hang together with the white
    bright = (matte < 0.5) & seen & (distance > RIM[0])
    _, labels = cv2.connectedComponents(bright.astype(np.uint8), connectivity=4)
    of_white = np.unique(labels[distance > OFF_IRIS])
    matte = np.where(bright & ~np.isin(labels, of_white[of_white > 0]), 1.0, matte)
    unlike = smoothstep(*LEAST_CONTRAST, np.sqrt(much / 3))
    circle = distance < 1.0
    return np.asarray(circle + (matte - circle) * unlike, np.float32)


def _white(view: EyeView, opening: Float32, scleral: Bool, distance: Float32) -> Float32:
    """(h, w, 3) what is seen of the white, spread under the iris and beyond the lids."""
    patch, radius = view.pixels.astype(np.float32), view.iris[2]
    y = np.arange(len(patch), dtype=np.float32)[:, None]
    base = np.median(patch[scleral], axis=0) if scleral.any() else np.full(3, 200.0)
    grey = _light(patch)
    x = np.arange(patch.shape[1])
    for side in (x < view.iris[0], x >= view.iris[0]):
        # liner and lashes are not what lies under the iris
        level = np.percentile(grey[scleral & side], 60) if (scleral & side).any() else 0.0
        scleral = scleral & (~side | (grey > LEAST_LIGHT * level))
    weight = scleral.astype(np.float32)
    shrink = max(1, round(radius / 16))
    small = (patch.shape[1] // shrink, patch.shape[0] // shrink)
    sigma = max(radius * 0.35 / shrink, 1.0)
    spread, mass = (
        cv2.GaussianBlur(cv2.resize(p, small, interpolation=cv2.INTER_AREA), (0, 0), sigma)
        for p in (patch * weight[..., None], weight)
    )
    white = (spread + base.astype(np.float32) * 0.02) / (mass[..., None] + 0.02)
    white = cv2.resize(white, patch.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    off_iris = (opening > 0.5) & (distance > OFF_IRIS)
    under, over = (y - view.upper) / view.mm, (view.lower - y) / view.mm
    for inside, other in ((under, over), (over, under)):
        where = off_iris & (inside <= other) & (inside + other > SHADE_MM)
        white *= _shade_beside_lid(patch, white, inside, where)[..., None]
    return np.asarray(white, np.float32)


def _shade_beside_lid(patch: Float32, white: Float32, inside_mm: Float32, where: Bool) -> Float32:
    """(h, w) 0..1 how dark white is so far from a lid's edge: lashes, liner and shade.

    It is told from where white is seen, and holds for what the iris leaves when it moves, too.
    """
    share = _light(patch) / np.maximum(_light(white), 1.0)
    ends = np.linspace(0.0, SHADE_MM, SHADE_STEPS + 1)
    shade = np.ones(SHADE_STEPS + 1)
    for n, (start, end) in enumerate(pairwise(ends)):
        here = share[where & (inside_mm >= start) & (inside_mm < end)]
        shade[n] = min(float(np.median(here)), 1.0) if here.size else 1.0
    return np.interp(inside_mm, ends + ends[1] / 2, shade).astype(np.float32)


def _ring_colours(patch: Float32, seen: Bool, distance: Float32, white: Float32) -> Float64:
    """(RINGS + 7, 3) the usual colour of the iris at each distance, from its middle outwards."""
    ring = (distance[seen] * RINGS).astype(int)
    colours = patch[seen]
    last = np.median(colours, axis=0) if len(colours) else white.reshape(-1, 3).mean(axis=0) * 0.4
    profile = np.zeros((RINGS + 7, 3))
    for k in range(RINGS + 6, -1, -1):
        here = colours[ring == k]
        if len(here) >= 3:
            last = np.median(here, axis=0)
        profile[k] = last
    return profile


def _rings(distance: Float32, profile: Float64) -> Float32:
    """(h, w, 3) the profile around the middle."""
    at = np.clip(distance * RINGS - 0.5, 0, len(profile) - 1)
    steps = np.arange(len(profile))
    colours = [np.interp(at, steps, profile[:, c]) for c in range(3)]
    return np.dstack(colours).astype(np.float32)


def _without_glints(
    patch: Float32, white: Float32, seen: Bool, distance: Float32, profile: Float64, radius: float
) -> Float32:
    """(h, w, 3) the photograph, its reflections in the iris replaced by what lies under them."""
    usual = _rings(distance, profile)
    excess = _light(patch - usual)
    least = np.maximum(GLINT_EXCESS, GLINT_SHARE * _light(white - usual))
    found = (seen & (distance < GLINTS) & (excess > least)).astype(np.uint8)
    if not found.any():
        return patch
    grow = max(1, round(radius * 0.08))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grow + 1, 2 * grow + 1))
    cover = cv2.GaussianBlur(cv2.dilate(found, disc).astype(np.float32), (0, 0), 0.5 * grow + 0.3)
    # a reflection of half the iris is light on it, not a point that shines
    cover *= 1.0 - smoothstep(0.30, 0.45, float(found.sum()) / max(int(seen.sum()), 1))
    plain: Float32 = patch + (np.minimum(usual, patch) - patch) * cover[..., None]
    return plain.astype(np.float32)


def _whole_disc(
    plain: Float32, seen: Bool, distance: Float32, profile: Float64, row: float, radius: float
) -> Float32:
    """(h, w, 3) the iris: as seen, else mirrored from below, else the colour of its ring."""
    height = plain.shape[0]
    mirrored = np.clip(np.round(2 * row - np.arange(height)).astype(int), 0, height - 1)
    completed = _rings(distance, profile)
    completed += (plain[mirrored] - completed) * (seen[mirrored].astype(np.float32) * 0.6)[
        ..., None
    ]
    known = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), max(0.8, radius * 0.06))
    known = np.clip(known * 2 - 1, 0, 1)[..., None]
    disc: Float32 = completed + (plain - completed) * known
    return disc
