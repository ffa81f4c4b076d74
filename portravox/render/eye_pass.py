"""The inner loop that draws one eye: every pixel once, with all that lies there.

Flow      render.eyes -> render.eye_pass -> frame
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from portravox.arrays import Float32, Float64, Int32, UInt8
from portravox.compiled_code import compiled
from portravox.render.lids import LOWER_SPREAD_MM

UPPER, LOWER, SHUT, UPPER_NOW, LOWER_NOW, STEEP = range(6)
"""Rows of a lid table, one value for each column of the view: rows of the view on which the edges
of the lids lie as photographed, on which they meet when shut, and on which they lie now; and the
cosine of the upper edge's slope."""

LID_ROWS = 6


class EyeState(NamedTuple):
    """Of one eye in one frame. Numpy scalars: a compiled loop computes in their precision."""

    mm: np.float32
    """px of the view"""

    shut_share: np.float32
    """0..1 how far the skin of the shut lid takes the place of the open one's."""

    shut_below: np.float32
    """The same below the edge of the lower lid."""

    lash_share: np.float32
    """0..1 how dark the lashes of the shut lid are."""

    lash_row: np.float32
    """Of the lashes' texture, lies on the lid's edge."""

    root: np.float32
    """px of the view: the line in which lashes stand keeps its height while they turn."""

    per_hang: np.float32
    """1 / of their length, that the lashes of the shut lid are seen long: they turn downwards."""

    raised_share: np.float32
    """0..1 how dark the lashes are that the open eye shows."""

    per_raise: np.float32
    """1 / of their length, that they are seen long."""

    light_share: np.float32
    """0..1 of what is brighter at the open lid's edge than its skin: wet rim, white."""

    ball_share: np.float32
    """0..1 how far the painted eyeball takes the place of the frame's own."""

    shadow: np.float32
    """0..1 of the lid on the eyeball."""

    gaze_x: np.float32
    gaze_y: np.float32
    """px of the view that the iris has moved."""

    glint_follow: np.float32
    """Share of the gaze by which reflections follow."""

    softness: np.float32
    """px of the view over which an edge blends."""

    light: np.float32
    light_x: np.float32
    light_y: np.float32
    """Brightness factor at the view's first pixel, and its change for each px of the view."""


class EyeLayers(NamedTuple):
    """The pictures an eye is painted from, all in the view's (h, w)."""

    open_skin: UInt8
    """(h, w, 3) the view as photographed, but without the lashes of the upper lid."""

    shut_skin: UInt8
    """(h, w, 3)"""

    window: UInt8
    """(h, w) 0..255 where the eye may be drawn; less at its rim."""

    white: Float32
    """(h, w, 3) 0..255"""

    iris: Float32
    """(h, w, 4) premultiplied, and cover 0..1."""

    glint: Float32
    """(h, w, 3) added."""

    raised: Float32
    """(k, w, 3) lashes of the open eye: what they multiply the skin by, less 1; row 0 at the edge
    of the upper lid, the following ones above it."""

    lashes: Float32
    """(m, w) 0..1, of the shut eye"""

    lash_colour: Float32
    """(3,)"""


_P: Any = np.uintp
"""Of indices: signed ones are first asked whether they count from the end."""
_ONE = _P(1)

RIGID_MM = 1.2
"""Skin this near to a lid's edge moves with it unchanged; lashes stand there."""

SLIDE_PER_FALL, SLIDE_LEAST_MM = 1.9, 3.0
"""How far above that the skin still moves: so many times the lid's own way, and at least so far.
Below 1.5 times, the map from frame to skin would fold over. Our choice."""

FOLD_PER_FALL, FOLD_LEAST_MM = 1.6, 3.5
"""The same for the skin of the shut lid, whose fold opens while the lid falls. Our choice."""

FULL_BY_MOVED = 3.0
"""Skin that has moved by a third of a px of the view is painted in full; what has not moved is left
as the frame has it."""

LID_SHADOW_MM = 2.6
"""How far the upper lid's shadow reaches down the eyeball. Our choice."""

_0: Any = np.float32(0.0)
_HALF: Any = np.float32(0.5)
_1: Any = np.float32(1.0)
_2: Any = np.float32(2.0)
_3: Any = np.float32(3.0)
_255: Any = np.float32(255.0)
"""Numba takes Python numbers for 64-bit ones, which halves the speed."""


