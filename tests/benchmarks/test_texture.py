"""Fine detail of skin: softening, noise that stands still, and neither."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.quality.texture import fineness
from benchmarks.speed import demo_portrait
from portravox.arrays import UInt8

SHIFT_PX = 4


@pytest.fixture(scope="module")
def portrait() -> UInt8:
    """The astronaut, three times as large: patches of some size."""
    pixels = cv2.resize(demo_portrait()[:300, 100:400], None, fx=2.0, fy=2.0)
    noise = np.random.default_rng(0).normal(0.0, 6.0, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def moved(pixels: UInt8) -> UInt8:
    return np.roll(pixels, SHIFT_PX, axis=1)


def test_skin_that_is_only_moved_keeps_all_its_detail(portrait):
    fine = fineness([portrait, moved(portrait), moved(moved(portrait))])
    assert fine.energy == pytest.approx(1.0, abs=0.1)
    assert fine.carried > 0.9
    assert abs(fine.left_behind) < 0.2


def test_soft_skin_has_lost_energy(portrait):
    soft = cv2.GaussianBlur(portrait, (0, 0), 1.0)
    assert fineness([portrait, soft, soft]).energy < 0.5


def test_noise_that_stands_still_is_found(portrait):
    still = cv2.GaussianBlur(portrait, (0, 0), 2.0).astype(np.float64)
    noise = np.random.default_rng(1).normal(0.0, 8.0, portrait.shape)

    def behind_a_pane(pixels):
        return np.clip(pixels + noise, 0, 255).astype(np.uint8)

    frames = [behind_a_pane(np.roll(still, n * SHIFT_PX, axis=1)) for n in range(3)]
    assert fineness(frames).left_behind > 0.8
