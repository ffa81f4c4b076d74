"""Where the head in the photograph points.

Flow      face.landmarks -> face.pose -> Face
Reads     landmarks
Gives     the head's own axes, yaw, pitch and roll
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Float32
from portravox.face.face import HeadPose

_LEFT_RIGHT_PAIRS = np.array([(33, 263), (133, 362), (127, 356), (234, 454), (172, 397), (61, 291)])
"""Landmarks that mirror each other, left of the picture first: eye corners outer and inner,
temples, cheeks before the ears, jaw, mouth corners."""


def head_axes(landmarks: Float32) -> Float32:
    """The head's right, down and back directions in picture axes.

    Right is the sum of the lines between mirrored points, so that no single feature and no
    lopsided smile decides. Down runs from the hairline (10) and from between the eyes (168) to
    the chin (152), made square to right. The weight of the second, 0.5, is our choice.

    landmarks  (478, 3)
    returns    (3, 3): columns right, down, back; orthonormal
    """
    points = landmarks.astype(np.float64)
    right = (points[_LEFT_RIGHT_PAIRS[:, 1]] - points[_LEFT_RIGHT_PAIRS[:, 0]]).sum(axis=0)
    right /= np.linalg.norm(right)
    down = (points[152] - points[10]) + 0.5 * (points[152] - points[168])
    down -= right * (down @ right)
    down /= np.linalg.norm(down)
    return np.asarray(np.stack([right, down, np.cross(right, down)], axis=1), np.float32)


def head_pose(axes: Float32) -> HeadPose:
    """Angles of a head with these axes, by the signs of `HeadPose`.

    The axes are taken as roll after yaw after pitch. Pitch carries the bias of the mesh, some
    degrees that differ from person to person.
    """
    right, down, back = axes[:, 0], axes[:, 1], axes[:, 2]
    return HeadPose(
        yaw_deg=float(np.degrees(np.arcsin(np.clip(right[2], -1.0, 1.0)))),
        pitch_deg=float(-np.degrees(np.arctan2(down[2], back[2]))),
        roll_deg=float(np.degrees(np.arctan2(right[1], right[0]))),
    )
