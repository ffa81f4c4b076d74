"""How sharp and grainy a photograph is, so that what is painted into it is no different.

Flow      the photograph -> render.sharpness -> render.mouth, render.eyes
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.rig.fit import Rig

REBLUR_PX = 1.0
STRONG_EDGES = 97.0
"""Percentile of the gradient from which on a pixel counts as lying on an edge."""

RANGE_PX = (0.4, 6.0)
"""Below, sampling itself is the limit; above, it is no longer a photograph of a face."""

DRAWN_PX = 1.0
"""So much softness drawing has of itself: between pixels, and of its own soft edges. Our choice."""

GRAIN_BLOCK_PX = 8
GRAIN_LIMIT = 8.0
"""A photograph with more grain than that is not one that a mouth must match. Our choice."""


def edge_sigma(grey: UInt8) -> float:
    """Standard deviation, px, of the Gaussian that would turn a step into this picture's edges.

    grey  (H, W)

    A picture is blurred once more, by a known amount; the sharper its edges were, the more their
    gradient falls: R = sqrt((s² + r²) / s²) for an edge of width s and a blur of width r. The
    sharper half of the strong edges counts, since soft shadows have gradients too.

    Source: Zhuo & Sim, "Defocus map estimation from a single image", Pattern Recognition 44, 2011.
    """
    picture = grey.astype(np.float32)
    before = _gradient(picture)
    after = _gradient(cv2.GaussianBlur(picture, (0, 0), REBLUR_PX))
    strong = before >= max(float(np.percentile(before, STRONG_EDGES)), 4.0)
    if strong.sum() < 16:
        return RANGE_PX[1]
    ratio = float(np.percentile(before[strong] / np.maximum(after[strong], 1e-3), 60))
    sigma = REBLUR_PX / np.sqrt(max(ratio**2 - 1.0, 1e-3))
    return float(np.clip(sigma, *RANGE_PX))


def face_edge_sigma(rig: Rig, photo: UInt8) -> float:
    """The same for the face in a photograph, (H, W, 3): brows, eyes, nose and lips."""
    return edge_sigma(_grey_face(rig, photo))


def drawing_sigma(edge_px: float, share: float) -> float:
    """Standard deviation, px, of the blur over what is drawn into a photograph; 0 for sharp ones.

    edge_px  by `face_edge_sigma`
    share    of it that is wanted
    """
    return math.sqrt(max((share * edge_px) ** 2 - DRAWN_PX**2, 0.0))


def _gradient(picture: Float32) -> Float32:
    across = cv2.Sobel(picture, cv2.CV_32F, 1, 0, ksize=3)
    down = cv2.Sobel(picture, cv2.CV_32F, 0, 1, ksize=3)
    steepness: Float32 = np.hypot(across, down)
    return steepness


def face_grain(rig: Rig, photo: UInt8) -> float:
    """Standard deviation of the grain on the face in a photograph, (H, W, 3)."""
    return grain_deviation(_grey_face(rig, photo))


def grain_deviation(grey: UInt8) -> float:
    """Standard deviation, 0..255, of the finest detail on the smoothest parts of a picture.

    grey  (H, W)

    Pores and stubble are no grain, so only the fifth smoothest of all blocks counts. With the
    second difference of white noise of deviation 1 the deviation is 6 (Immerkaer, "Fast noise
    variance estimation", Computer Vision and Image Understanding 64, 1996).
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    detail = np.abs(cv2.filter2D(grey.astype(np.float32), -1, kernel))
    rows, columns = (n // GRAIN_BLOCK_PX for n in grey.shape)
    if rows < 3 or columns < 3:
        return 0.0
    blocks = cv2.resize(
        detail[: rows * GRAIN_BLOCK_PX, : columns * GRAIN_BLOCK_PX],
        (columns, rows),
        interpolation=cv2.INTER_AREA,
    )
    mean_to_deviation = np.sqrt(np.pi / 2) / 6
    return float(min(np.percentile(blocks, 20) * mean_to_deviation, GRAIN_LIMIT))


def _grey_face(rig: Rig, photo: UInt8) -> UInt8:
    """(h, w) the face's box in a photograph, (H, W, 3), without colour."""
    box = rig.face.box
    height, width = photo.shape[:2]
    x0, y0 = max(int(box.x0), 0), max(int(box.y0), 0)
    x1, y1 = min(int(box.x1) + 1, width), min(int(box.y1) + 1, height)
    grey: UInt8 = cv2.cvtColor(photo[y0:y1, x0:x1], cv2.COLOR_RGB2GRAY)
    return grey
