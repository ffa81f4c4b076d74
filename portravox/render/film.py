"""The photograph as the renderer's inner loop reads it.

Flow      render.backdrop (layers) -> Film -> render.scene
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from portravox.arrays import Bool, Float32, Float64, UInt8, UInt16
from portravox.face.face import LipState
from portravox.face.outlines import LOWER_OUTER, UPPER_OUTER
from portravox.media.planes import Planes
from portravox.ramps import smoothstep
from portravox.render.backdrop import Layers
from portravox.render.corners import smoothed_corners
from portravox.render.drawing import Box, disc, polygon_cover
from portravox.render.kernels import BETWEEN, BLOCK, CLEAR, SOLID, MovingLayer, ThreePlanes
from portravox.rig.fit import Rig

SHARP_UP_TO_PX = 1_300_000
"""Films of up to this many pixels are held at twice their size, so that looking between two
pixels does not soften them; larger ones are softened less than a viewer sees."""

STRETCH_BLOCKS = 2
"""A block's state holds for so many blocks around it, since the picture may be compressed."""

MIRROR_REACH_FW = 0.24
"""The film goes on so far beyond the picture's border, in face widths. Our choice: as far as the
outline of a head travels."""

TWIN_SOFT, TWIN_PERSON = 0.06, (0.1, 0.4)
"""There what is cut ends softly beside what is not: within so much, in shares of that reach, and
between these shares of the person."""

LIP_REACH_MM = 30.0
"""The lips' own film reaches so far around the mouth: further than any shape moves it."""

LIP_SPILL_MM = 0.5
"""Teeth shine a little over the edge of the lips in a photograph. Our choice."""

MISSED_MM, LEAST_LIP_MM = 1.8, 0.8
DARKER_THAN_LIP, PALER_THAN_LIP, BRIGHTER_THAN_LIP = 0.40, 0.45, 1.1
DARKER_AT_CORNERS, CORNERS_MM = 0.60, 6.0
LEAST_LIP_COLOUR = 0.1
"""So far beyond its outline the opening is looked for, and so far from the lips' outer edge: what
has less than so much of the lips' brightness, more so near its corners, or less than so much of
their colour at that much more brightness; where their colour is at least so much. Our choice."""

MEDIAN_PX = 5
"""What is painted over is freed of specks as large as half of that."""

HALF_PIXEL_TAPS = np.array([1, -5, 20, 20, -5, 1], np.float32) / 32
"""Value halfway between two samples. Source: the half-sample filter of H.264 (ITU-T H.264,
8.4.2.2.1)."""

BETWEEN_TWO, BETWEEN_FOUR = 0.5, 0.15
"""How much more of the finest detail values have that lie between two pixels, and between four.

What is looked up between the values of a film is a mean of them, which takes from grain; so these
have too much, and pixels themselves what the photograph has. In the mean over all places grain
then has its energy, and it varies with the place no more than without. Our choice, by
`python -m benchmarks.quality --only texture` (docs/decisions/0105)."""


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """The moving layer of a region and the plate behind it."""

    luma: UInt16
    """(h * scale, w * scale) pairs"""

    cb: UInt16
    cr: UInt16
    """(h / 2, w / 2) pairs each"""

    matte: UInt8
    """(h, w)"""

    states: UInt8
    """(h / BLOCK, w / BLOCK), rounded up: CLEAR, BETWEEN or SOLID"""

    scale: int
    """1 or 2"""

    origin: tuple[int, int]
    """x, y in the picture, even"""

    plate: Planes

    @property
    def moving(self) -> MovingLayer:
        """As `kernels.draw_planes` takes it."""
        return MovingLayer(
            self.luma, self.cb, self.cr, self.matte, self.states, *self.origin, self.scale
        )

    @property
    def behind(self) -> ThreePlanes:
        """Likewise."""
        return ThreePlanes(self.plate.luma, self.plate.cb, self.plate.cr)


@dataclass(frozen=True, slots=True, eq=False)
class CornerFilm:
    """One corner of the mouth in the film of the lips, with the crease beyond it and without."""

    box: Box
    """In the film, before it is doubled."""

    with_crease: tuple[UInt8, UInt8, UInt8]
    without: tuple[UInt8, UInt8, UInt8]
    """Luma, cb and cr as the film has them; alike at the border."""


