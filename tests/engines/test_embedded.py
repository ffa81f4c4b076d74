"""What the embedded engine promises beyond the contract: it moves the photograph, and no more."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from portravox.arrays import UInt8
from portravox.articulation.curves import ArticulationCurves
from portravox.articulation.transcript import Transcript
from portravox.engines import embedded, performance
from portravox.engines.embedded import EmbeddedAvatar, EmbeddedEngine
from portravox.engines.registry import ENTRIES
from portravox.errors import ModelUnavailable
from portravox.media.picture import Picture
from portravox.media.waveform import Waveform
from portravox.options import Direction, SpokenText
from portravox.render.scene import Scene, prepare_scene
from portravox.render.upright import SIDE_PX
from tests.talking import (
    below_the_eyes,
    digital_silence,
    frames_of,
    mouth_of,
    photograph,
    portrait,
    speaking_and_silent,
    voice,
)

STILL = {"eye_move_freq": 0.0, "mouth_move_strength": 0.0, "head_move_strength": 0.0}


@pytest.fixture(scope="module")
def avatar() -> EmbeddedAvatar:
    return EmbeddedEngine().register(portrait())


def test_the_same_inputs_are_promised_the_same_bytes() -> None:
    # the contract holds an engine to what its entry says
    assert ENTRIES["embedded"].repeats_within_levels == 0


def test_odd_pictures_lose_a_row_and_a_column(photo: UInt8) -> None:
    avatar = EmbeddedEngine().register(Picture(np.ascontiguousarray(photo[:511, :509])))
    assert avatar.frame_size(Direction()) == (508, 510)
    assert avatar.frame_size(Direction(paste_back=False))[0] >= SIDE_PX[0]


def test_size_and_plan_do_not_wait_for_the_portrait(monkeypatch: pytest.MonkeyPatch) -> None:
    may_go_on = threading.Event()

    def waiting(*arguments: Any, **options: Any) -> Scene:
        assert may_go_on.wait(60)
        return prepare_scene(*arguments, **options)

    monkeypatch.setattr(embedded, "prepare_scene", waiting)
    slow = EmbeddedEngine().register(portrait())
    assert slow.frame_size(Direction()) == photograph().shape[1::-1]
    plan = slow.plan(digital_silence(), Direction())
    may_go_on.set()
    slow.prepare(Direction())
    assert next(slow.draw(plan, Direction())).rgb().shape == photograph().shape


def test_what_fails_in_preparing_is_told_to_who_asks_for_frames(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(*arguments: Any, **options: Any) -> Scene:
        raise MemoryError("no room for a film")

    monkeypatch.setattr(embedded, "prepare_scene", failing)
    avatar = EmbeddedEngine().register(portrait())
    for _ in range(2):
        with pytest.raises(MemoryError, match="no room for a film"):
            next(avatar.speak(digital_silence(), Direction()))


def test_it_begins_and_ends_as_photographed(avatar: EmbeddedAvatar) -> None:
    frames = frames_of(avatar, voice())
    for frame in (frames[0], frames[-1]):
        assert np.abs(frame - photograph()).mean() < 0.5
        assert np.abs(frame - photograph()).max() <= 40  # lids and eyes may be on their way


def test_in_the_voices_silences_the_mouth_is_the_photographs(avatar: EmbeddedAvatar) -> None:
    mouth = mouth_of(frames_of(avatar, voice(), eye_move_freq=0.0, head_move_strength=0.0))
    change = np.abs(mouth - mouth[0]).mean(axis=(1, 2, 3))  # levels, from the photograph
    speaking, silent = speaking_and_silent(len(mouth))
    assert change[speaking].mean() > 3.0
    assert change[silent].max() < 0.5


def test_nothing_but_the_eyes_and_brows_moves_in_digital_silence(avatar: EmbeddedAvatar) -> None:
    frames = frames_of(avatar, digital_silence(), head_move_strength=0.0)
    change = below_the_eyes(np.abs(frames - photograph()))
    assert change.mean(axis=(1, 2, 3)).max() < 0.05
    assert change.max() <= 4


def test_all_strengths_at_0_leave_the_photograph_but_for_the_gaze(avatar: EmbeddedAvatar) -> None:
    change = np.abs(frames_of(avatar, voice(), **STILL) - photograph())
    assert below_the_eyes(change).mean(axis=(1, 2, 3)).max() < 0.05
    assert below_the_eyes(change).max() <= 4
    assert change[0].max() == 0


def test_far_from_the_person_no_pixel_changes(avatar: EmbeddedAvatar) -> None:
    frames = frames_of(avatar, voice(), template_id="active", head_move_strength=1.0)
    for corner in (np.s_[:24, :24], np.s_[:24, -24:]):
        assert np.array_equal(frames[(slice(None), *corner)].max(axis=0), photograph()[corner])
        assert np.array_equal(frames[(slice(None), *corner)].min(axis=0), photograph()[corner])


WORDS = (("m", "a"),) * 3


def test_a_text_is_read_and_words_that_are_read_already_are_not(
    avatar: EmbeddedAvatar, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str | None]] = []
    given: list[Transcript | None] = []
    articulate = performance.articulate

    def read(text: str, language: str | None) -> Transcript:
        asked.append((text, language))
        return Transcript(text, language, WORDS)

    def heard(said: Waveform, transcript: Transcript | None) -> ArticulationCurves:
        given.append(transcript)
        return articulate(said, transcript)

    monkeypatch.setattr(performance, "read_transcript", read)
    monkeypatch.setattr(performance, "articulate", heard)
    once = Transcript("Ma ma ma", "en", WORDS)
    for transcript in (SpokenText("Ma ma ma", "en"), once, None):
        avatar.speak(digital_silence(), Direction(), transcript=transcript)
    assert asked == [("Ma ma ma", "en")]
    assert given == [once, once, None]


def test_a_text_that_cannot_be_read_is_refused_before_a_frame_is_asked_for(
    avatar: EmbeddedAvatar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ModelUnavailable, match="espeak-ng"):
        avatar.speak(digital_silence(), Direction(), transcript=SpokenText("Mama", "en"))
