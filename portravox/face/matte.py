"""The person cut out of the background: a soft mask over the whole picture.

Flow      face.find -> face.matte -> rig.fit, render
Reads     pixels, Face
Gives     the matte, 0..1
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from portravox.arrays import AnyFloat, Bool, Float32, UInt8
from portravox.face import focus
from portravox.face.crop import Square, cut
from portravox.face.face import Face
from portravox.face.models import segment_people
from portravox.face.outlines import OVAL

_CROP_PX = 256
"""What the segmentation network sees."""

_LOOKS = ((3.4, 0.25), (2.5, 0.05))
"""Crop side and shift downwards, in face heights: head and shoulders, and the head closer up.
Two looks disagree where the network is unsure, and their mean is softer there. Our choice."""

_WORK_FACE_PX = 192
"""Face width at which the edge is refined. Finer than the network's own grid by about three;
the last step to the picture's own size follows the picture's edges."""

_WORK_SIDE_PX = 768
"""Longest side at which the edge is refined, for small faces in large pictures."""

_EDGE_RADIUS = 0.06
"""Window of the edge filter, in face widths: about a strand of hair. Prototype's choice."""

_EDGE_EPSILON = 0.02**2
"""Variance (of 0..1 pixels) below which a window counts as flat and is only blurred."""

_LOW, _HIGH = 0.12, 0.88
"""Values stretched to 0 and 1: the filter leaves a faint veil on both sides."""

_APART = 0.2
"""Two people are apart where the mask falls below this between them. Our choice."""

_FACE_SEEN = 0.85
"""Where the mask's mean over the face is below, it is wrong there. Our choice."""

_UNSURE = (0.15, 0.85)
"""Between these the networks' looks say neither person nor background; looks that say both are
unsure together. Our choice."""

_THICK_FW = 0.05
_LARGE_FW2 = 0.1
"""Where they are unsure over a place that holds a disc of this radius, in face widths, and is this
large, in squares of them, it is no edge of hair: a blurred statue, the crowd, the frame of a
picture. Ear-rings are smaller. Our choice."""

_MISTAKEN = 0.85
"""Such a place is background where so much of it is reached from background without crossing an
edge. On 24 portraits blurred people, a landscape and a painted frame came to .90 to .99, clothes,
hair, a tiara and ear-rings to .80 at most."""

_OUT_OF_FOCUS = 0.55
_MISTAKEN_OUT_OF_FOCUS = 0.5
"""Where the finest detail against coarser one (`face.focus`) is less than this share of the
person's, a place is out of focus, and so much of it is enough. Photographers behind a man came to
.50 of his, the red blur of a column to .46; ear-rings, hair, a tiara and clothes to .61 and more
where half of them was reached."""

_STRIP_ROWS = 256
"""The full-size step runs in strips, so that a 4096 px picture needs no full-size float copies
but the result."""


def person_matte(pixels: UInt8, face: Face) -> Float32:
    """How much of each pixel belongs to the person: hair, head and body.

    Around the head two close looks of the segmentation network are averaged; further away one
    look at the whole picture serves. A guided filter (He, Sun & Tang, ECCV 2010) then lets
    the mask follow the picture's edges; its coefficients are found on a reduced picture and
    applied at full size (He & Sun, "Fast Guided Filter", 2015).

    pixels   (H, W, 3)
    returns  (H, W) 0..1
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, _WORK_FACE_PX / face.width_px, _WORK_SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    rough = _one_person(_rough_matte(pixels, face, small), face.landmarks[4, :2] * scale)
    radius = max(2, round(_EDGE_RADIUS * face.width_px * scale))
    rough = _with_face(rough, face.landmarks[list(OVAL), :2] * scale)
    gain, offset = _guided_coefficients(small, rough, radius)
    return _applied(pixels, gain, offset)


def _rough_matte(pixels: UInt8, face: Face, small: UInt8) -> Float32:
    """(h, w) the network's masks laid over each other at the size of `small`."""
    height, width = small.shape[:2]
    scale = width / pixels.shape[1]
    centre = face.landmarks[:468, :2].mean(axis=0)
    face_height = float(np.linalg.norm(face.landmarks[10] - face.landmarks[152]))
    squares = [
        Square(float(centre[0]), float(centre[1] + down * face_height), side * face_height)
        for side, down in _LOOKS
    ]
    all_of_it = cv2.resize(small, (_CROP_PX, _CROP_PX), interpolation=cv2.INTER_AREA)
    views = [
        np.asarray(all_of_it, np.uint8),
        *(cut(pixels, square, _CROP_PX) for square in squares),
    ]
    whole, *masks = segment_people(views)
    rough = np.asarray(cv2.resize(whole, (width, height)), np.float32)
    looks = np.zeros((height, width), np.float32)
    weights = np.zeros((height, width), np.float32)
    fade = _fade(_CROP_PX)
    for square, mask in zip(squares, masks, strict=True):
        at_small = Square(square.x * scale, square.y * scale, square.side_px * scale)
        back = cv2.invertAffineTransform(at_small.to_crop(_CROP_PX))
        looks += cv2.warpAffine(mask * fade, back, (width, height))
        weights += cv2.warpAffine(fade, back, (width, height))
    close = looks / np.maximum(weights, 1e-3)
    share = np.clip(weights, 0.0, 1.0)
    seen = np.where(share > 0.5, close, rough)
    mistaken = _mistaken(small, rough, seen, face.width_px * scale)
    return np.where(mistaken, np.float32(0.0), close * share + rough * (1.0 - share))


