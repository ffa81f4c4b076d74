"""Eyes: irises that look about, lids that shut.

Flow      rig.fit, the photograph -> prepare_eyes -> EyePaint; rig.deform -> paint_eye -> frame

The mesh carries the eye as photographed. As soon as gaze or lids move, the opening between the
lids is painted over it: white of the eye, then the iris, both fixed to the skull, and over them the
skin of the lid that the photograph shows folded away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import Float32, Float64, Int32, UInt8
from portravox.ramps import smoothstep
from portravox.render.drawing import blurred, box_around, lay_over, line_cover, polygon_cover
from portravox.render.kernels import FAR, rasterize
from portravox.render.sharpness import face_edge_sigma
from portravox.rig.deform import Posed
from portravox.rig.fit import Rig
from portravox.rig.topology import LEFT_EYE, RIGHT_EYE, EyeLandmarks

EYEBALL_RADIUS_MM = 12.0
"""Of adults: an axial length of about 24 mm (Bekerman et al., J. Ophthalmol. 2014)."""

LEAST_EYE_PX = 72
"""Small eyes are worked on enlarged to this width, so that the iris edge stays round."""

LID_SHADOW_MM = 1.6
LASH_LINE_MM = 0.55

GAZE_BEGUN_DEG = 0.4
BLINK_BEGUN = 0.04
"""From here on the painted eye has fully taken the place of the photographed one."""

LID_TINT = np.array([0.97, 0.935, 0.925])
"""Skin of the lid against that under the brow: thin, so a little darker and redder. Our choice."""

LID_ROWS = 13
CHEEK = 50
"""Landmark from around which the lid takes its grain."""
LID_PAINT_FROM = 0.12
"""Share of a blink from which the painted lid begins to cover the stretched one."""


@dataclass(frozen=True, slots=True, eq=False)
class EyePaint:
    """One eye, taken apart."""

    landmarks: EyeLandmarks
    side: int
    """0 left of the picture, 1 right."""

    origin: Float32
    """(2,) picture position of the patch's first pixel."""

    scale: int
    """Patch pixels per picture pixel."""

    white: Float32
    """(h, w, 3) the eye without its iris."""

    iris: Float32
    """(h, w, 4) premultiplied colour and cover, 0..1. Over `white` it gives the photograph back."""

    anchors: Float64
    """(3, 3) px: three points of the eye as photographed, to place the patch by."""

    mm: float
    """px"""

    lid: UInt8
    """(h, w, 3) skin of the shut lid; rows from the fold to the lashes, columns left to right."""

    lash: Float32
    """(3,) colour of the lashes."""

    edge_px: float
    """How soft the photograph's own edges are, see render.sharpness."""


def prepare_eyes(rig: Rig, photo: UInt8) -> tuple[EyePaint, EyePaint]:
    """Take both eyes of a photograph, (H, W, 3), apart."""
    edge_px = face_edge_sigma(rig, photo)
    return (
        _prepare_eye(rig, photo, LEFT_EYE, 0, edge_px),
        _prepare_eye(rig, photo, RIGHT_EYE, 1, edge_px),
    )


def paint_eye(eye: EyePaint, posed: Posed, frame: UInt8) -> None:
    """Paint one eye into the frame, if gaze or lid move it."""
    blink = posed.blink[eye.side]
    if blink == 0.0 and posed.gaze_deg == (0.0, 0.0):
        return
    mesh = posed.rig.mesh
    upper, lower = mesh.left_eye if eye.side == 0 else mesh.right_eye
    up = posed.vertices[upper, :2].astype(np.float64)
    low = posed.vertices[lower, :2].astype(np.float64)
    if blink < 0.97:
        _paint_ball(eye, posed, frame, up, low, blink)
    if blink > LID_PAINT_FROM:
        _paint_lid(eye, posed, frame, up, blink)


