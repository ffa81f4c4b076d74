from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from portravox.animation.controls import CONTROLS, ControlTrack
from portravox.animation.direct import direct
from portravox.animation.expression import ADDED
from portravox.options import EXPRESSIONS, Direction

from .conftest import MadeUpVoice

NOT_NEUTRAL = EXPRESSIONS[1:]


def _track(voice: MadeUpVoice, photo_smile: float = 0.0, **direction: Any) -> ControlTrack:
    return direct(voice.curves, Direction(**direction), photo_smile=photo_smile)


@pytest.mark.parametrize("expression", NOT_NEUTRAL)
def test_strength_0_is_neutral_to_the_bit(voice: MadeUpVoice, expression: str) -> None:
    none = _track(voice, 0.5, expression=expression, expression_strength=0.0)
    assert np.array_equal(none.values, _track(voice).values)


@pytest.mark.parametrize("expression", NOT_NEUTRAL)
def test_it_grows_with_its_strength_and_is_gone_at_both_ends(
    voice: MadeUpVoice, expression: str
) -> None:
    neutral = _track(voice).values
    shown = [
        _track(voice, expression=expression, expression_strength=strength).values - neutral
        for strength in (0.3, 0.6, 1.0)
    ]
    moved = np.array([np.abs(each).sum(axis=0) for each in shown])
    added = [CONTROLS.index(name) for name in ADDED]
    assert (np.diff(moved[:, added], axis=0) >= 0.0).all()
    assert (np.diff(moved[:, added].sum(axis=1)) > 0.0).all()
    for each in shown:
        assert not each[[0, -1]].any()


@pytest.mark.parametrize("photo_smile", [0.0, 1.0])
@pytest.mark.parametrize("expression", NOT_NEUTRAL)
def test_lips_close_and_open_as_the_voice_has_it(
    voice: MadeUpVoice, expression: str, photo_smile: float
) -> None:
    plain = _track(voice)
    shown = _track(voice, photo_smile, expression=expression, expression_strength=1.0)
    for name in ("lip_gap", "jaw", "lip_wide", "lip_round", "lip_press", "lip_teeth"):
        asked = plain["speech"] * plain[name]
        assert np.allclose(shown["speech"] * shown[name], asked, atol=1e-6), name
    for name in ("blink_left", "blink_right", "gaze_yaw_deg", "head_yaw_deg"):
        assert np.array_equal(shown[name], plain[name])


def test_happy_adds_nothing_to_a_smile_at_rest_and_gives_it_back_in_speech(
    voice: MadeUpVoice,
) -> None:
    plain = _track(voice)
    happy = _track(voice, 1.0, expression="happy", expression_strength=1.0)
    more = happy["smile"] - plain["smile"]
    at_rest = plain["speech"] == 0.0
    speaking = plain["speech"] > 0.99
    assert at_rest.any()
    assert np.abs(more[at_rest]).max() < 1e-6
    assert more[speaking].mean() > 0.3


@pytest.mark.parametrize("expression", ["serious", "sad"])
def test_a_smiling_mouth_is_taken_over_in_pauses_too(voice: MadeUpVoice, expression: str) -> None:
    plain = _track(voice)
    shown = _track(voice, 1.0, expression=expression, expression_strength=1.0)
    middle = slice(len(shown) // 4, -len(shown) // 4)
    assert shown["speech"][middle].min() > 0.8
    silent = (plain["speech"] == 0.0)[middle]
    assert not shown["lip_gap"][middle][silent].any()
    assert shown["smile"][middle].max() < 0.05


def test_what_is_to_be_still_is_still(voice: MadeUpVoice) -> None:
    for expression in NOT_NEUTRAL:
        still = _track(
            voice,
            1.0,
            expression=expression,
            expression_strength=1.0,
            head_move_strength=0.0,
            mouth_move_strength=0.0,
        )
        for name in ("head_pitch_deg", "smile", "corner_drop", "speech", "lip_gap"):
            assert not still[name].any(), name


def test_heads_are_not_snapped_into_an_expression(voice: MadeUpVoice) -> None:
    for expression in NOT_NEUTRAL:
        posture = (
            _track(voice, expression=expression, expression_strength=1.0)["head_pitch_deg"]
            - _track(voice)["head_pitch_deg"]
        )
        assert np.abs(np.diff(posture)).max() * 24 < 12.0  # degrees a second
