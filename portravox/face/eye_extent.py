"""How far an eye really reaches: drawn and very large ones beyond the lids that are known.

Flow      face.eyes -> face.eye_extent -> render.eyes
Reads     EyeView of both eyes
Gives     EyeView with lid edges where the white ends, or the line around the eye
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from portravox.arrays import Bool, Float32, Float64
from portravox.face.eyes import EyeView

EDGE_SEARCH_MM = 6.0
"""An eye may be larger than its landmarks say by so much on every side: drawn ones are."""

WORK_PX = 64
"""Its white is looked for at this width of the eye ..."""

SOFT_MM = 0.25
"""... in a picture as soft as that."""

OFF_IRIS = 1.15
"""So many radii from its centre the iris has ended."""

SKIN_MM = (6.0, 12.0)
SKIN_BELL_MM = 4.0
"""Skin is seen so far from the opening, and compared with what is about so near. Our choice."""

SKIN_LIGHT = 0.7
"""Skin differs by less than this from its median in the logarithm of brightness; hair by more."""

LEAST_SEEN_PX = 30
"""Of both, so much has to be seen."""

DARK = 30.0
"""Sum of three channels below which colours are noise."""

LEAST_SHARE = 1e-3
"""Of a bell: where less is known, it is told from afar."""

LEAST_SPREAD = (0.02, 0.02, 0.3)
"""Colours and the logarithm of brightness differ at least so much within skin and white: shade
makes more of brightness than of colour. Our choice."""

LEAST_APART = 1.8
"""Skin and white must lie so many of their spreads apart to be told apart."""

MOST_UNLIKE, DARKER = 5.0, -0.7
"""So many spreads from white, or darker by so much in the logarithm, is something else."""

HALF = 0.5
"""Whiter than this is nearer to white than to skin."""

THIN_MM = 1.2
"""What is thinner than this is no white: a light on the rim of a lid, the gap between lashes."""

SHADE_BELL_MM = 3.0
"""White in the shade is compared with the white so near to it. Our choice."""

MOST_WIDER = 2.3
"""Landmarks are trusted unless the eye is larger, and not as a share beyond what can be
believed ..."""

BESIDE_MM = (0.2, 1.2)
AWAY_MM = (0.5, 1.0)
LEAST_MORE_MM2 = 8.0
LEAST_STEP, LEAST_STEP_ALONE = 0.50, 0.55
"""... nor unless white beyond the opening (so far inside and outside of the eye's end, so far away
from the opening) covers so much and whiteness falls by so much where the eye seems to end, in both
eyes or in one. Our choice: on drawn eyes it falls by .55 and more, on 23 portraits of others by .53
at most, and by .45 where both do."""

LEAST_STEP_KEPT = 0.03
"""White in the shade must end nearly as clearly."""

SMOOTH_MM, LEAST_WIDER = 2.5, 1.3
LEAST_STEEP = ((0.195, 1.5), (0.32, 1.1))
"""Where white does not tell, both eyes must end in a line: brightness changes along most of
it by so much a mm, in the logarithm, and by so many times as much as at the landmarks: a soft line
that is alone, or a sharp one where the iris is cut off, too. Of portraits of people in grey none
passes; marble does not, its lines are softer. Bumps smaller than the length are no part of the eye,
and an eye that is larger by a smaller share may be one with its line. Our choice."""

ROOTS_MM = 0.6
"""The network's upper lid ends so far above where the eyeball is seen: in the line in which lashes
stand. Our choice, by what of the lashes went along with the iris."""

EDGE_BELL_MM = 1.2
"""Edges of lids are smooth over this length."""


class _Small(NamedTuple):
    """An eye's view as small as its white is looked for."""

    pixels: Float32
    """(h, w, 3)"""

    scale: float
    """Of the view's px to its own."""

    mm: float
    """px"""

    opening: Bool
    """(h, w) between the lids ..."""

    away_mm: Float32
    """... and how far from there."""

    off_iris: Bool
    """(h, w)"""


