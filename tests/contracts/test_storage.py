"""What every storage promises: a folder of this machine, and a bucket of a real server of S3."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path

import pytest

from portravox.service.errors import StorageFailed, StoredFileMissing
from portravox.service.storage.base import Storage
from portravox.service.storage.local import LocalStorage
from portravox.service.storage.object_store import ObjectStorage
from tests.service.storage.swift import SwiftServer

NAMES_OF_NONE = ("", ".", "..", "../secret", "a/b", "/a", ".a", "a b", "é", "a\0", "a" * 129, "a.B")


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return LocalStorage(tmp_path / "videos", reserve_bytes=0)
    server: SwiftServer = request.getfixturevalue("swift_server")
    return ObjectStorage(server.open_bucket(tmp_path.name), "videos")


def read(storage: Storage, name: str) -> bytes:
    with storage.open(name)[1] as stream:
        return stream.read()


def test_what_was_put_is_found_opened_and_deleted(storage: Storage) -> None:
    before = time.time()
    put = storage.put("a.mp4", io.BytesIO(b"video"))
    found = storage.find("a.mp4")
    assert found is not None
    assert (found.name, found.size_bytes, found.etag) == (put.name, 5, put.etag)
    assert before - 2.0 <= found.stored_at <= time.time() + 2.0
    opened, stream = storage.open("a.mp4")
    with stream:
        assert opened == found
        stream.seek(2)
        assert stream.read() == b"deo"
        assert stream.read(1) == b""
        stream.seek(-4, io.SEEK_END)
        assert stream.read(2) == b"id"
        assert stream.tell() == 3
    assert storage.delete("a.mp4") is True
    assert storage.delete("a.mp4") is False
    assert storage.find("a.mp4") is None
    with pytest.raises(StoredFileMissing):
        storage.open("a.mp4")


@pytest.mark.parametrize("name", NAMES_OF_NONE)
def test_what_is_no_name_names_nothing(storage: Storage, name: str) -> None:
    with pytest.raises(StorageFailed):
        storage.put(name, io.BytesIO(b"x"))
    with pytest.raises(StoredFileMissing):
        storage.open(name)
    assert storage.find(name) is None
    assert storage.delete(name) is False


def test_an_empty_file_is_a_file(storage: Storage) -> None:
    assert storage.put("a", io.BytesIO()).size_bytes == 0
    assert read(storage, "a") == b""


def test_what_was_read_before_is_not_stored(storage: Storage) -> None:
    content = io.BytesIO(b"12345")
    content.seek(2)
    assert storage.put("a", content).size_bytes == 3
    assert read(storage, "a") == b"345"


def test_a_file_of_several_pieces_comes_back_as_it_was(storage: Storage) -> None:
    pattern = bytes(range(251)) * 80_000  # 20 MB, and no piece like another
    stored = storage.put("a.mp4", io.BytesIO(pattern))
    assert stored.size_bytes == len(pattern)
    found, stream = storage.open("a.mp4")
    with stream:
        assert found.etag == stored.etag
        for first, length in ((0, 10), (8 * 1024 * 1024 - 3, 6), (len(pattern) - 5, 100)):
            stream.seek(first)
            assert stream.read(length) == pattern[first : first + length]
    assert read(storage, "a.mp4") == pattern


def test_a_file_is_replaced_whole_and_gets_another_etag(storage: Storage) -> None:
    first = storage.put("a.mp4", io.BytesIO(b"first"))
    _, reading = storage.open("a.mp4")
    second = storage.put("a.mp4", io.BytesIO(b"second, and longer"))
    with reading:
        try:
            assert reading.read() == b"first"
        except StorageFailed:
            assert not storage.can_list  # of an object store, which keeps no old ones
    assert read(storage, "a.mp4") == b"second, and longer"
    assert first.etag != second.etag
    assert first.etag[0] == first.etag[-1] == '"'


def test_a_reader_of_a_removed_file_gets_all_of_it_or_an_error(storage: Storage) -> None:
    storage.put("a.mp4", io.BytesIO(b"video"))
    _, reading = storage.open("a.mp4")
    storage.delete("a.mp4")
    with reading:
        try:
            assert reading.read() == b"video"
        except StorageFailed:
            assert not storage.can_list


class Broken(io.BytesIO):
    """A source that fails when half of it was read."""

    def read(self, size: int | None = -1, /) -> bytes:
        half = len(self.getbuffer()) // 2
        if self.tell() >= half:
            raise OSError(28, "No space left on device")
        return super().read(half if size is None or size < 0 else min(size, half))


@pytest.mark.parametrize("size_bytes", [6, 18_000_000])
def test_a_put_that_breaks_leaves_what_was_there(storage: Storage, size_bytes: int) -> None:
    with pytest.raises(StorageFailed, match="No space left"):
        storage.put("a.mp4", Broken(bytes(size_bytes)))
    assert storage.find("a.mp4") is None
    storage.put("a.mp4", io.BytesIO(b"old"))
    with pytest.raises(StorageFailed):
        storage.put("a.mp4", Broken(bytes(size_bytes)))
    assert read(storage, "a.mp4") == b"old"


def test_a_reader_sees_one_version_whole(storage: Storage) -> None:
    contents = [bytes([n]) * 50_000 for n in range(2)]
    storage.put("a.mp4", io.BytesIO(contents[0]))
    stop = threading.Event()

    def replace_again_and_again() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            storage.put("a.mp4", io.BytesIO(contents[turn % 2]))

    writer = threading.Thread(target=replace_again_and_again)
    writer.start()
    seen = 0
    try:
        for _ in range(20):
            try:
                assert read(storage, "a.mp4") in contents
                seen += 1
            except StorageFailed:
                assert not storage.can_list  # it was replaced between two requests
    finally:
        stop.set()
        writer.join()
    assert seen


def test_several_may_store_at_once(storage: Storage) -> None:
    def put(n: int) -> None:
        storage.put(f"file-{n}", io.BytesIO(bytes([n]) * 1000))

    writers = [threading.Thread(target=put, args=(n,)) for n in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert all(read(storage, f"file-{n}") == bytes([n]) * 1000 for n in range(8))


def test_a_probe_leaves_nothing_among_the_files(storage: Storage) -> None:
    storage.probe()
    storage.probe()
    assert list(storage.entries()) == []


def test_what_cannot_be_listed_says_so(storage: Storage) -> None:
    storage.put("a-1", io.BytesIO(b"x"))
    storage.put("b-1", io.BytesIO(b"x"))
    listed = {stored.name for stored in storage.entries("a-")}
    assert listed == ({"a-1"} if storage.can_list else set())
    removed = storage.remove_older(time.time() + 100.0)
    assert set(removed) == ({"a-1", "b-1"} if storage.can_list else set())
    assert (storage.find("a-1") is None) is storage.can_list
