"""What is seen between the lips: teeth, tongue and the dark behind them.

Flow      rig.fit, the photograph, render.eyes -> prepare_mouth -> MouthPaint
          rig.deform -> paint_mouth -> frame

Teeth the photograph shows are kept and hang on the skull. What it does not show is drawn in the
person's own light: upper teeth hang on the skull, lower teeth and tongue on the jaw.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import Float32, Float64, UInt8
from portravox.face.face import LipState
from portravox.ramps import smoothstep
from portravox.render.drawing import (
    Box,
    blurred,
    box_around,
    lay_over,
    line_cover,
    magnified,
    polygon_cover,
)
from portravox.render.eyes import EyePaint
from portravox.render.light import DISPLAY_GAMMA, Light
from portravox.render.teeth import Inlay, draw_teeth, draw_tongue
from portravox.rig.deform import Posed
from portravox.rig.fit import Rig

UPPER_EDGE_BELOW_SEAM_MM = 2.2
"""How far the upper incisors reach below the line where the lips meet. At rest men show 1.9 mm of
them and women 3.4 mm (Vig & Brundo, J. Prosthet. Dent. 1978)."""

LOWER_EDGE_BELOW_SEAM_MM = 2.2
"""Edge of the lower incisors below that line; the lower lip covers it at rest. Our choice."""

TEETH_BEHIND_LIPS_MM = 5.0
TONGUE_BELOW_EDGE_MM = -5.0
LEAST_OWN_TEETH = 0.25
"""Share of teeth in the photographed opening from which they are kept."""

OPEN_ENOUGH_MM = 0.25
CONTACT_MM = 0.9
"""Below this gap the shadow line between the lips begins to show."""

CONTACT_LINE_MM = 0.5

GUM_OF_LIP = np.array([0.95, 0.80, 0.85])
TONGUE_OF_LIP = np.array([0.92, 0.78, 0.80])
SHADOW_OF_LIP = np.array([0.36, 0.26, 0.28])
CAVITY_OF_SKIN = np.array([0.25, 0.115, 0.105])
"""Colours inside the mouth against those the photograph shows, in its light. Set by eye."""

BRIGHTEST_CAVITY = 64.0
LOWER_OF_UPPER_ENAMEL = 0.88
"""Lower teeth stand in the lip's shade."""

DRAWN_EDGE_PX = 0.5
"""Softness of what is drawn, from sampling alone."""

BLACK_KEPT = 0.6
"""The dark of the mouth is at least this share of the darkest of the face, so that it is no blacker
than a hazy or dim photograph allows. Our choice."""

SHADE_POWERS = (1.0, 1.22, 1.34)
"""Shade in a mouth is warm: light reaches it from red tissue, so green and blue fall off faster."""


@dataclass(frozen=True, slots=True, eq=False)
class OwnMouth:
    """What the photograph shows between the lips."""

    teeth: Float32
    """(h, w, 4) premultiplied colour and cover, 0..1, of the person's own teeth."""

    whole: Float32
    """(h, w, 3) everything between the lips."""

    origin: tuple[int, int]


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

    own: OwnMouth | None
    cavity: Float64
    """(3,) colour of the dark."""

    lip_shadow: Float64
    """(3,) colour of the line where lips touch."""

    shade_powers: tuple[float, float, float]
    """How fast each colour falls off in the shade."""

    edge_px: float
    """How soft the photograph's own edges are, see render.sharpness."""

    supersampling: int
    mm: float
    """px"""


