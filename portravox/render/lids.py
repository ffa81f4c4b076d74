"""The shut lid: skin that the photograph shows folded away, and the lashes at its edge.

Flow      face.eyes -> render.lids -> render.eyes

The skin is made from the skin around: lashes and all that lies between the lids are taken out, the
hole is closed smoothly, and light, fold and grain are laid over it. So its colour runs on into
what surrounds it on every side, whatever make-up, age or paint that is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import Bool, Float32, Float64, UInt8
from portravox.face.eyes import EyeView
from portravox.ramps import smoothstep
from portravox.render.drawing import line_over

UPPER_SHARE = 0.9
"""The upper lid does this share of the way to meet the lower one (motion-facts 1)."""

WORK_PX = 96
"""Skin is mended at this width of the eye; what is finer is grain."""

LASH_DARKER = 0.09
"""Thin strokes darker than the skin beside them by this share are lashes. Our choice."""

FOLD_MM = 3.4
"""The lid folds so far above its edge. Our choice, after the crease in photographs."""

DROP = 0.10
"""The skin above the fold comes down by this share of the opening. Our choice."""

RIM_MM = 0.5
"""Of the lower lid, its wet rim goes under the upper one. Our choice."""

LOWER_SPREAD_MM = 6.5
"""Skin below the lower lid's edge follows it less and less over this length. Our choice."""

LASH_ROOM_MM = (1.8, 5.4)
"""The texture of the lashes reaches so far above and below the lid's edge."""

LASHES = 64
LASH_MM = (1.6, 3.4)
"""Strokes to an eye, and their length seen from the front: shut, they point at the camera."""


@dataclass(frozen=True, slots=True, eq=False)
class ShutLid:
    """What a shut eye shows, in pixels of the view."""

    edge: Float32
    """(w,) row at which the lids meet."""

    skin: UInt8
    """(h, w, 3) the view with its lids shut, without lashes."""

    lashes: Float32
    """(m, w) 0..1 cover, its row `lash_row` at the lid's edge."""

    lash_row: float

    lash_colour: Float32
    """(3,)"""