def _paint_ball(
    eye: EyePaint, posed: Posed, frame: UInt8, up: Float64, low: Float64, blink: float
) -> None:
    low = np.column_stack([low[:, 0], np.maximum(low[:, 1], up[:, 1])])
    outline = np.concatenate([up, low[::-1]])
    box = box_around(outline, 4, frame)
    if box is None:
        return
    now = posed.on_skull(eye.anchors)[:, :2]
    source = (eye.anchors[:, :2] - eye.origin) * eye.scale
    place = cv2.getAffineTransform(source.astype(np.float32), (now - box.corner).astype(np.float32))
    yaw, pitch = np.deg2rad(posed.gaze_deg)
    axes = posed.rig.axes.astype(np.float64)
    look = EYEBALL_RADIUS_MM * eye.mm * (np.sin(yaw) * axes[:2, 0] - np.sin(pitch) * axes[:2, 1])
    moved = place.copy()
    moved[:, 2] += place[:, :2] @ (look * eye.scale)
    white = cv2.warpAffine(eye.white, place, box.size, borderMode=cv2.BORDER_REPLICATE)
    iris = cv2.warpAffine(eye.iris, moved, box.size)
    ball = white * (1 - iris[..., 3:]) + iris[..., :3]
    inside = polygon_cover(outline - box.corner, box.size)
    # a lid that has come down throws its shadow on the eyeball
    drop = eye.mm * LID_SHADOW_MM
    down = np.array([[1, 0, 0], [0, 1, drop]], np.float32)
    shade = blurred(cv2.warpAffine(inside, down, box.size), max(0.5, drop * 0.6))
    ball *= (1 - 0.35 * min(1.0, 2 * max(blink, 0.0)) * (1 - shade))[..., None]
    # the mesh shows the same eye: the first trace of movement must not change its sharpness at once
    begun = float(np.hypot(*posed.gaze_deg)) / GAZE_BEGUN_DEG + abs(blink) / BLINK_BEGUN
    cover = blurred(inside, max(0.45, 0.18 * eye.mm)) * min(1.0, begun)
    lay_over(box.of(frame), ball, cover)