@dataclass(frozen=True, slots=True, eq=False)
class LipFilm:
    """The film of the lips, and its corners on the picture's left and right."""

    film: Film
    corners: tuple[CornerFilm | None, CornerFilm | None]
    """None where there is no crease."""


class LipsInUse:
    """The film of the lips for one video: the creases of its corners come and go."""

    def __init__(self, lips: LipFilm) -> None:
        film = lips.film
        self.film = replace(film, luma=film.luma.copy(), cb=film.cb.copy(), cr=film.cr.copy())
        self._corners = lips.corners
        self._shares = [0.0, 0.0]

    def take_out(self, shares: tuple[float, float]) -> None:
        """Take creases out of the film: 0 as photographed, 1 without."""
        for side, (corner, share) in enumerate(zip(self._corners, shares, strict=True)):
            if corner is None or share == self._shares[side]:
                continue
            self._shares[side] = share
            for into, with_crease, without in zip(
                _planes_in(self.film, corner.box), corner.with_crease, corner.without, strict=True
            ):
                mixed = cv2.addWeighted(with_crease, 1.0 - share, without, share, 0.0)
                # the last column goes on with a neighbour beyond the box, which stays
                into[:, :-1] = pairs_of(np.asarray(mixed, np.uint8))[:, :-1]


def make_film(rig: Rig, layers: Layers, person: Float32) -> Film:
    """Prepare both layers of the rig's region in a picture of which the person is cut out, (H, W).

    Where the region ends with the picture, both go on as their mirror image: a head that is cut by
    the border and moves away from it would else draw its last pixels out into streaks. An ear that
    is near to the border and not cut has no twin beyond it.
    """
    scale = 2 if layers.matte.size <= SHARP_UP_TO_PX else 1
    left, top, right, bottom = rig.region
    height, width = person.shape
    least = min(right - left, bottom - top) - 1
    reach = min(round(MIRROR_REACH_FW * rig.width_px), least) // BLOCK * BLOCK
    beyond = [  # above, below, left, right
        reach if cut else 0
        for cut in (top == 0, bottom >= height - 1, left == 0, right >= width - 1)
    ]
    pixels, matte, plate = (
        np.asarray(cv2.copyMakeBorder(part, *beyond, cv2.BORDER_REFLECT_101), np.uint8)
        for part in (layers.pixels, layers.matte, layers.plate)
    )
    _without_twins(pixels, plate, person[top:bottom, left:right], beyond)
    film = _film(pixels, matte, plate, scale, (left - beyond[2], top - beyond[0]))
    if not any(beyond):
        return film
    straight = cv2.copyMakeBorder(layers.matte, *beyond, cv2.BORDER_REPLICATE)
    straight = np.asarray(straight, np.uint8)
    return replace(film, matte=straight, states=states_of(straight))


def _without_twins(pixels: UInt8, plate: UInt8, person: Float32, beyond: list[int]) -> None:
    """Beyond the border leave of a person's mirror image, in place, only what belongs to one whom
    the border cuts there.

    pixels, plate  the photograph and what lies behind, (H, W, 3), carried on as mirror images
    person         (h, w) what of the photograph is the person
    beyond         by so many pixels they are carried on above, below, on the left, on the right
    """
    for side, reach in enumerate(beyond):
        if not reach:
            continue
        # seen such that the border lies above; the corners go with both sides
        way = slice(None, None, -1 if side % 2 else 1)
        photo = (pixels if side < 2 else pixels.swapaxes(0, 1))[way]
        behind = (plate if side < 2 else plate.swapaxes(0, 1))[way]
        own = (person if side < 2 else person.swapaxes(0, 1))[way]
        aside = beyond[2:] if side < 2 else beyond[:2]
        own = np.pad(own[: reach + 1], ((0, 0), aside), mode="reflect")
        soft = cv2.GaussianBlur(np.ascontiguousarray(own), (0, 0), max(1.0, TWIN_SOFT * reach))
        there = smoothstep(*TWIN_PERSON, soft)
        twin = (there[:0:-1] * (1.0 - there[:1])).astype(np.float32)
        columns = np.flatnonzero(twin.any(axis=0))
        if columns.size:
            place = (slice(0, reach), slice(columns[0], columns[-1] + 1))
            share = twin[place][..., None]
            mixed = photo[place] * (1.0 - share) + behind[place] * share
            photo[place] = (mixed + 0.5).astype(np.uint8)


