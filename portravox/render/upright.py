"""The face alone: an upright square picture of head and neck, made before anything moves.

Flow      media.picture, face.find -> render.upright -> rig.fit, render.scene
Reads     pixels, Face
Gives     Upright: the square, its face measured anew, its matte

The square leans with the head and is turned upright. Where corners of it reach beyond the picture,
background and body go on softly, as if out of focus; where more would, a tighter square is taken
that lies within, if the face fits into one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from portravox.arrays import Bool, Float32, Float64, UInt8
from portravox.face.crop import Square, cut, cut_finely
from portravox.face.face import Face
from portravox.face.find import measured
from portravox.face.landmarks import MeshFit, fit_face
from portravox.face.matte import person_matte
from portravox.face.models import segment_person
from portravox.face.outlines import OVAL
from portravox.ramps import smoothstep
from portravox.render.backdrop import filled_in
from portravox.render.drawing import lay_over

SIDE_PX = (512, 1024)
"""Smallest and largest side of a face-only video."""

HEAD_SHARE = 0.68
"""Of the square's height, crown to chin. These shares make a head-and-neck portrait: our choice."""

FACE_SHARE = (0.42, 0.54)
"""Of the square's height, hairline to chin: under high hair and hats the face is no smaller than
the first, on a bald or cut head no larger than the second."""

HEADROOM = 0.31
"""Of the height that the head leaves, so much is above it; below is the neck."""

LOOK_PX = 256
LOOK_FACES = 3.6
"""Side of the coarse look by which the square is laid, px, and in face heights: it holds every
square that is tried."""

HIGHEST_CROWN = 0.75
"""Hair and hats end at the latest so many face heights above the hairline: beyond, it is
something else that the network takes for the person."""

SHRINKS = (1.0, 0.93, 0.87, 0.81, 0.75, 0.69, 0.63, 0.57)
SHIFTS = (-0.12, -0.08, -0.04, 0.0, 0.04, 0.08, 0.12)
"""Squares that are tried where the first reaches beyond the picture: sizes, and shifts in sides."""

LEAST_SIDE_FACES, LEAST_SIDE_HEADS = 1.12, 1.08
"""A square is never smaller than this, in face heights and in head heights."""

LEAST_INSIDE_FACES = 0.84
TIGHTER_STEP = 0.03
"""Where such a square does not lie within the picture, tighter ones are tried: down to this, in
face heights, in steps of the side that we would like. Our choice: cheek to cheek."""

COST_TIGHTER, COST_CUT_HAIR, COST_CUT_BROW, COST_CUT_CHIN = 1.6, 1.0, 3.0, 6.0
"""What speaks against them beside the distance from the place that we would like (1), in face
heights. Our choice."""

HEADROOM_TIGHT = 0.06
"""In sides, above the crown."""

MOST_BEYOND = 0.10
"""A smaller share of a square beyond the picture, at its corners mostly, is made up without being
noticed. Measured on 24 portraits and 18 tight crops: up to 0.06, and from 0.18 on."""

MOST_OF_HEAD_BEYOND = 0.0015
"""The same of the head, which nobody takes for whole with a made-up crown. Whole portraits have up
to .0004, crops through the hair from .0019 on."""

NOTHING_BEYOND = 0.002
"""A square with so small a share beyond the picture lies within it."""

LEANS_FOR = 0.01
"""A square leans with the head, unless one that stands saves this share of it."""

COST_CUT_PERSON, COST_SHRUNK, COST_ASIDE, COST_UP_OR_DOWN = 3.0, 2.0, 2.0, 0.8
"""What speaks against a square beside its share beyond the picture (1): how much of that share a
person cut by the border fills, and how far it is from the square that we would like. Our choice."""

FILL_PX = 160
"""Side at which what lies beyond the picture is made up: nothing there is sharp."""

SOFT_BACKGROUND, SOFT_PERSON = 0.20, 0.05
"""So many sides before the border sharpness begins to fall; of the person only close to it."""

SOFTEST = 0.03
"""Blur beyond the border, in sides."""

HEAD_GOES_ON = (0.02, 0.12)
"""A head cut by the border ends between these, in sides: it is round. Bodies go on."""


SHOULDER_SLOPE = 0.4
"""Shoulders cut by a side of the picture go on falling so steeply. Our choice."""


@dataclass(frozen=True, slots=True, eq=False)
class Upright:
    """The face alone, ready for the rig."""

    pixels: UInt8
    """(S, S, 3), S even and within SIDE_PX."""

    face: Face
    """Measured again in the square."""

    matte: Float32
    """(S, S) 0..1 the person."""


