"""Long recordings lie in a file and sound as short ones do."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from portravox.arrays import Float32
from portravox.media import plain_files, sample_file, voice_file
from portravox.media.sample_file import SampleFile, let_go
from portravox.media.voice_file import read_voice
from portravox.media.waveform import Waveform
from portravox.speech.resample import speech_samples

RATE_HZ = 16_000
SAMPLES = np.random.default_rng(3).uniform(-0.5, 0.5, (150_000, 2)).astype(np.float32)


class _Full(SampleFile):
    """On a disk with room for so many blocks."""

    room = 0

    def __init__(self) -> None:
        super().__init__()
        self._blocks = 0

    def add(self, samples: Float32) -> None:
        if self._blocks == self.room:
            super().add(samples.ravel()[:5])  # a part of it found room
            raise OSError(28, "No space left on device")
        self._blocks += 1
        super().add(samples)


def _voice(folder: Path) -> Waveform:
    path = folder / "voice.wav"
    plain_files.write_wav(path, Waveform(SAMPLES, RATE_HZ))
    return read_voice(path)


def _in_a_file(samples: Float32) -> bool:
    return not samples.flags.writeable


def test_what_was_added_is_there_in_its_order() -> None:
    file = SampleFile()
    file.add(SAMPLES[:1000])
    file.add(SAMPLES[1000:])
    whole = file.whole()
    file.close()
    assert np.array_equal(whole.reshape(-1, 2), SAMPLES)


def test_what_was_let_go_comes_back() -> None:
    file = SampleFile()
    file.add(SAMPLES)
    whole = file.whole()
    file.close()
    let_go(whole)
    assert np.array_equal(whole, SAMPLES.ravel())


def test_a_file_without_samples_has_none() -> None:
    file = SampleFile()
    assert len(file.whole()) == 0
    file.close()


def test_long_recordings_lie_in_a_file_and_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = _voice(tmp_path)
    monkeypatch.setattr(voice_file, "IN_MEMORY_SAMPLES", 100_000)
    long = _voice(tmp_path)
    assert not _in_a_file(short.samples)
    assert _in_a_file(long.samples)
    assert np.array_equal(long.samples, short.samples)
    assert long.digest() == short.digest()
    assert np.array_equal(speech_samples(long), speech_samples(short))


@pytest.mark.parametrize("room", [0, 1, 2, 3])
def test_on_a_full_disk_they_stay_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    usual = _voice(tmp_path)
    monkeypatch.setattr(voice_file, "IN_MEMORY_SAMPLES", 100_000)
    monkeypatch.setattr(sample_file, "SampleFile", _Full)
    monkeypatch.setattr(_Full, "room", room)
    assert np.array_equal(_voice(tmp_path).samples, usual.samples)


def test_pieces_are_the_whole_and_the_digest_is_that_of_its_bytes() -> None:
    voice = Waveform(SAMPLES, RATE_HZ)
    assert np.array_equal(np.concatenate(list(voice.pieces())), SAMPLES)
    assert voice.digest() == hashlib.sha256(SAMPLES.tobytes()).digest()