def _mistaken(small: UInt8, whole: Float32, seen: Float32, face_width_px: float) -> Bool:
    """(h, w) where background was taken for a person, or nearly.

    The network is unsure of what is blurred behind a head, and takes the frame of a picture for
    its outline: parts of the background would then move with the head, with torn edges. Colours
    decide there: from what is sure on both sides the watershed of Meyer (1991) floods the rest,
    and edges hold it up.

    small  (h, w, 3)
    whole  (h, w) what the look at the whole picture says
    seen   (h, w) what the closest look says that sees the place
    """
    low, high = np.minimum(whole, seen), np.maximum(whole, seen)
    unsure = (high > _UNSURE[0]) & (low < _UNSURE[1])
    radius = max(2.0, _THICK_FW * face_width_px)
    core = cv2.distanceTransform(unsure.astype(np.uint8), cv2.DIST_L2, 5) > radius
    mistaken = np.zeros(unsure.shape, np.bool_)
    if not core.any():
        return mistaken
    from_core = cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 5)
    thick = unsure & (from_core <= 1.5 * radius)
    _, label, stats, _ = cv2.connectedComponentsWithStats(thick.astype(np.uint8))
    large = stats[1:, cv2.CC_STAT_AREA] >= _LARGE_FW2 * face_width_px**2
    if not large.any():
        return mistaken
    sides = np.where(seen > 0.5, 2, 1).astype(np.int32)  # 1 background, 2 person
    sides[thick] = 0
    # slightly soft, so that noise makes no edges
    soft = np.asarray(cv2.GaussianBlur(small, (0, 0), 1.0), np.uint8)
    behind = (cv2.watershed(soft, sides) == 1) & thick
    detail = _detail(small)
    of_person = detail(low > _UNSURE[1])
    for place in 1 + np.flatnonzero(large):
        here = label == place
        blurred = detail(here & behind) < _OUT_OF_FOCUS * of_person
        if np.mean(behind[here]) >= (_MISTAKEN_OUT_OF_FOCUS if blurred else _MISTAKEN):
            mistaken |= here & behind
    return mistaken