def upright_square(pixels: UInt8, face: Face) -> Upright:
    """The head of a picture, (H, W, 3), upright in the middle of a square."""
    square = framing(pixels, face)
    side = int(np.clip(round(square.side_px), *SIDE_PX)) // 2 * 2
    content = cut_finely(pixels, square, side)
    landmarks = _in_crop(face.landmarks, square, side)
    again = fit_face(content, MeshFit(landmarks, landmarks[None], score=1.0, detector_score=1.0))
    upright = replace(
        measured(content, again.landmarks if again.is_face else landmarks),
        hands=tuple(_in_crop(hand, square, side) for hand in face.hands),
        objects=tuple(_in_crop(outline, square, side) for outline in face.objects),
    )
    matte = person_matte(content, upright)
    size = (pixels.shape[1], pixels.shape[0])
    if _border_distance(size, square, LOOK_PX).min() < 0.0:
        content, matte = _continued(content, matte, size, square, upright)
    return Upright(content, upright, matte)


def framing(pixels: UInt8, face: Face) -> Square:
    """The square to show of a picture, (H, W, 3); it leans as the head does."""
    leaning = _framed(pixels, face, face.pose.roll_deg)
    if leaning.beyond < MOST_BEYOND:
        return leaning.square
    # a square that stands upright fits into more of the picture
    standing = _framed(pixels, face, 0.0)
    better = standing.beyond + LEANS_FOR < leaning.beyond or (
        standing.beyond < NOTHING_BEYOND and standing.square.side_px > leaning.square.side_px
    )
    return standing.square if better else leaning.square


@dataclass(frozen=True, slots=True)
class _Framed:
    """A square, and which share of it the picture does not hold."""

    square: Square
    beyond: float


def _framed(pixels: UInt8, face: Face, roll: float) -> _Framed:
    """The best square that leans by `roll`, degrees."""
    size = (pixels.shape[1], pixels.shape[0])
    oval = face.landmarks[list(OVAL)]
    upright = _in_crop(oval, Square(0.0, 0.0, 1.0, roll), 1)
    low, high = upright.min(axis=0), upright.max(axis=0)
    height = float(high[1] - low[1])
    to_picture = np.linalg.inv(Square(0.0, 0.0, 1.0, roll).to_crop(1)[:, :2])
    # to_crop puts the origin at the crop's middle, half a pixel off
    middle = to_picture @ ((low + high)[:2] / 2 - 0.5)

    look = Square(float(middle[0]), float(middle[1]), LOOK_FACES * height, roll)
    person = segment_person(cut(pixels, look, LOOK_PX))
    inside = _border_distance(size, look, LOOK_PX) >= 0.0
    unit = look.side_px / LOOK_PX  # px of the picture; below, all is in px of the look
    face_px = height / unit
    centre = LOOK_PX / 2
    chin = centre + face_px / 2
    crown = _crown(person, inside, face_px)
    head = _Head(x=centre, crown=crown, chin=chin, face_px=face_px)
    x, y, side = _placed(head, person, inside)
    at = middle + to_picture @ np.array([x - centre, y - centre]) * unit
    square = Square(float(at[0]), float(at[1]), side * unit, roll)
    return _Framed(square, float((_border_distance(size, square, LOOK_PX) < 0.0).mean()))


def _in_crop(points: Float32, square: Square, crop_px: int) -> Float32:
    """(P, 2) or (P, 3) px of the picture -> px of the crop; z is only scaled."""
    way = square.to_crop(crop_px)
    flat = points[:, :2] @ way[:, :2].T + way[:, 2]
    return np.hstack([flat, points[:, 2:] * (crop_px / square.side_px)]).astype(np.float32)


def _crown(person: Float32, inside: Bool, face_px: float) -> float:
    """Row of a look at which hair or hat end, or the picture does.

    person, inside  (LOOK_PX, LOOK_PX) the person 0..1, and what lies within the picture
    """
    half = int(0.3 * face_px)
    centre = LOOK_PX // 2
    columns = slice(centre - half, centre + half)
    filled = ((person > 0.5) & inside)[:, columns].mean(axis=1) > 0.3
    hairline = int(centre - face_px / 2)
    row = hairline
    while row > hairline - HIGHEST_CROWN * face_px and filled[row - 1]:
        row -= 1
    return float(row)


@dataclass(frozen=True, slots=True)
class _Head:
    """Where the head is, px of the look."""

    x: float
    crown: float
    chin: float
    face_px: float
    """Height, hairline to chin."""

    @property
    def height_px(self) -> float:
        return self.chin - self.crown


