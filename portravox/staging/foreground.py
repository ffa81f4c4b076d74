"""Foreground colours: what a person's edge would look like were nothing behind it.

Flow      staging.cutout -> staging.foreground -> staging.backdrops
Reads     pixels, the cut-out
Gives     colours of the person, also where the photograph mixes them with what is behind

Source: Germer, Uelwer, Conrad & Harmeling, "Fast Multi-Level Foreground Estimation", ICPR 2020,
algorithm 1, with the values of their reference implementation. Compiled.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.compiled_code import compiled

SMOOTHNESS, EDGES = np.float32(1e-5), np.float32(1.0)
"""How much neighbours' colours are alike, everywhere and the more the more the cut-out differs
between them. Source: the paper, section 3."""

SMALL_PX, SMALL_STEPS, STEPS = 32, 10, 2
"""Levels up to this side are gone over so often, larger ones so often. Source: likewise."""

MOST_SIDE_PX = 2048
"""Longer side up to which colours are found pixel by pixel: 50 MB for each of five copies."""

ALL_PERSON = 0.99
"""From this share of the cut-out on a pixel is nothing but the person."""


def foreground_colours(pixels: UInt8, cutout: Float32) -> UInt8:
    """The person's own colours, everywhere.

    Both layers are found together, from one pixel up to the whole picture, such that mixed by the
    cut-out they give the photograph and each is smooth where that leaves it open.

    pixels   (H, W, 3), cutout (H, W) 0..1
    returns  (H, W, 3)

    Of larger pictures than MOST_SIDE_PX they are found on a reduced one; where there is nothing but
    the person, the photograph's own pixels stay.
    """
    height, width = cutout.shape
    scale = min(1.0, MOST_SIDE_PX / max(height, width))
    if scale == 1.0:
        return _colours(pixels, cutout)
    size = (round(width * scale), round(height * scale))
    small, there = (cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in (pixels, cutout))
    out = np.asarray(
        cv2.resize(_colours(small, there), (width, height), interpolation=cv2.INTER_CUBIC), np.uint8
    )
    whole = cv2.erode((cutout > ALL_PERSON).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    out[whole] = pixels[whole]
    return out


def _colours(pixels: UInt8, cutout: Float32) -> UInt8:
    height, width = cutout.shape
    image = pixels.astype(np.float32)
    levels = math.ceil(math.log2(max(height, width)))
    front = np.full((1, 1, 3), 128.0, np.float32)
    back = front.copy()
    for level in range(levels + 1):
        size = (
            max(1, round(width ** (level / levels))),
            max(1, round(height ** (level / levels))),
        )
        small, alpha = (
            cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (image, cutout)
        )
        front, back = (
            np.ascontiguousarray(
                cv2.resize(part, size, interpolation=cv2.INTER_NEAREST).reshape(size[1], size[0], 3)
            )
            for part in (front, back)
        )
        steps = SMALL_STEPS if max(size) <= SMALL_PX else STEPS
        _solve(
            small.reshape(size[1], size[0], 3), alpha.reshape(size[1], size[0]), front, back, steps
        )
    colours: UInt8 = np.clip(front + 0.5, 0, 255).astype(np.uint8)
    return colours


@compiled()
def _solve(image: Float32, alpha: Float32, front: Float32, back: Float32, steps: int) -> None:
    """Improve both layers of one level, in place."""
    height, width = alpha.shape
    for _ in range(steps):
        for y in range(height):
            for x in range(width):
                a = alpha[y, x]
                b = np.float32(1.0) - a
                a00, a01, a11 = a * a, a * b, b * b
                f0 = a * image[y, x, 0]
                f1 = a * image[y, x, 1]
                f2 = a * image[y, x, 2]
                b0 = b * image[y, x, 0]
                b1 = b * image[y, x, 1]
                b2 = b * image[y, x, 2]
                for side in range(4):
                    yn = min(max(y + (1 if side == 0 else -1 if side == 1 else 0), 0), height - 1)
                    xn = min(max(x + (1 if side == 2 else -1 if side == 3 else 0), 0), width - 1)
                    weight = SMOOTHNESS + EDGES * abs(a - alpha[yn, xn])
                    a00 += weight
                    a11 += weight
                    f0 += weight * front[yn, xn, 0]
                    f1 += weight * front[yn, xn, 1]
                    f2 += weight * front[yn, xn, 2]
                    b0 += weight * back[yn, xn, 0]
                    b1 += weight * back[yn, xn, 1]
                    b2 += weight * back[yn, xn, 2]
                scale = np.float32(1.0) / (a00 * a11 - a01 * a01)
                front[y, x, 0] = min(
                    max((a11 * f0 - a01 * b0) * scale, np.float32(0.0)), np.float32(255.0)
                )
                front[y, x, 1] = min(
                    max((a11 * f1 - a01 * b1) * scale, np.float32(0.0)), np.float32(255.0)
                )
                front[y, x, 2] = min(
                    max((a11 * f2 - a01 * b2) * scale, np.float32(0.0)), np.float32(255.0)
                )
                back[y, x, 0] = min(
                    max((a00 * b0 - a01 * f0) * scale, np.float32(0.0)), np.float32(255.0)
                )
                back[y, x, 1] = min(
                    max((a00 * b1 - a01 * f1) * scale, np.float32(0.0)), np.float32(255.0)
                )
                back[y, x, 2] = min(
                    max((a00 * b2 - a01 * f2) * scale, np.float32(0.0)), np.float32(255.0)
                )
