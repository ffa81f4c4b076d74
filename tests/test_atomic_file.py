"""A file is there whole or not at all."""

from __future__ import annotations

import os
import stat

import pytest

from portravox.atomic_file import SHARED, writing


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


def test_a_video_may_be_read_as_the_users_umask_says(tmp_path):
    before = os.umask(0o022)
    try:
        with writing(tmp_path / "a", mode=SHARED) as stream:
            stream.write(b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


def test_the_longest_name_has_room_for_its_hidden_one(tmp_path):
    path = tmp_path / ("a" * 255)
    with writing(path) as stream:
        stream.write(b"new")
    assert path.read_bytes() == b"new"


def test_what_need_not_last_does_not_wait_for_the_disk(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with writing(tmp_path / "a", durable=False) as stream:
        stream.write(b"new")
    assert synced == []
    with writing(tmp_path / "a") as stream:
        stream.write(b"new")
    assert len(synced) == 2  # the file, and its name in the folder
