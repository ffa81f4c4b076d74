"""A small portrait, a short voice, and the command line called as a shell would."""

from __future__ import annotations

import json
import os
import shutil
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from PIL import Image

from portravox.cli.main import main
from portravox.demo import VOICE, demo_portrait


@dataclass(frozen=True)
class Told:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one line on stdout."""
        assert self.out.count("\n") == 1, self.out
        answer: dict[str, Any] = json.loads(self.out)
        return answer


Run = Callable[..., Told]


@pytest.fixture(autouse=True)
def environment_as_before() -> Iterator[None]:
    """`serve` writes into the environment what its worker processes read."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls the command line in this process."""
    monkeypatch.delenv("PORTRAVOX_DEBUG", raising=False)

    def call(*arguments: object) -> Told:
        capfd.readouterr()
        status = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Told(status, out, err)

    return call


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with face.png (192 px) and voice.wav (1.2 s)."""
    photograph = demo_portrait()
    folder = tmp_path_factory.mktemp("inputs")
    with Image.open(photograph) as picture:
        picture.resize((192, 192)).save(folder / "face.png")
    with wave.open(str(VOICE), "rb") as voice:
        cut = voice.readframes(round(1.2 * voice.getframerate()))
        with wave.open(str(folder / "voice.wav"), "wb") as short:
            short.setparams(voice.getparams())
            short.writeframes(cut)
    return folder


@pytest.fixture
def folder(inputs: Path, tmp_path: Path) -> Path:
    """A folder of the test's own with both files in it."""
    for name in ("face.png", "voice.wav"):
        shutil.copy(inputs / name, tmp_path / name)
    return tmp_path