def prepare_mouth(
    rig: Rig, photo: UInt8, eyes: tuple[EyePaint, EyePaint], light: Light
) -> MouthPaint:
    """Draw the inside of the mouth for one photograph, (H, W, 3)."""
    mm = rig.px_per_mm
    lips = rig.face.lips
    right, down, back = rig.axes.T.astype(np.float64)
    skin = _colour_at(rig, photo, (205, 425, 50, 280, 101, 330))
    lip = _colour_at(rig, photo, (17, 84, 314, 85, 315, 16))
    enamel = _enamel(skin, eyes)
    gum = lip * GUM_OF_LIP
    tongue = lip * TONGUE_OF_LIP
    cavity = _lifted(np.minimum(skin * CAVITY_OF_SKIN, BRIGHTEST_CAVITY), photo, rig)
    grey = _is_grey(photo, rig)
    if grey:
        gum, tongue, cavity = (np.full(3, c.mean()) for c in (gum, tongue, cavity))
        enamel = np.full(3, enamel.mean())

    supersampling = 3 if mm < 1.5 else 2 if mm < 4 else 1
    density = float(np.clip(mm * supersampling * 1.2, 2.0, 8.0))
    upper_edge, lower_edge = lips.upper_inner[5], lips.lower_inner[5]
    gap_mm = float((lower_edge - upper_edge) @ down[:2]) / mm
    meeting = rig.rest[13].astype(np.float64).copy()
    meeting[:2] = upper_edge * 0.58 + lower_edge * 0.42
    own = None
    enamel_lower = enamel * LOWER_OF_UPPER_ENAMEL
    teeth_edge_mm = UPPER_EDGE_BELOW_SEAM_MM
    if lips.state is not LipState.CLOSED:
        own = _own_mouth(rig, photo, skin, lip, keep_teeth=lips.teeth_share >= LEAST_OWN_TEETH)
        teeth_edge_mm = max(teeth_edge_mm, min(0.8 * gap_mm, 8.5) - 0.42 * gap_mm)
        shown = own.teeth[..., 3] > 0.7
        if shown.sum() > 20:  # drawn teeth take the colour of the person's own
            bright = own.teeth[shown][:, :3] / own.teeth[shown][:, 3:]
            brightness = bright.mean(axis=1)
            seen = np.median(bright[brightness >= np.percentile(brightness, 60)], axis=0)
            enamel, enamel_lower = seen.astype(np.float64), seen * LOWER_OF_UPPER_ENAMEL
            teeth_edge_mm -= 0.6  # never peek out below the person's own
    slope = _slope(light)
    depth = back * TEETH_BEHIND_LIPS_MM * mm
    upper_origin = meeting + depth + down * teeth_edge_mm * mm
    lower_origin = meeting + depth * 1.3 + down * LOWER_EDGE_BELOW_SEAM_MM * mm
    tongue_origin = lower_origin + depth * 1.2 + down * TONGUE_BELOW_EDGE_MM * mm
    width_mm = float(np.linalg.norm(rig.rest[78] - rig.rest[308])) / mm
    fit = float(np.clip(width_mm / 50.0, 0.85, 1.15))

    def anchors(origin: Float64) -> Float64:
        return np.stack([origin, origin + right * 10 * mm * fit, origin + down * 10 * mm * fit])

    return MouthPaint(
        upper=draw_teeth(upper=True, enamel=enamel, gum=gum, slope=slope, density=density, seed=3),
        lower=draw_teeth(
            upper=False, enamel=enamel_lower, gum=gum * 0.9, slope=slope, density=density, seed=5
        ),
        tongue=draw_tongue(colour=tongue, density=density, seed=7),
        upper_anchors=anchors(upper_origin),
        lower_anchors=anchors(lower_origin),
        tongue_anchors=anchors(tongue_origin),
        own=own,
        cavity=cavity,
        lip_shadow=lip * SHADOW_OF_LIP,
        shade_powers=(1.0, 1.0, 1.0) if grey else SHADE_POWERS,
        edge_px=eyes[0].edge_px,
        supersampling=supersampling,
        mm=mm,
    )


def paint_mouth(mouth: MouthPaint, posed: Posed, frame: UInt8) -> None:
    """Paint what is seen between the lips, and the shadow where they touch."""
    if posed.speech <= 0:
        return
    up, low = (edge.astype(np.float64) for edge in posed.mouth_edges)
    down = posed.rotation[:2, :2] @ posed.rig.axes[:2, 1].astype(np.float64)
    gap_mm = (low - up) @ down / mouth.mm
    if gap_mm.max() > OPEN_ENOUGH_MM:
        _paint_inside(mouth, posed, frame, up, low, float(gap_mm.max()))
    _paint_contact(mouth, posed, frame, (up + low) / 2, gap_mm)