@compiled()
def solve_in_place(system: Float64, right: Float64) -> None:
    """Solve a small system that is symmetric and positive, by elimination without exchange.

    A linear algebra library would wake threads for it, see rig.kernels.

    system  (n, n) spoilt
    right   (n, m) becomes the solution
    """
    n = system.shape[0]
    for i in range(n):
        for j in range(i + 1, n):
            share = system[j, i] / system[i, i]
            for k in range(i, n):
                system[j, k] -= share * system[i, k]
            for k in range(right.shape[1]):
                right[j, k] -= share * right[i, k]
    for i in range(n - 1, -1, -1):
        for k in range(right.shape[1]):
            value = right[i, k]
            for j in range(i + 1, n):
                value -= system[i, j] * right[j, k]
            right[i, k] = value / system[i, i]


@compiled(fastmath=True)
def reach_of(vertices: Float32, rest: Float32, near: Int32, rim: Float32, reach: Float32) -> None:
    """Where a rectangle may lie that goes along with vertices, each as far as any of them.

    vertices  (V, 3) now
    rest      (V', 3) as photographed
    near      (K,) the vertices
    rim       (4, 2) corners of the rectangle
    reach     (2, 2) written: least and largest x and y
    """
    for axis in range(2):
        least = vertices[near[0], axis] - rest[near[0], axis]
        most = least
        for k in range(1, near.shape[0]):
            shift = vertices[near[k], axis] - rest[near[k], axis]
            least, most = min(least, shift), max(most, shift)
        low, high = rim[0, axis], rim[0, axis]
        for k in range(1, 4):
            low, high = min(low, rim[k, axis]), max(high, rim[k, axis])
        reach[0, axis] = low + least
        reach[1, axis] = high + most


@compiled()
def fit_view(
    vertices: Float32, near: Int32, near_view: Float64, x0: int, y0: int, unit: float,
    to_view: Float32,
) -> None:  # fmt: skip
    """Fit view positions, of second degree, to frame positions of vertices: least squares.

    vertices   (V, 3) now
    near       (K,) the vertices
    near_view  (K, 2) where they are in the view
    x0, y0     corner in the frame that positions are relative to
    unit       about how far they are from it, px: keeps the powers of one size
    to_view    (2, 6) written, see draw_eye
    """
    system, right, terms = np.zeros((6, 6)), np.zeros((6, 2)), np.empty(6)
    for k in range(near.shape[0]):
        x = (np.float64(vertices[near[k], 0]) - x0) / unit
        y = (np.float64(vertices[near[k], 1]) - y0) / unit
        terms[0], terms[1], terms[2] = 1.0, x, y
        terms[3], terms[4], terms[5] = x * x, x * y, y * y
        for i in range(6):
            for j in range(6):
                system[i, j] += terms[i] * terms[j]
            for j in range(2):
                right[i, j] += terms[i] * near_view[k, j]
    for i in range(6):
        system[i, i] += 1e-9
    solve_in_place(system, right)
    for i in range(6):
        power = 1.0 if i == 0 else unit if i < 3 else unit * unit
        for j in range(2):
            to_view[j, i] = right[i, j] / power


@compiled()
def fill_tables(
    upper: Float32, lower: Float32, shut: Float32, upper_now: Float32, lower_now: Float32,
    tables: Float32,
) -> None:  # fmt: skip
    """Fill a lid table, (6, w), from its first five rows, (w,) each."""
    width = upper.shape[0]
    for i in range(width):
        before, after = max(i - 1, 0), min(i + 1, width - 1)
        slope = (upper_now[after] - upper_now[before]) / np.float32(max(after - before, 1))
        tables[UPPER, i], tables[LOWER, i], tables[SHUT, i] = upper[i], lower[i], shut[i]
        tables[UPPER_NOW, i], tables[LOWER_NOW, i] = upper_now[i], lower_now[i]
        tables[STEEP, i] = np.float32(1.0) / np.sqrt(np.float32(1.0) + slope * slope)


