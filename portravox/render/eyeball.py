"""The eyeball taken apart: its white, its iris as a whole disc, and what shines in it.

Flow      face.eyes -> render.eyeball -> render.eyes

The photograph shows an iris half under the lids. Before it can look about, what is hidden of it
and what is hidden behind it must be made up.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import Bool, Float32, Float64
from portravox.face.eyes import EyeView
from portravox.ramps import smoothstep

RINGS = 24
"""The iris's colour is told apart at so many distances from its middle."""

GLINT_EXCESS = 28.0
"""What is brighter than its ring of the iris by so much, of 255, is a reflection. Our choice."""


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

    white = _white(patch, opening, seen, distance, radius)
    iris_seen = seen & (distance < 1.0)
    profile = _ring_colours(patch, iris_seen, distance, white)
    plain = _without_glints(patch, iris_seen, distance, profile, radius)
    disc = _whole_disc(plain, iris_seen, distance, profile, row, radius)
    cover = (1 - smoothstep(0.94, 1.12, distance)).astype(np.float32)[..., None]
    premultiplied = disc * cover
    # where the photograph is seen, iris over white must give it back to the digit
    sure = np.clip(depth / max(0.8 * view.mm, 1.0), 0, 1).astype(np.float32)[..., None]
    sure = sure * (cover > 0)
    premultiplied += (plain - white * (1 - cover) - premultiplied) * sure
    glint = (patch - plain) * opening[..., None]
    return Eyeball(white, np.dstack([premultiplied, cover]).astype(np.float32), glint)


def _white(
    patch: Float32, opening: Float32, seen: Bool, distance: Float32, radius: float
) -> Float32:
    """(h, w, 3) what is seen of the white, spread under the iris and beyond the lids."""
    scleral = seen & (distance > 1.15)
    if scleral.sum() < 12:
        scleral = seen & (distance > 1.02)
    base = np.median(patch[scleral], axis=0) if scleral.any() else np.full(3, 200.0)
    weight = scleral.astype(np.float32)
    shrink = max(1, round(radius / 16))
    small = (patch.shape[1] // shrink, patch.shape[0] // shrink)
    sigma = max(radius * 0.35 / shrink, 1.0)
    spread, mass = (
        cv2.GaussianBlur(cv2.resize(p, small, interpolation=cv2.INTER_AREA), (0, 0), sigma)
        for p in (patch * weight[..., None], weight)
    )
    filled = (spread + base.astype(np.float32) * 0.02) / (mass[..., None] + 0.02)
    filled = cv2.resize(filled, patch.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    keep = opening * smoothstep(1.02, 1.2, distance).astype(np.float32)
    white: Float32 = (filled + (patch - filled) * keep[..., None]).astype(np.float32)
    return white


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
    patch: Float32, seen: Bool, distance: Float32, profile: Float64, radius: float
) -> Float32:
    """(h, w, 3) the photograph, its reflections in the iris replaced by what lies under them."""
    usual = _rings(distance, profile)
    excess = (patch - usual).mean(axis=-1)
    found = (seen & (distance < 0.95) & (excess > GLINT_EXCESS)).astype(np.uint8)
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
