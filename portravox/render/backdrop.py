"""What moves with the head and what stays behind it.

Flow      the photograph, face.matte, rig.fit -> render.backdrop -> render.scene

Where the background is even, the head carries a strip of it along (the matte is grown by a margin):
hair needs no cutting out, and nobody sees it. Where it is lively, with lines and edges, it stays
still up to a narrow outline, and the moving layer has the colours that the photograph has without
it. Behind both lies the plate, a filled-in background, whose lines go on behind the head.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import AnyFloat, Bool, Float32, UInt8
from portravox.ramps import smoothstep
from portravox.render.exemplar import carried_on, copied_from
from portravox.render.outline import outline
from portravox.rig.fit import Rig

MARGIN_FW = 0.05
"""How much background travels with the head, in face widths. Our choice: hair wisps are shorter."""

LAYER_EDGE = 0.22
PLATE_FROM = 0.33
"""In margins: the softness of the moving layer's edge (it is solid up to about half the margin),
and how far from the person the plate is made up, so that no edge of a hat or of hair stays in it.
Our choice."""

MIRROR_MARGINS = 4.0
"""Background mirrored at the person's outline fades into a smooth one over so many margins: more
than a head ever uncovers."""

COPIED_MARGINS, COPIED_BESIDE_BODY, NECK_MARGINS = 3.0, 1.5, 4.0
"""A lively background is copied so many margins behind the head; behind the body, which begins so
many below the chin and moves less, as many as the second."""

FLAT = 400.0
"""Squared slope, of 255 over eight pixels, below which there are no lines."""

TORN_PX = 6.0
"""Mirrored neighbours that lie further apart than this, at the reduced size, would show as a tear.
Our choice: around corners of the outline they spread by two or three."""

COARSE_FACE_PX = 160.0
"""What lies behind the person, and the light, are worked out on a picture in which the face is at
most this wide: no finer detail matters to them."""

PERSON = 0.35
"""From this share of the matte on a place belongs to the person. Our choice, on the safe side."""

LEAST_SEEN = 0.04
"""Of a narrow outline, what is less is nothing of the person."""

RIM, STRAYS = 0.2, 0.5
"""In margins: so far around a narrow outline the plate is made up, too, and so far where colours
may be those of the person. What stands there in the photograph and not in the plate, as single
hairs do, moves with the head; leaves are to stay where they are."""

STRAND_FW = 0.012
STRANDS_REACH_FW = 0.12
"""Strands are at most twice so thick, and reach so far beyond the person, in face widths. Our
choice."""

LEAST_STRAND = 9.0
STRAND_TIMES = 3.0
"""They differ from what is around by this of 255, and by so many times the usual difference."""

UNSURE = (0.25, 0.85)
UNSURE_FW = 0.045
UNSURE_REACH = 3.0
"""A matte between these is unsure; wider than twice so many face widths that is no edge, and so
many times as far around it no outline is looked for. Our choice."""

LIVELY = (16.0, 40.0)
"""Where the background differs by more than the second of 255 within a margin, as where a curtain
ends at a window, its own edges are thin, too, and no strands, and none of it goes along with the
head; by less than the first, nobody sees it go along. Our choice."""

NEAR_PX, BEYOND = 9, 12.0
"""Colours of the moving layer are no further beyond those of the photograph in a square of this
side. Our choice."""

TILE_PX = 64
"""Large pictures are blended in tiles: no copy of them in floats is ever held, and where nothing is
mirrored, as deep within the person, nothing is looked up."""


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """Both layers, covering the rig's region."""

    pixels: UInt8
    """(h, w, 3) the photograph there."""

    matte: UInt8
    """(h, w) 255 on the person, and on the margin around where the background is even."""

    plate: UInt8
    """(h, w, 3) what lies behind."""


