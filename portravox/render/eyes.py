"""Eyes: irises that look about, lids that shut and follow them.

Flow      face.eyes, face.eye_extent, face.iris, render.eyeball, render.lids -> prepare_eyes
          prepare_eyes -> EyePaint
          rig.deform -> paint_eye -> frame

The mesh carries the eye as photographed, open and looking ahead. All that an eye does of itself is
drawn over it here, in the eye's own coordinates: the white and the iris turn with the gaze, the
lids slide over them, and the skin of the open eye gives way to that of the shut one while its edge
stays where both have it. What does not move keeps the frame's own pixels.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from portravox.arrays import Bool, Float32, Float64, Int32, UInt8
from portravox.face.eye_extent import with_eyeball_edges
from portravox.face.eyes import EyeView, view_eye
from portravox.face.glasses import hidden_by_lens, rim_above
from portravox.face.iris import are_carved, with_true_irises
from portravox.ramps import smooth_share, smoothstep
from portravox.render.drawing import SOFT_REACH, Box, box_around, soften_drawn
from portravox.render.eye_pass import (
    LID_ROWS,
    EyeLayers,
    EyeState,
    draw_eye,
    fill_tables,
    fit_view,
    reach_of,
)
from portravox.render.eyeball import take_apart
from portravox.render.lids import UPPER_SHARE, LashLine, ShutLid, lash_line, made_up_mm, shut_lid
from portravox.render.light import DISPLAY_GAMMA, Light
from portravox.render.sharpness import drawing_sigma, face_edge_sigma
from portravox.rig.deform import PosedMesh
from portravox.rig.fit import Rig
from portravox.rig.topology import LEFT_EYE, RIGHT_EYE, EyeLandmarks

EYEBALL_RADII = 2.05
"""Radius of the eyeball in radii of the iris: 12 mm (Bekerman et al., J. Ophthalmol. 2014) to
5.85 mm (Rüfer et al., Cornea 2005). Holds for children's eyes and drawn ones too."""

GLINT_FOLLOWS = 0.5
"""Share of the iris's way that reflections in it go: the cornea turns, the lamp stays."""

SQUINT_SHARE = 0.24
"""Of the opening, that the lower lid rises at squint = 1."""

LOWER_LID_SHARE = 1.0 - UPPER_SHARE

GAZE_BEGUN_DEG = 0.4
BLINK_BEGUN = 0.04
"""From here on the painted eye has fully taken the place of the photographed one."""

SHUT_FROM, SHUT_TO = 0.16, 0.56
"""Between these shares of a blink the skin of the shut lid takes over."""

SHUT_BELOW_FROM = 0.8
"""The skin below the lower lid's edge takes over from here until the eye is shut. Our choice."""

LASH_FROM, LASH_TO = 0.2, 0.6
"""Between these shares of a blink the lashes of the shut lid come in, in place of the open one's.
Our choice."""

RAISED_TO, HANG_FROM = 0.75, 0.3
"""The lashes turn with the lid: those of the open eye are foreshortened to nothing at the first
share of a blink, those of the shut one begin to be seen at the second. Our choice."""

RIM_LIGHT = (0.02, 0.15)
"""Between these shares of a blink what shines at the lid's edge goes: its wet rim turns away, and
what was taken for lid and is white of the eye must not go down with it."""

SHUT = 0.995
"""From here on nothing of the eyeball is seen."""

LID_SHADOW = 0.45
"""Light that the upper lid takes from the eyeball, in full from half a blink on. Our choice."""

REACH_MM = (9.5, 13.0)
SIDE_MM = (2.0, 8.5)
BELOW_MM = (5.0, 10.0)
"""Up to the first all is drawn, from the second on nothing: above the upper lid, beside the
corners, below the lower lid."""

RIM_MM = (0.8, 3.0)
"""So far below the upper rim of glasses nothing is drawn, and all. Our choice."""

BARE_SKIN = (50, 280, 101, 330, 151)
"""Landmarks on cheeks and forehead; from around one of them the lids take their grain."""

BARE_SKIN_FW = 0.07
"""So far around it, in face widths, its texture is judged."""

GRAIN_MM, MOTTLED_MM = 0.9, 1.6
GRAIN_KEPT, MOTTLED_KEPT = 1.2, 0.8
"""What a bell of the first deviation takes away is grain and pores, of which looking up twice
between pixels takes a fifth; up to the second one skin is mottled, a lid a little less than a
cheek; what is wider is light and shade. Our choice."""

