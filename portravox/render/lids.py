"""The shut lid: skin that the photograph shows folded away, and the lashes at its edge.

Flow      face.eyes -> render.lids -> render.eyes

The skin is made from the skin around: lashes and all that lies between the lids are taken out, the
hole is closed smoothly, and light, fold and grain are laid over it. So its colour runs on into
what surrounds it on every side, whatever make-up, age or paint that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from portravox.arrays import Bool, Float32, Float64, UInt8
from portravox.face.eyes import EyeView
from portravox.ramps import smoothstep
from portravox.render.drawing import disc, line_over

UPPER_SHARE = 0.9
"""The upper lid does this share of the way to meet the lower one (motion-facts 1)."""

WORK_PX = 96
"""Skin is mended at this width of the eye; what is finer is grain."""

LASH_DARKER = 0.09
"""Thin strokes darker than the skin beside them by this share are lashes. Our choice."""

LINE_MM = 1.3
"""The line in which lashes stand is at least so high."""

LINE_DARKER = 0.15
"""It is darker than the lid's skin by this share, at least."""

WING_MM = 0.9
WING_FROM_MM = (0.0, 1.5)
WING_DARKER = (0.42, 0.58)
WING_SLOPE = 0.5
WING_REACH_MM = (5.5, 7.0)
WINGLESS_MM = (2.8, 3.6)
"""Beyond the corners, fully from the second length on, what is at least so thick, darker than skin
by these shares, rises no steeper than this and reaches so far is a line that is painted on; not so
where the line above the eye is as high as the last: eye shadow runs on without one. Our choice."""

FOLD_FROM = 0.2
"""Shares of the eye's width, from its corners on, over which dark above the line begins to be a
fold of the lid: beside them it is the haze of lashes that stand close. Our choice."""

LID_OF_BELOW = 0.6
"""Skin above the eye darker than this, of that below, is painted rather than in the shade."""

LINE_EVEN_MM, LINE_ROUGH_MM = 6.0, 0.4
"""Over the first length the line is about as high everywhere, and by the second higher in places.
Our choice."""

PAINTED_MM = (3.0, 4.5)
"""Dark so high above the lid's edge begins to be paint on its skin, and is no line of lashes. Our
choice."""

ALIKE = 0.5
"""Where the dark above one eye is at least this share of that above the other, both are made up
alike; where it is less, one of them lies in the shade. Our choice."""

LOWER_LID_COUNTS = 0.12
"""Skin of the lower lid against that of the upper one, for what the shut lid looks like."""

LASH_GAP_MM = 5.0
"""Between lashes nearer than this there are others. Our choice."""

LASH_OUT_MM = 9.0
"""So far beyond the corners they reach, at most; further out are hairs and rims of glasses."""

HALO_MM, HALO_DARKER = 1.4, 0.05
"""So near to lashes skin that is darker by this share than that beyond them is their blur."""

GREY = 0.03
"""Skin whose colours differ by less than this share has none."""

COLOURED, PALE = 0.9, 0.7
"""Of the colour of the skin below the eye, the shut lid has at least so much: what lashes and shade
leave of it in a photograph is greyer than a lid is. And where the lid that is seen is paler, at
least the latter. Our choice."""

LEAST_LID_PX = 30
"""So much of a lid has to be seen to tell its colour."""

ISLAND_MM2, NECK_MM = 14.0, 1.2
"""What is known about a lid must be so large, without necks thinner than this. Our choice."""

FOLD_MM = 3.4
"""The lid folds so far above its edge. Our choice, after the crease in photographs."""

DROP = 0.10
"""The skin above the fold comes down by this share of the opening. Our choice."""

RIM_MM = 0.5
"""Of the lower lid, its wet rim goes under the upper one. Our choice."""

RIM_LINE_MM = 1.6
"""What is left of the rim is a bright line thinner than this."""

LOWER_SPREAD_MM = 6.5
"""Skin below the lower lid's edge follows it less and less over this length. Our choice."""

LASH_ROOM_MM = (1.8, 5.4)
"""The texture of the lashes reaches so far above and below the lid's edge."""

