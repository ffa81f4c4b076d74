"""Whether the person wears glasses, which are stiff and may be dark.

Flow      face.landmarks -> face.glasses -> Face -> rig.fit
Reads     pixels, landmarks
Gives     how clear the bridge of a pair of glasses is to see, and the answer; whether a lens
          hides the eye; where the rim above it runs
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.face.crop import Square, cut
from portravox.face.eyes import EyeView

BRIDGE = 6
"""Landmark in the middle of the nose's root."""

INNER_EYE_CORNERS = (133, 362)

VIEW_PX = 96
VIEW_EYES = 0.72
"""Side of the view, in distances of the inner corners of the eyes: the root of the nose alone."""

LEAST_COLUMNS = 20.0
"""Percentile over the columns: a bridge crosses nearly all of them, wrinkles and hairs do not."""

LEAST_STEP = 0.033
"""Measured: 30 faces without glasses up to 0.019, 3 with glasses from 0.051 on."""


RIM_STEP, RIM_FROM_MM, RIM_LONG_MM = 0.10, 5.0, 6.0
"""Brightness changes at a rim by so much of the skin's over a mm, so far above the lid at least,
and over such a length. Our choice."""

DARK_LENS = 0.40
"""Of the skin's brightness, at most, that skin shows through a dark lens. Measured behind clear
lenses: 0.43 to 0.71."""

LEAST_EYE_CONTRAST = 0.30
"""Between white and pupil, in skin brightnesses. Measured: 0.28 (blurred, in low light) to 1.3;
behind clear lenses from 0.34 on."""


def hidden_by_lens(view: EyeView, skin: float) -> bool:
    """True where all about an eye is dark and no white or iris shows, as behind sunglasses.

    skin  brightness of bare skin, 0..255
    """
    grey = cv2.cvtColor(view.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) / max(skin, 1.0)
    y = np.arange(len(grey), dtype=np.float32)[:, None]
    columns = view.lower - view.upper > 1.0
    above, below = view.upper - y, y - view.lower
    near, far = 2.0 * view.mm, 6.0 * view.mm
    ring = ((above > near) & (above < far)) | ((below > near) & (below < far))
    opening = (above < 0) & (below < 0) & columns
    if not opening.any():
        return False
    dark, light = np.percentile(grey[opening], (5, 95))
    around = float(np.median(grey[ring & columns]))
    return around < DARK_LENS and float(light - dark) < LEAST_EYE_CONTRAST


def rim_above(view: EyeView) -> Float32:
    """(w,) rows of the view at which the rim above an eye begins, as seen from the eye.

    It is where brightness changes first, going upwards, by RIM_STEP within a millimetre and over
    most of RIM_LONG_MM from side to side. Far above the view where there is none.
    """
    grey = cv2.cvtColor(view.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    mm = view.mm
    soft = cv2.GaussianBlur(grey, (0, 0), 0.3 * mm)
    step = np.abs(cv2.Sobel(soft, cv2.CV_32F, 0, 1)) / 8.0 * mm / max(float(np.median(grey)), 20.0)
    y = np.arange(len(grey), dtype=np.float32)[:, None]
    above = view.upper - y
    steep = (step > RIM_STEP) & (above > RIM_FROM_MM * mm)
    long = cv2.boxFilter(steep.astype(np.float32), -1, (2 * round(RIM_LONG_MM * mm / 2) + 1, 1))
    # a rim that leans passes from row to row
    near = cv2.dilate(long, np.ones((2 * round(0.5 * mm) + 1, 1), np.uint8))
    rows = np.where(steep & (near > 0.5), y, -float(len(grey))).max(axis=0)
    side = 2 * round(RIM_LONG_MM * mm / 2) + 1
    lowest = cv2.dilate(rows[None].astype(np.float32), np.ones((1, side), np.uint8))
    smooth: Float32 = cv2.blur(lowest, (side, 1), borderType=cv2.BORDER_REPLICATE)[0]
    return smooth


def wears_glasses(pixels: UInt8, landmarks: Float32) -> bool:
    """True where a rim crosses the root of the nose."""
    return bridge_step(pixels, landmarks) >= LEAST_STEP


def bridge_step(pixels: UInt8, landmarks: Float32) -> float:
    """The steepest change of brightness down the root of the nose, in skin brightnesses a pixel.

    pixels     (H, W, 3)
    landmarks  (478, 3) px
    returns    0 on even skin; that of the column at the percentile LEAST_COLUMNS
    """
    left, right = (landmarks[i, :2].astype(float) for i in INNER_EYE_CORNERS)
    across = right - left
    roll_deg = math.degrees(math.atan2(across[1], across[0]))
    x, y = landmarks[BRIDGE, :2]
    side = VIEW_EYES * float(np.hypot(*across))
    view = cut(pixels, Square(float(x), float(y), max(side, 1.0), roll_deg), VIEW_PX)
    grey = cv2.GaussianBlur(view.astype(np.float32), (0, 0), 1.5).mean(axis=-1)
    steps = np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8.0
    skin = max(float(np.median(grey)), 20.0)
    return float(np.percentile(steps.max(axis=0), LEAST_COLUMNS)) / skin
