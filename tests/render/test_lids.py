"""The shut lid is skin, whatever stands before it; lashes turn with the lid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from portravox.arrays import Float32, UInt8
from portravox.face.eyes import EyeView, view_eye
from portravox.face.find import find_face
from portravox.face.matte import person_matte
from portravox.media.picture_file import read_picture
from portravox.render.eyes import EyePaint, paint_eye
from portravox.render.lids import (
    UPPER_SHARE,
    ShutLid,
    _without_islands,
    lash_line,
    made_up_mm,
    shut_lid,
)
from portravox.render.scene import Scene, prepare_scene
from portravox.rig.deform import Deformer
from portravox.rig.fit import fit

Row = Callable[..., Float32]

SKIN = np.array([205.0, 160.0, 135.0])
WHITE, IRIS, LASH = np.array([240.0, 238.0, 235.0]), np.array([70.0, 90.0, 110.0]), 30.0
HALF_PX, HIGH_PX = 120.0, 40.0

PAINTED = (
    "bw_photo_woman_tiara_smile_teeth.jpg",
    "woman_east_asian_very_large_2840.png",
    "boy_child_bangs.jpg",
)
"""Strong make-up, long lashes, and a child's eyes in the shade."""


def drawn_eye(
    *, lashes_px: float = 0.0, paint_px: float = 0.0, wing_px: float = 0.0, colour: bool = True
) -> EyeView:
    """An eye 240 px wide, with lashes that stand up from its upper lid, or with paint above it, or
    with a line that goes on beyond its right corner."""
    y, x = np.mgrid[0:420, 0:420].astype(np.float64)
    bow = HIGH_PX * np.clip(1 - ((x - 210) / HALF_PX) ** 2, 0, 1)
    rise = 210 - bow - y
    picture = np.broadcast_to(SKIN, (420, 420, 3)).copy()
    picture *= (0.9 + 0.1 * np.clip((y - 100) / 200, 0, 1))[..., None]
    inside = np.abs(x - 210) < HALF_PX
    picture[inside & (rise > 0) & (rise < paint_px)] = LASH
    picture[inside & (rise > -3) & (rise < 6)] = LASH
    picture[inside & (rise > 0) & (rise < lashes_px) & (x % 16 < 4)] = LASH
    out = x - 210 - HALF_PX
    picture[(out > -6) & (out < wing_px) & (np.abs(210 - y - 0.3 * out) < 5)] = LASH
    eye = (np.abs(y - 210) < bow) & inside & (rise < -3)
    picture[eye] = WHITE
    picture[eye & (np.hypot(x - 210, y - 205) < 46)] = IRIS
    if not colour:
        picture[:] = picture.mean(axis=-1, keepdims=True)
    t = np.linspace(210 - HALF_PX, 210 + HALF_PX, 11)
    edge = HIGH_PX * (1 - ((t - 210) / HALF_PX) ** 2)
    iris = 46.0 * np.array([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]]) + (210, 205)
    upper, lower = np.column_stack([t, 210 - edge]), np.column_stack([t, 210 + edge])
    return view_eye(picture.astype(np.uint8), upper, lower, iris)


def shut(view: EyeView, *, carved: bool = False) -> ShutLid:
    flat = np.zeros(view.pixels.shape, np.float32)
    bare, line = np.zeros(flat.shape[:2], bool), lash_line(view, carved=carved)
    return shut_lid(view, line, flat, bare, np.zeros(2), 0.6, line.height_mm)


def lid(view: EyeView, picture: UInt8, above_mm: tuple[float, float]) -> Float32:
    """(n, 3) what a picture shows so far above the shut edge, in the middle half of the eye."""
    low, high = view.corners
    columns = np.arange(int(low + 0.25 * view.width), int(high - 0.25 * view.width))
    edge = view.lower * UPPER_SHARE + view.upper * (1 - UPPER_SHARE)
    rows = np.arange(*(round(mm * view.mm) for mm in above_mm))[:, None]
    return picture[(edge[columns] - rows).astype(int), columns].reshape(-1, 3).astype(np.float32)


def test_what_is_taken_off_the_open_lid_gives_the_photograph_back() -> None:
    view = drawn_eye(lashes_px=40)
    taken = shut(view)
    columns = np.arange(int(view.corners[0] + 10), int(view.corners[1] - 10))
    for row in range(1, int(5 * view.mm)):
        at = view.upper[columns] - row
        above, part = np.floor(at).astype(int), (at % 1)[:, None]
        seen, bare = (
            pixels[above, columns] * (1 - part) + pixels[above + 1, columns] * part
            for pixels in (view.pixels, taken.bare)
        )
        assert np.abs(bare * (1 + taken.raised[row, columns]) - seen).mean() < 4


