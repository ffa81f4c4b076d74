"""Where the person ends: the matte's edge, found anew by the colours on both sides of it.

Flow      face.matte -> render.outline -> render.backdrop
Reads     the photograph and the person matte, reduced
Gives     the outline, 0..1

The matte knows where a person is to within a strand of hair or an ear's rim. Where what stands
behind is lively, that is not enough: a strip of it would move along with the head. There each pixel
near the edge is explained as a mixture of a colour of the person and one of the background that are
found near to it, as sampling-based matting does.

Source: Gastal & Oliveira, "Shared Sampling for Real-Time Alpha Matting", Eurographics 2010. Where
samples are taken, and that the matte weighs in, is our choice.
"""

from __future__ import annotations

import cv2
import numpy as np

from portravox.arrays import AnyFloat, AnyInteger, Bool, Float32, Int32
from portravox.ramps import smoothstep

INSIDE_FW, OUTSIDE_FW = 0.03, 0.075
"""So far within the matte's edge a pixel is surely the person, and so far beyond it surely not, in
face widths. Our choice: an ear of which the matte knows nothing stands out by less."""

SURE, ANY = 0.9, 0.35
"""Of the matte: its edge seen from within, and from without."""

SAMPLES = 8
SAMPLED_FW = 0.09
"""So many colours of each side are tried: the nearest one, and those nearest to points so far
around. Our choice."""

TELLS_LEVELS = 22.0
"""A colour that fits one side by so many levels of 255 better than the other tells as much as the
matte does where it is sure. Our choice."""

MOST_TOLD = 1.6
"""No more than this many times as much, however well it fits. Our choice."""

PRIOR_FW = 0.035
"""The matte is sure so far from its edge."""

SMOOTHED_FW = 0.035
SMOOTHED_EPSILON = 0.03**2
"""What single pixels tell is averaged in windows of this radius along the picture's own edges."""

EDGE = (-0.55, -0.15)
"""Of what is told then, here is the edge: soft, and on the safe side, so that no rim of hair or of
an ear is left behind."""

HOLE_FW = 0.15
"""Holes smaller than a square of this side are none. Our choice."""

CLEAR_TOLD = 0.6
"""Nothing of the person, not a hair, is where the colour alone tells so much. Our choice."""

STRAND_TOLD = 0.6
"""A strand is the person's where its colour alone tells so much."""


def outline(
    small: Float32, covered: Float32, thin: Float32, unit: float, wanted: Bool
) -> tuple[Float32, Bool]:
    """How much of each pixel is the person, (h, w) 0..1, hard-edged; and where colours tell that
    nothing is, (h, w).

    small    (h, w, 3) 0..255
    covered  (h, w) 0..1 the matte
    thin     (h, w) 1 where strands of hair may be, which it does not know
    unit     width of the face, px
    wanted   (h, w) where; elsewhere the matte's own edge is told
    """
    within = covered > ANY
    person = _away(covered > SURE) > INSIDE_FW * unit
    beyond = _away(~within) > OUTSIDE_FW * unit
    clear = np.zeros(covered.shape, np.bool_)
    told = np.clip((_away(within) - _away(~within)) / np.float32(PRIOR_FW * unit), -1.0, 1.0)
    asked = wanted & ~(person | beyond)
    if person.any() and beyond.any() and asked.any():
        y, x = np.nonzero(asked)
        soft = np.asarray(cv2.GaussianBlur(small, (0, 0), 0.6), np.float32)
        off = [_off(small[asked], soft[_samples(place, y, x, unit)]) for place in (person, beyond)]
        by_colour = np.zeros_like(told)
        by_colour[asked] = np.clip((off[1] - off[0]) / TELLS_LEVELS, -MOST_TOLD, MOST_TOLD)
        near_strands = cv2.dilate(thin, np.ones((5, 5), np.uint8)) > 0.0
        clear = (by_colour < -CLEAR_TOLD) & ~near_strands
        told = guided(small, told + by_colour, max(2, round(SMOOTHED_FW * unit)))
        strand = ((by_colour > STRAND_TOLD) & (thin > 0.0)).astype(np.float32)
        told = np.maximum(told, cv2.GaussianBlur(strand, (0, 0), 0.7) - 1.0)
    found: Float32 = smoothstep(*EDGE, told).astype(np.float32)
    return _in_one_piece(found, unit), clear


