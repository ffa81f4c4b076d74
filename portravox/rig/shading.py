"""Shading: how skin darkens in folds and brightens on bulges when one muscle pulls.

Flow      rig.fit (fine mesh) -> rig.shading -> rig.deform -> render.scene
Reads     the fine mesh and the landmarks in the head's own frame, mm
Gives     (S, V) change of brightness, one row for each name of rig.shapes.SHAPES

A photograph that is only moved looks like rubber: lips that come forward catch no light, and a
smile draws no fold. Each row is a handful of soft strokes along lines of landmarks, as a painter
would lay them, for light from above and in front, where portraits mostly have it. Lines and
amounts are ours, set by eye on light, dark, painted and grey faces; all are faint, so that under
other light they are missed rather than seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from portravox.arrays import Float32, Float64, Int32
from portravox.rig.kernels import bend, squared_distances
from portravox.rig.shapes import SHAPES

SHADE_RANGE = (0.80, 1.12)
"""Factors beyond this look like dirt or like grease, however many strokes meet."""

_REACH = 3.0
"""A stroke ends so many times its softness away from its line."""

_STEP_MM = 1.5

Line = tuple[int, ...]

_NASOLABIAL: tuple[Line, ...] = ((129, 203, 206, 216, 212), (358, 423, 426, 436, 432))
"""From the wings of the nose around the corners of the mouth."""
_CHEEK: tuple[Line, ...] = ((205, 207), (425, 427))
_CHEEK_HOLLOW: tuple[Line, ...] = ((187, 192, 214), (411, 416, 434))
_BESIDE_MOUTH: tuple[Line, ...] = ((57,), (287,))
_BELOW_CORNERS: tuple[Line, ...] = ((43, 202), (273, 422))
_ABOVE_UPPER_LIP: tuple[Line, ...] = ((165, 167, 164, 393, 391),)
_UPPER_LIP: tuple[Line, ...] = ((74, 73, 72, 11, 302, 303, 304),)
_UPPER_EDGE: tuple[Line, ...] = ((80, 81, 82, 13, 312, 311, 310),)
_LOWER_EDGE: tuple[Line, ...] = ((88, 178, 87, 14, 317, 402, 318),)
_LOWER_LIP: tuple[Line, ...] = ((89, 179, 86, 15, 316, 403, 319),)
_LOWER_LIP_UNDERSIDE: tuple[Line, ...] = ((181, 84, 17, 314, 405),)
_UNDER_LOWER_LIP: tuple[Line, ...] = ((182, 83, 18, 313, 406),)
_CHIN: tuple[Line, ...] = ((200, 199),)
_UNDER_EYES: tuple[Line, ...] = ((228, 229, 230, 231, 232), (448, 449, 450, 451, 452))
_CROWS_FEET: tuple[Line, ...] = ((226, 35), (446, 265))
_FOREHEAD: tuple[Line, ...] = ((104, 69, 108, 151, 337, 299, 333),)
_MIDDLE_FOREHEAD: tuple[Line, ...] = ((108, 151, 337),)
_FROWN: tuple[Line, ...] = ((107, 55), (336, 285))


@dataclass(frozen=True, slots=True)
class _Stroke:
    lines: tuple[Line, ...]
    change: float
    """Of brightness on the line, at weight 1; negative darkens."""
    softness_mm: float
    """Standard deviation across the line."""


_STROKES: dict[str, tuple[_Stroke, ...]] = {
    "jaw": (
        _Stroke(_CHEEK_HOLLOW, -0.07, 9.0),
        _Stroke(_NASOLABIAL, -0.035, 5.0),
        _Stroke(_BELOW_CORNERS, -0.05, 3.5),
        _Stroke(_CHIN, -0.06, 9.0),
        _Stroke(_LOWER_LIP_UNDERSIDE, -0.04, 2.5),
    ),
    "part_upper": (_Stroke(_NASOLABIAL, -0.006, 5.0),),
    "wide": (
        _Stroke(_NASOLABIAL, -0.035, 5.0),
        _Stroke(_BESIDE_MOUTH, -0.08, 3.0),
        _Stroke(_CHEEK, 0.03, 7.0),
        _Stroke(_LOWER_LIP, 0.03, 2.0),
    ),
    "round": (
        _Stroke(_LOWER_LIP, 0.08, 2.2),
        _Stroke(_LOWER_LIP_UNDERSIDE, -0.06, 1.8),
        _Stroke(_UNDER_LOWER_LIP, -0.09, 4.0),
        _Stroke(_UPPER_LIP, -0.04, 2.0),
        _Stroke(_ABOVE_UPPER_LIP, 0.04, 3.5),
        # the line in which lips end is gathered there, and dark enough
        _Stroke(_BESIDE_MOUTH, 0.05, 3.0),
        _Stroke(_CHEEK_HOLLOW, -0.04, 9.0),
        _Stroke(_CHIN, 0.03, 6.0),
    ),
    "press": (
        _Stroke(_UPPER_EDGE, -0.10, 1.6),
        _Stroke(_LOWER_EDGE, -0.08, 1.6),
        _Stroke(_ABOVE_UPPER_LIP, 0.04, 3.0),
        _Stroke(_UNDER_LOWER_LIP, -0.06, 3.5),
        _Stroke(_CHIN, 0.03, 6.0),
        _Stroke(_BESIDE_MOUTH, -0.05, 2.5),
    ),
    "teeth": (
        _Stroke(_LOWER_EDGE, -0.10, 1.8),
        _Stroke(_UNDER_LOWER_LIP, -0.07, 3.5),
        _Stroke(_CHIN, 0.03, 6.0),
    ),
    "smile": (
        _Stroke(_NASOLABIAL, -0.12, 4.0),
        _Stroke(_CHEEK, 0.06, 8.0),
        _Stroke(_BESIDE_MOUTH, -0.10, 3.0),
        _Stroke(_UNDER_EYES, -0.05, 2.5),
        _Stroke(_CROWS_FEET, -0.05, 4.0),
    ),
    "brow_raise": (_Stroke(_FOREHEAD, -0.04, 2.5),),
    "brow_lower": (_Stroke(_FROWN, -0.10, 3.0),),
    "corner_drop": (
        _Stroke(_BELOW_CORNERS, -0.05, 4.0),
        _Stroke(_BESIDE_MOUTH, -0.05, 3.0),
        _Stroke(_CHIN, 0.02, 6.0),
    ),
    "brow_inner": (
        _Stroke(_MIDDLE_FOREHEAD, -0.06, 2.5),
        _Stroke(_FROWN, -0.06, 2.5),
    ),
    "squint": (
        _Stroke(_UNDER_EYES, -0.07, 2.5),
        _Stroke(_CROWS_FEET, -0.07, 4.0),
    ),
}

_UNSMILING = (
    _Stroke(_NASOLABIAL, 0.12, 3.0),
    _Stroke(_BESIDE_MOUTH, 0.10, 3.5),
    _Stroke(_CHEEK, -0.03, 8.0),
)
"""What the shape `settle` does to a photograph that smiles: its folds ease."""


def build_shading(points: Float64, landmarks: Float64, smiling: float) -> Float32:
    """(S, V) what each shape at weight 1 adds to the brightness of the photograph, as factors - 1.

    points     (V, 3) fine mesh in the head's frame, mm
    landmarks  (n, 3) of the same face, same frame
    smiling    0..1, how much the photograph smiles, see shapes.smiling
    """
    shading = np.zeros((len(SHAPES), len(points)), np.float32)
    strokes = [
        *((name, stroke, 1.0) for name, each in _STROKES.items() for stroke in each),
        *(("settle", stroke, smiling) for stroke in _UNSMILING),
    ]
    softest: dict[tuple[Line, ...], float] = {}
    for _, stroke, _ in strokes:
        softest[stroke.lines] = max(stroke.softness_mm, softest.get(stroke.lines, 0.0))
    away = {
        lines: _squared_distance(points, landmarks, lines, _REACH * softness_mm)
        for lines, softness_mm in softest.items()
    }
    for name, stroke, share in strokes:
        near, squared = away[stroke.lines]
        painted = stroke.change * np.exp(-0.5 * squared / stroke.softness_mm**2)
        shading[SHAPES.index(name), near] += (share * painted).astype(np.float32)
    return shading


def shade_factors(shading: Float32, weights: Float32) -> Float32:
    """(V,) brightness factors under shape weights, (S,); 1 at rest."""
    factors = np.empty(shading.shape[1], np.float32)
    bend(np.ones_like(factors), shading, weights, factors)
    return np.clip(factors, *SHADE_RANGE, out=factors)


def _squared_distance(
    points: Float64, landmarks: Float64, lines: tuple[Line, ...], reach_mm: float
) -> tuple[Int32, Float64]:
    """(k,) which points may lie within reach of any of the lines, and their squared distance."""
    dots = np.concatenate([_dots(landmarks[list(line)]) for line in lines])
    low, high = dots.min(axis=0) - reach_mm, dots.max(axis=0) + reach_mm
    near = np.flatnonzero(np.all((points >= low) & (points <= high), axis=1)).astype(np.int32)
    squared = np.empty(len(near))
    squared_distances(points[near], dots, squared)
    return near, squared


def _dots(line: Float64) -> Float64:
    """(n, 3) points at most _STEP_MM apart along a line of (k, 3) corners."""
    dots = [line[:1]]
    for start, end in pairwise(line):
        count = max(1, int(np.ceil(np.linalg.norm(end - start) / _STEP_MM)))
        dots.append(start + (end - start) * (np.arange(1, count + 1) / count)[:, None])
    return np.concatenate(dots)
