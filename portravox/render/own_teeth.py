"""The person's own teeth, cut from the photograph and completed to a whole row.

Flow      the photograph, render.teeth (a drawn row) -> render.own_teeth -> render.mouth
Gives     the same row with the photographed teeth in it

What the photograph shows above the biting edges is kept as it is, gaps and gums with it. Columns
of it go on upwards under the lip, and downwards where the lower lip cut them off. To the sides the
drawn row takes over, in the colours of its photographed neighbours. All positions are those of the
drawn row's inlay.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import Bool, Float32, Float64, UInt8
from portravox.ramps import smooth_share, smoothstep
from portravox.render.light import MEAN_SKIN
from portravox.render.teeth import Inlay

LEAST_HEIGHT_MM = 1.2
LEAST_WIDTH_MM = 20.0
"""Fewer or smaller teeth than this are not worth keeping: drawn ones are surer. Our choice."""

LEAST_DENSITY = 0.65
"""px per mm below which a tooth is a speck and drawn ones look better."""

UPPER_HALF = 0.5
"""Upper teeth begin in the upper half of the opening, below some gum; others are the lower row."""

GAP_MM = 0.8
"""A dark gap higher than this between two teeth parts the upper from the lower row."""

EDGE_SOFT_MM = 0.30
GUESSED_SOFT_MM, GUESSED_SHADE, GUESSED_SHADE_MM = 0.8, 0.35, 1.8
"""Where the lower lip hid the biting edge it is softer, and teeth grow darker towards it, as edges
do that let light through: a hard bright one would claim to be known. Our choice."""

EDGE_DETAIL_MM = 1.8
UNEVEN_MM = 0.6
"""Further than about that from the row's arc no edge is believed: there a lip covers the tooth."""

ARC_ENDS_MM, STEEPEST = 4.0, 0.3
"""Beyond the teeth that are seen the arc goes on no steeper than that, and over so much only: a
parabola would leave the corners of the mouth without teeth."""

LEVEL_RISE_MM, LEVEL_RISE_AT_MM = 2.4, 25.0
SINKS = 0.6
"""Seen level, the last teeth bite so much higher than the first ones. Seen from above, as in many
smiles, they rise by two or three times as much, along the lower lip; when speech takes the smile
back and the corners of the mouth fall, a dark triangle would stand below them. They come down by
so much of what they rise more. Our choice: all of it would be seen as they set out."""

CUT_EXTENDED_MM = 0.7
"""Where the lower lip hides the biting edge, it is taken to lie so far below."""

EDGES_KNOWN = (0.3, 0.6)
"""From edges seen along so much of the row their arc begins to be trusted where a lip hides them,
and is trusted in full."""

MARGIN_MM = 0.45
"""Next to the lips the photograph's teeth take their colour; that much is left out."""

LIP_SHINE = 2.0
"""So many times more is left out where a lip lies over the biting edge. Our choice."""

COLD_RED_PER_BLUE = (1.15, 1.38)
"""Skin whose red is so much of its blue stands in cold light, and not. In white light it is 1.4."""

WARM_RED_PER_BLUE, WARM_TAKEN_OUT = (2.3, 3.0), 0.5
"""Skin with so much red stands in usual light, and in that of a warm lamp, of which so much is
taken out: skins are tanned, too. Our choice."""

LEAST_COLOUR = 0.02
"""Skin with less colour says nothing of the light: the photograph has none."""

SIDE_BLEND_MM = 2.0
COLOUR_MATCH_MM = 5.0
"""Over this distance the drawn row's colours go over into those photographed."""


@dataclass(frozen=True, slots=True, eq=False)
class OwnRow:
    """The photographed teeth in an inlay's pixels."""

    colour: Float32
    """(h, w, 3) columns continued up and down."""

    cover: Float32
    """(h, w) 0..1"""

    edge: Float64
    """(w,) row of the biting edge, or where it is taken to be."""

    seen: Bool
    """(h, w) surely photographed tooth."""

    ends_seen: float
    """0..1 along how much of the row the teeth end above the lower lip."""


