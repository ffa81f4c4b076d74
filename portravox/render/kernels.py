"""The inner loops of the renderer, compiled.

Flow      rig.deform -> rasterize -> draw_planes -> render.scene

Readable versions stand in render.reference; a test holds the two together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from portravox.arrays import Float32, Int32, UInt8, UInt16, UInt32
from portravox.compiled_code import compiled

FAR = np.float32(1e30)

CELLS = (1, 2, 4, 8)
"""Nodes of a map may stand so many pixels apart."""

BLOCK = 4
"""Side, px, of the blocks of a film that are known to be solid, clear or between."""

RUN = 32
"""Pixels of a row that are treated alike: what the vector units of a processor take in one or a few
steps."""

LOOKED_AT_EACH = 2 * BLOCK
"""A film's blocks are looked at for one of so many pixels across and down; what one says holds
around it, see render.film."""

CLEAR, BETWEEN, SOLID = 0, 1, 2
"""What a film's matte is at a block and up to two blocks around: 0, anything, 255."""

# numpy scalars, because numba takes Python numbers for 64-bit ones and halves the speed.
_I: Any = np.int32
_U: Any = np.uint32
_F: Any = np.float32
_P: Any = np.uintp
"""Of indices: signed ones are first asked whether they count from the end."""
_ONE = _P(1)
_ZERO, _HALF, _WHOLE, _FULL = _F(0), _F(0.5), _F(1), _F(255)
_BYTE = _U(255)
_HAIR = _F(0.002)
_LUMA_BLACK, _CHROMA_ZERO = _F(16), _F(128)


@compiled(fastmath=True)
def begin_map(
    nodes: Float32,
    depth: Float32,
    x0: float,
    y0: float,
    step: float,
    body: Float32,
    shift_x: float,
    shift_y: float,
    hair: Float32,
    hair_x: float,
    hair_y: float,
) -> None:
    """What stands at the nodes of a map that no mesh covers: their own position, moved a little.

    nodes    (3, h, w) filled with x, y and a brightness factor of 1
    depth    (h, w) filled with FAR
    x0, y0   picture position of node (0, 0)
    step     distance between nodes, px
    body     (h, w) 0..1 how far each goes along, or (0, 0) for none
    shift_x  px, where the body's texture comes from: shifts are small and smooth, so that this
             is where it goes to, the other way round
    hair, hair_x, hair_y  likewise of what hangs from the head
    """
    height, width = depth.shape
    left, top, distance = _F(x0), _F(y0), _F(step)
    for y in range(height):
        for x in range(width):
            nodes[0, y, x] = left + _F(x) * distance
            nodes[1, y, x] = top + _F(y) * distance
            nodes[2, y, x] = _WHOLE
            depth[y, x] = FAR
    _carry(nodes, body, _F(shift_x), _F(shift_y))
    _carry(nodes, hair, _F(hair_x), _F(hair_y))


@compiled(fastmath=True)
def _carry(nodes: Float32, field: Float32, across: Any, down: Any) -> None:
    """Look up so much further back what goes along as a field says, (h, w) or (0, 0)."""
    if across == _ZERO and down == _ZERO:
        return
    for y in range(field.shape[0]):
        for x in range(field.shape[1]):
            nodes[0, y, x] -= across * field[y, x]
            nodes[1, y, x] -= down * field[y, x]


