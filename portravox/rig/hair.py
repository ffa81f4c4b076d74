"""What hangs from the head: hair beyond it and ear-rings, and how loosely each place does.

Flow      pixels, face.matte, Face -> rig.hair -> rig.fit, rig.deform, render.scene
Gives     FollowWeights: 1 where hair hangs freely, 0 on the face, at the roots and elsewhere

There is no network that knows hair. Of the person, hair is what hangs together with that above the
forehead and has its colours rather than those of the skin or of the clothes; where that does not
tell, as on marble, nothing is loose. Only a field, as that of the body: a mistake moves a strip of
collar by a pixel.
"""

from __future__ import annotations

import cv2
import numpy as np

from portravox.arrays import Bool, Float32, Float64, UInt8
from portravox.face.face import Face
from portravox.face.outlines import OVAL
from portravox.ramps import smoothstep
from portravox.rig.follow_weights import NOWHERE, FollowWeights

CELLS_PER_FACE = 48
"""The picture is looked at with so many places across the face: a strand is no fine matter."""

REACH_FW = (1.5, 1.6, 2.4)
"""To the sides, above and below the middle between the eyes, in face widths: further away nothing
is looked for."""

PERSON = 0.5
"""From this share of the matte on a place is the person's."""

ROOTS_FW = 0.12
"""Hair above this height below the eyes is that of the head: the colours are learnt there."""

ROOTS_OFF_FW = 0.2
"""... so far around the face's outline: what is further away may be a hat's brim or, on a picture
with an alpha channel of its own, background."""

LEAST_HAIR = 0.02
"""With less of it than this, in squared face widths, the person is bald, shorn or covered."""

SKIN_SHARE = 0.75
"""Of the way from the middle of the face to its outline, so much is skin for certain, beside eyes
and mouth."""

CLOTHES_FROM = 0.62
"""What is the person so many face widths below the chin is clothes, or hair that lies on them."""

BINS = 16
"""Of each of the three axes of L*a*b*, in which colours are counted."""

LEAST_HUE = 10.0
MOST_LIGHT = 0.45
"""Hair whose median a* and b* differ from those of the skin by less than the one, of 255, has at
most this share of its lightness. Our choice: marble had .52, black hair .14 to .29."""

LIKE_HAIR = 0.5
UNLIKE_SKIN = 0.3
"""A colour is hair's, or not skin's, if so much of what has it is (or is not more than so much).
Our choice."""

HANGS_FW = (0.1, 1.05)
"""Hair begins to hang at this height below the eyes, and does freely at that one, by the chin."""

LIES_FW = (1.5, 2.3)
"""... and further down it lies on shoulders and chest, and rests with them."""

BULK = 0.35
BULK_FROM_FW = (0.22, 0.6)
"""Hair that stands off the face's outline by the one, or by the other, swings by so much of what
hanging hair does, at any height."""

OFF_FACE_FW = (0.02, 0.14)
"""Between these distances from the outline of the face it grows from 0 to 1: beards and sideburns
go with the jaw."""

RING_ASIDE_FW = (-0.12, 0.28)
RING_BELOW_FW = (-0.02, 0.7)
RING_FREE_FW = (0.02, 0.2)
"""An ear-ring is looked for so far out from the jaw's corner below the ear, and so far down from
there; it hangs from the one and freely from the other. Our choice: lobes lie .05 to .1 out."""

RING_STARTS_FW = 0.22
"""It begins no further below, and ends above the lower end of where it is looked for: what does not
is a collar, or a neck in the shade."""

NECK_FW = (0.16, 0.36)
"""Below the chin nothing is hair that is nearer to its middle than the one, all from the other on:
there are beards and high collars."""

CLOTHES_COUNT = 0.8
"""Colours of clothes count against hair by so much: hair may lie on them. Our choice."""

SOFT_FW = 0.045
"""The field is blurred by so much, so that nothing beside a lock is torn off it."""

LEAST_WEIGHT = 0.01
"""What is looser than this moves by more than a quarter of a thousandth of the face's width."""

_JAW_CORNERS = ((132, -1.0), (361, 1.0))
"""Below the ear on the picture's left and right, and the way out."""


