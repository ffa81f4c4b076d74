from __future__ import annotations

import io
import threading

import pytest

from portravox.service.storage.local import LocalStorage
from portravox.service.storage.upload_index import Kept, UploadIndex


def account_of(name: str) -> str:
    return name.partition("-")[0]


@pytest.fixture
def storage(tmp_path):
    storage = LocalStorage(tmp_path / "uploads", reserve_bytes=0)
    for name, size in (("a-1", 3), ("a-2", 0), ("b-1", 5)):
        storage.put(name, io.BytesIO(b"x" * size))
    return storage


def seen(index: UploadIndex, account: str, size_bytes: int) -> tuple[Kept, Kept]:
    found = []
    with index.adding(account, size_bytes, lambda own, everyone: found.append((own, everyone))):
        pass
    return found[0]


def test_what_is_stored_is_counted_with_what_comes(storage):
    index = UploadIndex(storage, account_of)
    assert seen(index, "a", 4) == (Kept(3, 7), Kept(4, 12))
    assert seen(index, "b", 1) == (Kept(2, 6), Kept(5, 13))
    assert seen(index, "c", 0) == (Kept(1, 0), Kept(6, 13))


def test_the_folder_is_read_once_however_many_come(storage, monkeypatch):
    reads = []
    entries = storage.entries
    monkeypatch.setattr(storage, "entries", lambda *args: reads.append(1) or entries(*args))
    index = UploadIndex(storage, account_of)
    for _ in range(100):
        seen(index, "a", 0)
    assert len(reads) == 1
    index.count_anew(0.0)
    assert seen(index, "a", 0)[0] == Kept(3, 3)  # what was only said to be stored is forgotten
    assert len(reads) == 2


def test_what_was_refused_or_went_wrong_is_not_counted(storage):
    index = UploadIndex(storage, account_of)

    def refuse(own: Kept, everyone: Kept) -> None:
        raise ValueError

    with pytest.raises(ValueError), index.adding("a", 1, refuse):
        pass
    with pytest.raises(OSError), index.adding("a", 1, lambda own, everyone: None):
        raise OSError
    assert seen(index, "a", 0)[0] == Kept(3, 3)


def test_those_that_arrive_together_count_against_each_other(storage):
    index = UploadIndex(storage, account_of)
    own = []
    inside = threading.Barrier(8)

    def upload():
        with index.adding("a", 10, lambda mine, everyone: own.append(mine.files)):
            inside.wait(5)

    threads = [threading.Thread(target=upload) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(own) == list(range(3, 11))
