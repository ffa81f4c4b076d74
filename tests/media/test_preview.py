"""A preview shows the frame, small."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from portravox.media.encode import VideoSettings
from portravox.media.planes import Planes
from portravox.media.preview import LONGER_SIDE_PX, preview_jpeg


def shown(frame: Planes) -> np.ndarray:
    with Image.open(io.BytesIO(preview_jpeg(frame))) as picture:
        assert picture.format == "JPEG"
        return np.asarray(picture.convert("RGB")).astype(int)


@pytest.mark.parametrize(
    "height, width, expected",
    [(512, 512, (512, 512)), (2, 2, (2, 2)), (1000, 600, (500, 300)), (4094, 2730, (510, 340))],
)
def test_it_is_no_larger_than_a_page_needs(height, width, expected):
    picture = shown(Planes.of(np.full((height, width, 3), 128, np.uint8)))
    assert picture.shape == (*expected, 3)
    assert max(picture.shape) < 2 * LONGER_SIDE_PX


@pytest.mark.parametrize("side", [400, 1440])
def test_it_has_the_colours_of_the_frame_where_they_were(side):
    frame = np.zeros((side, side, 3), np.uint8)
    quarters = {
        (0, 0): (220, 30, 30),
        (0, 1): (30, 200, 40),
        (1, 0): (30, 40, 210),
        (1, 1): (250,) * 3,
    }
    half = side // 2
    for (row, column), colour in quarters.items():
        frame[row * half : (row + 1) * half, column * half : (column + 1) * half] = colour
    picture = shown(Planes.of(frame))
    half = picture.shape[0] // 2
    for (row, column), colour in quarters.items():
        middle = picture[row * half + half // 2, column * half + half // 2]
        assert np.abs(middle - colour).max() <= 6


@pytest.mark.parametrize("side", [256, 400, 1440])
def test_it_carries_the_visible_label_that_the_video_has(side):
    """A preview a second of up to 959 px is a video of its own, to who keeps them."""
    frame = Planes.of(np.full((side, side, 3), 200, np.uint8))
    before = frame.luma.copy()
    with Image.open(io.BytesIO(preview_jpeg(frame, VideoSettings(visible_label="zh")))) as picture:
        labelled = np.asarray(picture.convert("RGB")).astype(int)
    changed = np.abs(labelled - shown(frame)).max(axis=-1) > 40
    rows, columns = np.nonzero(changed)
    assert rows.min() > 0.6 * len(labelled) and columns.min() > 0.3 * len(labelled)
    assert changed.mean() > 0.002
    assert np.array_equal(frame.luma, before)  # the video's own frame is labelled later