def find_hair(pixels: UInt8, face: Face, matte: Float32) -> FollowWeights:
    """How loosely each place hangs from the head.

    pixels  (H, W, 3)
    matte   (H, W) 0..1, the person
    """
    height, width = matte.shape
    eyes = face.landmarks[[33, 263], :2].mean(axis=0).astype(np.float64)
    aside, above, below = (reach * face.width_px for reach in REACH_FW)
    x0, x1 = (int(np.clip(eyes[0] + d, 0, width)) for d in (-aside, aside))
    y0, y1 = (int(np.clip(eyes[1] + d, 0, height)) for d in (-above, below))
    cell = face.width_px / CELLS_PER_FACE
    columns, rows = int((x1 - x0) / cell), int((y1 - y0) / cell)
    if min(columns, rows) < 8:
        return NOWHERE
    size = (columns, rows)
    small = cv2.resize(pixels[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
    person = cv2.resize(matte[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
    cell_px = (x1 - x0) / columns, (y1 - y0) / rows
    x = x0 + (np.arange(columns) + 0.5) * cell_px[0] - 0.5
    y = y0 + (np.arange(rows) + 0.5) * cell_px[1] - 0.5
    place = np.stack(np.meshgrid(x, y), axis=-1)  # (rows, columns, 2) px

    down = face.axes[:2, 1].astype(np.float64)
    down /= np.linalg.norm(down)
    fallen = (place - eyes) @ down / face.width_px
    off = _off_face(face, place)
    loose = _loose(np.asarray(small, np.uint8), np.asarray(person), face, place, fallen, off)
    loose *= smoothstep(*OFF_FACE_FW, off)
    # at the picture's lower end it would be seen that nothing comes after
    loose *= 1.0 - smoothstep(-0.25, -0.02, (place[..., 1] - height) / face.width_px)
    weights = cv2.GaussianBlur(loose.astype(np.float32), (0, 0), SOFT_FW * CELLS_PER_FACE)
    weights *= smoothstep(0.0, OFF_FACE_FW[0] * 2, off).astype(np.float32)
    return _trimmed(FollowWeights(weights, (float(x[0]), float(y[0])), cell_px, (x0, y0, x1, y1)))


def _trimmed(field: FollowWeights) -> FollowWeights:
    """The part of it that is not 0, in which less has to be drawn; NOWHERE if hardly any is."""
    there = field.weights > LEAST_WEIGHT
    if there.sum() < LEAST_HAIR * CELLS_PER_FACE**2 / 4:
        return NOWHERE
    across, down = np.flatnonzero(there.any(axis=0)), np.flatnonzero(there.any(axis=1))
    first = np.maximum(np.array([across[0], down[0]]) - 1, 0)
    last = np.minimum(np.array([across[-1], down[-1]]) + 1, np.array(there.shape[::-1]) - 1)
    weights = field.weights[first[1] : last[1] + 1, first[0] : last[0] + 1].copy()
    weights[[0, -1]] = 0.0
    weights[:, [0, -1]] = 0.0
    cell = np.array(field.cell_px)
    begin = np.array(field.origin) + first * cell
    end = np.array(field.origin) + last * cell
    region = (*np.maximum(begin, 0).astype(int).tolist(), *np.ceil(end + 1).astype(int).tolist())
    return FollowWeights(weights, (float(begin[0]), float(begin[1])), field.cell_px, region)


def _loose(
    small: UInt8, person: Float32, face: Face, place: Float64, fallen: Float64, off: Float64
) -> Float64:
    """(r, c) 0..1 how freely hair and ear-rings hang, before any blur.

    small, person  (r, c, 3) and (r, c) the picture and the matte at reduced size
    place          (r, c, 2) px
    fallen, off    (r, c) face widths below the eyes, and away from the face's outline
    """
    nothing = np.zeros(person.shape)
    own = person > PERSON
    chin = float((face.landmarks[152, 1] - face.landmarks[[33, 263], 1].mean()) / face.width_px)
    cheeks = _skin(face, place, off)
    skin = _histogram(small, cheeks)
    clothes = _histogram(small, own & (fallen > chin + CLOTHES_FROM))
    on_head = own & (off > OFF_FACE_FW[0]) & (off < ROOTS_OFF_FW) & (fallen < ROOTS_FW)
    all_there = _histogram(small, on_head)
    unlike_skin = _share(skin, all_there + clothes, small) < UNLIKE_SKIN
    roots = on_head & unlike_skin
    unlike_clothes = _share(clothes, all_there + skin, small) < LIKE_HAIR
    rings = _rings(own & unlike_skin & unlike_clothes & (off > 0.0), face, place)
    enough = roots.sum() >= LEAST_HAIR * CELLS_PER_FACE**2
    if not enough or _of_one_colour(small, cheeks, roots):
        return rings
    hair = _histogram(small, roots)
    like_hair = _share(hair, skin + CLOTHES_COUNT * clothes, small) > LIKE_HAIR
    found = (own & like_hair & (off > 0.0)).astype(np.uint8)
    found = cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    _, piece = cv2.connectedComponents(found, connectivity=4)
    kept = np.isin(piece, np.unique(piece[roots & (found > 0)])) & (found > 0)
    hangs = smoothstep(*HANGS_FW, fallen) * (1.0 - smoothstep(*LIES_FW, fallen))
    bulk = BULK * smoothstep(*BULK_FROM_FW, off) * (fallen < chin)
    aside = np.abs(place[..., 0] - face.landmarks[152, 0]) / face.width_px
    beside_neck = np.where(fallen < chin, 1.0, smoothstep(*NECK_FW, aside))
    hair_hangs = np.where(kept, np.maximum(hangs, bulk), nothing) * beside_neck
    return np.asarray(np.maximum(hair_hangs, rings))


def _skin(face: Face, place: Float64, off: Float64) -> Bool:
    """(r, c) where there is skin for certain: cheeks and nose, between eyes and mouth."""
    landmarks = face.landmarks[:, :2].astype(np.float64)
    middle = landmarks[list(OVAL)].mean(axis=0)
    inner = middle + SKIN_SHARE * (landmarks[list(OVAL)] - middle)
    top = landmarks[[145, 374], 1].max() + 0.04 * face.width_px
    low = landmarks[[2, 0], 1].mean()
    inside = np.zeros(off.shape, np.uint8)
    scale = (np.array(off.shape[::-1]) - 1) / (place[-1, -1] - place[0, 0])
    cv2.fillConvexPoly(inside, np.rint((inner - place[0, 0]) * scale).astype(np.int32), (1,))
    between: Bool = (inside > 0) & (place[..., 1] > top) & (place[..., 1] < low)
    return between


def _of_one_colour(pixels: UInt8, skin: Bool, hair: Bool) -> bool:
    """Whether hair is told from skin by its shade alone, and is not much darker: stone, wax.

    pixels      (r, c, 3)
    skin, hair  (r, c)
    """
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).astype(np.float64)
    if not skin.any():
        return True
    of_skin, of_hair = np.median(lab[skin], axis=0), np.median(lab[hair], axis=0)
    same_hue = np.abs(of_skin - of_hair)[1:].max() < LEAST_HUE
    return bool(same_hue and of_hair[0] > MOST_LIGHT * of_skin[0])


def _rings(thing: Bool, face: Face, place: Float64) -> Float64:
    """(r, c) 0..1 on what hangs below an ear. thing (r, c) where the person is no skin"""
    loose = np.zeros(thing.shape)
    block = np.ones((3, 3), np.uint8)
    on_border = np.ones(thing.shape, bool)
    on_border[1:-1, 1:-1] = False
    for corner, out in _JAW_CORNERS:
        away = (place - face.landmarks[corner, :2]) / face.width_px
        aside, below = away[..., 0] * out, away[..., 1]
        zone = (aside > RING_ASIDE_FW[0]) & (aside < RING_ASIDE_FW[1])
        zone &= (below > RING_BELOW_FW[0]) & (below < RING_BELOW_FW[1])
        whole = cv2.morphologyEx((thing & zone).astype(np.uint8), cv2.MORPH_CLOSE, block)
        _, piece = cv2.connectedComponents(whole, connectivity=4)
        begins = np.unique(piece[(whole > 0) & (below < RING_STARTS_FW)])
        ends = (below > RING_BELOW_FW[1] - 1.5 / CELLS_PER_FACE) | on_border
        goes_on = np.unique(piece[(whole > 0) & ends])
        hangs = np.isin(piece, np.setdiff1d(begins, goes_on)) & (whole > 0)
        loose = np.maximum(loose, np.where(hangs, smoothstep(*RING_FREE_FW, below), 0.0))
    return loose


def _off_face(face: Face, place: Float64) -> Float64:
    """(r, c) how far outside of the face's outline each place is, face widths; negative inside."""
    outline = face.landmarks[list(OVAL), :2].astype(np.float32)
    scale = (np.array(place.shape[1::-1]) - 1) / (place[-1, -1] - place[0, 0])
    inside = np.zeros(place.shape[:2], np.uint8)
    corners = np.rint((outline - place[0, 0]) * scale).astype(np.int32)
    cv2.fillPoly(inside, [corners], (1,))
    out = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    within = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    return np.asarray(out - within, np.float64) / CELLS_PER_FACE


def _bins(pixels: UInt8) -> tuple[Float64, ...]:
    """(r, c) three times: where in a histogram each pixel counts."""
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    # greys have a tenth of the range of a* and b* to themselves: those axes are counted finer
    light = lab[..., 0] * (BINS / 256.0)
    rest = [np.clip((lab[..., k] - 128.0) * 0.15 + BINS / 2, 0, BINS - 1) for k in (1, 2)]
    return light, rest[0], rest[1]


def _histogram(pixels: UInt8, where: Bool) -> Float64:
    """(BINS, BINS, BINS) how often each colour is there, blurred; sums up to 1, or 0."""
    counts = np.zeros((BINS,) * 3)
    index = tuple(axis[where].astype(int) for axis in _bins(pixels))
    np.add.at(counts, index, 1.0)
    for axis in range(3):
        moved = np.moveaxis(counts, axis, 0)
        padded = np.concatenate([moved[:1], moved, moved[-1:]])
        moved = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
        counts = np.moveaxis(moved, 0, axis)
    total = counts.sum()
    return np.asarray(counts / total if total > 0 else counts)


def _share(of: Float64, others: Float64, pixels: UInt8) -> Float64:
    """(r, c) how much of what has a pixel's colour is of this histogram and not of the others."""
    share = of / np.maximum(of + others, 1e-4)
    return np.asarray(share[tuple(axis.astype(int) for axis in _bins(pixels))])
