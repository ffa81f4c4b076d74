"""What every engine promises, whatever it does inside.

Each test runs on each engine of the registry; one that lacks a module here is skipped. What the
embedded engine promises beyond it stands in tests/engines/test_embedded.py.
"""

from __future__ import annotations

import itertools
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from portravox.clock import even_parts, frame_count
from portravox.engines.base import Avatar, Engine, PlannedAvatar
from portravox.engines.registry import ENTRIES, EngineEntry, open_engine
from portravox.errors import FaceError
from portravox.media.picture import Picture
from portravox.media.waveform import Waveform
from portravox.options import TEMPLATES, Direction, SpokenText
from tests.talking import (
    FPS,
    Int16,
    digital_silence,
    frames_of,
    mouth_of,
    photograph,
    portrait,
    speaking_and_silent,
    voice,
)

REST_SHARE = 0.25
"""Of the mouth's mean change in speech: a mouth at rest changes less. Our choice."""

PHOTOGRAPH_LEVELS = 8.0
"""By which the first frame may differ from the photograph, in the mean over all pixels: an engine
that draws the face anew does not meet every pixel, but it is the same picture. Our choice."""


@pytest.fixture(scope="module", params=ENTRIES)
def entry(request: pytest.FixtureRequest) -> EngineEntry:
    found = ENTRIES[request.param]
    if "torch" in found.missing:
        pytest.skip("PyTorch is not installed")
    if found.missing:
        pytest.skip(f"the engine {request.param} needs {', '.join(found.missing)}")
    return found


@pytest.fixture(scope="module")
def engine(entry: EngineEntry) -> Engine:
    if entry is ENTRIES["neural"]:  # whose published weights are not here
        from tests.engines.neural import see_through

        return see_through.engine()
    return open_engine(next(name for name, known in ENTRIES.items() if known is entry))


@pytest.fixture(scope="module")
def avatar(engine: Engine) -> Avatar:
    return engine.register(portrait())


@pytest.fixture(scope="module")
def spoken(avatar: Avatar) -> Int16:
    """Frames of the voice with neither blinks nor turns of the head."""
    return frames_of(avatar, voice(), seed=1, eye_move_freq=0.0, head_move_strength=0.0)


def same(one: Int16, other: Int16, entry: EngineEntry) -> bool:
    """Whether two videos are the same, as far as the engine promises."""
    return one.shape == other.shape and np.abs(one - other).max() <= entry.repeats_within_levels


def test_an_engine_goes_by_its_name_in_the_registry(engine: Engine, entry: EngineEntry) -> None:
    assert ENTRIES[engine.name] is entry


@pytest.mark.parametrize("fps", [15, 24, 30])
def test_the_picture_lasts_as_long_as_the_voice(avatar: Avatar, fps: int) -> None:
    for duration_s in (1.0, 1.019, 1.021):
        cut = Waveform(
            voice().samples[: round(duration_s * voice().rate_hz)],
            voice().rate_hz,
        )
        count = sum(1 for _ in avatar.speak(cut, Direction(video_fps=fps)))
        assert count == frame_count(cut.duration_s, fps)
        assert abs(count / fps - cut.duration_s) <= 0.5 / fps + 1e-9