class _WholeEye(NamedTuple):
    """An eye that is larger than its landmarks say."""

    mask: Bool
    """(h, w)"""

    scale: float
    """Of the view's px to its own."""

    step: float
    """How clear that is: how much whiteness falls where it ends, or how steep its line is."""


class _Colours(NamedTuple):
    """How what is seen, skin and white look, by `_looks`."""

    looks: Float32
    """(h, w, 3)"""

    skin: Float32
    """(h, w, 3) in the same place."""

    white: Float32
    """(3,)"""

    weights: Float64
    """(3, 3) inverse of their covariance within skin and white."""


def with_eyeball_edges(left: EyeView, right: EyeView) -> tuple[EyeView, EyeView]:
    """Both views with lid edges where the eyeball ends: by `with_true_edges`, or a little below the
    landmarks of the upper lid, which lie in the line of the lashes."""
    views = (left, right)
    left, right = (
        _below_the_roots(view) if view is before else view
        for view, before in zip(with_true_edges(left, right), views, strict=True)
    )
    return left, right


def with_true_edges(left: EyeView, right: EyeView) -> tuple[EyeView, EyeView]:
    """Both views with lid edges where the white of the eye ends, if that is clearly further out.

    The network knows people. On drawn and very large eyes its lids run over the white, of which a
    blink would leave a sliver. Eyes are alike: what both show needs less to be clear.
    """
    views = (left, right)
    small = [_small(view) for view in views]
    whitened = [_whitened(eye) for eye in small]
    steps = [eye.step if eye else 0.0 for eye in whitened]
    least = LEAST_STEP if min(steps) > LEAST_STEP else LEAST_STEP_ALONE
    found = [eye if eye and eye.step > least else None for eye in whitened]
    if found == [None, None]:
        found = [_outlined(eye) for eye in small]
        if None in found:
            return views
    left, right = (
        _with_edges_around(view, eye.mask, eye.scale) if eye else view
        for view, eye in zip(views, found, strict=True)
    )
    return left, right


def _whitened(small: _Small) -> _WholeEye | None:
    """What is found by its white."""
    colours = _colours(small)
    if colours is None:
        return None
    white = _whiteness(colours, colours.white)
    mask = _grown(small, white)
    step = _step(small, white, mask)
    if step < LEAST_STEP:
        return None
    # towards the corners white lies in the shade: it is compared with the white beside it
    near = _spread(colours.looks, mask & (white > HALF), SHADE_BELL_MM * small.mm)
    shaded = np.maximum(white, _whiteness(colours, near))
    further = _grown(small, shaded)
    if _step(small, shaded, further) > step - LEAST_STEP_KEPT:
        mask = further
    return _WholeEye(mask, small.scale, step)


def _outlined(small: _Small) -> _WholeEye | None:
    """What is found by the steepest line around the opening (watershed: Meyer 1994), if it is much
    steeper than where the opening ends."""
    if not small.opening.any():
        return None
    basins = np.where(small.opening, 1, 2 * (small.away_mm > EDGE_SEARCH_MM)).astype(np.int32)
    inside = cv2.watershed(small.pixels.astype(np.uint8), basins) == 1
    mask = _solid(inside | small.opening, SMOOTH_MM * small.mm) | small.opening
    if not LEAST_WIDER < mask.sum() / small.opening.sum() < MOST_WIDER:
        return None
    light = np.log(small.pixels.sum(axis=-1) + DARK)
    steep = np.hypot(*(cv2.Sobel(light, cv2.CV_32F, x, 1 - x) for x in (0, 1))) * small.mm / 8
    end = _rim(mask) & (small.away_mm > AWAY_MM[0])
    before = _rim(small.opening) & (cv2.erode(mask.astype(np.uint8), np.ones((3, 3))) > 0)
    if not (end.any() and before.any()):
        return None
    clear, steeper = float(np.percentile(steep[end], 30)), float(np.median(steep[before]))
    if not any(clear > least and clear > times * steeper for least, times in LEAST_STEEP):
        return None
    return _WholeEye(_hull(mask), small.scale, clear)


