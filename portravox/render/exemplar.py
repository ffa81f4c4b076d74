"""Background copied behind the head: patches of it, where it goes on best.

Flow      render.backdrop (what is unknown, lines) -> render.exemplar -> render.backdrop
Gives     for each place near the border of what is known, from how far away it is copied

A smooth background may be carried on by its mean or its mirror image, leaves and stripes may not.
Here the border is filled patch by patch: first where a line meets it and much is known around, each
time with the patch of the background that agrees best with what is known. Compiled.

Source: Criminisi, Perez & Toyama, "Region Filling and Object Removal by Exemplar-Based Image
Inpainting", IEEE Trans. Image Processing 13(9), 2004. That only a band is filled, lines come from
the structure tensor carried on, and places are found between pixels, is our choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import Bool, Float32, Int32, UInt8
from portravox.compiled_code import compiled

HALF_FW = 0.047
"""Patches are twice so wide, in face widths. Our choice: wider than a leaf's stalk."""

REACH_FW = 0.5
"""They are looked for within so many face widths."""

OFF_FW = 0.015
"""No patch lies nearer to what is unknown: there are single hairs. Our choice."""

STEP_FW = 1.0 / 53.0
"""First at places so far apart."""

FAR_LEVELS = np.float32(6.0)
"""At the end of the reach a patch has to agree better by so many levels than here. Our choice."""

STEPS, OVERSHOOT = 24, np.float32(1.6)
"""Steps of successive over-relaxation by which seams are evened out, and its factor."""

HELD = np.float32(0.06)
"""Copies are held at their own levels with this share of a neighbour's weight. Our choice."""

SMOOTH_COUNTS = np.float32(0.05)
"""So much, against the known part of a patch, it counts how near the rest is to the smooth
background: where nothing tells, nothing new is made up. Our choice."""

MOST_EVENED = 32.0
"""Levels: more is no seam but something that ends."""

LEAST_LINE = np.float32(0.05)
"""Weight in the order of filling of places where no line goes on."""


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """What of a picture, (h, w), is copied from elsewhere in it."""

    there: Bool
    """(h, w)"""

    away: Float32
    """(h, w, 2) x and y of how far away from, px"""

    raised: Float32
    """(h, w, 3) levels by which the copies are brighter, so that no seams show"""


def copied_from(
    small: Float32, behind: Float32, unknown: UInt8, wanted: Bool, lines: Float32, unit: float
) -> Copies:
    """The border of what is unknown, copied from what is known.

    small    (h, w, 3) 0..255
    behind   (h, w, 3) the same, smoothly filled in where unknown
    unknown  (h, w) 1 where the background is not seen
    wanted   (h, w) what of it to fill
    lines    (h, w, 2) which way lines go, as long as they are distinct
    unit     width of the face, px
    """
    half = max(3, round(HALF_FW * unit))
    off = half + max(1, round(OFF_FW * unit))
    beyond = min(2 * off, *(side - 1 for side in unknown.shape))

    def wide(part: Float32) -> Float32:
        # beyond its borders the picture goes on as its mirror image
        return np.asarray(cv2.copyMakeBorder(part, *(beyond,) * 4, cv2.BORDER_REFLECT), np.float32)

    todo = np.pad((wanted & (unknown > 0)).astype(np.uint8), beyond)
    known = wide((1 - unknown).astype(np.float32)).astype(np.uint8)
    block = np.ones((2 * off + 1, 2 * off + 1), np.uint8)
    whole = cv2.erode(known, block, borderType=cv2.BORDER_CONSTANT, borderValue=(0,))
    away = np.zeros((*known.shape, 2), np.float32)
    evened = filled = _seen_alone(wide(small), known)
    places = np.argwhere(todo > 0).astype(np.int32)
    if whole.any() and len(places):
        room = (2 * half + 1) ** 2
        scratch = (
            known.astype(np.float32),
            np.zeros(known.shape, np.float32),
            todo,
            np.empty((2, room), np.int32),
            np.empty((room, 4), np.float32),
        )
        reach, step = max(half + 1, round(REACH_FW * unit)), max(1, round(STEP_FW * unit))
        around = wide(behind), known, places, whole, wide(lines)
        _fill(filled, *around, half, reach, step, away, scratch)
        there = (todo > 0) & (known > 0)
        evened = filled.copy()
        places = np.argwhere(there).astype(np.int32)
        total = np.zeros((len(places), 4), np.float32)
        beside = np.full((len(places), 4, 2), -1, np.int32)
        _even_out(
            evened, filled, there, known, np.rint(away).astype(np.int32), places, total, beside
        )
    own = slice(beyond, -beyond), slice(beyond, -beyond)
    return Copies(
        there=((todo > 0) & (known > 0))[own],
        away=away[own],
        raised=np.clip(evened - filled, -MOST_EVENED, MOST_EVENED)[own],
    )