@pytest.mark.parametrize("paste_back", [True, False])
def test_frames_are_even_and_as_announced_also_from_odd_pictures(
    engine: Engine, paste_back: bool
) -> None:
    odd = Picture(np.ascontiguousarray(portrait().pixels[:253, 20:241]))
    avatar = engine.register(odd)
    direction = Direction(video_fps=15, paste_back=paste_back)
    width, height = avatar.frame_size(direction)
    assert width % 2 == height % 2 == 0
    if paste_back:
        assert (width, height) == (220, 252)
    else:
        assert width == height
    frame = next(iter(avatar.speak(voice(), direction)))
    assert frame.shape == (height, width)
    assert frame.cb.shape == frame.cr.shape == (height // 2, width // 2)
    assert {plane.dtype for plane in (frame.luma, frame.cb, frame.cr)} == {np.dtype(np.uint8)}


def test_same_input_same_video_and_another_seed_another_one(
    engine: Engine, avatar: Avatar, entry: EngineEntry
) -> None:
    once = frames_of(avatar, voice(), seed=1)
    assert same(once, frames_of(avatar, voice(), seed=1), entry)
    assert same(once, frames_of(engine.register(portrait()), voice(), seed=1), entry)
    assert not same(once, frames_of(avatar, voice(), seed=2), entry)


def test_two_threads_may_share_an_avatar(avatar: Avatar, entry: EngineEntry) -> None:
    seeds = (1, 2)
    alone = [frames_of(avatar, voice(), seed=seed) for seed in seeds]
    with ThreadPoolExecutor(2) as threads:
        together = list(threads.map(lambda seed: frames_of(avatar, voice(), seed=seed), seeds))
    for one, other in zip(alone, together, strict=True):
        assert same(one, other, entry)


def test_it_begins_with_the_photograph(spoken: Int16) -> None:
    assert np.abs(spoken[0] - photograph()).mean() < PHOTOGRAPH_LEVELS


def test_the_mouth_moves_with_the_voice_and_rests_in_silence(spoken: Int16) -> None:
    mouth = mouth_of(spoken)
    change = np.abs(mouth - mouth[0]).mean(axis=(1, 2, 3))  # levels, from the first frame
    speaking, silent = speaking_and_silent(len(spoken))
    assert change[speaking].mean() > 3.0
    assert change[silent].max() < REST_SHARE * change[speaking].mean()


def test_the_mouth_rests_in_digital_silence(avatar: Avatar, spoken: Int16) -> None:
    quiet = mouth_of(frames_of(avatar, digital_silence(), eye_move_freq=0.0, head_move_strength=0))
    talking = mouth_of(spoken)
    speaking, _ = speaking_and_silent(len(spoken))
    most = REST_SHARE * np.abs(talking - talking[0])[speaking].mean()
    assert np.abs(quiet - quiet[0]).mean(axis=(1, 2, 3)).max() < most


@pytest.mark.parametrize("template_id", TEMPLATES)
@pytest.mark.parametrize("paste_back", [True, False])
def test_every_extreme_works(
    avatar: Avatar, entry: EngineEntry, template_id: str, paste_back: bool
) -> None:
    short = Waveform(voice().samples[: round(1.1 * voice().rate_hz)], voice().rate_hz)
    extremes = itertools.product((0.0, 1.0), (0.0, 1.5), (0.0, 1.0))
    for blinks, mouth, head in extremes:
        direction = Direction(
            template_id=template_id,
            video_fps=15,
            eye_move_freq=blinks,
            mouth_move_strength=mouth,
            head_move_strength=head,
            paste_back=paste_back,
        )
        width, height = avatar.frame_size(direction)
        # what draws on cards takes its time here: of its videos the beginning
        some = None if entry.repeats_within_levels == 0 else 3
        frames = itertools.islice(avatar.speak(short, direction), some)
        shapes = {frame.shape for frame in frames}
        assert shapes == {(height, width)}


@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (44_100, 2), (192_000, 1)])
def test_voices_of_any_rate_and_channels_work(avatar: Avatar, rate_hz: int, channels: int) -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0.0, 0.1, (rate_hz, channels)).astype(np.float32)
    count = sum(1 for _ in avatar.speak(Waveform(noise, rate_hz), Direction(video_fps=15)))
    assert count == 15


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_a_live_session_speaks_what_is_pushed_and_comes_to_rest(avatar: Avatar) -> None:
    still = Direction(video_fps=FPS, eye_move_freq=0.0, head_move_strength=0.0)
    said, frames, utterances = voice(), [], []
    with avatar.open(still, sound_rate_hz=16_000) as session:
        assert session.frame_size == avatar.frame_size(still)
        session.push(said.samples, said.rate_hz)
        session.flush()
        for frame in itertools.islice(session, round((said.duration_s + 1.5) * FPS)):
            frames.append(frame.picture.rgb())
            utterances.append(frame.utterance)
        assert not session.speaking
    mouth = mouth_of(np.array(frames, np.int16))
    change = np.abs(mouth - mouth[0]).mean(axis=(1, 2, 3))
    assert change.max() > 3.0
    assert change[-5:].max() < REST_SHARE * change.max()
    assert set(utterances) == {None, 1}


@pytest.mark.parametrize("text", ["Papa, give me the map.", "a " * 500])
def test_a_transcript_is_taken_as_text_whether_it_fits_or_not(avatar: Avatar, text: str) -> None:
    told: list[str] = []
    said = SpokenText(text, "en")
    drawn = avatar.speak(voice(), Direction(video_fps=15), transcript=said, on_notice=told.append)
    assert sum(1 for _ in drawn) == frame_count(voice().duration_s, 15)


def test_frames_of_a_part_are_those_of_the_whole(
    engine: Engine, avatar: Avatar, spoken: Int16, entry: EngineEntry
) -> None:
    direction = Direction(video_fps=FPS, seed=1, eye_move_freq=0.0, head_move_strength=0.0)
    assert isinstance(avatar, PlannedAvatar)
    plan = avatar.plan(voice(), direction)
    assert len(plan) == len(spoken)
    elsewhere = engine.register(portrait())
    assert isinstance(elsewhere, PlannedAvatar)
    for part in even_parts(len(plan), FPS, 1.2):
        drawn = elsewhere.draw(plan, direction, part)
        frames = np.array([frame.rgb() for frame in drawn], np.int16)
        assert same(frames, spoken[part.start : part.stop], entry)


def test_a_picture_without_a_face_is_refused(engine: Engine) -> None:
    grey = Picture(np.full((200, 200, 3), 128, np.uint8))
    with pytest.raises(FaceError):
        engine.register(grey)
