"""The inside of the mouth put together, pixel by pixel, in one compiled pass.

Flow      render.mouth -> render.interior -> frame

The mouth has its own axes: s runs from its left corner to its right one, t across, downwards.
Everything about the lips is a function of s, see `LipLine`, so that the distance of a pixel to
either lip is known without drawing or blurring any mask: the lips' edges are as soft as wanted,
at any size, and shade falls off with distance from them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from portravox.arrays import Float32, Float64, UInt8
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


UPPER_LIP_SHADE, UPPER_LIP_SHADE_MM = 0.24, 1.0
LOWER_LIP_SHADE, LOWER_LIP_SHADE_MM = 0.18, 0.8
CORNER_SHADE, CORNER_SHADE_MM = 0.50, 4.5
"""Share of light that a lip or corner takes from what lies at it, and how far that reaches. Our
choice."""

RIM_MM = 0.55
RIM_SHADE = 0.30
"""The lips' rims turn away from the light, over so many mm."""

GLOSS_MM, GLOSS_WIDTH_MM = 0.9, 0.35
"""The wet line lies so far below the lower lip's inner edge, and is so wide."""


RIM_GAPS_MM = (0.3, 2.0)
"""The rim of what was photographed between the lips grows while they part so far."""

TOUCH_FROM_CORNER = (-0.02, 0.14)
"""The shadow of contact fades in over these shares of the mouth's width from each corner."""

DARK_AT_TOP, DARK_BELOW = 0.55, 0.75
"""Brightness of the cavity under the upper lip, and how much is added down to the lower one. Our
choice."""

CORNER_WALL_MM = 2.5
"""So far from a corner the cheek, which closes it, is half as much seen as the dark. Our choice."""

OPENED_MM, OPENED_FROM_CORNER_MM = 2.0, 4.0
"""Rims and wet line show in full where the lips are so far apart, so far from the corners."""

LEAST_SHARE = 0.004
"""Of 255 it is one: less is not seen."""

NEARLY_ALL = 0.99
"""What is covered to this share lets nothing through."""

GRAIN_OFFSET = 1024.5
"""Keeps positions in the grain above 0, and rounds them."""

_0: Any = np.float32(0.0)
_HALF: Any = np.float32(0.5)
_1: Any = np.float32(1.0)
_2: Any = np.float32(2.0)
_3: Any = np.float32(3.0)
_LEAST: Any = np.float32(LEAST_SHARE)
_NEARLY: Any = np.float32(NEARLY_ALL)
"""Numba takes Python numbers for 64-bit ones, which halves the speed."""


@compiled()
def lip_table(
    up: Float64,
    low: Float64,
    margin: float,
    mm: float,
    rim_px: float,
    touch: float,
    contact_mm: float,
) -> tuple[Float32, Float32, float]:
    """Both lips along the line from corner to corner.

    up, low     (M, 2) px in the frame, left to right
    margin      px that the line goes on beyond either corner
    rim_px      how far at most an edge is taken back
    touch       0..1 shadow where lips touch
    contact_mm  lips nearer than this touch
    returns     the table of a LipLine; (3, 2) its origin, its direction and its width; and how far
                lips are apart at most, mm
    """
    left_x, left_y = (up[0, 0] + low[0, 0]) / 2, (up[0, 1] + low[0, 1]) / 2
    last = up.shape[0] - 1
    right_x, right_y = (up[last, 0] + low[last, 0]) / 2, (up[last, 1] + low[last, 1]) / 2
    width = np.sqrt((right_x - left_x) ** 2 + (right_y - left_y) ** 2)
    length = max(width, 1e-6)
    along_x, along_y = (right_x - left_x) / length, (right_y - left_y) / length
    count = int(np.ceil(width + 2.0 * margin + 1.0))
    edges = np.empty((2, count))
    s_of, t_of = np.empty(last + 1), np.empty(last + 1)
    for side in range(2):
        lip = up if side == 0 else low
        furthest = -np.inf
        for i in range(last + 1):
            x, y = lip[i, 0] - left_x, lip[i, 1] - left_y
            # at the corners skin may fold over; the lip goes on to the right
            furthest = max(furthest, x * along_x + y * along_y)
            s_of[i], t_of[i] = furthest, y * along_x - x * along_y
        i = 0
        for k in range(count):
            s = k - margin
            while i < last and s_of[i + 1] <= s:
                i += 1
            if s <= s_of[0] or i == last:
                edges[side, k] = t_of[i]
            else:
                share = (s - s_of[i]) / (s_of[i + 1] - s_of[i])
                edges[side, k] = t_of[i] + share * (t_of[i + 1] - t_of[i])
    table = np.empty((count, 5), np.float32)
    widest = -np.inf
    for k in range(count):
        before, after = max(k - 1, 0), min(k + 1, count - 1)
        gap_mm = (edges[1, k] - edges[0, k]) / mm
        widest = max(widest, gap_mm)
        rim = rim_px * _smooth(RIM_GAPS_MM[0], RIM_GAPS_MM[1], gap_mm)
        table[k, 0], table[k, 1] = edges[0, k] - rim, edges[1, k] + rim
        for side in range(2):
            slope = (edges[side, after] - edges[side, before]) / (after - before)
            table[k, 2 + side] = 1.0 / np.sqrt(1.0 + slope * slope)
        s = k - margin
        from_corner = min(s, width - s) / length
        near = min(max(1.0 - gap_mm / contact_mm, 0.0), 1.0)
        table[k, 4] = (
            touch * near * _smooth(TOUCH_FROM_CORNER[0], TOUCH_FROM_CORNER[1], from_corner)
        )
    place = np.array([[left_x, left_y], [along_x, along_y], [width, 0.0]], np.float32)
    return table, place, widest