EDGE_MM, EDGE_OFF = 4.0, (0.10, 0.22)
"""Under the wider bell skin differs from what it is under the narrower one by the first share of
its brightness at most, and by the second where there is an edge. Our choice."""

OTHER_COLOUR = 0.28
"""Shares of the skin's brightness by which hair differs from it, in one colour at least."""

MOST_COVERED = 0.25
"""Share of the opening that hair may cover and still be told from the eye. Our choice."""

WIDE_BELL_PX = 4.0
"""Standard deviation from which on a bell is laid over the half-size picture. Our choice."""

SOFT_SHARE = 0.65
"""What is drawn of an eye is blurred by so much of the photograph's softness. An iris, which brings
that along, becomes softer by a sixth. Our choice."""

SOFTENED, LEAST_SOFT_PX = (0.04, 0.25), 0.3
"""That sets in between these shares of a blink, for what looks about is as soft as photographed,
and is not worth its time below the last."""

PLACED_BY = 72
"""Vertices, at most, that say where an eye is in a frame."""


@dataclass(frozen=True, slots=True, eq=False)
class EyePaint:
    """One eye, taken apart. Pictures are in pixels of its view."""

    side: int
    """0 left of the picture, 1 right."""

    hidden: bool
    """Behind a dark lens: nothing is painted."""

    carved: bool
    """Of stone: lids move, nothing looks about."""

    view: EyeView
    white: Float32
    """(h, w, 3) the eye without its iris."""

    iris: Float32
    """(h, w, 4) premultiplied colour and cover, 0..1."""

    glint: Float32
    """(h, w, 3) what reflections add."""

    shut: ShutLid

    window: UInt8
    """(h, w) 0..255 where anything may be drawn."""

    rim: Float32
    """(4, 2) px in the picture: all of the window lies within."""

    near: Int32
    """(K,) vertices of the mesh around the eye ..."""

    near_view: Float64
    """... (K, 2) and where they are in the view."""

    light: Light
    """On those vertices alone."""

    light_fit: Float64
    """(3, K): times their brightness factors, how they run over the view."""

    edge_px: float
    """How soft the photograph's own edges are, see render.sharpness."""

    soft_px: float
    """What is drawn is blurred by so much, for it to be hardly sharper; 0 for sharp photographs."""


def prepare_eyes(rig: Rig, photo: UInt8, light: Light) -> tuple[EyePaint, EyePaint]:
    """Take both eyes of a photograph, (H, W, 3), apart."""
    edge_px = face_edge_sigma(rig, photo)
    skin = _bare_skin(rig, photo)
    with ThreadPoolExecutor(1, thread_name_prefix="portravox-eye") as beside:
        left_view, right_view = with_true_irises(
            *with_eyeball_edges(_view(rig, photo, LEFT_EYE), _view(rig, photo, RIGHT_EYE))
        )
        carved = are_carved(left_view, right_view)
        prepared = partial(_prepare_eye, rig, photo, light, skin, edge_px, carved)
        on_left = beside.submit(lash_line, left_view, carved=carved)
        right_line = lash_line(right_view, carved=carved)
        left_line = on_left.result()
        left_mm, right_mm = made_up_mm(left_line, right_line)
        left = beside.submit(prepared, 0, left_view, left_line, left_mm)
        right = prepared(1, right_view, right_line, right_mm)
        return left.result(), right


def paint_eye(eye: EyePaint, posed: PosedMesh, frame: UInt8) -> None:
    """Paint one eye into the frame, if gaze or lid move it."""
    blink = posed.blink[eye.side]
    if eye.hidden:
        return
    if blink == 0.0 and posed.squint == 0.0 and posed.gaze_deg == (0.0, 0.0):
        return
    box = box_around(eye_reach(eye, posed), SOFT_REACH * eye.soft_px, frame)
    if box is None:
        return
    view, shut = eye.view, eye.shut
    upper, lower = lid_edges(eye, blink, posed.squint)
    lids = np.empty((LID_ROWS, len(upper)), np.float32)
    fill_tables(view.upper, view.lower, shut.edge, upper, lower, lids)
    layers = EyeLayers(
        open_skin=shut.bare,
        shut_skin=shut.skin,
        window=eye.window,
        white=eye.white,
        iris=eye.iris,
        glint=eye.glint,
        raised=shut.raised,
        lashes=shut.lashes,
        lash_colour=shut.lash_colour,
    )
    before = box.of(frame).copy()
    to_view = _to_view(eye, posed, box)
    draw_eye(frame, before, box.x0, box.y0, to_view, lids, _state(eye, posed), layers)
    soft_px = eye.soft_px * smooth_share(*SOFTENED, abs(blink))
    if soft_px > LEAST_SOFT_PX:
        soften_drawn(box.of(frame), before, soft_px)