def _paint_inside(
    mouth: MouthPaint, posed: Posed, frame: UInt8, up: Float64, low: Float64, gap_mm: float
) -> None:
    outline = np.concatenate([up, low[::-1]])
    box = box_around(outline, 2 * mouth.mm + 2, frame)
    if box is None:
        return
    fine = mouth.supersampling
    px = mouth.mm * fine
    size = (box.size[0] * fine, box.size[1] * fine)
    open_ = polygon_cover(magnified(outline, box, fine), size, fine=1)
    canvas = np.empty((size[1], size[0], 3), np.float32)
    canvas[:] = mouth.cavity * np.linspace(0.5, 1.3, size[1])[:, None, None]

    def lay(inlay: Inlay, anchors: Float64) -> None:
        ox, oy = inlay.origin
        run = 10 * inlay.density
        source = np.array([[ox, oy], [ox + run, oy], [ox, oy + run]], np.float32)
        now = magnified(anchors[:, :2], box, fine).astype(np.float32)
        place = cv2.getAffineTransform(source, now)
        laid = cv2.warpAffine(inlay.pixels, place, size, flags=cv2.INTER_LINEAR)
        canvas[:] = canvas * (1 - laid[..., 3:]) + laid[..., :3]

    down = posed.rig.axes[:, 1].astype(np.float64) * mouth.mm
    raised = posed.tongue_up
    lift_mm = 1.0 - raised * (4.0 + 0.35 * posed.jaw_deg)
    tongue = (mouth.tongue, posed.on_jaw(mouth.tongue_anchors + down * lift_mm))
    lower = (mouth.lower, posed.on_jaw(mouth.lower_anchors))
    for inlay, anchors in (tongue, lower) if raised < 0.6 else (lower, tongue):
        lay(inlay, anchors)
    lay(mouth.upper, posed.on_skull(mouth.upper_anchors))

    # lips throw shade inwards, more so through a narrow opening; light that gets in is warm
    near_lips = blurred(open_, max(0.6, 0.9 * px))
    lowered = cv2.warpAffine(open_, np.array([[1, 0, 0], [0, 1, 0.8 * px]], np.float32), size)
    under_lip = blurred(lowered, max(0.6, 0.9 * px))
    shade = 0.50 + 0.50 * smoothstep(0.2, 0.95, np.minimum(under_lip, near_lips * 1.1))
    shade *= np.clip(0.66 + 0.34 * gap_mm / 7.0, 0, 1)
    for channel, warmth in enumerate(mouth.shade_powers):
        canvas[..., channel] *= (shade**warmth).astype(np.float32)
    # what is drawn must be no sharper than the photograph; what was photographed is not
    softness = fine * np.sqrt(max(mouth.edge_px**2 - DRAWN_EDGE_PX**2, 0.0))
    if softness > 0.3:
        canvas = blurred(canvas, softness)
    if mouth.own is not None:
        _lay_own(mouth, mouth.own, posed, canvas, box, near_lips)

    soft = blurred(open_, max(DRAWN_EDGE_PX * fine, 0.15 * px, 0.75 * mouth.edge_px * fine))
    if fine > 1:
        canvas = cv2.resize(canvas, box.size, interpolation=cv2.INTER_AREA)
        soft = cv2.resize(soft, box.size, interpolation=cv2.INTER_AREA)
    lay_over(box.of(frame), canvas, soft)