def split_layers(rig: Rig, pixels: UInt8, matte: Float32) -> Layers:
    """Split the rig's region of a photograph, (H, W, 3), by the person matte, (H, W)."""
    x0, y0, x1, y1 = rig.region
    region = np.ascontiguousarray(pixels[y0:y1, x0:x1])
    person = matte[y0:y1, x0:x1]
    size = (region.shape[1], region.shape[0])
    shrink = min(1.0, COARSE_FACE_PX / rig.width_px)
    coarse = (max(8, round(size[0] * shrink)), max(8, round(size[1] * shrink)))
    covered = cv2.resize(person, coarse, interpolation=cv2.INTER_AREA)
    margin = max(2, round(rig.width_px * shrink * MARGIN_FW))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
    small = cv2.resize(region, coarse, interpolation=cv2.INTER_AREA).astype(np.float32)
    found = strands(region, covered, rig.width_px)
    behind, taken = _behind(small, np.maximum(covered, found))
    by_colour = evenness(behind, disc)
    even = np.maximum(by_colour, unsure(covered, rig.width_px * shrink))
    covered = np.maximum(covered, found * (even > 0.5))
    nose = (rig.rest[4, :2] - (x0, y0)) * np.array(coarse) / size
    covered, grown = _in_one_piece(covered, disc, nose)
    grown = cv2.GaussianBlur(grown, (0, 0), margin * LAYER_EDGE)
    narrow, clear = outline(small, covered, found, rig.width_px * shrink, even < 1.0)
    moves = np.maximum(narrow * 255.0, grown * even).astype(np.float32)
    moves = np.clip(cv2.resize(moves, size, interpolation=cv2.INTER_LINEAR) + 0.5, 0, 255)
    # the person and the soft rim around; where the moving layer is not solid (see LAYER_EDGE), the
    # plate is the photograph, or the layer's colours make up for what it is not
    seen = narrow > LEAST_SEEN
    hidden = _grown((covered > PERSON) & (even > 0.5), margin * PLATE_FROM)
    hidden |= _grown(seen, margin * RIM) | (_grown(seen, margin * STRAYS) * ~clear)
    unknown = np.maximum(hidden, taken * (even > 0.5).astype(np.uint8))
    depth = cv2.distanceTransform(unknown, cv2.DIST_L2, 5)
    neck = (rig.rest[152, 1] - y0) * coarse[1] / size[1] + NECK_MARGINS * margin
    reach = np.where(np.arange(coarse[1])[:, None] < neck, COPIED_MARGINS, COPIED_BESIDE_BODY)
    wanted = depth < reach * margin
    if by_colour[wanted & (unknown > 0)].min(initial=1.0) < 1.0:
        lines = _lines(small, unknown, margin)
        copies = copied_from(small, behind, unknown, wanted, lines, rig.width_px * shrink)
        plate = carried_on(
            region, behind, copies, _soft(hidden, margin), np.clip(reach - depth / margin, 0.0, 1.0)
        )
    else:
        near, depth = _mirrored(unknown)
        shown = np.clip(2.0 - 2.0 * depth / (MIRROR_MARGINS * margin), 0.0, 1.0)
        plate = _plate(region, hidden, margin, behind, shown * (1.0 - _torn(near)), near)
    return Layers(region, _raised(region, plate, moves.astype(np.uint8)), plate)


def evenness(behind: Float32, disc: UInt8) -> Float32:
    """(h', w') 1 where what lies behind, (h', w', 3), hardly differs within a disc, else 0.

    Where it is even, nobody sees a strip of it move along with the head."""
    soft = cv2.GaussianBlur(behind, (0, 0), 0.1 * len(disc))
    differs = (cv2.dilate(soft, disc) - cv2.erode(soft, disc)).max(axis=-1)
    lively = cv2.dilate(smoothstep(*LIVELY, differs).astype(np.float32), disc)
    return np.asarray(1.0 - cv2.GaussianBlur(lively, (0, 0), 0.25 * len(disc)), np.float32)