def _placed(head: _Head, person: Float32, inside: Bool) -> tuple[float, float, float]:
    """Centre x, y and side of the best square, px of the look.

    The one that we would like, if it lies within the picture.

    person, inside  (LOOK_PX, LOOK_PX) the person 0..1, and what lies within the picture
    """
    outside = ~inside
    missing = cv2.integral(outside.astype(np.float32))
    cut_off = cv2.integral(outside * person)
    above_chin = np.arange(LOOK_PX)[:, None] < head.chin
    head_cut_off = cv2.integral(outside * person * above_chin)
    wanted = float(
        np.clip(
            head.height_px / HEAD_SHARE,
            head.face_px / FACE_SHARE[1],
            head.face_px / FACE_SHARE[0],
        )
    )
    least = max(LEAST_SIDE_FACES * head.face_px, LEAST_SIDE_HEADS * head.height_px)

    def square(shrink: float, aside: float, down: float) -> tuple[float, float, float]:
        side = shrink * wanted
        top = head.crown - HEADROOM * (side - head.height_px)
        return head.x + aside * side, top + (0.5 + down) * side, side

    def share(table: Float64, x: float, y: float, side: float) -> float:
        x0, x1, y0, y1 = (
            int(np.clip(round(edge), 0, LOOK_PX))
            for edge in (x - side / 2, x + side / 2, y - side / 2, y + side / 2)
        )
        return float(table[y1, x1] - table[y0, x1] - table[y1, x0] + table[y0, x0]) / side**2

    def cost(one: tuple[float, float, float]) -> float:
        shrink, aside, down = one
        at = square(shrink, aside, down)
        return (
            share(missing, *at)
            + COST_CUT_PERSON * share(cut_off, *at)
            + COST_SHRUNK * (1.0 - shrink) ** 2
            + COST_ASIDE * abs(aside)
            + COST_UP_OR_DOWN * abs(down)
        )

    shrinks = [k for k in SHRINKS if k == 1.0 or k * wanted >= least]
    best = min(((k, a, d) for k in shrinks for a in SHIFTS for d in SHIFTS), key=cost)
    if (
        share(missing, *square(*best)) < MOST_BEYOND
        and share(head_cut_off, *square(*best)) < MOST_OF_HEAD_BEYOND
    ):
        return square(*best)
    # within the picture, then, however tight: what is made up beyond it looks like a cut-out
    within = [
        found
        for side in np.arange(wanted, LEAST_INSIDE_FACES * head.face_px, -TIGHTER_STEP * wanted)
        if (found := _within(head, inside, float(side))) is not None
    ]
    if not within:
        return square(*best)
    chosen = min(within, key=lambda one: one.cost + COST_TIGHTER * (1.0 - one.side / wanted))
    return chosen.x, chosen.y, chosen.side


@dataclass(frozen=True, slots=True)
class _Within:
    """A square that lies within the picture, px of the look."""

    x: float
    y: float
    side: float
    cost: float
    """How much of the head it cuts, and how far it is from where we would like it."""


def _within(head: _Head, inside: Bool, side: float) -> _Within | None:
    """The best square of a side, px of the look, that lies within the picture; None if none does.

    inside  (LOOK_PX, LOOK_PX) what lies within the picture
    """
    block = np.ones((2 * int(np.ceil(side / 2)) + 1,) * 2, np.uint8)
    centres = cv2.erode(
        inside.astype(np.uint8), block, borderType=cv2.BORDER_CONSTANT, borderValue=(0,)
    )
    y, x = np.nonzero(centres)
    if not len(x):
        return None
    above = np.maximum((y - side / 2) - (head.chin - head.face_px), 0.0)
    below = np.maximum(head.chin - (y + side / 2), 0.0)
    hair = np.maximum((y - side / 2) - head.crown, 0.0)
    off = np.abs(x - head.x) + 0.3 * np.abs(y - side / 2 - (head.crown - HEADROOM_TIGHT * side))
    cost = (
        COST_CUT_HAIR * hair + COST_CUT_BROW * above + COST_CUT_CHIN * below + off
    ) / head.face_px
    k = int(np.argmin(cost))
    return _Within(float(x[k]), float(y[k]), side, float(cost[k]))


def _border_distance(size: tuple[int, int], square: Square, crop_px: int) -> Float32:
    """(crop_px, crop_px) distance of each pixel from the picture's border, px of the crop.

    Negative outside. size (width, height) of the picture.
    """
    x, y = _in_picture(square, crop_px)
    to_right, to_lower = size[0] - 1 - x, size[1] - 1 - y
    within = np.minimum(np.minimum(x, to_right), np.minimum(y, to_lower))
    beyond = np.hypot(
        np.maximum(np.maximum(-x, -to_right), 0.0), np.maximum(np.maximum(-y, -to_lower), 0.0)
    )
    distance = np.where(within >= 0.0, within, -beyond) * (crop_px / square.side_px)
    return np.asarray(distance, np.float32)


