"""Light on the face: how much brighter or darker skin gets as the head turns.

Flow      rig.fit, the photograph -> render.light -> render.scene
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import Float32, Float64, UInt8
from portravox.compiled_code import compiled
from portravox.face.outlines import LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER
from portravox.render.backdrop import COARSE_FACE_PX
from portravox.rig.fit import Rig
from portravox.rig.topology import LANDMARKS, LEFT_EYE, RIGHT_EYE

STRENGTH = 0.8
RANGE = (0.82, 1.2)
"""Brightness factors beyond this look like a lamp being moved. Our choice."""

DISPLAY_GAMMA = 2.2

MEAN_SKIN = np.array([1.20, 0.96, 0.84])
"""Skin in white light, against its mean: it tells, with the white of the eyes, the photograph's
white balance."""


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """First-order spherical harmonics: one even light, and one from a direction."""

    coefficients: Float32
    """(4,) constant, then along x, y, z of the picture."""

    normals: Float32
    """(V, 3) of the rest mesh, unit length."""

    reach: Float32
    """(V,) how far a vertex is relit."""

    def factors(self, rotation: Float64) -> Float32:
        """(V,) what to multiply the photograph's brightness by under a head rotation.

        All 1 when the head is where it was.
        """
        # the light on turned normals is that of a light turned the other way
        turned = self.coefficients.copy()
        turned[1:] = self.coefficients[1:] @ rotation.astype(np.float32)
        factors = np.empty(len(self.normals), np.float32)
        relight(self.normals, self.reach, self.coefficients, turned, factors)
        return factors


@compiled()
def relight(
    normals: Float32, reach: Float32, before: Float32, after: Float32, factors: Float32
) -> None:
    """Brightness factors of points when one light takes the place of another.

    normals  (V, 3)
    reach    (V,) see Light
    before   (4,) see Light.coefficients
    after    (4,) likewise
    factors  (V,) written, within RANGE
    """
    least = max(np.float32(0.15) * before[0], np.float32(0.02))
    power, whole = np.float32(1 / DISPLAY_GAMMA), np.float32(1)
    strength, low, high = np.float32(STRENGTH), np.float32(RANGE[0]), np.float32(RANGE[1])
    for i in range(normals.shape[0]):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        old = max(before[0] + x * before[1] + y * before[2] + z * before[3], least)
        new = max(after[0] + x * after[1] + y * after[2] + z * after[3], least)
        factor = whole + ((new / old) ** power - whole) * (reach[i] * strength)
        factors[i] = min(max(factor, low), high)


def estimate_light(rig: Rig, pixels: UInt8) -> Light:
    """Fit the light to the brightness of the skin, beard and shadows weighing less.

    Source of the model: Ramamoorthi & Hanrahan, 2001 (first order only: a photograph of one face
    does not hold more).
    """
    normals = _normals(rig)
    x0, y0, x1, y1 = rig.region
    grey = cv2.cvtColor(pixels[y0:y1, x0:x1], cv2.COLOR_RGB2GRAY)
    shrink = min(1.0, COARSE_FACE_PX / rig.width_px)
    grey = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    grey = grey.astype(np.float32) / 255
    grey = cv2.GaussianBlur(grey, (0, 0), max(rig.width_px * shrink * 0.02, 0.5))
    features = {
        *UPPER_INNER, *LOWER_INNER, *UPPER_OUTER, *LOWER_OUTER,
        *LEFT_EYE.upper, *LEFT_EYE.lower, *RIGHT_EYE.upper, *RIGHT_EYE.lower,
    }  # fmt: skip
    skin = np.array([i for i in range(LANDMARKS) if i not in features])
    x = np.clip(((rig.rest[skin, 0] - x0) * shrink).astype(int), 0, grey.shape[1] - 1)
    y = np.clip(((rig.rest[skin, 1] - y0) * shrink).astype(int), 0, grey.shape[0] - 1)
    linear = grey[y, x] ** DISPLAY_GAMMA
    system = np.column_stack([np.ones(len(skin)), normals[skin]])
    weight = np.ones(len(skin))
    for _ in range(6):  # least absolute differences by reweighting
        solution = np.linalg.lstsq(system * weight[:, None], linear * weight, rcond=None)[0]
        weight = 1 / np.sqrt(np.maximum(np.abs(system @ solution - linear), 0.02))
    return Light(solution.astype(np.float32), normals, rig.light)


def _normals(rig: Rig) -> Float32:
    """(V, 3) unit normals towards the camera, averaged over the triangles around each vertex."""
    triangles = rig.mesh.triangles[: rig.mesh.skin_triangles]
    a, b, c = (rig.rest[triangles[:, k]].astype(np.float64) for k in range(3))
    normal = np.cross(b - a, c - a)
    normal *= np.where(normal[:, 2:3] > 0, -1.0, 1.0)
    total = np.zeros(rig.rest.shape)
    for k in range(3):
        for axis in range(3):
            total[:, axis] += np.bincount(triangles[:, k], normal[:, axis], len(total))
    length = np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)
    unit: Float32 = (total / length).astype(np.float32)
    return unit
