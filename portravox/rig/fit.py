"""Fits the mesh to one face: rest positions, shapes, and what moves with the head.

Flow      face.face, face.matte -> rig.fit -> rig.deform, render
Reads     Face, person matte (H, W)
Gives     Rig
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import Float32, Float64, Int32, UInt8
from portravox.face.face import Face
from portravox.face.outlines import LOWER_INNER, OVAL, UPPER_INNER
from portravox.ramps import smoothstep
from portravox.rig.body import find_body
from portravox.rig.fields import FieldSolver
from portravox.rig.follow_weights import NOWHERE, FollowWeights
from portravox.rig.hair import find_hair
from portravox.rig.kernels import squared_distances
from portravox.rig.occluders import covered_share
from portravox.rig.shading import build_shading
from portravox.rig.shapes import CHIN, FACE_WIDTH_MM, SHAPES, build_shapes, jaw_hinge, smiling
from portravox.rig.topology import (
    BETWEEN_LIP_EDGES,
    LANDMARKS,
    LEFT_EYE,
    RIGHT_EYE,
    RINGS,
    Topology,
    topology,
)

RING_SHARE = (0.33, 0.66, 1.0)
"""The inner rings stand at these shares of the way from the face to the outline of the person."""

MARGIN_FW = (0.10, 0.28, 0.55)
"""The three outer rings stand so many face widths beyond the person's outline."""

RECEDES_FW = (0.07, 0.18)
"""Hair or ears reaching so far beyond the face's outline lie behind it, at the ears' depth."""

HAIR_DEPTH = 0.6
"""Hair stands so far back on the way to the ears. With 1 the cheek slides over long hair, and its
edge shows; with 0 the head turns like a mask."""

RIGID_ABOVE = (1.0, 1.0, 1.0, 1.0, 0.45, 0.0)
"""How far each ring follows the head above the neck: hair fully, background further out less."""

RIGID_NECK = (0.80, 0.50, 0.22, 0.07, 0.02, 0.0)
"""The same where the ring lies on the neck, which bends, and the shoulders, which stay."""

LEAST_FACING = 0.42
"""Cosine to the camera below which skin counts as out of sight: a turn by 8 degrees makes it half
as wide again, and what was a pixel wide shows as a streak. Our choice."""

OUTER_FACE = 0.62
"""Only beyond this share of the way from the middle of the face to its outline, so that nose and
lips keep their shape."""

UNCOVERED_FW = 0.025
"""A head that the picture's border cuts turns, leans and shifts so far at most that it uncovers
this many face widths beside the border, where there is nothing to show but a mirror image. Our
choice: narrower than an ear."""

EARS_FW, MORE_OF_HAIR = 0.12, 8.0
"""A face width beyond where ears are, which are so wide, so many times as much again may be
uncovered: hair looks like its own mirror image, ears do not. Our choice."""

LEAST_AT_BORDER = 0.2
"""However tight the picture, the head keeps this share of its motion. Our choice."""

NEAR_BORDER_FW = 0.06
"""Of the mesh, what lies so near to the border says how far it moves there."""

TURNS_DEG = (12.0, 8.0, 8.0)
SHIFTS_FW = (0.05, 0.05)
"""The most that a head turns (yaw), nods (pitch) and leans (roll), and shifts aside and up."""

CUT_PERSON = 0.4
"""From this share of the matte on it is the person that is cut."""

COARSE_FACE_PX = 64.0
"""The matte is looked at on a picture with a face this wide: where a person is cut is no fine
matter."""

BENDS_GLASSES = ("brow_raise", "brow_lower", "brow_skew", "brow_inner", "squint")
BEHIND_GLASSES = 0.2
"""With glasses, what is near their rim moves by this share only: a frame that bends with the brows
is the first thing a viewer sees. Our choice."""

RIM_MM = (27.0, 23.0)
RIM_FADES = (1.0, 1.5)
"""Rims lie within this ellipse around each eye, across and down; beyond, in multiples of it, cheeks
go with smile and jaw again. Our choice: lenses are about 50 mm wide."""

HELD_JAW = 0.5
"""A jaw with a hand or a thing before its tip opens by so much less. Our choice."""

HEAD_WHEN_OCCLUDED = 0.4
"""Share of its motion that a head makes with a hand or a thing before it: they are part of the same
picture and would shear. Our choice."""

