"""The crop that the networks see: upright, of a set size around the face.

Flow      face.face -> crop -> appearance, motion, paste

Source: the public code of LivePortrait, in whose proportions its networks were trained.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import AnyFloat, Float32, Float64, UInt8
from portravox.face.outlines import OVAL

CROP_PX = 512
"""Side of the crop, and of what the decoder draws."""

SIZE_IN_FACES = 2.3
"""Side of the crop: so many times the larger side of the box around the points."""

CENTRE_BELOW = -0.125
"""Of the side, by which the crop's centre lies below the box's; negative is above."""

LEAST_EYE_TO_MOUTH_PX = 1e-3
"""Closer together, they tell no direction: the crop is not turned."""

LEAST_WIDTH = 1e-6
"""Added to a width that something is divided by, as the public code does."""

_FOREHEAD = frozenset((10, 338, 297, 332, 284, 54, 103, 67, 109))
_BROWS = (
    *(70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    *(300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
)
_MOUTH_CORNERS = (61, 291)
_RIGHT_EYE = (33, 133, 159, 145)
_LEFT_EYE = (263, 362, 386, 374)

EXTENT = tuple(point for point in OVAL if point not in _FOREHEAD) + _BROWS
"""Points of the mesh with the extent of the 203 points for which SIZE_IN_FACES was tuned: cheeks,
chin and brows, without the forehead."""


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """Where in a picture the crop lies."""

    centre: Float64
    """(2,) px"""

    size_px: float
    """Side, in px of the picture."""

    angle_rad: float
    """Clockwise lean of the head as seen, taken out in the crop."""

    to_crop: Float64
    """(3, 3) px of the picture to px of the crop; pixel centres lie at whole numbers in both."""

    @property
    def to_picture(self) -> Float64:
        """(3, 3) the way back."""
        return np.asarray(np.linalg.inv(self.to_crop), np.float64)


def crop_around(
    points: AnyFloat,
    eyes: AnyFloat,
    mouth: AnyFloat,
    *,
    crop_px: int = CROP_PX,
    scale: float = SIZE_IN_FACES,
    below: float = CENTRE_BELOW,
    turned: bool = True,
) -> Crop:
    """The crop around a face.

    points   (P, 2) px, of which the extent counts
    eyes     (2,) px, midway between the eyes
    mouth    (2,) px, midway between the corners of the mouth
    turned   whether the crop leans with the head
    """
    flat = np.asarray(points, np.float64)
    down = np.asarray(mouth, np.float64) - np.asarray(eyes, np.float64)
    length = float(np.hypot(*down))
    if length <= LEAST_EYE_TO_MOUTH_PX:
        down, length = np.array([0.0, 1.0]), 1.0
    along_y = down / length
    along_x = np.array([along_y[1], -along_y[0]])
    mean = flat.mean(axis=0)
    across = (flat - mean) @ np.column_stack([along_x, along_y])  # (P, 2) in the head's axes
    low, high = across.min(axis=0), across.max(axis=0)
    size = float((high - low).max()) * scale
    middle = (low + high) / 2.0
    centre = mean + along_x * middle[0] + along_y * (middle[1] + below * size)
    angle = float(np.arctan2(along_x[1], along_x[0])) if turned else 0.0
    factor = crop_px / size
    turn = factor * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    to_crop = np.eye(3)
    to_crop[:2, :2] = turn
    to_crop[:2, 2] = crop_px / 2.0 - turn @ centre
    return Crop(centre, size, angle, to_crop)


def crop_of_mesh(landmarks: Float32) -> Crop:
    """The crop around a face of the mesh, (478, 2) or (478, 3) px."""
    flat = landmarks[:, :2].astype(np.float64)
    eyes = (flat[list(_RIGHT_EYE)].mean(axis=0) + flat[list(_LEFT_EYE)].mean(axis=0)) / 2.0
    return crop_around(flat[list(EXTENT)], eyes, flat[list(_MOUTH_CORNERS)].mean(axis=0))


def cropped(pixels: UInt8, crop: Crop, crop_px: int = CROP_PX) -> UInt8:
    """(crop_px, crop_px, 3) a picture's crop, bilinear, black outside of the picture."""
    made = cv2.warpAffine(
        pixels, crop.to_crop[:2], (crop_px, crop_px), flags=cv2.INTER_LINEAR, borderValue=(0, 0, 0)
    )
    return np.asarray(made, np.uint8)


def halved(pixels: UInt8) -> UInt8:
    """(H/2, W/2, 3): the mean of each 2 x 2 pixels, halves rounded up."""
    wide = pixels.astype(np.uint16)
    total = wide[0::2, 0::2] + wide[0::2, 1::2] + wide[1::2, 0::2] + wide[1::2, 1::2]
    return np.asarray((total + 2) >> 2, np.uint8)


def lip_ratio(landmarks: Float32) -> float:
    """Opening between the lips, over the distance of the mouth's corners; 0 is closed.

    landmarks   (478, 2) or (478, 3) px of the mesh
    """
    return opening(landmarks, 13, 14, *_MOUTH_CORNERS)


def eye_ratios(landmarks: Float32) -> tuple[float, float]:
    """Opening of the eye on the left of the picture and of that on the right, over its width.

    0.30 to 0.37 is an open eye, 0.02 and less a closed one.
    """
    return opening(landmarks, 159, 145, 33, 133), opening(landmarks, 386, 374, 362, 263)


def opening(points: Float32, upper: int, lower: int, one: int, other: int) -> float:
    """The distance of two points, over that of two others: how open lips or lids are."""
    flat = points[:, :2].astype(np.float64)
    width = np.hypot(*(flat[one] - flat[other]))
    return float(np.hypot(*(flat[upper] - flat[lower])) / (width + LEAST_WIDTH))
