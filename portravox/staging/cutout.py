"""The person cut out finely, strand by strand where what is behind is even enough.

Flow      face.matte -> staging.cutout -> staging.foreground, staging.backdrops
Reads     pixels, Face, the person matte
Gives     the cut-out, 0..1

The matte knows where a person is, to within a strand of hair: enough for a head that takes its own
background along, and not for another background. Along its edge each pixel is compared here with
the colours of person and background on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import Bool, Float32, UInt8
from portravox.face.face import Face
from portravox.face.outlines import OVAL
from portravox.ramps import smoothstep
from portravox.render.backdrop import filled_in

INSIDE_FW, OUTSIDE_FW = 0.035, 0.08
"""So far within the matte's edge a pixel is surely the person, and so far beyond it surely not, in
face widths. Our choice: strands beyond are left with the old background."""

BODY_OUTSIDE_FW = 0.025
"""The same below the chin, where edges are cloth."""

UNSURE = (0.35, 0.8)
"""The matte is a ramp as wide as a strand of hair; where nothing but it tells, the edge lies within
these of its values, narrow as those of skin and cloth are. Our choice."""

COARSE_FACE_PX = 160.0
"""Face width at which the colours of both sides are carried into the edge."""

CONTRAST = (2.5, 5.0)
"""The difference of both sides' colours, in their own spread, from which pixels begin to tell
person from background, and from which they alone decide. Our choice."""

LEAST_SPREAD = 4.0
"""Levels of 255: grain and compression. Our choice."""

ROWS_AT_ONCE = 256
"""Large pictures are compared in strips, so that no copy of them in floats is ever held."""

SPECK_FW = 0.03
"""Holes smaller than a square of this side are none: sequins, glints. Our choice."""

MATTE_SURE = (0.85, 1.0)
"""Where the matte is so sure, colours of neither side, of ears and jewels, are the person's."""

DIFFERS, MATTE_LIKELY = (0.8, 1.6), (0.5, 0.8)
"""So far aside of all mixtures of both colours, in their spread, nothing is a mixture, and so all
the person's where the matte has so much of it: shine on hair, ears, jewels. Our choice."""

TUFT_FW, SOLID_FW = 0.04, 0.015
"""Radius of what juts out thinly, and how far the rest may be too narrow, in face widths. Strands
are found by their colour. Our choice."""

HOLE_BELIEVED = 0.95
"""Holes in which the matte is so sure of the person on average are none."""

PIECE_FROM = 0.1
"""What hangs together by no more than this share of pixels does not. Our choice."""

LOW, HIGH = 0.10, 0.92
"""Values stretched to 0 and 1: neither side's colour is known to the level."""


def fine_cutout(pixels: UInt8, matte: Float32, face: Face) -> Float32:
    """How much of each pixel is the person, (H, W) 0..1.

    pixels  (H, W, 3), matte (H, W) 0..1
    """
    sides = _both_sides(pixels, matte, face)
    cut = np.empty_like(matte)
    for top in range(0, len(matte), ROWS_AT_ONCE):
        rows = slice(top, min(top + ROWS_AT_ONCE, len(matte)))
        cut[rows] = _compared(pixels[rows], matte[rows], sides, rows, len(matte))
    return _without_specks(cut, matte, face)


def _compared(pixels: UInt8, matte: Float32, sides: _Sides, rows: slice, height: int) -> Float32:
    """The cut-out of some rows of a picture so high; pixels and matte are those rows."""
    x = (np.arange(matte.shape[1], dtype=np.float32) + 0.5) * (
        sides.sure.shape[1] / matte.shape[1]
    ) - 0.5
    y = (np.arange(rows.start, rows.stop) + 0.5) * (sides.sure.shape[0] / height) - 0.5
    at_x, at_y = np.meshgrid(x, y.astype(np.float32))
    within, beyond = (_looked_up(part, at_x, at_y) for part in (sides.within, sides.beyond))
    cut = np.where(within > 0.5, np.float32(1.0), np.float32(0.0))
    edge = (within < 0.999) & (beyond < 0.999)
    if edge.any():
        there = at_x[edge], at_y[edge]
        told = _told(pixels[edge], matte[edge], sides, *there)
        cut[edge] = np.minimum(np.maximum(told, within[edge]), 1.0 - beyond[edge])
    return cut


def _told(pixels: UInt8, matte: Float32, sides: _Sides, x: Float32, y: Float32) -> Float32:
    """(N,) the same of single pixels, (N, 3), by their colours and the matte.

    x, y  (N,) their places in what is known of both sides
    """
    off = pixels.astype(np.float32) - _looked_up(sides.back, x, y)
    along = (off * _looked_up(sides.direction, x, y)).sum(axis=-1)
    aside = np.sqrt(np.maximum((off * off).sum(axis=-1) - along * along, 0.0))
    far = (off * off).sum(axis=-1) - _looked_up(sides.back_spread, x, y) ** 2
    far = np.sqrt(np.maximum(far, 0.0))
    along = np.maximum(along, np.minimum(far, 255.0 * smoothstep(*MATTE_SURE, matte)))
    share = np.clip((along / _looked_up(sides.distance, x, y) - LOW) / (HIGH - LOW), 0.0, 1.0)
    differs = smoothstep(*DIFFERS, aside / _looked_up(sides.both_spread, x, y))
    share = np.maximum(share, differs * smoothstep(*MATTE_LIKELY, matte))
    sure = _looked_up(sides.sure, x, y)
    unsure = np.minimum(smoothstep(*UNSURE, matte), _looked_up(sides.solid, x, y))
    told: Float32 = (share * sure + unsure * (1.0 - sure)).astype(np.float32)
    return told


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """What is surely the person and what surely is not, carried into the edge; (h, w) reduced."""

    back: Float32
    """(h, w, 3) the background's colours"""

    back_spread: Float32
    """how far they lie about, levels"""

    both_spread: Float32
    """the same of both sides"""

    direction: Float32
    """(h, w, 3) from the background's colour to the person's, of length 1"""

    distance: Float32
    """so far it is, levels"""

    sure: Float32
    """0..1 how well a pixel's colour tells the two apart"""

    solid: Float32
    """0..1 the person less what juts out thinly: leaves, lattices that the matte takes for hair"""

    within: Float32
    beyond: Float32
    """0..1 surely the person, surely not"""


