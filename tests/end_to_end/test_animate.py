"""Files in, MP4 out, and what the MP4 then holds."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pytest

import portravox
from benchmarks.probe import probe_video, read_frames, read_sound
from portravox.errors import Cancelled
from portravox.inspection import inspect_file
from portravox.media.picture_file import read_picture
from portravox.media.voice_file import read_voice

BRIGHTNESS = np.array([0.2126, 0.7152, 0.0722])
"""Of red, green and blue: ITU-R BT.709."""


@pytest.fixture(scope="module")
def told():
    """What `on_progress` said."""
    return []


@pytest.fixture(scope="module")
def made(tmp_path_factory, astronaut, voice_2s, told):
    """The astronaut says two seconds, at 384 px and 25 frames a second."""
    path = tmp_path_factory.mktemp("video") / "out.mp4"
    return portravox.animate(
        astronaut, voice_2s, path, max_side=384, video_fps=25, on_progress=told.append
    )


def test_the_result_is_what_the_file_holds(made):
    info = probe_video(made.path)
    assert (info.width_px, info.height_px) == (made.width, made.height) == (384, 384)
    assert info.frames == made.frames == 50
    assert info.fps == made.fps == 25
    assert info.duration_s == pytest.approx(made.duration_s) == pytest.approx(2.0)
    assert made.real_time_factor == pytest.approx(made.wall_s / 2.0)
    assert (made.engine, made.version) == ("embedded", portravox.__version__)


def test_every_player_takes_it(made):
    info = probe_video(made.path)
    assert (info.video_codec, info.pixel_format, info.sound_codec) == ("h264", "yuv420p", "aac")
    assert (info.color_primaries, info.color_transfer, info.color_matrix) == (1, 1, 1)
    content = made.path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "it must play while it loads"


def test_it_says_that_a_machine_made_it(made):
    label = probe_video(made.path).aigc
    assert label is not None
    assert label["Label"] == "1"
    assert label["ContentProducer"] == "Portravox"
    assert len(label["ProduceID"]) == 32


def test_its_picture_tells_the_number_of_its_label(made):
    label = probe_video(made.path).aigc
    assert label is not None
    mark = inspect_file(made.path).marks[-1]
    assert (mark.scheme, mark.fields["key"]) == ("watermark", "public")
    assert mark.fields["number"] == hashlib.sha256(label["ProduceID"].encode()).hexdigest()[:5]
    assert "Portravox" in mark.words


def test_the_voice_is_heard_unchanged_and_in_time(made, voice_2s):
    given = read_voice(voice_2s).mono()
    heard = read_sound(made.path)
    assert heard.duration_s == pytest.approx(2.0, abs=1 / 25)
    step = heard.rate_hz // 1000
    envelopes = [
        np.abs(wave[: len(wave) // size * size]).reshape(-1, size).mean(axis=1)
        for wave, size in ((given, 16), (heard.mono(), step))
    ]
    length = min(map(len, envelopes)) - 40
    quality = {
        lag: np.corrcoef(
            envelopes[0][20 : 20 + length], envelopes[1][20 + lag : 20 + lag + length]
        )[0, 1]
        for lag in range(-20, 21)
    }
    best = max(quality, key=quality.__getitem__)
    assert abs(best) <= 2  # ms
    assert quality[best] > 0.98


def test_the_background_is_the_photograph_and_the_face_moves(made, astronaut):
    photo = read_picture(astronaut, max_side_px=384).pixels.astype(np.int16)
    frames = np.array(list(read_frames(made.path)), np.int16)
    for corner in (np.s_[:40, :40], np.s_[:40, -40:]):
        still = frames[(slice(None), *corner)]
        # By brightness: colours are kept at half the size, which a striped flag shows.
        change = (still - photo[corner]) @ BRIGHTNESS
        assert np.abs(change).mean() < 3.0, "the codec alone may change it"
        assert np.abs(still - still[0]).mean() < 1.0
    head = np.s_[20:160, 120:240]
    assert np.abs(frames[(slice(None), *head)] - photo[head]).mean(axis=(1, 2, 3)).max() > 3.0


def test_progress_only_goes_forward_and_passes_each_stage(made, told):
    assert made.frames == 50
    assert [told[0].done, told[-1].done] == [0.0, 1.0]
    assert all(one.done <= two.done for one, two in itertools.pairwise(told))
    stages = [stage for stage, _ in itertools.groupby(one.stage for one in told)]
    assert stages == ["read", "face", "listen", "render", "finish"]
    assert [one.frames_done for one in told if one.stage == "render"] == list(range(1, 51))


def test_the_same_again_is_the_same_file(made, tmp_path, astronaut, voice_2s):
    again = portravox.animate(
        astronaut, voice_2s, tmp_path / "again.mp4", max_side=384, video_fps=25
    )
    assert again.path.read_bytes() == made.path.read_bytes()


@pytest.mark.parametrize("error", [Cancelled("enough"), KeyboardInterrupt()])
def test_what_progress_raises_stops_the_job_and_leaves_nothing(
    tmp_path, astronaut, voice_1s, error
):
    old = tmp_path / "out.mp4"
    old.write_bytes(b"what was there before")

    def stop(progress):
        if progress.frames_done == 5:
            raise error

    with pytest.raises(type(error)):
        portravox.animate(astronaut, voice_1s, old, max_side=160, on_progress=stop)
    assert old.read_bytes() == b"what was there before"
    assert list(tmp_path.iterdir()) == [old]


def test_face_alone_is_a_square_and_the_label_is_seen(tmp_path, astronaut, voice_1s):
    plain, marked = (
        portravox.animate(
            astronaut,
            voice_1s,
            tmp_path / f"{label}.mp4",
            paste_back=False,
            video_fps=15,
            visible_label=label,
        )
        for label in (None, "zh")
    )
    assert plain.width == plain.height == marked.width
    first = [next(iter(read_frames(made.path))).astype(np.int16) for made in (plain, marked)]
    change = np.abs(first[0] - first[1]).max(axis=2)
    half = plain.width // 2
    assert change[half:, half:].max() > 60
    assert change[:half, :half].max() < 20  # only what the codec makes of it