def unsure(covered: Float32, unit: float) -> Float32:
    """(h', w') 1 around places that are too wide for the edge of a person, of which the matte does
    not know whose they are: the crown of a cap that the picture's border cuts. Colours would tear
    them.

    unit  width of the face, px
    """
    between = (covered > UNSURE[0]) & (covered < UNSURE[1])
    reach = max(1, round(UNSURE_FW * unit))
    core = cv2.erode(between.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    wide = _grown(core > 0, UNSURE_REACH * reach).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(wide, (0, 0), float(reach)), np.float32)


def _raised(region: UInt8, plate: UInt8, moves: UInt8) -> UInt8:
    """The moving layer's matte, raised where over the plate no colour near to the photograph's
    would give the photograph.

    Others would show as specks, where the head moves by parts of a pixel.

    region, plate  (h, w, 3)
    moves          (h, w)
    """
    raised = moves.copy()
    near = np.ones((NEAR_PX, NEAR_PX), np.uint8)
    for top in range(0, moves.shape[0], TILE_PX):
        for left in range(0, moves.shape[1], TILE_PX):
            tile = (slice(top, top + TILE_PX), slice(left, left + TILE_PX))
            if moves[tile].min() == 255 or np.array_equal(plate[tile], region[tile]):
                continue
            behind = plate[tile].astype(np.float32)
            off = region[tile].astype(np.float32) - behind
            most = np.minimum(cv2.dilate(region[tile], near) + np.float32(BEYOND), 255.0)
            least = np.maximum(cv2.erode(region[tile], near) - np.float32(BEYOND), 0.0)
            room = np.where(off > 0.0, most - behind, behind - least)
            needed = np.abs(off) / np.maximum(room, np.abs(off) + np.float32(1e-3))
            levels = np.ceil(np.maximum.reduce(list(np.moveaxis(needed, -1, 0))) * 255.0 - 1e-2)
            raised[tile] = np.maximum(moves[tile], levels.astype(np.uint8))
    return raised


def _behind(small: Float32, covered: Float32) -> tuple[Float32, UInt8]:
    """(h', w', 3) a picture of which the person is smoothly filled in, and (h', w') 1 where it
    was."""
    taken = cv2.dilate((covered > 0.02).astype(np.uint8), np.ones((5, 5), np.uint8))
    return filled_in(small, (taken == 0).astype(np.float32)), np.asarray(taken, np.uint8)


def _in_one_piece(covered: Float32, disc: UInt8, nose: AnyFloat) -> tuple[Float32, UInt8]:
    """The matte without what hangs together with the head not even by the margin, and 255 on what
    is left and the margin around it.

    Such islands are background that the matte takes for the person; they would move on their own.

    covered  (h', w') 0..1
    disc     the margin
    nose     (2,) where the head is, px
    """
    grown = cv2.dilate((covered > PERSON).astype(np.uint8), disc)
    count, piece = cv2.connectedComponents(grown)
    x, y = np.clip(np.rint(nose).astype(int), 0, np.array(grown.shape[::-1]) - 1).tolist()
    if count > 2 and piece[y, x] > 0:
        own = piece == piece[y, x]
        covered = np.where(own, covered, np.float32(0.0))
        grown = own.astype(np.uint8)
    return covered, np.asarray(grown * np.uint8(255), np.uint8)


def strands(region: UInt8, covered: Float32, width_px: float) -> Float32:
    """(h', w') 1 on strands of hair that the matte has missed, against an even background.

    They are thin, and clearly darker or brighter than what is around. Left behind by a head that
    moves, they would hang in the air. On a lively background nobody sees them, nor are they found.

    region    (h, w, 3)
    covered   (h', w') 0..1 the person
    width_px  of the face in the region
    """
    grey = cv2.cvtColor(region, cv2.COLOR_RGB2GRAY)
    thick = max(1, round(STRAND_FW * width_px))
    block = np.ones((2 * thick + 1, 2 * thick + 1), np.uint8)
    dark = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, block)
    bright = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, block)
    step = max(1, round(region.shape[1] / covered.shape[1]))
    thin = cv2.dilate(np.maximum(dark, bright), np.ones((step, step), np.uint8))
    detail = cv2.resize(thin, covered.shape[::-1], interpolation=cv2.INTER_NEAREST)
    reach = max(2, round(STRANDS_REACH_FW * width_px * covered.shape[1] / region.shape[1]))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    person = covered > PERSON
    around = (cv2.dilate(person.astype(np.uint8), disc) > 0) & ~person
    if not around.any():
        return np.zeros_like(covered)
    usual = float(np.median(detail[around]))
    found = around & (detail > max(LEAST_STRAND, STRAND_TIMES * usual))
    return np.asarray(found, np.float32)


