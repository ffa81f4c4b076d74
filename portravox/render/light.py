"""Light on the face: how much brighter or darker skin gets as the head turns.

Flow      rig.fit, the photograph -> render.light -> render.scene
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import Float32, Float64, UInt8
from portravox.face.outlines import LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER
from portravox.render.backdrop import COARSE_FACE_PX
from portravox.rig.fit import Rig
from portravox.rig.topology import LANDMARKS, LEFT_EYE, RIGHT_EYE

STRENGTH = 0.8
RANGE = (0.82, 1.2)
"""Brightness factors beyond this look like a lamp being moved. Our choice."""

DISPLAY_GAMMA = 2.2


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
        constant, slope = self.coefficients[0], self.coefficients[1:]
        least = max(0.15 * float(constant), 0.02)
        before = np.maximum(self._falling(constant, slope), least)
        # the light on turned normals is that of a light turned the other way
        turned = slope @ rotation.astype(np.float32)
        after = np.maximum(self._falling(constant, turned), least)
        ratio = (after / before) ** np.float32(1 / DISPLAY_GAMMA)
        factors: Float32 = np.clip(1 + (ratio - 1) * (self.reach * np.float32(STRENGTH)), *RANGE)
        return factors

    def _falling(self, constant: np.float32, slope: Float32) -> Float32:
        """(V,) light on the normals. No product of matrices: see rig.kernels."""
        x, y, z = self.normals.T
        lit: Float32 = constant + x * slope[0] + y * slope[1] + z * slope[2]
        return lit


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