def _detail(small: UInt8) -> Callable[[Bool], float]:
    """How much finest detail a place, (h, w), has against coarser one; 1 if there is no place."""
    fine, coarse = focus.detail(small)

    def detail(where: Bool) -> float:
        inner = cv2.erode(where.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        if not inner.any():
            return 1.0
        return float(fine[inner].mean() / max(float(coarse[inner].mean()), focus.LEAST_COARSE))

    return detail


def _one_person(rough: Float32, nose: Float32) -> Float32:
    """The mask without other people: only the piece that holds the nose, (2,) px."""
    count, piece = cv2.connectedComponents((rough > _APART).astype(np.uint8))
    x, y = (
        int(np.clip(round(float(v)), 0, side - 1))
        for v, side in zip(nose, rough.shape[::-1], strict=True)
    )
    if count <= 2 or piece[y, x] == 0:
        return rough
    own = cv2.dilate((piece == piece[y, x]).astype(np.uint8), np.ones((5, 5), np.uint8))
    return np.where(own > 0, rough, np.float32(0.0))


def _with_face(rough: Float32, oval: Float32) -> Float32:
    """The mask with the face in it, if the network has missed more of that than a hand hides.

    A picture of nothing but a face shows it no person.

    oval  (36, 2) px, the outline of the face
    """
    inside = (
        cv2.fillConvexPoly(np.zeros(rough.shape, np.uint8), np.rint(oval).astype(int), (1,)) > 0
    )
    if not inside.any() or rough[inside].mean() > _FACE_SEEN:
        return rough
    return np.asarray(np.maximum(rough, inside), np.float32)


def _fade(side_px: int) -> Float32:
    """(side, side) 1 inside, falling to 0 over the outer eighth: no seam where a look ends."""
    ramp = np.clip((0.5 - np.abs(np.linspace(-0.5, 0.5, side_px))) * 8.0, 0.0, 1.0)
    return np.asarray(np.minimum(ramp[:, None], ramp[None, :]), np.float32)


def _guided_coefficients(guide: UInt8, mask: Float32, radius: int) -> tuple[Float32, Float32]:
    """Linear model mask = gain . colour + offset in each window, averaged over the windows.

    guide    (h, w, 3)
    mask     (h, w) 0..1
    returns  gain (h, w, 3) per unit of 0..1 colour, offset (h, w)
    """
    colour = guide.astype(np.float32) / np.float32(255.0)

    def mean(values: AnyFloat) -> Float32:
        window = (2 * radius + 1, 2 * radius + 1)
        return np.asarray(
            cv2.boxFilter(values, -1, window, borderType=cv2.BORDER_REFLECT), np.float32
        )

    mean_colour, mean_mask = mean(colour), mean(mask)
    cross = mean(colour * mask[..., None]) - mean_colour * mean_mask[..., None]  # (h, w, 3)
    covariance = {
        (i, j): mean(colour[..., i] * colour[..., j]) - mean_colour[..., i] * mean_colour[..., j]
        for i in range(3)
        for j in range(i, 3)
    }
    gain = _solved(covariance, cross)
    offset = mean_mask - (gain * mean_colour).sum(axis=-1)
    return mean(gain), mean(offset)


def _solved(covariance: dict[tuple[int, int], Float32], cross: Float32) -> Float32:
    """(h, w, 3) g of (covariance + epsilon) g = cross, in every pixel.

    Written out by cofactors: a general solver takes ten times as long on so many small systems.
    """
    rr, gg, bb = (covariance[i, i] + np.float32(_EDGE_EPSILON) for i in range(3))
    rg, rb, gb = covariance[0, 1], covariance[0, 2], covariance[1, 2]
    c00, c01, c02 = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c11, c12, c22 = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = rr * c00 + rg * c01 + rb * c02  # at least epsilon cubed
    x, y, z = cross[..., 0], cross[..., 1], cross[..., 2]
    rows = (c00 * x + c01 * y + c02 * z, c01 * x + c11 * y + c12 * z, c02 * x + c12 * y + c22 * z)
    return np.asarray(np.stack(rows, axis=-1) / determinant[..., None], np.float32)


def _applied(pixels: UInt8, gain: Float32, offset: Float32) -> Float32:
    """The linear model at the picture's own size, stretched and clipped."""
    height, width = pixels.shape[:2]
    # of a fourth colour that is 255 everywhere; what is to become 0 and 1 is so at once
    model = np.dstack([gain, offset - np.float32(_LOW)]) / np.float32(255.0 * (_HIGH - _LOW))
    matte = np.zeros((height, width), np.float32)
    last = np.float32(len(model) - 1)
    for top in range(0, height, _STRIP_ROWS):
        strip = pixels[top : top + _STRIP_ROWS]
        rows = np.arange(top, top + len(strip), dtype=np.float32)
        rows = np.clip((rows + 0.5) * np.float32(len(model) / height) - 0.5, 0.0, last)
        above = np.minimum(rows.astype(np.int64), max(len(model) - 2, 0))
        below = np.minimum(above + 1, len(model) - 1)
        share = (rows - above).astype(np.float32)[:, None, None]
        here = cv2.resize(
            model[above] * (1.0 - share) + model[below] * share,
            (width, len(strip)),
            interpolation=cv2.INTER_LINEAR,
        )
        colours = cv2.cvtColor(strip, cv2.COLOR_RGB2RGBA).astype(np.float32)
        value = cv2.transform(cv2.multiply(colours, here, dst=here), np.ones((1, 4)))
        np.clip(value, 0.0, 1.0, out=matte[top : top + len(strip)])
    return matte