@compiled(fastmath=True)
def draw_eye(
    frame: UInt8, before: UInt8, x0: int, y0: int, to_view: Float32, lids: Float32, eye: EyeState,
    layers: EyeLayers,
) -> None:  # fmt: skip
    """Draw an eye into a rectangle of the frame.

    frame    (H, W, 3); written from (x0, y0) on, as far as `before` reaches
    before   (h, w, 3) what the frame shows there so far
    to_view  (2, 6) row by row the view's x and y of a frame position (x, y) relative to (x0, y0):
             times 1, x, y, x², xy, y²
    lids     (6, w') a lid table
    """
    # looked up once: a compiled loop counts references each time it opens a tuple
    open_skin, shut_skin, window = layers.open_skin, layers.shut_skin, layers.window
    white, iris, glint = layers.white, layers.iris, layers.glint
    raised, lashes, lash_colour = layers.raised, layers.lashes, layers.lash_colour
    right, bottom = window.shape[1] - 3, window.shape[0] - 3
    most_u, most_v = np.float32(window.shape[1] - 2), np.float32(window.shape[0] - 2)
    top_row, left_column = _P(y0), _P(x0)
    per_soft = _1 / eye.softness
    follow_x, follow_y = eye.gaze_x * eye.glint_follow, eye.gaze_y * eye.glint_follow
    highest, lowest = _rows_in_view(lids, eye)
    for row in range(_P(before.shape[0])):
        fy = np.float32(row)
        u0, u1 = _row_in_view(to_view, _P(0), fy)
        v0, v1 = _row_in_view(to_view, _P(1), fy)
        for column in range(_P(before.shape[1])):
            fx = np.float32(column)
            v = v0 + fx * (v1 + fx * to_view[1, 3])
            if v < highest or v > lowest:
                continue
            u = u0 + fx * (u1 + fx * to_view[0, 3])
            if _outside(u, v, right, bottom):
                continue
            iu, iv = _P(np.int32(u)), _P(np.int32(v))
            allowed = np.float32(window[iv, iu]) * np.float32(1.0 / 255.0)
            if allowed == _0:
                continue
            part, pv = u - np.float32(iu), v - np.float32(iv)
            upper = _along(lids, _P(UPPER), iu, part)
            upper_now = _along(lids, _P(UPPER_NOW), iu, part)
            lower_now = _along(lids, _P(LOWER_NOW), iu, part)
            above = upper_now - v
            skin_v, moved = _skin_row(
                v, upper, _along(lids, _P(LOWER), iu, part), upper_now, lower_now, eye
            )
            shut_now = _shut_share(above, lower_now - upper_now, eye)
            between = _between_lids(
                above * lids[STEEP, iu], lower_now - v, lower_now - upper_now, per_soft
            )
            skin_share = max(min(_1, np.float32(FULL_BY_MOVED) * moved), shut_now) * allowed
            skin_share *= _1 - between
            ball = between * eye.ball_share * allowed
            lash = _hanging(lashes, above, iu, part, eye) * allowed
            if skin_share <= _0 and ball <= _0 and lash <= _0:
                continue

            light = eye.light + eye.light_x * u + eye.light_y * v
            j, b = _cell(skin_v, most_v)
            k, kb = _P(0), _0
            if shut_now > _0:
                shut = _along(lids, _P(SHUT), iu, part)
                k, kb = _cell(_shut_row(v, upper, shut, upper_now, eye.mm), most_v)
            n, nb, at_lash = _standing(raised, above, upper_now, lower_now, v, eye)
            ju, jv, hu, hv = _P(0), _P(0), _P(0), _P(0)
            ja, jb, ha, hb, bare, shade = _0, _0, _0, _0, _0, _0
            if ball > _0:
                ju, ja = _cell(u - eye.gaze_x, most_u)
                jv, jb = _cell(v - eye.gaze_y, most_v)
                hu, ha = _cell(u - follow_x, most_u)
                hv, hb = _cell(v - follow_y, most_v)
                bare = _1 - _bilinear(iris, jv, ju, _P(3), jb, ja)
                shade = _shade_of_lid(-above, eye)
            for c in range(_P(3)):
                value = np.float32(before[row, column, c])
                if skin_share > _0:
                    skin = _skin(open_skin, shut_skin, j, k, iu, c, b, kb, part, shut_now)
                    if at_lash:
                        skin *= _behind_lash(_bilinear(raised, n, iu, c, nb, part), eye)
                    value += (skin * light - value) * skin_share
                if ball > _0:
                    seen = _bilinear(white, iv, iu, c, pv, part) * bare
                    seen += _bilinear(iris, jv, ju, c, jb, ja)
                    seen += _bilinear(glint, hv, hu, c, hb, ha)
                    value += (seen * light * shade - value) * ball
                value += (lash_colour[c] * light - value) * lash
                value = min(max(value + _HALF, _0), _255)
                frame[top_row + row, left_column + column, c] = np.uint8(value)


