"""What stands behind a moving head: lines and edges that are known, and what becomes of them.

Flow      portraits, cut out before their own background -> hard-edged ones behind -> frames -> rows

    python -m benchmarks.behind [PORTRAIT ...]

Best with portraits before an even wall, of which the cut-out is true. Each is set before a dark
coat beside a white wall, a wall with door frames, a horizon, slanting stripes and foliage, and
turned as far as the template *active* does. Columns for each of these, root mean square differences
from the background that is known, of 255, less the grain, within .22 face widths around the head:

    still   where the background is seen in the photograph, too: what of it moves with the head
    bared   where the head stood in the photograph: what is made up there
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np

from benchmarks.portrait_rows import print_rows
from portravox.animation.controls import CONTROLS
from portravox.arrays import Bool, Float32, UInt8
from portravox.face.matte import person_matte
from portravox.face.verdict import require_face
from portravox.media.picture import Picture
from portravox.media.planes import even_sides
from portravox.render.scene import Painter, prepare_scene
from portravox.rig.deform import Deformer
from portravox.rig.fit import fit
from portravox.staging.cutout import fine_cutout
from portravox.staging.foreground import foreground_colours

TURNS = (
    {"head_yaw_deg": 7.0, "head_shift_x": 0.015},
    {"head_yaw_deg": -7.0, "head_shift_x": -0.015},
    {"head_roll_deg": 4.0, "head_pitch_deg": 3.0},
)
"""About the most that *active* asks of a head."""

NEAR_FW = 0.22
NOBODY = 0.03
"""Of the person's cut-out, what is less is background."""

GRAIN = 2.0
GRAIN_COUNTS_TO = 6.0
"""Standard deviation of the noise that is laid over a background, and differences that it makes."""


def backgrounds(height: int, width: int, face_px: float) -> Iterator[tuple[str, Float32]]:
    """Names and pictures, (height, width, 3)."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    rng = np.random.default_rng(5)
    blots = cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), 0.05 * face_px)
    blots = (blots / blots.std())[..., None]
    door = np.abs((x + 0.13 * face_px) % (0.37 * face_px) - 0.05 * face_px) < 0.05 * face_px
    slanting = np.floor((0.8 * x + 0.6 * y) / (0.16 * face_px)) % 2 == 0

    def two(where: Bool, one: tuple[int, int, int], other: tuple[int, int, int]) -> Float32:
        return np.where(where[..., None], np.array(one, np.float32), np.array(other, np.float32))

    for name, picture in (
        ("coat", two(x < 0.47 * width, (38, 34, 36), (225, 222, 215))),
        ("doors", two(door, (70, 48, 30), (196, 178, 150))),
        ("horizon", two(y > 0.38 * height, (92, 110, 60), (150, 190, 230))),
        ("stripes", two(slanting, (60, 80, 140), (190, 60, 50))),
        ("foliage", (np.array([90, 110, 70]) + blots * np.array([40, 45, 30]))),
    ):
        noisy = np.clip(picture + rng.normal(0.0, GRAIN, picture.shape), 0, 255)
        yield name, cv2.GaussianBlur(noisy.astype(np.float32), (0, 0), 0.7)


def moved(picture: Picture) -> Iterator[tuple[str, float, float]]:
    """Background, `still` and `bared` for each of them. Raises FaceError."""
    picture = replace(picture, pixels=even_sides(picture.pixels))
    face, _ = require_face(picture)
    cutout = fine_cutout(picture.pixels, person_matte(picture.pixels, face), face)
    own = foreground_colours(picture.pixels, cutout).astype(np.float32)
    share = cutout[..., None]
    for name, behind in backgrounds(cutout.shape[0], cutout.shape[1], face.width_px):
        pixels = np.clip(own * share + behind * (1.0 - share) + 0.5, 0, 255).astype(np.uint8)
        yield (name, *_differs(pixels, behind, cutout))


def _differs(pixels: UInt8, behind: Float32, cutout: Float32) -> tuple[float, float]:
    """`still` and `bared` of one picture before a background that is known."""
    face, _ = require_face(Picture(pixels))
    matte = person_matte(pixels, face)
    rig = fit(face, matte, pixels)
    painter = Painter(prepare_scene(rig, pixels, matte))
    # the cut-out itself as a picture, all of which moves: where the person is in each frame
    as_picture = np.repeat(np.rint(cutout * 255).astype(np.uint8)[..., None], 3, axis=2)
    shadow = Painter(prepare_scene(rig, as_picture, np.ones_like(matte)))
    deformer = Deformer(rig)
    away = cv2.distanceTransform(
        (cutout < 0.5).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    near = away < NEAR_FW * face.width_px
    before = cv2.dilate(cutout, np.ones((3, 3), np.uint8)) < NOBODY
    still: list[float] = []
    bared: list[float] = []
    for turn in TURNS:
        pose = deformer.deform(np.array([turn.get(name, 0.0) for name in CONTROLS], np.float32))
        now = cv2.GaussianBlur(shadow.paint(pose)[..., 1], (0, 0), 0.7) < NOBODY * 255.0
        off = np.abs(painter.paint(pose).astype(np.float32) - behind).max(axis=-1)
        off = np.maximum(off - GRAIN_COUNTS_TO, 0.0)
        for values, where in ((still, near & now & before), (bared, near & now & ~before)):
            values.append(float(np.mean(off[where] ** 2)) if where.any() else 0.0)
    return float(np.sqrt(np.mean(still))), float(np.sqrt(np.mean(bared)))


def _rows(picture: Picture) -> Iterator[str]:
    for name, still, bared in moved(picture):
        yield f"{name:8}  still {still:5.2f}  bared {bared:5.2f}"


if __name__ == "__main__":
    print_rows(__doc__, _rows)
