"""The examples in the docstrings of the public names run and print what they say."""

from __future__ import annotations

import doctest
import shutil
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

import portravox
from portravox.demo import VOICE

WITH_EXAMPLES = {"Avatar", "JobOptions", "SpokenText", "animate", "read_picture", "read_voice"}
"""These must have one; others may."""


@pytest.fixture
def files(tmp_path: Path, astronaut_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """face.png and voice.wav, one second long, in the folder that relative paths start from."""
    shutil.copy(astronaut_path, tmp_path / "face.png")
    with wave.open(str(VOICE)) as whole, wave.open(str(tmp_path / "voice.wav"), "wb") as second:
        second.setparams(whole.getparams())
        second.writeframes(whole.readframes(whole.getframerate()))
    monkeypatch.chdir(tmp_path)
    yield


def examples(name: str) -> list[doctest.DocTest]:
    thing = getattr(portravox, name)
    found = doctest.DocTestFinder().find(thing, name, module=False, globs={})
    return [each for each in found if each.examples]


@pytest.mark.parametrize("name", [name for name in portravox.__all__ if name != "__version__"])
def test_examples_of_public_names_run(
    name: str, files: None, capsys: pytest.CaptureFixture[str]
) -> None:
    found = examples(name)
    assert found or name not in WITH_EXAMPLES
    for each in found:
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        assert runner.run(each).failed == 0, capsys.readouterr().out
