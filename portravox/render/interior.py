"""The inside of the mouth put together, pixel by pixel, in one compiled pass.

Flow      render.mouth -> render.interior -> frame

The mouth has its own axes: s runs from its left corner to its right one, t across, downwards.
Everything about the lips is a function of s, see `LipLine`, so that the distance of a pixel to
either lip is known without drawing or blurring any mask: the lips' edges are as soft as wanted,
at any size, and shade falls off with distance from them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.compiled_code import compiled
from portravox.render.drawing import Box


class Layer(NamedTuple):
    """A picture and where it lies."""

    pixels: Float32
    """(h, w, 4) colour times cover, 0..255, and cover, 0..1."""

    lookup: Float32
    """(2, 3) affine map from frame to picture positions."""


class LipLine(NamedTuple):
    """The two lips along the mouth, one row for each px of s."""

    table: Float32
    """(n, 5) t of the upper edge, t of the lower one, how much of a distance along t is distance
    from the upper edge and from the lower one (cosines of their slopes), strength of the shadow
    where both touch."""

    origin: Float32
    """(2,) where in the frame s and t are 0."""

    along: Float32
    """(2,) unit vector of s in the frame; t is a quarter turn clockwise from it."""

    first_s: float
    """s of row 0."""

    width: float
    """px, s of the right corner."""


class Shades(NamedTuple):
    """Colours and lengths of one frame's mouth."""

    cavity: Float32
    """(3,) the dark."""

    contact: Float32
    """(3,) the line where lips touch."""

    falloff: Float32
    """(3,) how much faster than brightness each colour falls off in shade."""

    mm: float
    """px"""

    edge_px: float
    """Softness of the lips' edges, standard deviation."""

    contact_px: float
    """Softness of the line of contact, likewise."""

    narrow: float
    """Brightness of everything, lower through a narrow opening."""

    upper: float
    """How much shade falls on the upper teeth; on photographed ones most of it is there already."""

    tongue: float
    """Brightness of the tongue, lower the deeper it lies."""

    tongue_in_front: float
    """1 when the tongue lies over the lower teeth, 0 behind them."""

    photographed: float
    """How much of the photograph's own mouth is seen."""

    gloss: float
    """Strength of the wet line on the lower lip, 0..1."""

    grain: float
    """Standard deviation of the photograph's grain, 0..255."""


UPPER_LIP_SHADE, UPPER_LIP_SHADE_MM = 0.42, 1.2
LOWER_LIP_SHADE, LOWER_LIP_SHADE_MM = 0.25, 0.9
CORNER_SHADE, CORNER_SHADE_MM = 0.55, 5.0
"""Share of light that a lip or corner takes from what lies at it, and how far that reaches. Our
choice."""

RIM_MM = 0.55
RIM_SHADE = 0.30
"""The lips' rims turn away from the light, over so many mm."""

GLOSS_MM = 0.75
"""The wet line lies so far below the lower lip's inner edge."""


