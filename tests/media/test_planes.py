from __future__ import annotations

import numpy as np

from portravox.media.planes import Planes


def smooth(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 2, y * 3, 200 - x - y], axis=2).clip(0, 255).astype(np.uint8)


def test_smooth_colours_come_back() -> None:
    picture = smooth(40, 60)
    assert np.abs(Planes.of(picture).rgb().astype(int) - picture).max() <= 5
    assert np.abs(Planes.of(picture).rgb().astype(int) - picture).mean() < 1.2


def test_greys_come_back_as_greys() -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None].repeat(4, 0), 3, axis=2)
    back = Planes.of(grey).rgb().astype(int)
    assert np.all(np.ptp(back, axis=2) == 0)
    assert np.abs(back - grey).max() <= 1


def test_a_part_is_a_view() -> None:
    planes = Planes.of(smooth(40, 60))
    part = planes.part(10, 4, 30, 20)
    assert part.shape == (16, 20)
    part.overwrite(Planes.of(np.zeros((16, 20, 3), np.uint8)))
    assert np.all(planes.luma[4:20, 10:30] == 16) and np.all(planes.cb[2:10, 5:15] == 128)
    assert planes.luma[3, 10] != 16


def test_a_copy_is_its_own() -> None:
    planes = Planes.of(smooth(8, 8))
    copy = planes.copy()
    planes.luma[:] = 0
    assert copy.luma.max() > 0
