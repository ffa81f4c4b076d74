"""A whole file comes into memory, and no more memory is taken than it has."""

from __future__ import annotations

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
