"""A face followed through a finished video, and what it does there.

Flow      video.mp4 -> benchmarks.probe -> face.models -> Track -> benchmarks.quality
Gives     per frame: lip opening, lids, head angles, points on the skull

The same eyes look at our videos and at recordings of people, so that their errors cancel in a
comparison. By themselves they see a gap of some hundredths between shut lips and some tenths
of an opening in shut eyes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.probe import probe_video, read_frames
from portravox.arrays import Float32, Float64, UInt8
from portravox.face.crop import Square, cut, to_picture
from portravox.face.find import find_fits
from portravox.face.landmarks import CROP_TO_FACE
from portravox.face.models import MESH_CROP_PX, fit_mesh
from portravox.face.pose import head_axes, head_pose

LOOKS = ((0.96, 2.0), (1.04, -2.0))
"""Size and tilt in degrees of the crops that are averaged on each frame. The product's own eight
would take four times as long."""

ALIGNING_STEPS = 3
"""Rounds in which frames are laid onto their mean and the mean is taken anew."""

FOLLOW = 0.3
"""Share by which the crop follows the face from frame to frame: one that jumps with the last
frame's error makes the next frame's."""

INNER_LIPS = ((13, 14), (82, 87), (312, 317))
"""Landmarks above and below each other at the middle of the inner lips."""

MOUTH_CORNERS = (61, 291)
OUTER_EYE_CORNERS = (33, 263)

LIDS = (((159, 145), (158, 153), (160, 144)), ((386, 374), (385, 380), (387, 373)))
EYE_CORNERS = ((33, 133), (362, 263))
"""Of the eye on the picture's left and right."""

SKULL = (168, 6, 197, 195, 133, 362, 33, 263, 127, 356, 54, 284, 103, 332)
"""Landmarks that neither speech nor blinks move: bridge of the nose, corners of the eyes, temples,
hairline."""


BROWS = ((70, 63, 105, 66, 107), (336, 296, 334, 293, 300))
"""Of the brow on the picture's left and right."""

NOSE_AND_SKULL = (*SKULL, 1, 4, 5, 98, 327, 2)
"""What makes a face that face and is moved by no muscle of speech, as far as landmarks go there:
eye sockets, bridge, tip and wings of the nose, temples, hairline."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One face through one video."""

    landmarks: Float32
    """(T, 478, 3) px"""

    fps: float

    def __len__(self) -> int:
        return len(self.landmarks)

    @property
    def times_s(self) -> Float64:
        """(T,) when each frame appears."""
        return np.arange(len(self), dtype=np.float64) / self.fps

    @property
    def eye_distance_px(self) -> float:
        """Between the outer corners of the eyes, in depth too; the median over time."""
        left, right = (self.landmarks[:, i] for i in OUTER_EYE_CORNERS)
        return float(np.median(np.linalg.norm(right - left, axis=1)))

    @property
    def face_width_px(self) -> float:
        """Between the landmarks before the ears, in depth too; the median over time."""
        ends = self.landmarks[:, 454] - self.landmarks[:, 234]
        return float(np.median(np.linalg.norm(ends, axis=1)))

    @property
    def lip_opening(self) -> Float64:
        """(T,) gap between the inner lips, in distances of the outer eye corners."""
        gaps = [self._flat_distance(a, b) for a, b in INNER_LIPS]
        opening: Float64 = np.mean(gaps, axis=0) / self.eye_distance_px
        return opening

    @property
    def mouth_width_px(self) -> float:
        """Between the corners of the mouth, in the first frame."""
        return float(self._flat_distance(*MOUTH_CORNERS)[0])

    @property
    def lid_opening(self) -> Float64:
        """(T, 2) opening of the left and right eye over its width; about 0.3 open, 0.1 shut."""
        eyes = []
        for lids, corners in zip(LIDS, EYE_CORNERS, strict=True):
            gap = np.mean([self._flat_distance(a, b) for a, b in lids], axis=0)
            eyes.append(gap / self._flat_distance(*corners))
        return np.stack(eyes, axis=1)

    @property
    def head_deg(self) -> Float64:
        """(T, 3) yaw, pitch and roll by the signs of `HeadPose`.

        By points on the skull alone, which speech does not move, and their places in the picture
        alone: the depth that the network guesses trembles. They are taken for the mean head of the
        video, turned and seen from far away.
        """
        points = self.landmarks[:, SKULL].astype(np.float64)
        points -= points.mean(axis=1, keepdims=True)
        mean_head = points.mean(axis=0)  # (P, 3)
        mean_axes = head_axes(self.landmarks.mean(axis=0)).astype(np.float64)
        to_rows = np.linalg.pinv(mean_head)  # (3, P)
        angles = []
        for seen in points[..., :2]:
            u, _, vt = np.linalg.svd((to_rows @ seen).T, full_matrices=False)
            across, down = u @ vt  # the nearest two orthonormal rows
            turned = np.stack([across, down, np.cross(across, down)]) @ mean_axes
            pose = head_pose(turned.astype(np.float32))
            angles.append((pose.yaw_deg, pose.pitch_deg, pose.roll_deg))
        return np.array(angles)

    @property
    def flat(self) -> Float64:
        """(T, 468, 2) all points but the irises', in face widths."""
        points: Float64 = self.landmarks[:, :468, :2].astype(np.float64) / self.face_width_px
        return points

    @property
    def skull(self) -> Float64:
        """(T, P, 2) points on the skull, in face widths."""
        points: Float64 = self.landmarks[:, SKULL, :2].astype(np.float64) / self.face_width_px
        return points

    @property
    def in_head(self) -> Float64:
        """(T, 478, 3) landmarks as if the head stood still: x right, y down, z away.

        In distances of the outer eye corners.

        Shift, turn and scale of each frame are those that lay its points on the skull best onto
        their mean (Umeyama, IEEE PAMI 13(4), 1991).
        """
        points = self.landmarks.astype(np.float64)
        skull = points[:, SKULL]
        middle = skull.mean(axis=1, keepdims=True)
        mean_head = (skull - middle)[0]
        for _ in range(ALIGNING_STEPS):
            turns = [_turn_onto(own, mean_head) for own in skull - middle]
            aligned = np.stack([p @ turn for p, turn in zip(points - middle, turns, strict=True)])
            mean_head = aligned[:, SKULL].mean(axis=0)
        axes = head_axes(aligned.mean(axis=0).astype(np.float32)).astype(np.float64)
        upright: Float64 = aligned @ axes
        left, right = upright[:, OUTER_EYE_CORNERS[0]], upright[:, OUTER_EYE_CORNERS[1]]
        apart = float(np.linalg.norm(right - left, axis=1).mean())
        return upright / apart

    @property
    def brow_height(self) -> Float64:
        """(T, 2) height of the left and right brow on the skull, in distances of the outer eye
        corners; only its changes mean something."""
        head = self.in_head
        return np.stack([-head[:, list(brow), 1].mean(axis=1) for brow in BROWS], axis=1)

    @property
    def shape_drift(self) -> Float64:
        """(T,) how far NOSE_AND_SKULL have left their places in the first frame, root mean square,
        in distances of the outer eye corners."""
        head = self.in_head[:, NOSE_AND_SKULL]
        drift: Float64 = np.sqrt(((head - head[0]) ** 2).sum(axis=2).mean(axis=1))
        return drift

    def _flat_distance(self, a: int, b: int) -> Float64:
        """(T,) px in the picture's plane."""
        apart: Float64 = np.linalg.norm(
            self.landmarks[:, a, :2].astype(np.float64) - self.landmarks[:, b, :2], axis=1
        )
        return apart


