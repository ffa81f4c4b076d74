"""The mouth in the photograph: shut, parted, smiling with teeth or open, and where its edges are.

Flow      face.landmarks -> face.mouth -> face.lips -> Face
Reads     pixels, landmarks
Gives     Lips

The mesh network knows well what a mouth looks like, but takes teeth for lips on black-and-white
photographs, opens blurred mouths that are shut, and misses slivers of teeth. So its edges are
only where we start: each pixel between the lips is judged to be lip or opening by its colour
against this person's own lips and skin, and two smooth edges are laid around what is opening.
All of it happens on a small upright picture of the mouth. Numbers without a source are our
choice, tuned by eye on 60 mouths: light and dark skin, bearded, painted, carved, grey, blurred.
"""

from __future__ import annotations

import numpy as np

from portravox.arrays import Float32, Float64, UInt8
from portravox.face.crop import to_picture
from portravox.face.face import Lips, LipState
from portravox.face.landmarks import Indices
from portravox.face.mouth import (
    LOWER_INNER,
    UPPER_INNER,
    VIEW_PX,
    Evidence,
    MouthView,
    central,
    mouth_evidence,
    mouth_view,
    seam,
    smooth_path,
)

_COLUMN_STEP_PX = 3

_REACH = 0.16
"""How far an edge may move from the landmarks, in mouth widths."""

_LEAST_GAP = 0.045
"""Below this opening, in mouth widths, the lips count as touching: the shadow between closed
lips is up to that thick."""

_SHADOW_GAP = 0.07
"""The same where the mesh sees closed lips and no teeth show: on carved and strongly lit faces
the shadow of the upper lip is thicker."""

_MESH_CLOSED_GAP = 0.006

_LEAST_TEETH_GAP = 0.05
_LEAST_OPEN_GAP = 0.10

_WIDE_GAP = 0.30
"""From here on a mouth is open, however many teeth show: nobody smiles so."""

_TRUSTED_GAP = 0.10
"""A gap this wide the mesh network does not invent; the edges then stay near it."""

_TEETH_SHARE = 0.30


def read_lips(pixels: UInt8, landmarks: Float32) -> Lips:
    """State of the mouth and inner edges of the lips.

    pixels     (H, W, 3)
    landmarks  (478, 3) px
    """
    view = mouth_view(pixels, landmarks)
    evidence = mouth_evidence(view)
    columns = np.arange(view.left, view.right + 1, _COLUMN_STEP_PX)
    upper, lower = _edges(view, evidence, columns)
    gap = float(central(lower - upper).mean()) / view.width_px
    mesh_gap = float(central((view.inner_lower - view.inner_upper)[columns]).mean())
    teeth_share = _share_inside(evidence.teeth, upper, lower, columns)
    state = _state(gap, mesh_gap / view.width_px, teeth_share)
    if state is LipState.CLOSED:
        upper = lower = seam(view, columns, (upper + lower) / 2.0)
        teeth_share = 0.0
    return Lips(
        state=state,
        upper_inner=_at_landmarks(view, landmarks, UPPER_INNER, columns, upper),
        lower_inner=_at_landmarks(view, landmarks, LOWER_INNER, columns, lower),
        teeth_share=teeth_share,
    )


def _state(gap: float, mesh_gap: float, teeth_share: float) -> LipState:
    """Gaps in mouth widths, mean of the middle half: as fitted, and as the landmarks had it."""
    shadow = mesh_gap < _MESH_CLOSED_GAP and teeth_share < _TEETH_SHARE
    if gap < (_SHADOW_GAP if shadow else _LEAST_GAP):
        return LipState.CLOSED
    if gap >= _WIDE_GAP:
        return LipState.OPEN
    if gap >= _LEAST_TEETH_GAP and teeth_share >= _TEETH_SHARE:
        return LipState.TEETH
    return LipState.OPEN if gap >= _LEAST_OPEN_GAP else LipState.PARTED