@compiled()
def _smooth(low: float, high: float, x: float) -> float:
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@compiled(fastmath=True)
def paint_interior(
    frame: UInt8, box: Box, lips: LipLine, shades: Shades, upper: Layer, lower: Layer,
    tongue: Layer, photo: Layer, grain: Float32,
) -> None:  # fmt: skip
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
    per_mm = _1 / mm
    soft, line, rim, shine, reach = _widths(shades.mm, shades.edge_px, shades.contact_px)
    taken, behind = np.empty(4, np.float32), np.empty(3, np.float32)
    colour = np.zeros(3, np.float32)  # counts for nothing where it has not been set, if finite
    # looked up once: a compiled loop counts references each time it opens a tuple
    upper_pixels, upper_at = upper.pixels, upper.lookup
    (far_pixels, far_at), far_light, (near_pixels, near_at), near_light = _behind_teeth(
        lower, tongue, np.float32(shades.tongue), shades.tongue_in_front
    )
    photo_pixels, photo_at = photo.pixels, photo.lookup
    cavity, contact, falloff = shades.cavity, shades.contact, shades.falloff
    ox, oy = lips.origin[0], lips.origin[1]
    for y in range(y0, y1):
        dy = np.float32(y) - oy
        for x in range(x0, x1):
            dx = np.float32(x) - ox
            s = dx * ex + dy * ey
            t = dy * ex - dx * ey
            place = s - np.float32(lips.first_s)
            row = int(place)
            if place < 0 or row >= rows - 1:
                continue
            share = place - np.float32(row)
            above, below = _along(table, row, 0, share), _along(table, row, 1, share)
            under_upper = (t - above) * table[row, 2]
            over_lower = (below - t) * table[row, 3]
            if under_upper < -reach or over_lower < -reach:
                continue
            cover = _opening(under_upper, over_lower, soft)
            corner = max(min(s, np.float32(lips.width) - s), _0) * per_mm

            if cover > _0:
                deep_u = max(under_upper, _0) * per_mm
                deep_l = max(over_lower, _0) * per_mm
                shade = np.float32(shades.narrow) * _light_inside(deep_u, deep_l, corner)
                kept = _1 - (_1 - shade) * np.float32(shades.upper)
                front = _upper_teeth(colour, upper_pixels, upper_at, x, y, taken, kept, falloff)
                if front < _NEARLY:
                    _darkness(behind, cavity, contact, deep_u, deep_l, corner)
                    _lay(behind, far_pixels, far_at, x, y, taken, far_light)
                    _lay(behind, near_pixels, near_at, x, y, taken, near_light)
                    _let_through(colour, behind, (_1 - front) * shade, shade, falloff)
                if shades.grain > 0.0:
                    _brighten(colour, _grain_at(grain, upper_at, x, y) * np.float32(shades.grain))
                if shades.photographed > 0.0:
                    _sample(photo_pixels, photo_at, x, y, taken)
                    _fade(colour, taken, np.float32(shades.photographed))

            skin = _1
            if cover < _NEARLY:
                opened = _opened((below - above) * per_mm, corner)
                gloss = np.float32(shades.gloss) * opened
                skin = _light_of_lips(under_upper, over_lower, mm, rim, shine, opened, gloss)
            touch = _along(table, row, 4, share)
            if touch > _LEAST:
                middle = ((above + below) * _HALF - t) * line
                touch *= np.exp(-_HALF * middle * middle)
            for c in range(3):
                value = np.float32(frame[y, x, c]) * skin
                value += (colour[c] - value) * cover
                value += (contact[c] - value) * touch
                value = min(max(value + _HALF, _0), np.float32(255.0))
                frame[y, x, c] = np.uint8(value)