RAISED_MM = 7.0
"""Lashes of the open eye are looked for so far above its edge."""

MOST_RIM_LIGHT = 2.0
"""What shines at the lid's edge is brighter than its skin by this share, at most."""

ROOT_MM = (0.8, 2.6)
"""Bounds of the line's height."""

LINE_OF_RAISED = 0.45
HANG_OF_RAISED = 0.8
"""Seen from the front, the line of the shut lid is so high and its lashes are so long, of the open
one's. Our choice."""

MANY_RAISED = 0.06
"""Mean darkness from which on the lashes of the open eye are all that is seen of them."""

SHADE_OF_STONE = 0.6
"""What is darker than this share of the stone beside it is painted or cut deep, and looks as lashes
do: .72 on a marble head, .51 on a drawn one at most."""

CARVED_CONTRAST = 0.12
"""Lids of stone meet in a line no darker than this. Our choice."""

LASHES = 64
LASH_MM = (1.6, 3.4)
"""Strokes to an eye, and their length seen from the front: shut, they point at the camera."""


@dataclass(frozen=True, slots=True, eq=False)
class ShutLid:
    """What a shut eye shows, in pixels of the view."""

    edge: Float32
    """(w,) row at which the lids meet."""

    bare: UInt8
    """(h, w, 3) the view as photographed, without the lashes of the upper lid."""

    raised: Float32
    """(k, w, 3) what those lashes multiply its colours by, less 1; row 0 at the lid's edge, the
    next ones above it."""

    skin: UInt8
    """(h, w, 3) the view with its lids shut, without lashes."""

    lashes: Float32
    """(m, w) 0..1 cover, its row `lash_row` at the lid's edge."""

    lash_row: float

    root: float
    """How high the line is in which lashes stand."""

    lash_colour: Float32
    """(3,)"""


def made_up_mm(left: LashLine, right: LashLine) -> tuple[float, float]:
    """How high eye shadow reaches above either eye, for the make-up of both is the same: what light
    or a strand of hair leaves to be seen of it is not."""
    low, high = sorted((left.height_mm, right.height_mm))
    return (high, high) if low >= ALIKE * high else (left.height_mm, right.height_mm)


