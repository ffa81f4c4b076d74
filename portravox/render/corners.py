"""The lines in which shut lips end, taken out of the skin beyond the corners of the mouth.

Flow      rig.fit, render.backdrop -> smoothed_corners -> render.film (the lips) -> render.scene

Beyond each corner a photograph shows the lips' line going on for some millimetres, as a crease
or a shade. Where the corner is drawn inwards, as in rounded sounds, that line is used up; a
picture that is only moved would keep it, as a dark whisker beside a small mouth. Numbers without
a source are our choice, set by eye on light, dark, bearded, painted and carved faces.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from portravox.arrays import Float32, Float64, UInt8
from portravox.face.outlines import LOWER_OUTER, UPPER_OUTER
from portravox.ramps import smoothstep
from portravox.render.drawing import Box, blurred, box_around, polygon_cover
from portravox.rig.fit import Rig
from portravox.rig.shapes import MOUTH_CORNERS

REACH_MM = 11.0
"""A crease is looked for so far beyond the corner. Nasolabial folds begin further away."""

BEGINS_MM, ENDS_MM = (-1.2, 0.6), (7.0, 10.5)
TAPER_MM, TAPERED_MM = 1.2, 1.5
BEGINS_BESIDE_LIPS_MM = (-3.0, -1.5)
BESIDE_MM = (3.0, 5.0)
"""Along the line of the lips, and to its sides: where a crease begins and ceases to be taken for
that of the mouth. In the middle, up to TAPERED_MM to the sides, it begins up to TAPER_MM later, so
that lips end in a point. Beside the lips it begins sooner: painters draw a line around a corner."""

THICKEST_MM = 3.4
"""Dark things up to twice so thick are creases; larger ones are shade, beards or background."""

LEAST_DARK = (0.02, 0.07)
"""Darker than the skin beside it by so much of it: not, and in full, a crease."""

TIMES_USUAL = 1.6
"""... beyond what the skin's own texture is darker in places."""

SEED_MM = 2.2
"""A crease of the mouth begins so near its corner."""

SMOOTH_MM, SPREAD_MM = 0.45, 0.35
FILLED_FROM_MM = 1.8
"""How smooth the skin is that fills a crease, before it is given texture."""

LITTLE = np.float32(1e-4)
"""Where no skin is near, the mean of what is known counts so much."""

TEXTURE_MM = 0.9
TEXTURE_FROM_MM = 4.2
"""Texture is what is finer than a bell of that size, taken from so far above or below."""


LEAST_COVER = 0.004

BORDER_PX = 4
"""As wide a border of what is smoothed stays as photographed: a film is sharpened over three."""


class Smoothed(NamedTuple):
    """A picture of the mouth without the creases of its corners."""

    pixels: UInt8
    """(h, w, 3)"""

    boxes: tuple[Box | None, Box | None]
    """Where it differs from the photograph, on the left and on the right, all sides even; at its
    border each is as photographed. None where there is no crease."""


def smoothed_corners(rig: Rig, pixels: UInt8, origin: tuple[int, int]) -> Smoothed:
    """Take the creases out of the corners of the mouth.

    pixels  (h, w, 3) of the photograph, from `origin` x, y on
    """
    rest = rig.rest[:, :2].astype(np.float64) - origin
    outline = np.concatenate([rest[list(UPPER_OUTER)], rest[list(LOWER_OUTER[-2:0:-1])]])
    middle = rest[[13, 14]].mean(axis=0)
    smooth = pixels.copy()
    left, right = (
        take_out_crease(smooth, rest[corner], rest[corner] - middle, outline, rig.px_per_mm)
        for corner in MOUTH_CORNERS
    )
    return Smoothed(smooth, (left, right))


def take_out_crease(
    pixels: UInt8, corner: Float64, outwards: Float64, outline: Float64, mm: float
) -> Box | None:
    """Take the crease out of one corner; says where that changed anything.

    pixels    (h, w, 3), written to
    corner    (2,) of the mouth, px
    outwards  (2,) direction that the line of the lips goes on in
    outline   (P, 2) of the lips, px
    """
    box = box_around(corner[None], REACH_MM * mm + BORDER_PX, pixels)
    if box is None:
        return None
    lips = polygon_cover(outline - box.corner, box.size)
    place = _place(box, corner, outwards, mm)
    photo = box.of(pixels).astype(np.float32)
    crease = _crease(photo, lips, place, mm)
    rows, columns = np.nonzero(crease.any(axis=1))[0], np.nonzero(crease.any(axis=0))[0]
    if not len(rows):
        return None
    known = (1.0 - crease) * (1.0 - lips)
    skin = _filled(photo, known, FILLED_FROM_MM * mm) + _texture(photo, known, place, mm)
    healed = photo + (skin - photo) * crease[..., None]
    box.of(pixels)[:] = np.clip(healed + 0.5, 0, 255).astype(np.uint8)
    before, after = BORDER_PX, BORDER_PX + 2
    return Box(
        (box.x0 + int(columns[0]) - before) // 2 * 2,
        (box.y0 + int(rows[0]) - before) // 2 * 2,
        (box.x0 + int(columns[-1]) + after) // 2 * 2,
        (box.y0 + int(rows[-1]) + after) // 2 * 2,
    )


