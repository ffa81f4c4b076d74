"""The inner loop that draws one eye: every pixel once, with all that lies there.

Flow      render.eyes -> render.eye_pass -> frame
"""

from __future__ import annotations

from typing import Any

import numpy as np

from portravox.arrays import Float32, Float64, Int32, UInt8
from portravox.compiled_code import compiled
from portravox.render.lids import LOWER_SPREAD_MM

TABLES = ("upper", "lower", "shut", "upper_now", "lower_now", "steep")
"""Rows of `tables` below. `steep` is the cosine of the upper edge's slope."""

NUMBERS = (
    "mm",
    "shut_share",
    "shut_below",
    "lash_share",
    "lash_row",
    "ball_share",
    "shadow",
    "gaze_x",
    "gaze_y",
    "glint_follow",
    "softness",
    "light",
    "light_x",
    "light_y",
)
"""What `numbers` below holds.

shut_share    0..1 how far the skin of the shut lid takes the place of the open one's
shut_below    the same below the edge of the lower lid
lash_share    0..1 how dark the lashes of the shut lid are
lash_row      of the lashes' texture, lies on the lid's edge
ball_share    0..1 how far the painted eyeball takes the place of the frame's own
shadow        0..1 of the lid on the eyeball
gaze          px of the view that the iris has moved; reflections follow by a share
softness      px of the view over which an edge blends
light         brightness factor at the view's first pixel, and its change over the view's width and
              height
"""

_P: Any = np.uintp
"""Of indices: signed ones are first asked whether they count from the end."""
_ONE = _P(1)

RIGID_MM = 1.2
"""Skin this near to a lid's edge moves with it unchanged; lashes stand there."""


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
    """Fill `tables`, (6, w), see TABLES, from its first five rows, (w,) each."""
    width = upper.shape[0]
    for i in range(width):
        before, after = max(i - 1, 0), min(i + 1, width - 1)
        slope = (upper_now[after] - upper_now[before]) / np.float32(max(after - before, 1))
        tables[0, i], tables[1, i], tables[2, i] = upper[i], lower[i], shut[i]
        tables[3, i], tables[4, i] = upper_now[i], lower_now[i]
        tables[5, i] = np.float32(1.0) / np.sqrt(np.float32(1.0) + slope * slope)