def _paint_lid(eye: EyePaint, posed: Posed, frame: UInt8, up: Float64, blink: float) -> None:
    """Lay the skin of the shut lid between the fold and the lashes."""
    grid = _lid_grid(eye, posed)  # (rows, columns, 2)
    box = box_around(grid.reshape(-1, 2), 3, frame)
    if box is None:
        return
    rows, columns = grid.shape[:2]
    texture_h, texture_w = eye.lid.shape[:2]
    down = np.linspace(0, 1, rows)
    across = np.linspace(0, 1, columns)
    cover = smoothstep(0.0, 0.34, down) * (1 - smoothstep(0.86, 1.0, down) * 0.35)
    ends = smoothstep(0.0, 0.28, across) * smoothstep(0.0, 0.28, 1 - across)
    attributes = np.empty((rows, columns, 3), np.float32)
    attributes[..., 0] = across[None, :] * (texture_w - 1)
    attributes[..., 1] = down[:, None] * (texture_h - 1)
    attributes[..., 2] = cover[:, None] * ends[None, :] * smoothstep(LID_PAINT_FROM, 0.7, blink)
    vertices = np.zeros((rows * columns, 3), np.float32)
    vertices[:, :2] = grid.reshape(-1, 2)
    nodes = np.zeros((3, box.size[1], box.size[0]), np.float32)
    depth = np.full(nodes.shape[1:], FAR, np.float32)
    rasterize(
        vertices, attributes.reshape(-1, 3), _grid_triangles(rows, columns),
        float(box.x0), float(box.y0), 1.0, nodes, depth,
    )  # fmt: skip
    skin = cv2.remap(eye.lid, nodes[0], nodes[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    lay_over(box.of(frame), skin, blurred(nodes[2], max(0.5, 0.3 * eye.mm)))
    edge = up[2:-2] - box.corner
    lashes = line_cover(edge, np.ones(len(edge)), LASH_LINE_MM * eye.mm, box.size)
    strength = 0.72 * float(smoothstep(0.25, 0.85, blink))
    lay_over(
        box.of(frame),
        eye.lash,
        blurred(lashes, max(0.4, 0.22 * eye.mm, 0.75 * eye.edge_px)) * strength,
    )


def _lid_grid(eye: EyePaint, posed: Posed) -> Float64:
    """(LID_ROWS, 9, 2) px now: from above the fold of the lid down to the lashes."""
    marks = eye.landmarks
    at = posed.vertices[:, :2].astype(np.float64)
    brow_side = at[list(marks.under_brow)]
    fold = at[list(marks.crease)]
    lashes = at[list(marks.upper[1:-1])]
    top = fold * 0.45 + brow_side * 0.55
    t = np.linspace(0, 1, LID_ROWS)[:, None, None]
    upper_part = top + (fold - top) * (t / 0.35)
    lower_part = fold + (lashes - fold) * ((t - 0.35) / 0.65)
    inner = np.where(t < 0.35, upper_part, lower_part)
    left = at[marks.upper[0]] * 0.75 + inner[:, 0] * 0.25
    right = at[marks.upper[-1]] * 0.75 + inner[:, -1] * 0.25
    return np.concatenate([left[:, None], inner, right[:, None]], axis=1)


def _prepare_eye(
    rig: Rig, photo: UInt8, marks: EyeLandmarks, side: int, edge_px: float
) -> EyePaint:
    landmarks = rig.face.landmarks.astype(np.float64)
    mesh = rig.mesh
    upper, lower = mesh.left_eye if side == 0 else mesh.right_eye
    outline = np.concatenate([rig.rest[upper, :2], rig.rest[lower, :2][::-1]]).astype(np.float64)
    width = float(np.ptp(outline[:, 0]))
    scale = max(1, math.ceil(LEAST_EYE_PX / max(width, 1.0)))
    margin = 0.35 * width + 3
    x0, y0 = np.floor(outline.min(axis=0) - margin).astype(int)
    x1, y1 = np.ceil(outline.max(axis=0) + margin).astype(int)
    x0, y0 = max(int(x0), 0), max(int(y0), 0)
    x1, y1 = min(int(x1), photo.shape[1]), min(int(y1), photo.shape[0])
    size = ((x1 - x0) * scale, (y1 - y0) * scale)
    patch = cv2.resize(photo[y0:y1, x0:x1], size, interpolation=cv2.INTER_CUBIC)
    patch = patch.astype(np.float32)
    origin = np.array([x0, y0], np.float32) + np.float32((1 / scale - 1) / 2)
    mark_px = (landmarks[list(marks.iris), :2] - origin) * scale
    centre = mark_px[0]
    radius = float(np.linalg.norm(mark_px[1:] - centre, axis=1).mean())
    opening = polygon_cover((outline - origin) * scale, size)
    white, iris = _split_iris(patch, opening, centre, radius)
    down = rig.axes[:, 1].astype(np.float64)
    corners = landmarks[[marks.upper[0], marks.upper[-1]]]
    below = corners.mean(axis=0) + down * width * 0.4
    lash, lid = _lid_skin(rig, photo, marks, width)
    return EyePaint(
        landmarks=marks,
        side=side,
        origin=origin,
        scale=scale,
        white=white,
        iris=iris,
        anchors=np.vstack([corners, below]),
        mm=rig.px_per_mm,
        lid=lid,
        lash=lash,
        edge_px=edge_px,
    )


def _split_iris(
    patch: Float32, opening: Float32, centre: Float64, radius: float
) -> tuple[Float32, Float32]:
    """White of the eye without iris, and the iris completed to a full disc.

    patch    (h, w, 3)
    opening  (h, w) 0..1 between the lids
    """
    height, width = opening.shape
    y, x = np.mgrid[0:height, 0:width]
    distance = np.hypot(x - centre[0], y - centre[1]) / radius
    inner = cv2.erode(opening, np.ones((3, 3)), iterations=max(1, round(radius * 0.08)))
    seen = inner > 0.9

    # the white: what is seen of it, spread under the iris and beyond the lids
    scleral = seen & (distance > 1.15)
    if scleral.sum() < 12:
        scleral = seen & (distance > 1.02)
    base = np.median(patch[scleral], axis=0) if scleral.any() else np.full(3, 200.0)
    weight = scleral.astype(np.float32)
    sigma = max(radius * 0.35, 1.0)
    spread = cv2.GaussianBlur(patch * weight[..., None], (0, 0), sigma)
    mass = cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
    filled = (spread + base * 0.02) / (mass + 0.02)
    outside_iris = smoothstep(1.02, 1.2, distance)
    keep = (cv2.GaussianBlur(opening, (0, 0), 0.8) * outside_iris)[..., None]
    white = (filled * (1 - keep) + patch * keep).astype(np.float32)

    # the iris: what is seen of it; the rest mirrored from below or taken from the same ring
    iris_seen = seen & (distance < 1.0)
    ring = np.clip((distance * 24).astype(int), 0, 30)
    profile = np.zeros((31, 3), np.float32)
    last = np.median(patch[iris_seen], axis=0) if iris_seen.any() else base * 0.4
    for k in range(30, -1, -1):
        at = iris_seen & (ring == k)
        if at.sum() >= 3:
            last = np.median(patch[at], axis=0)
        profile[k] = last
    completed = profile[ring]
    mirrored_y = np.clip(np.round(2 * centre[1] - y).astype(int), 0, height - 1)
    mirror_seen = (iris_seen[mirrored_y, x])[..., None]
    completed = np.where(mirror_seen, 0.6 * patch[mirrored_y, x] + 0.4 * completed, completed)
    known = cv2.GaussianBlur(iris_seen.astype(np.float32), (0, 0), max(0.8, radius * 0.06))
    known = np.clip(known * 2 - 1, 0, 1)[..., None]
    colour = patch * known + completed * (1 - known)
    cover = (1 - smoothstep(0.96, 1.14, distance)).astype(np.float32)[..., None]
    premultiplied = colour * cover
    # where the photograph is seen, iris over white must give it back to the digit
    exact = patch - white * (1 - cover)
    sure = np.clip(cv2.GaussianBlur(inner, (0, 0), 0.8) * 2 - 1, 0, 1)[..., None] * (cover > 0)
    premultiplied = premultiplied * (1 - sure) + exact * sure
    return white, np.dstack([premultiplied, cover]).astype(np.float32)


def _lid_skin(
    rig: Rig, photo: UInt8, marks: EyeLandmarks, eye_width: float
) -> tuple[Float32, UInt8]:
    """Colour of the lashes, and the skin of the shut lid.

    The lid takes its colour from the skin between fold and brow, its grain from the cheek.
    """
    landmarks = rig.face.landmarks
    height_px, width_px = photo.shape[:2]
    radius = max(1, round(0.02 * rig.width_px))
    columns = []
    for fold, brow_side in zip(marks.crease, marks.under_brow, strict=True):
        x, y = (landmarks[fold, :2] * 0.45 + landmarks[brow_side, :2] * 0.55).astype(int)
        x, y = int(np.clip(x, 0, width_px - 1)), int(np.clip(y, 0, height_px - 1))
        near = photo[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        flat = near.reshape(-1, 3).astype(np.float32)
        brightness = flat.mean(axis=1)
        columns.append(np.median(flat[brightness >= np.percentile(brightness, 40)], axis=0))
    tone = np.array(columns)
    tone = np.concatenate([tone[:1], tone, tone[-1:]])  # 9 columns
    tone = (np.roll(tone, 1, axis=0) + 2 * tone + np.roll(tone, -1, axis=0)) / 4 * LID_TINT
    tone[[0, -1]] = tone[[1, -2]]
    w = max(16, round(eye_width))
    h = max(10, round(eye_width * 0.55))
    colour = cv2.resize(tone[None].astype(np.float32), (w, h), interpolation=cv2.INTER_LINEAR)
    t = np.linspace(0, 1, h)
    # fold a little darker, bulge of the eyeball a little lighter, dusk towards the lashes
    shade = (
        1.0
        - 0.10 * np.exp(-(((t - 0.36) / 0.09) ** 2))
        + 0.035 * np.exp(-(((t - 0.64) / 0.16) ** 2))
        - 0.16 * smoothstep(0.80, 1.0, t)
    )
    across = np.linspace(-1, 1, w)
    roundness = 1.0 - 0.05 * across**2
    grain = _skin_grain(rig, photo, w, h)
    lid = colour * (shade[:, None] * roundness[None])[..., None] + grain
    darkest = np.percentile(photo[_around_eyes(rig)].reshape(-1, 3), 3, axis=0)
    lash = np.minimum(darkest.astype(np.float32), tone.mean(axis=0) * 0.45)
    return lash.astype(np.float32), np.clip(lid, 0, 255).astype(np.uint8)


def _skin_grain(rig: Rig, photo: UInt8, width: int, height: int) -> Float32:
    """(height, width, 3) the fine texture of the cheek, without its light and shade."""
    x, y = rig.face.landmarks[CHEEK, :2]
    h, w = photo.shape[:2]
    side_x, side_y = min(width, w), min(height, h)
    x0 = int(np.clip(x - side_x / 2, 0, w - side_x))
    y0 = int(np.clip(y - side_y / 2, 0, h - side_y))
    patch = photo[y0 : y0 + side_y, x0 : x0 + side_x].astype(np.float32)
    fine = patch - cv2.GaussianBlur(patch, (0, 0), max(1.0, 0.010 * rig.width_px))
    limit = 3 * float(np.median(np.abs(fine))) + 1  # moles and hairs stay on the cheek
    fine = np.clip(fine, -limit, limit)
    if fine.shape[:2] != (height, width):
        fine = cv2.resize(fine, (width, height), interpolation=cv2.INTER_LINEAR)
    grain: Float32 = fine
    return grain


def _around_eyes(rig: Rig) -> tuple[slice, slice]:
    """Rows and columns of a box around both eyes."""
    points = rig.face.landmarks[[*LEFT_EYE.upper, *RIGHT_EYE.upper], :2]
    low = np.maximum(points.min(axis=0).astype(int), 0)
    high = points.max(axis=0).astype(int) + 2
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def _grid_triangles(rows: int, columns: int) -> Int32:
    """(F, 3) two triangles for each cell of a grid."""
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b = index[:-1, :-1].ravel(), index[:-1, 1:].ravel()
    c, d = index[1:, :-1].ravel(), index[1:, 1:].ravel()
    return np.concatenate([np.column_stack([a, b, c]), np.column_stack([b, d, c])])
