"""Beyond the corners of a mouth that is drawn inwards there is skin, and no line of the lips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.corners import darkness_beyond
from portravox.arrays import Float32, Float64, UInt8
from portravox.demo import examples
from portravox.face.find import find_face
from portravox.face.matte import person_matte
from portravox.media.picture_file import read_picture
from portravox.media.planes import even_sides
from portravox.render.corners import take_out_crease
from portravox.render.film import LipsInUse
from portravox.render.scene import Painter, Scene, prepare_scene
from portravox.rig.deform import Deformer
from portravox.rig.fit import fit
from portravox.rig.shapes import MOUTH_CORNERS

Row = Callable[..., Float32]

MM = 4.0
"""px"""

CORNER = np.array([200.0, 120.0])
OUTWARDS = np.array([1.0, 0.0])
SKIN = np.array([196.0, 150.0, 128.0])
OO = {"speech": 1.0, "lip_gap": 0.08, "jaw": 0.2, "lip_round": 1.0}


def lips() -> Float64:
    """(P, 2) an ellipse whose right end is the corner."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.column_stack([100 + 100 * np.cos(angle), 120 + 36 * np.sin(angle)])


def drawn_corner(*, line_px: float, from_x: float = 200.0, grain: float = 4.0) -> UInt8:
    """Skin with lips and a dark line, 3 px thick, that begins at `from_x` and is `line_px` long."""
    y, x = np.mgrid[0:240, 0:320].astype(np.float64)
    picture = np.broadcast_to(SKIN, (240, 320, 3)).copy()
    picture += np.random.default_rng(3).normal(0, grain, (240, 320, 1))
    picture[((x - 100) / 100) ** 2 + ((y - 120) / 36) ** 2 < 1] = (170, 80, 80)
    line = (np.abs(y - 120) < 1.6) & (x >= from_x) & (x < from_x + line_px)
    picture[line] = (60, 40, 35)
    return np.clip(picture, 0, 255).astype(np.uint8)


def test_the_line_that_goes_on_from_a_corner_becomes_skin() -> None:
    picture = drawn_corner(line_px=20.0)
    before = darkness_beyond(picture, CORNER, OUTWARDS, MM)
    box = take_out_crease(picture, CORNER, OUTWARDS, lips(), MM)
    assert box is not None
    assert before > 0.4
    assert darkness_beyond(picture, CORNER + 1.5 * MM * OUTWARDS, OUTWARDS, MM) < 0.05


def test_what_takes_its_place_is_as_grainy_as_the_skin() -> None:
    picture = drawn_corner(line_px=20.0, grain=9.0)
    take_out_crease(picture, CORNER, OUTWARDS, lips(), MM)
    grey = picture.astype(np.float64).mean(axis=-1)
    line, skin = grey[119:122, 206:220], grey[160:180, 206:240]
    assert 0.6 < line.std() / skin.std() < 1.4


def test_only_the_line_changes() -> None:
    picture, before = (drawn_corner(line_px=20.0) for _ in range(2))
    box = take_out_crease(picture, CORNER, OUTWARDS, lips(), MM)
    assert box is not None
    changed = (picture != before).any(axis=-1)
    y, x = np.nonzero(changed)
    assert box.x0 + 3 < x.min() and x.max() < box.x1 - 3 and box.y0 + 3 < y.min()
    assert y.max() < box.y1 - 3
    assert np.abs(y - 120).max() < 2.0 * MM
    assert all(side % 2 == 0 for side in box)


def test_a_fold_that_does_not_begin_at_the_corner_stays() -> None:
    picture = drawn_corner(line_px=40.0, from_x=220.0)
    assert take_out_crease(picture, CORNER, OUTWARDS, lips(), MM) is None


def test_skin_without_a_line_stays() -> None:
    picture = drawn_corner(line_px=0.0, grain=0.0)
    before = picture.copy()
    take_out_crease(picture, CORNER, OUTWARDS, lips(), MM)
    assert np.array_equal(picture[:, 206:], before[:, 206:])


def test_the_line_between_the_lips_pales_towards_the_corner() -> None:
    picture = drawn_corner(line_px=70.0, from_x=150.0, grain=0.0)
    before = picture.copy()
    take_out_crease(picture, CORNER, OUTWARDS, lips(), MM)
    paler = (picture.astype(int) - before)[120, 184:204].mean(axis=-1)
    assert np.all(np.diff(paler) >= -1) and paler[0] < 10 < 60 < paler[-1]


def test_painted_lips_that_reach_beyond_their_outline_keep_their_tip() -> None:
    picture = drawn_corner(line_px=0.0, grain=0.0)
    before = picture.copy()
    short = (lips() - (0.0, 120.0)) * (0.97, 1.0) + (0.0, 120.0)
    corner = np.array([194.0, 120.0])
    take_out_crease(picture, corner, OUTWARDS, short, MM)
    assert np.abs(picture.astype(int) - before)[100:140, :196].max() < 12


@pytest.fixture(scope="module")
def drawn() -> Scene:
    """The drawn woman of the examples: a dark line around the corners of her mouth."""
    path = next(each.portrait for each in examples() if each.name == "woman")
    picture = read_picture(path)
    pixels = even_sides(picture.pixels)
    face, _ = find_face(picture)
    matte = person_matte(pixels, face)
    return prepare_scene(fit(face, matte, pixels), pixels, matte)


def test_a_drawn_mouth_has_no_streak_beyond_its_rounded_corners(
    drawn: Scene, controls: Row
) -> None:
    posed = Deformer(drawn.rig).deform(controls(**OO))
    middle = drawn.rig.rest[[13, 14], :2].mean(axis=0)

    def darkest(frame: UInt8) -> float:
        return max(
            darkness_beyond(
                frame,
                posed.vertices[corner, :2].astype(np.float64),
                (drawn.rig.rest[corner, :2] - middle).astype(np.float64),
                drawn.rig.px_per_mm,
            )
            for corner in MOUTH_CORNERS
        )

    only_moved = Painter(replace(drawn, lips=replace(drawn.lips, corners=(None, None))))
    before = darkest(only_moved.paint(posed))
    assert before > 0.4
    assert darkest(Painter(drawn).paint(posed)) < 0.55 * before


def test_a_film_comes_back_to_the_photograph_to_the_last_bit(drawn: Scene) -> None:
    lips_film = LipsInUse(drawn.lips)
    photographed = drawn.lips.film
    lips_film.take_out((1.0, 0.6))
    assert not np.array_equal(lips_film.film.luma, photographed.luma)
    lips_film.take_out((0.0, 0.0))
    for plane in ("luma", "cb", "cr"):
        assert np.array_equal(getattr(lips_film.film, plane), getattr(photographed, plane))


def test_frames_do_not_depend_on_those_before(drawn: Scene, controls: Row) -> None:
    deformer = Deformer(drawn.rig)
    fresh = Painter(drawn).paint(deformer.deform(controls(**OO)))
    used = Painter(drawn)
    for lip_round in (0.2, 0.7, 0.0, 0.4):
        used.paint(deformer.deform(controls(speech=1.0, lip_round=lip_round)))
    assert np.array_equal(used.paint(deformer.deform(controls(**OO))), fresh)
