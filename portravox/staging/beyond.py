"""Beyond the border: a photograph carried on where a frame reaches further than it does.

Flow      staging.frame -> staging.beyond -> staging.stage
Reads     pixels, the person matte, a Frame
Gives     the frame's pixels and matte

The background goes on as its own mirror image without the person, ever further out of focus; a body
that the border cuts goes on in its own colours and falls away as shoulders do. Sharpness begins to
fall within the photograph, so that no line shows where it ends.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from portravox.arrays import AnyInteger, Float32, Float64, UInt8
from portravox.face.face import Face
from portravox.ramps import smoothstep
from portravox.render.backdrop import filled_in
from portravox.render.drawing import lay_over
from portravox.render.upright import grained
from portravox.staging.frame import Frame

WORK_PX = 384
"""Longer side at which the rest is made up: nothing there is sharp."""

SOFT_BACKGROUND, SOFT_PERSON = 0.07, 0.02
"""So far before the border sharpness begins to fall, in shorter sides of the frame; of the person
only close to it. Our choice."""

BLURS = (0.012, 0.03, 0.06)
"""Standard deviations of the blur, in shorter sides: at the border, a third and two thirds of a
shorter side beyond. Our choice."""

FIGURE_BLURS = (0.02, 0.15, 0.3)
"""The same of the person: what a coat does below the border nobody knows. Our choice."""

SHOULDER_SLOPE = 0.4
"""Bodies cut by a side of the picture fall away so steeply. Our choice."""

CUT_SHARE = 0.25
"""Of a border beside or above the head, so much of it has to be the person. Our choice."""

SURELY_PERSON = 0.4
"""From this share of the matte on, a place is not background. Less is a bystander, too, who would
else end at the border. Our choice."""

GOES_ON = (0.3, SURELY_PERSON)
"""Of the matte: between these a person begins to go on beyond the border."""

HEAD_FW = 0.75
"""Hair reaches so far from the nose, in face widths; beyond, above the chin, are bystanders who the
matte takes for the person. Our choice."""

HEAD_ENDS = 0.06
"""A head that the border cuts ends so far beyond it, in shorter sides: it is round."""


def carried_on(pixels: UInt8, matte: Float32, frame: Frame, face: Face) -> tuple[UInt8, Float32]:
    """What a frame shows of a photograph and beyond, and the person in it.

    pixels  (H, W, 3), matte (H, W) 0..1
    face    whose head ends beyond a border that cuts it, while bodies go on
    returns (h, w, 3), (h, w) of the frame
    """
    height, width = matte.shape
    x, y = np.arange(frame.width) + frame.left, np.arange(frame.height) + frame.top
    inside_x, inside_y = (x >= 0) & (x < width), (y >= 0) & (y < height)
    if inside_x.all() and inside_y.all():
        rows, columns = slice(y[0], y[-1] + 1), slice(x[0], x[-1] + 1)
        return np.ascontiguousarray(pixels[rows, columns]), matte[rows, columns].copy()
    nearest = np.ix_(np.clip(y, 0, height - 1), np.clip(x, 0, width - 1))
    sharp, person = pixels[nearest], matte[nearest]
    made_up, made_person = _made_up(pixels, matte, frame, face)

    shorter = min(frame.width, frame.height)
    distance = _border_distance(x, y, (width, height))
    reach = (SOFT_BACKGROUND + (SOFT_PERSON - SOFT_BACKGROUND) * person) * shorter
    soft = (1.0 - smoothstep(0.0, 1.0, distance / reach)).astype(np.float32)
    beyond = distance < 1.0
    soft[beyond] = 1.0
    out = sharp.copy()
    lay_over(out, grained(made_up, sharp, ~beyond), soft)
    return out, np.where(beyond, made_person, person).astype(np.float32)


def cuts_head(matte: Float32, frame: Frame, face: Face) -> bool:
    """Whether a border that the frame reaches beyond cuts the head: what is made up there shows."""
    height, width = matte.shape
    head = _Head.of(face, 1.0)
    chin = int(np.clip(head.chin_y, 1, height))
    columns = slice(max(0, round(head.x - head.reach)), max(0, round(head.x + head.reach)))
    cut = [
        matte[:chin, 0] if frame.left < 0 and columns.start == 0 else matte[:0, 0],
        matte[:chin, -1]
        if frame.left + frame.width > width and columns.stop >= width
        else matte[:0, 0],
        matte[0, columns] if frame.top < 0 else matte[0, :0],
    ]
    shares = [float((line >= SURELY_PERSON).mean()) for line in cut if len(line)]
    return max(shares, default=0.0) > CUT_SHARE


def _made_up(pixels: UInt8, matte: Float32, frame: Frame, face: Face) -> tuple[Float32, Float32]:
    """(h, w, 3) and (h, w): the frame out of focus, made up beyond the picture."""
    height, width = matte.shape
    scale = min(1.0, WORK_PX / max(frame.width, frame.height))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    person = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)
    taken = cv2.dilate(person, np.ones((7, 7), np.uint8))
    behind = filled_in(small, (taken < SURELY_PERSON).astype(np.float32))
    solid = (person >= SURELY_PERSON).astype(np.float32)
    body = filled_in(small, solid) if solid.any() else behind

    left, top = round(frame.left * scale), round(frame.top * scale)
    w, h = max(8, round(frame.width * scale)), max(8, round(frame.height * scale))
    x, y = np.arange(w) + left, np.arange(h) + top
    distance = _border_distance(x, y, size)
    mirrored = np.ix_(_reflected(y, size[1]), _reflected(x, size[0]))
    nearest = np.ix_(np.clip(y, 0, size[1] - 1), np.clip(x, 0, size[0] - 1))
    head = _Head.of(face, scale)
    # who is in doubt goes on as well, and not half: behind them nothing of their colours is known
    sure = smoothstep(*GOES_ON, person).astype(np.float32)
    there = _person_beyond(sure, x, y, distance, head, min(w, h))
    outside = (distance < 0.0)[..., None]
    ground = np.where(outside, behind[mirrored], behind[nearest])
    ground = _out_of_focus(ground, distance, min(w, h), BLURS)
    figure = _out_of_focus(body[nearest], distance, min(w, h), FIGURE_BLURS)
    made = ground + (figure - ground) * there[..., None]
    made = np.where(outside, made, small[nearest])
    made = cv2.GaussianBlur(made, (0, 0), max(0.8, BLURS[0] * min(w, h) / 2))
    full = (frame.width, frame.height)
    return (
        np.asarray(cv2.resize(made, full, interpolation=cv2.INTER_CUBIC), np.float32),
        np.clip(cv2.resize(there, full, interpolation=cv2.INTER_LINEAR), 0.0, 1.0),
    )


class _Head(NamedTuple):
    """Where a person that the border cuts is a head and not a body; px of the reduced picture."""

    x: float
    reach: float
    chin_y: float

    @classmethod
    def of(cls, face: Face, scale: float) -> _Head:
        middle = float(face.landmarks[4, 0])
        return cls(
            middle * scale, HEAD_FW * face.width_px * scale, float(face.landmarks[152, 1]) * scale
        )


def _out_of_focus(
    ground: Float32, distance: Float32, shorter: int, blurs: tuple[float, ...]
) -> Float32:
    """(h, w, 3) the softer the further from the picture."""
    ground = np.asarray(ground, np.float32)
    depth = np.clip(-distance / shorter * 3.0, 0.0, 2.0)
    out = np.zeros_like(ground)
    for level, blur in enumerate(blurs):
        share = np.clip(1.0 - np.abs(depth - level), 0.0, 1.0)[..., None]
        out += share * cv2.GaussianBlur(ground, (0, 0), blur * shorter)
    return out


def _person_beyond(
    person: Float32, x: AnyInteger, y: AnyInteger, distance: Float32, head: _Head, shorter: int
) -> Float32:
    """(h, w) the matte, carried on beyond the border from the nearest pixel inside."""
    height, width = person.shape
    inside_x = np.clip(x, 1, width - 2)
    away = np.abs(x - inside_x)
    inside_y = np.clip(y[:, None] - SHOULDER_SLOPE * away[None, :], 0, height - 2)
    at_x = np.broadcast_to(inside_x[None, :], inside_y.shape).astype(np.float32)
    carried = cv2.remap(person, at_x, inside_y.astype(np.float32), cv2.INTER_LINEAR)
    is_head = (y < head.chin_y)[:, None] & (np.abs(inside_x - head.x) < head.reach)[None, :]
    ends = 1.0 - smoothstep(0.0, HEAD_ENDS * shorter, -distance)
    carried = np.where(is_head & (distance < 0.0), carried * ends, carried).astype(np.float32)
    softer = cv2.GaussianBlur(carried, (0, 0), max(0.8, BLURS[0] * shorter))
    there: Float32 = np.where(distance < 0.0, softer, carried).astype(np.float32)
    return there


def _reflected(index: AnyInteger, count: int) -> AnyInteger:
    """Indices beyond 0 .. count - 1 mirrored back, as often as it takes."""
    period = max(1, 2 * (count - 1))
    folded = np.mod(index, period)
    return np.where(folded < count, folded, period - folded)


def _border_distance(x: AnyInteger, y: AnyInteger, size: tuple[int, int]) -> Float32:
    """(h, w) px from the border of a picture of a size (width, height); negative outside."""
    (within_x, beyond_x), (within_y, beyond_y) = _along(x, size[0]), _along(y, size[1])
    within = np.minimum(within_x[None, :], within_y[:, None])
    beyond = np.hypot(beyond_x[None, :], beyond_y[:, None])
    return np.where(beyond > 0.0, -beyond, within).astype(np.float32)


def _along(at: AnyInteger, side: int) -> tuple[Float64, Float64]:
    """(n,) each: px to the nearest border that the frame reaches beyond, and px beyond it.

    Other borders are no reason to be soft.
    """
    to_low, to_high = at.astype(np.float64), side - 1.0 - at
    beyond = np.maximum(np.maximum(-to_low, -to_high), 0.0)
    within = np.full(len(at), 1e9)
    if at[0] < 0:
        within = np.minimum(within, to_low)
    if at[-1] >= side:
        within = np.minimum(within, to_high)
    return within, beyond
