from __future__ import annotations

import cv2
import numpy as np
import pytest

from portravox.arrays import Float32, UInt8
from portravox.render.backdrop import (
    BEYOND,
    Layers,
    _in_one_piece,
    _lines,
    _mirrored,
    _raised,
    _torn,
    evenness,
    filled_in,
    split_layers,
    strands,
    unsure,
)
from portravox.rig.fit import Rig


@pytest.fixture(scope="module")
def layers(rig: Rig, photo: UInt8, matte: Float32) -> Layers:
    return split_layers(rig, photo, matte)


def test_background_away_from_the_person_is_the_photograph(
    rig: Rig, layers: Layers, photo: UInt8, matte: Float32
) -> None:
    x0, y0, x1, y1 = rig.region
    away = cv2.dilate(matte, np.ones((15, 15)))[y0:y1, x0:x1] < 0.05
    assert away.sum() > 1000
    assert np.array_equal(layers.plate[away], photo[y0:y1, x0:x1][away])


def test_the_moving_layer_holds_the_whole_person(rig: Rig, layers: Layers, matte: Float32) -> None:
    x0, y0, x1, y1 = rig.region
    assert np.mean(layers.matte[matte[y0:y1, x0:x1] > 0.9] > 230) > 0.998


def test_filling_in_keeps_what_is_known_and_continues_it() -> None:
    picture = np.full((60, 90, 3), (200.0, 120.0, 40.0), np.float32)
    known = np.ones((60, 90), np.float32)
    known[10:50, 20:70] = 0
    holed = picture * known[..., None]
    filled = filled_in(holed, known)
    assert np.array_equal(filled[known > 0], picture[known > 0])
    assert np.abs(filled - picture).max() < 1.0


def test_filling_in_blends_from_side_to_side() -> None:
    picture = np.repeat(np.linspace(50, 200, 96, dtype=np.float32)[None], 64, axis=0)
    picture = np.repeat(picture[..., None], 3, axis=2)
    known = np.ones((64, 96), np.float32)
    known[:, 30:66] = 0
    filled = filled_in(picture * known[..., None], known)[32, :, 0]
    assert filled[32] < 130 < filled[63]
    assert np.abs(np.diff(filled)).max() < 25


def test_behind_the_outline_the_background_keeps_its_texture(
    rig: Rig, photo: UInt8, matte: Float32
) -> None:
    noise = np.random.default_rng(5).integers(0, 255, photo.shape, dtype=np.uint8)
    person = (matte > 0.5)[..., None]
    plate = split_layers(rig, np.where(person, photo, noise), matte).plate
    x0, y0, x1, y1 = rig.region
    inside = person[y0:y1, x0:x1, 0]
    reach = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5)
    rim = inside & (reach < 0.04 * rig.width_px)
    grey = cv2.cvtColor(plate, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 2.0))
    assert detail[rim].mean() > 0.4 * detail[~inside].mean()


def test_no_line_is_drawn_where_two_mirror_images_meet() -> None:
    """Behind a bar that stands on stripes to its left and dots to its right."""
    unknown = np.zeros((60, 60), np.uint8)
    unknown[:, 20:41] = 1
    mirrored, _ = _mirrored(unknown)
    torn = _torn(mirrored)
    assert torn[30, 30] == 1.0  # in the middle, where left and right are equally near
    assert torn[30, 21:24].max() < 0.05  # not along the outline, which alone is ever seen
    assert torn[:, :18].max() == 0.0


def test_strands_before_an_even_background_belong_to_the_head() -> None:
    picture = np.full((200, 200, 3), 220, np.uint8)
    cv2.circle(picture, (100, 100), 50, (60, 40, 30), -1)
    cv2.line(picture, (100, 52), (160, 45), (70, 50, 40), 1)  # a hair that stands off
    covered = np.zeros((200, 200), np.float32)
    cv2.circle(covered, (100, 100), 50, 1.0, -1)
    found = strands(picture, covered, 100.0)
    assert found[45:52, 110:125].max() == 1.0
    assert found[130:, :].max() == 0.0  # along the outline there is none
    lively = np.random.default_rng(0).integers(0, 255, picture.shape).astype(np.uint8)
    assert strands(lively, covered, 100.0).mean() < 0.01