@compiled(inline=True)
def _outside(u: Any, v: Any, right: Any, bottom: Any) -> Any:
    """Whether a place of the view has no neighbours to look up between, or lies beyond it."""
    return u < _1 or v < _1 or u > right or v > bottom


@compiled(fastmath=True)
def _rows_in_view(lids: Float32, eye: EyeState) -> Any:
    """Rows of the view above and below which nothing is drawn."""
    highest, lowest = np.float32(1e9), np.float32(-1e9)
    if eye.shut_share > _0 or eye.lash_share > _0:
        return -highest, -lowest
    rigid = np.float32(RIGID_MM) * eye.mm
    fallen = _0
    for i in range(lids.shape[1]):
        highest = min(highest, lids[UPPER_NOW, i])
        lowest = max(lowest, lids[LOWER_NOW, i])
        fallen = max(fallen, abs(lids[UPPER_NOW, i] - lids[UPPER, i]))
    spread = max(np.float32(SLIDE_PER_FALL) * fallen, np.float32(SLIDE_LEAST_MM) * eye.mm)
    return highest - rigid - spread, lowest + rigid + np.float32(LOWER_SPREAD_MM) * eye.mm


@compiled(inline=True)
def _row_in_view(to_view: Float32, axis: Any, y: Any) -> Any:
    """One coordinate of a row, as a polynomial of x: what it begins with, and the factor of x."""
    return (
        to_view[axis, 0] + y * (to_view[axis, 2] + y * to_view[axis, 5]),
        to_view[axis, 1] + y * to_view[axis, 4],
    )


@compiled(inline=True)
def _along(table: Float32, row: Any, column: Any, part: Any) -> Any:
    """A table's value between a column and the next one."""
    return table[row, column] + (table[row, column + _ONE] - table[row, column]) * part


@compiled(inline=True)
def _bilinear(pixels: Any, row: Any, column: Any, channel: Any, down: Any, across: Any) -> Any:
    """A channel's value between four pixels; (row, column) is the upper left one."""
    north = np.float32(pixels[row, column, channel])
    north += (np.float32(pixels[row, column + _ONE, channel]) - north) * across
    south = np.float32(pixels[row + _ONE, column, channel])
    south += (np.float32(pixels[row + _ONE, column + _ONE, channel]) - south) * across
    return north + (south - north) * down


@compiled(inline=True)
def _skin(
    open_skin: UInt8, shut_skin: UInt8, row: Any, shut_row: Any, column: Any, channel: Any,
    down: Any, shut_down: Any, across: Any, shut_share: Any,
) -> Any:  # fmt: skip
    """A channel of the lids' skin: of the open eye, and to a share of the shut one."""
    skin = _bilinear(open_skin, row, column, channel, down, across)
    if shut_share > _0:
        shut = _bilinear(shut_skin, shut_row, column, channel, shut_down, across)
        skin += (shut - skin) * shut_share
    return skin


@compiled(inline=True)
def _cell(place: Any, most: Any) -> Any:
    """The pixel in which a place lies, kept within 0 and `most`, and how far beyond its middle."""
    kept = min(max(place, _0), most)
    index = _P(np.int32(kept))
    return index, kept - np.float32(index)


@compiled(inline=True)
def _fading(distance: Any, rigid: Any, spread: Any) -> Any:
    """1 up to a distance, 0 from `spread` beyond it on, smooth between."""
    t = min(max((distance - rigid) / spread, _0), _1)
    return _1 - t * t * (_3 - _2 * t)


