"""portravox live, from a file and from a pipe into a fragmented MP4."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys

import pytest

from benchmarks.probe import probe_video


def test_a_file_becomes_a_stream_with_its_sound_and_label(run, inputs, tmp_path):
    video = tmp_path / "live.mp4"
    told = run(
        "live", inputs / "face.png", "-i", inputs / "voice.wav", "-o", video, "--no-pace",
        "--video-fps", "15", "--visible-label", "en",
    )  # fmt: skip
    assert told.status == 0, told.err
    assert told.out == ""
    info = probe_video(video)
    assert (info.width_px, info.height_px) == (192, 192)
    assert info.frames == pytest.approx(15 * (1.2 + 1.0), abs=5)
    assert b"AIGC" in video.read_bytes()
    assert " 0 of them late, 0 gaps" in told.err


def test_samples_come_through_a_pipe_in_odd_pieces(run, inputs, tmp_path, monkeypatch):
    reading, writing = os.pipe()
    os.write(writing, b"\1\0" * 4_000 + b"\1")
    os.close(writing)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(os.fdopen(reading, "rb")))
    video = tmp_path / "live.mp4"
    told = run(
        "live", inputs / "face.png", "-o", video, "--rate", "8000", "--no-pace",
        "--video-fps", "15",
    )  # fmt: skip
    assert told.status == 0, told.err
    assert probe_video(video).frames == pytest.approx(15 * 1.5, abs=4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rate", "7999"], "8000 to 192000"),
        (["-o", "video.avi"], "MP4"),
        (["-o", "nowhere/video.mp4"], "nowhere"),
        (["-i", "missing.wav", "-o", "video.mp4"], "missing.wav"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(run, inputs, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    told = run("live", inputs / "face.png", "-i", inputs / "voice.wav", *arguments)
    assert told.status == 2
    assert words in told.err


PLAYER = """#!/bin/sh
echo "$@" > {folder}/arguments
head -c {most} > {folder}/came
[ {status} = 0 ] || echo 'Could not open the display' >&2
exit {status}
"""


@pytest.fixture
def player(tmp_path, monkeypatch):
    """A program on an otherwise empty PATH: `player(name, status=, most=)`."""

    def put(name, *, status=0, most=1 << 40):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(PLAYER.format(folder=tmp_path, status=status, most=most))
        program.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("DISPLAY", ":77")
    hidden = {"ffplay", "mpv", "ffmpeg"}
    which = shutil.which
    monkeypatch.setattr(
        shutil,
        "which",
        lambda name: which(name, path=str(tmp_path / "bin")) if name in hidden else which(name),
    )
    return put


SPOKEN = ("-i", "voice.wav", "--no-pace", "--video-fps", "15")


@pytest.mark.parametrize(
    ("program", "output", "argument"),
    [
        ("ffplay", "window", "-autoexit"),
        ("mpv", "window", "low-latency"),
        ("ffmpeg", "rtmp://host/live/key", "flv rtmp://host/live/key"),
        ("ffmpeg", "srt://host:9000", "mpegts srt://host:9000"),
    ],
)
def test_a_program_takes_the_stream_whole(
    run, inputs, tmp_path, monkeypatch, player, program, output, argument
):
    player(program)
    monkeypatch.chdir(inputs)
    told = run("live", "face.png", *SPOKEN, "-o", output)
    assert told.status == 0, told.err
    assert argument in (tmp_path / "arguments").read_text()
    came = tmp_path / "came.mp4"
    (tmp_path / "came").rename(came)
    assert probe_video(came).frames == pytest.approx(15 * (1.2 + 1.0), abs=5)


def test_who_closes_the_window_ends_the_session(run, inputs, monkeypatch, player):
    player("ffplay", most=5_000)
    monkeypatch.chdir(inputs)
    told = run("live", "face.png", *SPOKEN, "-o", "window")
    assert told.status == 0, told.err
    frames = int(re.search(r"(\d+) frames", told.err)[1])
    assert frames < 25


def test_what_shows_or_sends_nothing_is_told_in_a_line(run, inputs, monkeypatch, player):
    monkeypatch.chdir(inputs)
    told = run("live", "face.png", *SPOKEN, "-o", "window")
    assert told.status == 2
    assert "cannot write window: a player is needed" in told.err
    assert "ffplay, mpv" in told.err and "apt-get install ffmpeg" in told.err
    told = run("live", "face.png", *SPOKEN, "-o", "rtmp://me:word@host/live/key")
    assert "rtmp://host/…: FFmpeg is needed" in told.err and "key" not in told.err
    told = run("live", "face.png", *SPOKEN, "-o", "http://host/live")
    assert told.status == 2 and "rtmp://" in told.err
    player("ffplay", status=1, most=10)
    with monkeypatch.context() as without:
        without.delenv("DISPLAY")
        without.delenv("WAYLAND_DISPLAY", raising=False)
        told = run("live", "face.png", *SPOKEN, "-o", "window")
        assert told.status == 2 and "no display here" in told.err
    told = run("live", "face.png", *SPOKEN, "-o", "window")
    assert told.status == 2
    assert "ffplay ended with status 1: Could not open the display" in told.err