def _state(eye: EyePaint, posed: PosedMesh) -> EyeState:
    """What gaze, lid and light do to an eye in this frame."""
    view, blink = eye.view, posed.blink[eye.side]
    looks = 0.0 if eye.carved else math.hypot(*posed.gaze_deg)
    begun = looks / GAZE_BEGUN_DEG + (abs(blink) + posed.squint) / BLINK_BEGUN
    gaze = _gaze_shift(eye, posed)
    light = eye.light_fit @ (eye.light.factors(posed.rotation) * posed.shade[eye.near])
    return EyeState(
        mm=np.float32(view.mm),
        shut_share=np.float32(smooth_share(SHUT_FROM, SHUT_TO, blink)),
        shut_below=np.float32(smooth_share(SHUT_BELOW_FROM, 1.0, blink)),
        lash_share=np.float32(smooth_share(LASH_FROM, LASH_TO, blink)),
        lash_row=np.float32(eye.shut.lash_row),
        root=np.float32(eye.shut.root),
        per_hang=np.float32(1.0 / max((blink - HANG_FROM) / (1.0 - HANG_FROM), 0.02)),
        raised_share=np.float32(1.0 - smooth_share(LASH_FROM, LASH_TO, blink)),
        per_raise=np.float32(1.0 / min(max(1.0 - blink / RAISED_TO, 0.02), 1.0)),
        light_share=np.float32(1.0 - smooth_share(*RIM_LIGHT, blink)),
        ball_share=np.float32(min(1.0, begun) if blink < SHUT else 0.0),
        shadow=np.float32(LID_SHADOW * min(max(2.0 * blink, 0.0), 1.0)),
        gaze_x=np.float32(gaze[0]),
        gaze_y=np.float32(gaze[1]),
        glint_follow=np.float32(GLINT_FOLLOWS),
        softness=np.float32(min(max(1.6 * eye.edge_px * view.scale, 1.0), 1.2 * view.mm)),
        light=np.float32(light[0]),
        light_x=np.float32(light[1]),
        light_y=np.float32(light[2]),
    )


def lid_edges(eye: EyePaint, blink: float, squint: float) -> tuple[Float32, Float32]:
    """(w,) rows of the view on which the edges of the upper and the lower lid lie.

    blink   1 is shut; below 0 the eye opens wider than photographed
    squint  0..1
    """
    view = eye.view
    gap = view.lower - view.upper
    raised = min(LOWER_LID_SHARE * max(blink, 0.0) + SQUINT_SHARE * squint, 0.5)
    lower = view.lower - np.float32(raised) * gap
    way = np.minimum(eye.shut.edge, lower) - view.upper
    upper = view.upper + np.float32(min(blink, 1.0)) * way
    return upper, np.maximum(lower, upper)


def _gaze_shift(eye: EyePaint, posed: PosedMesh) -> Float64:
    """(2,) px of the view by which the iris has moved."""
    if eye.carved:
        return np.zeros(2)
    radius = EYEBALL_RADII * eye.view.iris[2]
    yaw, pitch = np.deg2rad(posed.gaze_deg)
    axes = posed.rig.axes.astype(np.float64)
    look = np.sin(yaw) * axes[:2, 0] - np.sin(pitch) * axes[:2, 1]
    shift: Float64 = eye.view.to_view[:, :2] @ look * (radius / eye.view.scale)
    return shift


def eye_reach(eye: EyePaint, posed: PosedMesh) -> Float32:
    """(2, 2) px: least and largest x and y of whatever is painted of an eye."""
    reach = np.empty((2, 2), np.float32)
    reach_of(posed.vertices, posed.rig.rest, eye.near, eye.rim, reach)
    return reach


def _to_view(eye: EyePaint, posed: PosedMesh, box: Box) -> Float32:
    """(2, 6) frame positions relative to a box -> view positions, see eye_pass.draw_eye.

    Fitted to the vertices around the eye: head and brows bend so small a piece of skin little.
    """
    to_view = np.empty((2, 6), np.float32)
    unit = float(max(box.size))
    fit_view(posed.vertices, eye.near, eye.near_view, box.x0, box.y0, unit, to_view)
    return to_view


