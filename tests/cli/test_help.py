"""Help that can be used: -h, examples that the real parser reads, completion."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from portravox.cli.examples import all_examples
from portravox.cli.main import main
from tests.handbook.examples import take

COMMANDS = ("", "animate", "check", "batch", "serve", "client", "client submit", "models fetch")


@pytest.mark.parametrize("command", COMMANDS)
def test_minus_h_is_help_everywhere(run: Any, command: str) -> None:
    short, long = (run(*command.split(), flag) for flag in ("-h", "--help"))
    assert (short.status, short.out) == (0, long.out)


@pytest.mark.parametrize("command", ["", "client", "keys", "models"])
def test_lists_of_commands_cut_no_sentence_off(run: Any, command: str) -> None:
    listed = run(*command.split(), "--help").out.partition("Commands:")[2]
    assert listed and "..." not in listed


@pytest.mark.parametrize(
    "command", ["animate", "check", "batch", "demo", "live", "serve", "client submit", "completion"]
)
def test_help_ends_with_examples_line_by_line(run: Any, command: str) -> None:
    told = run(*command.split(), "--help").out
    shown = [line.strip() for line in told.partition("Examples:")[2].splitlines() if line.strip()]
    assert shown
    assert set(shown) <= set(all_examples())


@pytest.mark.parametrize(
    "example", [line for line in all_examples() if line.startswith("portravox ")]
)
def test_the_parser_reads_every_example(example: str) -> None:
    take(shlex.split(example.partition("|")[0].partition(">")[0]))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(run: Any, shell: str) -> None:
    told = run("completion", shell)
    assert told.status == 0
    assert "_PORTRAVOX_COMPLETE" in told.out


def test_another_shell_is_named(run: Any) -> None:
    told = run("completion", "tcsh")
    assert told.status == 2
    assert "bash, zsh, fish" in told.err


@pytest.mark.parametrize(
    ("words", "at", "wanted"),
    [("portravox an", "1", "animate"), ("portravox animate --temp", "2", "--template-id")],
)
def test_commands_and_options_are_completed(
    capfd: Any, monkeypatch: pytest.MonkeyPatch, words: str, at: str, wanted: str
) -> None:
    monkeypatch.setenv("_PORTRAVOX_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", at)
    with pytest.raises(SystemExit):
        main([])
    assert capfd.readouterr().out.split() == [wanted]
