"""The faces in a picture, and the one to animate with everything measured on it.

Flow      media.picture -> face.find -> Face -> face.verdict, face.matte, rig.fit
Reads     Picture
Gives     the face, and what the caller should know about the choice
"""

from __future__ import annotations

from itertools import islice

import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.errors import NoFaceFound
from portravox.face.detect import searches
from portravox.face.face import Box, Face
from portravox.face.glasses import wears_glasses
from portravox.face.landmarks import LEAST_MESH_SCORE, MeshFit, face_width_px, fit_face, look
from portravox.face.lips import read_lips
from portravox.face.models import Detection
from portravox.face.pose import head_axes, head_pose
from portravox.media.picture import Picture

_BYSTANDER = 0.6
"""Least detector score of the faces that are only counted."""

MAX_FACES = 20
"""Faces that are looked at, the largest first; further ones are only said to be there. Each takes
50 ms, and a picture of 4096 px may hold 400. Our choice: from four of like size on, a picture is
refused."""


def find_face(picture: Picture) -> tuple[Face, tuple[str, ...]]:
    """The largest face, measured, and notices in words for the caller.

    Nothing is judged here beyond that it is a face: `verdict.require_face` also refuses faces
    that will not do. Raises NoFaceFound.
    """
    fits = find_fits(picture.pixels)
    if not fits:
        raise NoFaceFound(
            f"no face found in the picture of {picture.width_px} x {picture.height_px} px;"
            " wanted one human face"
        )
    return measured(picture.pixels, fits[0].landmarks), count_notices(len(fits))


def count_notices(count: int) -> tuple[str, ...]:
    """What to say about the number of faces; nothing when there is one."""
    return (f"{in_words(count)} faces found; the largest is animated",) if count > 1 else ()


def in_words(count: int) -> str:
    """A number of faces; MAX_FACES stands for all beyond, too."""
    return f"{count} or more" if count >= MAX_FACES else str(count)


def find_fits(pixels: UInt8, *, patient: bool = True) -> tuple[MeshFit, ...]:
    """Every face with its mesh, the largest first, MAX_FACES at most; what the mesh network does
    not take for a face is left out.

    The first is measured with care, the others at a glance.

    patient  also search for faces that are very large or very small in the picture
    """
    for detections in searches(pixels) if patient else islice(searches(pixels), 1):
        fits = _confirmed(pixels, detections[:MAX_FACES])
        if fits:
            return fits
    return ()


def _confirmed(pixels: UInt8, detections: tuple[Detection, ...]) -> tuple[MeshFit, ...]:
    """What the mesh network, too, takes for faces, the largest first."""
    looks = look(pixels, detections)
    likely = [first for first in looks if first.score >= LEAST_MESH_SCORE]
    likely.sort(key=lambda first: -face_width_px(first.landmarks))
    for place, first in enumerate(likely):
        best = fit_face(pixels, first)
        if best.is_face:
            others = likely[place + 1 :]
            return best, *(other for other in others if other.detector_score >= _BYSTANDER)
    return ()


def measured(pixels: UInt8, landmarks: Float32) -> Face:
    """Pose, lips and sizes of a face with these landmarks."""
    axes = head_axes(landmarks)
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    return Face(
        landmarks=landmarks,
        box=Box(*(float(edge) for edge in np.concatenate([low, high]))),
        pose=head_pose(axes),
        axes=axes,
        lips=read_lips(pixels, landmarks),
        width_px=face_width_px(landmarks),
        glasses=wears_glasses(pixels, landmarks),
    )
