"""A file is there whole or not at all."""

from __future__ import annotations

import stat

import pytest

from portravox.service.whole_file import writing


def test_it_appears_when_the_block_has_ended(tmp_path):
    path = tmp_path / "a"
    with writing(path) as stream:
        stream.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_breaks_changes_nothing(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), writing(path) as stream:
        stream.write(b"new")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_raises(tmp_path):
    with pytest.raises(OSError), writing(tmp_path / "none" / "a"):
        pass