def _below_the_roots(view: EyeView) -> EyeView:
    """The view with its upper lid ending below the line of the lashes; both still meet in the
    corners."""
    gap = view.lower - view.upper
    high = np.minimum(ROOTS_MM * view.mm, 0.25 * gap).astype(np.float32)
    return replace(view, upper=view.upper + high)


def _rim(mask: Bool) -> Bool:
    """(h, w) what lies directly around a mask."""
    around: Bool = (cv2.dilate(mask.astype(np.uint8), np.ones((3, 3))) > 0) & ~mask
    return around


def _small(view: EyeView) -> _Small:
    scale = min(1.0, WORK_PX / view.width)
    height, width = (max(8, round(side * scale)) for side in view.pixels.shape[:2])
    pixels = cv2.resize(view.pixels, (width, height), interpolation=cv2.INTER_AREA)
    mm = view.mm * scale
    x, y = np.arange(width), np.arange(height)[:, None]
    columns = np.clip(((x + 0.5) / scale).astype(int), 0, len(view.upper) - 1)
    upper, lower = view.upper[columns], view.lower[columns]
    row = (y + 0.5) / scale
    opening = (lower - upper > 1.0) & (row > upper) & (row < lower)
    away = cv2.distanceTransform((~opening).astype(np.uint8), cv2.DIST_L2, 5) / mm
    centre_x, centre_y, radius = (length * scale for length in view.iris)
    return _Small(
        pixels=cv2.GaussianBlur(pixels, (0, 0), SOFT_MM * mm).astype(np.float32),
        scale=scale,
        mm=mm,
        opening=opening,
        away_mm=away.astype(np.float32),
        off_iris=np.hypot(x - centre_x, y - centre_y) > OFF_IRIS * radius,
    )


def _colours(small: _Small) -> _Colours | None:
    """What skin and white look like. None where the two look alike, or too little is seen."""
    looks = _looks(small.pixels)
    inside = small.opening & small.off_iris
    around = (small.away_mm > SKIN_MM[0]) & (small.away_mm < SKIN_MM[1])
    if min(inside.sum(), around.sum()) < LEAST_SEEN_PX:
        return None
    # no brows, no hair; no lashes
    light = looks[..., 2]
    around &= np.abs(light - np.median(light[around])) < SKIN_LIGHT
    white = looks[inside & (light >= np.median(light[inside]))]
    skin = _spread(looks, around, SKIN_BELL_MM * small.mm)
    off = (looks - skin)[around]
    within = (np.cov(white, rowvar=False) + off.T @ off / len(off)) / 2
    weights = np.linalg.inv(within + np.diag(np.square(LEAST_SPREAD)))
    middle = np.median(white, axis=0)
    apart = _square(middle - skin[small.opening], weights)
    if np.median(apart) < LEAST_APART**2:
        return None
    return _Colours(looks, skin, middle, weights)


def _looks(pixels: Float32) -> Float32:
    """(h, w, 3) two differences of colour that light and shade leave alone, log of brightness."""
    red, green, blue = (pixels[..., channel] for channel in range(3))
    total = red + green + blue + DARK
    return np.stack([(red - blue) / total, (2 * green - red - blue) / total, np.log(total)], -1)


def _spread(looks: Float32, known: Bool, bell_px: float) -> Float32:
    """(h, w, 3) looks of what is known, carried on over the rest."""
    share = cv2.GaussianBlur(known.astype(np.float32), (0, 0), bell_px)
    carried = cv2.GaussianBlur(looks * known[..., None], (0, 0), bell_px)
    far = looks[known].mean(axis=0)
    # where next to nothing is near, the mean of all
    smooth: Float32 = (carried + LEAST_SHARE * far) / (share + LEAST_SHARE)[..., None]
    return smooth