def _lay_own(
    mouth: MouthPaint, own: OwnMouth, posed: Posed, canvas: Float32, box: Box, near_lips: Float32
) -> None:
    """Lay the person's own teeth over the drawn ones; early in speech, their whole mouth."""
    size = (canvas.shape[1], canvas.shape[0])
    source = (mouth.upper_anchors[:, :2] - own.origin).astype(np.float32)
    anchors = posed.on_skull(mouth.upper_anchors)[:, :2]
    now = magnified(anchors, box, mouth.supersampling).astype(np.float32)
    place = cv2.getAffineTransform(source, now)
    teeth = cv2.warpAffine(own.teeth, place, size, flags=cv2.INTER_LINEAR)
    shade = (0.74 + 0.26 * smoothstep(0.25, 0.8, near_lips)).astype(np.float32)
    canvas[:] = canvas * (1 - teeth[..., 3:]) + teeth[..., :3] * shade[..., None]
    early = 1.0 - float(smoothstep(0.15, 0.75, posed.speech))
    if early > 0:
        whole = cv2.warpAffine(
            own.whole, place, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        canvas[:] = canvas + (whole - canvas) * np.float32(early)


def _paint_contact(
    mouth: MouthPaint, posed: Posed, frame: UInt8, middle: Float64, gap_mm: Float64
) -> None:
    """The dark line where lips touch that were apart in the photograph, or are pressed."""
    own_line = 0.0 if mouth.own is None else posed.speech
    strength = np.clip(1 - gap_mm / CONTACT_MM, 0, 1) * max(own_line, 0.5 * posed.lip_press)
    strength[:3] *= (0.2, 0.5, 0.8)
    strength[-3:] *= (0.8, 0.5, 0.2)
    box = box_around(middle, 1.5 * mouth.mm + 3, frame)
    if strength.max() < 0.05 or box is None:
        return
    thickness = CONTACT_LINE_MM * mouth.mm
    line = line_cover(middle - box.corner, strength, thickness, box.size, 4 if mouth.mm < 4 else 2)
    lay_over(
        box.of(frame),
        mouth.lip_shadow,
        blurred(line, max(0.45, 0.28 * mouth.mm, 0.75 * mouth.edge_px)) * 0.6,
    )


def _own_mouth(rig: Rig, photo: UInt8, skin: Float64, lip: Float64, keep_teeth: bool) -> OwnMouth:
    """Cut out what the photograph shows between the lips."""
    lips = rig.face.lips
    mm = rig.px_per_mm
    outline = np.concatenate([lips.upper_inner, lips.lower_inner[-2:0:-1]]).astype(np.float64)
    box = box_around(outline, 4 * mm + 3, photo)
    assert box is not None  # lips that were read lie in the picture
    patch = box.of(photo).astype(np.float32)
    inside = (polygon_cover(outline - box.corner, box.size) * 255).astype(np.uint8)
    if keep_teeth:
        toothy = toothness(patch, skin, lip).astype(np.float32)
        toothy = cv2.GaussianBlur(toothy, (0, 0), max(0.5, 0.3 * mm))
        cover = smoothstep(0.25, 0.75, toothy)
        inner = cv2.erode(inside, np.ones((3, 3), np.uint8), iterations=max(1, round(0.35 * mm)))
        edge = cv2.GaussianBlur(inner.astype(np.float32) / 255, (0, 0), max(0.6, 0.35 * mm))
        cover = (cover * edge)[..., None].astype(np.float32)
    else:
        cover = np.zeros((*patch.shape[:2], 1), np.float32)
    teeth = np.dstack([patch * cover, cover])
    # lips around the opening take its colours, so that none of them is carried inside
    hole = (inside < 128).astype(np.uint8)
    whole = cv2.inpaint(patch.astype(np.uint8), hole, 3, cv2.INPAINT_TELEA)
    return OwnMouth(teeth, whole.astype(np.float32), (box.x0, box.y0))


def toothness(pixels: Float32, skin: Float64, lip: Float64) -> Float64:
    """(h, w) 0..1 how much each pixel, (h, w, 3), looks like a tooth.

    Teeth are paler than the person's skin and lips and not much darker than the skin. On a grey
    picture only brightness can tell. Thresholds are ours, set on portraits.
    """
    brightest, palest = pixels.max(axis=-1), pixels.min(axis=-1)
    saturation = (brightest - palest) / np.maximum(brightest, 1)
    of_skin, of_lip = ((c.max() - c.min()) / max(float(c.max()), 1.0) for c in (skin, lip))
    limit = min(0.9 * of_skin + 0.02, 0.72 * of_lip) if of_skin > 0.08 else 1.0
    pale = 1 - smoothstep(limit * 0.8, limit * 1.15, saturation)
    bright = smoothstep(0.38, 0.58, brightest / max(float(skin.max()), 1.0))
    return pale * bright


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
    level = float(np.clip(white.mean() * 1.05, skin.mean() * 0.95, max(skin.mean() * 1.18, 90)))
    tint = 0.45 * white / max(white.mean(), 1.0) + 0.55 * np.array([1.04, 1.0, 0.93])
    warm = skin / max(skin.mean(), 1.0)
    tint = 0.85 * tint + 0.15 * warm
    colour: Float64 = np.minimum(level * tint / tint.mean(), 250.0)
    return colour


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