def _seen_alone(picture: Float32, known: UInt8) -> Float32:
    """(h, w, 3) a picture without its finest grain, which is no likeness; what is unknown does not
    shine into what is known."""
    there = known.astype(np.float32)
    soft = cv2.blur(cv2.multiply(picture, cv2.merge([there] * 3)), (3, 3))
    share = np.maximum(cv2.blur(there, (3, 3)), np.float32(1e-3))
    return np.asarray(cv2.divide(soft, cv2.merge([share] * 3)), np.float32)


def carried_on(
    region: UInt8, behind: Float32, copies: Copies, inside: Float32, shown: Float32
) -> UInt8:
    """A picture, (H, W, 3), in which the background goes on where the person is.

    behind  (h, w, 3) the smooth background, at the size of `copies`
    inside  (h, w) from .5 on, the person
    shown   (h, w) 0..1 how much of the copies is seen; of the smooth background, the rest

    Each is copied by whole pixels, with its grain; between places they are faded.
    """
    scale = np.array(region.shape[1::-1], np.float32) / np.array(inside.shape[::-1], np.float32)
    away = np.rint(copies.away * scale).astype(np.int32)
    share = np.where(copies.there, shown, np.float32(0.0)).astype(np.float32)
    plate = region.copy()
    _carry_on(region, behind, away, copies.raised, inside, share, plate)
    return plate


@compiled()
def _carry_on(
    region: UInt8,
    behind: Float32,
    away: Int32,
    raised: Float32,
    inside: Float32,
    share: Float32,
    plate: UInt8,
) -> None:
    height, width = region.shape[:2]
    rows, columns = share.shape
    zero, one, half = np.float32(0.0), np.float32(1.0), np.float32(0.5)
    per_row, per_column = np.float32(rows / height), np.float32(columns / width)
    made = np.empty(3, np.float32)
    for y in range(height):
        at_y = (np.float32(y) + half) * per_row - half
        r0 = int(np.floor(at_y))
        down = at_y - np.float32(r0)
        r0, r1 = max(r0, 0), min(r0 + 1, rows - 1)
        for x in range(width):
            at_x = (np.float32(x) + half) * per_column - half
            c0 = int(np.floor(at_x))
            across = at_x - np.float32(c0)
            c0, c1 = max(c0, 0), min(c0 + 1, columns - 1)
            upper = inside[r0, c0] * (one - across) + inside[r0, c1] * across
            lower = inside[r1, c0] * (one - across) + inside[r1, c1] * across
            blend = min(np.float32(2.0) * (upper + (lower - upper) * down) - one, one)
            if blend <= zero:
                continue
            made[0] = made[1] = made[2] = zero
            for corner in range(4):
                row, column = (r1 if corner & 1 else r0), (c1 if corner & 2 else c0)
                weight = (down if corner & 1 else one - down) * (
                    across if corner & 2 else one - across
                )
                copied = weight * share[row, column]
                smooth = weight - copied
                v = _mirrored(y + away[row, column, 1], height)
                u = _mirrored(x + away[row, column, 0], width)
                for c in range(3):
                    made[c] += smooth * behind[row, column, c]
                    if copied > zero:
                        made[c] += copied * (region[v, u, c] + raised[row, column, c])
            for c in range(3):
                own = np.float32(region[y, x, c])
                value = own + (made[c] - own) * blend + half
                plate[y, x, c] = np.uint8(min(max(value, zero), np.float32(255.0)))


@compiled(inline=True)
def _mirrored(index: int, count: int) -> int:
    """Indices beyond 0 .. count - 1 folded back; at the furthest count of them."""
    index = -1 - index if index < 0 else index
    return 2 * count - 1 - index if index >= count else index


