"""The face to animate, with everything measured on it.

Flow      media.picture -> face.find -> Face -> face.verdict, face.matte, rig.fit
Reads     Picture
Gives     the face, and what the caller should know about the choice
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.errors import NoFaceFound
from portravox.face.detect import find_detections
from portravox.face.face import Box, Face
from portravox.face.landmarks import MeshFit, face_width_px, fit_face
from portravox.face.lips import read_lips
from portravox.face.pose import head_axes, head_pose
from portravox.media.picture import Picture

LEAST_MESH_SCORE = 0.6
"""Below, it is no human face. Measured: faces, also painted, carved, drawn and half covered,
0.88 to 1.0; a cat 0.30, noise 0.08."""


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
    return measured(picture.pixels, fits[0]), count_notices(len(fits))


def count_notices(count: int) -> tuple[str, ...]:
    """What to say about the number of faces; nothing when there is one."""
    if count < 2:
        return ()
    return (f"{count} faces found; the largest is animated",)


def find_fits(pixels: UInt8) -> tuple[MeshFit, ...]:
    """Every face with its mesh, the largest first; what turns out to be none is left out."""
    fits = [fit_face(pixels, detection) for detection in find_detections(pixels)]
    faces = [fit for fit in fits if fit.score >= LEAST_MESH_SCORE]
    return tuple(sorted(faces, key=lambda fit: -face_width_px(fit.landmarks)))


def measured(pixels: UInt8, fit: MeshFit) -> Face:
    """Pose, lips and sizes of a fitted face."""
    axes = head_axes(fit.landmarks)
    return Face(
        landmarks=fit.landmarks,
        box=_box_around(fit.landmarks),
        pose=head_pose(axes),
        axes=axes,
        lips=read_lips(pixels, fit.landmarks),
        width_px=face_width_px(fit.landmarks),
    )


def _box_around(landmarks: Float32) -> Box:
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    return Box(*(float(v) for v in np.concatenate([low, high])))