def _both_sides(pixels: UInt8, matte: Float32, face: Face) -> _Sides:
    height, width = matte.shape
    scale = min(1.0, COARSE_FACE_PX / face.width_px)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    there = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)
    unit = face.width_px * scale
    body = _one_piece(there > 0.5, face.landmarks[4, :2] * scale)
    body = np.asarray(cv2.morphologyEx(body, cv2.MORPH_OPEN, _disc(TUFT_FW * unit)), np.uint8)
    person = cv2.erode(body & (there > 0.9).astype(np.uint8), _disc(INSIDE_FW * unit))
    oval = np.rint(face.landmarks[list(OVAL), :2] * scale).astype(np.int32)
    cv2.fillConvexPoly(person, cv2.convexHull(oval), (1,))
    behind = 1 - cv2.dilate(body | person, _disc(OUTSIDE_FW * unit))
    neck = max(0, round(float(face.landmarks[152, 1]) * scale))
    behind[neck:] = 1 - cv2.dilate(body | person, _disc(BODY_OUTSIDE_FW * unit))[neck:]
    within, beyond = (part.astype(np.float32) for part in (person, behind))
    front, front_spread = _carried(small, within, unit)
    back, back_spread = _carried(small, beyond, unit)
    back_spread = back_spread + np.float32(LEAST_SPREAD)
    apart = front - back
    distance = np.maximum(np.sqrt((apart * apart).sum(axis=-1)), np.float32(1.0))
    both_spread = back_spread + np.float32(0.5) * front_spread
    return _Sides(
        back=back,
        back_spread=back_spread,
        both_spread=both_spread,
        direction=apart / distance[..., None],
        distance=distance,
        sure=np.asarray(smoothstep(*CONTRAST, distance / both_spread), np.float32),
        solid=np.asarray(
            cv2.GaussianBlur(
                cv2.dilate(body | person, _disc(SOLID_FW * unit)).astype(np.float32), (0, 0), 1.0
            ),
            np.float32,
        ),
        within=np.asarray(cv2.GaussianBlur(within, (0, 0), 1.0), np.float32),
        beyond=np.asarray(cv2.GaussianBlur(beyond, (0, 0), 1.0), np.float32),
    )


def _looked_up(part: Float32, x: Float32, y: Float32) -> Float32:
    """(..., C) the values of a picture, (h, w, C), at places between its pixels, (...)."""
    flat = x.reshape(-1), y.reshape(-1)
    count = len(flat[0])
    padded = [np.pad(at, (0, -count % 256)).reshape(-1, 256) for at in flat]  # OpenCV bounds sides
    found = cv2.remap(part, *padded, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    found = found.reshape(-1, *part.shape[2:])[:count]
    return np.asarray(found.reshape(*x.shape, *part.shape[2:]), np.float32)


def _without_specks(cut: Float32, matte: Float32, face: Face) -> Float32:
    """The cut-out without small holes in it and without pieces apart from it."""
    least = (SPECK_FW * face.width_px) ** 2
    out = cut.copy()
    count, piece, stats, _ = cv2.connectedComponentsWithStats(
        (cut < 0.5).astype(np.uint8), connectivity=4
    )
    area = np.maximum(stats[:, cv2.CC_STAT_AREA], 1)
    believed = np.bincount(piece.ravel(), matte.ravel(), count) / area
    small = (area < least) & (believed > HOLE_BELIEVED)
    small[0] = False
    holes = cv2.dilate(small[piece].astype(np.uint8), np.ones((3, 3), np.uint8))
    out[holes > 0] = 1.0
    kept: Float32 = out * _one_piece(out > PIECE_FROM, face.landmarks[4, :2])
    return kept


def _one_piece(mask: Bool, point: Float32) -> UInt8:
    """(h, w) 0, 1 the piece of a mask that holds a point, (2,) px; all of it where none does."""
    _, piece = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    x, y = (
        int(np.clip(round(float(v)), 0, side - 1))
        for v, side in zip(point, mask.shape[::-1], strict=True)
    )
    if piece[y, x] == 0:
        return mask.astype(np.uint8)
    return np.asarray(piece == piece[y, x], np.uint8)


def _carried(small: Float32, known: Float32, unit: float) -> tuple[Float32, Float32]:
    """(h, w, 3) the colours of what is known, carried on, and (h, w) how much they spread there."""
    carried = filled_in(small, known) if known.any() else small.copy()
    smooth = cv2.GaussianBlur(carried, (0, 0), 0.02 * unit)
    off = np.linalg.norm(small - smooth, axis=-1) ** 2 * known
    reach = 0.12 * unit
    spread = cv2.GaussianBlur(off, (0, 0), reach) / np.maximum(
        cv2.GaussianBlur(known, (0, 0), reach), 1e-3
    )
    return smooth, np.sqrt(spread)


def _disc(radius: float) -> UInt8:
    size = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