@compiled()
def _even_out(
    picture: Float32,
    copied: Float32,
    there: Bool,
    known: UInt8,
    away: Int32,
    places: Int32,
    total: Float32,
    beside: Int32,
) -> None:
    """Let copies go over into each other and into what is known, in place: their differences from
    pixel to pixel stay, their levels do not (Perez, Gangnet & Blake, "Poisson Image Editing",
    SIGGRAPH 2003). Across a seam it is the mean of both sides' differences.

    places  (N, 2) where copies are
    total   (N, 4) 0, and beside (N, 4, 2) -1: room for differences and for neighbours
    """
    height, width = there.shape
    for k in range(places.shape[0]):
        y, x = int(places[k, 0]), int(places[k, 1])
        for c in range(3):
            total[k, c] = HELD * copied[y, x, c]
        total[k, 3] = HELD
        for n in range(4):
            v = y + (n == 0) - (n == 1)
            u = x + (n == 2) - (n == 3)
            if v < 0 or u < 0 or v >= height or u >= width or known[v, u] == 0:
                continue
            beside[k, n, 0], beside[k, n, 1] = v, u
            total[k, 3] += np.float32(1.0)
            for side in range(2):
                other = side == 1 and there[v, u]
                dy = away[v, u, 1] if other else away[y, x, 1]
                dx = away[v, u, 0] if other else away[y, x, 0]
                y0, x0, y1, x1 = y + dy, x + dx, v + dy, u + dx
                if (
                    min(y0, y1) < 0
                    or max(y0, y1) >= height
                    or min(x0, x1) < 0
                    or max(x0, x1) >= width
                ):
                    continue
                for c in range(3):
                    total[k, c] += np.float32(0.5) * (copied[y0, x0, c] - copied[y1, x1, c])
    for _ in range(STEPS):
        for k in range(places.shape[0]):
            y, x = int(places[k, 0]), int(places[k, 1])
            red, green, blue = total[k, 0], total[k, 1], total[k, 2]
            for n in range(4):
                v, u = int(beside[k, n, 0]), int(beside[k, n, 1])
                if v >= 0:
                    red += picture[v, u, 0]
                    green += picture[v, u, 1]
                    blue += picture[v, u, 2]
            picture[y, x, 0] += OVERSHOOT * (red / total[k, 3] - picture[y, x, 0])
            picture[y, x, 1] += OVERSHOOT * (green / total[k, 3] - picture[y, x, 1])
            picture[y, x, 2] += OVERSHOOT * (blue / total[k, 3] - picture[y, x, 2])


@compiled()
def _fill(
    picture: Float32,
    behind: Float32,
    known: UInt8,
    places: Int32,
    whole: UInt8,
    lines: Float32,
    half: int,
    reach: int,
    step: int,
    away: Float32,
    scratch: tuple[Float32, Float32, UInt8, Int32, Float32],
) -> None:
    """Fill what can be reached of places, (N, 2): `picture`, `known` and `away` are written.

    scratch  (h, w) 1 where known, else 0; (h, w) 0; (h, w) 1 in places, else 0; and room for a
             patch, (2, M) and (M, 4)
    """
    confidence, priority, todo, at, wanted = scratch
    height, width = known.shape
    first = 0 * half  # of the type that the others have: one version is compiled
    _put_in_order(known, todo, confidence, lines, half, first, height, first, width, priority)
    while True:
        best, chosen = np.float32(0.0), -1
        for k in range(places.shape[0]):
            here = priority[places[k, 0], places[k, 1]]
            if here > best:
                best, chosen = here, k
        if chosen < 0:
            return
        y, x = int(places[chosen, 0]), int(places[chosen, 1])
        count = _patch(picture, behind, known, todo, y, x, half, at, wanted)
        found, dy, dx = _most_alike(picture, whole, y, x, reach, step, at, wanted, count)
        if not found:
            priority[y, x] = 0.0
            todo[y, x] = 0
            continue
        sure = _mean(confidence, y, x, half)
        y0, y1 = max(0, y - half), min(height, y + half + 1)
        x0, x1 = max(0, x - half), min(width, x + half + 1)
        iy, ix = int(np.rint(dy)), int(np.rint(dx))
        for v in range(y0, y1):
            for u in range(x0, x1):
                if known[v, u] == 0 and todo[v, u] == 1:
                    for c in range(3):
                        picture[v, u, c] = picture[v + iy, u + ix, c]
                    away[v, u, 0], away[v, u, 1] = dx, dy
                    known[v, u] = 1
                    confidence[v, u] = sure
        _put_in_order(
            known, todo, confidence, lines, half,
            max(0, y0 - half - 1), min(height, y1 + half + 1),
            max(0, x0 - half - 1), min(width, x1 + half + 1), priority,
        )  # fmt: skip


@compiled()
def _mean(confidence: Float32, y: int, x: int, half: int) -> np.float32:
    height, width = confidence.shape
    total, count = np.float32(0.0), np.float32(0.0)
    for v in range(max(0, y - half), min(height, y + half + 1)):
        for u in range(max(0, x - half), min(width, x + half + 1)):
            total += confidence[v, u]
            count += np.float32(1.0)
    return total / count


