"""portravox demo: what comes along is there and fits together."""

from __future__ import annotations

import hashlib
import re

import pytest

from benchmarks.probe import probe_video
from portravox.demo import VOICE, demo_portrait
from portravox.media.voice_file import read_voice
from portravox.model_files import required
from portravox.model_files.store import VARIABLE


def test_the_voice_is_the_one_that_its_card_describes():
    card = VOICE.with_name("VOICE.md").read_text(encoding="utf-8")
    told = re.search(r"sha256\s+([0-9a-f]{64})", card)
    assert told is not None
    assert hashlib.sha256(VOICE.read_bytes()).hexdigest() == told[1]
    voice = read_voice(VOICE)
    assert voice.duration_s == pytest.approx(7.0, abs=0.05)
    assert voice.samples.shape[1] == 1


@pytest.mark.slow
def test_it_makes_its_folder_and_prints_the_path(run, tmp_path):
    video = tmp_path / "out" / "demo.mp4"
    told = run("demo", "-o", video)
    assert told.status == 0, told.err
    assert told.out == f"{video}\n"
    info = probe_video(video)
    assert (info.width_px, info.height_px, info.frames) == (512, 512, 168)


def test_without_its_portrait_it_says_how_to_get_it(run, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "models"))
    monkeypatch.setattr(required, "_may_fetch", False)
    told = run("demo", "-o", tmp_path / "demo.mp4")
    assert told.status == 1
    assert "astronaut.png" in told.err
    assert "portravox models fetch" in told.err
    assert list(tmp_path.iterdir()) == []


def test_the_portrait_is_a_photograph_of_512_px():
    from PIL import Image

    with Image.open(demo_portrait()) as picture:
        assert picture.size == (512, 512)