def shut_lid(
    view: EyeView,
    line: LashLine,
    grain: Float32,
    hidden: Bool,
    slope: Float64,
    edge_sigma: float,
    paint_mm: float,
) -> ShutLid:
    """Draw the upper lid down.

    line    by `lash_line`
    grain   (h, w, 3) fine texture of the face's skin, around 0
    hidden  (h, w) where something else than skin is seen
    slope   (2,) how much brighter skin gets, as a share, when its normal turns by one radian to
            the right and down the view
    edge_sigma  how soft the edges in the view are, px
    paint_mm    how high eye shadow may reach, by `made_up_mm`
    """
    edge = view.lower * UPPER_SHARE + view.upper * (1 - UPPER_SHARE)
    found = _mended(view, line, hidden, edge_sigma, paint_mm)
    mended = found.skin + grain
    wing = _wing(view, found.skin) * np.float32(1 - smoothstep(*WINGLESS_MM, paint_mm))
    mask, cover = (np.asarray(part * (1 - wing), np.float32) for part in (found.shut, found.lashes))
    height, width = mask.shape
    bare = view.pixels + (mended - view.pixels) * cover[..., None]
    bare *= 1 - _folds(view, _raised(view, bare), found.line_mm, edge_sigma)[..., None]
    bare = np.clip(bare + 0.5, 0, 255).astype(np.uint8)
    raised = _raised(view, bare)
    y = np.arange(height, dtype=np.float32)[:, None]
    gap = view.lower - view.upper
    reach = np.float32(FOLD_MM * view.mm) * _bell(view)
    # what is seen above the fold comes a little down, less the nearer to the brow; the lower lid up
    share = smoothstep(-12.0 * view.mm, -3.0 * view.mm, y - view.upper)
    above = DROP * gap * share
    lift = (1 - UPPER_SHARE) * gap + RIM_MM * view.mm * np.minimum(gap / view.mm, 1.0)
    below = lift * (1 - smoothstep(0.0, LOWER_SPREAD_MM * view.mm, y - edge))
    down = np.where(y < edge, above, -below).astype(np.float32)
    x = np.broadcast_to(np.arange(width, dtype=np.float32), mask.shape)
    photo = cv2.remap(
        bare, x, np.ascontiguousarray(y - down), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    skin = photo + (mended - photo) * mask[..., None]
    skin = _without_rim(skin, y - edge, gap, view.mm)
    skin *= _form(view, edge, reach, slope, mask)[..., None]
    contrast, colour = _lash_look(view, found.line_mm)
    contrast = min(contrast, CARVED_CONTRAST) if line.carved else contrast
    winged = np.where(np.arange(width) < np.mean(view.corners), *_winged(view, wing))
    lashes, row = _lashes(view, raised, found.line_mm, contrast, edge_sigma, winged)
    return ShutLid(
        edge=edge.astype(np.float32),
        bare=bare,
        raised=raised,
        skin=np.clip(skin + 0.5, 0, 255).astype(np.uint8),
        lashes=lashes,
        lash_row=row,
        root=_root(found.line_mm) * view.mm,
        lash_colour=colour,
    )


def _without_rim(skin: Float32, below: Float32, gap: Float32, mm: float) -> Float32:
    """(h, w, 3) shut lids without the bright line that the lower one's wet rim leaves.

    below  (h, w) px below the line where lids meet
    """
    thick = np.ones((2 * max(1, round(RIM_LINE_MM * mm / 2)) + 1, 1), np.uint8)
    dull = cv2.morphologyEx(skin, cv2.MORPH_OPEN, thick)
    near = smoothstep(-1.0 * mm, -0.5 * mm, below)
    near *= 1 - smoothstep(1.5 * mm, 2.5 * mm, below)
    near = (near * np.minimum(gap / mm, 1.0)).astype(np.float32)
    without: Float32 = skin + (dull - skin) * near[..., None]
    return without


def _bell(view: EyeView) -> Float32:
    """(w,) 1 in the middle of the eye, 0 at its corners and beyond, round in between."""
    columns = np.arange(view.pixels.shape[1])
    across = (columns - view.corners[0]) / view.width * 2 - 1
    bell: Float32 = np.sqrt(np.clip(1 - across**2, 0, 1)).astype(np.float32)
    return bell


def _wing(view: EyeView, skin: Float32) -> Float32:
    """(h, w) 0..1 where a line is painted on beyond the corners: it stays when the eye shuts.

    It is solid, as lashes that reach so far are not, and much darker than the skin, (h, w, 3).
    """
    mm = view.mm
    dark = 1 - view.pixels.mean(axis=-1) / np.maximum(skin.mean(axis=-1), 1.0)
    solid = cv2.morphologyEx(dark.astype(np.float32), cv2.MORPH_OPEN, disc(WING_MM / 2 * mm))
    solid = cv2.dilate(solid, disc(WING_MM / 2 * mm))
    x = np.arange(dark.shape[1], dtype=np.float32)
    y = np.arange(dark.shape[0], dtype=np.float32)[:, None]
    left, right = view.corners
    out = np.maximum(left - x, x - right)
    beyond = smoothstep(WING_FROM_MM[0] * mm, WING_FROM_MM[1] * mm, out)
    # it goes on from the corner; what stands above that is the upper lid's, and falls with it
    ends = view.lower[np.clip(np.rint([left, right]).astype(int), 0, len(x) - 1)]
    rise = np.where(x < (left + right) / 2, *ends) - y
    beyond = beyond * smoothstep(-1.6 * mm, -0.8 * mm, rise)
    beyond *= 1 - smoothstep(0.2 * mm, 0.8 * mm, rise - WING_SLOPE * np.maximum(out, 0.0))
    wing = cv2.GaussianBlur(smoothstep(*WING_DARKER, solid).astype(np.float32), (0, 0), 0.3 * mm)
    wing = np.asarray(wing * beyond, np.float32)
    for side in (x < left, x > right):
        # the shade in a corner is as dark, and short
        gaps = np.flatnonzero((wing.max(axis=0) < 0.5) & side & (out > WING_FROM_MM[1] * mm))
        reached = float(out[gaps].min()) if gaps.size else float(out[side].max(initial=0.0))
        wing[:, side] *= np.float32(smoothstep(*WING_REACH_MM, reached / mm))
    return wing


def _winged(view: EyeView, wing: Float32) -> tuple[float, float]:
    """0..1 whether there is one on the left and on the right."""
    left, right = (round(corner) for corner in view.corners)
    return float(wing[:, :left].max(initial=0.0)), float(wing[:, right:].max(initial=0.0))


class _Mended(NamedTuple):
    """What the skin of an eye's view would be without eye and lashes."""

    skin: Float32
    """(h, w, 3)"""

    shut: Float32
    """(h, w) 0..1 where it takes the place of what is photographed when the eye is shut ..."""

    lashes: Float32
    """... and, above the open eye, where there are lashes."""

    line_mm: float
    """How high the line of the lashes is."""


class _Small(NamedTuple):
    """An eye's view as small as its skin is mended."""

    pixels: UInt8
    """(h, w, 3)"""

    scale: float
    """Of its own px to the view's."""

    mm: float
    """px"""

    upper: Float32
    lower: Float32
    """(w,) rows of the lids' edges."""

    skin_below: float
    """Brightness of the skin below the eye."""


def _small(view: EyeView) -> _Small:
    k = min(1.0, WORK_PX / view.width)
    size = (max(8, round(view.pixels.shape[1] * k)), max(8, round(view.pixels.shape[0] * k)))
    pixels = cv2.resize(view.pixels, size, interpolation=cv2.INTER_AREA)
    columns = np.clip(((np.arange(size[0]) + 0.5) / k).astype(int), 0, len(view.upper) - 1)
    return _Small(
        pixels=np.asarray(pixels, np.uint8),
        scale=k,
        mm=view.mm * k,
        upper=view.upper[columns] * k,
        lower=view.lower[columns] * k,
        skin_below=float(_skin_below(view).mean()),
    )


def _mended(
    view: EyeView, line: LashLine, hidden: Bool, edge_sigma: float, paint_mm: float
) -> _Mended:
    small, k, mm, upper, lower = line.small[:5]
    size = (small.shape[1], small.shape[0])
    blur = edge_sigma * k
    edge = lower * UPPER_SHARE + upper * (1 - UPPER_SHARE)
    y = np.arange(size[1], dtype=np.float32)[:, None]
    opening = ((y > upper - 0.5) & (y < lower + 0.5) & (lower - upper > 0.5)).astype(np.uint8)
    eye = cv2.dilate(opening, disc(LINE_MM * mm + blur)) > 0
    covered = cv2.resize(hidden.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    painted = float(smoothstep(*PAINTED_MM, paint_mm))
    unknown = eye | line.dark if painted < 0.5 else eye.copy()
    if not line.carved:
        unknown |= _lash_strokes(small, mm, blur, upper, lower, y)
    # the lower lid is in another light, and no make-up of the upper one
    weight = np.where((y > edge) & (lower - upper > mm), LOWER_LID_COUNTS * (1 - painted), 1.0)
    weight = np.where(covered, 0.0, weight).astype(np.float32)
    picture = small.astype(np.float32)
    unknown = _about(unknown, eye)
    # the tip of a lash between two that were found is one, too
    gaps = cv2.morphologyEx(unknown.astype(np.uint8), cv2.MORPH_CLOSE, disc(LASH_GAP_MM / 2 * mm))
    unknown |= gaps > 0
    if painted < 0.5 and not line.carved:
        # what is darker next to lashes than the skin beyond them is their blur
        reach = (y > upper - RAISED_MM * mm) & (y < upper)
        beyond = _filled(picture, weight * ~(unknown | reach)).mean(axis=-1)
        halo = (picture.mean(axis=-1) < (1 - HALO_DARKER) * beyond) & reach
        unknown |= halo & (cv2.dilate(unknown.astype(np.uint8), disc(HALO_MM * mm + blur)) > 0)
    unknown = _without_islands(unknown, mm)
    filled = _filled(picture, weight * ~unknown)
    lid = picture[~unknown & (y < upper) & (y > upper - RAISED_MM * mm) & (lower - upper > mm)]
    coloured = _as_coloured_as_skin(filled, lid, _skin_below(view), painted)
    filled = cv2.GaussianBlur(coloured, (0, 0), 0.5 * mm)
    # below the lashes of the lower lid all stays as it is
    mend = (unknown & (y < edge + 0.5 * mm)).astype(np.float32)
    mend = cv2.GaussianBlur(cv2.dilate(mend, disc(0.6 * mm)), (0, 0), 0.6 * mm)
    mend *= 1 - smoothstep(0.2 * mm, 1.0 * mm, y - edge).astype(np.float32)
    above = cv2.dilate((unknown & (y < upper + 1.0 * mm)).astype(np.float32), disc(0.5 * mm))
    above = cv2.GaussianBlur(above, (0, 0), 0.4 * mm)
    full = view.pixels.shape[1::-1]
    return _Mended(
        cv2.resize(filled, full, interpolation=cv2.INTER_CUBIC),
        np.clip(cv2.resize(mend, full, interpolation=cv2.INTER_LINEAR), 0, 1),
        np.clip(cv2.resize(above, full, interpolation=cv2.INTER_LINEAR), 0, 1),
        line.height_mm,
    )


def _about(found: Bool, eye: Bool) -> Bool:
    """(h, w) what hangs together with the eye: the hairs of a brow do not."""
    _, labels = cv2.connectedComponents(found.astype(np.uint8), connectivity=8)
    touching = np.unique(labels[eye & found])
    together: Bool = np.isin(labels, touching[touching > 0])
    return together


def _without_islands(unknown: Bool, mm: float) -> Bool:
    """(h, w) also what little is known between lashes and folds: it would stand out."""
    neck = disc(NECK_MM / 2 * mm)
    known = cv2.morphologyEx((~unknown).astype(np.uint8), cv2.MORPH_OPEN, neck)
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(known, connectivity=4)
    large = boxes[:, cv2.CC_STAT_AREA] > ISLAND_MM2 * mm**2
    large[0] = False
    skin = cv2.dilate(large[labels].astype(np.uint8), neck)
    alone: Bool = unknown | (skin == 0)
    return alone


def _as_coloured_as_skin(filled: Float32, lid: Float32, skin: Float64, painted: float) -> Float32:
    """(h, w, 3) the same brightness, no greyer than the skin, (3,), unless what is seen of the lid,
    (n, 3), is, too, or it is painted."""
    tint = (skin / max(float(skin.mean()), 1.0) - 1).astype(np.float32)
    much = float(tint @ tint)
    if much < GREY**2:
        return filled

    def share_of_tint(seen: Float32) -> Float32:
        light = np.maximum(seen.mean(axis=-1, keepdims=True), 1.0)
        share: Float32 = (seen / light - 1) @ tint / much
        return share

    least = COLOURED
    if len(lid) > LEAST_LID_PX:
        least = float(np.clip(np.percentile(share_of_tint(lid), 60), PALE, COLOURED))
    light = np.maximum(filled.mean(axis=-1, keepdims=True), 1.0)
    missing = np.clip(least - share_of_tint(filled), 0.0, COLOURED)[..., None] * (1 - painted)
    coloured: Float32 = filled + light * tint * missing
    return coloured


def _skin_below(view: EyeView) -> Float64:
    """(3,) colour of the skin below the eye."""
    y = np.arange(view.pixels.shape[0], dtype=np.float32)[:, None]
    below = (y > view.lower + 2.5 * view.mm) & (y < view.lower + 7 * view.mm) & (_bell(view) > 0.5)
    found: Float64 = np.median(view.pixels[below].astype(np.float64), axis=0)
    return found


class LashLine(NamedTuple):
    """The dark that stands on the upper lid's edge without a gap: lashes, their line and paint; the
    fold of the lid lies above skin and is none of it."""

    small: _Small
    """Where it was looked for."""

    dark: Bool
    """(h, w) of that."""

    height_mm: float

    carved: bool
    """There are no lashes at all: what is dark is the shade of folds."""


def lash_line(view: EyeView, *, carved: bool = False) -> LashLine:
    """Look for it, unless the eye is of stone."""
    small = _small(view)
    height, width = small.pixels.shape[:2]
    none = LashLine(small, np.zeros((height, width), bool), 0.0, carved)
    mm, upper, open_here = small.mm, small.upper, small.lower - small.upper > small.mm
    light = cv2.GaussianBlur(cv2.cvtColor(small.pixels, cv2.COLOR_RGB2GRAY), (0, 0), 0.6)
    light = light.astype(np.float32)
    y = np.arange(height, dtype=np.float32)[:, None]
    rise = upper - y
    at_edge = (rise > -0.5 * mm) & (rise < LINE_MM * mm) & open_here
    lid = (rise > 4.0 * mm) & (rise < 9.0 * mm) & open_here
    if at_edge.sum() < 12 or lid.sum() < 12:
        return none
    dark = float(np.percentile(light[at_edge], 15))
    beside = float(np.percentile(light[lid], 60))
    skin = max(beside, LID_OF_BELOW * small.skin_below)
    if dark > (1 - LINE_DARKER) * skin or (carved and dark > SHADE_OF_STONE * beside):
        return none
    below = light < (dark + skin) / 2
    start = np.clip(upper - 0.3 * mm, 0, height - 1).astype(int)
    tops = np.zeros(width, np.float32)
    between = np.flatnonzero(open_here)
    for column in range(between[0], between[-1] + 1):
        row, gap = int(start[column]), 0
        while row > 0 and gap <= 0.5 * mm and upper[column] - row < RAISED_MM * mm:
            gap = 0 if below[row, column] else gap + 1
            row -= 1
        tops[column] = max(upper[column] - (row + gap + 1), 0.0)
    # where lashes, or the fold of the lid, are blurred into it, it is as high as beside them
    near = 2 * max(1, round(LINE_EVEN_MM * mm / 2)) + 1
    padded = np.pad(tops[between[0] : between[-1] + 1], near // 2, mode="edge")
    even = np.median(np.lib.stride_tricks.sliding_window_view(padded, near), axis=1)
    high = np.zeros(width, np.float32)
    high[between[0] : between[-1] + 1] = even + LINE_ROUGH_MM * mm
    found: Bool = (rise > -0.3 * mm) & (rise < np.minimum(high, tops + 1))
    return LashLine(small, found, float(np.median(tops[open_here])) / mm, False)


def _folds(view: EyeView, raised: Float32, line_mm: float, edge_sigma: float) -> Float32:
    """(h, w) 0..1 how much darker than bare skin the folds are that were taken for lashes.

    Above the line in which lashes stand, what is as dark from side to side is no lash: it stays on
    the lid's skin.
    """
    height, width = view.pixels.shape[:2]
    dark = _wide(np.clip(-raised.mean(axis=-1), 0.0, 1.0).astype(np.float32), view, edge_sigma)
    rows = np.arange(len(dark), dtype=np.float32)[:, None]
    root = _root(line_mm) * view.mm
    dark *= smoothstep(0.5 * root, root, rows).astype(np.float32)
    left, right = view.corners
    along = (np.arange(width) - left) / (right - left)
    dark *= smoothstep(0.0, FOLD_FROM, np.minimum(along, 1 - along)).astype(np.float32)
    y = np.arange(height, dtype=np.float32)[:, None]
    x = np.broadcast_to(np.arange(width, dtype=np.float32), (height, width))
    at = np.ascontiguousarray(view.upper - y, dtype=np.float32)
    folds: Float32 = cv2.remap(
        dark, np.ascontiguousarray(x), at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    return folds


def _wide(dark: Float32, view: EyeView, edge_sigma: float) -> Float32:
    """(k, w) what is left of darkness, 0..1, without what is thin from side to side."""
    across = np.ones((1, 2 * round(1.6 * view.mm + edge_sigma) + 1), np.uint8)
    wide: Float32 = cv2.morphologyEx(dark, cv2.MORPH_OPEN, across)
    return wide


def _raised(view: EyeView, bare: Float32 | UInt8) -> Float32:
    """(k, w, 3) what the lashes of the upper lid multiply the bare skin by, less 1, from its edge
    upwards.
    """
    height, width = view.pixels.shape[:2]
    change = view.pixels.astype(np.float32) / np.maximum(bare, 1) - 1
    rows = np.arange(int(RAISED_MM * view.mm) + 2, dtype=np.float32)[:, None]
    x = np.broadcast_to(np.arange(width, dtype=np.float32), (len(rows), width))
    at = np.ascontiguousarray(np.clip(view.upper - rows, 0, height - 1), dtype=np.float32)
    along: Float32 = cv2.remap(change, np.ascontiguousarray(x), at, cv2.INTER_LINEAR)
    along = np.clip(along, -1.0, MOST_RIM_LIGHT)
    along *= 1 - smoothstep(0.85, 1.0, rows / rows[-1]).astype(np.float32)[..., None]
    return along


def _lash_strokes(
    small: UInt8, mm: float, blur: float, upper: Float32, lower: Float32, y: Float32
) -> Bool:
    """(h, w) thin dark strokes about the lids: lashes and the line they stand in.

    Near the lid's edge any thin dark thing counts; further up only what is thin from side to
    side, or the fold of the lid would be taken for a lash.
    """
    light = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (0, 0), 0.6)
    across = np.ones((1, 2 * round(1.6 * mm + blur) + 1), np.uint8)
    any_way = cv2.morphologyEx(light, cv2.MORPH_CLOSE, disc(2.0 * mm + 1.5 * blur)).astype(
        np.float32
    )
    sideways = cv2.morphologyEx(light, cv2.MORPH_CLOSE, across).astype(np.float32)
    dark_any = any_way - light > LASH_DARKER * any_way
    dark_sideways = sideways - light > LASH_DARKER * sideways
    near = (y > upper - LINE_MM * mm - blur) & (y < lower + 3.0 * mm)
    far = (y > upper - 9.0 * mm) & (y < lower + 5.0 * mm)
    beside = np.flatnonzero(lower - upper > 0.0)
    out = np.maximum(beside[0] - np.arange(small.shape[1]), np.arange(small.shape[1]) - beside[-1])
    found = (((near & dark_any) | (far & dark_sideways)) & (out < LASH_OUT_MM * mm)).astype(
        np.uint8
    )
    grown: Bool = cv2.dilate(found, disc(0.5 * mm)) > 0
    return grown


def _filled(picture: Float32, weight: Float32) -> Float32:
    """(h, w, 3) holes closed smoothly from what is known around them, coarse to fine.

    weight  (h, w) how much a pixel counts, 0 in a hole
    """
    weight = weight[..., None]
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


def _lash_look(view: EyeView, line_mm: float) -> tuple[float, Float32]:
    """How dark the line of the lashes is against the skin, 0..1, and its colour, (3,)."""
    y = np.arange(view.pixels.shape[0], dtype=np.float32)[:, None]
    reach = max(0.6, 0.5 * line_mm) * view.mm
    at_edge = (np.abs(y - view.upper + 0.5 * reach) < reach) & (_bell(view) > 0.5)
    line = view.pixels[at_edge].astype(np.float32)
    light = line.mean(axis=-1)
    dark = line[light <= np.percentile(light, 25)].mean(axis=0)
    contrast = 1 - float(dark.mean()) / max(float(_skin_below(view).mean()), 1.0)
    return float(np.clip(contrast, 0.0, 1.0)), dark.astype(np.float32)


def _lashes(
    view: EyeView,
    raised: Float32,
    line_mm: float,
    contrast: float,
    edge_sigma: float,
    winged: Float64,
) -> tuple[Float32, float]:
    """(m, w) 0..1 the line of the lashes and those that hang from it, and its edge's row.

    raised  (k, w, 3) the open eye's lashes, see ShutLid: they hang as they stood
    winged  (w,) 0..1 whether the line goes on beyond the corner at this side
    """
    mm = view.mm
    width = view.pixels.shape[1]
    row = LASH_ROOM_MM[0] * mm
    size = (width, int(row + LASH_ROOM_MM[1] * mm) + 2)
    left, right = view.corners
    along = (np.arange(width) - left) / (right - left)
    taper = smoothstep(0.0, 0.16, along) * smoothstep(0.0, 0.10, 1 - along)
    joined = smoothstep(-0.06, -0.02, along) * smoothstep(-0.06, -0.02, 1 - along)
    taper = taper + (joined - taper) * winged
    rng = np.random.default_rng(64)
    unsteady = np.interp(along, np.linspace(0, 1, 24), rng.uniform(0.75, 1.0, 24))
    thickness = float(np.clip(LINE_OF_RAISED * line_mm, 0.38 + 0.30 * contrast, 0.8)) * mm
    y = np.arange(size[1], dtype=np.float32)[:, None] - np.float32(row)
    line = np.exp(-((np.minimum(y + 0.05 * mm, 0.0) / thickness) ** 2))
    line = line * np.exp(-((np.maximum(y, 0.0) / (0.30 * mm)) ** 2)) * (taper * unsteady)
    root = _root(line_mm) * mm
    height = np.maximum(y, 0.0) / HANG_OF_RAISED
    own = np.clip(-raised.mean(axis=-1) / max(contrast, 0.2), 0.0, 1.0).astype(np.float32)
    # what is as dark from side to side is a fold or paint, and does not hang
    own -= _wide(own, view, edge_sigma)
    x = np.broadcast_to(np.arange(width, dtype=np.float32), size[::-1])
    at = np.broadcast_to(np.where(y > 0, root + height, 0.0), size[::-1]).astype(np.float32)
    hung = cv2.remap(own, np.ascontiguousarray(x), np.ascontiguousarray(at), cv2.INTER_LINEAR,
                     borderMode=cv2.BORDER_CONSTANT)  # fmt: skip
    hung *= smoothstep(0.0, 0.4 * mm, y)
    visible = float(smoothstep(0.12, 0.55, contrast))
    # lashes that point at the camera show nothing of themselves in the open eye
    seen = float(np.clip(own[int(root) :].mean() / MANY_RAISED, 0.0, 1.0))
    strokes = _strokes(view, size, row, rng) * (0.75 * visible * (1 - 0.7 * seen))
    cover = np.maximum(np.maximum(line * (0.35 + 0.55 * visible), strokes), 0.85 * hung)
    cover = cv2.GaussianBlur(cover.astype(np.float32), (0, 0), max(0.5, 0.7 * edge_sigma))
    return cover.astype(np.float32), row


def _root(line_mm: float) -> float:
    """mm that the line of the lashes is high, as far as it is not paint."""
    return float(np.clip(line_mm + 0.2, *ROOT_MM))


def _strokes(view: EyeView, size: tuple[int, int], row: float, rng: np.random.Generator) -> Float32:
    """(m, w) 0..1 lashes as drawn ones hang."""
    strokes = np.zeros(size[::-1], np.float32)
    left, right = view.corners
    nose_left = abs(view.iris[0] - left) > abs(right - view.iris[0])
    for root in np.sort(rng.uniform(0.06, 0.97, LASHES)):
        out = root if not nose_left else 1 - root
        fan = (root - 0.5) * 1.1 + rng.normal(0.0, 0.16)
        length = rng.uniform(*LASH_MM) * view.mm
        length *= (0.55 + 0.45 * np.sin(np.pi * root)) * (0.8 + 0.3 * out)
        t = np.linspace(0.0, 1.0, 6)
        x = left + root * (right - left) + length * fan * (t + 0.5 * t**2)
        drop = row + length * (t - 0.28 * t**2)
        strength = (
            rng.uniform(0.45, 0.9) * (1 - t) ** 0.8 * smoothstep(0.0, 0.1, min(root, 1 - root))
        )
        line_over(strokes, np.column_stack([x, drop]), strength, 0.16 * view.mm, 2)
    return strokes
