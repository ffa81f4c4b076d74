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
from portravox.render.eyes import EyePaint
from portravox.render.teeth import Inlay, draw_teeth, draw_tongue
from portravox.rig.deform import Posed
from portravox.rig.fit import Rig

UPPER_EDGE_BELOW_SEAM_MM = 2.2
"""How far the upper incisors reach below the line where the lips meet. At rest men show 1.9 mm of
them and women 3.4 mm (Vig & Brundo, J. Prosthet. Dent. 1978)."""

LOWER_EDGE_BELOW_SEAM_MM = 1.2
"""Edge of the lower incisors below that line; the lower lip covers it at rest. Our choice."""

TEETH_BEHIND_LIPS_MM = 5.0
TONGUE_BELOW_EDGE_MM = -3.2
LEAST_OWN_TEETH = 0.25
"""Share of teeth in the photographed opening from which they are kept."""

OPEN_ENOUGH_MM = 0.25
CONTACT_MM = 0.9
"""Below this gap the shadow line between the lips begins to show."""


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

    supersampling: int
    mm: float
    """px"""


def prepare_mouth(rig: Rig, photo: UInt8, eyes: tuple[EyePaint, EyePaint]) -> MouthPaint:
    """Draw the inside of the mouth for one photograph, (H, W, 3)."""
    mm = rig.px_per_mm
    lips = rig.face.lips
    right, down, back = rig.axes.T.astype(np.float64)
    skin = _colour_at(rig, photo, (205, 425, 50, 280, 101, 330))
    lip = _colour_at(rig, photo, (17, 84, 314, 85, 315, 16))
    enamel = _enamel(skin, eyes)
    gum = lip * np.array([0.95, 0.80, 0.85])
    tongue = lip * np.array([0.92, 0.78, 0.80])
    cavity = np.minimum(skin * np.array([0.17, 0.085, 0.08]), 60)
    if _is_grey(photo, rig):
        gum, tongue, cavity = (np.full(3, c.mean()) for c in (gum, tongue, cavity))
        enamel = np.full(3, enamel.mean())

    supersampling = 3 if mm < 1.5 else 2 if mm < 4 else 1
    density = float(np.clip(mm * supersampling * 1.2, 2.0, 8.0))
    upper_edge, lower_edge = lips.upper_inner[5], lips.lower_inner[5]
    gap_mm = float((lower_edge - upper_edge) @ down[:2]) / mm
    meeting = rig.rest[13].astype(np.float64).copy()
    meeting[:2] = upper_edge * 0.58 + lower_edge * 0.42
    own = None
    enamel_lower = enamel * 0.88
    teeth_edge_mm = UPPER_EDGE_BELOW_SEAM_MM
    if lips.state is not LipState.CLOSED:
        own = _own_mouth(rig, photo, skin, lip, keep_teeth=lips.teeth_share >= LEAST_OWN_TEETH)
        teeth_edge_mm = max(teeth_edge_mm, min(0.8 * gap_mm, 8.5) - 0.42 * gap_mm)
        shown = own.teeth[..., 3] > 0.7
        if shown.sum() > 20:  # drawn teeth take the colour of the person's own
            bright = own.teeth[shown][:, :3] / own.teeth[shown][:, 3:]
            light = bright.mean(axis=1)
            seen = np.median(bright[light >= np.percentile(light, 60)], axis=0)
            enamel, enamel_lower = seen.astype(np.float64), seen * 0.86
            teeth_edge_mm -= 0.6  # never peek out below the person's own
    slope = _light_slope(rig, photo)
    depth = back * TEETH_BEHIND_LIPS_MM * mm
    upper_origin = meeting + depth + down * teeth_edge_mm * mm
    lower_origin = meeting + depth * 1.3 + down * LOWER_EDGE_BELOW_SEAM_MM * mm
    tongue_origin = lower_origin + depth * 1.2 + down * TONGUE_BELOW_EDGE_MM * mm
    width_mm = float(np.linalg.norm(rig.rest[78] - rig.rest[308])) / mm
    fit = float(np.clip(width_mm / 50.0, 0.85, 1.15))

    def anchors(origin: Float64) -> Float64:
        return np.stack([origin, origin + right * 10 * mm * fit, origin + down * 10 * mm * fit])

    return MouthPaint(
        upper=draw_teeth(
            upper=True, enamel=enamel, gum=gum, slope=slope, density=density, seed=3
        ),
        lower=draw_teeth(
            upper=False, enamel=enamel_lower, gum=gum * 0.9, slope=slope, density=density, seed=5
        ),
        tongue=draw_tongue(colour=tongue, density=density, seed=7),
        upper_anchors=anchors(upper_origin),
        lower_anchors=anchors(lower_origin),
        tongue_anchors=anchors(tongue_origin),
        own=own,
        cavity=cavity,
        lip_shadow=lip * np.array([0.36, 0.26, 0.28]),
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
    height, width = frame.shape[:2]
    outline = np.concatenate([up, low[::-1]])
    margin = 2 * mouth.mm + 2
    x0, y0 = np.maximum(np.floor(outline.min(axis=0) - margin).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(outline.max(axis=0) + margin).astype(int), (width, height))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    fine = mouth.supersampling
    w, h = int(x1 - x0) * fine, int(y1 - y0) * fine
    corner = np.array([x0, y0], np.float64)

    def to_canvas(points: Float64) -> Float64:
        return (points - corner + 0.5) * fine - 0.5

    inside = np.zeros((h, w), np.uint8)
    polygon = np.round(to_canvas(outline) * 16).astype(np.int32)
    cv2.fillPoly(inside, [polygon[:, None]], 255, cv2.LINE_AA, 4)
    open_ = inside.astype(np.float32) / 255

    canvas = np.empty((h, w, 3), np.float32)
    canvas[:] = mouth.cavity * np.linspace(0.5, 1.3, h)[:, None, None]

    def lay(inlay: Inlay, anchors: Float64) -> None:
        ox, oy = inlay.origin
        run = 10 * inlay.density
        source = np.array([[ox, oy], [ox + run, oy], [ox, oy + run]], np.float32)
        place = cv2.getAffineTransform(source, to_canvas(anchors[:, :2]).astype(np.float32))
        laid = cv2.warpAffine(inlay.pixels, place, (w, h), flags=cv2.INTER_LINEAR)
        canvas[:] = canvas * (1 - laid[..., 3:]) + laid[..., :3]

    down = posed.rig.axes[:, 1].astype(np.float64) * mouth.mm
    raised = posed.tongue_up
    lift_mm = 1.5 - raised * (4.0 + 0.35 * posed.jaw_deg)
    tongue_now = posed.on_jaw(mouth.tongue_anchors + down * lift_mm)
    lower_now = posed.on_jaw(mouth.lower_anchors)
    layers = [(mouth.tongue, tongue_now), (mouth.lower, lower_now)]
    for inlay, anchors in layers if raised < 0.6 else reversed(layers):
        lay(inlay, anchors)
    lay(mouth.upper, posed.on_skull(mouth.upper_anchors))

    # lips throw shade inwards, more so through a narrow opening
    sigma = max(0.6, 0.9 * mouth.mm * fine)
    blurred = cv2.GaussianBlur(open_, (0, 0), sigma)
    lowered = cv2.warpAffine(open_, np.float32([[1, 0, 0], [0, 1, 0.8 * mouth.mm * fine]]), (w, h))
    lowered = cv2.GaussianBlur(lowered, (0, 0), sigma)
    shade = 0.50 + 0.50 * _smoothstep(0.2, 0.95, np.minimum(lowered, blurred * 1.1))
    shade *= np.clip(0.62 + 0.38 * gap_mm / 7.0, 0, 1)
    canvas *= shade[..., None].astype(np.float32)

    if mouth.own is not None:
        _lay_own(mouth, mouth.own, posed, canvas, to_canvas, blurred)

    soft = cv2.GaussianBlur(open_, (0, 0), max(0.5, 0.20 * mouth.mm * fine))
    if fine > 1:
        size = (int(x1 - x0), int(y1 - y0))
        canvas = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
        soft = cv2.resize(soft, size, interpolation=cv2.INTER_AREA)
    below = frame[y0:y1, x0:x1]
    below[:] = np.clip(below + (canvas - below) * soft[..., None] + 0.5, 0, 255).astype(np.uint8)


def _lay_own(
    mouth: MouthPaint, own: OwnMouth, posed: Posed, canvas: Float32, to_canvas, blurred: Float32
) -> None:  # type: ignore[no-untyped-def]
    """Lay the person's own teeth over the drawn ones; early in speech, their whole mouth."""
    h, w = canvas.shape[:2]
    source = (mouth.upper_anchors[:, :2] - own.origin).astype(np.float32)
    now = to_canvas(posed.on_skull(mouth.upper_anchors)[:, :2]).astype(np.float32)
    place = cv2.getAffineTransform(source, now)
    teeth = cv2.warpAffine(own.teeth, place, (w, h), flags=cv2.INTER_LINEAR)
    shade = (0.74 + 0.26 * _smoothstep(0.25, 0.8, blurred)).astype(np.float32)
    canvas[:] = canvas * (1 - teeth[..., 3:]) + teeth[..., :3] * shade[..., None]
    early = 1.0 - float(_smoothstep(0.15, 0.75, np.array(posed.speech)))
    if early > 0:
        whole = cv2.warpAffine(
            own.whole, place, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
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
    if strength.max() < 0.05:
        return
    height, width = frame.shape[:2]
    margin = 1.5 * mouth.mm + 3
    x0, y0 = np.maximum(np.floor(middle.min(axis=0) - margin).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(middle.max(axis=0) + margin).astype(int), (width, height))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    fine = 4 if mouth.mm < 4 else 2
    canvas = np.zeros((int(y1 - y0) * fine, int(x1 - x0) * fine), np.uint8)
    points = np.round(((middle - (x0, y0) + 0.5) * fine - 0.5) * 16).astype(np.int32)
    thickness = max(1, round(0.5 * mouth.mm * fine))
    for i in range(len(points) - 1):
        grey = int(255 * strength[i])
        if grey > 4:
            start, end = (tuple(p) for p in points[i : i + 2].tolist())
            cv2.line(canvas, start, end, grey, thickness, cv2.LINE_AA, 4)
    size = (int(x1 - x0), int(y1 - y0))
    line = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    line = cv2.GaussianBlur(line, (0, 0), max(0.45, 0.28 * mouth.mm))[..., None] * 0.6
    below = frame[y0:y1, x0:x1]
    dark = mouth.lip_shadow.astype(np.float32)
    below[:] = np.clip(below + (dark - below) * line + 0.5, 0, 255).astype(np.uint8)


def _own_mouth(rig: Rig, photo: UInt8, skin: Float64, lip: Float64, keep_teeth: bool) -> OwnMouth:
    """Cut out what the photograph shows between the lips."""
    lips = rig.face.lips
    mm = rig.px_per_mm
    outline = np.concatenate([lips.upper_inner, lips.lower_inner[-2:0:-1]]).astype(np.float64)
    margin = 4 * mm + 3
    x0, y0 = np.maximum(np.floor(outline.min(axis=0) - margin).astype(int), 0)
    x1 = min(int(np.ceil(outline[:, 0].max() + margin)), photo.shape[1])
    y1 = min(int(np.ceil(outline[:, 1].max() + margin)), photo.shape[0])
    patch = photo[y0:y1, x0:x1].astype(np.float32)
    inside = np.zeros(patch.shape[:2], np.uint8)
    points = np.round((outline - (x0, y0)) * 16).astype(np.int32)
    cv2.fillPoly(inside, [points[:, None]], 255, cv2.LINE_AA, 4)
    if keep_teeth:
        toothy = toothness(patch, skin, lip).astype(np.float32)
        toothy = cv2.GaussianBlur(toothy, (0, 0), max(0.5, 0.3 * mm))
        cover = _smoothstep(0.25, 0.75, toothy)
        inner = cv2.erode(inside, np.ones((3, 3), np.uint8), iterations=max(1, round(0.35 * mm)))
        edge = cv2.GaussianBlur(inner.astype(np.float32) / 255, (0, 0), max(0.6, 0.35 * mm))
        cover = (cover * edge)[..., None].astype(np.float32)
    else:
        cover = np.zeros((*patch.shape[:2], 1), np.float32)
    teeth = np.dstack([patch * cover, cover])
    # lips around the opening take its colours, so that none of them is carried inside
    hole = (inside < 128).astype(np.uint8)
    whole = cv2.inpaint(patch.astype(np.uint8), hole, 3, cv2.INPAINT_TELEA)
    return OwnMouth(teeth, whole.astype(np.float32), (int(x0), int(y0)))


def toothness(pixels: Float32, skin: Float64, lip: Float64) -> Float64:
    """(h, w) 0..1 how much each pixel, (h, w, 3), looks like a tooth.

    Teeth are paler than the person's skin and lips and not much darker than the skin. On a grey
    picture only brightness can tell. Thresholds are ours, set on portraits.
    """
    brightest, palest = pixels.max(axis=-1), pixels.min(axis=-1)
    saturation = (brightest - palest) / np.maximum(brightest, 1)
    of_skin, of_lip = ((c.max() - c.min()) / max(float(c.max()), 1.0) for c in (skin, lip))
    limit = min(0.9 * of_skin + 0.02, 0.72 * of_lip) if of_skin > 0.08 else 1.0
    pale = 1 - _smoothstep(limit * 0.8, limit * 1.15, saturation)
    bright = _smoothstep(0.38, 0.58, brightest / max(float(skin.max()), 1.0))
    return pale * bright


def _enamel(skin: Float64, eyes: tuple[EyePaint, EyePaint]) -> Float64:
    """(3,) colour of teeth in full light: a white thing in the light that falls on the eyes' white."""
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


def _light_slope(rig: Rig, photo: UInt8) -> Float64:
    """(3,) change of display brightness along x, y, z, relative to its mean."""
    from portravox.render.light import estimate_light

    coefficients = estimate_light(rig, photo).coefficients.astype(np.float64)
    return coefficients[1:] / max(float(coefficients[0]), 0.05) / 2.2


def _smoothstep(low: float, high: float, x: Float64 | Float32) -> Float64:
    t = np.clip((np.asarray(x, np.float64) - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
