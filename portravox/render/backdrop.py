"""What moves with the head and what stays behind it.

Flow      the photograph, face.matte, rig.fit -> render.backdrop -> render.scene

The head carries a strip of its own background along (the matte is grown by a margin), so hair needs
no cutting out: within the margin nothing is ever seen that was not in the photograph. Only where
the head moves further than the margin does the plate show, a filled-in background.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.face.face import LipState
from portravox.render.drawing import Box, box_around, polygon_cover
from portravox.rig.fit import Rig

MARGIN_FW = 0.045
"""How much background travels with the head, in face widths. Our choice: hair wisps are shorter."""

SHARP_UP_TO_PX = 2_600_000
"""Moving layers up to this many pixels are held at twice their size, so that looking between two
pixels does not soften them; larger ones are softened less than a viewer sees."""

LIP_REACH_MM = 30.0
"""The lips' own texture reaches so far around the mouth: further than any shape moves it."""

LIP_SPILL_MM = 0.5
"""Teeth shine a little over the edge of the lips in a photograph. Our choice."""

HALF_PIXEL_TAPS = np.array([1, -5, 20, 20, -5, 1], np.float32) / 32
"""Value halfway between two samples. Source: the half-sample filter of H.264 (ITU-T H.264,
8.4.2.2.1)."""


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """A piece of the photograph to look pixels up in."""

    pixels: UInt8
    """(h * scale, w * scale, 4) red, green, blue, matte."""

    scale: int
    """Its pixels per picture pixel, 1 or 2."""

    origin: tuple[int, int]
    """x, y in the picture of its first pixel."""


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """Both layers, covering the rig's region."""

    texture: Texture
    """What moves."""

    plate: UInt8
    """(h, w, 3) what lies behind."""


def split_layers(rig: Rig, pixels: UInt8, matte: Float32) -> Layers:
    """Split the rig's region of a photograph, (H, W, 3), by the person matte, (H, W)."""
    x0, y0, x1, y1 = rig.region
    region = np.ascontiguousarray(pixels[y0:y1, x0:x1])
    person = matte[y0:y1, x0:x1]
    margin = max(2, round(rig.width_px * MARGIN_FW))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
    grown = cv2.dilate((person > 0.35).astype(np.uint8) * 255, disc)
    grown = cv2.GaussianBlur(grown, (0, 0), max(1.0, margin * 0.45))
    layer = np.dstack([region, grown])
    scale = 2 if layer.shape[0] * layer.shape[1] <= SHARP_UP_TO_PX else 1
    if scale == 2:
        layer = double(layer)
    texture = Texture(np.ascontiguousarray(layer), scale, (x0, y0))
    return Layers(texture, _plate(region, person, rig.width_px))


def lip_texture(rig: Rig, photo: UInt8, layers: Layers) -> Texture:
    """The moving layer around the mouth, what is seen between the lips painted over with lip.

    Where the mesh misses the edge of a lip by a pixel, a lip then shows beside it, not a tooth.
    """
    mm = rig.px_per_mm
    left, top, right, bottom = rig.region
    lips = rig.face.lips
    outline = np.concatenate([lips.upper_inner, lips.lower_inner[-2:0:-1]])
    near = box_around(outline, LIP_REACH_MM * mm, photo)
    assert near is not None  # lips that were read lie in the picture
    box = Box(max(near.x0, left), max(near.y0, top), min(near.x1, right), min(near.y1, bottom))
    patch = np.ascontiguousarray(box.of(photo))
    if lips.state is not LipState.CLOSED:
        inside = (polygon_cover(outline - box.corner, box.size) > 0.25).astype(np.uint8)
        spill = max(1, round(LIP_SPILL_MM * mm))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * spill + 1, 2 * spill + 1))
        patch = cv2.inpaint(patch, cv2.dilate(inside, disc), 2 + spill, cv2.INPAINT_TELEA)
    scale = layers.texture.scale
    whole = layers.texture.pixels
    rows = slice((box.y0 - top) * scale, (box.y1 - top) * scale)
    columns = slice((box.x0 - left) * scale, (box.x1 - left) * scale)
    pixels = double(patch) if scale == 2 else patch
    return Texture(np.dstack([pixels, whole[rows, columns, 3]]), scale, (box.x0, box.y0))


def double(picture: UInt8) -> UInt8:
    """(H, W, c) -> (2H, 2W, c): every pixel kept at even places, half-way values between."""
    height, width = picture.shape[:2]
    out = np.empty((2 * height, 2 * width, picture.shape[2]), np.uint8)
    one = np.ones(1, np.float32)
    anchor = (2, -1)
    border = cv2.BORDER_REFLECT_101 if min(height, width) > 6 else cv2.BORDER_REPLICATE
    across = cv2.sepFilter2D(picture, cv2.CV_8U, HALF_PIXEL_TAPS, one, None, anchor, 0, border)
    out[::2, ::2] = picture
    out[::2, 1::2] = across
    down = (-1, 2)
    out[1::2, ::2] = cv2.sepFilter2D(
        picture, cv2.CV_8U, one, HALF_PIXEL_TAPS, None, down, 0, border
    )
    out[1::2, 1::2] = cv2.sepFilter2D(
        across, cv2.CV_8U, one, HALF_PIXEL_TAPS, None, down, 0, border
    )
    return out


def _plate(region: UInt8, person: Float32, width_px: float) -> UInt8:
    """The region with the person filled in from the background around.

    Filled at a reduced size, from narrow blurs near the edge to wide ones further in; the deep
    inside is never uncovered.
    """
    height, width = region.shape[:2]
    shrink = min(1.0, 200.0 / width_px)
    size = (max(8, round(width * shrink)), max(8, round(height * shrink)))
    small = cv2.resize(region, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    covered = cv2.resize((person > 0.25).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    known = (cv2.dilate((covered > 0.02).astype(np.uint8), np.ones((5, 5), np.uint8)) == 0).astype(
        np.float32
    )
    filled = np.zeros_like(small)
    share = np.zeros(known.shape, np.float32)
    for radius in (2, 5, 12, 30, 80):
        sigma = radius * shrink * width_px / 200 + 0.5
        colour = cv2.GaussianBlur(small * known[..., None], (0, 0), sigma)
        weight = cv2.GaussianBlur(known, (0, 0), sigma)
        take = np.clip(weight * 4, 0, 1) * (1 - share)
        filled += colour / np.maximum(weight, 1e-4)[..., None] * take[..., None]
        share += take
    filled = np.where(share[..., None] > 1e-3, filled / np.maximum(share, 1e-3)[..., None], small)
    wide = cv2.resize(filled, (width, height), interpolation=cv2.INTER_CUBIC)
    inside = cv2.dilate((person > 0.25).astype(np.uint8), np.ones((3, 3), np.uint8))
    edge = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), max(0.8, width_px * 0.004))
    blend = np.maximum(edge * 2 - 1, 0)[..., None]
    plate: UInt8 = np.clip(region * (1 - blend) + wide * blend + 0.5, 0, 255).astype(np.uint8)
    return plate
