"""A short voice cut from the demo's, and the sample material where it is present."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from portravox.demo import VOICE, demo_portrait


@pytest.fixture(scope="session")
def astronaut() -> Path:
    return demo_portrait()


def _cut(path: Path, duration_s: float) -> Path:
    with wave.open(str(VOICE), "rb") as voice, wave.open(str(path), "wb") as short:
        short.setparams(voice.getparams())
        short.writeframes(voice.readframes(round(duration_s * voice.getframerate())))
    return path


@pytest.fixture(scope="session")
def voice_1s(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _cut(tmp_path_factory.mktemp("voice") / "1s.wav", 1.0)


@pytest.fixture(scope="session")
def voice_2s(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _cut(tmp_path_factory.mktemp("voice") / "2s.wav", 2.0)