@compiled(inline=True)
def _skin_row(v: Any, upper: Any, lower: Any, upper_now: Any, lower_now: Any, eye: Any) -> Any:
    """The row of the open eye's view whose skin is at row v now, and how far it has moved.

    upper, lower  rows of the lids' edges as photographed
    """
    rigid = np.float32(RIGID_MM) * eye.mm
    inset = _HALF * eye.softness
    if v < upper_now or v < _HALF * (upper_now + lower_now):
        fallen = upper_now - upper
        room = np.float32(SLIDE_PER_FALL) * abs(fallen)
        spread = max(room, np.float32(SLIDE_LEAST_MM) * eye.mm)
        gone = fallen * _fading(upper_now - v, rigid, spread)
        return min(v - gone, upper - inset), abs(gone)
    risen = lower_now - lower
    gone = risen * _fading(v - lower_now, rigid, np.float32(LOWER_SPREAD_MM) * eye.mm)
    return max(v - gone, lower + inset), abs(gone)


@compiled(inline=True)
def _shut_share(above: Any, gap: Any, eye: Any) -> Any:
    """How far the skin of the shut lid is seen, above and below the upper lid's edge."""
    if eye.shut_share > _0 and above < _0:
        # in the corners, where no eyeball lies between, there is but one skin
        narrow = max(_1 - gap / eye.mm, _0)
        return max(eye.shut_below, eye.shut_share * narrow)
    return eye.shut_share


@compiled(inline=True)
def _between_lids(above: Any, over: Any, gap: Any, per_soft: Any) -> Any:
    """0..1 how far a place lies between the lids: under the upper one, over the lower one."""
    between = min(max(-above * per_soft + _HALF, _0), _1)
    between *= min(max(over * per_soft + _HALF, _0), _1)
    return between * min(gap * per_soft, _1)


@compiled(inline=True)
def _lash(lashes: Float32, row: Any, column: Any, part: Any) -> Any:
    """0..1 how dark the lashes are at a place of their texture; 0 outside."""
    if row <= _0 or row >= np.float32(lashes.shape[0] - 2):
        return _0
    first = _P(np.int32(row))
    north = _along(lashes, first, column, part)
    south = _along(lashes, first + _ONE, column, part)
    return north + (south - north) * (row - np.float32(first))


@compiled(inline=True)
def _hanging(lashes: Float32, above: Any, column: Any, part: Any, eye: Any) -> Any:
    """0..1 how dark the lashes of the shut eye are here, which turn downwards with the lid."""
    lash = _0
    if eye.lash_share > _0:
        below = -above
        if below > eye.root:
            below = eye.root + (below - eye.root) * eye.per_hang
        lash = _lash(lashes, eye.lash_row + below, column, part) * eye.lash_share
    return lash


@compiled(inline=True)
def _standing(
    raised: Float32, above: Any, upper_now: Any, lower_now: Any, v: Any, eye: Any
) -> Any:  # fmt: skip
    """The row of the open eye's lashes that is seen here, how far beyond it, and whether any is."""
    height = max(above, _HALF * eye.softness)
    if height > eye.root:
        height = eye.root + (height - eye.root) * eye.per_raise
    most = np.float32(raised.shape[0] - 2)
    of_upper = above > _0 or v < _HALF * (upper_now + lower_now)
    row, beyond = _cell(height, most)
    return row, beyond, of_upper and height < most and eye.raised_share > _0


@compiled(inline=True)
def _behind_lash(change: Any, eye: Any) -> Any:
    """What lashes, or the light at their foot, multiply the skin's brightness by in this frame."""
    return _1 + change * (eye.raised_share if change < _0 else eye.light_share)


@compiled(inline=True)
def _shut_row(v: Any, upper: Any, shut: Any, upper_now: Any, mm: Any) -> Any:
    """The row of the shut eye's view whose skin is at row v now."""
    if v >= upper_now:
        return v
    rigid = np.float32(RIGID_MM) * mm
    fold = np.float32(FOLD_PER_FALL) * (upper_now - upper)
    fold = max(fold, np.float32(FOLD_LEAST_MM) * mm) + rigid
    return v + max(shut - upper_now, _0) * _fading(upper_now - v, _HALF * rigid, fold)


@compiled(inline=True)
def _shade_of_lid(below: Any, eye: Any) -> Any:
    """Brightness of the eyeball in the shadow of the upper lid, so far below its edge."""
    t = min(max(below / (np.float32(LID_SHADOW_MM) * eye.mm), _0), _1)
    return _1 - eye.shadow * (_1 - t) * (_1 - t)
