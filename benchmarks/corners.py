"""Corners of the mouth in rounded sounds against the skin above and below.

Flow      portraits -> benchmarks.sheets.Sitter -> a row for each portrait

    python -m benchmarks.corners [PORTRAIT ...]

Without a PORTRAIT those of samples/portraits, or the demo's. For the left and the right corner:
how much darker the line beyond it is than the skin above and below, at its darkest, as share of
that skin: in the photograph, in the pose "oo", and in the pose "aa" of benchmarks.sheets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np

from benchmarks.portrait_rows import print_rows
from benchmarks.sheets import MOUTH_POSES, Sitter
from portravox.arrays import Float64, UInt8
from portravox.media.picture import Picture
from portravox.media.planes import even_sides
from portravox.rig.shapes import FACE_WIDTH_MM, MOUTH_CORNERS

BEYOND_MM = (1.0, 6.0)
LINE_MM = 2.0
SKIN_MM = (3.0, 5.0)
"""The strip beyond a corner that is looked at, half of its width, and where the skin beside it
lies."""

PX_PER_MM = 4.0
SMOOTH_MM = 0.4


def corner_darkness(picture: Picture) -> Mapping[str, tuple[float, float]]:
    """For each pose that of the left and of the right corner. Raises FaceError."""
    sitter = Sitter(replace(picture, pixels=even_sides(picture.pixels)))
    mm = sitter.face.width_px / FACE_WIDTH_MM
    looks = {}
    for pose in ("photograph", "oo", "aa"):
        posed, frame = sitter.posed(MOUTH_POSES[pose])
        at = posed.vertices[:, :2].astype(np.float64)
        left, right = (
            darkness_beyond(frame, at[corner], at[corner] - at[[13, 14]].mean(axis=0), mm)
            for corner in MOUTH_CORNERS
        )
        looks[pose] = left, right
    return looks


def darkness_beyond(frame: UInt8, corner: Float64, outwards: Float64, mm: float) -> float:
    """How much darker a line that goes on from a corner is than the skin beside it, of that skin.

    corner    (2,) px
    outwards  (2,) direction
    """
    along = outwards / np.hypot(*outwards)
    length, side = (round(size * PX_PER_MM) for size in (BEYOND_MM[1], SKIN_MM[1]))
    scale = mm / PX_PER_MM
    across = np.array([-along[1], along[0]])
    # strip position (s, t + side) -> frame
    to_frame = np.column_stack([along * scale, across * scale, corner - across * scale * side])
    strip = cv2.warpAffine(
        frame, to_frame, (length, 2 * side + 1), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    grey = cv2.GaussianBlur(strip.astype(np.float32).mean(axis=-1), (0, 0), SMOOTH_MM * PX_PER_MM)
    grey = grey[:, round(BEYOND_MM[0] * PX_PER_MM) :]
    away_mm = np.abs(np.arange(2 * side + 1) - side) / PX_PER_MM
    skin = np.median(grey[away_mm >= SKIN_MM[0]], axis=0)
    line = grey[away_mm <= LINE_MM].min(axis=0)
    return float(np.max(1.0 - line / np.maximum(skin, 1.0)))


def _rows(picture: Picture) -> list[str]:
    looks = corner_darkness(picture)
    return ["  ".join(f"{pose} {left:.2f} {right:.2f}" for pose, (left, right) in looks.items())]


if __name__ == "__main__":
    print_rows(__doc__, _rows)
