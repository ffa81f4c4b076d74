"""Shut lids against the skin around them: texture, colour, white and smears; rings of a gaze aside.

Flow      portraits -> benchmarks.sheets.Sitter, shut eyes -> a row for each eye

    python -m benchmarks.lids [PORTRAIT ...]

Without a PORTRAIT those of samples/portraits, or the demo's. Columns, for the middle of each eye:

    grain, pores   texture of the lid in grey levels, and that of the cheek below: median of what
                   is finer than a bell of .25 mm, and between those of .25 and .9 mm
    colour         largest difference of the lid's median colour from between those of the skin
                   above and below, 0..255
    white          share of the shut eye brighter than the skin around by a fifth
    left           what the shut lid leaves as photographed, within 6 mm of the landmarks' opening,
                   that has the colour of white or iris and not of skin: mm2 of an eye of 30 mm;
                   nan where those colours are alike
    lines          grey levels of lines thinner than 1.6 mm that the open eye has more when it
                   looks 7 degrees to the left or the right, whichever has more: rings about irises
    smear          share of the place above the outer corner that is darker in the shut eye than
                   half of the skin's brightness
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from benchmarks.portrait_rows import print_rows
from benchmarks.sheets import Sitter, Window
from portravox.arrays import Bool, Float32, UInt8
from portravox.face.eye_extent import with_eyeball_edges
from portravox.face.eyes import EyeView, view_eye
from portravox.media.picture import Picture
from portravox.media.planes import even_sides
from portravox.render.drawing import disc
from portravox.rig.topology import LEFT_EYE, RIGHT_EYE

BELLS_MM = (0.25, 0.9)

LINE_MM = 1.6
GAZES_DEG = (-7.0, 7.0)

LEFT_MM = 6.0
SAME = 12.0
"""Of 255 in every channel: closer colours are the photograph's."""

LEAST_WARMER, BALL_SHARE = 0.06, 0.35
"""Skin must be warmer than white, by red less blue as a share of all, for the two to be told apart;
up to so far on the way from white to skin is white or iris."""


@dataclass(frozen=True, slots=True)
class LidLook:
    """What one shut eye looks like."""

    grain: float
    grain_of_cheek: float
    pores: float
    pores_of_cheek: float
    colour: float
    white: float
    left_mm2: float
    lines: float
    smear: float

    def row(self) -> str:
        """As text."""
        return (
            f"grain {self.grain:.2f} of {self.grain_of_cheek:.2f}  pores {self.pores:.2f} of "
            f"{self.pores_of_cheek:.2f}  colour {self.colour:.0f}  white {self.white:.3f}  "
            f"left {self.left_mm2:.1f}  lines {self.lines:+.1f}  smear {self.smear:.3f}"
        )


def lid_looks(picture: Picture) -> tuple[LidLook, LidLook]:
    """Of the eyes on the picture's left and right. Raises FaceError."""
    picture = replace(picture, pixels=even_sides(picture.pixels))
    sitter = Sitter(picture)
    whole = Window(0, 0, picture.width_px, picture.height_px)
    shut = sitter.cells({"shut": {"blink_left": 1, "blink_right": 1}}, whole)["shut"]
    gazes = [sitter.cells({"gaze": {"gaze_yaw_deg": yaw}}, whole)["gaze"] for yaw in GAZES_DEG]
    landmarks = sitter.face.landmarks[:, :2].astype(np.float64)
    views = tuple(
        view_eye(
            picture.pixels,
            landmarks[list(eye.upper)],
            landmarks[list(eye.lower)],
            landmarks[list(eye.iris)],
        )
        for eye in (LEFT_EYE, RIGHT_EYE)
    )
    wholes = with_eyeball_edges(*views)
    left, right = (
        _look(whole, shut, side, _left_mm2(view, shut), _more_lines(view, picture.pixels, gazes))
        for view, whole, side in zip(views, wholes, (-1, 1), strict=True)
    )
    return left, right


