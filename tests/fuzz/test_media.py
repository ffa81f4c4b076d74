"""Broken pictures and sounds are refused with a reason; they neither kill nor hold their reader."""

from __future__ import annotations

import io
import selectors
import subprocess
import sys
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from portravox.demo import VOICE, demo_portrait
from portravox.media.voice_file import read_voice
from tests.credentials import new_chain, sealed_video
from tests.fuzz.conftest import Tally

HANGS_S = 30.0
"""No case may take so long; what the service itself allows a whole job is far more."""

PICTURES = {"jpg": "JPEG", "png": "PNG", "bmp": "BMP", "webp": "WEBP", "gif": "GIF"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Small whole files of every kind that is read, one that is not, and a signed video."""
    portrait = demo_portrait()
    with Image.open(portrait) as picture:
        small = picture.convert("RGB").crop((130, 0, 330, 220)).resize((120, 132))
        for suffix, kind in PICTURES.items():
            small.save(tmp_path / f"whole.{suffix}", kind)
    voice = read_voice(VOICE)
    samples = (voice.mono()[: int(1.1 * voice.rate_hz) : 2] * 32767).astype("<i2")
    with wave.open(str(tmp_path / "whole.wav"), "wb") as file:
        file.setparams((1, 2, voice.rate_hz // 2, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    (tmp_path / "whole.mp3").write_bytes(_mp3(samples, voice.rate_hz // 2))
    sealed_video(tmp_path / "whole.mp4", new_chain(tmp_path / "chain"))
    return tmp_path


def _mp3(samples: np.ndarray, rate_hz: int) -> bytes:
    kept = io.BytesIO()
    with av.open(kept, "w", format="mp3") as file:
        stream = file.add_stream("libmp3lame", rate=rate_hz, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16p", layout="mono")
        frame.rate = rate_hz
        file.mux([*stream.encode(frame), *stream.encode(None)])
    return kept.getvalue()


def test_whatever_is_in_a_file_its_reader_comes_back(folder: Path, media: int, tally: Tally):
    """A reader that dies or hangs would be one failed attempt of a task; none does."""
    first = 0
    while first < media:
        first = _read(folder, first, media, tally)
    counts = {kind: tally.counts[kind] for kind in tally.counts if kind.startswith(".")}
    assert sum(count.total() for count in counts.values()) == media
    unplanned = {
        f"{kind}: {outcome}": count
        for kind, found in counts.items()
        for outcome, count in found.items()
        if outcome.startswith("!")
    }
    assert unplanned == {}
    # Files that nothing could be done to, or all were broken at once, would prove little.
    assert all(len(found) > 1 for kind, found in counts.items() if kind != ".gif")


def _read(folder: Path, first: int, end: int, tally: Tally) -> int:
    """Have a process read the cases from `first` on; the first one that is left to do."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz.reader", folder, str(first), str(end - first)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    selector = selectors.DefaultSelector()
    selector.register(process.stdout, selectors.EVENT_READ)
    number, kind = first, "?"
    try:
        while selector.select(HANGS_S):
            line = process.stdout.readline().split()
            if not line:
                if number < end and kind != "?" and process.wait() != 0:
                    tally.add(kind, f"!died with {process.returncode}", 0.0)
                    return number + 1
                return end
            kind, outcome = line[1].decode(), line[2].decode()
            number = int(line[0])
            if outcome != "begun":
                tally.add(kind, outcome, float(line[3]))
                number, kind = number + 1, "?"
        tally.add(kind, "!hangs", HANGS_S)
        return number + 1
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        selector.close()