@compiled(fastmath=True)
def rasterize(
    vertices: Float32,
    attributes: Float32,
    triangles: Int32,
    x0: float,
    y0: float,
    step: float,
    nodes: Float32,
    depth: Float32,
) -> None:
    """Interpolate attributes over a mesh at the nodes of a grid, nearest triangle first.

    vertices    (V, 3) px; smaller z is nearer
    attributes  (V, 3)
    triangles   (F, 3)
    x0, y0      picture position of node (0, 0)
    step        distance between nodes, px
    nodes       (3, h, w) written where a triangle covers the node; else left as it is
    depth       (h, w) cleared to FAR by the caller
    """
    height, width = depth.shape
    inv_step = _F(1.0 / step)
    left_edge, top_edge = _F(x0), _F(y0)
    least, most = _F(-1e-4), _F(1 + 1e-4)
    most_x, most_y = _F(width - 1), _F(height - 1)
    for t in range(_P(triangles.shape[0])):
        a, b, c = _P(triangles[t, 0]), _P(triangles[t, 1]), _P(triangles[t, 2])
        ax = (vertices[a, 0] - left_edge) * inv_step
        bx = (vertices[b, 0] - left_edge) * inv_step
        cx = (vertices[c, 0] - left_edge) * inv_step
        ay = (vertices[a, 1] - top_edge) * inv_step
        by = (vertices[b, 1] - top_edge) * inv_step
        cy = (vertices[c, 1] - top_edge) * inv_step
        left = max(min(ax, bx, cx), _ZERO)
        right = min(max(ax, bx, cx), most_x)
        top = max(min(ay, by, cy), _ZERO)
        bottom = min(max(ay, by, cy), most_y)
        first_x, last_x = _I(np.ceil(left)), _I(np.floor(right))
        first_y, last_y = _I(np.ceil(top)), _I(np.floor(bottom))
        if first_x > last_x or first_y > last_y:
            continue  # outside, or between the nodes
        area = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy)
        if abs(area) < _F(1e-9):
            continue
        inv = _WHOLE / area
        la_dx = (by - cy) * inv
        lb_dx = (cy - ay) * inv
        la_dy = (cx - bx) * inv
        lb_dy = (ax - cx) * inv
        fx, fy = _F(first_x), _F(first_y)
        la_row = la_dx * (fx - cx) + la_dy * (fy - cy)
        lb_row = lb_dx * (fx - cx) + lb_dy * (fy - cy)
        zc = vertices[c, 2]
        za, zb = vertices[a, 2] - zc, vertices[b, 2] - zc
        pc, qc, rc = attributes[c, 0], attributes[c, 1], attributes[c, 2]
        pa, pb = attributes[a, 0] - pc, attributes[b, 0] - pc
        qa, qb = attributes[a, 1] - qc, attributes[b, 1] - qc
        ra, rb = attributes[a, 2] - rc, attributes[b, 2] - rc
        for y in range(_P(first_y), _P(last_y) + _ONE):
            la, lb = la_row, lb_row
            for x in range(_P(first_x), _P(last_x) + _ONE):
                if la >= least and lb >= least and la + lb <= most:
                    z = la * za + lb * zb + zc
                    if z < depth[y, x]:
                        depth[y, x] = z
                        nodes[0, y, x] = la * pa + lb * pb + pc
                        nodes[1, y, x] = la * qa + lb * qb + qc
                        nodes[2, y, x] = la * ra + lb * rb + rc
                la += la_dx
                lb += lb_dx
            la_row += la_dy
            lb_row += lb_dy


class NodeMap(NamedTuple):
    """Where in the photograph a window's pixels are looked up: known at nodes, even between."""

    nodes: Float32
    """(3, rows, columns) x, y in the photograph, px, and brightness factor."""

    x: int
    y: int
    """Of node (0, 0) in the frame, px."""

    cell: int
    """Distance of the nodes, one of CELLS."""


class MovingLayer(NamedTuple):
    """A film (render.film), its planes as pairs of pixels."""

    luma: UInt16
    """(h, w) * scale"""

    cb: UInt16
    cr: UInt16
    """(h / 2, w / 2)"""

    matte: UInt8
    """(h, w), 0..255, single: it is only looked up along the person's outline."""

    states: UInt8
    """Of each BLOCK x BLOCK pixels, whether they are CLEAR, BETWEEN or SOLID."""

    x: int
    y: int
    """Corner in the photograph, even."""

    scale: int


class ThreePlanes(NamedTuple):
    """Of a frame, or of what lies behind a film."""

    luma: UInt8
    """(h, w)"""

    cb: UInt8
    cr: UInt8
    """(h / 2, w / 2)"""


X, Y, LIGHT, MATTE = range(4)
"""Rows of a table with a value for each pixel of a row of the frame: where it is looked up in a
plane, px, its brightness factor, and its matte, 0..1."""


class _Segment(NamedTuple):
    """Pixels of two rows that are treated alike, counted from their left ends."""

    begin: int
    end: int

    x: int
    y: int
    """Left end of the upper row, in the frame; even."""

    behind_x: int
    behind_y: int
    """The same in the plate."""


