from __future__ import annotations

import numpy as np
import pytest

from portravox.arrays import Float64
from portravox.rig.shapes import smiling


def mouth(width_mm: float, corners_above_mm: float) -> Float64:
    """(468, 3) mm: nothing but the corners and the middle of a mouth."""
    points = np.zeros((468, 3))
    points[61] = (-width_mm / 2, -corners_above_mm, 0.0)
    points[291] = (width_mm / 2, -corners_above_mm, 0.0)
    return points


def test_a_mouth_of_usual_width_with_its_corners_low_is_serious() -> None:
    assert smiling(mouth(50.0, -2.0)) == 0.0


@pytest.mark.parametrize(("width_mm", "corners_above_mm"), [(66.0, 0.0), (48.0, 7.0)])
def test_a_broad_mouth_smiles_and_so_does_one_with_raised_corners(
    width_mm: float, corners_above_mm: float
) -> None:
    assert smiling(mouth(width_mm, corners_above_mm)) == 1.0


def test_the_broader_the_more_it_smiles() -> None:
    amounts = [smiling(mouth(width_mm, 0.0)) for width_mm in (50.0, 54.0, 58.0, 62.0)]
    assert np.all(np.diff(amounts) > 0.0)