@compiled(inline=True)
def _widths(mm: Any, edge_px: Any, contact_px: Any) -> Any:
    """1 / px of what edge, contact, rim and wet line are wide; how far they reach outside, px."""
    rim_px = RIM_MM * mm + edge_px
    return (
        np.float32(1.0 / (4.0 * edge_px)),
        np.float32(1.0 / contact_px),
        np.float32(1.0 / rim_px),
        np.float32(1.0 / (GLOSS_WIDTH_MM * mm + edge_px)),
        np.float32(3.0 * rim_px),
    )


@compiled(inline=True)
def _behind_teeth(lower: Layer, tongue: Layer, tongue_light: Any, tongue_in_front: Any) -> Any:
    """The further and the nearer of lower teeth and tongue, each with its brightness."""
    if tongue_in_front < 0.5:
        return tongue, tongue_light, lower, _1
    return lower, _1, tongue, tongue_light


@compiled(inline=True)
def _opened(gap_mm: Any, corner_mm: Any) -> Any:
    """0..1 how far lips are apart at a place so far from the nearer corner."""
    opened = min(max(gap_mm, _0) * np.float32(1.0 / OPENED_MM), _1)
    return opened * min(corner_mm * np.float32(1.0 / OPENED_FROM_CORNER_MM), _1)


@compiled(inline=True)
def _along(table: Float32, row: Any, column: Any, share: Any) -> Any:
    """A column of the lips' table between a row and the next one."""
    return table[row, column] + (table[row + 1, column] - table[row, column]) * share


@compiled(inline=True)
def _let_through(colour: Float32, behind: Float32, rest: Any, shade: Any, falloff: Any) -> None:
    """Add to a colour what lies behind it, to a share and in its shade."""
    for c in range(3):
        colour[c] += behind[c] * rest * (_1 - falloff[c] * (_1 - shade))


@compiled(inline=True)
def _brighten(colour: Float32, more: Any) -> None:
    """Add the same to red, green and blue."""
    for c in range(3):
        colour[c] += more


@compiled(inline=True)
def _fade(colour: Float32, other: Float32, share: Any) -> None:
    """Move a colour towards another one."""
    for c in range(3):
        colour[c] += (other[c] - colour[c]) * share


@compiled(inline=True)
def _opening(under_upper: Any, over_lower: Any, soft: Any) -> Any:
    """0..1 how far a place lies between the lips: below the upper edge, not below the lower one.

    0 for what would not be seen.
    """
    a = min(max(under_upper * soft + _HALF, _0), _1)
    b = min(max(_HALF - over_lower * soft, _0), _1)
    a = a * a * (_3 - _2 * a)
    b = b * b * (_3 - _2 * b)
    opening = a - b
    return opening if opening > _LEAST else _0


@compiled(inline=True)
def _light_inside(deep_u: Any, deep_l: Any, corner: Any) -> Any:
    """Brightness at a distance, mm, from the upper lip, the lower one and the nearer corner.

    1 / (1 + x + x²) falls off much as exp(-x) does, and is cheap.
    """
    u = deep_u * np.float32(1.0 / UPPER_LIP_SHADE_MM)
    w = deep_l * np.float32(1.0 / LOWER_LIP_SHADE_MM)
    k = corner * np.float32(1.0 / CORNER_SHADE_MM)
    shade = _1 - np.float32(UPPER_LIP_SHADE) / (_1 + u + u * u)
    shade *= _1 - np.float32(LOWER_LIP_SHADE) / (_1 + w + w * w)
    return shade * (_1 - np.float32(CORNER_SHADE) / (_1 + k + k * k))