@pytest.mark.parametrize("colour", [True, False], ids=["colour", "grey"])
def test_lashes_that_stand_up_leave_nothing_above_a_shut_lid(colour: bool) -> None:
    view = drawn_eye(lashes_px=36, colour=colour)
    skin = np.median(lid(view, shut(view).skin, (1.5, 12.0)), axis=0)
    darkest = lid(view, shut(view).skin, (1.5, 12.0)).mean(axis=-1).min()
    assert darkest > 0.82 * skin.mean()


def test_they_hang_from_a_shut_one() -> None:
    standing, none = shut(drawn_eye(lashes_px=36)), shut(drawn_eye())
    below = slice(int(standing.lash_row + standing.root) + 2, None)
    assert standing.lashes[below].mean() > 1.15 * none.lashes[below].mean()


def beyond(view: EyeView, picture: UInt8, out_mm: float) -> float:
    """How bright the line of a wing is so far beyond the right corner."""
    out = out_mm * view.mm
    x, y = view.corners[1] + out, np.mean(view.lower[int(view.corners[1]) - 2]) - 0.3 * out
    return float(picture[round(float(y)) - 1 : round(float(y)) + 2, round(float(x))].mean())


def test_a_line_painted_on_beyond_the_corner_stays_when_the_eye_shuts() -> None:
    view = drawn_eye(wing_px=60)
    taken = shut(view)
    assert beyond(view, view.pixels, 3.0) < 50
    assert beyond(view, taken.skin, 3.0) < 60
    assert beyond(view, taken.bare, 3.0) < 60


def test_the_shade_in_a_corner_is_no_such_line() -> None:
    view = drawn_eye(wing_px=14)
    assert beyond(view, shut(view).skin, 1.5) > 120


def test_a_lid_is_as_dark_as_it_is_painted() -> None:
    plain, painted = drawn_eye(), drawn_eye(paint_px=60)
    skin = lid(plain, shut(plain).skin, (2.0, 8.0)).mean()
    assert skin > 0.8 * SKIN.mean()
    assert lid(painted, shut(painted).skin, (2.0, 8.0)).mean() < 0.5 * skin


def test_a_lid_in_grey_shade_has_the_colour_of_the_skin() -> None:
    view = drawn_eye()
    above = np.arange(view.pixels.shape[0])[:, None] < view.upper
    grey = view.pixels.mean(axis=-1, keepdims=True)
    shaded = np.where(above[..., None], 0.6 * grey, view.pixels).astype(np.uint8)
    view.pixels[:] = shaded
    seen = lid(view, shut(view).skin, (2.0, 6.0)).mean(axis=0)
    assert np.abs(seen / seen.mean() - SKIN / SKIN.mean()).max() < 0.08


def test_a_pale_lid_is_not_reddened_to_the_colour_of_the_cheek() -> None:
    view = drawn_eye()
    above = (np.arange(view.pixels.shape[0])[:, None] < view.upper - view.mm)[..., None]
    grey = view.pixels.mean(axis=-1, keepdims=True)
    pale = np.where(above, grey + 0.75 * (view.pixels - grey), view.pixels)
    view.pixels[:] = pale.astype(np.uint8)
    seen = lid(view, shut(view).skin, (2.0, 6.0)).mean(axis=0)
    share = (seen / seen.mean() - 1) @ (SKIN / SKIN.mean() - 1)
    share /= float(np.square(SKIN / SKIN.mean() - 1).sum())
    assert 0.68 < share < 0.85


def test_what_is_known_between_folds_on_all_sides_is_not_kept() -> None:
    unknown = np.zeros((80, 120), bool)
    unknown[30:60, 20:100] = True
    unknown[40:46, 50:56] = False
    mended = _without_islands(unknown, 4.0)
    assert mended[30:60, 20:100].all()
    np.testing.assert_array_equal(mended[:25], unknown[:25])