@compiled(fastmath=True)
def draw_planes(
    places: NodeMap, bands: Int32, film: MovingLayer, plate: ThreePlanes, frame: ThreePlanes
) -> None:
    """Draw the moving layer, relit, over the plate into the planes of a frame.

    bands   (B, 4) x0, y0, x1, y1 in the frame, all even, inside the window: only these are
            drawn. x0 and y0 lie whole cells from the window's corner
    plate   what lies behind; its corner is the film's
    frame   written

    Loops are split so that each can be run on several pixels at once: places, fetching, blending.
    """
    # looked up once: a compiled loop counts references each time it opens a tuple of arrays
    nodes, luma, cb, cr, matte = places.nodes, film.luma, film.cb, film.cr, film.matte
    plate_luma, plate_cb, plate_cr = plate
    frame_luma, frame_cb, frame_cr = frame
    corners = places.x, places.y, film.x, film.y
    width = (nodes.shape[2] + 1) * places.cell
    rows, row_of_nodes = np.empty((3, 4, width), np.float32), np.empty(width, np.float32)
    upper, lower, middle = rows[0], rows[1], rows[2]
    at, fetched = np.empty(width, np.int32), np.empty(width, np.uint32)
    ends, of_segments = np.empty(width, np.int32), np.empty(width, np.int32)
    segments = 0
    for k in range(bands.shape[0]):
        x0, y0, x1, y1 = bands[k, 0], bands[k, 1], bands[k, 2], bands[k, 3]
        count = x1 - x0
        for y in range(y0, y1, 2):
            _row_of_places(nodes, places.cell, corners, x0, y, count, row_of_nodes, upper)
            _row_of_places(nodes, places.cell, corners, x0, y + 1, count, row_of_nodes, lower)
            if (y - y0) % LOOKED_AT_EACH == 0:
                segments = _segments(film.states, upper, count, ends, of_segments)
            end = 0
            for segment in range(segments):
                begin, end, state = end, ends[segment], of_segments[segment]
                here = _Segment(_P(begin), _P(end), _P(x0), _P(y), _P(x0 - film.x), _P(y - film.y))
                if state == CLEAR:
                    _copy_two_rows(here, plate_luma, frame_luma)
                    _copy_row(_halved(here), plate_cb, frame_cb)
                    _copy_row(_halved(here), plate_cr, frame_cr)
                    continue
                _means(here, upper, lower, middle)
                _draw_chroma(here, cb, cr, middle, at, fetched, frame_cb, frame_cr)
                if state == BETWEEN:
                    _read_matte(here, matte, upper, at, fetched)
                    _read_matte(here, matte, lower, at, fetched)
                _draw_luma(here, luma, film.scale, upper, at, fetched, frame_luma)
                _draw_luma(_below(here), luma, film.scale, lower, at, fetched, frame_luma)
                if state == BETWEEN:
                    _blend(here, upper[MATTE], plate_luma, frame_luma)
                    _blend(_below(here), lower[MATTE], plate_luma, frame_luma)
                    _mean_of_four(
                        upper[MATTE], lower[MATTE], _halved(here), _ZERO, _WHOLE, middle[MATTE]
                    )
                    _blend(_halved(here), middle[MATTE], plate_cb, frame_cb)
                    _blend(_halved(here), middle[MATTE], plate_cr, frame_cr)


@compiled(inline=True)
def _below(here: _Segment) -> _Segment:
    """The same in the row below."""
    return _Segment(
        here.begin, here.end, here.x, here.y + _ONE, here.behind_x, here.behind_y + _ONE
    )


@compiled(inline=True)
def _halved(here: _Segment) -> _Segment:
    """The same in the planes of chroma."""
    return _Segment(
        here.begin >> _ONE, here.end >> _ONE, here.x >> _ONE, here.y >> _ONE,
        here.behind_x >> _ONE, here.behind_y >> _ONE,
    )  # fmt: skip


@compiled()
def _segments(
    states: UInt8, row: Float32, count: int, ends: Int32, of_segments: Int32
) -> Any:  # fmt: skip
    """How many segments of a row the film is alike in; where they end, and what it is there.

    ends, of_segments  written; room for one segment each RUN pixels
    """
    last = -1
    for begin in range(0, count, RUN):
        state = _state_of_run(states, row, begin, count)
        if last < 0 or of_segments[last] != state:
            last += 1
            of_segments[last] = state
        ends[last] = min(begin + RUN, count)
    return last + 1


