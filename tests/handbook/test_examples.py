"""What the pages tell people to type is what the program takes."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from portravox.demo import VOICE, demo_portrait
from portravox.media.picture_file import read_picture
from portravox.media.voice_file import read_voice
from portravox.service.openapi import document
from portravox.service.settings import ServiceSettings
from tests.handbook.examples import PAGES, ROOT, Block, NotTaken, blocks, commands, take
from tests.live import files_at, new_key, serving

ALL = [block for page in PAGES for block in blocks(page)]
SHELL = [block for block in ALL if block.language in ("sh", "")]
PYTHON = [page for page in PAGES if any(block.language == "python" for block in blocks(page))]


def test_there_is_something_to_hold_the_pages_to():
    assert len(SHELL) > 15
    assert len(PYTHON) > 4
    assert sum(len(list(commands(block))) for block in SHELL) > 30


def _readings(call: list[str]) -> Iterator[list[str]]:
    """Each command that `a|b|c` stands for; what a reader puts in is put in."""
    words = [word for word in call if word != "[options]"]
    for at, word in enumerate(words):
        if "|" in word:
            for one in word.split("|"):
                yield from _readings([*words[:at], one, *words[at + 1 :]])
            return
    yield words


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_each_command_is_one_that_the_parser_takes(block, monkeypatch):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    monkeypatch.setenv("PORTRAVOX_API_KEY", "sk-of-the-example")
    for call in commands(block):
        if call[0] == "make":
            assert set(call[1:]) <= targets, f"{block}: {call}"
            continue
        for reading in _readings(call):
            # A synopsis names a command and leaves its arguments out.
            synopsis = reading != call or not block.language
            try:
                take(reading)
            except NotTaken as error:
                assert synopsis and error.lacks, f"{block}: {error}"


def test_an_option_that_does_not_exist_would_be_found():
    call = ["portravox", "animate", "a.jpg", "b.wav", "-o", "c.mp4"]
    take(call)
    with pytest.raises(NotTaken, match="--no-such-option"):
        take([*call, "--no-such-option"])


def test_each_address_is_a_route():
    routes = [
        re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + "/?") for path in document()["paths"]
    ]
    told = [
        (block, path)
        for block in ALL
        for path in re.findall(r"https?://127\.0\.0\.1:8000(/[^\s\"'?)]*)", block.text)
    ]
    told = [(block, path) for block, path in told if path != "/api/v1"]
    assert told
    for block, path in told:
        assert any(route.fullmatch(path) for route in routes), f"{block}: {path}"


@pytest.mark.parametrize("block", [b for b in ALL if b.language in ("json", "toml")], ids=str)
def test_data_can_be_read(block: Block):
    if block.language == "json":
        json.loads(block.text)
        return
    settings = tomllib.loads(block.text)
    assert settings
    assert set(settings) <= set(ServiceSettings.model_fields)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with the two files that all examples speak of."""
    read_picture(demo_portrait(), max_side_px=256)  # it can be read at all
    shutil.copy(demo_portrait(), tmp_path / "face.jpg")
    voice = read_voice(VOICE)
    samples = np.rint(voice.mono()[: int(1.2 * voice.rate_hz)] * 32767).astype(np.int16)
    wavfile.write(tmp_path / "voice.wav", voice.rate_hz, samples)
    return tmp_path


@pytest.mark.parametrize("page", PYTHON, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_runs(page: Path, desk: Path):
    program = "\n".join(block.text for block in blocks(page) if block.language == "python")
    ast.parse(program)
    if "dashscope" in program:
        _run_against_a_server(program, desk)
        return
    _run(program, desk)
    if "animate(" in program:
        assert (desk / "video.mp4").stat().st_size > 10_000


def _run_against_a_server(program: str, desk: Path) -> None:
    data = desk / "data"
    data.mkdir()
    # What is in it counts and not its name.
    shutil.copy(desk / "voice.wav", desk / "voice.mp3")
    key = new_key(data)
    with (
        files_at(desk) as files,
        serving(data, environment={"PORTRAVOX_FETCH_ALLOW_NETS": "127.0.0.0/8"}) as server,
    ):
        program = program.replace("http://127.0.0.1:8000", server.url)
        program = program.replace("https://example.com", files).replace("sk-…", key)
        printed = _run(program, desk)
    assert "SUCCEEDED" in printed
    assert "/" in printed.split("SUCCEEDED")[1], "the address of the video"


def _run(program: str, folder: Path) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