def own_row(
    colour: Float32, between: Float32, toothy: Float32, density: float, opening_mm: float
) -> OwnRow | None:
    """Find the upper teeth among what the photograph shows between the lips.

    colour      (h, w, 3) the photograph in an inlay's pixels, 0..255
    between     (h, w) 0..1 what lies between the lips
    toothy      (h, w) 0..1 what looks like teeth
    density     px per mm
    opening_mm  between the lips, at their middle
    returns     None when there are too few, or the picture is too coarse
    """
    if density < LEAST_DENSITY:
        return None
    height, width = between.shape
    rows = np.arange(height, dtype=np.float64)[:, None]
    inner = between > 0.5
    tooth = inner & (toothy > 0.5)
    first, last = _first_run(tooth, max(1, round(GAP_MM * density)))
    top = np.where(inner.any(axis=0), inner.argmax(axis=0), 0).astype(np.float64)
    floor = (height - 1 - inner[::-1].argmax(axis=0)).astype(np.float64)
    good = tooth.any(axis=0) & (last - first >= LEAST_HEIGHT_MM * density)
    good &= first - top <= UPPER_HALF * opening_mm * density
    if good.sum() < LEAST_WIDTH_MM * density:
        return None
    columns = np.arange(width, dtype=np.float64)
    bow = _robust_parabola(columns[good], last[good])
    good &= np.abs(last - bow(columns)) < 2.2 * density
    if good.sum() < LEAST_WIDTH_MM * density:
        return None
    left, right = np.flatnonzero(good)[[0, -1]]
    spread = np.interp(columns, columns[good], last[good])
    found = _even(spread, density)
    covered = good & (floor - last < 0.6 * density)
    hidden = np.interp(columns, columns[good], covered[good])
    ends_seen = 1.0 - float(hidden[left : right + 1].mean())
    # what shines on a lip that covers them looks like a tooth: edges that are seen know better
    known = smooth_share(*EDGES_KNOWN, ends_seen)
    if known > 0.0:
        bow = bow + known * (
            _robust_parabola(columns[good & ~covered], last[good & ~covered]) - bow
        )
    arc = _continued(bow, columns, (left, right), ARC_ENDS_MM * density)
    uneven = UNEVEN_MM * density
    off = found - arc
    off -= known * hidden * np.maximum(off, 0.0)
    edge = arc + uneven * np.tanh(off / uneven)
    reach = 2 * round(1.5 * density) + 1
    margin = MARGIN_MM * density
    high = top + margin
    hem = margin * (1 + LIP_SHINE * hidden)
    low = np.maximum(np.minimum.reduce([edge, found, floor]) - hem, high)
    hidden = cv2.blur(hidden[None], (reach, 1))[0]
    # there the lip's outline is no edge of teeth: they end on their arc, or just below the lip
    edge = edge + hidden * (np.maximum(arc - edge, 0.0) + (1.0 - known) * CUT_EXTENDED_MM * density)
    source = np.clip(rows, high, low)
    at = np.broadcast_to(columns, source.shape).astype(np.float32)
    filled = cv2.remap(colour, at, source.astype(np.float32), cv2.INTER_LINEAR)
    soft_mm = EDGE_SOFT_MM + (GUESSED_SOFT_MM - EDGE_SOFT_MM) * hidden
    soft = np.maximum(1.0, 0.5 * soft_mm * density)
    cover = smoothstep(0.0, 1.0, (edge - rows + soft) / (2 * soft))
    dim = 1 - smoothstep(0.0, GUESSED_SHADE_MM * density, edge - rows)
    filled *= (1 - GUESSED_SHADE * hidden * dim).astype(np.float32)[..., None]
    inset = SIDE_BLEND_MM * density
    cover *= smoothstep(0.0, inset, columns - left) * smoothstep(0.0, inset, right - columns)
    seen = tooth & (rows > high) & (rows < low) & good
    sunk = _sunk(arc, columns, density)
    return OwnRow(
        _lowered(filled, sunk),
        _lowered(cover.astype(np.float32), sunk),
        edge + sunk,
        _lowered(seen.astype(np.float32), sunk) > 0.5,
        ends_seen,
    )


def completed(drawn: Inlay, own: OwnRow) -> Inlay:
    """The drawn row behind the photographed one, its edge and its colours following."""
    picture = _with_edge(drawn, own.edge)
    soft = COLOUR_MATCH_MM * drawn.density
    weight = (own.seen & (picture[..., 3] > 0.95)).astype(np.float32)
    near = _spread(weight, soft) + 1e-4
    colour = picture[..., :3]
    for c in range(3):
        seen = _spread(own.colour[..., c] * weight, soft) / near
        shown = _spread(colour[..., c] * weight, soft) / near
        everywhere = own.colour[..., c][own.seen].mean()
        trust = np.minimum(near * 50, 1)
        gain = np.clip(seen / np.maximum(shown, 1.0), 0.5, 2.0) * trust + (1 - trust)
        colour[..., c] = np.minimum(colour[..., c] * gain, max(everywhere * 1.25, 1.0))
    cover = own.cover[..., None]
    picture[..., :3] = colour * (1 - cover) + own.colour * cover
    picture[..., 3:] = picture[..., 3:] * (1 - cover) + cover
    return Inlay(picture, drawn.origin, drawn.density)


def toothness(pixels: Float32 | UInt8, skin: Float64, lip: Float64) -> Float64:
    """(h, w) 0..1 how much each pixel, (h, w, 3), looks like a tooth.

    Teeth are paler than the person's skin and lips and not much darker than the skin. On a grey
    picture only brightness can tell. Thresholds are ours, set on portraits.
    """
    gains = _daylight(skin)
    if gains is not None:
        pixels, skin, lip = pixels * gains.astype(np.float32), skin * gains, lip * gains
    brightest, palest = (e.astype(np.float32) for e in (pixels.max(axis=-1), pixels.min(axis=-1)))
    saturation = (brightest - palest) / np.maximum(brightest, 1)
    of_skin, of_lip = ((c.max() - c.min()) / max(float(c.max()), 1.0) for c in (skin, lip))
    limit = min(0.9 * of_skin + 0.02, 0.72 * of_lip) if of_skin > 0.08 else 1.0
    pale = 1 - smoothstep(limit * 0.8, limit * 1.15, saturation)
    bright = smoothstep(0.38, 0.58, brightest / max(float(skin.max()), 1.0))
    return pale * bright


