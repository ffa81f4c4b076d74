"""Each command that makes a video takes every option, by its name and with its default."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import typer

from portravox.cli.app import app
from portravox.cli.options import job_options
from portravox.errors import SettingOutOfRange
from portravox.options import OPTIONS, JobOptions, Truth

COMMANDS = ("animate", "batch", "demo", "client submit")
WIDTHS = (50, 80, 200)


def parameters_of(path: str) -> dict[str, Any]:
    command: Any = typer.main.get_command(app)
    for name in path.split():
        command = command.commands[name]
    return {parameter.name: parameter for parameter in command.params}


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_is_one_of_the_command_in_the_same_order(path: str) -> None:
    parameters = parameters_of(path)
    assert [name for name in parameters if name in OPTIONS] == list(OPTIONS)
    for name, option in OPTIONS.items():
        flag = f"--{option.flag_name}"
        assert parameters[name].opts == [flag]
        assert parameters[name].help == option.help.en
        no_flag = [flag.replace("--", "--no-")] if isinstance(option.kind, Truth) else []
        assert parameters[name].secondary_opts == no_flag
        assert not parameters[name].required


@pytest.mark.parametrize("path", COMMANDS)
def test_what_is_not_said_is_the_default(path: str) -> None:
    parameters = parameters_of(path)
    assert job_options({name: parameters[name].default for name in OPTIONS}) == JobOptions()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", COMMANDS)
def test_the_help_fits_the_terminal_and_cuts_no_name_off(path: str, width: int) -> None:
    main = "import sys; from portravox.cli.main import main; sys.exit(main())"
    shown = subprocess.run(
        [sys.executable, "-c", main, *path.split(), "--help"],
        env={"COLUMNS": str(width), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    told, _, examples = shown.partition("\n  Examples:\n")
    assert max(map(len, told.splitlines())) <= width
    assert max(map(len, examples.splitlines())) <= 80  # to be copied: not to be broken
    for option in OPTIONS.values():
        assert f"\n  --{option.flag_name}" in shown
        if not isinstance(option.kind, Truth):
            assert f"--{option.flag_name} {option.kind.metavar}" in shown
    assert "(as the photograph)" in " ".join(shown.split())


def test_a_wrong_text_is_refused_in_the_words_of_the_definition() -> None:
    with pytest.raises(SettingOutOfRange) as refused:
        job_options({"video_fps": "many"})
    assert str(refused.value) == (
        "video_fps='many' is out of range; wanted a whole number from 15 to 30"
    )


def test_values_of_a_row_take_the_place_of_those_of_the_command() -> None:
    options = job_options({"video_fps": "20", "seed": "1", "max_side": None}, seed=2)
    assert options == JobOptions(video_fps=20, seed=2)
