"""What is seen between the lips: teeth, tongue and the dark behind them.

Flow      rig.fit, the photograph, render.eyes -> prepare_mouth -> MouthPaint
          rig.deform -> paint_mouth -> render.interior -> frame

Teeth the photograph shows are kept and hang on the skull. What it does not show is drawn in the
person's own light, as sharp and as grainy as the photograph: upper teeth hang on the skull, lower
teeth and tongue on the jaw. Numbers without a source are our choice, set by eye.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np

from portravox.arrays import Float32, Float64, UInt8
from portravox.face.face import LipState
from portravox.ramps import smooth_share
from portravox.render.drawing import (
    SOFT_REACH,
    blurred,
    box_around,
    polygon_cover,
    soften_drawn,
)
from portravox.render.eyes import EyePaint
from portravox.render.interior import Layer, LipLine, Shades, lip_table, paint_interior
from portravox.render.light import DISPLAY_GAMMA, MEAN_SKIN, Light
from portravox.render.own_teeth import OwnRow, completed, own_row, toothness
from portravox.render.sharpness import drawing_sigma, face_grain
from portravox.render.teeth import Inlay, TeethLook, draw_teeth, draw_tongue, row_place
from portravox.rig.deform import PosedMesh, settled_width_mm
from portravox.rig.fit import Rig
from portravox.rig.shapes import SHAPES

UPPER_EDGE_BELOW_SEAM_MM = 2.2
"""How far the upper incisors reach below the line where the lips meet. At rest men show 1.9 mm of
them and women 3.4 mm (Vig & Brundo, J. Prosthet. Dent. 1978)."""

LEAST_SHOWN_MM = 1.2
"""Photographed teeth reach at least so far below that line."""

LOWER_EDGE_BELOW_SEAM_MM = 2.4
"""Edge of the lower incisors below that line, behind the upper ones: teeth nearly meet in s and
ee, for which the jaw hardly opens."""

TEETH_BEHIND_LIPS_MM = 5.0
LOWER_BEHIND_LIPS_MM = 6.5
TONGUE_BEHIND_LIPS_MM = 11.0

MOST_BY_PITCH = 0.12
"""What lies behind the lips stands higher or lower by so much of its depth at most, as seen of a
head that is lowered or raised by 7 degrees: beyond, upper teeth would hide, and the pitch that is
read from one photograph is no surer. Our choice."""

TONGUE_LOW_MM = -4.5
"""The resting tongue's top lies so far below the edge of the lower teeth."""

TONGUE_LIFT_MM = 0.0
TONGUE_LIFT_PER_JAW_DEG_MM = 1.35
"""Raised, its tip rises by so much and follows the upper teeth, whatever the jaw does."""

LOW_TONGUE_LIGHT = 0.84
RAISED_TONGUE_WIDTH = 0.82
"""Of the resting tongue's; the tip is narrower than the body."""

SOFT_SHARE = 0.85
"""What is drawn of a mouth is blurred by so much of the photograph's softness, of which only a
person's own teeth bring some along. Our choice."""

SPEECH_SHOWS_PHOTO = (0.10, 0.55)
"""From all of the photograph's own mouth to none of it, as the mouth is given over to speech."""

CONTACT_MM = 0.9
"""Below this gap the shadow line between the lips begins to show."""

CONTACT_SHARE = 0.6

ROUND_WIDTHS = (0.92, 0.70)
ROUND_SHADE, ROUND_HIDES_MM = 0.40, 4.0
"""Lips drawn together to so much of their width stand before the teeth, shade them, and hide so
much of them; half drawn together, a quarter."""

RIM_MM = 0.3
"""So far from their edge lips that were photographed apart show teeth, by the picture's blur."""

OWN_TEETH_SHADE = 0.5
SOFT_MM, SOFT_SHADE = (0.4, 1.0), 0.6
"""Of the shade that falls on drawn teeth, photographed ones have most already, and those of a
picture whose edges are so soft some, since the dark above and below runs into them. Our choice."""

