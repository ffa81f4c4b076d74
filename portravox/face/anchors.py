"""What a detector's raw numbers mean: boxes and keypoints around anchors, each thing once.

Flow      face.models, face.hands -> face.anchors
Reads     a detector's two outputs
Gives     Find: box, keypoints and score, in shares of the tensor

The detectors of faces and palms are of one kind (Liu et al., "SSD", ECCV 2016; Bazarevsky et al.,
"BlazeFace", 2019): for each anchor, a fixed place on a grid, they give a score and where a thing
lies from there. Grids, scales and thresholds are MediaPipe's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from portravox.arrays import Float32, Float64

_SCORE_LIMIT = 100.0
"""Raw scores are clipped to it on both sides."""

_OVERLAP = 0.3
"""Finds that share more of their union than this are one thing."""


@dataclass(frozen=True, slots=True)
class Grid:
    """One or more anchors at every cell of a square grid."""

    cells: int
    """In a row and in a column."""

    anchors: int
    """At each cell's middle."""


NEAR_FACES = (Grid(16, 2), Grid(8, 6))
FAR_FACES = (Grid(48, 1),)
PALMS = (Grid(24, 2), Grid(12, 6))


@dataclass(frozen=True, slots=True, eq=False)
class Find:
    """One thing that was found."""

    box: Float64
    """(4,) left, top, right, bottom"""

    keypoints: Float64
    """(K, 2)"""

    score: float
    """0..1"""


@lru_cache(maxsize=8)
def anchor_centres(grids: tuple[Grid, ...]) -> Float64:
    """(A, 2) x and y, 0..1, in the order of a detector's outputs: by grid, row, column."""
    parts = []
    for grid in grids:
        middles = (np.arange(grid.cells) + 0.5) / grid.cells
        y, x = np.meshgrid(middles, middles, indexing="ij")
        cells = np.stack([x.ravel(), y.ravel()], axis=1)
        parts.append(np.repeat(cells, grid.anchors, axis=0))
    centres: Float64 = np.concatenate(parts)
    centres.setflags(write=False)
    return centres


def finds(
    raw_boxes: Float32, raw_scores: Float32, grids: tuple[Grid, ...], side_px: int, least: float
) -> list[Find]:
    """Things whose score is at least `least`, the surest first.

    raw_boxes   (A, 4 + 2 K) px of the tensor: middle from the anchor, size, keypoints from the
                anchor
    raw_scores  (A, 1) before the logistic function
    side_px     of the tensor
    """
    with np.errstate(over="ignore"):
        limited = np.clip(raw_scores[:, 0].astype(np.float64), -_SCORE_LIMIT, _SCORE_LIMIT)
        scores = 1.0 / (1.0 + np.exp(-limited))
    chosen = np.flatnonzero(scores >= least)
    raw = raw_boxes[chosen].astype(np.float64) / side_px
    centres = anchor_centres(grids)[chosen]
    middle, size = raw[:, :2] + centres, raw[:, 2:4]
    boxes = np.concatenate([middle - size / 2.0, middle + size / 2.0], axis=1)
    keypoints = raw[:, 4:].reshape(len(chosen), (raw.shape[1] - 4) // 2, 2) + centres[:, None]
    sound = (size >= 0.0).all(axis=1)
    order = np.argsort(-scores[chosen][sound], kind="stable")
    return _each_once(boxes[sound][order], keypoints[sound][order], scores[chosen][sound][order])


def _each_once(boxes: Float64, keypoints: Float64, scores: Float64) -> list[Find]:
    """Weighted non-maximum suppression: what overlaps the surest find is averaged with it by
    score; the score stays the surest one's.

    All by falling score: boxes (n, 4), keypoints (n, K, 2), scores (n,)
    """
    found = []
    left = np.arange(len(scores))
    while len(left):
        overlaps = _overlap(boxes[left[0]], boxes[left]) > _OVERLAP
        group, rest = left[overlaps], left[~overlaps]
        if len(group) == 0:  # a box without area overlaps nothing, not even itself
            found.append(Find(boxes[left[0]], keypoints[left[0]], float(scores[left[0]])))
            break
        weights = scores[group] / scores[group].sum()
        box = np.einsum("n,nc->c", weights, boxes[group])
        points = np.einsum("n,nkc->kc", weights, keypoints[group])
        found.append(Find(box, points, float(scores[left[0]])))
        left = rest
    return found


def _overlap(one: Float64, others: Float64) -> Float64:
    """Shared area over that of the union.

    one (4,), others (n, 4) -> (n,)
    """
    low, high = np.maximum(one[:2], others[:, :2]), np.minimum(one[2:], others[:, 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1)
    union = np.prod(one[2:] - one[:2]) + areas - shared
    return np.asarray(np.where(union > 0.0, shared / np.where(union > 0.0, union, 1.0), 0.0))
