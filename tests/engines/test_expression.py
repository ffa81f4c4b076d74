"""What an expression does to a face, read from its pictures by the networks that find landmarks."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from portravox.animation.controls import CONTROLS
from portravox.animation.expression import ADDED, FULL, amounts, with_expression
from portravox.arrays import Float32, Float64, UInt8
from portravox.demo import demo_portrait
from portravox.face.face import Face
from portravox.face.find import find_face
from portravox.face.matte import person_matte
from portravox.media.picture import Picture
from portravox.media.picture_file import read_picture
from portravox.options import Direction
from portravox.render.scene import Painter, Scene, prepare_scene
from portravox.rig.deform import Deformer
from portravox.rig.fit import fit, photo_smile
from portravox.rig.shapes import SHAPES

INNER_BROWS, OUTER_BROWS, BROWS = [55, 285], [46, 276], [105, 334]
CORNERS = [61, 291]
UPPER_LIDS, LOWER_LIDS = [159, 386], [145, 374]
NOSE = [5, 195, 197]


@cache
def _scene() -> tuple[Scene, Face]:
    pixels = read_picture(demo_portrait(), max_side_px=384).pixels
    face = find_face(Picture(pixels))[0]
    matte = person_matte(pixels, face)
    return prepare_scene(fit(face, matte), pixels, matte), face


def _drawn(expression: str, strength: float = 1.0, smile: float = 0.0) -> UInt8:
    """The face at rest with this expression, the head as photographed."""
    scene, _ = _scene()
    asked = amounts(Direction(expression=expression, expression_strength=strength))[None]
    rows = with_expression(
        np.zeros((1, len(CONTROLS)), np.float32),
        asked,
        head_strength=0.0,
        mouth_strength=1.0,
        photo_smile=smile,
    )
    return Painter(scene).draw(Deformer(scene.rig).deform(rows[0])).rgb()


@cache
def _landmarks(expression: str, strength: float = 1.0) -> Float32:
    """(478, 2) shares of the face's width, y down, against the bridge of the nose."""
    face = find_face(Picture(_drawn(expression, strength)))[0]
    points: Float32 = (face.landmarks[:, :2] - face.landmarks[NOSE, :2].mean(axis=0)) / (
        face.width_px
    )
    return points


def _moved(expression: str, points: list[int]) -> Float64:
    """(2,) right and down, mean of both sides, the right one mirrored: out and down."""
    change = (_landmarks(expression) - _landmarks("neutral"))[points]
    return np.array([(change[1, 0] - change[0, 0]) / 2, change[:, 1].mean()])


def test_happy_raises_corners_and_draws_them_apart() -> None:
    out, down = _moved("happy", CORNERS)
    assert out > 0.008
    assert down < -0.008


def test_sad_lowers_corners_and_raises_the_inner_ends_of_the_brows() -> None:
    assert _moved("sad", CORNERS)[1] > 0.006
    inner, outer = _moved("sad", INNER_BROWS)[1], _moved("sad", OUTER_BROWS)[1]
    assert inner < -0.003
    assert inner < outer - 0.006


def test_surprised_raises_brows_and_upper_lids() -> None:
    assert _moved("surprised", BROWS)[1] < -0.01
    assert _moved("surprised", UPPER_LIDS)[1] < -0.002
    opening = [
        (_landmarks(name)[LOWER_LIDS] - _landmarks(name)[UPPER_LIDS])[:, 1].mean()
        for name in ("neutral", "surprised")
    ]
    assert opening[1] > opening[0]


def test_serious_raises_the_lower_lids_and_lowers_the_brows() -> None:
    assert _moved("serious", LOWER_LIDS)[1] < -0.001
    # the network that finds landmarks hardly sees brows come down: their vertices are asked
    scene, face = _scene()
    rig = scene.rig
    brow_lower = FULL["serious"]["brow_lower"] * rig.shapes[SHAPES.index("brow_lower"), INNER_BROWS]
    assert (brow_lower @ rig.axes[:, 1] / face.width_px > 0.008).all()


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_neutral_and_strength_0_are_the_photograph(strength: float) -> None:
    expression = "neutral" if strength else "sad"
    assert np.array_equal(_drawn(expression, strength), _drawn("neutral"))


def test_half_the_strength_is_less_of_it() -> None:
    half, whole = (
        np.abs(_drawn("sad", strength).astype(int) - _drawn("neutral")).mean()
        for strength in (0.5, 1.0)
    )
    assert 0.0 < half < whole


def test_a_smile_that_is_there_is_seen() -> None:
    assert 0.0 <= photo_smile(_scene()[1]) <= 1.0
    at_rest = np.abs(_drawn("happy", smile=1.0).astype(int) - _drawn("neutral"))
    unsmiling = np.abs(_drawn("happy").astype(int) - _drawn("neutral"))
    assert at_rest.mean() < 0.5 * unsmiling.mean()


def test_every_added_control_is_one_of_the_rig() -> None:
    assert set(ADDED) <= set(CONTROLS)