GUM_OF_LIP = np.array([0.95, 0.80, 0.85])
TONGUE_OF_LIP = np.array([0.96, 0.74, 0.76])
SHADOW_OF_LIP = np.array([0.36, 0.26, 0.28])
CAVITY_OF_SKIN = np.array([0.22, 0.10, 0.095])
"""Colours inside the mouth against those the photograph shows, in its light."""

FLESH_REDDER = (0.04, 0.16)
"""Lips whose red exceeds the mean of their green and blue by so much of it are not, and are in
full, of flesh: stone has no warm dark inside. Our choice."""

ENAMEL_TINT = np.array([1.03, 1.0, 0.94])
"""Teeth in white light, against their mean."""

BALANCE_RANGE = (np.array([0.95, 0.9, 0.6]), np.array([1.3, 1.1, 1.04]))
"""Skin paler than that, as of marble, says nothing of the light."""

BALANCE_POWER = 0.45
"""Skin that is redder than most is so in part by its own colour, in part by the light. With that
much of it drawn teeth are as yellow as those that five portraits show themselves, whose blue is
.03 to .13 less than their red. Our choice."""

WHITES_SHARE, LIKE_SKIN = 0.4, (0.3, 0.8)
"""How much the whites of the eyes count in the tint of teeth: not at all where they are of the
skin's colour, so far on the way to it from white, as small or shaded eyes are in pictures."""

BRIGHTEST_CAVITY = 60.0
LEAST_TEETH_SEEN = 0.05
"""Share of the photographed opening that must look like teeth, for their colour to be taken."""

DIMMEST_ENAMEL = 0.9

LEAST_SEEN_ENAMEL = 0.95
"""Of the brightness that skin and eyes let expect: what is dimmer was seen under a lip. Our
choice."""

OWN_TINT_FROM = (0.55, 0.95)
"""Teeth that are so bright, of the same, tell nothing of their tint, and all: in shade, and where a
picture is soft, they have the lips' colour. Our choice."""

BRIGHTEST_ENAMEL = 252.0
"""Of its brightest colour, 0..255."""

LEAST_GREY_ENAMEL = 1.0
"""Of the brightness that skin and eyes let expect, teeth in a photograph without colour have at
least so much. Our choice."""

SEEN_WHEN_GREY = 0.5
"""Without colour a moist lip looks like teeth unless the dark of the mouth lies between the two."""

LOWER_OF_UPPER_ENAMEL, GUM_IN_SHADE = 0.84, 0.85
"""Lower teeth stand in the lip's shade."""

WARM_FALLOFF = (0.0, 0.20, 0.30)
"""Shade in a mouth is warm: light reaches it from red tissue, so green and blue fall off faster."""

SAMPLED_PX = 0.5
"""Softness of what is painted, from sampling alone."""

BLACK_KEPT = 0.6
"""The dark of the mouth is at least this share of the darkest of the face, so that it is no blacker
than a hazy or dim photograph allows."""

INLAY_PX_PER_PX = 1.25
DENSITY_PX_PER_MM = (0.6, 9.0)
"""Inlays are a little finer than the photograph; in very large ones teeth have no finer detail."""

PHOTO_REACH_MM = 32.0
"""The photograph's own mouth is kept so far around the edge of the upper teeth."""

GRAIN_TILE = 128

SKIN_LANDMARKS = (205, 425, 50, 280, 101, 330)
"""Of the cheeks."""

LIP_LANDMARKS = (17, 84, 314, 85, 315, 16)
"""Of the lower lip."""

TYPICAL_WIDTH_MM, FIT_RANGE = 50.0, (0.85, 1.15)
"""Teeth and tongue are drawn for a mouth so wide, and scaled within these factors for others."""