_LIP_WEIGHT = 0.35
"""What a pixel that looks like lip counts inside the opening, against 1 for one that looks open:
tongue and gums look like lip."""

_TURNS = 4
"""Edges in turn so many times at most; two or three mostly suffice."""


def _edges(view: MouthView, evidence: Evidence, columns: Indices) -> tuple[Float64, Float64]:
    """Two smooth edges around what looks open, near the landmarks' edges.

    Minimised, over the distances of both edges from the landmarks' edges: the evidence left
    out or taken in wrongly, the distance itself, and its change from column to column. One edge
    is solved exactly by dynamic programming while the other stands still, in turn.

    returns  (n,), (n,) y of the upper and the lower edge at the columns
    """
    opening = evidence.opening
    worth = opening - _LIP_WEIGHT * (1.0 - opening)
    above = np.vstack([np.zeros(VIEW_PX), np.cumsum(worth, axis=0)])[:, columns]
    start_upper = view.inner_upper[columns]
    start_lower = np.maximum(view.inner_lower[columns], start_upper)
    top = view.outer_upper[columns] + 2.0
    bottom = view.outer_lower[columns] - 2.0
    gap = float(central(start_lower - start_upper).mean()) / view.width_px
    trusted = gap >= _TRUSTED_GAP

    reach = max(4, round(_REACH * view.width_px))
    shifts = np.arange(-reach, reach + 1, dtype=np.float64)
    scale = 0.03 * view.width_px
    pull = (shifts / scale) ** 2
    if not trusted:
        pull = np.minimum(pull, 4.0)  # beyond that the landmarks are simply wrong
    # the shadow in a corner reaches far beyond the opening
    nearness = np.abs(np.linspace(-1.0, 1.0, len(columns)))
    hold = 1.0 + 8.0 * np.clip((nearness - 0.7) / 0.3, 0.0, 1.0)

    def price(start: Float64, sign: float, low: Float64, high: Float64) -> Float64:
        """(n, shifts) of setting one edge there."""
        y = start[:, None] + shifts
        inside = np.clip(y, 0.0, VIEW_PX - 1.0)
        index = np.floor(inside).astype(np.int64)
        share = inside - index
        each = np.arange(len(start))[:, None]
        value = above[index, each] * (1.0 - share) + above[index + 1, each] * share
        outside = np.maximum(low[:, None] - y, 0.0) + np.maximum(y - high[:, None], 0.0)
        return np.asarray(sign * value + hold[:, None] * pull + 10.0 * outside, np.float64)

    upper, lower = start_upper, start_lower
    for _ in range(_TURNS):
        before = upper, lower
        upper = start_upper + shifts[smooth_path(price(start_upper, 1.0, top, lower))]
        upper = np.minimum(upper, lower)
        lower = start_lower + shifts[smooth_path(price(start_lower, -1.0, upper, bottom))]
        lower = np.maximum(upper, lower)
        if np.array_equal(before, (upper, lower)):
            break
    return upper, lower


def _share_inside(
    amount: Float64,
    upper: Float64,
    lower: Float64,
    columns: Indices,
) -> float:
    """Mean of amount between the edges; 0 when there is nothing between."""
    y = np.arange(VIEW_PX)[:, None]
    between = (y >= upper) & (y <= lower) & (lower - upper >= 1.0)
    if not between.any():
        return 0.0
    return float(amount[:, columns][between].mean())


def _at_landmarks(
    view: MouthView,
    landmarks: Float32,
    ids: Indices,
    columns: Indices,
    edge: Float64,
) -> Float32:
    """(11, 2) px of the picture: the edge at the landmarks' places along the mouth.

    The ends stay on the corners, which both lips share.
    """
    way = view.square.to_crop(VIEW_PX)
    flat = landmarks[ids, :2] @ way[:, :2].T + way[:, 2]
    flat[1:-1, 1] = np.interp(flat[1:-1, 0], columns, edge)
    return to_picture(flat, view.square, VIEW_PX)
