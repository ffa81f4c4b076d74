"""The 478 points of a face, measured several times and averaged.

Flow      face.detect -> face.landmarks -> face.pose, face.lips, face.verdict
Reads     pixels, Detection
Gives     MeshFit: points in picture px, how sure and how steady they are
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portravox.arrays import Float32, UInt8
from portravox.face.crop import Square, cut, to_picture
from portravox.face.mesh_refinement import LEFT_EYE, LEFT_IRIS, RIGHT_EYE, RIGHT_IRIS
from portravox.face.models import MESH_CROP_PX, MESH_POINTS, Detection, fit_meshes

Indices = npt.NDArray[np.int64]

LEAST_MESH_SCORE = 0.6
"""Below, it is no human face. Measured: faces 0.88 to 1.0, most other things 0.0 to 0.5."""

_EYES = np.concatenate([LEFT_EYE, RIGHT_EYE, LEFT_IRIS, RIGHT_IRIS])
_PIXEL_CENTRE = np.array((0.5, 0.5, 0.0), np.float32)
"""The networks count from the crop's edge, pictures are counted from the middle of their first
pixel. Measured on ten portraits and their mirror images: points lay .43 px of the crop too far to
the right, in the mean. What the eyes are painted from is mended; lips and teeth are told by
measures that were taken with the points as they are."""

_SURE_DETECTION = 0.77
_ALLOWED_SPREAD, _ALLOWED_SPREAD_UNSURE = 0.030, 0.018
"""In face widths. Measured: faces 0.003 to 0.013 and, in profile or behind a mask, up to 0.028;
their detector scores 0.79 to 0.97, down to 0.63 in crowds. Things that fooled both networks
0.028 to 0.08, with detector scores of 0.5 to 0.76."""

_ALL = np.arange(MESH_POINTS)

CROP_TO_FACE = 1.5
"""Crop side over the longer side of the face's box; what the mesh network was trained on."""

_JITTERS = (
    (0.90, 0.000, 0.000, 0.0),
    (0.96, 0.015, 0.010, 3.0),
    (0.96, -0.015, -0.010, -3.0),
    (1.02, 0.010, -0.015, -5.0),
    (1.02, -0.010, 0.015, 5.0),
    (1.08, 0.015, 0.000, 2.0),
    (1.08, -0.015, 0.000, -2.0),
    (1.14, 0.000, 0.000, 0.0),
)
"""(size, shift right, shift down, tilt in degrees) of the crops that are averaged; the shifts
in crop sides. Our choice, balanced left and right."""


@dataclass(frozen=True, slots=True, eq=False)
class MeshFit:
    """A face mesh laid on a picture."""

    landmarks: Float32
    """(478, 3) px; x right, y down, z away from the camera in the same unit as x."""

    samples: Float32
    """(S, 478, 3) px: the single measurements that were averaged."""

    score: float
    """0..1: how much the network believes that this is a face; the mean of all crops."""

    detector_score: float
    """0..1: how much the detector believed it."""

    @property
    def is_face(self) -> bool:
        """True for human faces, also painted, carved, drawn and half covered; not for cats.

        Neither network's belief is enough, both see faces in fabric and clouds. But there the
        mesh lands elsewhere with every crop.
        """
        sure = self.detector_score >= _SURE_DETECTION
        allowed = _ALLOWED_SPREAD if sure else _ALLOWED_SPREAD_UNSURE
        return self.score >= LEAST_MESH_SCORE and self.spread(_ALL) <= allowed

    def spread(self, ids: Indices) -> float:
        """Scatter of these points between the crops, in face widths; 0.005 on a clear face."""
        flat = self.samples[:, ids, :2]
        scatter = np.sqrt(((flat - flat.mean(axis=0)) ** 2).sum(axis=2).mean(axis=0))
        return float(np.median(scatter)) / face_width_px(self.landmarks)


def face_width_px(landmarks: Float32) -> float:
    """Distance between the landmarks 234 and 454 before the ears, in depth too."""
    return float(np.linalg.norm(landmarks[454] - landmarks[234]))


def look(pixels: UInt8, detections: Sequence[Detection]) -> list[MeshFit]:
    """A first, quick mesh on each detected face: one crop placed by the detector, two by the mesh.

    Good enough to tell a face from something else and to compare sizes.
    """
    if not detections:
        return []
    squares = [_square_of_detection(detection) for detection in detections]
    rounds = []
    for _ in range(3):
        samples, scores = _meshes(pixels, squares)
        rounds.append((samples, scores))
        squares = [_square_of_landmarks(landmarks) for landmarks in samples]
    return [
        MeshFit(
            landmarks=rounds[-1][0][n],
            samples=np.stack([samples[n] for samples, _ in rounds[1:]]),
            score=float(np.mean([scores[n] for _, scores in rounds[1:]])),
            detector_score=detection.score,
        )
        for n, detection in enumerate(detections)
    ]


def fit_face(pixels: UInt8, first: MeshFit) -> MeshFit:
    """The mesh measured on eight slightly different crops and averaged.

    A point wanders by a few thousandths of the face width with every small move of the crop.
    """
    square = _square_of_landmarks(first.landmarks)
    squares = [
        Square(
            square.x + right * square.side_px,
            square.y + down * square.side_px,
            square.side_px * size,
            square.roll_deg + tilt_deg,
        )
        for size, right, down, tilt_deg in _JITTERS
    ]
    samples, scores = _meshes(pixels, squares)
    stack = np.stack(samples)
    return MeshFit(stack.mean(axis=0), stack, float(np.mean(scores)), first.detector_score)


def _meshes(pixels: UInt8, squares: Sequence[Square]) -> tuple[list[Float32], Float32]:
    """(478, 3) px of the picture for each square, and the scores."""
    crops = [cut(pixels, square, MESH_CROP_PX, smooth=True) for square in squares]
    points, scores = fit_meshes(np.stack(crops))
    points[:, _EYES] -= _PIXEL_CENTRE
    placed = zip(points, squares, strict=True)
    return [to_picture(mesh, square, MESH_CROP_PX) for mesh, square in placed], scores


def _square_of_detection(detection: Detection) -> Square:
    box = detection.box
    eyes = detection.keypoints[1] - detection.keypoints[0]
    return Square(
        (box.x0 + box.x1) / 2.0,
        (box.y0 + box.y1) / 2.0,
        CROP_TO_FACE * max(box.width, box.height),
        math.degrees(math.atan2(eyes[1], eyes[0])),
    )


def _square_of_landmarks(landmarks: Float32) -> Square:
    """Around the mesh, upright by the outer corners of the eyes (33 and 263)."""
    eyes = landmarks[263, :2] - landmarks[33, :2]
    roll = math.atan2(eyes[1], eyes[0])
    right = np.array([math.cos(roll), math.sin(roll)])
    down = np.array([-math.sin(roll), math.cos(roll)])
    flat = landmarks[:468, :2]
    along, across = flat @ right, flat @ down
    middle = right * (along.min() + along.max()) / 2.0 + down * (across.min() + across.max()) / 2.0
    side = CROP_TO_FACE * max(np.ptp(along), np.ptp(across))
    return Square(float(middle[0]), float(middle[1]), float(side), math.degrees(roll))
