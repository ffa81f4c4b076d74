"""The inner loops of the renderer, compiled.

Flow      rig.deform -> rasterize -> draw_planes -> render.scene

Readable versions stand in render.reference; a test holds the two together.
"""

from __future__ import annotations

from typing import Any

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
) -> None:
    """What stands at the nodes of a map that no mesh covers: their own position, moved a little.

    nodes    (3, h, w) filled with x, y and a brightness factor of 1
    depth    (h, w) filled with FAR
    x0, y0   picture position of node (0, 0)
    step     distance between nodes, px
    body     (h, w) 0..1 how far each goes along, or (0, 0) for none
    shift_x  px, where the body's texture comes from: shifts are small and smooth, so that this
             is where it goes to, the other way round
    """
    height, width = depth.shape
    moves = body.shape[0] > 0
    across, down, left, top = _F(shift_x), _F(shift_y), _F(x0), _F(y0)
    distance = _F(step)
    for y in range(height):
        for x in range(width):
            nodes[0, y, x] = left + _F(x) * distance
            nodes[1, y, x] = top + _F(y) * distance
            nodes[2, y, x] = _WHOLE
            depth[y, x] = FAR
            if moves:
                nodes[0, y, x] -= across * body[y, x]
                nodes[1, y, x] -= down * body[y, x]


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


@compiled(fastmath=True)
def draw_planes(
    nodes: Float32,
    bands: Int32,
    window_x: int,
    window_y: int,
    cell: int,
    film: tuple[UInt16, UInt16, UInt16, UInt16, UInt8],
    plate: tuple[UInt8, UInt8, UInt8],
    film_x: int,
    film_y: int,
    scale: int,
    frame: tuple[UInt8, UInt8, UInt8],
) -> None:
    """Draw the moving layer, relit, over the plate into the planes of a frame.

    nodes     (3, rows, columns) x, y in the photograph, px, and brightness factor; node (0, 0)
              lies on pixel (window_x, window_y), the next ones `cell` pixels further
    bands     (B, 4) x0, y0, x1, y1 in the frame, all even, inside the window: only these are
              drawn. x0 and y0 lie whole cells from the window's corner
    cell      one of CELLS
    film      pairs (render.film) of luma (h, w) * scale; of cb and cr (h, w) / 2; of the matte
              (h, w), 0..255; and, of each BLOCK x BLOCK pixels, whether they are CLEAR, BETWEEN
              or SOLID
    plate     luma (h, w), cb, cr: what lies behind
    film_x .. corner of film and plate in the photograph, even
    frame     luma (H, W), cb, cr; written

    Loops are split so that each can be run on several pixels at once: places, fetching, blending.
    """
    width = (nodes.shape[2] + 1) * cell
    # of the upper and the lower of two rows: x, y in the film, brightness, matte; then of the row
    # of chroma between them: x, y, brightness, matte; and a row of nodes
    upper = (_row(width), _row(width), _row(width), _row(width))
    lower = (_row(width), _row(width), _row(width), _row(width))
    middle = (_row(width), _row(width), _row(width), _row(width))
    spare = _row(width)
    at, fetched = np.empty(width, np.int32), np.empty(width, np.uint32)
    states = film[4]
    left, top = _F(film_x), _F(film_y)
    for k in range(bands.shape[0]):
        x0, y0, x1, y1 = bands[k, 0], bands[k, 1], bands[k, 2], bands[k, 3]
        count = x1 - x0
        first = (x0 - window_x) // cell
        frame_x, plate_x = _P(x0), _P(x0 - film_x)
        for y in range(y0, y1, 2):
            _row_of_places(nodes, first, count, y - window_y, cell, left, top, spare, upper)
            _row_of_places(nodes, first, count, y + 1 - window_y, cell, left, top, spare, lower)
            begin = 0
            state = _state_of_run(states, upper[0], upper[1], 0, count)
            while begin < count:
                end, now = begin, state
                while end < count and now == state:
                    end += RUN
                    if end < count:
                        now = _state_of_run(states, upper[0], upper[1], end, count)
                end = min(end, count)
                a, b = _P(begin), _P(end)
                half_a, half_b = a >> _ONE, b >> _ONE
                rows = _P(y), _P(y + 1), _P(y >> 1)
                behind = _P(y - film_y), _P(y + 1 - film_y), _P((y - film_y) >> 1)
                half_x, half_plate_x = frame_x >> _ONE, plate_x >> _ONE
                if state == CLEAR:
                    _copy(plate[0], behind[0], plate_x, frame[0], rows[0], frame_x, a, b)
                    _copy(plate[0], behind[1], plate_x, frame[0], rows[1], frame_x, a, b)
                    for c in range(1, 3):
                        plane, clean = (frame[1], plate[1]) if c == 1 else (frame[2], plate[2])
                        _copy(
                            clean, behind[2], half_plate_x, plane, rows[2], half_x, half_a, half_b
                        )
                else:
                    _mean_of_four(upper[0], lower[0], half_a, half_b, _HALF, _HALF, middle[0])
                    _mean_of_four(upper[1], lower[1], half_a, half_b, _HALF, _HALF, middle[1])
                    _mean_of_four(upper[2], lower[2], half_a, half_b, _ZERO, _WHOLE, middle[2])
                    _places(middle[0], middle[1], half_a, half_b, film[1], at)
                    _fetch(film[1], at, half_a, half_b, fetched)
                    _light_up(
                        fetched, middle, half_a, half_b, _CHROMA_ZERO, frame[1], rows[2], half_x
                    )
                    _fetch(film[2], at, half_a, half_b, fetched)
                    _light_up(
                        fetched, middle, half_a, half_b, _CHROMA_ZERO, frame[2], rows[2], half_x
                    )
                    for half in range(2):
                        row = upper if half == 0 else lower
                        if state == BETWEEN:
                            _places(row[0], row[1], a, b, film[3], at)
                            _fetch(film[3], at, a, b, fetched)
                            _matte_of(fetched, row, a, b)
                        if scale == 2:
                            _doubled(row[0], row[1], a, b)
                        _places(row[0], row[1], a, b, film[0], at)
                        _fetch(film[0], at, a, b, fetched)
                        _light_up(fetched, row, a, b, _LUMA_BLACK, frame[0], rows[half], frame_x)
                        if state == BETWEEN:
                            _blend(
                                frame[0], rows[half], frame_x, plate[0], behind[half], plate_x,
                                row[3], a, b,
                            )  # fmt: skip
                    if state == BETWEEN:
                        _mean_of_four(upper[3], lower[3], half_a, half_b, _ZERO, _WHOLE, middle[3])
                        for c in range(1, 3):
                            plane, clean = (frame[1], plate[1]) if c == 1 else (frame[2], plate[2])
                            _blend(
                                plane, rows[2], half_x, clean, behind[2], half_plate_x,
                                middle[3], half_a, half_b,
                            )  # fmt: skip
                begin, state = end, now


