"""The planes are those of the BT.709 formulas, to one step of 255."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.media.yuv import rgb_to_yuv420

# RGB -> YCbCr as ITU-R BT.709-6 tabulates it, written out independently of the code.
MATRIX = np.array(
    [
        [0.2126, 0.7152, 0.0722],
        [-0.2126 / 1.8556, -0.7152 / 1.8556, 0.9278 / 1.8556],
        [0.7874 / 1.5748, -0.7152 / 1.5748, -0.0722 / 1.5748],
    ]
)
COLOUR_BARS = {  # 8-bit codes of full-range colours in BT.709, as test charts give them
    (255, 255, 255): (235, 128, 128),
    (0, 0, 0): (16, 128, 128),
    (255, 0, 0): (63, 102, 240),
    (0, 255, 0): (173, 42, 26),
    (0, 0, 255): (32, 240, 118),
    (255, 255, 0): (219, 16, 138),
}


def planes(rgb: np.ndarray, spare: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three planes, with `spare` columns of 77 beside the picture."""
    height, width = rgb.shape[:2]
    luma = np.full((height, width + spare), 77, np.uint8)
    cb, cr = (np.full((height // 2, width // 2 + spare), 77, np.uint8) for _ in range(2))
    rgb_to_yuv420(rgb, luma, cb, cr)
    return luma, cb, cr


@pytest.mark.parametrize("height", [2, 34])
@pytest.mark.parametrize("width", [2, 50])
def test_planes_follow_the_standard(height: int, width: int) -> None:
    rgb = np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)
    luma, cb, cr = planes(rgb)
    ycc = rgb / 255 @ MATRIX.T  # (H, W, 3)
    blocks = ycc.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
    assert np.abs(luma - (16 + 219 * ycc[..., 0])).max() < 0.51
    assert np.abs(cb - (128 + 224 * blocks[..., 1])).max() < 0.51
    assert np.abs(cr - (128 + 224 * blocks[..., 2])).max() < 0.51


@pytest.mark.parametrize("colour", COLOUR_BARS)
def test_colour_bars(colour: tuple[int, int, int]) -> None:
    luma, cb, cr = planes(np.full((4, 4, 3), colour, np.uint8))
    assert (luma[0, 0], cb[0, 0], cr[0, 0]) == COLOUR_BARS[colour]
    assert np.ptp(luma) == np.ptp(cb) == np.ptp(cr) == 0


def test_every_grey_is_exactly_without_colour() -> None:
    greys = np.arange(256, dtype=np.uint8)
    _, cb, cr = planes(np.repeat(np.repeat(greys, 2)[None, :, None], 2, 0).repeat(3, 2))
    assert np.all(cb == 128) and np.all(cr == 128)


def test_columns_beyond_the_picture_are_left_alone() -> None:
    rgb = np.random.default_rng(6).integers(0, 256, (8, 10, 3), np.uint8)
    padded, bare = planes(rgb, spare=6), planes(rgb)
    for with_spare, without in zip(padded, bare, strict=True):
        width = without.shape[1]
        assert np.array_equal(with_spare[:, :width], without)
        assert np.all(with_spare[:, width:] == 77)