@compiled(inline=True)
def _upper_teeth(
    colour: Float32, pixels: Float32, lookup: Float32, x: int, y: int, taken: Float32, kept: Any,
    falloff: Float32,
) -> Any:  # fmt: skip
    """Begin a colour with the upper teeth, lit to the share `kept`; returns how far they cover."""
    _sample(pixels, lookup, x, y, taken)
    for c in range(3):
        colour[c] = taken[c] * kept * (_1 - falloff[c] * (_1 - kept))
    return taken[3]


@compiled(inline=True)
def _darkness(
    behind: Float32, cavity: Float32, contact: Float32, deep_u: Any, deep_l: Any, corner: Any
) -> None:
    """Begin a colour with the cavity: less dark further down, closed by cheeks in the corners."""
    depth = np.float32(DARK_AT_TOP) + np.float32(DARK_BELOW) * deep_u / (deep_u + deep_l + _1)
    away = corner * np.float32(1.0 / CORNER_WALL_MM)
    wall = _1 / (_1 + away * away)
    for c in range(3):
        dark = cavity[c] * depth
        behind[c] = dark + (contact[c] - dark) * wall


@compiled(inline=True)
def _grain_at(grain: Float32, lookup: Float32, x: int, y: int) -> Any:
    """Of the tile at a frame position."""
    tile = grain.shape[0] - 1
    gx = int(lookup[0, 0] * x + lookup[0, 1] * y + lookup[0, 2] + GRAIN_OFFSET) & tile
    gy = int(lookup[1, 0] * x + lookup[1, 1] * y + lookup[1, 2] + GRAIN_OFFSET) & tile
    return grain[gy, gx]


@compiled(inline=True)
def _light_of_lips(
    under_upper: Any, over_lower: Any, mm: Any, rim: Any, shine: Any, opened: Any, gloss: Any
) -> Any:
    """Brightness of the lips, whose rims turn away and whose edge is wet.

    rim, shine  1 / px of either's width
    opened      0..1 how far the lips are apart here
    gloss       0..1 of the wet line here
    """
    outside = max(-min(under_upper, over_lower), _0) * rim
    skin = _1 - np.float32(RIM_SHADE) * opened * np.exp(-outside * outside)
    if over_lower < _0:
        off = (-over_lower - np.float32(GLOSS_MM) * mm) * shine
        skin += gloss * np.exp(-off * off)
    return skin


@compiled(fastmath=True)
def _sample(pixels: Float32, lookup: Float32, x: int, y: int, taken: Float32) -> None:
    """Bilinear look-up of a frame position in a layer; clear beyond its border."""
    u = lookup[0, 0] * np.float32(x) + lookup[0, 1] * np.float32(y) + lookup[0, 2]
    v = lookup[1, 0] * np.float32(x) + lookup[1, 1] * np.float32(y) + lookup[1, 2]
    height, width = pixels.shape[0], pixels.shape[1]
    if u < 0 or v < 0 or u >= width - 1 or v >= height - 1:
        for c in range(4):
            taken[c] = 0.0
        return
    i, j = np.uint64(v), np.uint64(u)  # unsigned: none of them counts from the end
    p, q = v - np.float32(i), u - np.float32(j)
    below, beside = i + np.uint64(1), j + np.uint64(1)
    for channel in range(4):
        k = np.uint64(channel)
        north = pixels[i, j, k] + (pixels[i, beside, k] - pixels[i, j, k]) * q
        south = pixels[below, j, k] + (pixels[below, beside, k] - pixels[below, j, k]) * q
        taken[k] = north + (south - north) * p


@compiled(fastmath=True)
def _lay(
    colour: Float32,
    pixels: Float32,
    lookup: Float32,
    x: int,
    y: int,
    taken: Float32,
    brightness: np.float32,
) -> None:
    """Lay what a layer shows at a frame position over a colour."""
    _sample(pixels, lookup, x, y, taken)
    for c in range(3):
        colour[c] += taken[c] * brightness - colour[c] * taken[3]