def _in_one_piece(found: Float32, unit: float) -> Float32:
    """The same without islands, which are no strands, and without small holes: the inside of an
    ear, sequins, glints."""
    _, piece, stats, _ = cv2.connectedComponentsWithStats((found > 0.0).astype(np.uint8))
    stats[0, cv2.CC_STAT_AREA] = 0
    found = np.where(piece == stats[:, cv2.CC_STAT_AREA].argmax(), found, np.float32(0.0))
    _, hole, stats, _ = cv2.connectedComponentsWithStats((found < 0.5).astype(np.uint8))
    small = stats[:, cv2.CC_STAT_AREA] < (HOLE_FW * unit) ** 2
    small[0] = False
    filled = cv2.dilate(small[hole].astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.asarray(np.maximum(found, filled), np.float32)


def _away(place: Bool) -> Float32:
    """(h, w) how far inside of a place, px."""
    return np.asarray(
        cv2.distanceTransform(place.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE),
        np.float32,
    )


def _samples(place: Bool, y: AnyInteger, x: AnyInteger, unit: float) -> tuple[Int32, Int32]:
    """(SAMPLES, N) rows and columns in a place, the nearest to points around each pixel, (N,)."""
    _, label = cv2.distanceTransformWithLabels(
        (~place).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows = np.zeros(int(label.max()) + 1, np.int32)
    columns = rows.copy()
    own = np.nonzero(place)
    rows[label[own]], columns[label[own]] = own
    around = np.arange(SAMPLES)
    angle = around * (2.0 * np.pi / (SAMPLES - 1))
    away = np.where(around == 0, 0.0, SAMPLED_FW * unit)
    height, width = place.shape
    at_y = np.clip(y + np.rint(away * np.sin(angle)).astype(int)[:, None], 0, height - 1)
    at_x = np.clip(x + np.rint(away * np.cos(angle)).astype(int)[:, None], 0, width - 1)
    nearest = label[at_y, at_x]
    return rows[nearest], columns[nearest]


def _off(pixels: Float32, samples: Float32) -> Float32:
    """(N,) how far pixels, (N, 3), are from samples, (SAMPLES, N, 3), and mixtures of two
    neighbours among these, levels: an edge of what is behind is a mixture, too."""
    least = np.full(len(pixels), np.inf, np.float32)
    for first, second in zip(samples, np.roll(samples, 1, axis=0), strict=True):
        apart, off = second - first, pixels - first
        length = np.einsum("nc,nc->n", apart, apart) + np.float32(1.0)
        mixed = np.clip(np.einsum("nc,nc->n", off, apart) / length, 0.0, 1.0)
        off -= mixed[:, None] * apart
        np.minimum(least, np.einsum("nc,nc->n", off, off), out=least)
    return np.sqrt(least)


def guided(small: Float32, told: Float32, radius: int) -> Float32:
    """(h, w) values averaged along the edges of a picture: the guided filter with a grey guide."""
    grey = np.asarray(small.mean(axis=-1) / 255.0, np.float32)

    def mean(values: AnyFloat) -> Float32:
        return np.asarray(cv2.blur(values, (2 * radius + 1, 2 * radius + 1)), np.float32)

    mean_grey, mean_told = mean(grey), mean(told)
    variance = mean(grey * grey) - mean_grey * mean_grey
    gain = (mean(grey * told) - mean_grey * mean_told) / (variance + SMOOTHED_EPSILON)
    filtered: Float32 = mean(gain) * grey + mean(mean_told - gain * mean_grey)
    return filtered
