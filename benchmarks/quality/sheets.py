"""Contact sheets: a video at a glance, and its mouth and eyes as large as they are.

Flow      video.mp4, Track -> sheets -> OUT/sheets/*.png -> report
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.probe import read_frames
from benchmarks.tracking import EYE_CORNERS, MOUTH_CORNERS, Track
from portravox.arrays import Bool, Float64, UInt8

COLUMNS = 12

CELL_PX = 240
"""Largest side of a cell: a close-up of a large picture is shrunk to it."""

MOUTH_WIDTHS = (1.7, 1.3)
EYE_WIDTHS = (1.35, 0.55)
"""Width and height of the close-ups, in widths of the mouth and of both eyes."""


def contact_sheet(video: Path, track: Track, blink: int, path: Path) -> None:
    """Three strips of twelve: moments over the whole video; the mouth at twelve openings from shut
    to widest; the eyes frame by frame around the frame of a blink."""
    count = len(track)
    over_time = np.linspace(0, count - 1, COLUMNS).round().astype(int)
    by_opening = np.argsort(track.lip_opening)[over_time]
    first = int(np.clip(blink - 3, 0, max(0, count - COLUMNS)))
    by_blink = [min(first + i, count - 1) for i in range(COLUMNS)]
    wanted = set(over_time) | set(by_opening) | set(by_blink)
    frames = {i: frame for i, frame in enumerate(read_frames(video)) if i in wanted}
    strips = [
        _strip([frames[i] for i in over_time]),
        _strip([_close(frames[i], track, i, MOUTH_CORNERS, MOUTH_WIDTHS) for i in by_opening]),
        _strip([_close(frames[i], track, i, _BOTH_EYES, EYE_WIDTHS) for i in by_blink]),
    ]
    width = max(strip.shape[1] for strip in strips)
    padded = [
        np.pad(strip, ((0, 6), (0, width - strip.shape[1]), (0, 0)), constant_values=255)
        for strip in strips
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(padded)).save(path)


_BOTH_EYES = (EYE_CORNERS[0][0], EYE_CORNERS[1][1])


def lid_glare(video: Path, track: Track, blink: int) -> float:
    """How much brighter the brightest hundredth around the eyes is in the frame of a blink than in
    the first frame, of 255."""
    brightest = {
        i: float(np.percentile(_close(frame, track, i, _BOTH_EYES, EYE_WIDTHS).mean(axis=2), 99.0))
        for i, frame in enumerate(read_frames(video))
        if i in (0, blink)
    }
    return brightest[blink] - brightest[0]


def _close(
    frame: UInt8, track: Track, index: int, ends: tuple[int, int], reach: tuple[float, float]
) -> UInt8:
    """The part of a frame around two landmarks, in its own pixels."""
    points = track.landmarks[index, list(ends), :2]
    sizes = np.linalg.norm(
        track.landmarks[:, ends[1], :2] - track.landmarks[:, ends[0], :2], axis=1
    )
    width = float(np.median(sizes))  # one size for the whole strip
    half = np.array(reach) * width / 2
    low = np.round(points.mean(axis=0) - half).astype(int)
    size = np.maximum(2, np.round(2 * half).astype(int))
    height_px, width_px = frame.shape[:2]
    x = np.clip(np.arange(low[0], low[0] + size[0]), 0, width_px - 1)
    y = np.clip(np.arange(low[1], low[1] + size[1]), 0, height_px - 1)
    close: UInt8 = frame[np.ix_(y, x)]
    return close


def _strip(cells: list[UInt8]) -> UInt8:
    """Cells side by side, shrunk where they are larger than CELL_PX."""
    row = []
    for cell in cells:
        scale = min(1.0, CELL_PX / max(cell.shape[:2]))
        size = (max(1, round(cell.shape[1] * scale)), max(1, round(cell.shape[0] * scale)))
        small = cv2.resize(cell, size, interpolation=cv2.INTER_AREA) if scale < 1.0 else cell
        row.append(np.pad(small, ((0, 0), (0, 3), (0, 0)), constant_values=255))
    strip: UInt8 = np.concatenate(row, axis=1).astype(np.uint8)
    return strip


def difference_picture(changed: Float64, allowed: Bool, path: Path) -> None:
    """Grey where pixels may change, red where they did although they may not.

    changed  (H, W) largest difference, of 255
    allowed  (H, W)
    """
    picture = np.zeros((*changed.shape, 3), np.uint8)
    picture[allowed] = 90
    picture[..., 0] = np.where(allowed, picture[..., 0], np.minimum(255, 40 * changed))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)