@compiled()
def _put_in_order(
    known: UInt8,
    todo: UInt8,
    confidence: Float32,
    lines: Float32,
    half: int,
    top: int,
    bottom: int,
    left: int,
    right: int,
    priority: Float32,
) -> None:
    """Of the border in a rectangle, what is to be filled first: where much is known around, and
    lines run into it."""
    height, width = known.shape
    for y in range(top, bottom):
        for x in range(left, right):
            priority[y, x] = 0.0
            if todo[y, x] == 0 or known[y, x] == 1:
                continue
            normal_y, normal_x, touches = np.float32(0.0), np.float32(0.0), False
            for v in range(max(0, y - 2), min(height, y + 3)):
                for u in range(max(0, x - 2), min(width, x + 3)):
                    if known[v, u] == 1:
                        normal_y += np.float32(v - y)
                        normal_x += np.float32(u - x)
                        touches |= abs(v - y) <= 1 and abs(u - x) <= 1
            if touches:
                length = np.sqrt(normal_x * normal_x + normal_y * normal_y) + np.float32(1e-3)
                along = abs(lines[y, x, 0] * normal_x + lines[y, x, 1] * normal_y) / length
                priority[y, x] = _mean(confidence, y, x, half) * (along + LEAST_LINE)


@compiled()
def _patch(
    picture: Float32,
    behind: Float32,
    known: UInt8,
    todo: UInt8,
    y: int,
    x: int,
    half: int,
    at: Int32,
    wanted: Float32,
) -> int:
    """What a patch around a place is to look like: how many places were written to `at`, (2, M),
    with colours and weights, `wanted`, (M, 4)."""
    height, width = known.shape
    sparse = 2 if half > 4 else 1
    count = 0
    for is_known in range(1, -1, -1):  # what is known tells most
        for v in range(max(0, y - half), min(height, y + half + 1), sparse):
            for u in range(max(0, x - half), min(width, x + half + 1), sparse):
                if known[v, u] != is_known or (is_known == 0 and todo[v, u] == 0):
                    continue
                at[0, count], at[1, count] = v, u
                for c in range(3):
                    wanted[count, c] = picture[v, u, c] if is_known == 1 else behind[v, u, c]
                wanted[count, 3] = np.float32(1.0) if is_known == 1 else SMOOTH_COUNTS
                count += 1
    return count


@compiled()
def _most_alike(
    picture: Float32,
    whole: UInt8,
    y: int,
    x: int,
    reach: int,
    step: int,
    at: Int32,
    wanted: Float32,
    count: int,
) -> tuple[bool, np.float32, np.float32]:
    """How far away, down and across, the known patch lies that is most like the one at y, x."""
    height, width = whole.shape
    nothing, without_end = np.float32(0.0), np.float32(np.inf)
    least, best_y, best_x = without_end, 0 * y, 0 * x
    far = FAR_LEVELS * FAR_LEVELS * np.float32(3.0 * count / reach)
    for stage in range(2):
        spread = reach if stage == 0 else step - 1
        between = step if stage == 0 else 1
        middle_y, middle_x = best_y, best_x
        for dy in range(middle_y - spread, middle_y + spread + 1, between):
            for dx in range(middle_x - spread, middle_x + spread + 1, between):
                if not (0 <= y + dy < height and 0 <= x + dx < width):
                    continue
                if whole[y + dy, x + dx] == 0:
                    continue
                off = far * np.sqrt(np.float32(dy * dy + dx * dx))
                off = _differ(picture, at, wanted, count, dy, dx, off, least)
                if off < least:
                    least, best_y, best_x = off, dy, dx
        if not np.isfinite(least):
            return False, nothing, nothing
    found_y, found_x = np.float32(best_y), np.float32(best_x)
    for axis in range(2):  # between two pixels: the summit of a parabola
        down, across = 1 - axis, axis
        y0, y1 = y + best_y - down, y + best_y + down
        x0, x1 = x + best_x - across, x + best_x + across
        if y0 < 0 or x0 < 0 or y1 >= height or x1 >= width:
            continue
        if whole[y0, x0] == 0 or whole[y1, x1] == 0:
            continue
        values = np.empty(3, np.float32)
        for k in range(3):
            dy, dx = best_y + (k - 1) * down, best_x + (k - 1) * across
            values[k] = _differ(picture, at, wanted, count, dy, dx, nothing, without_end)
        bent = values[0] - np.float32(2.0) * values[1] + values[2]
        if bent > nothing:
            summit = np.float32(0.5) * (values[0] - values[2]) / bent
            summit = min(max(summit, np.float32(-0.5)), np.float32(0.5))
            found_y += summit * np.float32(down)
            found_x += summit * np.float32(across)
    return True, found_y, found_x


@compiled()
def _differ(
    picture: Float32,
    at: Int32,
    wanted: Float32,
    count: int,
    dy: int,
    dx: int,
    begun: np.float32,
    most: np.float32,
) -> np.float32:
    """Sum of squared differences of a patch from a picture so far away, beside `begun`; more than
    `most` is not counted to the end."""
    off = begun
    for k in range(count):
        y, x = at[0, k] + dy, at[1, k] + dx
        squared = np.float32(0.0)
        for c in range(3):
            difference = wanted[k, c] - picture[y, x, c]
            squared += difference * difference
        off += wanted[k, 3] * squared
        if off >= most:
            break
    return off