@compiled(fastmath=True)
def draw_eye(
    frame: UInt8,
    before: UInt8,
    x0: int,
    y0: int,
    to_view: Float32,
    tables: Float32,
    numbers: Float32,
    open_skin: UInt8,
    shut_skin: UInt8,
    window: UInt8,
    white: Float32,
    iris: Float32,
    glint: Float32,
    lashes: Float32,
    lash_colour: Float32,
) -> None:
    """Draw an eye into a rectangle of the frame.

    frame        (H, W, 3); written from (x0, y0) on, as far as `before` reaches
    before       (h, w, 3) what the frame shows there so far
    to_view      (2, 6) row by row the view's x and y of a frame position (x, y) relative to
                 (x0, y0): times 1, x, y, x², xy, y²
    tables       (6, w') see TABLES, one value a column of the view
    numbers      see NUMBERS
    open_skin    (h', w', 3) the view as photographed
    shut_skin    (h', w', 3)
    window       (h', w') 0..255 where the eye may be drawn; less at its rim
    white        (h', w', 3) 0..255
    iris         (h', w', 4) premultiplied, and cover 0..1
    glint        (h', w', 3) added
    lashes       (m, w') 0..1
    lash_colour  (3,)
    """
    mm, shut_share, shut_below = numbers[0], numbers[1], numbers[2]
    lash_share, lash_row = numbers[3], numbers[4]
    ball_share, shadow, gaze_x, gaze_y = numbers[5], numbers[6], numbers[7], numbers[8]
    follow, softness = numbers[9], numbers[10]
    view_h, view_w = window.shape
    top_row, left_column = _P(y0), _P(x0)
    one, half, zero = np.float32(1.0), np.float32(0.5), np.float32(0.0)
    rigid = np.float32(RIGID_MM) * mm
    spread = np.float32(LOWER_SPREAD_MM) * mm
    inv_soft = one / softness
    colour = np.zeros(3, np.float32)
    last_lash = np.float32(lashes.shape[0] - 2)
    for row in range(_P(before.shape[0])):
        fy = np.float32(row)
        for column in range(_P(before.shape[1])):
            fx = np.float32(column)
            u = (
                to_view[0, 0] + to_view[0, 1] * fx + to_view[0, 2] * fy
                + to_view[0, 3] * fx * fx + to_view[0, 4] * fx * fy + to_view[0, 5] * fy * fy
            )  # fmt: skip
            v = (
                to_view[1, 0] + to_view[1, 1] * fx + to_view[1, 2] * fy
                + to_view[1, 3] * fx * fx + to_view[1, 4] * fx * fy + to_view[1, 5] * fy * fy
            )  # fmt: skip
            if u < one or v < one or u > view_w - 3 or v > view_h - 3:
                continue
            iu, iv = _P(np.int32(u)), _P(np.int32(v))
            allowed = np.float32(window[iv, iu]) * np.float32(1.0 / 255.0)
            if allowed == zero:
                continue
            part = u - np.float32(iu)
            upper = tables[0, iu] + (tables[0, iu + _ONE] - tables[0, iu]) * part
            lower = tables[1, iu] + (tables[1, iu + _ONE] - tables[1, iu]) * part
            shut = tables[2, iu] + (tables[2, iu + _ONE] - tables[2, iu]) * part
            upper_now = tables[3, iu] + (tables[3, iu + _ONE] - tables[3, iu]) * part
            lower_now = tables[4, iu] + (tables[4, iu + _ONE] - tables[4, iu]) * part
            steep = tables[5, iu]
            light = numbers[11] + numbers[12] * u + numbers[13] * v
            above = upper_now - v
            inset = half * softness

            # the skin that is here now, as the open eye shows it
            if above > zero or v < half * (upper_now + lower_now):
                fallen = upper_now - upper
                room = rigid + max(np.float32(1.9) * abs(fallen), np.float32(3.0) * mm)
                t = min(max((above - rigid) / (room - rigid), zero), one)
                gone = fallen * (one - t * t * (np.float32(3.0) - np.float32(2.0) * t))
                skin_v = min(v - gone, upper - inset)
                moved = abs(gone)
            else:
                below = v - lower_now
                risen = lower_now - lower
                t = min(max((below - rigid) / spread, zero), one)
                gone = risen * (one - t * t * (np.float32(3.0) - np.float32(2.0) * t))
                skin_v = max(v - gone, lower + inset)
                moved = abs(gone)
            # ... and as the shut eye shows it
            shut_now = shut_share
            if shut_share > zero and above < zero:
                # in the corners, where no eyeball lies between, there is but one skin
                narrow = max(one - (lower_now - upper_now) / mm, zero)
                shut_now = max(shut_below, shut_share * narrow)
            skin_share = min(one, np.float32(3.0) * moved) * allowed
            skin_share = max(skin_share, shut_now * allowed)

            between = min(max(-above * steep * inv_soft + half, zero), one)
            between *= min(max((lower_now - v) * inv_soft + half, zero), one)
            between *= min((lower_now - upper_now) * inv_soft, one)
            skin_share *= one - between
            ball = between * ball_share * allowed
            lash = zero
            lash_v = lash_row - above
            if lash_share > zero and lash_v > zero and lash_v < last_lash:
                jv = _P(np.int32(lash_v))
                b = lash_v - np.float32(jv)
                top = lashes[jv, iu] + (lashes[jv, iu + _ONE] - lashes[jv, iu]) * part
                low = (
                    lashes[jv + _ONE, iu]
                    + (lashes[jv + _ONE, iu + _ONE] - lashes[jv + _ONE, iu]) * part
                )
                lash = (top + (low - top) * b) * lash_share * allowed
            if skin_share <= zero and ball <= zero and lash <= zero:
                continue

            for c in range(_P(3)):
                colour[c] = np.float32(before[row, column, c])
            if skin_share > zero:
                sv = min(max(skin_v, zero), np.float32(view_h - 2))
                jv = _P(np.int32(sv))
                b = sv - np.float32(jv)
                kv, kb = _P(0), zero
                if shut_now > zero:
                    still = max(shut - upper_now, zero)
                    fold = max(np.float32(1.6) * (upper_now - upper), np.float32(3.5) * mm) + rigid
                    t = min(max((above - half * rigid) / fold, zero), one)
                    tv = v
                    if above > zero:
                        tv += still * (one - t * t * (np.float32(3.0) - np.float32(2.0) * t))
                    tv = min(max(tv, zero), np.float32(view_h - 2))
                    kv = _P(np.int32(tv))
                    kb = tv - np.float32(kv)
                for c in range(_P(3)):
                    top = (
                        open_skin[jv, iu, c]
                        + (np.float32(open_skin[jv, iu + _ONE, c]) - open_skin[jv, iu, c]) * part
                    )
                    low = (
                        open_skin[jv + _ONE, iu, c]
                        + (
                            np.float32(open_skin[jv + _ONE, iu + _ONE, c])
                            - open_skin[jv + _ONE, iu, c]
                        )
                        * part
                    )
                    skin = top + (low - top) * b
                    if shut_now > zero:
                        top = (
                            shut_skin[kv, iu, c]
                            + (np.float32(shut_skin[kv, iu + _ONE, c]) - shut_skin[kv, iu, c])
                            * part
                        )
                        low = (
                            shut_skin[kv + _ONE, iu, c]
                            + (
                                np.float32(shut_skin[kv + _ONE, iu + _ONE, c])
                                - shut_skin[kv + _ONE, iu, c]
                            )
                            * part
                        )
                        skin += (top + (low - top) * kb - skin) * shut_now
                    colour[c] += (skin * light - colour[c]) * skin_share
            if ball > zero:
                au = min(max(u - gaze_x, zero), np.float32(view_w - 2))
                av = min(max(v - gaze_y, zero), np.float32(view_h - 2))
                ju, jv = _P(np.int32(au)), _P(np.int32(av))
                a, b = au - np.float32(ju), av - np.float32(jv)
                gu = min(max(u - gaze_x * follow, zero), np.float32(view_w - 2))
                gv = min(max(v - gaze_y * follow, zero), np.float32(view_h - 2))
                hu, hv = _P(np.int32(gu)), _P(np.int32(gv))
                ga, gb = gu - np.float32(hu), gv - np.float32(hv)
                pv = v - np.float32(iv)
                top = iris[jv, ju, _P(3)] + (iris[jv, ju + _ONE, _P(3)] - iris[jv, ju, _P(3)]) * a
                low = (
                    iris[jv + _ONE, ju, _P(3)]
                    + (iris[jv + _ONE, ju + _ONE, _P(3)] - iris[jv + _ONE, ju, _P(3)]) * a
                )
                bare = one - (top + (low - top) * b)
                shade = one
                if shadow > zero:
                    t = min(max(-above / (np.float32(2.6) * mm), zero), one)
                    shade = one - shadow * (one - t) * (one - t)
                for c in range(_P(3)):
                    top = white[iv, iu, c] + (white[iv, iu + _ONE, c] - white[iv, iu, c]) * part
                    low = (
                        white[iv + _ONE, iu, c]
                        + (white[iv + _ONE, iu + _ONE, c] - white[iv + _ONE, iu, c]) * part
                    )
                    seen = (top + (low - top) * pv) * bare
                    top = iris[jv, ju, c] + (iris[jv, ju + _ONE, c] - iris[jv, ju, c]) * a
                    low = (
                        iris[jv + _ONE, ju, c]
                        + (iris[jv + _ONE, ju + _ONE, c] - iris[jv + _ONE, ju, c]) * a
                    )
                    seen += top + (low - top) * b
                    top = glint[hv, hu, c] + (glint[hv, hu + _ONE, c] - glint[hv, hu, c]) * ga
                    low = (
                        glint[hv + _ONE, hu, c]
                        + (glint[hv + _ONE, hu + _ONE, c] - glint[hv + _ONE, hu, c]) * ga
                    )
                    seen += top + (low - top) * gb
                    colour[c] += (seen * light * shade - colour[c]) * ball
            for c in range(_P(3)):
                value = colour[c]
                value += (lash_colour[c] * light - value) * lash
                value = min(max(value + half, zero), np.float32(255.0))
                frame[top_row + row, left_column + column, c] = np.uint8(value)
