from __future__ import annotations

import cv2
import numpy as np

from benchmarks.behind import GRAIN_COUNTS_TO, _differs, backgrounds
from portravox.arrays import Float32, UInt8


def test_grain_counts_as_no_difference() -> None:
    for name, picture in backgrounds(200, 300, 100.0):
        assert picture.shape == (200, 300, 3)
        again = dict(backgrounds(200, 300, 100.0))[name]
        assert np.array_equal(picture, again)
        if name in ("coat", "horizon"):
            middle = cv2.medianBlur(np.rint(picture).astype(np.uint8), 5)
            off = np.abs(picture - middle).max(axis=-1)
            assert np.mean(off > GRAIN_COUNTS_TO) < 0.02


def test_before_a_plain_wall_nothing_is_seen_to_move(photo: UInt8, matte: Float32) -> None:
    cutout = np.clip(cv2.GaussianBlur(matte, (0, 0), 1.0), 0.0, 1.0)
    wall = np.full(photo.shape, 150.0, np.float32)
    share = cutout[..., None]
    pixels = np.rint(photo * share + wall * (1.0 - share)).astype(np.uint8)
    still, _ = _differs(pixels, wall, cutout)
    assert still < 3.0