LIGHT_BY_RING = (0.9, 0.5, 0.0, 0.0, 0.0, 0.0)
"""How far relighting reaches: not over the background, which would flicker."""

CAMERA_DISTANCE_FW = 6.0
"""Distance of the camera for perspective, in face widths: a portrait lens. Our choice."""


@dataclass(frozen=True, slots=True, eq=False)
class Rig:
    """One face, ready to be moved. Positions are in pixels: x right, y down, z away."""

    mesh: Topology

    rest: Float32
    """(V, 3) fine mesh as photographed; x and y are where each vertex finds its texture."""

    shapes: Float32
    """(S, V, 3) pixels, in the order of shapes.SHAPES."""

    shading: Float32
    """(S, V) what each shape at 1 adds to the brightness, as a share; see rig.shading."""

    rigid: Float32
    """(V,) 1 moves with the head, 0 stays."""

    light: Float32
    """(V,) how far relighting applies."""

    axes: Float32
    """(3, 3) columns: the head's right, down and back."""

    centre: Float32
    """(3,) origin of the head's own frame."""

    pivot: Float32
    """(3,) the head turns about this."""

    body: FollowWeights
    """What goes along with shoulders and chest, in the picture."""

    body_share: Float32
    """(V,) how far each vertex does, 0 where it moves with the head."""

    hair: FollowWeights
    """What hangs from the head, in the picture."""

    hair_share: Float32
    """(V,) how loosely each vertex does."""

    head_share: float
    """0..1: of the head's motion so much is shown."""

    border_shares: Float64
    """(5,) 0..1: of its yaw, pitch, roll and shifts, aside and up, beside that."""

    hinge_mm: Float64
    """(3,) the jaw turns about this, in the head's frame."""

    face: Face

    region: tuple[int, int, int, int]
    """x0, y0, x1, y1: everything that can move lies inside, clipped to the picture. All even, as
    frames of video want it."""

    @property
    def width_px(self) -> float:
        return self.face.width_px

    @property
    def px_per_mm(self) -> float:
        return self.face.width_px / FACE_WIDTH_MM

    def to_head_mm(self, points: Float64) -> Float64:
        """(..., 3) pixels -> the head's own frame, mm."""
        moved: Float64 = (points - self.centre) @ self.axes.astype(np.float64) / self.px_per_mm
        return moved

    def to_picture(self, points_mm: Float64) -> Float64:
        """(..., 3) the head's own frame, mm -> pixels."""
        moved: Float64 = points_mm @ self.axes.T.astype(np.float64) * self.px_per_mm + self.centre
        return moved


def photo_smile(face: Face) -> float:
    """0..1, how much the mouth of a photograph smiles."""
    landmarks = face.landmarks[:LANDMARKS].astype(np.float64)
    centre = landmarks[list(OVAL)].mean(axis=0)
    return smiling(
        (landmarks - centre) @ face.axes.astype(np.float64) * (FACE_WIDTH_MM / face.width_px)
    )