@compiled(fastmath=True)
def paint_interior(
    frame: UInt8,
    box: Box,
    lips: LipLine,
    shades: Shades,
    upper: Layer,
    lower: Layer,
    tongue: Layer,
    photo: Layer,
    grain: Float32,
) -> None:
    """Paint what is seen between the lips, their rims and their contact into a frame.

    frame   (H, W, 3)
    box     the pixels to look at
    upper   teeth that hang on the skull
    lower   teeth that hang on the jaw
    photo   (h, w, 4) the photographed mouth, its lips taken out; looked up only when needed
    grain   (g, g) deviation 1, g a power of 2; rides on the upper teeth
    """
    x0, y0, x1, y1 = box
    table, mm = lips.table, np.float32(shades.mm)
    ex, ey = lips.along[0], lips.along[1]
    rows = table.shape[0]
    one = np.float32(1.0)
    soft = np.float32(1.0 / (4.0 * shades.edge_px))
    line = np.float32(1.0 / shades.contact_px)
    rim = np.float32(1.0 / (RIM_MM * shades.mm + shades.edge_px))
    reach = np.float32(3.0 * (RIM_MM * shades.mm + shades.edge_px))
    taken = np.empty(4, np.float32)
    colour = np.empty(3, np.float32)
    tile = grain.shape[0] - 1
    for y in range(y0, y1):
        dy = np.float32(y) - lips.origin[1]
        for x in range(x0, x1):
            dx = np.float32(x) - lips.origin[0]
            s = dx * ex + dy * ey
            t = dy * ex - dx * ey
            place = s - np.float32(lips.first_s)
            row = int(place)
            if place < 0 or row >= rows - 1:
                continue
            share = place - np.float32(row)
            above = table[row, 0] + (table[row + 1, 0] - table[row, 0]) * share
            below = table[row, 1] + (table[row + 1, 1] - table[row, 1]) * share
            under_upper = (t - above) * table[row, 2]
            over_lower = (below - t) * table[row, 3]
            if under_upper < -reach or over_lower < -reach:
                continue
            touch = table[row, 4] + (table[row + 1, 4] - table[row, 4]) * share
            # an opening is what lies below the upper edge and not below the lower one
            a = min(max(under_upper * soft + np.float32(0.5), np.float32(0.0)), one)
            b = min(max(np.float32(0.5) - over_lower * soft, np.float32(0.0)), one)
            a = a * a * (np.float32(3.0) - np.float32(2.0) * a)
            b = b * b * (np.float32(3.0) - np.float32(2.0) * b)
            cover = max(a - b, np.float32(0.0))
            corner = max(min(s, np.float32(lips.width) - s), np.float32(0.0)) / mm
            gap = (below - above) / mm

            # the lips' rims
            opened = min(max(gap, np.float32(0.0)) * np.float32(0.5), one)
            opened *= min(corner * np.float32(0.25), one)
            outside = max(-min(under_upper, over_lower), np.float32(0.0)) * rim
            turned = one - np.float32(RIM_SHADE) * opened * np.exp(-outside * outside)
            wet = np.float32(0.0)
            if over_lower < 0:
                off = (-over_lower / mm - np.float32(GLOSS_MM)) * np.float32(1.0 / 0.35)
                wet = np.float32(shades.gloss) * opened * np.exp(-off * off)

            if cover > np.float32(0.004):
                deep_u = max(under_upper, np.float32(0.0)) / mm
                deep_l = max(over_lower, np.float32(0.0)) / mm
                shade = one - np.float32(UPPER_LIP_SHADE) * np.exp(
                    deep_u * np.float32(-1.0 / UPPER_LIP_SHADE_MM)
                )
                shade *= one - np.float32(LOWER_LIP_SHADE) * np.exp(
                    deep_l * np.float32(-1.0 / LOWER_LIP_SHADE_MM)
                )
                shade *= one - np.float32(CORNER_SHADE) * np.exp(
                    corner * np.float32(-1.0 / CORNER_SHADE_MM)
                )
                shade *= np.float32(shades.narrow)

                # further down the dark is less deep, and in the corners cheeks close it
                depth = np.float32(0.55) + np.float32(0.75) * deep_u / (deep_u + deep_l + one)
                wall = np.exp(-corner * np.float32(0.5))
                for c in range(3):
                    dark = shades.cavity[c] * depth
                    colour[c] = dark + (shades.contact[c] - dark) * wall
                if shades.tongue_in_front < 0.5:
                    _sample(tongue.pixels, tongue.lookup, x, y, taken)
                    _lay(colour, taken, np.float32(shades.tongue))
                _sample(lower.pixels, lower.lookup, x, y, taken)
                _lay(colour, taken, one)
                if shades.tongue_in_front >= 0.5:
                    _sample(tongue.pixels, tongue.lookup, x, y, taken)
                    _lay(colour, taken, np.float32(shades.tongue))
                for c in range(3):
                    warm = one - shades.falloff[c] * (one - shade)
                    colour[c] *= shade * warm
                _sample(upper.pixels, upper.lookup, x, y, taken)
                kept = one - (one - shade) * np.float32(shades.upper)
                for c in range(3):
                    warm = one - shades.falloff[c] * (one - kept)
                    colour[c] += taken[c] * kept * warm - colour[c] * taken[3]
                if shades.grain > 0.0:
                    look = upper.lookup
                    gx = int(look[0, 0] * x + look[0, 1] * y + look[0, 2] + 1024.5) & tile
                    gy = int(look[1, 0] * x + look[1, 1] * y + look[1, 2] + 1024.5) & tile
                    speck = grain[gy, gx] * np.float32(shades.grain)
                    for c in range(3):
                        colour[c] += speck
                if shades.photographed > 0.0:
                    _sample(photo.pixels, photo.lookup, x, y, taken)
                    for c in range(3):
                        colour[c] += (taken[c] - colour[c]) * np.float32(shades.photographed)

            # where lips touch
            middle = ((above + below) * np.float32(0.5) - t) * line
            touch *= np.exp(np.float32(-0.5) * middle * middle)
            for c in range(3):
                value = np.float32(frame[y, x, c])
                value = value * turned
                value += (np.float32(255.0) - value) * wet
                if cover > np.float32(0.004):
                    value += (colour[c] - value) * cover
                value += (shades.contact[c] - value) * touch
                frame[y, x, c] = np.uint8(min(max(value + np.float32(0.5), np.float32(0)), 255))


@compiled(fastmath=True)
def _sample(pixels: Float32, lookup: Float32, x: int, y: int, taken: Float32) -> None:
    """Bilinear look-up of a frame position in a layer; clear beyond its border."""
    u = lookup[0, 0] * x + lookup[0, 1] * y + lookup[0, 2]
    v = lookup[1, 0] * x + lookup[1, 1] * y + lookup[1, 2]
    height, width = pixels.shape[0], pixels.shape[1]
    if u < 0 or v < 0 or u >= width - 1 or v >= height - 1:
        for c in range(4):
            taken[c] = 0.0
        return
    i, j = int(v), int(u)
    p, q = np.float32(v - i), np.float32(u - j)
    one = np.float32(1.0)
    nw, ne, sw, se = (one - p) * (one - q), (one - p) * q, p * (one - q), p * q
    for c in range(4):
        taken[c] = (
            pixels[i, j, c] * nw
            + pixels[i, j + 1, c] * ne
            + pixels[i + 1, j, c] * sw
            + pixels[i + 1, j + 1, c] * se
        )


@compiled(fastmath=True)
def _lay(colour: Float32, taken: Float32, brightness: np.float32) -> None:
    """Lay a sample over a colour."""
    for c in range(3):
        colour[c] += taken[c] * brightness - colour[c] * taken[3]
