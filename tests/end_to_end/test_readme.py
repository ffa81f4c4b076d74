"""The README's examples work as they stand, and what it says about options is so."""

from __future__ import annotations

import inspect
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

import portravox
from portravox.cli.animate import animate_command
from portravox.cli.main import main
from portravox.options import OPTIONS, ORIGINAL

README = Path(__file__).resolve().parents[2] / "README.md"

EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def inputs(tmp_path, monkeypatch, astronaut, voice_1s):
    """The current folder holds the files that the examples name."""
    with Image.open(astronaut) as picture:
        picture.resize((192, 192)).convert("RGB").save(tmp_path / "face.jpg", quality=95)
    shutil.copy(voice_1s, tmp_path / "voice.wav")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_examples():
    assert len(EXAMPLES) == 3


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_python_examples_work(inputs, number):
    names = {"portravox": portravox}
    exec(compile(EXAMPLES[number], f"README example {number}", "exec"), names)
    assert "made" not in names or (inputs / "video.mp4").is_file()


@pytest.mark.slow
def test_the_first_command_works(inputs):
    command = re.search(r"^ +portravox (animate .*?) *#", README.read_text(encoding="utf-8"), re.M)
    assert command is not None
    assert main(command[1].split()) == 0
    assert (inputs / "video.mp4").is_file()


NO_OPTIONS = ("portrait", "voice", "output", "speech", "credentials", "watermark_key")
"""The files, and what the command line has from the environment or from pages of their own."""


def test_every_option_stands_in_the_table_with_its_default():
    table = README.read_text(encoding="utf-8")
    chinese = README.with_suffix(".zh-CN.md").read_text(encoding="utf-8")
    for name, parameter in inspect.signature(portravox.animate).parameters.items():
        if name in NO_OPTIONS or name.startswith("on_"):
            continue
        row = re.search(rf"^\| `--.*?\| `{name}` \|.*?\| (.*?) \|", table, re.M)
        assert row is not None, name
        assert f"| `{name}` |" in chinese, name
        if isinstance(parameter.default, (int, float)) and not isinstance(parameter.default, bool):
            default = table[row.start() :].split("|")[4].strip()
            assert float(default) == parameter.default, name


def test_command_line_and_python_have_the_same_defaults():
    python = inspect.signature(portravox.animate).parameters
    compared = set()
    for name, parameter in inspect.signature(animate_command).parameters.items():
        if name == "voice":  # a text may stand in its place
            continue
        if parameter.default is not inspect.Parameter.empty and name in python:
            default = parameter.default
            if name in OPTIONS and isinstance(default, str):  # as typed, read by the definition
                default = OPTIONS[name].from_text(default)
            assert default == python[name].default, name
            compared.add(name)
    assert compared >= set(ORIGINAL)