def shut_lid(
    view: EyeView, grain: Float32, hidden: Bool, slope: Float64, edge_sigma: float
) -> ShutLid:
    """Draw the upper lid down.

    grain   (h, w, 3) fine texture of the face's skin, around 0
    hidden  (h, w) where something else than skin is seen
    slope   (2,) how much brighter skin gets, as a share, when its normal turns by one radian to
            the right and down the view
    edge_sigma  how soft the edges in the view are, px
    """
    edge = view.lower * UPPER_SHARE + view.upper * (1 - UPPER_SHARE)
    mended, mask = _mended(view, hidden, edge_sigma)
    height, width = mask.shape
    y = np.arange(height, dtype=np.float32)[:, None]
    gap = view.lower - view.upper
    reach = np.float32(FOLD_MM * view.mm) * _bell(view)
    # what is seen above the fold comes a little down, less the nearer to the brow; the lower lid up
    share = smoothstep(-12.0 * view.mm, -3.0 * view.mm, y - view.upper)
    above = DROP * gap * share
    raised = (1 - UPPER_SHARE) * gap + RIM_MM * view.mm * np.minimum(gap / view.mm, 1.0)
    below = raised * (1 - smoothstep(0.0, LOWER_SPREAD_MM * view.mm, y - edge))
    down = np.where(y < edge, above, -below).astype(np.float32)
    x = np.broadcast_to(np.arange(width, dtype=np.float32), mask.shape)
    photo = cv2.remap(
        view.pixels, x, np.ascontiguousarray(y - down), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    skin = photo + (mended + grain - photo) * mask[..., None]
    skin *= _form(view, edge, reach, slope, mask)[..., None]
    contrast, colour = _lash_contrast(view)
    lashes, row = _lashes(view, contrast, edge_sigma)
    return ShutLid(
        edge=edge.astype(np.float32),
        skin=np.clip(skin + 0.5, 0, 255).astype(np.uint8),
        lashes=lashes,
        lash_row=row,
        lash_colour=colour,
    )


def _bell(view: EyeView) -> Float32:
    """(w,) 1 in the middle of the eye, 0 at its corners and beyond, round in between."""
    columns = np.arange(view.pixels.shape[1])
    across = (columns - view.corners[0]) / view.width * 2 - 1
    bell: Float32 = np.sqrt(np.clip(1 - across**2, 0, 1)).astype(np.float32)
    return bell


def _mended(view: EyeView, hidden: Bool, edge_sigma: float) -> tuple[Float32, Float32]:
    """(h, w, 3) skin without eye and lashes, and (h, w) 0..1 where it takes the place of what is
    photographed.
    """
    k = min(1.0, WORK_PX / view.width)
    size = (max(8, round(view.pixels.shape[1] * k)), max(8, round(view.pixels.shape[0] * k)))
    small = cv2.resize(view.pixels, size, interpolation=cv2.INTER_AREA)
    mm, blur = view.mm * k, edge_sigma * k
    columns = np.clip(((np.arange(size[0]) + 0.5) / k).astype(int), 0, len(view.upper) - 1)
    upper, lower = view.upper[columns] * k, view.lower[columns] * k
    y = np.arange(size[1], dtype=np.float32)[:, None]
    opening = ((y > upper - 0.5) & (y < lower + 0.5) & (lower - upper > 0.5)).astype(np.uint8)
    eye = cv2.dilate(opening, _disc(1.3 * mm + blur)) > 0
    covered = cv2.resize(hidden.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    lash = _lash_strokes(small, mm, blur, upper, lower, y)
    unknown = eye | lash
    filled = _filled(small.astype(np.float32), ~(unknown | covered))
    filled = cv2.GaussianBlur(filled, (0, 0), 0.5 * mm)
    # below the lashes of the lower lid all stays as it is
    edge = lower * UPPER_SHARE + upper * (1 - UPPER_SHARE)
    mend = (unknown & (y < edge + 0.5 * mm)).astype(np.float32)
    mend = cv2.GaussianBlur(cv2.dilate(mend, _disc(0.6 * mm)), (0, 0), 0.6 * mm)
    mend *= 1 - smoothstep(0.2 * mm, 1.0 * mm, y - edge).astype(np.float32)
    full = view.pixels.shape[1::-1]
    return (
        cv2.resize(filled, full, interpolation=cv2.INTER_CUBIC),
        np.clip(cv2.resize(mend, full, interpolation=cv2.INTER_LINEAR), 0, 1),
    )


def _lash_strokes(
    small: UInt8, mm: float, blur: float, upper: Float32, lower: Float32, y: Float32
) -> Bool:
    """(h, w) thin dark strokes about the lids: lashes and the line they stand in.

    Near the lid's edge any thin dark thing counts; further up only what is thin from side to
    side, or the fold of the lid would be taken for a lash.
    """
    light = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (0, 0), 0.6)
    across = np.ones((1, 2 * round(1.6 * mm + blur) + 1), np.uint8)
    any_way = cv2.morphologyEx(light, cv2.MORPH_CLOSE, _disc(2.0 * mm + 1.5 * blur)).astype(
        np.float32
    )
    sideways = cv2.morphologyEx(light, cv2.MORPH_CLOSE, across).astype(np.float32)
    dark_any = any_way - light > LASH_DARKER * any_way
    dark_sideways = sideways - light > LASH_DARKER * sideways
    near = (y > upper - 3.0 * mm - 1.5 * blur) & (y < lower + 3.0 * mm)
    far = (y > upper - 9.0 * mm) & (y < lower + 5.0 * mm)
    found = ((near & dark_any) | (far & dark_sideways)).astype(np.uint8)
    found[:, : round(1.0 * mm)] = 0
    grown: Bool = cv2.dilate(found, _disc(0.5 * mm)) > 0
    return grown


def _filled(picture: Float32, known: Bool) -> Float32:
    """(h, w, 3) holes closed smoothly from what is known around them, coarse to fine."""
    weight = known.astype(np.float32)[..., None]
    levels = [(picture * weight, weight)]
    while min(levels[-1][1].shape[:2]) > 3:
        colour, mass = levels[-1]
        size = ((colour.shape[1] + 1) // 2, (colour.shape[0] + 1) // 2)
        colour = cv2.resize(colour, size, interpolation=cv2.INTER_AREA)
        mass = cv2.resize(mass, size, interpolation=cv2.INTER_AREA)[..., None]
        levels.append((colour, mass))
    colour, mass = levels[-1]
    total = max(float(mass.sum()), 1e-6)
    below: Float32 = colour + (1 - np.minimum(mass, 1)) * (colour.sum(axis=(0, 1)) / total)
    for colour, mass in reversed(levels):
        below = cv2.resize(below, colour.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        sure = np.minimum(mass * 4.0, 1.0)
        below = below * (1 - sure) + colour / np.maximum(mass, 1e-4) * sure
        for _ in range(4):  # lets the known run on into the hole without a kink
            below += (cv2.blur(below, (3, 3)) - below) * (1 - sure)
    return below


def _form(view: EyeView, edge: Float32, reach: Float32, slope: Float64, mask: Float32) -> Float32:
    """(h, w) brightness of the lid: round over the eyeball, dark in the fold and at the lashes."""
    height, width = mask.shape
    mm = view.mm
    y = np.arange(height, dtype=np.float32)[:, None]
    x = np.arange(width, dtype=np.float32)
    bell = _bell(view)
    top = view.upper - reach
    inside = smoothstep(-1.6 * mm, 2.2 * mm, y - top) * bell
    inside *= 1 - smoothstep(-0.2 * mm, 0.6 * mm, y - edge)
    ball = 13.0 * mm
    middle = (top + edge) / 2
    turned_x = np.clip((x - view.iris[0]) / ball, -0.8, 0.8)
    turned_y = np.clip((y - middle) / ball, -0.6, 0.6)
    lit = 1 + np.clip(1.3 * (slope[0] * turned_x + slope[1] * turned_y), -0.16, 0.12)
    dusk = 1 - 0.17 * np.exp(-np.maximum(edge - y, 0) / (1.1 * mm))
    fold = 1 - 0.08 * np.exp(-(((y - top) / (0.7 * mm)) ** 2)) * bell**2
    bulge = 1 + 0.035 * np.exp(-(((y - (0.45 * top + 0.55 * edge)) / (2.2 * mm)) ** 2))
    form: Float32 = ((1 + (lit * dusk * bulge - 1) * inside) * fold).astype(np.float32)
    return form


def _lash_contrast(view: EyeView) -> tuple[float, Float32]:
    """How dark the line of the lashes is against the skin, 0..1, and its colour, (3,)."""
    y = np.arange(view.pixels.shape[0], dtype=np.float32)[:, None]
    middle = _bell(view) > 0.5
    at_edge = (np.abs(y - view.upper + 0.3 * view.mm) < 0.8 * view.mm) & middle
    skin = (y > view.lower + 2.5 * view.mm) & (y < view.lower + 7 * view.mm) & middle
    line = view.pixels[at_edge].astype(np.float32)
    light = line.mean(axis=-1)
    dark = line[light <= np.percentile(light, 25)].mean(axis=0)
    around = np.median(view.pixels[skin], axis=0)
    contrast = 1 - float(dark.mean()) / max(float(around.mean()), 1.0)
    return float(np.clip(contrast, 0.0, 1.0)), dark.astype(np.float32)


def _lashes(view: EyeView, contrast: float, edge_sigma: float) -> tuple[Float32, float]:
    """(m, w) 0..1 the line of the lashes and the strokes that hang from it, and its edge's row."""
    mm = view.mm
    width = view.pixels.shape[1]
    row = LASH_ROOM_MM[0] * mm
    size = (width, int(row + LASH_ROOM_MM[1] * mm) + 2)
    rng = np.random.default_rng(64)
    left, right = view.corners
    columns = np.arange(width)
    along = (columns - left) / (right - left)
    taper = smoothstep(0.0, 0.16, along) * smoothstep(0.0, 0.10, 1 - along)
    unsteady = np.interp(along, np.linspace(0, 1, 24), rng.uniform(0.75, 1.0, 24))
    thickness = (0.38 + 0.30 * contrast) * mm
    y = np.arange(size[1])[:, None] - row
    line = np.exp(-((np.minimum(y + 0.05 * mm, 0.0) / thickness) ** 2))
    line = line * np.exp(-((np.maximum(y, 0.0) / (0.30 * mm)) ** 2)) * (taper * unsteady)
    strokes = np.zeros((size[1], width), np.float32)
    nose_left = abs(view.iris[0] - left) > abs(right - view.iris[0])
    for root in np.sort(rng.uniform(0.06, 0.97, LASHES)):
        out = root if not nose_left else 1 - root
        fan = (root - 0.5) * 1.1 + rng.normal(0.0, 0.16)
        length = (
            rng.uniform(*LASH_MM) * mm * (0.55 + 0.45 * np.sin(np.pi * root)) * (0.8 + 0.3 * out)
        )
        t = np.linspace(0.0, 1.0, 6)
        x = left + root * (right - left) + length * fan * (t + 0.5 * t**2)
        drop = row + length * (t - 0.28 * t**2)
        strength = (
            rng.uniform(0.45, 0.9) * (1 - t) ** 0.8 * smoothstep(0.0, 0.1, min(root, 1 - root))
        )
        line_over(strokes, np.column_stack([x, drop]), strength, 0.16 * mm, 2)
    visible = float(smoothstep(0.12, 0.55, contrast))
    cover = np.maximum(line * (0.35 + 0.55 * visible), strokes * 0.75 * visible)
    cover = cv2.GaussianBlur(cover.astype(np.float32), (0, 0), max(0.5, 0.7 * edge_sigma))
    return cover.astype(np.float32), row


def _disc(radius: float) -> UInt8:
    r = max(1, round(radius))
    disc: UInt8 = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1))
    return disc