@compiled()
def _state_of_run(states: UInt8, row: Float32, begin: int, count: int) -> Any:
    """What all blocks are that the next RUN places, px in the film, lie in, or BETWEEN."""
    common = _I(-1)
    for i in range(begin, min(begin + RUN, count), LOOKED_AT_EACH):
        block_row = min(max(_I(row[Y, i]) // BLOCK, 0), states.shape[0] - 1)
        column = min(max(_I(row[X, i]) // BLOCK, 0), states.shape[1] - 1)
        state = _I(states[block_row, column])
        if state == BETWEEN or (common >= 0 and state != common):
            return _I(BETWEEN)
        common = state
    return _I(common)


@compiled(fastmath=True)
def _row_of_places(
    nodes: Float32, cell: int, corners: tuple[int, int, int, int], x: int, y: int, count: int,
    spare: Float32, out: Float32,
) -> None:  # fmt: skip
    """Places in the film, px, and brightness of `count` pixels of the frame from (x, y) on.

    corners  x, y of the nodes in the frame and of the film in the photograph
    spare    as long as a row of nodes
    out      (4, count) all but MATTE is written
    """
    nodes_x, nodes_y, film_x, film_y = corners
    row = _P((y - nodes_y) // cell)
    next_row = min(row + _ONE, _P(nodes.shape[1] - 1))
    w1 = _F((y - nodes_y) % cell) / _F(cell)
    a = _P((x - nodes_x) // cell)
    number = _P(-(-count // cell) + 1)
    for k in range(3):
        offset = _F(film_x) if k == X else _F(film_y) if k == Y else _ZERO
        if cell == 1:
            _between_rows(nodes[k], row, row, a, number, _ZERO, offset, out[k])
        else:
            _between_rows(nodes[k], row, next_row, a, number, w1, offset, spare)
            _between_columns(spare, number, cell, out[k])


@compiled(fastmath=True)
def _means(here: _Segment, upper: Float32, lower: Float32, middle: Float32) -> None:
    """Where the film's colour is looked up, and its brightness: in the middle of 2 x 2 pixels."""
    half = _halved(here)
    _mean_of_four(upper[X], lower[X], half, _HALF, _HALF, middle[X])
    _mean_of_four(upper[Y], lower[Y], half, _HALF, _HALF, middle[Y])
    _mean_of_four(upper[LIGHT], lower[LIGHT], half, _ZERO, _WHOLE, middle[LIGHT])


@compiled(fastmath=True)
def _draw_chroma(
    here: _Segment, cb: UInt16, cr: UInt16, middle: Float32, at: Int32, fetched: UInt32,
    frame_cb: UInt8, frame_cr: UInt8,
) -> None:  # fmt: skip
    """Draw the film's colour."""
    half = _halved(here)
    _places(middle, half, cb, at)
    _fetch(cb, at, half, fetched)
    _light_up(fetched, middle, half, _CHROMA_ZERO, frame_cb)
    _fetch(cr, at, half, fetched)
    _light_up(fetched, middle, half, _CHROMA_ZERO, frame_cr)


@compiled(fastmath=True)
def _read_matte(here: _Segment, matte: UInt8, row: Float32, at: Int32, fetched: UInt32) -> None:
    """The matte between pixels, 0..1."""
    _places(row, here, matte, at)
    _fetch_single(matte, at, here, fetched)
    xs, ys, shares = row[X], row[Y], row[MATTE]
    share = _F(1.0 / 255)
    for i in range(here.begin, here.end):
        shares[i] = _between(fetched[i], xs[i], ys[i]) * share


@compiled(fastmath=True)
def _draw_luma(
    here: _Segment, luma: UInt16, scale: int, row: Float32, at: Int32, fetched: UInt32,
    frame_luma: UInt8,
) -> None:  # fmt: skip
    """Draw a row of the film's luma, which may hold each pixel twice."""
    if scale == 2:
        _doubled(row[X], row[Y], here)
    _places(row, here, luma, at)
    _fetch(luma, at, here, fetched)
    _light_up(fetched, row, here, _LUMA_BLACK, frame_luma)


@compiled(fastmath=True)
def _between_rows(
    values: Float32, upper: int, lower: int, first: int, number: int, w1: Any,
    offset: Any, out: Float32,
) -> None:  # fmt: skip
    w0 = _WHOLE - w1
    for i in range(number):
        out[i] = values[upper, first + i] * w0 + values[lower, first + i] * w1 - offset


@compiled(fastmath=True)
def _between_columns(values: Float32, number: int, cell: int, out: Float32) -> None:
    """`cell` values evenly between each two; a loop for each, so that it can be unrolled."""
    if cell == 2:
        for i in range(number - _ONE):
            out[_P(2) * i] = values[i]
            out[_P(2) * i + _ONE] = (values[i] + values[i + _ONE]) * _HALF
    elif cell == 4:
        for i in range(number - _ONE):
            here = values[i]
            slope = (values[i + _ONE] - here) * _F(0.25)
            for k in range(4):
                out[_P(4) * i + _P(k)] = here + slope * _F(k)
    else:
        for i in range(number - _ONE):
            here = values[i]
            slope = (values[i + _ONE] - here) * _F(0.125)
            for k in range(8):
                out[_P(8) * i + _P(k)] = here + slope * _F(k)


@compiled()
def _copy_two_rows(here: _Segment, source: UInt8, target: UInt8) -> None:
    _copy_row(here, source, target)
    _copy_row(_below(here), source, target)


@compiled()
def _copy_row(here: _Segment, source: UInt8, target: UInt8) -> None:
    for i in range(here.begin, here.end):
        target[here.y, here.x + i] = source[here.behind_y, here.behind_x + i]


@compiled(fastmath=True)
def _mean_of_four(
    upper: Float32, lower: Float32, half: _Segment, offset: Any, factor: Any, out: Float32
) -> None:
    """Of two rows: the mean of each 2 x 2 values, less an offset, times a factor."""
    quarter = _F(0.25)
    for i in range(half.begin, half.end):
        j = i + i
        total = upper[j] + upper[j + _ONE] + lower[j] + lower[j + _ONE]
        out[i] = (total * quarter - offset) * factor


@compiled(fastmath=True)
def _doubled(xs: Float32, ys: Float32, here: _Segment) -> None:
    """Places in a film that holds each pixel twice."""
    for i in range(here.begin, here.end):
        xs[i] = xs[i] + xs[i]
        ys[i] = ys[i] + ys[i]


@compiled(fastmath=True)
def _places(row: Float32, here: _Segment, plane: UInt8 | UInt16, at: Int32) -> None:
    """Keep places inside a plane, and number the pixels they lie in."""
    height, width = plane.shape
    # so little before the last row and column that there always is a next one
    most_x, most_y, stride = _F(width - 1) - _HAIR, _F(height - 1) - _HAIR, _I(width)
    xs, ys = row[X], row[Y]
    for i in range(here.begin, here.end):
        x = min(max(xs[i], _ZERO), most_x)
        y = min(max(ys[i], _ZERO), most_y)
        xs[i] = x
        ys[i] = y
        at[i] = _I(y) * stride + _I(x)


@compiled(fastmath=True)
def _fetch(pairs: UInt16, at: Int32, here: _Segment, fetched: UInt32) -> None:
    """Pixels with their right, lower and lower right neighbours, four bytes in one number."""
    flat = pairs.reshape(-1)
    below = _P(pairs.shape[1])
    for i in range(here.begin, here.end):
        k = _P(at[i])
        fetched[i] = _U(flat[k]) | _U(flat[k + below]) << _U(16)


@compiled(fastmath=True)
def _fetch_single(plane: UInt8, at: Int32, here: _Segment, fetched: UInt32) -> None:
    """The same of a plane that holds no pairs."""
    flat = plane.reshape(-1)
    below = _P(plane.shape[1])
    for i in range(here.begin, here.end):
        k = _P(at[i])
        upper = _U(flat[k]) | _U(flat[k + _ONE]) << _U(8)
        k += below
        fetched[i] = upper | _U(flat[k]) << _U(16) | _U(flat[k + _ONE]) << _U(24)


@compiled(fastmath=True)
def _between(quad: Any, x: Any, y: Any) -> Any:
    """The value between four pixels at a place in their plane."""
    across, down = x - _F(_I(x)), y - _F(_I(y))
    a, b = _F(_I(quad & _BYTE)), _F(_I((quad >> _U(8)) & _BYTE))
    c, d = _F(_I((quad >> _U(16)) & _BYTE)), _F(_I(quad >> _U(24)))
    upper, lower = a + (b - a) * across, c + (d - c) * across
    return upper + (lower - upper) * down


@compiled(fastmath=True)
def _light_up(fetched: UInt32, row: Float32, here: _Segment, zero: Any, out: UInt8) -> None:
    """Values between pixels, times the brightness as counted from the plane's zero."""
    xs, ys, light = row[X], row[Y], row[LIGHT]
    for i in range(here.begin, here.end):
        value = (_between(fetched[i], xs[i], ys[i]) - zero) * light[i] + zero
        out[here.y, here.x + i] = np.uint8(_I(min(max(value + _HALF, _ZERO), _FULL)))


@compiled(fastmath=True)
def _blend(here: _Segment, matte: Float32, behind: UInt8, plane: UInt8) -> None:
    """Let through what lies behind, where the matte is less than 1."""
    for i in range(here.begin, here.end):
        below = _F(behind[here.behind_y, here.behind_x + i])
        value = below + (_F(plane[here.y, here.x + i]) - below) * matte[i]
        plane[here.y, here.x + i] = np.uint8(_I(value + _HALF))
