from __future__ import annotations

import cv2
import numpy as np
import pytest

from portravox.render.sharpness import RANGE_PX, edge_sigma, grain_deviation


def stripes(sigma_px: float) -> np.ndarray:
    """Wide dark and light stripes whose edges are blurred by a Gaussian."""
    x = np.arange(400)
    steps = np.where((x // 40) % 2 == 0, 60.0, 190.0)
    picture = np.repeat(steps[None], 120, axis=0).astype(np.float32)
    return cv2.GaussianBlur(picture, (0, 0), sigma_px).astype(np.uint8)


@pytest.mark.parametrize("sigma_px", [1.0, 2.0, 3.5])
def test_a_known_blur_is_found(sigma_px: float) -> None:
    assert edge_sigma(stripes(sigma_px)) == pytest.approx(sigma_px, rel=0.3)


def test_a_picture_without_edges_is_as_soft_as_can_be() -> None:
    assert edge_sigma(np.full((80, 80), 128, np.uint8)) == RANGE_PX[1]


@pytest.mark.parametrize("deviation", [0.0, 2.0, 5.0])
def test_known_grain_is_found_beside_edges(deviation: float) -> None:
    noise = np.random.default_rng(1).normal(0, 1, (120, 400)) * deviation
    grainy = np.clip(stripes(1.5) + noise, 0, 255).astype(np.uint8)
    assert grain_deviation(grainy) == pytest.approx(deviation, rel=0.25, abs=0.3)
