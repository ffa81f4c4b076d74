"""Which of several faces is meant: by its place among them, the largest first, or by a point on it.

Flow      the option `face` -> face.choice -> face.verdict
Reads     meshes of all faces in a picture
Gives     the same, the chosen one first
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import UInt8
from portravox.errors import SettingOutOfRange
from portravox.face.landmarks import MeshFit, face_width_px, fit_face

_NEAR = 1.0
"""A point this many face widths from a face's middle is still on its head. Our choice."""


def chosen_first(pixels: UInt8, fits: tuple[MeshFit, ...], face: str) -> tuple[MeshFit, ...]:
    """The chosen face, measured with care, then the others.

    pixels  (H, W, 3)
    fits    of at least one face, the largest first
    face    "2": the second largest; "0.7,0.4": the face at this share of the picture's width, from
            the left, and of its height, from the top

    Raises SettingOutOfRange where there is no such face.
    """
    place = _at_point(pixels, fits, face) if "," in face else int(face) - 1
    if place >= len(fits):
        raise SettingOutOfRange("face", face, f"at most {len(fits)}: that many faces were found")
    if place == 0:
        return fits
    careful = fit_face(pixels, fits[place])
    best = careful if careful.is_face else fits[place]
    return best, *fits[:place], *fits[place + 1 :]


def _at_point(pixels: UInt8, fits: tuple[MeshFit, ...], face: str) -> int:
    """The place of the face whose middle is nearest to a point."""
    height, width = pixels.shape[:2]
    point = np.array([float(share) for share in face.split(",")]) * (width, height)
    away = [
        float(np.linalg.norm(fit.landmarks[:, :2].mean(axis=0) - point))
        / face_width_px(fit.landmarks)
        for fit in fits
    ]
    nearest = int(np.argmin(away))
    if away[nearest] > _NEAR:
        raise SettingOutOfRange("face", face, f"a point on one of the {len(fits)} faces found")
    return nearest
