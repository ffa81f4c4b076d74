from __future__ import annotations

import os
import threading
from types import SimpleNamespace

import pytest

from portravox.service.disk import DiskSpace
from portravox.service.errors import StorageFailed


@pytest.fixture
def disk(monkeypatch):
    """A disk of which a test says how much is free."""
    disk = SimpleNamespace(f_bavail=1000, f_frsize=1)
    monkeypatch.setattr(os, "statvfs", lambda folder: disk)
    return disk


def test_the_reserve_is_never_promised(tmp_path, disk):
    space = DiskSpace(reserve_bytes=400)
    assert space.free_bytes(tmp_path) == 600
    space.require(tmp_path, 600)
    with pytest.raises(StorageFailed, match=f"{tmp_path} for 601 bytes: 600 bytes are free"):
        space.require(tmp_path, 601)


def test_what_is_promised_is_gone_until_it_is_written_or_given_back(tmp_path, disk):
    space = DiskSpace(reserve_bytes=0)
    with space.promise(tmp_path, 600) as promise:
        assert space.free_bytes(tmp_path) == 400
        with pytest.raises(StorageFailed), space.promise(tmp_path, 401):
            pass
        promise.write(200)
        disk.f_bavail -= 200
        assert space.free_bytes(tmp_path) == 400  # written, so no longer promised
        promise.write(500)  # 100 more than was promised
        disk.f_bavail -= 500
        assert space.free_bytes(tmp_path) == 300
    assert space.free_bytes(tmp_path) == 300


def test_a_writer_stops_where_somebody_else_took_the_room(tmp_path, disk):
    space = DiskSpace(reserve_bytes=100)
    with space.promise(tmp_path, 500) as promise:
        promise.write(100)
        disk.f_bavail = 300  # another program fills the disk
        with pytest.raises(StorageFailed):
            promise.write(100)
    assert space.free_bytes(tmp_path) == 200


def test_a_spool_grows_beyond_what_was_announced_while_there_is_room(tmp_path):
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    space = DiskSpace(reserve_bytes=free - 64 * 1024 * 1024)
    with space.spool(tmp_path) as spool:
        spool.expect(10)
        assert spool.write(b"x" * 100_000) == 100_000
        assert spool.file.seek(0, os.SEEK_END) == 100_000
    assert list(tmp_path.iterdir()) == []


def test_many_writers_together_are_promised_what_is_there_and_no_more(tmp_path, disk):
    space = DiskSpace(reserve_bytes=0)
    together = threading.Barrier(20)
    kept = []

    def write():
        together.wait()
        try:
            with space.promise(tmp_path, 100):
                kept.append(1)
                together.wait(5)
        except StorageFailed:
            together.wait(5)

    threads = [threading.Thread(target=write) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept) == 10
    assert space.free_bytes(tmp_path) == 1000


def test_a_folder_that_is_gone_is_told(tmp_path):
    with pytest.raises(StorageFailed, match="nowhere"):
        DiskSpace().require(tmp_path / "nowhere")
