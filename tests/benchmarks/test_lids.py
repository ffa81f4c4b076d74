from __future__ import annotations

import numpy as np
import pytest

from benchmarks.lids import _left_mm2, lid_looks
from portravox.arrays import UInt8
from portravox.face.eyes import view_eye
from portravox.media.picture import Picture


def test_the_demos_lids_are_skin(photo: UInt8) -> None:
    for look in lid_looks(Picture(photo)):
        assert look.white == 0.0
        assert look.smear < 0.05
        assert look.colour < 30
        assert 0.2 < look.pores / look.pores_of_cheek < 2.0
        assert look.row().startswith("grain ")


def test_what_a_lid_leaves_of_the_white_is_counted() -> None:
    y, x = np.mgrid[0:400, 0:400]
    skin = np.full((400, 400, 3), (210, 150, 120), np.uint8)
    bow = 30 * np.clip(1 - ((x - 200) / 75.0) ** 2, 0, None)
    eye = np.abs(y - 200) < bow
    picture = np.where(eye[..., None], np.uint8(235), skin)
    t = np.linspace(125, 275, 9)
    edge = 30 * (1 - ((t - 200) / 75) ** 2)
    iris = np.array([[200, 200], [225, 200], [200, 225], [175, 200], [200, 175]])
    view = view_eye(
        picture, np.column_stack([t, 200 - edge]), np.column_stack([t, 200 + edge]), iris
    )
    mm2 = eye.sum() / 5.0**2
    assert _left_mm2(view, picture) == pytest.approx(mm2, rel=0.02)
    assert _left_mm2(view, skin) == 0.0
    half = np.where((y > 200)[..., None], picture, skin)
    assert _left_mm2(view, half) == pytest.approx(mm2 / 2, rel=0.04)
