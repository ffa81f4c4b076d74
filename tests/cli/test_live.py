"""portravox live, from a file and from a pipe into a fragmented MP4."""

from __future__ import annotations

import io
import os
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
