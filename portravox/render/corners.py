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
from portravox.ramps import smooth_share, smoothstep
from portravox.render.drawing import Box, blurred, box_around, disc, polygon_cover
from portravox.rig.fit import Rig
from portravox.rig.shapes import MOUTH_CORNERS

REACH_MM = 11.0
"""A crease is looked for so far beyond the corner. Nasolabial folds begin further away."""

THINS_MM, ENDS_MM = (-3.6, 0.8), (7.0, 10.5)
BEGINS_BESIDE_LIPS_MM = (-3.0, -1.5)
BESIDE_MM = (3.0, 5.0)
"""Along the line of the lips, and to its sides: where a crease begins and ceases to be taken for
that of the mouth. Lips that are drawn together are squeezed, and their line with them: from some
way before the corner on it grows thinner and paler, so that lips end in a point. Beside the lips it
begins sooner: painters draw a line around a corner."""

POINT_ENDS_MM, POINT_SLOPE, POINT_SOFT_MM = 1.0, 0.6, 0.8
"""The point ends so far beyond the corner and is so much thinner with each mm, to either side of
its middle line."""

LINE_MM, STEEPEST_LINE, LEAST_LINE_PX = (0.5, 2.5), 0.8, 6
"""That line follows what is dark around so far beyond the corner and up to so much to either way,
no steeper than that, if there are so many pixels of it."""

THICKEST_MM = 3.4
THICKEST_LINE_MM = 1.2
LIPS_THIN_MM = (-2.5, 0.0)
"""Dark things up to twice so thick are creases; larger ones are shade, beards or background.
Between the lips, only a line is; towards the corner their tips are as thin as creases."""

LIP_COLOUR = (0.35, 0.75)
"""Of the way from the colour of skin to that of lips: no lip, and a lip, which is no crease."""

LEAST_LIP_COLOUR = (0.03, 0.10)
"""Lips whose colour differs from the skin's by so much of their brightness cannot, and can, be told
from creases by it."""

DARKER_THAN_LIPS = (0.70, 0.92)
"""What has lips' colour and so much of their brightness is surely a crease, and surely a lip."""

LEAST_DARK = (0.02, 0.07)
"""Darker than the skin beside it by so much of it: not, and in full, a crease."""

TIMES_USUAL = 1.6
"""... beyond what the skin's own texture is darker in places."""

SEED_MM = 2.2
"""A crease of the mouth begins so near its corner."""

SMOOTH_MM, SPREAD_MM = 0.45, 0.35
FILLED_FROM_MM = 1.8
"""How smooth the skin is that fills a crease, before it is given texture."""

NEAR_MM, NEAR_ENOUGH = 0.8, (0.02, 0.25)
"""Where so much is known within a bell of that size, what is nearest fills it, be it lip or skin;
elsewhere it is skin from further away."""

LITTLE = np.float32(1e-4)
"""Where no skin is near, the mean of what is known counts so much."""

TEXTURE_MM = 0.9
TEXTURE_FROM_MM = 4.2
"""Texture is what is finer than a bell of that size, taken from so far above or below."""


LEAST_PIECE = 0.2
"""Of a crease, what is no fainter hangs together."""

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
    dark = _dark(photo, lips, place, mm)
    crease = _crease(dark, lips, place, mm)
    rows, columns = np.nonzero(crease.any(axis=1))[0], np.nonzero(crease.any(axis=0))[0]
    if not len(rows):
        return None
    known = 1.0 - cv2.dilate(np.maximum(dark, crease), disc(SPREAD_MM * mm))
    skin = _continued(photo, known, lips, mm) + _texture(photo, known * (1.0 - lips), place, mm)
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


def _dark(photo: Float32, lips: Float32, place: Place, mm: float) -> Float32:
    """(h, w) 0..1 what is dark and thin: a crease, the line of shut lips, and no lip.

    photo  (h, w, 3)
    lips   (h, w) 0..1 inside the outline of the lips
    """
    soft = blurred(photo, max(SMOOTH_MM * mm, 0.5))
    grey = soft.mean(axis=-1)
    line, thick = (
        cv2.morphologyEx(grey, cv2.MORPH_CLOSE, disc(radius * mm))
        for radius in (THICKEST_LINE_MM, THICKEST_MM)
    )
    bright = line + (thick - line) * smoothstep(*LIPS_THIN_MM, place.beyond)
    dark = (bright - grey) / np.maximum(bright, 1.0)
    beside = np.abs(place.beside)
    skin = (place.beyond > 0) & (beside > BESIDE_MM[0]) & (beside < BESIDE_MM[1] + 3.5)
    skin &= lips < 0.02
    usual = TIMES_USUAL * float(np.percentile(dark[skin], 75)) if skin.any() else 0.0
    found = smoothstep(LEAST_DARK[0] + usual, LEAST_DARK[1] + usual, dark)
    lip = (lips > 0.9) & (found < 0.5)
    if skin.any() and lip.any():
        found *= 1.0 - _like_lips(soft, soft[skin], soft[lip])
    return np.asarray(found, np.float32)