class Place(NamedTuple):
    """Where the pixels of a box lie, from a corner of the mouth."""

    beyond: Float32
    """(h, w) mm outwards, along the line in which the lips end."""

    beside: Float32
    """(h, w) mm from that line, positive below it."""

    down: Float64
    """(2,) unit vector of `beside` in the picture."""


def _place(box: Box, corner: Float64, outwards: Float64, mm: float) -> Place:
    along = outwards / np.hypot(*outwards)
    down = np.array([-along[1], along[0]]) * np.sign(along[0])
    width, height = box.size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = (x + box.x0 - corner[0]) / mm, (y + box.y0 - corner[1]) / mm
    return Place(
        (x * along[0] + y * along[1]).astype(np.float32),
        (x * down[0] + y * down[1]).astype(np.float32),
        down,
    )


def _crease(photo: Float32, lips: Float32, place: Place, mm: float) -> Float32:
    """(h, w) 0..1 what is the crease: dark, thin, and hanging together with the corner.

    photo  (h, w, 3)
    lips   (h, w) 0..1 inside the outline of the lips
    """
    beyond, beside = place.beyond, np.abs(place.beside)
    grey = blurred(photo.mean(axis=-1), max(SMOOTH_MM * mm, 0.5))
    bright = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, _disc(THICKEST_MM * mm))
    dark = (bright - grey) / np.maximum(bright, 1.0)
    skin = (beyond > 0) & (beside > BESIDE_MM[0]) & (beside < BESIDE_MM[1] + 3.5) & (lips < 0.02)
    usual = TIMES_USUAL * float(np.percentile(dark[skin], 75)) if skin.any() else 0.0
    found = smoothstep(LEAST_DARK[0] + usual, LEAST_DARK[1] + usual, dark)
    beside_lips = (1.0 - lips) * smoothstep(*BEGINS_BESIDE_LIPS_MM, beyond)
    beside_lips *= beyond < 0
    taper = TAPER_MM * np.maximum(1.0 - beside / TAPERED_MM, 0.0)
    found *= np.maximum(smoothstep(*BEGINS_MM, beyond - taper), beside_lips)
    found *= 1.0 - smoothstep(*ENDS_MM, beyond)
    found *= 1.0 - smoothstep(*BESIDE_MM, beside)
    _, piece = cv2.connectedComponents((found > 0.25).astype(np.uint8))
    at_corner = piece[(np.hypot(beyond, beside) < SEED_MM) & (piece > 0)]
    found *= np.isin(piece, at_corner) & (piece > 0)
    spread = SPREAD_MM * mm
    wide = cv2.dilate(found.astype(np.float32), _disc(spread))
    cover: Float32 = np.zeros_like(wide)
    inner = (slice(BORDER_PX + 1, -BORDER_PX - 1),) * 2  # boxes begin at even pixels
    cover[inner] = blurred(wide, max(0.5, spread))[inner]
    cover[cover < LEAST_COVER] = 0.0
    return cover


def _disc(radius: float) -> UInt8:
    r = max(1, round(radius))
    return np.asarray(
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1)), np.uint8
    )


def _filled(photo: Float32, known: Float32, sigma: float) -> Float32:
    """(h, w, 3) smooth skin, from what is known of it, (h, w) 0..1."""
    weight = blurred(known, sigma) + LITTLE
    mean = (photo * known[..., None]).sum((0, 1)) / max(float(known.sum()), 1.0)
    filled: Float32 = (blurred(photo * known[..., None], sigma) + LITTLE * mean) / weight[..., None]
    return filled


def _texture(photo: Float32, known: Float32, place: Place, mm: float) -> Float32:
    """(h, w, 3) what is fine in the skin above and below, moved onto the line."""
    fine = (photo - _filled(photo, known, TEXTURE_MM * mm)) * known[..., None]
    x, y = place.down * TEXTURE_FROM_MM * mm
    above, below = (
        cv2.warpAffine(
            fine,
            np.array([[1.0, 0.0, side * x], [0.0, 1.0, side * y]]),
            known.shape[::-1],
            flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        for side in (1.0, -1.0)
    )
    share = smoothstep(-0.6, 0.6, place.beside)[..., None].astype(np.float32)
    texture: Float32 = above + (below - above) * share
    return texture