@compiled()
def _state_of_run(states: UInt8, xs: Float32, ys: Float32, begin: int, count: int) -> Any:
    """What all blocks are that the next RUN places, px in the film, lie in, or BETWEEN."""
    common = _I(-1)
    for i in range(begin, min(begin + RUN, count), 2 * BLOCK):
        row = min(max(_I(ys[i]) // BLOCK, 0), states.shape[0] - 1)
        column = min(max(_I(xs[i]) // BLOCK, 0), states.shape[1] - 1)
        state = _I(states[row, column])
        if state == BETWEEN or (common >= 0 and state != common):
            return _I(BETWEEN)
        common = state
    return _I(common)


@compiled()
def _row(width: int) -> Float32:
    return np.empty(width, np.float32)


@compiled(fastmath=True)
def _row_of_places(
    nodes: Float32, first: int, count: int, below: int, cell: int, left: Any, top: Any,
    spare: Float32, out: tuple[Float32, Float32, Float32, Float32],
) -> None:  # fmt: skip
    """Places in the film, px, and brightness along a row, `below` pixels under the first node."""
    row = _P(below // cell)
    next_row = min(row + _ONE, _P(nodes.shape[1] - 1))
    w1 = _F(below % cell) / _F(cell)
    a = _P(first)
    number = _P(-(-count // cell) + 1)
    for k in range(3):
        offset = left if k == 0 else top if k == 1 else _ZERO
        values = out[0] if k == 0 else out[1] if k == 1 else out[2]
        if cell == 1:
            _between_rows(nodes[k], row, row, a, number, _ZERO, offset, values)
        else:
            _between_rows(nodes[k], row, next_row, a, number, w1, offset, spare)
            _between_columns(spare, number, cell, values)


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
def _copy(
    source: UInt8, source_y: int, source_x: int, target: UInt8, y: int, x: int, a: int, b: int
) -> None:
    for i in range(a, b):
        target[y, x + i] = source[source_y, source_x + i]


@compiled(fastmath=True)
def _mean_of_four(
    upper: Float32, lower: Float32, a: int, b: int, offset: Any, factor: Any, out: Float32
) -> None:
    """Of two rows: the mean of each 2 x 2 values, less an offset, times a factor."""
    quarter = _F(0.25)
    for i in range(a, b):
        j = i + i
        total = upper[j] + upper[j + _ONE] + lower[j] + lower[j + _ONE]
        out[i] = (total * quarter - offset) * factor


@compiled(fastmath=True)
def _doubled(xs: Float32, ys: Float32, a: int, b: int) -> None:
    """Places in a film that holds each pixel twice."""
    for i in range(a, b):
        xs[i] = xs[i] + xs[i]
        ys[i] = ys[i] + ys[i]


@compiled(fastmath=True)
def _places(xs: Float32, ys: Float32, a: int, b: int, plane: UInt16, at: Int32) -> None:
    """Keep places inside a plane, and number the pixels they lie in."""
    height, width = plane.shape
    # so little before the last row and column that there always is a next one
    most_x, most_y, stride = _F(width - 1) - _HAIR, _F(height - 1) - _HAIR, _I(width)
    for i in range(a, b):
        x = min(max(xs[i], _ZERO), most_x)
        y = min(max(ys[i], _ZERO), most_y)
        xs[i] = x
        ys[i] = y
        at[i] = _I(y) * stride + _I(x)


@compiled(fastmath=True)
def _fetch(pairs: UInt16, at: Int32, a: int, b: int, fetched: UInt32) -> None:
    """Pixels with their right, lower and lower right neighbours, four bytes in one number."""
    flat = pairs.reshape(-1)
    below = _P(pairs.shape[1])
    for i in range(a, b):
        k = _P(at[i])
        fetched[i] = _U(flat[k]) | _U(flat[k + below]) << _U(16)


@compiled(fastmath=True)
def _between(quad: Any, x: Any, y: Any) -> Any:
    """The value between four pixels at a place in their plane."""
    across, down = x - _F(_I(x)), y - _F(_I(y))
    a, b = _F(_I(quad & _BYTE)), _F(_I((quad >> _U(8)) & _BYTE))
    c, d = _F(_I((quad >> _U(16)) & _BYTE)), _F(_I(quad >> _U(24)))
    upper, lower = a + (b - a) * across, c + (d - c) * across
    return upper + (lower - upper) * down


@compiled(fastmath=True)
def _light_up(
    fetched: UInt32, row: tuple[Float32, Float32, Float32, Float32], a: int, b: int, zero: Any,
    out: UInt8, y: int, x: int,
) -> None:  # fmt: skip
    """Values between pixels, times the brightness as counted from the plane's zero."""
    xs, ys, light = row[0], row[1], row[2]
    for i in range(a, b):
        value = (_between(fetched[i], xs[i], ys[i]) - zero) * light[i] + zero
        out[y, x + i] = np.uint8(_I(min(max(value + _HALF, _ZERO), _FULL)))


@compiled(fastmath=True)
def _matte_of(
    fetched: UInt32, row: tuple[Float32, Float32, Float32, Float32], a: int, b: int
) -> None:
    """The matte between pixels, 0..1."""
    xs, ys, matte = row[0], row[1], row[3]
    share = _F(1.0 / 255)
    for i in range(a, b):
        matte[i] = _between(fetched[i], xs[i], ys[i]) * share


@compiled(fastmath=True)
def _blend(
    plane: UInt8, y: int, x: int, behind: UInt8, behind_y: int, behind_x: int, matte: Float32,
    a: int, b: int,
) -> None:  # fmt: skip
    """Let through what lies behind, where the matte is less than 1."""
    for i in range(a, b):
        below = _F(behind[behind_y, behind_x + i])
        value = below + (_F(plane[y, x + i]) - below) * matte[i]
        plane[y, x + i] = np.uint8(_I(value + _HALF))
