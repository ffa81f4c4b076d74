"""Keypoints: where 21 points of a head are, from its shape, pose and expression.

Flow      motion -> keypoints -> driving, warp

Points and offsets are in the model's own unit: the crop spans about −1..1, x right, y down, z away
from the camera. Angles in degrees, right-handed about these axes: positive pitch lowers the nose,
positive yaw turns it to the left of the picture, positive roll leans clockwise as seen.

Source: LivePortrait (arXiv 2407.03168), equation 2, and the bins of its pose heads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portravox.arrays import AnyFloat, Float32, Float64

KEYPOINTS = 21

BINS = 66
BIN_DEG = 3.0
FIRST_BIN_DEG = -97.5
"""The pose heads answer with 66 bins of 3 degrees; bins 32 and 33 surround 0."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadShape:
    """One head as the motion network sees it."""

    neutral: Float32
    """(21, 3) of the face at rest, looking ahead."""

    expression: Float32
    """(21, 3) offsets from it."""

    angles_deg: Float32
    """(3,) pitch, yaw, roll"""

    scale: float
    translation: Float32
    """(3,) z is never used"""

    @property
    def keypoints(self) -> Float32:
        """(21, 3) as seen in the crop."""
        points: Float32 = keypoints_of(self, self.angles_deg[None], self.expression[None])[0]
        return points


def degrees_of(logits: AnyFloat) -> Float64:
    """The angles that the bins stand for: their mean, weighted by softmax.

    logits   (..., 66)
    returns  (...) −97.5..97.5
    """
    wide = np.asarray(logits, np.float64)
    shares = np.exp(wide - wide.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return np.asarray(BIN_DEG * (shares @ np.arange(BINS)) + FIRST_BIN_DEG, np.float64)


def rotation(angles_deg: AnyFloat) -> Float64:
    """Rotations that turn points given as rows: kp · R.

    angles_deg   (..., 3) pitch, yaw, roll
    returns      (..., 3, 3), the transpose of Rz · Ry · Rx
    """
    radians = np.radians(np.asarray(angles_deg, np.float64))
    (cx, cy, cz), (sx, sy, sz) = (np.moveaxis(f(radians), -1, 0) for f in (np.cos, np.sin))
    zero, one = np.zeros_like(cx), np.ones_like(cx)

    def matrix(*rows: tuple[Float64, Float64, Float64]) -> Float64:
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    about_x = matrix((one, zero, zero), (zero, cx, -sx), (zero, sx, cx))
    about_y = matrix((cy, zero, sy), (zero, one, zero), (-sy, zero, cy))
    about_z = matrix((cz, -sz, zero), (sz, cz, zero), (zero, zero, one))
    return np.swapaxes(about_z @ about_y @ about_x, -1, -2)


def keypoints_of(
    head: HeadShape,
    angles_deg: AnyFloat,
    expression: AnyFloat,
    shift: AnyFloat | None = None,
) -> Float32:
    """Keypoints of a head in other poses and with other expressions.

    angles_deg   (T, 3) pitch, yaw, roll
    expression   (T, 21, 3)
    shift        (T, 2) added to the head's own translation; None: nowhere
    returns      (T, 21, 3): scale · (neutral · R + expression) + (t_x, t_y, 0)
    """
    turned = head.neutral.astype(np.float64) @ rotation(angles_deg)
    points = head.scale * (turned + expression)
    points[..., :2] += head.translation[:2]
    if shift is not None:
        points[..., :2] += np.asarray(shift)[:, None]
    return points.astype(np.float32)
