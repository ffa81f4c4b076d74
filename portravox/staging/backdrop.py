"""Backdrop: what stands behind the person in place of what was photographed.

Flow      staging.cutout, the option `background` -> staging.backdrop -> staging.stage
Reads     pixels, the cut-out, a colour or another picture
Gives     pixels with the person before it

The person's edge is taken apart into its own colour and what shone through (`foreground`), so that
nothing of the old background goes along.
"""

from __future__ import annotations

import cv2
import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.options import background_colour, background_kind
from portravox.render.backdrop import filled_in
from portravox.render.upright import grained
from portravox.staging.foreground import foreground_colours

WORK_PX = 384
"""Longer side at which a background is blurred: nothing there is sharp."""

BLUR = 0.035
"""Standard deviation, in shorter sides: a lens wide open. Our choice."""

SURELY_BEHIND = 0.02
"""Up to this share of the cut-out a place is background."""

ROWS_AT_ONCE = 64
"""Pictures are put together in strips, so that no copy of them in floats is ever held."""


def set_before(pixels: UInt8, cutout: Float32, background: str, picture: UInt8 | None) -> UInt8:
    """The person of a picture before a background.

    pixels      (H, W, 3), cutout (H, W) 0..1
    background  the option, any but keep. Of transparent, the person's own colours, everywhere
    picture     (h, w, 3) of any size, where it is one: it covers the frame
    returns     (H, W, 3)
    """
    person = foreground_colours(pixels, cutout)
    match background_kind(background):
        case "transparent":
            return person
        case "blur":
            behind = blurred_background(pixels, cutout)
        case "colour":
            behind = np.broadcast_to(
                np.array(background_colour(background), np.uint8), pixels.shape
            )
        case _:
            assert picture is not None
            behind = covering(picture, (pixels.shape[1], pixels.shape[0]))
    out = np.empty_like(pixels)
    for top in range(0, len(out), ROWS_AT_ONCE):
        rows = slice(top, top + ROWS_AT_ONCE)
        share = cutout[rows, :, None]
        mixed = person[rows] * share + behind[rows] * (np.float32(1.0) - share)
        out[rows] = (mixed + np.float32(0.5)).astype(np.uint8)
    return out


def covering(picture: UInt8, size: tuple[int, int]) -> UInt8:
    """The middle of a picture, (h, w, 3), scaled to cover a size, (width, height)."""
    height, width = picture.shape[:2]
    scale = max(size[0] / width, size[1] / height)
    w, h = (
        max(1, min(round(want / scale), have))
        for want, have in zip(size, (width, height), strict=True)
    )
    left, top = (width - w) // 2, (height - h) // 2
    part = np.ascontiguousarray(picture[top : top + h, left : left + w])
    how = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, size, interpolation=how), np.uint8)


def blurred_background(pixels: UInt8, cutout: Float32) -> UInt8:
    """(H, W, 3) the background out of focus, going on behind the person."""
    height, width = cutout.shape
    scale = min(1.0, WORK_PX / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    there = cv2.resize(cutout, size, interpolation=cv2.INTER_AREA)
    taken = cv2.dilate((there > SURELY_BEHIND).astype(np.uint8), np.ones((5, 5), np.uint8))
    known = (taken == 0).astype(np.float32)
    behind = filled_in(small, known) if known.any() else small
    soft = cv2.GaussianBlur(behind, (0, 0), BLUR * min(size))
    wide = cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)
    # a photograph's grain hides the steps that a smooth wall has in eight bits
    grainy = grained(np.asarray(wide, np.float32), pixels, cutout < 0.5)
    out: UInt8 = np.clip(grainy + 0.5, 0, 255).astype(np.uint8)
    return out