def _grown(place: Bool, px: float) -> UInt8:
    """(h', w') 1 in a place and so far around."""
    reach = max(1, round(px))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(place.astype(np.uint8), disc), np.uint8)


def _soft(hidden: UInt8, margin: int) -> Float32:
    """(h', w') what is hidden, 0 or 1, with a soft edge."""
    soft = cv2.GaussianBlur(hidden.astype(np.float32), (0, 0), max(0.3, margin * 0.08))
    return np.asarray(soft, np.float32)


def _plate(
    region: UInt8, hidden: UInt8, margin: int, behind: Float32, textured: Float32, mirrored: Float32
) -> UInt8:
    """The region with the person filled in from the background around.

    region    (h, w, 3)
    hidden    (h', w') 1 where the person is, at the reduced size at which the filling is done
    margin    how much background may travel with the person, there
    behind    (h', w', 3) the region at that size, smoothly filled in
    textured  (h', w') 0..1 how much of what is filled in is a mirror image instead
    mirrored  (h', w', 2) x and y of what is seen there

    Along the person's outline, the only part that is ever seen, the background goes on as its own
    mirror image, grain and texture included; further in it is smooth.
    """
    height, width = region.shape[:2]
    coarse = (hidden.shape[1], hidden.shape[0])
    wide = cv2.resize(
        np.clip(behind + 0.5, 0, 255).astype(np.uint8),
        (width, height),
        interpolation=cv2.INTER_CUBIC,
    )
    inside = _soft(hidden, margin)
    scale = np.array([width / coarse[0], height / coarse[1]], np.float32)
    # pixel centres lie at whole numbers in both sizes
    mirrored = (mirrored + np.float32(0.5)) * scale - np.float32(0.5)
    parts = [
        cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
        for part in (inside, textured, mirrored)
    ]
    plate = region.copy()
    for top in range(0, height, TILE_PX):
        for left in range(0, width, TILE_PX):
            tile = (slice(top, top + TILE_PX), slice(left, left + TILE_PX))
            blend, texture, look_at = (part[tile] for part in parts)
            if blend.max() <= 0.5:
                continue
            blend = np.clip(blend * 2 - 1, 0, 1)
            made_up = wide[tile]
            if texture.max() > 0.0:
                mirror = cv2.remap(
                    region, look_at, None, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT
                )
                made_up = cv2.blendLinear(mirror, made_up, texture, 1 - texture)
            plate[tile] = cv2.blendLinear(made_up, region[tile], blend, 1 - blend)
    return plate