def make_alpha_film(film: Film, cutout: UInt8) -> Film:
    """What of the moving layer is the person, to be drawn as its colours are.

    film    of the person's picture
    cutout  (H, W) 0..255 of the whole picture
    """
    x, y = film.origin
    height, width = film.matte.shape
    beyond = [
        max(0, -y), max(0, y + height - len(cutout)),
        max(0, -x), max(0, x + width - cutout.shape[1]),
    ]  # fmt: skip
    wide = cv2.copyMakeBorder(cutout, *beyond, cv2.BORDER_REFLECT_101)
    top, left = y + beyond[0], x + beyond[2]
    here = np.ascontiguousarray(wide[top : top + height, left : left + width])
    nothing = pairs_of(np.zeros_like(film.cb, np.uint8))
    # where the layer is not solid, what lies behind must be as it is, or it would change at rest
    behind = np.where(film.matte == 255, 0, here).astype(np.uint8)
    chroma = np.zeros(film.cb.shape, np.uint8)
    return replace(
        film,
        luma=pairs_of(double(here) if film.scale == 2 else here),
        cb=nothing,
        cr=nothing,
        plate=Planes(behind, chroma, chroma),
    )


def make_lip_film(rig: Rig, layers: Layers, scale: int) -> LipFilm:
    """The same around the mouth, what is seen between the lips painted over with lip.

    Where the mesh misses the edge of a lip by a pixel, a lip then shows beside it, not a tooth.
    """
    mm = rig.px_per_mm
    lips = rig.face.lips
    left, top, right, bottom = rig.region
    outline = np.concatenate([lips.upper_inner, lips.lower_inner[-2:0:-1]])
    x0, y0 = (np.floor(outline.min(axis=0) - LIP_REACH_MM * mm).astype(int) // 2 * 2).tolist()
    x1, y1 = (np.ceil(outline.max(axis=0) + LIP_REACH_MM * mm).astype(int) // 2 * 2).tolist()
    x0, y0, x1, y1 = max(x0, left), max(y0, top), min(x1, right), min(y1, bottom)
    here = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    patch = np.ascontiguousarray(layers.pixels[here])
    if lips.state is not LipState.CLOSED:
        red = rig.rest[[*UPPER_OUTER, *LOWER_OUTER[-2:0:-1]], :2]
        inside = no_lip(patch, outline - (x0, y0), red - (x0, y0), mm)
        patch = _painted_over(patch, cv2.dilate(inside, disc(LIP_SPILL_MM * mm)), mm)
    film = _film(patch, layers.matte[here], layers.plate[here], scale, (x0, y0))
    smooth = smoothed_corners(rig, patch, (x0, y0))
    if smooth.boxes == (None, None):
        return LipFilm(film, (None, None))
    without = _film(smooth.pixels, layers.matte[here], layers.plate[here], scale, (x0, y0))
    on_left, on_right = (
        None if box is None else CornerFilm(box, _pixels_in(film, box), _pixels_in(without, box))
        for box in smooth.boxes
    )
    return LipFilm(film, (on_left, on_right))


def _painted_over(patch: UInt8, mask: UInt8, mm: float) -> UInt8:
    """(h, w, 3) a patch where what is 1 in a mask, (h, w), has its surroundings' colours."""
    over = cv2.inpaint(patch, mask, 2 + max(1, round(LIP_SPILL_MM * mm)), cv2.INPAINT_TELEA)
    # from a grainy border it carries specks inside
    around = cv2.dilate(mask, np.ones((3, 3), np.uint8))[..., None] > 0
    return np.asarray(np.where(around, cv2.medianBlur(over, MEDIAN_PX), over), np.uint8)


def no_lip(patch: UInt8, outline: Float32, red: Float32, mm: float) -> UInt8:
    """(h, w) 1 where a patch, (h, w, 3), shows what lies between the lips.

    That is inside their inner outline, (P, 2), and what hangs together with it: landmarks miss the
    edge of a lip by a millimetre or two, and teeth and dark beyond would ride on the lip.

    outline  from its left corner over the upper lip to the right one and back
    red      (Q, 2) the lips' outer outline
    """
    size = (patch.shape[1], patch.shape[0])
    inside = (polygon_cover(outline, size) > 0.25).astype(np.uint8)
    mouth = (polygon_cover(red, size) > 0.5).astype(np.uint8)
    near = cv2.dilate(inside, disc(MISSED_MM * mm)) & cv2.erode(mouth, disc(LEAST_LIP_MM * mm))
    lips = (mouth > 0) & (cv2.dilate(inside, disc(MISSED_MM * mm)) == 0)
    left, right = outline[0], outline[len(outline) // 2]
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    below = (x - left[0]) * (right[1] - left[1]) < (y - left[1]) * (right[0] - left[0])
    away = np.minimum(*(np.hypot(x - corner[0], y - corner[1]) for corner in (left, right)))
    darkness = DARKER_THAN_LIP + (DARKER_AT_CORNERS - DARKER_THAN_LIP) * (away < CORNERS_MM * mm)
    other = np.zeros(lips.shape, bool)
    for side in (below, ~below):  # an upper lip is darker
        if (lips & side).any():
            other |= side & _unlike(patch, np.median(patch[lips & side], axis=0), darkness)
    _, piece = cv2.connectedComponents((inside | (near & other)).astype(np.uint8))
    found = np.isin(piece, np.unique(piece[inside > 0]))
    return np.asarray(found & (piece > 0), np.uint8)


def _unlike(patch: UInt8, lip: Float64, darkness: Float64) -> Bool:
    """(h, w) what of a patch, (h, w, 3), is tooth or dark, beside a lip of a colour, (3,).

    darkness  (h, w) of the lip's brightness

    Without colour, teeth and dark lips could not be told from a lip's shine and from the dark.
    """
    grey = patch.mean(axis=-1)
    palest, reddest = patch.min(axis=-1), np.maximum(patch.max(axis=-1), 1)
    colour, of_lip = 1.0 - palest / reddest, 1.0 - lip.min() / max(float(lip.max()), 1.0)
    if of_lip < LEAST_LIP_COLOUR:
        return np.zeros(grey.shape, bool)
    tooth = (colour < PALER_THAN_LIP * of_lip) & (grey > BRIGHTER_THAN_LIP * lip.mean())
    return np.asarray((grey < darkness * lip.mean()) | tooth, bool)


def _planes_in(film: Film, box: Box) -> tuple[UInt16, UInt16, UInt16]:
    """Luma, cb and cr of a box of a film, as pairs; views."""
    whole, half = (
        (slice(round(box.y0 * k), round(box.y1 * k)), slice(round(box.x0 * k), round(box.x1 * k)))
        for k in (film.scale, 0.5)
    )
    return film.luma[whole], film.cb[half], film.cr[half]


def _pixels_in(film: Film, box: Box) -> tuple[UInt8, UInt8, UInt8]:
    """The same as single values."""
    luma, cb, cr = ((plane & 255).astype(np.uint8) for plane in _planes_in(film, box))
    return luma, cb, cr


def _film(pixels: UInt8, matte: UInt8, plate: UInt8, scale: int, origin: tuple[int, int]) -> Film:
    planes, behind = Planes.of(pixels), Planes.of(plate)
    half_size = (matte.shape[1] // 2, matte.shape[0] // 2)
    halved = cv2.resize(matte.astype(np.float32), half_size, interpolation=cv2.INTER_AREA)
    luma = unmixed(planes.luma, behind.luma, matte)
    luma = double(luma) if scale == 2 else luma
    return Film(
        luma=pairs_of(luma),
        cb=pairs_of(unmixed(planes.cb, behind.cb, halved)),
        cr=pairs_of(unmixed(planes.cr, behind.cr, halved)),
        matte=np.ascontiguousarray(matte),
        states=states_of(matte),
        scale=scale,
        origin=origin,
        plate=behind,
    )


def unmixed(photo: UInt8, behind: UInt8, matte: UInt8 | Float32) -> UInt8:
    """What, seen by a matte over what lies behind, gives the photograph: all (h, w), 0..255."""
    between = cv2.bitwise_and(
        cv2.compare(matte, 0.0, cv2.CMP_GT), cv2.compare(matte, 255.0, cv2.CMP_LT)
    )
    points = cv2.findNonZero(cv2.bitwise_and(between, cv2.compare(photo, behind, cv2.CMP_NE)))
    if points is None:
        return photo
    x, y = points[:, 0].T
    below = behind[y, x].astype(np.float32)
    front = photo.copy()
    value = below + (photo[y, x] - below) * (np.float32(255.0) / matte[y, x])
    front[y, x] = np.clip(np.rint(value), 0, 255)
    return front


def pairs_of(plane: UInt8) -> UInt16:
    """(h, w) -> (h, w): each pixel and, 256-fold, its right neighbour; the last has itself.

    Values between pixels are looked up for every pixel of every frame: two reads bring all four.
    """
    pairs = np.empty(plane.shape, np.uint16)
    for own, right in ((pairs[:, :-1], plane[:, 1:]), (pairs[:, -1], plane[:, -1])):
        np.left_shift(right, np.uint16(8), out=own, dtype=np.uint16)
    pairs |= plane
    return pairs


def states_of(matte: UInt8) -> UInt8:
    """(h / BLOCK, w / BLOCK) what the matte, (h, w), is in each block and around it."""
    height, width = matte.shape
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    below, beside = rows * BLOCK - height, columns * BLOCK - width
    whole = np.asarray(cv2.copyMakeBorder(matte, 0, below, 0, beside, cv2.BORDER_REPLICATE))
    around = np.ones((2 * STRETCH_BLOCKS + 1, 2 * STRETCH_BLOCKS + 1), np.uint8)
    least = cv2.erode(_of_blocks(np.minimum, whole), around)
    most = cv2.dilate(_of_blocks(np.maximum, whole), around)
    states = np.full((rows, columns), BETWEEN, np.uint8)
    states[least == 255] = SOLID
    states[most == 0] = CLEAR
    return states


def _of_blocks(choose: np.ufunc, matte: UInt8) -> UInt8:
    """(h / BLOCK, w / BLOCK) the least or the most in each block of a matte, (h, w)."""
    of_rows = choose.reduce(matte.reshape(-1, BLOCK, matte.shape[1]), axis=1)
    # column by column, as the processor's vector units like it
    chosen: UInt8 = choose.reduce([of_rows[:, k::BLOCK] for k in range(BLOCK)])
    return chosen


def double(plane: UInt8) -> UInt8:
    """(H, W) -> (2H, 2W): every pixel kept at even places, half-way values between."""
    height, width = plane.shape
    out = np.empty((2 * height, 2 * width), np.uint8)
    two, four, one = _finer_taps(BETWEEN_TWO), _finer_taps(BETWEEN_FOUR), np.ones(1, np.float32)
    border = cv2.BORDER_REFLECT_101 if min(height, width) > len(two) else cv2.BORDER_REPLICATE
    before = len(two) // 2 - 1  # taps on this side of the value's own pixel
    out[::2, ::2] = plane
    for y, x, across, down in ((0, 1, two, one), (1, 0, one, two), (1, 1, four, four)):
        anchor = (before if x else -1, before if y else -1)
        out[y::2, x::2] = cv2.sepFilter2D(plane, cv2.CV_8U, across, down, None, anchor, 0, border)
    return out


def _finer_taps(more: float) -> Float32:
    """The half-pixel filter, (8,), followed by one that has a share more of the finest detail."""
    sharpen = np.array([-more / 4, 1 + more / 2, -more / 4])
    return np.convolve(HALF_PIXEL_TAPS, sharpen).astype(np.float32)