def test_the_rim_of_a_carved_lid_stays_when_it_shuts() -> None:
    view = drawn_eye(colour=False)
    y = np.arange(len(view.pixels))[:, None]
    groove = np.abs(view.upper - 3.0 * view.mm - y) < 0.5 * view.mm
    groove &= view.lower - view.upper > 4 * view.mm
    stone = np.where(groove[..., None], 120, 170).astype(np.uint8)
    view = replace(view, pixels=np.repeat(stone, 3, axis=2))
    lid_of_stone, lid_with_lashes = shut(view, carved=True), shut(view)
    middle = slice(
        round(view.corners[0] + 0.4 * view.width), round(view.corners[0] + 0.6 * view.width)
    )
    # of 50 grey levels of the groove; else it is taken for lashes
    deep, flat = (
        float(170 - np.median(kept.skin[:, middle].min(axis=0)))
        for kept in (lid_of_stone, lid_with_lashes)
    )
    assert deep > 40 > flat
    assert lid_of_stone.lashes.max() < 0.5


def frame_of(eye: EyePaint, scene: Scene, deformer: Deformer, controls: Row, blink: float) -> UInt8:
    frame = scene.photo.copy()
    paint_eye(eye, deformer.deform(controls(blink_left=blink, blink_right=blink)), frame)
    return frame


def seen_in_view(eye: EyePaint, frame: UInt8) -> tuple[Float32, float]:
    """(n,) brightness between the open lids' edges, and that of the brightest skin around."""
    view = eye.view
    height, width = view.pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    places = (np.column_stack([x.ravel(), y.ravel()]) - view.to_view[:, 2]) @ np.linalg.inv(
        view.to_view[:, :2]
    ).T
    column, row = np.clip(np.round(places).astype(int), 0, np.array(frame.shape[1::-1]) - 1).T
    light = frame[row, column].mean(axis=-1).reshape(height, width).astype(np.float32)
    middle = (x > view.corners[0] + 0.1 * view.width) & (x < view.corners[1] - 0.1 * view.width)
    opening = (y > view.upper) & (y < view.lower - view.mm) & middle
    skin = (y > view.lower + 3 * view.mm) & (y < view.lower + 8 * view.mm) & middle
    return light[opening], float(np.percentile(light[skin], 95))


def test_eyes_of_which_one_shows_less_of_its_shadow_are_made_up_alike() -> None:
    whole, half_covered = (lash_line(drawn_eye(paint_px=paint_px)) for paint_px in (36.0, 24.0))
    left_mm, right_mm = made_up_mm(half_covered, whole)
    assert left_mm == right_mm == made_up_mm(whole, whole)[0]
    assert left_mm > made_up_mm(half_covered, half_covered)[0] + 1.0


def test_an_eye_in_the_shade_paints_no_other() -> None:
    whole, bare = (lash_line(drawn_eye(paint_px=paint_px)) for paint_px in (36.0, 8.0))
    assert made_up_mm(bare, whole) == (made_up_mm(bare, bare)[0], made_up_mm(whole, whole)[0])


@pytest.fixture(scope="module", params=PAINTED)
def sitter(samples: Path, request: pytest.FixtureRequest) -> tuple[Scene, Deformer]:
    picture = read_picture(samples / "portraits" / request.param, max_side_px=768)
    face, _ = find_face(picture)
    matte = person_matte(picture.pixels, face)
    rig = fit(face, matte)
    return prepare_scene(rig, picture.pixels, matte), Deformer(rig)


def assert_nothing_white(scene: Scene, deformer: Deformer, controls: Row) -> None:
    for eye in scene.eyes:
        light, skin = seen_in_view(eye, frame_of(eye, scene, deformer, controls, 1.0))
        assert (light > skin + 20).mean() < 0.002


def test_a_shut_eye_shows_no_white(scene: Scene, deformer: Deformer, controls: Row) -> None:
    assert_nothing_white(scene, deformer, controls)


def test_nor_does_one_of_the_samples(sitter: tuple[Scene, Deformer], controls: Row) -> None:
    assert_nothing_white(*sitter, controls)


def test_no_dark_blot_stands_above_a_shut_eye(sitter: tuple[Scene, Deformer]) -> None:
    for eye in sitter[0].eyes:
        skin = lid(eye.view, eye.shut.skin, (2.0, 10.0)).mean(axis=-1)
        assert np.percentile(skin, 2) > 0.6 * np.median(skin)


def test_a_blink_begins_and_ends_without_a_jump(
    scene: Scene, deformer: Deformer, controls: Row
) -> None:
    eye = scene.eyes[0]
    frames = [
        frame_of(eye, scene, deformer, controls, blink).astype(float) for blink in (0.0, 0.01)
    ]
    assert np.abs(frames[1] - frames[0]).mean(axis=-1).max() < 25
