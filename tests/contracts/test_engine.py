"""What every engine promises, whatever it does inside.

Each test runs on each engine in ENGINES; a new engine is added there.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from portravox.clock import frame_count
from portravox.demo import VOICE, demo_portrait
from portravox.engines.embedded import EmbeddedEngine
from portravox.errors import FaceError
from portravox.face.find import find_face
from portravox.media.picture import Picture
from portravox.media.picture_file import read_picture
from portravox.media.planes import Planes
from portravox.media.voice_file import read_voice
from portravox.media.waveform import Waveform
from portravox.options import TEMPLATES, Direction

ENGINES = {"embedded": EmbeddedEngine}

STILL = {"eye_move_freq": 0.0, "mouth_move_strength": 0.0, "head_move_strength": 0.0}

SILENT_S, SPOKEN_S = 0.8, 1.2


@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    return ENGINES[request.param]()


@pytest.fixture(scope="module")
def portrait():
    """The astronaut, 256 x 256."""
    return read_picture(demo_portrait(), max_side_px=256)


@pytest.fixture(scope="module")
def box(portrait):
    face, _ = find_face(portrait)
    return face.box


@pytest.fixture(scope="module")
def avatar(engine, portrait):
    return engine.register(portrait)


@pytest.fixture(scope="module")
def voice():
    """Silence, speech, silence."""
    spoken = read_voice(VOICE)
    silence = np.zeros((round(SILENT_S * spoken.rate_hz), 1), np.float32)
    words = spoken.samples[: round(SPOKEN_S * spoken.rate_hz)]
    return Waveform(np.concatenate([silence, words, silence]), spoken.rate_hz)


def as_frame(portrait):
    """(H, W, 3) the photograph with halved chroma, as every frame has it."""
    return Planes.of(portrait.pixels).rgb().astype(np.int16)


def frames_of(avatar, voice, **direction):
    """(T, H, W, 3) int16, so that differences have a sign."""
    frames = avatar.speak(voice, Direction(video_fps=15, **direction))
    return np.array([frame.rgb() for frame in frames], np.int16)


def test_the_picture_lasts_as_long_as_the_voice(avatar, voice):
    for fps, samples in itertools.product((15, 24, 30), (1.0, 1.019, 1.021)):
        cut = Waveform(voice.samples[: round(samples * voice.rate_hz)], voice.rate_hz)
        count = sum(1 for _ in avatar.speak(cut, Direction(video_fps=fps)))
        assert count == frame_count(cut.duration_s, fps)
        assert abs(count / fps - cut.duration_s) <= 0.5 / fps + 1e-9


@pytest.mark.parametrize("paste_back", [True, False])
def test_frames_are_even_and_as_announced_also_from_odd_pictures(
    engine, portrait, voice, paste_back
):
    odd = Picture(np.ascontiguousarray(portrait.pixels[:253, 20:241]))
    avatar = engine.register(odd)
    direction = Direction(video_fps=15, paste_back=paste_back)
    width, height = avatar.frame_size(direction)
    assert width % 2 == height % 2 == 0
    if paste_back:
        assert (width, height) == (220, 252)
    else:
        assert width == height
    frame = next(iter(avatar.speak(voice, direction)))
    assert frame.shape == (height, width)
    assert frame.cb.shape == frame.cr.shape == (height // 2, width // 2)
    assert {plane.dtype for plane in (frame.luma, frame.cb, frame.cr)} == {np.dtype(np.uint8)}


def test_same_input_same_video_and_another_seed_another_one(engine, portrait, avatar, voice):
    once = frames_of(avatar, voice, seed=1)
    assert np.array_equal(once, frames_of(avatar, voice, seed=1))
    assert np.array_equal(once, frames_of(engine.register(portrait), voice, seed=1))
    assert not np.array_equal(once, frames_of(avatar, voice, seed=2))


def test_two_threads_may_share_an_avatar(avatar, voice):
    alone = [frames_of(avatar, voice, seed=seed) for seed in (1, 2)]
    with ThreadPoolExecutor(2) as threads:
        together = list(threads.map(lambda seed: frames_of(avatar, voice, seed=seed), (1, 2)))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one, other)


def test_it_begins_and_ends_as_photographed(avatar, voice, portrait):
    frames = frames_of(avatar, voice)
    for frame in (frames[0], frames[-1]):
        assert np.abs(frame - as_frame(portrait)).mean() < 0.5
        assert np.abs(frame - as_frame(portrait)).max() <= 40  # lids and eyes may be on their way


def test_the_mouth_moves_with_the_voice_and_rests_in_silence(avatar, voice, box):
    frames = frames_of(avatar, voice, eye_move_freq=0.0, head_move_strength=0.0)
    y0, y1 = int(box.y0 + 0.65 * box.height), int(box.y1)
    mouth = frames[:, y0:y1, int(box.x0) : int(box.x1)]
    change = np.abs(mouth - mouth[0]).mean(axis=(1, 2, 3))  # levels, from the photograph
    times_s = np.arange(len(frames)) / 15
    spoken = (times_s > SILENT_S) & (times_s < SILENT_S + SPOKEN_S)
    # lips open up to 0.2 s ahead of the sound; afterwards they meet, and go back to the
    # photograph's smile only when the silence lasts
    silent = (times_s < SILENT_S - 0.25) | (times_s > SILENT_S + SPOKEN_S + 0.6)
    assert change[spoken].mean() > 3.0
    assert change[silent].max() < 0.5


def test_nothing_but_the_eyes_and_brows_moves_in_digital_silence(avatar, box, portrait):
    silence = Waveform(np.zeros((16_000, 1), np.float32), 16_000)
    frames = frames_of(avatar, silence, head_move_strength=0.0)
    below_eyes = int(box.y0 + 0.6 * box.height)
    change = np.abs(frames - as_frame(portrait))[:, below_eyes:]
    assert change.mean(axis=(1, 2, 3)).max() < 0.05
    assert change.max() <= 4


def test_all_strengths_at_0_leave_the_photograph_but_for_the_gaze(avatar, voice, box, portrait):
    change = np.abs(frames_of(avatar, voice, **STILL) - as_frame(portrait))
    below_eyes = int(box.y0 + 0.6 * box.height)
    assert change[:, below_eyes:].mean(axis=(1, 2, 3)).max() < 0.05
    assert change[:, below_eyes:].max() <= 4
    assert change[0].max() == 0


def test_far_from_the_person_no_pixel_changes(avatar, voice, portrait):
    frames = frames_of(avatar, voice, template_id="active", head_move_strength=1.0)
    corners = (np.s_[:24, :24], np.s_[:24, -24:])
    for corner in corners:
        assert np.array_equal(
            frames[(slice(None), *corner)].max(axis=0), as_frame(portrait)[corner]
        )
        assert np.array_equal(
            frames[(slice(None), *corner)].min(axis=0), as_frame(portrait)[corner]
        )


@pytest.mark.parametrize("template_id", TEMPLATES)
@pytest.mark.parametrize("paste_back", [True, False])
def test_every_extreme_works(avatar, voice, template_id, paste_back):
    short = Waveform(voice.samples[: round(1.1 * voice.rate_hz)], voice.rate_hz)
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
        shapes = {frame.shape for frame in avatar.speak(short, direction)}
        assert shapes == {(height, width)}


def test_voices_of_any_rate_and_channels_work(avatar, voice):
    for rate_hz, channels in ((8_000, 1), (44_100, 2), (192_000, 1)):
        rng = np.random.default_rng(1)
        noise = rng.normal(0.0, 0.1, (rate_hz, channels)).astype(np.float32)
        count = sum(1 for _ in avatar.speak(Waveform(noise, rate_hz), Direction(video_fps=15)))
        assert count == 15


def test_a_picture_without_a_face_is_refused(engine):
    grey = Picture(np.full((200, 200, 3), 128, np.uint8))
    with pytest.raises(FaceError):
        engine.register(grey)