def _in_picture(square: Square, crop_px: int) -> tuple[Float64, Float64]:
    """x and y in the picture of each pixel of a crop, (crop_px, crop_px) each."""
    back = cv2.invertAffineTransform(square.to_crop(crop_px))
    y, x = np.mgrid[0:crop_px, 0:crop_px].astype(np.float64)
    return (
        back[0, 0] * x + back[0, 1] * y + back[0, 2],
        back[1, 0] * x + back[1, 1] * y + back[1, 2],
    )


def _continued(
    content: UInt8, matte: Float32, size: tuple[int, int], square: Square, face: Face
) -> tuple[UInt8, Float32]:
    """A square and its matte with what lies beyond the picture's border made up.

    Sharpness falls towards the border, so that no line shows where the photograph ends.

    content  (S, S, 3), matte (S, S)
    size     (width, height) of the picture
    square   where in the picture the content lies
    face     in px of the content
    """
    side = len(content)
    small = cv2.resize(content, (FILL_PX, FILL_PX), interpolation=cv2.INTER_AREA)
    small = small.astype(np.float32)
    distance = _border_distance(size, square, FILL_PX)
    known = (distance > 1.0).astype(np.float32)
    person = _person_beyond(matte, distance, size, square, face)
    behind = filled_in(small, known * (cv2.dilate(person, np.ones((5, 5))) < 0.05))
    body = filled_in(small, known * (person > 0.9)) if (known * person > 0.9).any() else behind
    made_up = behind + (body - behind) * person[..., None]
    made_up = small * known[..., None] + made_up * (1.0 - known[..., None])
    softest = SOFTEST * FILL_PX
    far = smoothstep(0.0, 2.0 * softest, -distance)[..., None]
    made_up += (cv2.GaussianBlur(made_up, (0, 0), softest) - made_up) * far
    made_up = cv2.GaussianBlur(made_up, (0, 0), 1.0)

    reach = (SOFT_BACKGROUND + (SOFT_PERSON - SOFT_BACKGROUND) * person) * FILL_PX
    soft = 1.0 - smoothstep(0.0, 1.0, distance / reach)
    soft, large_person = (
        cv2.resize(np.asarray(part, np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
        for part in (soft, person)
    )
    beyond = _border_distance(size, square, side) < 1.0
    soft[beyond] = 1.0
    wide = cv2.resize(made_up, (side, side), interpolation=cv2.INTER_CUBIC)
    out = content.copy()
    lay_over(out, grained(wide, content, ~beyond), soft)
    return out, np.where(beyond, large_person, matte)


def _person_beyond(
    matte: Float32, distance: Float32, size: tuple[int, int], square: Square, face: Face
) -> Float32:
    """(FILL_PX, FILL_PX) the matte, carried on beyond the border from the nearest pixel inside."""
    x, y = _in_picture(square, FILL_PX)
    nearest = np.dstack([np.clip(x, 2, size[0] - 3), np.clip(y, 2, size[1] - 3)])
    way = square.to_crop(FILL_PX)
    at = (nearest @ way[:, :2].T + way[:, 2]).astype(np.float32)
    at[..., 1] -= SHOULDER_SLOPE * np.abs(at[..., 0] - np.arange(FILL_PX))
    small = cv2.resize(matte, (FILL_PX, FILL_PX), interpolation=cv2.INTER_AREA)
    person = cv2.remap(small, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    chin = face.landmarks[152, 1] * FILL_PX / len(matte)
    is_head = np.arange(FILL_PX)[:, None] < chin
    ends = smoothstep(HEAD_GOES_ON[0] * FILL_PX, HEAD_GOES_ON[1] * FILL_PX, -distance)
    person = np.where(is_head, person * (1.0 - ends), person).astype(np.float32)
    softer = cv2.GaussianBlur(person, (0, 0), 0.02 * FILL_PX)
    blended: Float32 = np.where(distance < 0.0, softer, person).astype(np.float32)
    return blended


def grained(smooth: Float32, photo: UInt8, within: Bool) -> Float32:
    """(S, S, 3) smooth with the grain of a photograph, as measured where it has least detail."""
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.0))[within]
    # the median of |x| is 0.67 deviations; the blur of 1 px takes about a fifth of white noise away
    deviation = float(np.quantile(detail, 0.35)) / 0.45
    grain = np.random.default_rng(0).normal(0.0, deviation, grey.shape).astype(np.float32)
    return np.asarray(smooth + cv2.GaussianBlur(grain, (0, 0), 0.6)[..., None], np.float32)
