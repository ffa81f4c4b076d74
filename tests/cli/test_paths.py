"""Paths that cannot be meant so are named before anything is read, made or fetched."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Any

import pytest

from portravox.cli import serve
from portravox.cli.main import main
from portravox.cli.paths import require_mp4
from portravox.errors import OutputNotWritable
from portravox.service.settings import ServiceSettings


@pytest.mark.parametrize("address", ["http://example.com/face.jpg", "https://example.com/a.wav"])
def test_an_address_for_a_file_is_named_with_what_takes_addresses(
    run: Any, inputs: Any, tmp_path: Path, address: str
) -> None:
    portrait, voice = inputs / "face.png", inputs / "voice.wav"
    for told in (
        run("check", address),
        run("animate", address, voice, "-o", tmp_path / "v.mp4"),
        run("animate", portrait, address, "-o", tmp_path / "v.mp4"),
    ):
        assert told.status == 2
        assert f"{address}: " in told.err
        assert "this is an address" in told.err
        assert "client submit" in told.err


@pytest.mark.parametrize("name", ["a.mov", "a.MOV", "a.webm", "a.gif", "a.wav"])
def test_a_name_of_another_kind_of_file_is_refused_with_the_right_one(
    run: Any, inputs: Any, tmp_path: Path, name: str
) -> None:
    told = run("animate", inputs / "face.png", inputs / "voice.wav", "-o", tmp_path / name)
    assert told.status == 2
    assert "a.mp4" in told.err
    assert list(tmp_path.glob("a*")) == []


@pytest.mark.parametrize("name", ["a.mp4", "a", "a.v2", "a.m4v", "take.1"])
def test_other_names_are_the_callers_own(name: str) -> None:
    require_mp4(Path(name))
    with pytest.raises(OutputNotWritable):
        require_mp4(Path(f"{name}.mov"))


def test_a_video_for_a_pipe_is_the_whole_file_and_nothing_else(
    inputs: Any, capfdbinary: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portravox.pipeline.animate", _fake_animate)
    assert main(["animate", str(inputs / "face.png"), str(inputs / "voice.wav"), "-o", "-"]) == 0
    assert capfdbinary.readouterr().out == b"an mp4"
    assert not Path("-").exists()


def _fake_animate(portrait: Path, voice: Path, output: Path, **_: object) -> Any:
    from portravox.pipeline import Animation

    output.write_bytes(b"an mp4")
    facts: dict[str, Any] = dict.fromkeys(("frames", "fps", "width", "height"), 1)
    return Animation(
        path=output, duration_s=1.0, wall_s=1.0, real_time_factor=1.0, engine="", version="",
        notices=(), **facts,
    )  # fmt: skip


def test_a_video_is_not_written_into_a_terminal_or_into_json(
    run: Any, inputs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = run("animate", inputs / "face.png", inputs / "voice.wav", "-o", "-", "--json")
    assert (told.status, told.json["error"]["code"]) == (2, "setting_out_of_range")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert "pipe" in run("animate", inputs / "face.png", inputs / "voice.wav", "-o", "-").err


def test_a_typing_mistake_makes_no_folders(run: Any, tmp_path: Path) -> None:
    (tmp_path / "jobs.csv").write_text("portrait,voice\na.png,b.wav\n")
    for command in (
        ("batch", tmp_path / "jobs.csv", "-o", tmp_path / "vdieos" / "today"),
        ("demo", "-o", tmp_path / "vdieos" / "today" / "demo.mp4"),
    ):
        told = run(*command)
        assert told.status == 2
        assert "vdieos" in told.err
        assert not (tmp_path / "vdieos").exists()


@pytest.mark.parametrize(
    ("number", "words", "way_out"),
    [
        (errno.EADDRINUSE, "is in use", "--port 8001"),
        (errno.EACCES, "the system's own", "from 1024"),
        (errno.EADDRNOTAVAIL, "cannot listen", "0.0.0.0"),
    ],
)
def test_where_the_server_cannot_listen_is_said_with_a_way_out(
    number: int, words: str, way_out: str, tmp_path: Path
) -> None:
    settings = ServiceSettings(port=8000, data_dir=tmp_path)
    refused = serve._not_listening(settings, OSError(number, "so"))
    assert words in str(refused)
    assert way_out in refused.hint