@dataclass(frozen=True, slots=True, eq=False)
class MouthPaint:
    """The inside of one mouth."""

    upper: Inlay
    lower: Inlay
    tongue: Inlay
    upper_anchors: Float64
    lower_anchors: Float64
    tongue_anchors: Float64
    """(3, 3) px as photographed: the inlay's origin, 10 mm right of it, 10 mm below it."""

    photo: Inlay | None
    """What the photograph shows between the lips; None when they are shut."""

    photo_anchors: Float64
    """(3, 3) px as above."""

    own: OwnRow | None
    """The person's own teeth, already part of `upper`; None when the photograph shows too few."""

    cavity: Float32
    """(3,) colour of the dark."""

    lip_shadow: Float32
    """(3,) colour of the line where lips touch."""

    falloff: Float32
    """(3,) how much faster each colour falls off in the shade."""

    edge_px: float
    """How soft the photograph's own edges are, see render.sharpness."""

    soft_px: float
    """By how much what is drawn is blurred, see `drawing_sigma`."""

    grain: Float32
    """(GRAIN_TILE, GRAIN_TILE) deviation 1."""

    grain_deviation: float
    """0..255"""

    upper_shade: float
    """How much of the lips' shade falls on the upper teeth, 0..1."""

    gloss: float
    """Strength of the wet line on the lower lip."""

    settled_px: float
    """Width of the mouth that neither smiles nor is rounded."""

    mm: float
    """px"""


class _Colours(NamedTuple):
    """Of what lies in the mouth, (3,) each, in the photograph's light."""

    skin: Float64
    lip: Float64
    enamel: Float64
    gum: Float64
    tongue: Float64
    cavity: Float64
    shadow: Float64
    """Of the line where lips touch."""

    grey: bool
    """The photograph has no colour, and these have none."""


class _Seam(NamedTuple):
    """Where the lips meet in speech, and the directions that the mouth's inside is laid out along.

    Inlays are seen as the photograph sees them: they stand upright in the picture's plane.
    """

    middle: Float64
    """(3,) px"""

    upper_lip: Float64
    """(3,) px, edge of the upper lip as photographed."""

    across: Float64
    upright: Float64
    """(3,) unit vectors in the picture's plane: towards the mouth's right corner, down."""

    down: Float64
    """(3,) unit vector of the head."""

    back: Float64
    """(3,) likewise, its part along the picture's height no more than MOST_BY_PITCH."""

    mm: float
    """px"""

    fit: float
    """Size of teeth and tongue against those of a mouth 50 mm wide."""

    def anchors(self, behind_mm: float, below_mm: float) -> Float64:
        """(3, 3) px: of an inlay so far behind the lips and below their line."""
        origin = self.middle + self.back * behind_mm * self.mm + self.down * below_mm * self.mm
        right = origin + self.across * 10 * self.mm * self.fit
        return np.stack([origin, right, origin + self.upright * 10 * self.mm * self.fit])


class _Seen(NamedTuple):
    """What an open mouth shows in the photograph."""

    photo: Inlay | None = None
    own: OwnRow | None = None
    enamel: Float64 | None = None
    """(3,) colour of teeth in full light."""


