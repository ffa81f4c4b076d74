"""Where faces are: a coarse search over the whole picture.

Flow      media.picture -> face.detect -> face.landmarks
Reads     pixels
Gives     detections, largest first, each face once
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from portravox.arrays import UInt8
from portravox.face.face import Box
from portravox.face.models import Detection, detect_faces_in

SEARCH_PX = 384
"""Windows are shrunk to this before the search: twice what the far network sees."""

_TILES = ((0.5, 96.0), (0.25, 96.0), (0.125, 256.0))
"""Sides of the search tiles as shares of the longer side, and the least side in px for which the
step is worth its time: smaller tiles only magnify faces that are too small to use. The network
sees faces down to a twentieth of its window, so the last step finds faces of 1 % of a large
picture."""

_ZOOM_OUT = 1.8
"""A face larger than the picture is seen by looking at the picture with a border around it."""


def searches(pixels: UInt8) -> Iterator[tuple[Detection, ...]]:
    """Upright faces (leaning up to about 45 degrees) by ever more patient searches.

    First the whole picture; then the picture with a border around it; then overlapping tiles,
    in steps down to an eighth. Take the next search only when no find of the last one turned
    out to be a face: each is several times slower than the one before.

    pixels  (H, W, 3)
    yields  boxes and keypoints in px of `pixels`, the widest first; empty where nothing is found
    """
    whole = Box(0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0]))
    yield _each_once(_search(pixels, [whole]))
    yield _each_once(_search(pixels, [_grown(whole, _ZOOM_OUT)]))
    for share, least_px in _TILES:
        tiles = list(_tiles(whole, share, least_px))
        yield _each_once(_search(pixels, tiles, near=False))


def _search(pixels: UInt8, windows: list[Box], *, near: bool = True) -> list[Detection]:
    """What the far network, and with near also the near one, finds in some windows.

    In px of the picture.
    """
    scales = [min(1.0, SEARCH_PX / max(window.width, window.height)) for window in windows]
    views = [_view(pixels, *place) for place in zip(windows, scales, strict=True)]
    found: list[Detection] = []
    for far in (False, True) if near else (True,):
        answers = detect_faces_in(views, far=far)
        for window, scale, answer in zip(windows, scales, answers, strict=True):
            found.extend(_in_picture(one, window, scale) for one in answer)
    return found


def _in_picture(one: Detection, window: Box, scale: float) -> Detection:
    """What was found in a view, in px of the picture."""
    box = Box(
        one.box.x0 / scale + window.x0,
        one.box.y0 / scale + window.y0,
        one.box.x1 / scale + window.x0,
        one.box.y1 / scale + window.y0,
    )
    keypoints = one.keypoints / np.float32(scale)
    keypoints += np.array([window.x0, window.y0], np.float32)
    return Detection(box, one.score, keypoints)


def _view(pixels: UInt8, window: Box, scale: float) -> UInt8:
    """The window's pixels, shrunk; grey where it reaches outside the picture."""
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = (round(v) for v in (window.x0, window.y0, window.x1, window.y1))
    inside = pixels[max(y0, 0) : min(y1, height), max(x0, 0) : min(x1, width)]
    if scale < 1.0:
        size = (max(1, round(inside.shape[1] * scale)), max(1, round(inside.shape[0] * scale)))
        inside = np.asarray(cv2.resize(inside, size, interpolation=cv2.INTER_AREA), np.uint8)
    left, top = round(max(-x0, 0) * scale), round(max(-y0, 0) * scale)
    right, bottom = round(max(x1 - width, 0) * scale), round(max(y1 - height, 0) * scale)
    if not (left or top or right or bottom):
        return inside
    framed = cv2.copyMakeBorder(
        inside, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(128, 128, 128)
    )
    return np.asarray(framed, np.uint8)


def _grown(box: Box, factor: float) -> Box:
    dx, dy = (factor - 1.0) / 2.0 * box.width, (factor - 1.0) / 2.0 * box.height
    return Box(box.x0 - dx, box.y0 - dy, box.x1 + dx, box.y1 + dy)


def _tiles(whole: Box, share: float, least_px: float) -> Iterator[Box]:
    """Square tiles that overlap by at least a half, so that a face lies whole in one of them."""
    side = share * max(whole.width, whole.height)
    if side < least_px:
        return
    for y0 in _steps(whole.height, side):
        for x0 in _steps(whole.width, side):
            yield Box(x0, y0, min(x0 + side, whole.width), min(y0 + side, whole.height))


def _steps(length: float, side: float) -> list[float]:
    if length <= side:
        return [0.0]
    count = int(np.ceil((length - side) / (side / 2.0))) + 1
    return [float(start) for start in np.linspace(0.0, length - side, count)]


def _each_once(found: list[Detection]) -> tuple[Detection, ...]:
    """Of finds that lie on each other the surest; then by size, the largest first."""
    kept: list[Detection] = []
    for one in sorted(found, key=lambda each: -each.score):
        if all(_overlap(one.box, other.box) < 0.3 for other in kept):
            kept.append(one)
    return tuple(sorted(kept, key=lambda each: -each.box.width))


def _overlap(a: Box, b: Box) -> float:
    """Shared area over the smaller one's: 1 when one lies inside the other."""
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    if width <= 0.0 or height <= 0.0:
        return 0.0
    return width * height / min(a.width * a.height, b.width * b.height)