def fit(face: Face, matte: Float32, pixels: UInt8 | None = None) -> Rig:
    """Fit mesh and shapes to a face.

    face    as measured
    matte   (H, W) 0..1, the person
    pixels  (H, W, 3) the photograph, to find loose hair in; None: none is loose
    """
    mesh = topology()
    height, width = matte.shape
    landmarks = _with_true_lips(face, mesh)
    axes = face.axes.astype(np.float64)
    centre = landmarks[list(OVAL)].mean(axis=0)
    mm = face.width_px / FACE_WIDTH_MM
    hinge_mm = jaw_hinge((landmarks - centre) @ axes / mm)
    pivot_depth = _ear_depth(landmarks, face.width_px)
    landmarks = _with_flat_edge(landmarks, mesh, centre, axes)
    outline = _Outline(landmarks, face, matte)
    control = np.concatenate([landmarks, outline.ring_positions()])
    rigid = np.concatenate([np.ones(LANDMARKS), outline.ring_rigid()])
    light = rigid.copy()
    light[LANDMARKS:] *= np.repeat(LIGHT_BY_RING, len(OVAL))

    control_mm = (control - centre) @ axes / mm
    shapes_mm = build_shapes(control_mm, mesh.control_triangles, mesh.rings, outline.neck, hinge_mm)
    shapes_px = shapes_mm @ axes.T * mm  # (S, n, 3)
    if face.glasses:
        for name in BENDS_GLASSES:
            shapes_px[SHAPES.index(name)] *= BEHIND_GLASSES
        others = [i for i, name in enumerate(SHAPES) if not name.startswith("blink")]
        under_rims = _near_rims(control_mm)[:, None]
        shapes_px[others] *= 1.0 - (1.0 - BEHIND_GLASSES) * under_rims
    fine_shapes = mesh.smooth.of_values(shapes_px.transpose(1, 0, 2)).transpose(1, 0, 2)
    rest = mesh.smooth.of_values(control)
    rest_mm = (rest - centre) @ axes / mm
    shading = build_shading(rest_mm, control_mm, smiling(control_mm))
    occluded = bool(face.hands or face.objects)
    if occluded:
        covered = covered_share(rest[:, :2], face)
        fine_shapes *= (1.0 - covered)[:, None]
        shading *= 1.0 - covered
        fine_shapes[SHAPES.index("jaw")] *= 1.0 - HELD_JAW * covered[list(CHIN)].max()

    up = axes[:2, 1] / np.linalg.norm(axes[:2, 1])
    face_height = float(np.linalg.norm(landmarks[10] - landmarks[152]))
    # low and far back the silhouette hardly moves when the head turns, so the background rests
    pivot = np.array([*(centre[:2] + up * 0.30 * face_height), pivot_depth])
    rigid = mesh.smooth.of_values(rigid)
    body = find_body(face, matte)
    hair = NOWHERE if pixels is None or occluded else find_hair(pixels, face, matte)
    corner0 = np.floor(control[:, :2].min(axis=0)).astype(int) - 2
    corner1 = np.ceil(control[:, :2].max(axis=0)).astype(int) + 3
    for field in (body, hair):
        if field.weights.any():
            corner0 = np.minimum(corner0, field.region[:2])
            corner1 = np.maximum(corner1, field.region[2:])
    return Rig(
        mesh=mesh,
        rest=rest,
        shapes=fine_shapes.astype(np.float32),
        shading=shading.astype(np.float32),
        rigid=rigid,
        light=mesh.smooth.of_values(light),
        axes=face.axes.astype(np.float32),
        centre=centre.astype(np.float32),
        pivot=pivot.astype(np.float32),
        body=body,
        body_share=((1.0 - rigid) * body.at(rest[:, :1], rest[:, 1:2])[:, 0]).astype(np.float32),
        hair=hair,
        hair_share=hair.at(rest[:, :1], rest[:, 1:2])[:, 0],
        head_share=HEAD_WHEN_OCCLUDED if occluded else 1.0,
        border_shares=_border_shares(rest, rigid, pivot, matte, face.width_px),
        hinge_mm=hinge_mm,
        face=face,
        region=(
            max(0, int(corner0[0]) // 2 * 2),
            max(0, int(corner0[1]) // 2 * 2),
            min(width, int(corner1[0]) + 1) // 2 * 2,
            min(height, int(corner1[1]) + 1) // 2 * 2,
        ),
    )


def _with_true_lips(face: Face, mesh: Topology) -> Float64:
    """(468, 3) landmarks whose inner lip edges lie where the pixels show them.

    The rows between inner and outer edge follow smoothly.
    """
    landmarks = face.landmarks[:LANDMARKS].astype(np.float64)
    handles = {i: np.zeros(3) for i in range(LANDMARKS) if i not in BETWEEN_LIP_EDGES}
    edges = ((UPPER_INNER, face.lips.upper_inner), (LOWER_INNER, face.lips.lower_inner))
    for row, edge in edges:
        for i, point in zip(row, edge, strict=True):
            handles[i] = np.array([*(point - landmarks[i, :2]), 0.0])
    triangles: Int32 = mesh.control_triangles
    inside = (triangles < LANDMARKS).all(axis=1)
    return landmarks + FieldSolver(landmarks, triangles[inside]).extend(handles)


def _ear_depth(landmarks: Float64, width: float) -> float:
    """z, px, of the ears: a little behind the landmarks in front of them."""
    return float(landmarks[[234, 454, 127, 356], 2].mean() + 0.06 * width)


def _with_flat_edge(landmarks: Float64, mesh: Topology, centre: Float64, axes: Float64) -> Float64:
    """(468, 3) landmarks without the parts of cheeks and jaw that are seen edge-on or not at all.

    There the mesh runs almost straight away from the camera, on a turned head even back behind
    its own outline. A photograph has no texture for that: when the head turns the other way, a
    streaked strip would unfold beside the cheek. So what is out of sight is kept at the depth of
    the skin beside it, and its edge moves along as a whole.

    centre, axes  (3,) and (3, 3): the head's own frame
    """
    triangles: Int32 = mesh.control_triangles
    triangles = triangles[(triangles < LANDMARKS).all(axis=1)]
    a, b, c = (landmarks[triangles[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    # orient by the head's own frame: everything faces away from a point between the ears
    inside = landmarks[[234, 454]].mean(axis=0)
    outwards = np.einsum("ij,ij->i", normals, (a + b + c) / 3 - inside)
    normals *= np.sign(outwards)[:, None]
    towards_camera = np.zeros(LANDMARKS)
    length = np.zeros(LANDMARKS)
    for k in range(3):
        towards_camera += np.bincount(triangles[:, k], -normals[:, 2], LANDMARKS)
        length += np.bincount(triangles[:, k], np.linalg.norm(normals, axis=1), LANDMARKS)
    facing = towards_camera / np.maximum(length, 1e-9)
    from_middle = ((landmarks - centre) @ axes)[:, :2]
    half = np.abs(from_middle[list(OVAL)]).max(axis=0)
    outer = np.hypot(*(from_middle / half).T) > OUTER_FACE
    flat = (facing < LEAST_FACING) & outer
    seen = {i: np.array([0.0, 0.0, landmarks[i, 2]]) for i in np.flatnonzero(~flat).tolist()}
    level = FieldSolver(landmarks, triangles, stiffness=1.0).extend(seen)[:, 2]
    levelled = landmarks.copy()
    levelled[:, 2] = np.minimum(level, landmarks[:, 2])
    return levelled


def _near_rims(points_mm: Float64) -> Float64:
    """(n,) 1 behind glasses and their rims, 0 away from them; points (n, 3) in the head's frame."""
    near = np.zeros(len(points_mm))
    for eye in (LEFT_EYE, RIGHT_EYE):
        middle = points_mm[[*eye.upper, *eye.lower]].mean(axis=0)
        away = np.hypot(*((points_mm - middle)[:, :2] / RIM_MM).T)
        near = np.maximum(near, 1.0 - smoothstep(*RIM_FADES, away))
    return near


def _border_shares(
    rest: Float32, rigid: Float32, pivot: Float64, matte: Float32, face_width_px: float
) -> Float64:
    """(5,) 0..1 how much of its yaw, pitch, roll and shifts, aside and up, a head may show.

    All of it, unless the border of the picture cuts the person where the head moves.

    rest   (V, 3) fine mesh, px
    rigid  (V,) how far each vertex follows the head
    pivot  (3,) px, the head turns about this
    """
    height, width = matte.shape
    shrink = min(1.0, COARSE_FACE_PX / face_width_px)
    coarse = cv2.resize(matte, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    x = np.clip((rest[:, 0] * shrink).astype(int), 0, coarse.shape[1] - 1)
    y = np.clip((rest[:, 1] * shrink).astype(int), 0, coarse.shape[0] - 1)
    person = coarse[y, x] > CUT_PERSON
    near = NEAR_BORDER_FW * face_width_px
    beside = np.minimum(np.abs(rest[:, 0]), np.abs(width - 1 - rest[:, 0])) < near
    ends = np.minimum(np.abs(rest[:, 1]), np.abs(height - 1 - rest[:, 1])) < near
    inside = ((rest[:, :2] > -near) & (rest[:, :2] < (width + near, height + near))).all(axis=1)
    at_side, at_end = beside & inside & person, ends & inside & person
    away = (rest - pivot) / face_width_px
    still = np.zeros(len(rest))
    # the further from the face, the more does hair alone come into view
    flat = np.column_stack([rest[:, :2], still]).astype(np.float64)
    room = np.zeros(len(rest))
    squared_distances(flat, flat[list(OVAL)], room)
    room = np.sqrt(room) / face_width_px
    allowed = rigid / (1.0 + MORE_OF_HAIR * np.maximum(room - EARS_FW, 0.0))
    turns = np.sin(np.deg2rad(TURNS_DEG))

    def uncovered(across: Float64, down: Float64) -> float:
        return max(
            float(np.abs(allowed * way)[cut].max(initial=0.0))
            for way, cut in ((across, at_side), (down, at_end))
        )

    most = [
        uncovered(turns[0] * away[:, 2], still),
        uncovered(still, turns[1] * away[:, 2]),
        uncovered(turns[2] * away[:, 1], turns[2] * away[:, 0]),
        uncovered(still + SHIFTS_FW[0], still),
        uncovered(still, still + SHIFTS_FW[1]),
    ]
    return np.clip(UNCOVERED_FW / np.maximum(most, 1e-6), LEAST_AT_BORDER, 1.0)


class _Outline:
    """The rings of vertices around the face, from its outline to the resting background."""

    def __init__(self, landmarks: Float64, face: Face, matte: Float32) -> None:
        width = face.width_px
        height = float(np.linalg.norm(landmarks[10] - landmarks[152]))
        oval = landmarks[list(OVAL)]
        centre = oval[:, :2].mean(axis=0) + np.array([0.0, -0.05 * height])
        rays = oval[:, :2] - centre
        face_radius = np.linalg.norm(rays, axis=1)
        self.oval = oval
        self.centre = centre
        self.rays = rays / face_radius[:, None]
        self.face_radius = face_radius
        self.ear_depth = _ear_depth(landmarks, width)
        down = face.axes[:2, 1] / np.linalg.norm(face.axes[:2, 1])
        self.neck = smoothstep(0.30, 0.72, self.rays @ down)  # (36,) 1 straight down
        seen = self._person_radius(matte)
        # where the cheek itself is the outline, as on the far side of a turned head, what lies
        # beyond it moves along at the cheek's depth, or a slit would open beside it
        self.recedes = smoothstep(*RECEDES_FW, (seen - face_radius) / width)
        neck_radius = face_radius + 0.42 * height
        person = (1 - self.neck) * seen + self.neck * neck_radius
        self.radii = [face_radius + (person - face_radius) * share for share in RING_SHARE]
        self.radii += [person + margin * width for margin in MARGIN_FW]

    def _person_radius(self, matte: Float32) -> Float64:
        """(36,) how far hair and ears reach along each ray, without jumps between rays."""
        height, width = matte.shape
        radius = np.zeros(len(OVAL))
        for i, (ray, start) in enumerate(zip(self.rays, self.face_radius, strict=True)):
            r = np.arange(start * 1.02, start * 2.3, 1.0)
            points = np.rint(self.centre + ray * r[:, None]).astype(int)
            x = np.clip(points[:, 0], 0, width - 1)
            y = np.clip(points[:, 1], 0, height - 1)
            outside = np.flatnonzero(matte[y, x] < 0.4)
            radius[i] = r[outside[0]] if outside.size else r[-1]
        highest = self.face_radius * (1.75 - 0.25 * self.neck)
        ratio = np.clip(radius, self.face_radius * 1.08, highest) / self.face_radius
        middle = np.median([np.roll(ratio, k) for k in (-1, 0, 1)], axis=0)
        ratio = np.maximum(middle, ratio * 0.97)
        smooth = sum(
            weight * np.roll(ratio, k)
            for k, weight in zip((-2, -1, 0, 1, 2), (0.06, 0.24, 0.40, 0.24, 0.06), strict=True)
        )
        return np.asarray(self.face_radius * smooth)

    def ring_positions(self) -> Float64:
        """(RINGS * 36, 3) px."""
        depth_share = (0.45, 0.8, 1.0, 1.0, 1.0, 1.0)
        rings = []
        for radius, share in zip(self.radii, depth_share, strict=True):
            flat = self.centre + self.rays * radius[:, None]
            to_ear = (self.ear_depth - self.oval[:, 2]) * self.recedes * HAIR_DEPTH
            hair = self.oval[:, 2] + to_ear * share
            neck = self.oval[:, 2] + to_ear * share * 0.8  # just behind the jaw
            depth = (1 - self.neck) * hair + self.neck * neck
            rings.append(np.column_stack([flat, depth]))
        return np.concatenate(rings)

    def ring_rigid(self) -> Float64:
        """(RINGS * 36,) how far each ring vertex follows the head."""
        return np.concatenate(
            [(1 - self.neck) * RIGID_ABOVE[j] + self.neck * RIGID_NECK[j] for j in range(RINGS)]
        )