def prepare_mouth(
    rig: Rig, photo: UInt8, eyes: tuple[EyePaint, EyePaint], light: Light
) -> MouthPaint:
    """Draw the inside of the mouth for one photograph, (H, W, 3)."""
    mm, edge_px = rig.px_per_mm, eyes[0].edge_px
    colours, seam = _colours(rig, photo, eyes), _seam(rig)
    density = float(np.clip(INLAY_PX_PER_PX * mm, *DENSITY_PX_PER_MM))
    # what is drawn must be no sharper than the photograph
    softness_px = np.sqrt(max(edge_px**2 - SAMPLED_PX**2, 0.0)) * density / mm
    lips = rig.face.lips
    gap_mm = float((lips.lower_inner[5] - lips.upper_inner[5]) @ seam.upright[:2]) / mm
    lowered_mm = float((seam.middle - seam.upper_lip) @ seam.upright) / mm
    # in an open mouth the edge of the teeth is where most smiles have it
    edge_mm = max(UPPER_EDGE_BELOW_SEAM_MM, min(0.8 * gap_mm, 8.5) - lowered_mm)
    photo_anchors = upper_anchors = seam.anchors(TEETH_BEHIND_LIPS_MM, edge_mm)
    seen = _Seen()
    if lips.state is not LipState.CLOSED:
        cut = _cut_mouth(rig, photo, upper_anchors)
        seen = _seen_in(cut, colours, density, gap_mm)
    if seen.own is not None:
        # lips that were wide open meet below the teeth they showed: these come down with them
        lifted_mm = LEAST_SHOWN_MM - _shown_mm(seen.own, edge_mm, density, seam.fit)
        upper_anchors = upper_anchors + seam.down * max(lifted_mm, 0.0) * mm

    def fitted(inlay: Inlay) -> Inlay:
        return _softened(_colourless(inlay) if colours.grey else inlay, softness_px)

    enamel = colours.enamel if seen.enamel is None else seen.enamel
    look = TeethLook(enamel, colours.gum, _slope(light), rig.face.pose.yaw_deg)
    shaded = replace(look, enamel=enamel * LOWER_OF_UPPER_ENAMEL, gum=colours.gum * GUM_IN_SHADE)
    upper = fitted(draw_teeth(look, upper=True, density=density, seed=3))
    return MouthPaint(
        upper=upper if seen.own is None else completed(upper, seen.own),
        lower=fitted(draw_teeth(shaded, upper=False, density=density, seed=5)),
        tongue=fitted(draw_tongue(colour=colours.tongue, density=density, seed=7)),
        upper_anchors=upper_anchors,
        photo_anchors=photo_anchors,
        lower_anchors=seam.anchors(LOWER_BEHIND_LIPS_MM, LOWER_EDGE_BELOW_SEAM_MM),
        tongue_anchors=seam.anchors(
            TONGUE_BEHIND_LIPS_MM, LOWER_EDGE_BELOW_SEAM_MM + TONGUE_LOW_MM
        ),
        photo=seen.photo,
        own=seen.own,
        cavity=colours.cavity.astype(np.float32),
        lip_shadow=colours.shadow.astype(np.float32),
        falloff=np.array((0, 0, 0) if colours.grey else WARM_FALLOFF, np.float32),
        edge_px=edge_px,
        soft_px=drawing_sigma(edge_px, SOFT_SHARE),
        grain=_grain_tile(edge_px),
        grain_deviation=face_grain(rig, photo),
        upper_shade=_upper_shade(edge_px / mm, seen.own),
        gloss=0.10 + 0.10 * float(np.clip(-_slope(light)[1], 0.0, 1.0)),
        settled_px=settled_width_mm(rig) * mm,
        mm=mm,
    )


def _colours(rig: Rig, photo: UInt8, eyes: tuple[EyePaint, EyePaint]) -> _Colours:
    skin = _colour_at(rig, photo, SKIN_LANDMARKS)
    lip = _colour_at(rig, photo, LIP_LANDMARKS)
    flesh = _flesh(lip)
    dark_of_stone = lip * (CAVITY_OF_SKIN.mean() * skin.mean() / max(float(lip.mean()), 1.0))
    dark = dark_of_stone + (skin * CAVITY_OF_SKIN - dark_of_stone) * flesh

    def of_lip(tint: Float64) -> Float64:
        """A colour inside the mouth; on stone it is the lip's, darker or brighter."""
        colour: Float64 = lip * (tint.mean() + (tint - tint.mean()) * flesh)
        return colour

    found = _Colours(
        skin=skin,
        lip=lip,
        enamel=_enamel(skin, eyes),
        gum=of_lip(GUM_OF_LIP),
        tongue=of_lip(TONGUE_OF_LIP),
        cavity=_lifted(np.minimum(dark, BRIGHTEST_CAVITY), photo, rig),
        shadow=of_lip(SHADOW_OF_LIP),
        grey=_is_grey(photo, rig),
    )
    if not found.grey:
        return found
    return found._replace(
        enamel=_greyed(found.enamel),
        gum=_greyed(found.gum),
        tongue=_greyed(found.tongue),
        cavity=_greyed(found.cavity),
        shadow=_greyed(found.shadow),
    )