def _daylight(skin: Float64) -> Float64 | None:
    """(3,) what takes the cast of a cold or very warm light from colours; None in other light.

    Teeth in the shade of a blue sky are as blue as skin there is grey, and as yellow under a lamp
    as lips elsewhere.
    """
    if np.ptp(skin) < LEAST_COLOUR * skin.max():
        return None
    red = float(skin[0] / max(skin[2], 1.0))
    cold = 1.0 - smooth_share(*COLD_RED_PER_BLUE, red)
    share = max(cold, WARM_TAKEN_OUT * smooth_share(*WARM_RED_PER_BLUE, red))
    gains: Float64 = (MEAN_SKIN * skin.mean() / np.maximum(skin, 1.0)) ** share
    return gains if share > 0.0 else None


def _first_run(mask: Bool, gap: int) -> tuple[Float64, Float64]:
    """(w,) first and last row of the uppermost run in each column, small gaps included."""
    closed = cv2.morphologyEx(
        np.pad(mask.astype(np.uint8), ((gap, gap), (0, 0))),
        cv2.MORPH_CLOSE,
        np.ones((gap + 1, 1), np.uint8),
    )[gap:-gap]
    first = closed.argmax(axis=0)
    ended = (closed == 0) & (np.arange(len(mask))[:, None] > first)
    last = np.where(ended.any(axis=0), ended.argmax(axis=0), len(mask)) - 1
    return first.astype(np.float64), last.astype(np.float64)


def _sunk(arc: Float64, columns: Float64, density: float) -> Float64:
    """(w,) px that columns of the row hang lower in speech than the smile showed them."""
    middle = (len(columns) - 1) / 2
    rise = arc[round(middle)] - arc
    level = LEVEL_RISE_MM * density * ((columns - middle) / (LEVEL_RISE_AT_MM * density)) ** 2
    sunk: Float64 = SINKS * np.maximum(rise - level, 0.0)
    return sunk


def _lowered(picture: Float32, by: Float64) -> Float32:
    """(h, w, ...) each column so many px, (w,), lower; above it goes on."""
    rows, columns = np.mgrid[0 : len(picture), 0 : len(by)].astype(np.float32)
    lowered: Float32 = cv2.remap(
        picture, columns, rows - by.astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return lowered


def _even(edge: Float64, density: float) -> Float64:
    """(w,) the edge without what is finer than a tooth's corner: noise, gaps, compression."""
    window = 2 * max(1, round(EDGE_DETAIL_MM * density / 2)) + 1
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(edge, window // 2, mode="edge"), window
    )
    middle = np.median(around, axis=1)
    soft = cv2.GaussianBlur(middle[None], (0, 0), max(0.3 * EDGE_DETAIL_MM * density, 0.5))
    return np.asarray(soft[0], np.float64)


def _robust_parabola(x: Float64, y: Float64) -> np.poly1d:
    """The arc through most of the points: teeth that stand out do not bend it."""
    keep = np.ones(len(x), bool)
    arc = np.poly1d(np.polyfit(x, y, 2))
    for _ in range(4):
        off = np.abs(y - arc(x))
        keep = off <= max(1.5 * float(np.median(off)), 1.0)
        arc = np.poly1d(np.polyfit(x[keep], y[keep], 2))
    return arc


def _continued(arc: np.poly1d, columns: Float64, known: tuple[int, int], ends: float) -> Float64:
    """(w,) rows of an arc that is known from a column to another one, levelling off beyond."""
    inside = np.clip(columns, *known)
    slope = np.clip(arc.deriv()(inside), -STEEPEST, STEEPEST)
    rows: Float64 = arc(inside) + slope * ends * np.tanh((columns - inside) / ends)
    return rows


def _with_edge(drawn: Inlay, edge: Float64) -> Float32:
    """(h, w, 4) the drawn row, each column moved so that it bites where `edge` says, or above."""
    height, width = drawn.pixels.shape[:2]
    smooth = cv2.GaussianBlur(edge[None].astype(np.float32), (0, 0), 3.0 * drawn.density)[0]
    shift = smooth - np.float32(drawn.origin[1] + 0.3 * drawn.density)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    moved: Float32 = cv2.remap(
        drawn.pixels, columns, rows - shift, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return moved


def _spread(picture: Float32, sigma: float) -> Float32:
    """A wide Gaussian blur, done small."""
    shrink = max(1, int(sigma / 3))
    size = (picture.shape[1], picture.shape[0])
    small = cv2.resize(
        picture, (size[0] // shrink + 1, size[1] // shrink + 1), interpolation=cv2.INTER_AREA
    )
    soft = cv2.GaussianBlur(small, (0, 0), sigma / shrink)
    wide: Float32 = cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR)
    return wide
