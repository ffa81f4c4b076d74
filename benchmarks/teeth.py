"""Teeth as they are seen in speech: how bright they are, and which row shows.

Flow      portraits -> benchmarks.sheets.Sitter, render.mouth -> a row for each portrait

    python -m benchmarks.teeth [PORTRAIT ...]

Without a PORTRAIT those of samples/portraits, or the demo's. For the poses "ee" and "aa" of
benchmarks.sheets: the median brightness of the upper teeth as share of the cheeks', the area of
the lower row that is seen as share of the upper row's, and by how much of it the red of the upper
teeth exceeds their blue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from benchmarks.portrait_rows import print_rows
from benchmarks.sheets import MOUTH_POSES, Sitter
from portravox.arrays import UInt8
from portravox.media.picture import Picture
from portravox.media.planes import even_sides
from portravox.render.mouth import SKIN_LANDMARKS, MouthPaint, paint_mouth
from portravox.render.teeth import Inlay
from portravox.rig.deform import PosedMesh

MARK = 250.0
SEEN = 90
"""A row is painted in a primary colour of that brightness, and seen where it is brighter than
that: shade takes some of it."""

POSES = ("ee", "aa")


class Teeth(NamedTuple):
    """How the teeth of one pose look."""

    bright: float
    """Median of the upper row, as share of the cheeks'."""

    lower: float
    """Area of the lower row, as share of the upper one's."""

    warm: float
    """(red - blue) / red of the upper row's median."""


def teeth_seen(picture: Picture) -> Mapping[str, Teeth]:
    """For each pose. Raises FaceError."""
    picture = replace(picture, pixels=even_sides(picture.pixels))
    sitter = Sitter(picture)
    cheeks = sitter.face.landmarks[list(SKIN_LANDMARKS), :2].astype(int)
    skin = float(np.median(picture.pixels[cheeks[:, 1], cheeks[:, 0]].mean(axis=-1)))
    seen = {}
    for pose in POSES:
        posed, frame = sitter.posed(MOUTH_POSES[pose])
        upper, lower = rows_seen(sitter.mouth, posed, frame.shape)
        shown = frame[upper] if upper.any() else np.zeros((1, 3))
        red, _, blue = np.median(shown, axis=0)
        seen[pose] = Teeth(
            float(np.median(shown.mean(axis=-1))) / skin,
            float(lower.sum()) / max(float(upper.sum()), 1.0),
            float(1.0 - blue / max(red, 1.0)),
        )
    return seen


def rows_seen(
    mouth: MouthPaint, posed: PosedMesh, shape: tuple[int, ...]
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.bool_]], ...]:
    """(H, W) each: where a frame of that shape shows the upper and the lower row."""
    nothing = np.zeros(3, np.float32)
    marked = replace(
        mouth,
        upper=_painted(mouth.upper, 0),
        lower=_painted(mouth.lower, 1),
        tongue=_painted(mouth.tongue, 2),
        cavity=nothing, lip_shadow=nothing, falloff=nothing, grain_deviation=0.0, gloss=0.0,
    )  # fmt: skip
    frame: UInt8 = np.zeros(shape, np.uint8)
    paint_mouth(marked, posed, frame)
    return frame[..., 0] > SEEN, frame[..., 1] > SEEN


def _painted(inlay: Inlay, channel: int) -> Inlay:
    """The inlay in one primary colour."""
    pixels = np.zeros_like(inlay.pixels)
    pixels[..., channel] = MARK * inlay.pixels[..., 3]
    pixels[..., 3] = inlay.pixels[..., 3]
    return replace(inlay, pixels=pixels)


def _rows(picture: Picture) -> list[str]:
    seen = teeth_seen(picture)
    return [
        "  ".join(
            f"{pose} {teeth.bright:.2f} {teeth.lower:.2f} {teeth.warm:+.2f}"
            for pose, teeth in seen.items()
        )
    ]


if __name__ == "__main__":
    print_rows(__doc__, _rows)
