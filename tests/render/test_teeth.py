from __future__ import annotations

import numpy as np
import pytest

from portravox.arrays import Float64
from portravox.render.teeth import Inlay, TeethLook, draw_teeth, draw_tongue

ENAMEL = np.array([220.0, 215.0, 200.0])
GUM = np.array([170.0, 90.0, 95.0])
EVEN = np.zeros(3)


def row(upper: bool, density: float = 6.0, slope: Float64 = EVEN, yaw_deg: float = 0.0) -> Inlay:
    look = TeethLook(ENAMEL, GUM, slope, yaw_deg)
    return draw_teeth(look, upper=upper, density=density, seed=3)


@pytest.mark.parametrize("upper", [True, False])
def test_teeth_end_at_their_edge(upper: bool) -> None:
    inlay = row(upper)
    x, edge = (round(v) for v in inlay.origin)
    beyond = edge + (8 if upper else -8)
    inside = edge - (18 if upper else -18)
    off_middle = x + 12  # not in the gap between the two middle teeth
    assert inlay.pixels[beyond, off_middle, 3] < 0.05
    assert inlay.pixels[inside, off_middle, 3] > 0.95


def test_colour_never_exceeds_its_cover() -> None:
    for inlay in (row(True), row(False), draw_tongue(colour=GUM, density=6.0, seed=7)):
        assert np.all(inlay.pixels[..., :3] <= 255 * inlay.pixels[..., 3:] + 0.5)
        assert inlay.pixels.min() >= 0


def test_front_teeth_are_brighter_than_those_in_the_corners() -> None:
    inlay = row(True)
    x, edge = (round(v) for v in inlay.origin)
    front = inlay.pixels[edge - 24, x + 20, :3].mean()
    back = inlay.pixels[edge - 24, x + 130, :3].mean()
    assert front > 1.4 * back


def test_same_seed_same_teeth() -> None:
    assert np.array_equal(row(True).pixels, row(True).pixels)


def test_teeth_keep_their_size_whatever_the_density() -> None:
    coarse, fine = row(True, 3.0), row(True, 6.0)
    assert coarse.pixels[..., 3].sum() / 9 == pytest.approx(
        fine.pixels[..., 3].sum() / 36, rel=0.03
    )


def test_the_side_towards_the_light_is_brighter() -> None:
    lit = row(True, slope=np.array([0.4, 0.0, -0.2])).pixels
    x, edge = 162, 75
    band = lit[edge - 40 : edge - 10, :, :3].mean(axis=(0, 2))
    assert band[x + 30 : x + 90].mean() > 1.15 * band[x - 90 : x - 30].mean()


def test_a_turned_head_shows_less_of_its_far_teeth() -> None:
    """The nose points to the right: there the arch goes out of sight sooner."""
    cover = row(True, yaw_deg=25.0).pixels[40:70, :, 3].mean(axis=0) > 0.5
    middle = len(cover) // 2
    assert cover[:middle].sum() > 1.1 * cover[middle:].sum()