def _flesh(lip: Float64) -> float:
    """0..1 how much a lip's colour is that of flesh."""
    others = float(lip[1:].mean())
    return smooth_share(*FLESH_REDDER, (float(lip[0]) - others) / max(others, 1.0))


def _greyed(colour: Float64) -> Float64:
    return np.full(3, colour.mean())


def _seam(rig: Rig) -> _Seam:
    right, down, back = rig.axes.T.astype(np.float64)
    back = np.array([back[0], np.clip(back[1], -MOST_BY_PITCH, MOST_BY_PITCH), back[2]])
    upper_lip = rig.rest[13].astype(np.float64)
    # lips that smile meet elsewhere than in the middle between them
    settled = rig.shapes[SHAPES.index("settle"), 13].astype(np.float64)
    across = np.array([right[0], right[1], 0.0]) / np.hypot(right[0], right[1])
    width_mm = float(np.linalg.norm(rig.rest[78] - rig.rest[308])) / rig.px_per_mm
    return _Seam(
        middle=upper_lip + np.array([*settled[:2], 0.0]),
        upper_lip=upper_lip,
        across=across,
        upright=np.array([-across[1], across[0], 0.0]),
        down=down,
        back=back,
        mm=rig.px_per_mm,
        fit=float(np.clip(width_mm / TYPICAL_WIDTH_MM, *FIT_RANGE)),
    )


def _seen_in(cut: _Cut, colours: _Colours, density: float, gap_mm: float) -> _Seen:
    """What lies between photographed lips that are `gap_mm` apart.

    density  px per mm of the inlays
    """
    reach = round(PHOTO_REACH_MM * density)
    photo, _ = cut.inlay(density, (2 * reach, 2 * reach), (reach - 0.5, reach - 0.5))
    row, between = cut.inlay(density, *row_place(density, upper=True))
    pixels = row.pixels[..., :3]
    toothy = toothness(pixels, colours.skin, colours.lip).astype(np.float32)
    own = own_row(pixels, between, toothy, density, gap_mm)
    if own is not None and colours.grey and own.ends_seen < SEEN_WHEN_GREY:
        own = None
    enamel = _seen_enamel(cut, colours.enamel, colours.skin, colours.lip)
    if colours.grey and own is None:
        # moist lips that were taken for teeth are darker than these
        enamel = np.maximum(enamel, LEAST_GREY_ENAMEL * colours.enamel)
    return _Seen(photo, own, enamel)


def _upper_shade(edge_mm: float, own: OwnRow | None) -> float:
    if own is not None:
        return OWN_TEETH_SHADE
    return 1.0 + (SOFT_SHADE - 1.0) * smooth_share(*SOFT_MM, edge_mm)