def _view(rig: Rig, photo: UInt8, marks: EyeLandmarks) -> EyeView:
    landmarks = rig.face.landmarks[:, :2].astype(np.float64)
    return view_eye(
        photo,
        landmarks[list(marks.upper)],
        landmarks[list(marks.lower)],
        landmarks[list(marks.iris)],
    )


def _prepare_eye(
    rig: Rig,
    photo: UInt8,
    light: Light,
    skin: Float64,
    edge_px: float,
    carved: bool,
    side: int,
    view: EyeView,
    line: LashLine,
    paint_mm: float,
) -> EyePaint:
    ball = take_apart(view)
    hidden = before_the_eye(view)
    turn = view.to_view[:, :2] / view.scale
    relative = light.coefficients[1:] / max(float(light.coefficients[0]), 0.05) / DISPLAY_GAMMA
    slope = turn @ relative[:2].astype(np.float64)
    grain = _skin_grain(photo, view, skin)
    shut = shut_lid(view, line, grain, hidden, slope, edge_px * view.scale, paint_mm)
    dark = rig.face.glasses and hidden_by_lens(view, _brightness(photo, skin))
    rim = rim_above(view) if rig.face.glasses else None
    window = _window(view, hidden, rim)
    rows, columns = np.flatnonzero(window.any(axis=1)), np.flatnonzero(window.any(axis=0))
    x0, x1, y0, y1 = columns[0] - 1, columns[-1] + 1, rows[0] - 1, rows[-1] + 1
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)
    to_picture = cv2.invertAffineTransform(view.to_view)
    placed = view.placed(rig.rest[:, :2].astype(np.float64))
    low, high = corners[0], corners[2]
    near = np.flatnonzero(((placed >= low) & (placed <= high)).all(axis=1))
    near = near[:: max(1, -(-len(near) // PLACED_BY))]
    spot = np.column_stack([np.ones(len(near)), placed[near]])
    return EyePaint(
        side=side,
        hidden=dark,
        carved=carved,
        view=view,
        white=ball.white,
        iris=ball.iris,
        glint=ball.glint,
        shut=shut,
        window=window,
        rim=(corners @ to_picture[:, :2].T + to_picture[:, 2]).astype(np.float32),
        near=near.astype(np.int32),
        near_view=placed[near],
        light=Light(light.coefficients, light.normals[near], light.reach[near]),
        light_fit=np.linalg.pinv(spot),
        edge_px=edge_px,
        soft_px=drawing_sigma(edge_px, SOFT_SHARE),
    )


def before_the_eye(view: EyeView) -> Bool:
    """(h, w) where hair, or what lies beyond a turned cheek, runs past the eye from top to bottom.

    It is another colour than the skin below the eye, all the way.
    """
    y = np.arange(view.pixels.shape[0], dtype=np.float32)[:, None]
    soft = cv2.GaussianBlur(view.pixels, (0, 0), 0.5 * view.mm).astype(np.float32)
    between = (np.abs(np.arange(soft.shape[1]) - np.mean(view.corners)) < 0.4 * view.width)[None]
    cheek = (y > view.lower + 4 * view.mm) & (y < view.lower + 12 * view.mm) & between
    skin = np.median(soft[cheek], axis=0)
    other = np.abs(soft - skin).max(axis=-1) > OTHER_COLOUR * skin.mean()
    _, labels = cv2.connectedComponents(other.astype(np.uint8), connectivity=4)
    through = np.intersect1d(labels[0], labels[-1])
    passing: Bool = np.isin(labels, through[through > 0])
    opening = (y > view.upper) & (y < view.lower)
    # what covers so much is no strand: make-up, shade and brow have run together
    return passing & (float(passing[opening].mean()) < MOST_COVERED)


def _window(view: EyeView, hidden: Bool, rim: Float32 | None) -> UInt8:
    """(h, w) 0..255 where the eye is drawn, softly ending; nothing over what hides it, nor above
    the rim of glasses, by its rows, (w,)."""
    height, width = view.pixels.shape[:2]
    mm = view.mm
    x = np.arange(width)
    y = np.arange(height)[:, None]
    left, right = view.corners
    sideways = 1 - smoothstep(SIDE_MM[0] * mm, SIDE_MM[1] * mm, np.maximum(left - x, x - right))
    above = 1 - smoothstep(REACH_MM[0] * mm, REACH_MM[1] * mm, view.upper - y)
    below = 1 - smoothstep(BELOW_MM[0] * mm, BELOW_MM[1] * mm, y - view.lower)
    if rim is not None:
        above *= smoothstep(RIM_MM[0] * mm, RIM_MM[1] * mm, y - rim)
    free = 1 - cv2.GaussianBlur(hidden.astype(np.float32), (0, 0), max(0.3 * mm, 0.6))
    window: UInt8 = np.rint(255 * sideways * above * below * free).astype(np.uint8)
    window[[0, 1, -3, -2, -1]] = 0
    window[:, [0, 1, -3, -2, -1]] = 0
    return window


def _bare_skin(rig: Rig, photo: UInt8) -> Float64:
    """(2,) px: a place on cheek or forehead that is no rougher and no smoother than the others.

    Hair, a beard or a rim over one of them is rougher; one out of focus is smoother.
    """
    reach = max(2, round(BARE_SKIN_FW * rig.width_px))
    height, width = photo.shape[:2]
    roughness = []
    for landmark in BARE_SKIN:
        x, y = (int(v) for v in rig.face.landmarks[landmark, :2])
        x, y = min(max(x, reach), width - reach), min(max(y, reach), height - reach)
        near = photo[max(y - reach, 0) : y + reach, max(x - reach, 0) : x + reach]
        grey = cv2.cvtColor(near, cv2.COLOR_RGB2GRAY)
        roughness.append(float(np.abs(cv2.Laplacian(grey, cv2.CV_32F)).mean()))
    middle = BARE_SKIN[int(np.argsort(roughness)[len(roughness) // 2])]
    return rig.face.landmarks[middle, :2].astype(np.float64)


def _brightness(photo: UInt8, place: Float64) -> float:
    """Mean brightness, 0..255, of a few pixels around a place."""
    x, y = (max(int(v), 2) for v in place)
    near = photo[y - 2 : y + 3, x - 2 : x + 3]
    return float(near.mean()) if near.size else 255.0


def _skin_grain(photo: UInt8, view: EyeView, skin: Float64) -> Float32:
    """(h, w, 3) fine texture of skin in the view's pixels, without its light and shade.

    skin  (2,) px where it is taken from
    """
    height, width = view.pixels.shape[:2]
    to_patch = view.to_view.copy()
    to_patch[:, 2] += np.array([width / 2, height / 2]) - view.placed(skin)
    patch = cv2.warpAffine(
        photo, to_patch, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    ).astype(np.float32)
    soft = _without_detail(patch, max(1.0, GRAIN_MM * view.mm))
    softer = _without_detail(patch, max(1.0, MOTTLED_MM * view.mm))
    texture = _limited(GRAIN_KEPT * (patch - soft)) + MOTTLED_KEPT * _limited(soft - softer)
    # a rim of glasses, a nostril or the end of the face is no texture of skin
    small = cv2.resize(softer, (-(-width // 4), -(-height // 4)), interpolation=cv2.INTER_AREA)
    wide = cv2.GaussianBlur(small, (0, 0), max(1.0, EDGE_MM * view.mm / 4))
    off = np.abs(small - wide).max(axis=-1) / np.maximum(wide.mean(axis=-1), 1.0)
    side = 2 * round(EDGE_MM * view.mm / 8) + 1  # in the middle of an edge both are alike
    off = cv2.dilate(off.astype(np.float32), np.ones((side, side), np.uint8))
    kept = 1 - smoothstep(*EDGE_OFF, off).astype(np.float32)
    clean: Float32 = texture * cv2.resize(kept, (width, height))[..., None]
    return clean


def _limited(texture: Float32) -> Float32:
    """The same without what stands out: moles and hairs stay on the cheek."""
    limit = 3 * float(np.median(np.abs(texture[::2, ::2]))) + 1
    return np.asarray(np.clip(texture, -limit, limit), np.float32)


def _without_detail(patch: Float32, sigma_px: float) -> Float32:
    """(h, w, 3) under a bell.

    A wide one is laid over the half-size picture: the same to a grey level or so, and to a fifth of
    one on the average, but for the border, in an eighth of the time.
    """
    if sigma_px < WIDE_BELL_PX:
        return np.asarray(cv2.GaussianBlur(patch, (0, 0), sigma_px), np.float32)
    height, width = patch.shape[:2]
    small = cv2.resize(patch, (-(-width // 2), -(-height // 2)), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma_px / 2)
    return np.asarray(cv2.resize(soft, (width, height)), np.float32)