def _square(off: Float32, weights: Float64) -> Float64:
    """(...) square of the length of differences, (..., 3), in their own spread."""
    return np.asarray(((off @ weights) * off).sum(axis=-1), np.float64)


def _whiteness(colours: _Colours, white: Float32) -> Float32:
    """(h, w) 0 what looks like the skin beside it, 1 what looks like white: (3,) or (h, w, 3).

    Colour and brightness count as much as they differ less within skin and white than between
    them (Fisher 1936).
    """
    looks, skin, _, weights = colours
    way = white - skin
    along = (((looks - skin) @ weights) * way).sum(axis=-1)
    along /= np.maximum(_square(way, weights), 1.0)
    off = looks - white
    other = (_square(off, weights) > MOST_UNLIKE**2) | (off[..., 2] < DARKER)
    return np.where(other, 0.0, np.clip(along, 0.0, 1.0)).astype(np.float32)


def _grown(small: _Small, white: Float32) -> Bool:
    """(h, w) the eye: its opening with the white that goes on from it, without bays."""
    seen = small.opening | ((white > HALF) & (small.away_mm < EDGE_SEARCH_MM))
    solid = _solid(seen, THIN_MM * small.mm) | small.opening
    _, labels = cv2.connectedComponents(solid.astype(np.uint8), connectivity=4)
    return _hull(np.isin(labels, np.unique(labels[small.opening])))


def _solid(mask: Bool, thick_px: float) -> Bool:
    """(h, w) a mask without what is thinner."""
    side = round(thick_px) | 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc) > 0, np.bool_)


def _hull(mask: Bool) -> Bool:
    """(h, w) a mask without bays: an iris that touches a lid leaves one, an eye has none."""
    hull = cv2.convexHull(np.argwhere(mask)[:, ::-1].astype(np.int32))
    return np.asarray(cv2.fillConvexPoly(np.zeros(mask.shape, np.uint8), hull, (1,)) > 0, np.bool_)


def _step(small: _Small, white: Float32, mask: Bool) -> float:
    """By how much whiteness falls where a mask ends beyond the opening.

    0 where there is not enough of it there, or more than can be believed.
    """
    if mask.sum() > MOST_WIDER * small.opening.sum():
        return 0.0
    inside, outside = (
        cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 5) / small.mm
        for part in (mask, ~mask)
    )
    low, high = BESIDE_MM
    within = (inside > low) & (inside < high) & small.off_iris & (small.away_mm > AWAY_MM[0])
    beyond = (outside > low) & (outside < high) & small.off_iris & (small.away_mm > AWAY_MM[1])
    if within.sum() < LEAST_MORE_MM2 * small.mm**2 or not beyond.any():
        return 0.0
    return float(white[within].mean() - white[beyond].mean())


def _with_edges_around(view: EyeView, mask: Bool, scale: float) -> EyeView:
    """The view with lid edges around a mask of its size times scale."""
    columns = np.flatnonzero(mask.any(axis=0))
    x = np.arange(view.pixels.shape[1], dtype=np.float64)
    first, last = float(columns[0] / scale), float((columns[-1] + 1) / scale)
    rows = [np.argmax(mask, axis=0), mask.shape[0] - np.argmax(mask[::-1], axis=0)]
    upper, lower = (
        np.interp((x + 0.5) * scale - 0.5, columns, row[columns]) / scale for row in rows
    )
    middle = (upper + lower) / 2
    outside = (x <= first) | (x >= last)
    smooth = [
        cv2.GaussianBlur(
            np.where(outside, middle, edge)[None],
            (0, 0),
            EDGE_BELL_MM * view.mm,
            borderType=cv2.BORDER_REPLICATE,
        )[0]
        for edge in (upper, lower)
    ]
    return replace(
        view,
        corners=(first, last),
        upper=np.minimum(*smooth).astype(np.float32),
        lower=np.maximum(*smooth).astype(np.float32),
    )
