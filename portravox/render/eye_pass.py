"""The inner loop that draws one eye: every pixel once, with all that lies there.

Flow      render.eyes -> render.eye_pass -> frame
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Float32, Float64, UInt8
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
    one, half, zero = np.float32(1.0), np.float32(0.5), np.float32(0.0)
    rigid = np.float32(RIGID_MM) * mm
    spread = np.float32(LOWER_SPREAD_MM) * mm
    inv_soft = one / softness
    colour = np.zeros(3, np.float32)
    last_lash = np.float32(lashes.shape[0] - 2)
    for row in range(before.shape[0]):
        fy = np.float32(row)
        for column in range(before.shape[1]):
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
            iu, iv = int(u), int(v)
            allowed = np.float32(window[iv, iu]) * np.float32(1.0 / 255.0)
            if allowed == zero:
                continue
            part = u - np.float32(iu)
            upper = tables[0, iu] + (tables[0, iu + 1] - tables[0, iu]) * part
            lower = tables[1, iu] + (tables[1, iu + 1] - tables[1, iu]) * part
            shut = tables[2, iu] + (tables[2, iu + 1] - tables[2, iu]) * part
            upper_now = tables[3, iu] + (tables[3, iu + 1] - tables[3, iu]) * part
            lower_now = tables[4, iu] + (tables[4, iu + 1] - tables[4, iu]) * part
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
                jv = int(lash_v)
                b = lash_v - np.float32(jv)
                top = lashes[jv, iu] + (lashes[jv, iu + 1] - lashes[jv, iu]) * part
                low = lashes[jv + 1, iu] + (lashes[jv + 1, iu + 1] - lashes[jv + 1, iu]) * part
                lash = (top + (low - top) * b) * lash_share * allowed
            if skin_share <= zero and ball <= zero and lash <= zero:
                continue

            for c in range(3):
                colour[c] = np.float32(before[row, column, c])
            if skin_share > zero:
                sv = min(max(skin_v, zero), np.float32(view_h - 2))
                jv = int(sv)
                b = sv - np.float32(jv)
                kv, kb = 0, zero
                if shut_now > zero:
                    still = max(shut - upper_now, zero)
                    fold = max(np.float32(1.6) * (upper_now - upper), np.float32(3.5) * mm) + rigid
                    t = min(max((above - half * rigid) / fold, zero), one)
                    tv = v
                    if above > zero:
                        tv += still * (one - t * t * (np.float32(3.0) - np.float32(2.0) * t))
                    tv = min(max(tv, zero), np.float32(view_h - 2))
                    kv = int(tv)
                    kb = tv - np.float32(kv)
                for c in range(3):
                    top = (
                        open_skin[jv, iu, c]
                        + (np.float32(open_skin[jv, iu + 1, c]) - open_skin[jv, iu, c]) * part
                    )
                    low = (
                        open_skin[jv + 1, iu, c]
                        + (np.float32(open_skin[jv + 1, iu + 1, c]) - open_skin[jv + 1, iu, c])
                        * part
                    )
                    skin = top + (low - top) * b
                    if shut_now > zero:
                        top = (
                            shut_skin[kv, iu, c]
                            + (np.float32(shut_skin[kv, iu + 1, c]) - shut_skin[kv, iu, c]) * part
                        )
                        low = (
                            shut_skin[kv + 1, iu, c]
                            + (np.float32(shut_skin[kv + 1, iu + 1, c]) - shut_skin[kv + 1, iu, c])
                            * part
                        )
                        skin += (top + (low - top) * kb - skin) * shut_now
                    colour[c] += (skin * light - colour[c]) * skin_share
            if ball > zero:
                au = min(max(u - gaze_x, zero), np.float32(view_w - 2))
                av = min(max(v - gaze_y, zero), np.float32(view_h - 2))
                ju, jv = int(au), int(av)
                a, b = au - np.float32(ju), av - np.float32(jv)
                gu = min(max(u - gaze_x * follow, zero), np.float32(view_w - 2))
                gv = min(max(v - gaze_y * follow, zero), np.float32(view_h - 2))
                hu, hv = int(gu), int(gv)
                ga, gb = gu - np.float32(hu), gv - np.float32(hv)
                pv = v - np.float32(iv)
                top = iris[jv, ju, 3] + (iris[jv, ju + 1, 3] - iris[jv, ju, 3]) * a
                low = iris[jv + 1, ju, 3] + (iris[jv + 1, ju + 1, 3] - iris[jv + 1, ju, 3]) * a
                bare = one - (top + (low - top) * b)
                shade = one
                if shadow > zero:
                    t = min(max(-above / (np.float32(2.6) * mm), zero), one)
                    shade = one - shadow * (one - t) * (one - t)
                for c in range(3):
                    top = white[iv, iu, c] + (white[iv, iu + 1, c] - white[iv, iu, c]) * part
                    low = (
                        white[iv + 1, iu, c]
                        + (white[iv + 1, iu + 1, c] - white[iv + 1, iu, c]) * part
                    )
                    seen = (top + (low - top) * pv) * bare
                    top = iris[jv, ju, c] + (iris[jv, ju + 1, c] - iris[jv, ju, c]) * a
                    low = iris[jv + 1, ju, c] + (iris[jv + 1, ju + 1, c] - iris[jv + 1, ju, c]) * a
                    seen += top + (low - top) * b
                    top = glint[hv, hu, c] + (glint[hv, hu + 1, c] - glint[hv, hu, c]) * ga
                    low = (
                        glint[hv + 1, hu, c]
                        + (glint[hv + 1, hu + 1, c] - glint[hv + 1, hu, c]) * ga
                    )
                    seen += top + (low - top) * gb
                    colour[c] += (seen * light * shade - colour[c]) * ball
            for c in range(3):
                value = colour[c]
                value += (lash_colour[c] * light - value) * lash
                value = min(max(value + half, zero), np.float32(255.0))
                frame[y0 + row, x0 + column, c] = np.uint8(value)