def _turn_onto(points: Float64, goal: Float64) -> Float64:
    """(3, 3) turn and scale that bring (P, 3) nearest to (P, 3), both centred: points @ turn."""
    u, sizes, vt = np.linalg.svd(points.T @ goal)
    mirror = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    scale = (sizes * mirror).sum() / (points**2).sum()
    turn: Float64 = scale * (u * mirror) @ vt
    return turn


def track_video(path: Path) -> Track:
    """Follow the largest face of a video's first frame. Raises ValueError where there is none."""
    return track_frames(read_frames(path), probe_video(path).fps)


def track_frames(frames: Iterable[UInt8], fps: float) -> Track:
    """The same for (H, W, 3) frames in order."""
    rows: list[Float32] = []
    around = np.zeros((478, 3), np.float32)
    for pixels in frames:
        if not rows:
            fits = find_fits(pixels)
            if not fits:
                raise ValueError("no face in the first frame")
            around = fits[0].landmarks
        points = _measured(pixels, around)
        around = around + np.float32(FOLLOW) * (points - around)
        rows.append(points)
    if not rows:
        raise ValueError("no frames")
    return Track(np.stack(rows), fps)


def _measured(pixels: UInt8, around: Float32) -> Float32:
    """(478, 3) the mesh, searched where the face was."""
    eyes = around[OUTER_EYE_CORNERS[1], :2] - around[OUTER_EYE_CORNERS[0], :2]
    low, high = around[:468, :2].min(axis=0), around[:468, :2].max(axis=0)
    middle = (low + high) / 2
    side = CROP_TO_FACE * float((high - low).max())
    roll_deg = math.degrees(math.atan2(eyes[1], eyes[0]))
    looks = []
    for size, tilt_deg in LOOKS:
        square = Square(float(middle[0]), float(middle[1]), side * size, roll_deg + tilt_deg)
        points, _ = fit_mesh(cut(pixels, square, MESH_CROP_PX, smooth=True))
        looks.append(to_picture(points, square, MESH_CROP_PX))
    mean: Float32 = np.mean(looks, axis=0, dtype=np.float32)
    return mean
