"""A portrait and voices for servers that break, and a table of what became of them."""

from __future__ import annotations

import json
import os
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from portravox.demo import VOICE, demo_portrait
from tests.faults.world import Ledger, Rounds
from tests.live import files_at


@pytest.fixture(scope="session")
def rounds() -> Rounds:
    """How often each fault happens, and for how long in all."""
    return Rounds(
        times=int(os.environ.get("PORTRAVOX_FAULT_ROUNDS", "1")),
        minutes=float(os.environ.get("PORTRAVOX_FAULT_MINUTES", "28")),
    )


@pytest.fixture
def only_in_make_faults(rounds: Rounds) -> None:
    """For what takes long."""
    if not rounds.many:
        pytest.skip("runs in `make faults`")


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where servers fetch `face.png`, `large.jpg` and `voice.wav`, 1.2 s of speech."""
    portrait = demo_portrait()
    folder = tmp_path_factory.mktemp("files")
    with Image.open(portrait) as picture:
        picture.resize((256, 256)).save(folder / "face.png")
        picture.resize((3600, 3600)).save(folder / "large.jpg")
    with wave.open(str(VOICE), "rb") as voice, wave.open(str(folder / "voice.wav"), "wb") as short:
        short.setparams(voice.getparams())
        short.writeframes(voice.readframes(round(1.2 * voice.getframerate())))
    with files_at(folder) as url:
        yield url


@pytest.fixture(scope="session")
def ledger() -> Iterator[Ledger]:
    """What happened; written down where PORTRAVOX_FAULTS_OUT says, if it does."""
    ledger = Ledger()
    yield ledger
    out = os.environ.get("PORTRAVOX_FAULTS_OUT")
    if out and ledger.rows:
        Path(out).mkdir(parents=True, exist_ok=True)
        (Path(out) / "faults.md").write_text(ledger.markdown())
        (Path(out) / "faults.json").write_text(json.dumps(ledger.facts(), indent=1) + "\n")
