"""A whole file comes into memory, and no more memory is taken than it has."""

from __future__ import annotations

import mmap
import os
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import pytest

from portravox.errors import VoiceTooLarge, VoiceUnreadable
from portravox.media import files

GIB = 1024 * files.MIB


def read(path: Path, max_bytes: int) -> bytes:
    return files.read_bytes(path, max_bytes, empty=VoiceUnreadable, too_large=VoiceTooLarge)


def test_a_small_file_takes_little_however_much_is_allowed(tmp_path: Path) -> None:
    """A process with less memory than a recording may have reads small ones."""
    (tmp_path / "v").write_bytes(b"voice")
    tracemalloc.start()
    try:
        assert read(tmp_path / "v", GIB) == b"voice"
        assert tracemalloc.get_traced_memory()[1] < files.MIB
    finally:
        tracemalloc.stop()


def test_a_large_recording_is_a_copy_that_nobody_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "IN_MEMORY_BYTES", 1000)
    monkeypatch.setattr(files, "COPIED_BYTES", 300)
    path = tmp_path / "v"
    path.write_bytes(bytes(range(250)) * 10)
    content = _content(path)
    with path.open("r+b") as changed:  # cut, a mapped file would end this process
        changed.truncate(0)
    assert isinstance(content, mmap.mmap)
    assert content[:] == bytes(range(250)) * 10


def test_without_room_for_a_copy_it_is_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: object, content: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "IN_MEMORY_BYTES", 1000)
    monkeypatch.setattr(files, "write_all", full)
    (tmp_path / "v").write_bytes(b"voice" * 500)
    assert _content(tmp_path / "v") == b"voice" * 500


def test_a_large_file_that_grew_too_large_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "IN_MEMORY_BYTES", 1000)
    (tmp_path / "v").write_bytes(bytes(4001))
    monkeypatch.setattr(os, "fstat", lambda _: SimpleNamespace(st_size=2000))
    with pytest.raises(VoiceTooLarge):
        _content(tmp_path / "v")


def _content(path: Path) -> files.Content:
    return files.read_content(path, 4000, empty=VoiceUnreadable, too_large=VoiceTooLarge)


@pytest.mark.parametrize(("size", "fits"), [(8, True), (9, True), (10, False)])
def test_what_a_file_grows_by_meanwhile_is_read_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, fits: bool
) -> None:
    (tmp_path / "v").write_bytes(bytes(range(size)))
    monkeypatch.setattr(os, "fstat", lambda _: SimpleNamespace(st_size=4))
    if fits:
        assert read(tmp_path / "v", 9) == bytes(range(size))
    else:
        with pytest.raises(VoiceTooLarge):
            read(tmp_path / "v", 9)