def _left_mm2(view: EyeView, frame: UInt8) -> float:
    """What the shut lid leaves of the eyeball, however large the eye is thought to be."""
    height, width = view.pixels.shape[:2]
    shut = cv2.warpAffine(frame, view.to_view, (width, height)).astype(np.float32)
    photo = view.pixels.astype(np.float32)
    y = np.arange(height)[:, None]
    opening = (y > view.upper) & (y < view.lower)
    away = cv2.distanceTransform((~opening).astype(np.uint8), cv2.DIST_L2, 5) / view.mm
    light = photo.sum(axis=-1)
    warm = (photo[..., 0] - photo[..., 2]) / (light + 30.0)
    ball = opening & (light >= np.median(light[opening]))
    skin = (away > LEFT_MM) & (away < 1.5 * LEFT_MM)
    of_ball, of_skin = float(np.median(warm[ball])), float(np.median(warm[skin]))
    if of_skin - of_ball < LEAST_WARMER:
        return float("nan")
    like_ball = warm < of_ball + BALL_SHARE * (of_skin - of_ball)
    like_ball &= light > np.median(light[ball]) / 2
    same = np.abs(shut - photo).max(axis=-1) < SAME
    return float((same & like_ball & (away < LEFT_MM)).sum() / view.mm**2)


def _more_lines(view: EyeView, photo: UInt8, gazes: list[UInt8]) -> float:
    """How much more of thin lines there is in the open eye when it looks aside."""
    before, *after = (_lines(view, frame) for frame in (photo, *gazes))
    return max(after) - before


def _lines(view: EyeView, frame: UInt8) -> float:
    """Grey levels of what is brighter or darker than beside it and thinner than LINE_MM, the mean
    between the lids."""
    height, width = view.pixels.shape[:2]
    seen = cv2.warpAffine(frame, view.to_view, (width, height), flags=cv2.INTER_CUBIC)
    grey = cv2.GaussianBlur(seen.astype(np.float32).mean(axis=-1), (0, 0), 0.15 * view.mm)
    line = disc(LINE_MM * view.mm / 2)
    thin = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, line) - cv2.morphologyEx(
        grey, cv2.MORPH_OPEN, line
    )
    y = np.arange(height)[:, None]
    between = (y > view.upper + view.mm) & (y < view.lower - view.mm)
    return float(thin[between].mean()) if between.any() else 0.0


def _look(view: EyeView, frame: UInt8, side: int, left_mm2: float, lines: float) -> LidLook:
    height, width = view.pixels.shape[:2]
    shut = cv2.warpAffine(frame, view.to_view, (width, height)).astype(np.float32)
    photo = view.pixels.astype(np.float32)
    mm, y, x = view.mm, np.arange(height)[:, None], np.arange(width)[None]
    edge = view.lower * 0.9 + view.upper * 0.1
    middle = np.abs((x - np.mean(view.corners)) / view.width) < 0.3
    lid = (y < edge - 1.6 * mm) & (y > view.upper + 0.5 * mm) & middle
    cheek = (y > view.lower + 3.5 * mm) & (y < view.lower + 9 * mm) & middle
    above = (y < view.upper - 5.5 * mm) & (y > view.upper - 8.5 * mm) & middle
    fine, pores = _texture(shut, lid, mm)
    fine_below, pores_below = _texture(photo, cheek, mm)
    own, below, over = (
        np.median(p[w], axis=0) for p, w in ((shut, lid), (photo, cheek), (photo, above))
    )
    skin = float(max(below.mean(), over.mean()))
    beyond = np.maximum(np.minimum(below, over) - own, own - np.maximum(below, over))
    was_open = (y > view.upper) & (y < view.lower) & middle
    corner = view.corners[0 if side < 0 else 1]
    level = view.lower[int(np.clip(corner, 0, width - 1))]
    out = side * (x - corner) / mm
    at_corner = (out > -3.0) & (out < 3.0) & (y < level - 2.5 * mm) & (y > level - 6.0 * mm)
    return LidLook(
        grain=fine,
        grain_of_cheek=fine_below,
        pores=pores,
        pores_of_cheek=pores_below,
        colour=float(max(beyond.max(), 0.0)),
        white=float((shut.mean(axis=-1)[was_open] > 1.2 * skin).mean()),
        left_mm2=left_mm2,
        lines=lines,
        smear=float((shut.mean(axis=-1)[at_corner] < 0.5 * skin).mean()),
    )


def _texture(picture: Float32, where: Bool, mm: float) -> tuple[float, float]:
    grey = picture.mean(axis=-1)
    soft, softer = (cv2.GaussianBlur(grey, (0, 0), max(0.5, bell * mm)) for bell in BELLS_MM)
    return tuple(  # type: ignore[return-value] # of two
        float(np.median(np.abs(band[where] - np.median(band[where]))))
        for band in (grey - soft, soft - softer)
    )


def _rows(picture: Picture) -> list[str]:
    looks = zip(("left", "right"), lid_looks(picture), strict=True)
    return [f"{side:5}  {look.row()}" for side, look in looks]


if __name__ == "__main__":
    print_rows(__doc__, _rows)