def _mirrored(unknown: UInt8) -> tuple[Float32, Float32]:
    """For each unknown pixel, the place as far on the other side of the border to what is known.

    unknown  (h, w) 1 unknown, 0 known
    returns  (h, w, 2) x and y, and (h, w) how far the border is away, px; a known pixel is its own
    """
    height, width = unknown.shape
    itself = np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
    if unknown.all() or not unknown.any():
        return itself, np.where(unknown > 0, np.float32(np.inf), np.float32(0.0))
    depth, label = cv2.distanceTransformWithLabels(
        unknown, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    known = unknown == 0
    place = np.zeros((int(label.max()) + 1, 2), np.float32)
    place[label[known]] = itself[known]
    mirrored = np.where(unknown[..., None] > 0, 2.0 * place[label] - itself, itself)
    # neighbours whose nearest known pixels differ would else look like torn paper
    softer = cv2.GaussianBlur(mirrored, (0, 0), 1.5)
    return np.where(known[..., None], itself, softer).astype(np.float32), depth


def _lines(small: Float32, unknown: UInt8, margin: int) -> Float32:
    """(h, w, 2) which way lines go in a picture, (h, w, 3), and go on where it is unknown: from the
    structure tensor (Foerstner & Guelch, 1987), its length how much one direction is preferred."""
    grey = cv2.GaussianBlur(small.mean(axis=-1), (0, 0), 1.0)
    x, y = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    known = cv2.erode(1 - unknown, np.ones((5, 5), np.uint8)).astype(np.float32)
    size = (max(2, known.shape[1] // 2), max(2, known.shape[0] // 2))
    halved, there = (
        cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        for part in (np.dstack([x * x, x * y, y * y]) * known[..., None], known)
    )
    halved = halved / np.maximum(there, np.float32(1e-3))[..., None]
    halved = filled_in(halved, np.minimum(there, np.float32(1.0)))
    halved = cv2.GaussianBlur(halved, (0, 0), 0.25 * margin)
    tensor = cv2.resize(halved, known.shape[::-1], interpolation=cv2.INTER_LINEAR)
    xx, xy, yy = np.moveaxis(tensor, -1, 0)
    differ = np.sqrt((xx - yy) ** 2 + 4.0 * xy * xy)
    distinct = differ / (xx + yy + np.float32(FLAT))
    # across the lines values change the most; they themselves go at right angles to that
    angle = 0.5 * np.arctan2(2.0 * xy, xx - yy) + np.pi / 2
    return np.dstack([np.cos(angle) * distinct, np.sin(angle) * distinct]).astype(np.float32)


def _torn(look_at: Float32) -> Float32:
    """(h, w) 1 where neighbours look at places far apart, 0 where they look at neighbours.

    Where two parts of an outline are equally near, their mirror images meet in a line. There the
    smooth background takes their place.

    look_at  (h, w, 2) px
    """
    apart = np.zeros(look_at.shape[:2], np.float32)
    for axis in (0, 1):
        across, down = np.moveaxis(np.abs(np.diff(look_at, axis=axis)), -1, 0)
        step = np.maximum(across, down)
        before = [(0, 0), (0, 0)]
        before[axis] = (1, 0)
        np.maximum(apart, np.pad(step, before), out=apart)
    torn = cv2.dilate((apart > TORN_PX).astype(np.float32), np.ones((5, 5), np.uint8))
    soft: Float32 = np.clip(cv2.GaussianBlur(torn, (0, 0), 1.5) * 2.0, 0.0, 1.0)
    return soft


def filled_in(picture: Float32, known: Float32) -> Float32:
    """A picture with its unknown parts filled from the known ones around them.

    picture  (h, w, 3)
    known    (h, w) 1 where it is to be kept, 0 where it is to be filled
    returns  (h, w, 3)

    Halved again and again, unknown parts shrink away; on the way back each size takes from the
    smaller one what it does not know. Source: the push-pull algorithm of Gortler et al., "The
    Lumigraph", SIGGRAPH 1996, 3.4.
    """
    colour = picture * known[..., None]
    unknown = np.subtract(1, known, dtype=np.float32)[..., None]
    if min(known.shape) <= 2 or known.all():
        below = colour.sum(axis=(0, 1)) / max(float(known.sum()), 1e-6)
    else:
        half_known = cv2.pyrDown(known)
        half_colour = cv2.pyrDown(colour) / np.maximum(half_known, 1e-3)[..., None]
        smaller = filled_in(half_colour, np.minimum(half_known * 4, 1.0))
        below = cv2.pyrUp(smaller)[: known.shape[0], : known.shape[1]]
    whole: Float32 = np.add(colour, below * unknown, dtype=np.float32)
    return whole
