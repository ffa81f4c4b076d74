"""The networks that look at a picture, as plain functions on arrays.

Flow      face.detect, face.landmarks, face.matte, face.covering -> face.models -> face.networks
Gives     detections, mesh points with a face score, person masks, hands

They are MediaPipe's networks, run without MediaPipe: what it does before and after each is done
here, and equal to it within what tests/face/test_equality.py allows. Several pictures may be given
at once, and several threads may call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.face import anchors
from portravox.face.face import Box
from portravox.face.hands import hands_in
from portravox.face.mesh_refinement import MESH_POINTS as MESH_POINTS
from portravox.face.mesh_refinement import refined
from portravox.face.networks import Region, run, squared, tensor_of, whole
from portravox.model_files import catalogue

MESH_CROP_PX = 192
"""Side of the square the mesh network takes; its makers' choice."""

MASK_SIDE_PX = 256

_NEAR = (128, anchors.NEAR_FACES, catalogue.FACE_NEAR, 0.5)
_FAR = (192, anchors.FAR_FACES, catalogue.FACE_FAR, 0.6)
"""Side of the tensor in px, grids, file, and the least score, MediaPipe's for each: weaker finds
are mostly folds and foliage. What passes is checked again by the mesh network."""

_MOST_AT_ONCE = 8
"""Crops in one run; more take memory and no less time. Our choice."""


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """Something the detector takes for a face."""

    box: Box
    """px of the picture searched, brow to chin and cheek to cheek; may reach outside it."""

    score: float
    """0..1"""

    keypoints: Float32
    """(6, 2) px: eye on the picture's left, eye on its right, nose tip, mouth, left and right
    ear, as seen in the picture."""


def detect_faces(pixels: UInt8, *, far: bool) -> tuple[Detection, ...]:
    """Faces in a picture, the surest first.

    pixels  (H, W, 3) RGB; scaled down inside to 128 px (near) or 192 px (far)
    far     False: the network for faces that fill much of the picture; True: the one for
            smaller faces, down to about a twentieth of its width
    """
    return detect_faces_in([pixels], far=far)[0]


def detect_faces_in(pictures: Sequence[UInt8], *, far: bool) -> list[tuple[Detection, ...]]:
    """As `detect_faces`, for several pictures of any sizes at once."""
    side, grids, file, least = _FAR if far else _NEAR
    found = []
    for first in range(0, len(pictures), _MOST_AT_ONCE):
        some = pictures[first : first + _MOST_AT_ONCE]
        regions = [squared(whole(picture)) for picture in some]
        tensors = [
            tensor_of(picture, region, side, -1.0, 1.0)
            for picture, region in zip(some, regions, strict=True)
        ]
        boxes, scores = run(file, np.stack(tensors))
        for n, region in enumerate(regions):
            each = anchors.finds(boxes[n], scores[n], grids, side, least)
            found.append(tuple(_detection(find, region) for find in each))
    return found


def _detection(find: anchors.Find, region: Region) -> Detection:
    place = region.to_picture()
    x0, y0, x1, y1 = (find.box.reshape(2, 2) @ place[:, :2].T + place[:, 2]).ravel().tolist()
    keypoints = find.keypoints @ place[:, :2].T + place[:, 2]
    return Detection(Box(x0, y0, x1, y1), find.score, np.asarray(keypoints, np.float32))


def fit_mesh(crop: UInt8) -> tuple[Float32, float]:
    """Face mesh of the one face that fills about two thirds of an upright crop.

    crop     (192, 192, 3) RGB
    returns  (478, 3) px of the crop, z in the same unit, irises last; and 0..1, how much the
             network believes that this is a face
    """
    points, scores = fit_meshes(crop[None])
    return points[0], float(scores[0])


def fit_meshes(crops: UInt8) -> tuple[Float32, Float32]:
    """As `fit_mesh`, for several crops at once.

    crops    (N, 192, 192, 3) RGB
    returns  (N, 478, 3) and (N,)
    """
    assert crops.shape[1:] == (MESH_CROP_PX, MESH_CROP_PX, 3)
    points, scores = [], []
    for first in range(0, len(crops), _MOST_AT_ONCE):
        some = crops[first : first + _MOST_AT_ONCE].astype(np.float32) / np.float32(255.0)
        mesh, *closer, flag = run(catalogue.FACE_MESH, some)
        flat = [part.reshape(len(some), -1, 2) for part in closer]
        points.append(refined(mesh.reshape(len(some), -1, 3), *flat))
        scores.append(1.0 / (1.0 + np.exp(-flag.reshape(len(some)))))
    return np.concatenate(points), np.asarray(np.concatenate(scores), np.float32)


def segment_person(pixels: UInt8) -> Float32:
    """Where the person is: (H, W) 0..1, hair and body included.

    pixels   (H, W, 3) RGB, head and shoulders; squeezed to 256 x 256 px inside
    """
    return segment_people([pixels])[0]


def segment_people(pictures: Sequence[UInt8]) -> list[Float32]:
    """As `segment_person`, for several pictures of any sizes at once."""
    tensors = [tensor_of(picture, whole(picture), MASK_SIDE_PX) for picture in pictures]
    (masks,) = run(catalogue.PERSON_MASK, np.stack(tensors))
    sized = []
    for picture, mask in zip(pictures, masks[..., 0], strict=True):
        height, width = picture.shape[:2]
        if mask.shape != (height, width):
            mask = np.asarray(cv2.resize(mask, (width, height)), np.float32)
        sized.append(mask)
    return sized


def find_hands(pixels: UInt8) -> tuple[Float32, ...]:
    """Hands in a picture, each as (21, 2) px: wrist, then four joints from palm to tip of
    thumb, index, middle, ring and little finger.

    pixels   (H, W, 3) RGB
    """
    return hands_in(pixels)
