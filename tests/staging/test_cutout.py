"""A person cut out: strands with it, the old background without."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from portravox.arrays import Float32, UInt8
from portravox.face.face import Face
from portravox.face.find import find_face
from portravox.face.matte import person_matte
from portravox.staging.backdrop import blurred_background, covering, set_before
from portravox.staging.cutout import fine_cutout
from portravox.staging.foreground import foreground_colours
from tests.talking import portrait

WALL, HAIR = np.array([190.0, 195.0, 200.0]), np.array([60.0, 40.0, 30.0])


def _face() -> Face:
    return find_face(portrait())[0]


def _person() -> tuple[UInt8, Float32, Float32]:
    """A dark head before an even wall, with strands; its true share, and a matte that knows none.

    (256, 256, 3), (256, 256), (256, 256)
    """
    x, y = (int(v) for v in _face().landmarks[4, :2])
    fine = np.zeros((1024, 1024), np.uint8)
    middle = (4 * x, 4 * y)
    cv2.circle(fine, middle, 4 * 50, 255, -1)
    without = cv2.resize(fine, (256, 256), interpolation=cv2.INTER_AREA)
    for degrees in range(-150, -30, 12):
        way = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]) * 4 * 53.5
        end = (round(middle[0] + way[0]), round(middle[1] + way[1]))
        cv2.line(fine, middle, end, 255, 6)
    cut = cv2.resize(fine, (256, 256), interpolation=cv2.INTER_AREA) / np.float32(255)
    pixels = HAIR * cut[..., None] + WALL * (1 - cut[..., None])
    matte = cv2.GaussianBlur(without, (0, 0), 2.0) / np.float32(255)
    noise = np.random.default_rng(1).normal(0.0, 1.5, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8), cut, matte


def test_before_an_even_wall_strands_are_found_that_the_matte_misses() -> None:
    pixels, cut, matte = _person()
    found = fine_cutout(pixels, matte, _face())
    strands = (cut > 0.5) & (matte < 0.3)
    assert strands.sum() > 10
    assert found[strands].mean() > 0.6 > 0.3 > matte[strands].mean()
    assert np.abs(found - cut).mean() < 0.5 * np.abs(matte - cut).mean()


def test_an_ear_of_another_colour_than_the_hair_is_the_persons() -> None:
    """Its projection onto the way from wall to hair alone would say that half of it is wall."""
    pixels, _, matte = _person()
    x, y = (int(v) for v in _face().landmarks[4, :2])
    ear = np.s_[y - 6 : y + 6, x + 41 : x + 46]
    pixels[ear] = (215, 130, 110)
    assert matte[ear].min() > 0.8
    assert fine_cutout(pixels, matte, _face())[ear].min() > 0.9


def test_far_from_the_person_there_is_nothing_and_within_it_all() -> None:
    photo, face = portrait().pixels, _face()
    matte = person_matte(photo, face)
    found = fine_cutout(photo, matte, face)
    assert found.dtype == np.float32
    x, y = np.round(face.landmarks[:468, :2]).astype(int).T
    assert found[y, x].mean() > 0.98
    assert found[:30, :30].max() == 0.0


def test_colours_that_were_mixed_are_taken_apart() -> None:
    pixels, cut, _ = _person()
    edge = (cut > 0.2) & (cut < 0.8)
    own = foreground_colours(pixels, cut)[edge]
    assert np.abs(own - HAIR).mean() < 12.0
    assert np.abs(pixels[edge] - HAIR).mean() > 50.0


def test_large_pictures_have_the_same_colours_found_on_a_reduced_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pixels, cut, _ = _person()
    whole = foreground_colours(pixels, cut)
    monkeypatch.setattr("portravox.staging.foreground.MOST_SIDE_PX", 128)
    reduced = foreground_colours(pixels, cut)
    inside = cv2.erode((cut > 0.99).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert np.array_equal(reduced[inside], pixels[inside])
    edge = (cut > 0.2) & (cut < 0.8)
    assert np.abs(reduced[edge].astype(int) - whole[edge]).mean() < 12.0


def test_before_its_own_colour_a_picture_is_what_it_was() -> None:
    """There and back: mixed with what was behind it, nothing has changed."""
    pixels, cut, _ = _person()
    again = set_before(pixels, cut, "#bec3c8", None)
    assert np.abs(again.astype(int) - pixels).mean() < 3.0
    assert np.all(again[:20, :20] == WALL)


def test_no_halo_of_a_bright_wall_is_left_before_black() -> None:
    pixels, cut, _ = _person()
    dark = set_before(pixels, cut, "#000000", None)
    edge = (cut > 0.2) & (cut < 0.8)
    wanted = (HAIR * cut[..., None])[edge]
    assert (dark[edge] - wanted).mean() < 6.0
    assert ((pixels * cut[..., None])[edge] - wanted).mean() > 25.0  # what a plain cut leaves


def test_a_picture_covers_the_frame_with_its_middle() -> None:
    wide = np.zeros((100, 400, 3), np.uint8)
    wide[:, 150:250] = 200  # what a square of it shows
    for size in ((50, 50), (300, 300), (100, 100)):
        shown = covering(wide, size)
        assert shown.shape == (size[1], size[0], 3)
        assert shown[:, 2:-2].min() > 190
    pixels, cut, _ = _person()
    made = set_before(pixels, cut, "wall.png", np.full((9, 9, 3), (250, 10, 90), np.uint8))
    assert np.all(made[:10, :10] == (250, 10, 90))


def test_a_blurred_background_has_nothing_of_the_person_and_no_detail() -> None:
    pixels, cut, _ = _person()
    pixels[:, ::8] = 120  # a fence
    behind = blurred_background(pixels, cut)
    assert behind.min() > 120  # the hair has 60
    assert behind[:, :200:8].astype(int).std() < 8.0


def test_what_can_be_seen_through_has_the_persons_colours_beyond_its_edge() -> None:
    pixels, cut, _ = _person()
    clear = set_before(pixels, cut, "transparent", None)
    ring = cv2.dilate((cut > 0.5).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    assert np.abs(clear[ring] - HAIR).mean() < 12.0