def _shown_mm(own: OwnRow, edge_mm: float, density: float, fit: float) -> float:
    """How far the person's own middle teeth reach below the line where the lips meet."""
    middle = own.edge[len(own.edge) // 3 : -(len(own.edge) // 3)]
    _, (_, edge_row) = row_place(density, upper=True)
    return edge_mm + float(np.median(middle) - edge_row) / density * fit


def paint_mouth(mouth: MouthPaint, posed: PosedMesh, frame: UInt8) -> None:
    """Paint what is seen between the lips, their rims, and the shadow where they touch."""
    if posed.speech <= 0:
        return
    up, low = (edge.astype(np.float64) for edge in posed.mouth_edges)
    margin_px = 2.0 * mouth.mm + 3
    box = box_around(np.concatenate([up, low]), margin_px, frame)
    if box is None:
        return
    lips, gap_mm = _lip_line(mouth, posed, up, low, margin_px)
    photographed = 1.0 - smooth_share(*SPEECH_SHOWS_PHOTO, posed.speech)
    raised = posed.tongue_up
    rounded = smooth_share(*ROUND_WIDTHS, lips.width / mouth.settled_px)
    upper_now = posed.on_skull(mouth.upper_anchors)
    down = lips.along[::-1] * np.array([-1.0, 1.0])
    hidden = upper_now[:, :2] - down * (ROUND_HIDES_MM * rounded**2 * mouth.mm)
    photo = upper = _layer(mouth.upper, hidden)
    if mouth.photo is None:
        photographed = 0.0
    elif photographed > 0.0:
        photo = _layer(mouth.photo, posed.on_skull(mouth.photo_anchors))
    shades = Shades(
        cavity=mouth.cavity,
        contact=mouth.lip_shadow,
        falloff=mouth.falloff,
        mm=mouth.mm,
        edge_px=max(SAMPLED_PX, 0.10 * mouth.mm, 0.75 * mouth.edge_px),
        contact_px=max(0.5, 0.32 * mouth.mm, 0.75 * mouth.edge_px),
        narrow=min(0.93 + 0.07 * gap_mm / 6.0, 1.0) * (1.0 - ROUND_SHADE * rounded),
        upper=mouth.upper_shade,
        tongue=LOW_TONGUE_LIGHT + (1.0 - LOW_TONGUE_LIGHT) * raised,
        tongue_in_front=raised,
        photographed=photographed,
        gloss=mouth.gloss,
        grain=mouth.grain_deviation,
    )
    around = box_around(np.array([box[:2], box[2:]]), SOFT_REACH * mouth.soft_px, frame) or box
    before = around.of(frame).copy() if mouth.soft_px > 0.0 else None
    paint_interior(
        frame, box, lips, shades, upper,
        _layer(mouth.lower, posed.on_jaw(mouth.lower_anchors)),
        _layer(mouth.tongue, _tongue_anchors(mouth, posed)),
        photo,
        mouth.grain,
    )  # fmt: skip
    if before is not None:
        soften_drawn(around.of(frame), before, mouth.soft_px)


def _lip_line(
    mouth: MouthPaint, posed: PosedMesh, up: Float64, low: Float64, margin_px: float
) -> tuple[LipLine, float]:
    """The lips along the mouth and so far beside it, and how far they are apart at most, mm."""
    # lips that were apart carry a rim of what was seen between them; it is painted over
    rim_px = 0.0 if mouth.photo is None else RIM_MM * mouth.mm + 0.4 * mouth.edge_px
    own_line = 0.0 if mouth.photo is None else posed.speech
    touch = CONTACT_SHARE * max(own_line, 0.5 * posed.lip_press)
    table, place, gap_mm = lip_table(up, low, margin_px, mouth.mm, rim_px, touch, CONTACT_MM)
    return LipLine(table, place[0], place[1], -margin_px, float(place[2, 0])), gap_mm


def _tongue_anchors(mouth: MouthPaint, posed: PosedMesh) -> Float64:
    """(3, 3) px: the tongue on the jaw, its tip narrower and higher the more it is raised."""
    raised = posed.tongue_up
    down = posed.rig.axes[:, 1].astype(np.float64) * mouth.mm
    lift_mm = raised * (TONGUE_LIFT_MM + TONGUE_LIFT_PER_JAW_DEG_MM * posed.jaw_deg)
    resting = mouth.tongue_anchors.copy()
    resting[1] = resting[0] + (resting[1] - resting[0]) * (1 - (1 - RAISED_TONGUE_WIDTH) * raised)
    return posed.on_jaw(resting - down * lift_mm)


def _layer(inlay: Inlay, anchors: Float64) -> Layer:
    """An inlay laid where its anchors, (3, 3) px, are now."""
    ox, oy = inlay.origin
    run = 10 * inlay.density
    source = np.array([[ox, oy], [ox + run, oy], [ox, oy + run]], np.float32)
    lookup = cv2.getAffineTransform(anchors[:, :2].astype(np.float32), source)
    return Layer(inlay.pixels, lookup.astype(np.float32))


def _colourless(inlay: Inlay) -> Inlay:
    """The inlay for a photograph without colour."""
    pixels = inlay.pixels.copy()
    pixels[..., :3] = pixels[..., :3].mean(axis=-1, keepdims=True)
    return replace(inlay, pixels=pixels)


def _softened(inlay: Inlay, sigma_px: float) -> Inlay:
    """The inlay as soft as the photograph."""
    if sigma_px < 0.3:
        return inlay
    return replace(inlay, pixels=blurred(inlay.pixels, float(sigma_px)))


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """What the photograph shows between the lips."""

    pixels: UInt8
    """(h, w, 3) without the lips: around the opening they take its colours, so that nothing of
    them is carried inside."""

    between: Float32
    """(h, w) 0..1 how much lies between the lips."""

    anchors: Float32
    """(3, 2) the anchors of the upper teeth in its pixels."""

    def inlay(
        self, density: float, size: tuple[int, int], origin: tuple[float, float]
    ) -> tuple[Inlay, Float32]:
        """An inlay of size (w, h), and (h, w) how much of it lies between the lips."""
        ox, oy = origin
        run = 10 * density
        to = np.array([[ox, oy], [ox + run, oy], [ox, oy + run]], np.float32)
        place = cv2.getAffineTransform(self.anchors, to)
        shown = cv2.warpAffine(
            self.pixels, place, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        between: Float32 = cv2.warpAffine(self.between, place, size, flags=cv2.INTER_LINEAR)
        full = np.ones((size[1], size[0], 1), np.float32)
        return Inlay(np.dstack([shown.astype(np.float32), full]), origin, density), between


def _cut_mouth(rig: Rig, photo: UInt8, anchors: Float64) -> _Cut:
    lips = rig.face.lips
    outline = np.concatenate([lips.upper_inner, lips.lower_inner[-2:0:-1]]).astype(np.float64)
    box = box_around(outline, 4 * rig.px_per_mm + 3, photo)
    assert box is not None  # lips that were read lie in the picture
    between = polygon_cover(outline - box.corner, box.size)
    around = (between < 0.5).astype(np.uint8)
    pixels = cv2.inpaint(np.ascontiguousarray(box.of(photo)), around, 3, cv2.INPAINT_TELEA)
    return _Cut(
        np.asarray(pixels, np.uint8), between, (anchors[:, :2] - box.corner).astype(np.float32)
    )


def _grain_tile(edge_px: float) -> Float32:
    """Grain as soft as the photograph, which was made sharp and grainy by the same lens."""
    noise = np.random.default_rng(11).standard_normal((GRAIN_TILE, GRAIN_TILE)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), min(0.35 + 0.3 * edge_px, 1.2))
    return np.asarray(soft / soft.std(), np.float32)


def _lifted(cavity: Float64, photo: UInt8, rig: Rig) -> Float64:
    """(3,) the dark of the mouth, no darker than the photograph's own blacks."""
    box = rig.face.box
    face = photo[max(int(box.y0), 0) : int(box.y1) + 1, max(int(box.x0), 0) : int(box.x1) + 1]
    darkest = float(np.percentile(face[::2, ::2].mean(axis=-1), 1))
    return cavity * max(1.0, BLACK_KEPT * darkest / max(float(cavity.mean()), 1.0))


def _enamel(skin: Float64, eyes: tuple[EyePaint, EyePaint]) -> Float64:
    """(3,) colour of teeth in full light: white, in the light that falls on the eyes."""
    whites = []
    for eye in eyes:
        flat = eye.white.reshape(-1, 3).astype(np.float64)
        light = flat.mean(axis=1)
        whites.append(np.median(flat[light >= np.percentile(light, 70)], axis=0))
    white = np.mean(whites, axis=0)
    level = float(np.clip(white.mean() * 1.25, skin.mean() * 1.38, skin.mean() + 70.0))
    of_light = skin / skin.mean() / MEAN_SKIN
    balance = np.clip(of_light**BALANCE_POWER, *BALANCE_RANGE)
    share = WHITES_SHARE * _no_skin(white / max(white.mean(), 1.0), skin / skin.mean(), of_light)
    tint = share * white / max(white.mean(), 1.0) + (1.0 - share) * balance
    tint = tint / tint.mean() * ENAMEL_TINT
    tint = _less_pink(tint, 0.5)  # in part: the whites of the eyes may tell of a red lamp
    colour: Float64 = level * tint / tint.mean()
    return colour * min(1.0, BRIGHTEST_ENAMEL / float(colour.max()))


def _no_skin(white: Float64, skin: Float64, of_light: Float64) -> float:
    """0..1 how far the white of an eye has not the colour of skin, tints (3,) all.

    of_light  what would be white if the skin had the colour of most
    """
    way = skin - of_light
    share = float((white - of_light) @ way) / max(float(way @ way), 1e-6)
    return 1.0 - smooth_share(*LIKE_SKIN, share)


def _less_pink(colour: Float64, share: float) -> Float64:
    """(3,) a colour without a share of the pink that skin and lips lend to it.

    From the warm to the cold, daylight and lamps have no less green than red and blue on average.
    """
    missing = max(float(colour[0] + colour[2]) / 2 - float(colour[1]), 0.0)
    mended: Float64 = colour + np.array([0.0, share * missing, 0.0])
    return mended


def _seen_enamel(cut: _Cut, guessed: Float64, skin: Float64, lip: Float64) -> Float64:
    """(3,) colour of teeth in full light, corrected by what the photographed mouth shows."""
    inside = cut.pixels[cut.between > 0.9].astype(np.float32)
    if len(inside) < 20:
        return guessed
    teeth = inside[toothness(inside[None], skin, lip)[0] > 0.7]
    if len(teeth) >= max(20, LEAST_TEETH_SEEN * len(inside)):
        light = teeth.mean(axis=1)
        colour: Float64 = np.median(teeth[light >= np.percentile(light, 60)], axis=0)
        own = _less_pink(colour.astype(np.float64), 1.0)
        bright = float(own.mean() / guessed.mean())
        share = smooth_share(*OWN_TINT_FROM, bright)
        tint = share * own / own.mean() + (1.0 - share) * guessed / guessed.mean()
        seen: Float64 = guessed.mean() * max(bright, LEAST_SEEN_ENAMEL) * tint
        return seen
    # an open mouth without a bright pixel lies in the shade, its teeth with it
    brightest = float(np.percentile(inside.mean(axis=1), 90))
    return guessed * float(np.clip(1.4 * brightest / guessed.mean(), DIMMEST_ENAMEL, 1.0))


def _colour_at(rig: Rig, photo: UInt8, landmarks: tuple[int, ...]) -> Float64:
    """(3,) median colour around landmarks."""
    radius = max(1, round(0.015 * rig.width_px))
    height, width = photo.shape[:2]
    found = []
    for i in landmarks:
        x = int(np.clip(rig.rest[i, 0], 0, width - 1))
        y = int(np.clip(rig.rest[i, 1], 0, height - 1))
        near = photo[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        found.append(np.median(near.reshape(-1, 3), axis=0))
    return np.asarray(np.median(found, axis=0), np.float64)


def _is_grey(photo: UInt8, rig: Rig) -> bool:
    """Whether the face is photographed without colour."""
    points = rig.face.landmarks[:468, :2].astype(int)
    x = np.clip(points[:, 0], 0, photo.shape[1] - 1)
    y = np.clip(points[:, 1], 0, photo.shape[0] - 1)
    colours = photo[y, x].astype(int)
    return bool(np.percentile(np.ptp(colours, axis=1), 90) < 8)


def _slope(light: Light) -> Float64:
    """(3,) change of display brightness along x, y, z, relative to its mean."""
    coefficients = light.coefficients.astype(np.float64)
    relative: Float64 = coefficients[1:] / max(float(coefficients[0]), 0.05) / DISPLAY_GAMMA
    return relative
