"""Masks and hands before the mouth."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from portravox.face.covering import covering
from portravox.face.find import find_fits
from portravox.media.picture import Picture

_JAW = [234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288]
_MASK = [*_JAW, 361, 323, 454, 280, 6, 50]
"""Outline from ear to ear along the jaw and back over the bridge of the nose."""


@pytest.mark.parametrize(
    "colour", [(130, 175, 205), (28, 28, 30), (235, 235, 238)], ids=["blue", "black", "white"]
)
def test_a_painted_mask_hides_the_mouth(astronaut: Picture, colour: tuple[int, int, int]) -> None:
    (bare,) = find_fits(astronaut.pixels)
    assert covering(astronaut.pixels, bare).hidden_by == ""
    masked = astronaut.pixels.copy()
    outline = np.round(bare.landmarks[_MASK, :2]).astype(np.int32)
    cv2.fillPoly(masked, [outline], colour, cv2.LINE_AA)
    (fit,) = find_fits(masked)
    assert covering(masked, fit).hidden_by != ""


def test_a_bare_face_has_no_hand_at_it(astronaut: Picture) -> None:
    (fit,) = find_fits(astronaut.pixels)
    assert covering(astronaut.pixels, fit).hands == ()
