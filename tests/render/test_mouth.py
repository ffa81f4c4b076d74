from __future__ import annotations

import numpy as np
import pytest

from portravox.render.mouth import toothness
from portravox.render.scene import Scene

SKIN = np.array([200.0, 150.0, 120.0])
LIP = np.array([180.0, 90.0, 95.0])


@pytest.mark.parametrize(
    ("what", "colour", "tooth"),
    [
        ("a tooth in full light", (230, 222, 205), True),
        ("a tooth in the shade", (150, 143, 131), True),
        ("lip", (180, 90, 95), False),
        ("gum", (170, 85, 90), False),
        ("skin", (200, 150, 120), False),
        ("the dark between the lips", (30, 18, 16), False),
    ],
)
def test_teeth_are_told_from_what_is_around_them(
    what: str, colour: tuple[int, int, int], tooth: bool
) -> None:
    del what
    likeness = float(toothness(np.array([[colour]], np.float32), SKIN, LIP)[0, 0])
    assert likeness > 0.8 if tooth else likeness < 0.2


def test_on_a_grey_picture_brightness_tells() -> None:
    grey_skin, grey_lip = np.full(3, 150.0), np.full(3, 90.0)
    tooth, dark = (np.full((1, 1, 3), v, np.float32) for v in (170.0, 40.0))
    assert toothness(tooth, grey_skin, grey_lip)[0, 0] > 0.8
    assert toothness(dark, grey_skin, grey_lip)[0, 0] < 0.2


def test_teeth_the_photograph_shows_are_kept(scene: Scene) -> None:
    own = scene.mouth.own
    assert own is not None
    shown = own.teeth[..., 3] > 0.7
    colours = own.teeth[shown][:, :3] / own.teeth[shown][:, 3:]
    assert shown.sum() > 30
    assert np.ptp(colours.mean(axis=0)) < 0.3 * colours.mean()  # pale


def test_upper_teeth_hang_on_the_skull_above_the_lower_ones(scene: Scene) -> None:
    rig, mouth = scene.rig, scene.mouth
    upper = rig.to_head_mm(mouth.upper_anchors)[0]
    lower = rig.to_head_mm(mouth.lower_anchors)[0]
    lips = rig.to_head_mm(rig.rest[[13, 14]].astype(np.float64))
    assert abs(upper[0] - lips[0, 0]) < 1.0
    assert upper[2] > lips[:, 2].mean()  # behind the lips
    assert lower[2] > upper[2]  # an overbite