def _like_lips(photo: Float32, skin: Float32, lip: Float32) -> Float32:
    """(h, w) 0..1 how much each pixel of a photo, (h, w, 3), has the colour of lips.

    skin, lip  (N, 3) pixels of either
    """

    def tint(colours: Float32) -> Float32:
        grey = np.maximum(colours.mean(axis=-1, keepdims=True), 1.0)
        return np.asarray(colours / grey, np.float32)

    of_skin, of_lip = (np.median(tint(pixels), axis=0) for pixels in (skin, lip))
    way = of_lip - of_skin
    apart = float(np.linalg.norm(way))
    share = (tint(photo) - of_skin) @ way / max(apart**2, 1e-6)
    light = photo.mean(axis=-1) / max(float(np.median(lip.mean(axis=-1))), 1.0)
    like = smoothstep(*LIP_COLOUR, share) * smoothstep(*DARKER_THAN_LIPS, light)
    return np.asarray(like * smooth_share(*LEAST_LIP_COLOUR, apart), np.float32)


def _crease(dark: Float32, lips: Float32, place: Place, mm: float) -> Float32:
    """(h, w) 0..1 how much of the dark, (h, w), is a crease that hangs together with the corner.

    lips   (h, w) 0..1 inside the outline of the lips
    """
    beyond, beside = place.beyond, np.abs(place.beside)
    beside_lips = (1.0 - lips) * smoothstep(*BEGINS_BESIDE_LIPS_MM, beyond)
    beside_lips *= beyond < 0
    point = smoothstep(0.0, POINT_SOFT_MM, _off_line(dark, place) - _point_mm(beyond))
    point *= smoothstep(*LIPS_THIN_MM, beyond)
    found = dark * np.maximum.reduce([smoothstep(*THINS_MM, beyond), beside_lips, point])
    found *= 1.0 - smoothstep(*ENDS_MM, beyond)
    found *= 1.0 - smoothstep(*BESIDE_MM, beside)
    _, piece = cv2.connectedComponents((found > LEAST_PIECE).astype(np.uint8))
    at_corner = piece[(np.hypot(beyond, beside) < SEED_MM) & (piece > 0)]
    found *= np.isin(piece, at_corner) & (piece > 0)
    spread = SPREAD_MM * mm
    wide = cv2.dilate(found.astype(np.float32), disc(spread))
    cover: Float32 = np.zeros_like(wide)
    inner = (slice(BORDER_PX + 1, -BORDER_PX - 1),) * 2  # boxes begin at even pixels
    cover[inner] = blurred(wide, max(0.5, spread))[inner]
    cover[cover < LEAST_COVER] = 0.0
    return cover


def _point_mm(beyond: Float32) -> Float32:
    """(h, w) half the thickness of the point in which lips end."""
    return np.asarray(POINT_SLOPE * np.maximum(POINT_ENDS_MM - beyond, 0.0), np.float32)


def _off_line(dark: Float32, place: Place) -> Float32:
    """(h, w) mm from the line in which what is dark, (h, w), passes the corner."""
    near = (np.abs(place.beyond - LINE_MM[0]) < LINE_MM[1]) & (np.abs(place.beside) < BESIDE_MM[0])
    near &= dark > LEAST_PIECE
    if near.sum() < LEAST_LINE_PX:
        return np.abs(place.beside)
    line = np.polyfit(place.beyond[near], place.beside[near], 1, w=dark[near])
    steep = float(np.clip(line[0], -STEEPEST_LINE, STEEPEST_LINE))
    off: Float32 = np.abs(place.beside - steep * place.beyond - line[1]).astype(np.float32)
    return off / np.float32(np.hypot(1.0, steep))


def _filled(photo: Float32, known: Float32, sigma: float) -> Float32:
    """(h, w, 3) smooth skin, from what is known of it, (h, w) 0..1."""
    weight = blurred(known, sigma) + LITTLE
    mean = (photo * known[..., None]).sum((0, 1)) / max(float(known.sum()), 1.0)
    filled: Float32 = (blurred(photo * known[..., None], sigma) + LITTLE * mean) / weight[..., None]
    return filled


def _continued(photo: Float32, known: Float32, lips: Float32, mm: float) -> Float32:
    """(h, w, 3) smooth lips next to lips, smooth skin elsewhere, from what is known, (h, w)."""
    near = NEAR_MM * mm
    weight = smoothstep(*NEAR_ENOUGH, blurred(known, near))[..., None].astype(np.float32)
    far = _filled(photo, known * (1.0 - lips), FILLED_FROM_MM * mm)
    mixed: Float32 = far + (_filled(photo, known, near) - far) * weight
    return mixed


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
