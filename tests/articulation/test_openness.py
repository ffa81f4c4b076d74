"""How far sounds part the lips."""

import numpy as np
import pytest

from portravox.articulation.acoustic_model import ACOUSTIC_CHANNELS, AcousticOutput
from portravox.articulation.openness import (
    CONSTRICTION,
    NARROWEST,
    OPEN,
    opening_of,
    openness_of,
)
from portravox.articulation.phones import PHONE_CLASSES


def said(openness, phones, rounding=0.0):
    """The acoustic output of phones, a row each."""
    rows = len(phones)
    curves = np.zeros((rows, len(ACOUSTIC_CHANNELS)), np.float32)
    curves[:, ACOUSTIC_CHANNELS.index("aperture")] = openness
    curves[:, ACOUSTIC_CHANNELS.index("rounding")] = rounding
    classes = np.zeros((rows, len(PHONE_CLASSES)), np.float32)
    classes[np.arange(rows), [PHONE_CLASSES.index(phone) for phone in phones]] = 1.0
    return AcousticOutput(curves, classes, np.ones(rows, np.float32))


def test_a_vowel_with_spread_lips_stays_as_it_is():
    assert openness_of(said(0.6, ["i"] * 5)) == pytest.approx(0.6)


def test_the_rounder_the_lips_the_smaller_the_opening():
    rounding = np.linspace(0.0, 1.0, 11)
    narrowed = openness_of(said(0.8, ["u"] * 11, rounding))
    assert np.all(np.diff(narrowed) < 0.0)


@pytest.mark.parametrize("openness", [0.05, NARROWEST, 0.4, 0.8])
def test_rounding_does_not_shut_the_lips(openness):
    narrowed = openness_of(said(openness, ["w"] * 3, 1.0))
    assert narrowed == pytest.approx(
        max(min(openness, NARROWEST), openness - CONSTRICTION), abs=1e-6
    )


def test_what_is_shut_stays_shut():
    assert not openness_of(said(0.0, ["p", "b", "m", "w"], 1.0)).any()


def test_lips_that_are_pushed_forward_for_sh_stand_open():
    assert openness_of(said(0.5, ["sh"], 0.6))[0] > openness_of(said(0.5, ["s"]))[0]
    assert openness_of(said(0.5, ["w"], 0.6))[0] < 0.5


@pytest.mark.parametrize("free", ["h", "k", "g"])
def test_h_k_g_are_as_open_as_the_vowel_beside_them(free):
    output = said([0.2, 0.2, 0.9, 0.9], [free, free, "a", "a"])
    assert openness_of(output) == pytest.approx(0.9)
    output = said([0.2, 0.2, 0.9, 0.9], ["t", "t", "a", "a"])
    assert openness_of(output)[0] == pytest.approx(0.2)


def test_a_vowel_half_a_second_away_opens_nothing():
    output = said([0.2] + [0.0] * 49 + [0.9], ["h"] + ["s"] * 49 + ["a"])
    assert openness_of(output)[0] == pytest.approx(0.2)


def test_no_rows_have_no_openness():
    assert len(openness_of(AcousticOutput.empty())) == 0


def test_lips_part_as_far_as_the_network_says_where_a_vowel_is_wide_and_less_elsewhere():
    openness = np.array([0.0, 0.3, 0.5, OPEN], np.float32)
    opening = opening_of(openness)
    assert opening[[0, 3]] == pytest.approx([0.0, OPEN])
    assert np.all(opening[1:3] < openness[1:3])