def test_what_the_margin_does_not_join_to_the_head_stays_behind() -> None:
    covered = np.zeros((100, 200), np.float32)
    cv2.circle(covered, (60, 50), 30, 1.0, -1)  # the head
    covered[20:30, 96:104] = 0.6  # a wisp near it
    covered[60:70, 150:170] = 0.6  # something in the background
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11))
    kept, grown = _in_one_piece(covered, disc, np.array([60.0, 50.0]))
    assert kept[20:30, 96:104].min() > 0.5
    assert kept[50, 35:85].min() == 1.0
    assert kept[:, 140:].max() == 0.0
    assert grown[:, 140:].max() == 0
    assert grown[50, 94] == 255


def test_a_background_is_even_in_a_gradient_and_not_where_two_of_its_parts_meet() -> None:
    behind = np.repeat(np.linspace(60, 100, 200, dtype=np.float32)[None], 120, axis=0)
    behind[:, 150:] = 20.0  # a curtain beside a window
    even = evenness(
        np.repeat(behind[..., None], 3, axis=2),
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (21, 21)),
    )
    assert even[:, 140:160].max() < 0.05
    assert even[:, :110].min() > 0.95


def test_the_matte_is_raised_until_colours_of_the_photograph_do() -> None:
    """A strand of hair, .4 of which moves, before a wall: only as black as the hair around, it
    would be too pale."""
    region = np.full((60, 60, 3), 200, np.uint8)
    region[:, 20:40] = 40
    plate = np.full((60, 60, 3), 200, np.uint8)
    moves = np.where(region[..., 0] < 100, 102, 0).astype(np.uint8)
    raised = _raised(region, plate, moves)
    assert raised[:, :20].max() == 0
    # 160 levels darker, by colours that are at most BEYOND darker still
    assert abs(raised[30, 30] / 255.0 - 160.0 / (160.0 + BEYOND)) < 0.01


def test_the_way_of_lines_goes_on_behind_the_head() -> None:
    y, x = np.mgrid[:120, :120].astype(np.float32)
    stripes = np.where((0.8 * x + 0.6 * y) % 24.0 < 12.0, 200.0, 60.0)
    unknown = (np.hypot(x - 60, y - 60) < 25.0).astype(np.uint8)
    lines = _lines(np.repeat(stripes[..., None], 3, axis=2).astype(np.float32), unknown, 8)
    rim = (unknown > 0) & (np.hypot(x - 60, y - 60) > 18.0)
    along = np.abs(lines @ np.array([0.6, -0.8], np.float32))[rim]
    assert along.mean() > 0.8
    assert np.median(np.abs(lines @ np.array([0.8, 0.6], np.float32))[rim]) < 0.1


def test_a_lively_background_stays_still_up_to_the_person(
    rig: Rig, photo: UInt8, matte: Float32
) -> None:
    columns = np.arange(photo.shape[1]) * 4 // rig.width_px % 2
    doors = np.where(columns[None, :, None] > 0, photo // 4, 200).astype(np.uint8)
    before = np.where((matte > 0.5)[..., None], photo, doors)
    narrow = split_layers(rig, before, matte).matte
    wide = split_layers(rig, np.where((matte > 0.5)[..., None], photo, 200), matte).matte
    x0, y0, x1, y1 = rig.region
    person = matte[y0:y1, x0:x1] > 0.5
    away = cv2.distanceTransform((~person).astype(np.uint8), cv2.DIST_L2, 5) / rig.width_px
    ring = (away > 0.025) & (away < 0.045)
    assert narrow[ring].mean() < 0.5 * wide[ring].mean()
    assert np.mean(narrow[person] > 200) > 0.97


def test_where_the_matte_is_unsure_over_a_wide_place_no_outline_is_looked_for() -> None:
    """A soft edge is none such; grey between black and white over a fifth of the face is."""
    unit, side = 100.0, 200
    edge = np.broadcast_to(np.clip((np.arange(side) - 100) / 6.0 + 0.5, 0.0, 1.0), (side, side))
    assert not unsure(edge.astype(np.float32), unit).any()
    wide = edge.astype(np.float32)
    wide[20:40, 60:120] = 0.7
    known = unsure(wide, unit)
    assert known[30, 90] > 0.99
    assert known[150, 100] == 0.0
