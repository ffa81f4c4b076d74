from __future__ import annotations

import cv2
import numpy as np

from portravox.arrays import Float32
from portravox.render.outline import outline

SIDE, UNIT = 220, 120.0
Y, X = np.mgrid[:SIDE, :SIDE].astype(np.float32)


def _disc(radius: float) -> Float32:
    return (np.hypot(X - 110, Y - 110) < radius).astype(np.float32)


def _scene(person: Float32) -> Float32:
    """A reddish person before black and white door frames."""
    doors = np.where(X % 30 < 12, 30.0, 220.0)[..., None] * np.ones(3)
    noise = np.random.default_rng(1).normal(0.0, 3.0, (SIDE, SIDE, 3))
    return np.where(person[..., None] > 0, (190.0, 110.0, 80.0), doors + noise).astype(np.float32)


def _wrong(share: Float32, person: Float32) -> float:
    """How far off the share is, in squared face widths."""
    return float(np.abs(share - person).sum()) / UNIT**2


def test_colours_find_the_edge_that_a_matte_misses_on_either_side() -> None:
    """To the safe side, by which nothing of a person is left behind, of .012 face widths."""
    person = _disc(60)
    everywhere = np.ones((SIDE, SIDE), np.bool_)
    none = np.zeros((SIDE, SIDE), np.float32)
    for guessed in (54, 66):  # .05 face widths off
        matte = cv2.GaussianBlur(_disc(guessed), (0, 0), 2.0)
        found, clear = outline(_scene(person), matte, none, UNIT, everywhere)
        assert _wrong(found, person) < 0.6 * _wrong(_disc(guessed), person)
        assert not (clear & (_disc(58) > 0)).any()
        around = (_disc(guessed + 8) > 0) & ~(_disc(61) > 0)
        assert clear[around].mean() > 0.8


def test_where_colours_are_not_asked_the_matte_decides() -> None:
    nowhere = np.zeros((SIDE, SIDE), np.bool_)
    none = np.zeros((SIDE, SIDE), np.float32)
    found, clear = outline(_scene(_disc(60)), _disc(66), none, UNIT, nowhere)
    assert not clear.any()
    assert _wrong(found, _disc(66)) < 0.5 * _wrong(found, _disc(60))


def test_a_strand_is_the_persons_by_its_colour() -> None:
    """As light as what is behind, so that the picture's own edges, in grey, do not tell it."""
    person = _disc(60)
    strand = (X > 160) & (X < 178) & (np.abs(Y - 100) < 1.5)
    reddish = (person > 0) | strand
    picture = np.where(reddish[..., None], (190.0, 110.0, 80.0), (127.0, 127.0, 126.0))
    thin = cv2.dilate(strand.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    everywhere = np.ones((SIDE, SIDE), np.bool_)
    found, without = (
        outline(picture.astype(np.float32), person, known, UNIT, everywhere)[0]
        for known in (thin, np.zeros_like(thin))
    )
    tip = strand & (X > 170) & (X < 175) & (Y == 100)
    assert found[tip].mean() > 0.5 > 2.0 * without[tip].mean()
