"""A folder keeps files whole and to itself; its links open one file for a while."""

from __future__ import annotations

import io
import os
import stat
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from portravox.service.disk import DiskSpace
from portravox.service.errors import LinkRefused, StorageFailed, StoredFileMissing
from portravox.service.storage.base import is_name
from portravox.service.storage.local import LocalLinks, LocalStorage
from portravox.service.storage.signing import SigningKeys

OUTSIDE = [
    "",
    ".",
    "..",
    "/",
    "../secret",
    "..\\secret",
    "a/../../secret",
    "/etc/passwd",
    "folder/a.mp4",
    "a\\b",
    "./a",
    "a/",
    ".hidden",
    "-a",
    "_a",
    "a..mp4",
    "a.tar.gz",
    "a.",
    "a.MP4",
    "a b",
    "a\0",
    "a\0.mp4",
    "a\n",
    "a.mp4\n",
    "\na",
    "%2e%2e%2fsecret",
    "..%2fsecret",
    "%2e%2e/secret",
    "..%c0%afsecret",
    "．．／secret",
    "‥/secret",
    "a\u202e4pm.exe",
    "é",
    "ａ",
    "\ud800",
    "~root",
    "C:secret",
    "CON:",
    "a:b",
    "file:a",
    "a" * 129,
    "a" * 300,
    "a.123456789",
]
"""Names that lead, or may lead some system, elsewhere than to a file in the folder."""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    return tmp_path / "videos"


@pytest.fixture
def storage(folder):
    return LocalStorage(folder, reserve_bytes=0)


def read(storage: LocalStorage, name: str) -> bytes:
    with storage.open(name)[1] as stream:
        return stream.read()


@pytest.mark.parametrize("name", ["a", "0", "a.mp4", "A_b-c.mp4", "a" * 128, "a" * 128 + ".mp4"])
def test_plain_names_can_be_stored(storage, name):
    assert is_name(name)
    storage.put(name, io.BytesIO(b"x"))
    assert read(storage, name) == b"x"
    assert quote(name) == name


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_name_leads_out_of_the_folder(storage, tmp_path, name):
    assert not is_name(name)
    with pytest.raises(StorageFailed):
        storage.put(name, io.BytesIO(b"x"))
    with pytest.raises(StoredFileMissing):
        storage.open(name)
    assert storage.find(name) is None
    assert storage.delete(name) is False
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert {p.name for p in tmp_path.iterdir()} == {"secret", "videos"}
    assert list((tmp_path / "videos").iterdir()) == []


def test_what_was_put_is_found_opened_and_deleted(storage):
    before = time.time()
    stored = storage.put("a.mp4", io.BytesIO(b"video"))
    assert (stored.name, stored.size_bytes) == ("a.mp4", 5)
    assert before - 1.0 <= stored.stored_at <= time.time() + 1.0
    assert storage.find("a.mp4") == stored
    found, stream = storage.open("a.mp4")
    with stream:
        assert found == stored
        stream.seek(2)
        assert stream.read() == b"deo"
    assert list(storage.entries()) == [stored]
    assert storage.delete("a.mp4") is True
    assert storage.delete("a.mp4") is False
    assert storage.find("a.mp4") is None
    with pytest.raises(StoredFileMissing):
        storage.open("a.mp4")


def test_files_are_ours_alone(storage, folder):
    storage.put("a.mp4", io.BytesIO(b"video"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "a.mp4").stat().st_mode) == 0o600


def test_a_file_is_replaced_whole_and_gets_another_etag(storage):
    first = storage.put("a.mp4", io.BytesIO(b"first"))
    _, reading = storage.open("a.mp4")
    second = storage.put("a.mp4", io.BytesIO(b"second"))
    with reading:
        assert reading.read() == b"first"
    assert read(storage, "a.mp4") == b"second"
    assert first.etag != second.etag
    assert first.etag[0] == first.etag[-1] == '"'


class Broken(io.BytesIO):
    """A source that fails when half of it was read."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError(28, "No space left on device")
        return super().read(3)


def test_a_put_that_breaks_leaves_what_was_there(storage, folder):
    with pytest.raises(StorageFailed, match="No space left"):
        storage.put("a.mp4", Broken(b"123456"))
    assert list(folder.iterdir()) == []
    storage.put("a.mp4", io.BytesIO(b"old"))
    with pytest.raises(StorageFailed):
        storage.put("a.mp4", Broken(b"123456"))
    assert read(storage, "a.mp4") == b"old"
    assert len(list(folder.iterdir())) == 1


def test_a_reader_sees_one_version_whole(storage):
    contents = [bytes([n]) * 200_000 for n in range(2)]
    storage.put("a.mp4", io.BytesIO(contents[0]))
    stop = threading.Event()

    def replace_again_and_again():
        turn = 0
        while not stop.is_set():
            turn += 1
            storage.put("a.mp4", io.BytesIO(contents[turn % 2]))

    writer = threading.Thread(target=replace_again_and_again)
    writer.start()
    try:
        assert all(read(storage, "a.mp4") in contents for _ in range(100))
    finally:
        stop.set()
        writer.join()


def test_some_room_is_left_on_the_disk(folder, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_bavail=100, f_frsize=1))
    with pytest.raises(StorageFailed, match="0 bytes are free"):
        LocalStorage(folder, reserve_bytes=100).put("a.mp4", io.BytesIO(b"x"))
    assert list(folder.iterdir()) == []
    LocalStorage(folder, reserve_bytes=99).put("a.mp4", io.BytesIO(b"x"))


def test_what_others_were_promised_is_not_there_to_be_stored(folder, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_bavail=100, f_frsize=1))
    space = DiskSpace(reserve_bytes=50)
    storage = LocalStorage(folder, space=space)
    with space.promise(folder, 41):
        storage.put("small.mp4", io.BytesIO(b"x" * 9))
        with pytest.raises(StorageFailed):
            storage.put("large.mp4", io.BytesIO(b"x" * 10))
    storage.put("large.mp4", io.BytesIO(b"x" * 50))
    assert {path.name for path in folder.iterdir()} == {"small.mp4", "large.mp4"}


def test_a_disk_that_fills_up_while_a_file_is_stored_ends_it(folder, monkeypatch):
    free = iter([5 << 20, 5 << 20, 5 << 20, 0, 0])
    monkeypatch.setattr(
        os, "statvfs", lambda path: SimpleNamespace(f_bavail=next(free), f_frsize=1)
    )
    with pytest.raises(StorageFailed):
        LocalStorage(folder, reserve_bytes=0).put("a.mp4", io.BytesIO(bytes(4 << 20)))
    assert list(folder.iterdir()) == []


def test_only_plain_files_are_files(storage, folder, tmp_path):
    (folder / "link.mp4").symlink_to(tmp_path / "secret")
    (folder / "dangling.mp4").symlink_to(tmp_path / "none")
    (folder / "folder.mp4").mkdir()
    os.mkfifo(folder / "pipe.mp4")
    for name in ("link.mp4", "dangling.mp4", "folder.mp4", "pipe.mp4"):
        assert storage.find(name) is None
        with pytest.raises(StoredFileMissing):
            storage.open(name)
        assert storage.delete(name) is False
    assert list(storage.entries()) == []
    assert storage.remove_older(time.time() + 1e6) == ()


def test_writing_over_a_symbolic_link_spares_what_it_points_to(storage, folder, tmp_path):
    (folder / "a.mp4").symlink_to(tmp_path / "secret")
    storage.put("a.mp4", io.BytesIO(b"x"))
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert read(storage, "a.mp4") == b"x"


def test_entries_are_those_that_begin_so(storage):
    for name in ("a-1", "a-2", "b-1"):
        storage.put(name, io.BytesIO(b"x"))
    assert {s.name for s in storage.entries("a-")} == {"a-1", "a-2"}
    assert len(list(storage.entries())) == 3
    assert list(storage.entries("../")) == []


def made_at(path: Path, moment: float) -> None:
    os.utime(path, (moment, moment))


def test_what_is_older_goes_with_what_dead_writers_left(storage, folder):
    for name in ("old.mp4", "young.mp4"):
        storage.put(name, io.BytesIO(b"x"))
    for name in (".old.mp4.0123.part", ".young.mp4.0123.part"):
        (folder / name).write_bytes(b"half")
    (folder / "somebody's notes").write_bytes(b"kept")
    for path in folder.iterdir():
        made_at(path, 2000.0 if "young" in path.name else 1000.0)
    assert storage.remove_older(1500.0) == ("old.mp4",)
    left = {path.name for path in folder.iterdir()}
    assert left == {"young.mp4", ".young.mp4.0123.part", "somebody's notes"}
    assert storage.remove_older(2000.0) == ()  # not older than that moment


def test_a_folder_that_is_gone_is_told(storage, folder):
    folder.rmdir()
    with pytest.raises(StorageFailed):
        storage.put("a.mp4", io.BytesIO(b"x"))
    with pytest.raises(StorageFailed):
        list(storage.entries())
    assert storage.find("a.mp4") is None


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed):
        LocalStorage(tmp_path / "file" / "videos")


NAME = "0b5a1f0e-1.mp4"
KEYS = SigningKeys(current=b"k" * 32)


def links_at(now: float, keys: SigningKeys = KEYS) -> LocalLinks:
    return LocalLinks(keys, clock=lambda: now)


def parts(link: str) -> tuple[str, dict[str, str]]:
    """Name and query of a link, as a server takes them apart."""
    split = urlsplit(link)
    query = parse_qs(split.query, strict_parsing=True)
    name = unquote(split.path).rpartition("/files/")[2]
    return name, {"expires": query["Expires"][0], "signature": query["Signature"][0]}


def test_a_link_has_the_shape_that_clients_lean_on():
    link = links_at(0.0).link(NAME, base_url="https://host/base", expires_at=1766806402.0)
    split = urlsplit(link)
    assert (split.scheme, split.netloc) == ("https", "host")
    assert split.path == f"/base/files/{NAME}"
    assert split.path.endswith(".mp4")
    assert split.query.startswith("Expires=1766806402&Signature=")


def test_the_same_moment_gives_the_same_link():
    made = {links_at(n).link(NAME, base_url="", expires_at=86_400.25) for n in (0.0, 9.0)}
    assert len(made) == 1


def test_a_link_opens_until_it_expires_and_no_longer():
    name, query = parts(links_at(0.0).link(NAME, base_url="http://h", expires_at=86_400.25))
    assert name == NAME
    links_at(0.0).check(name, **query)
    links_at(86_400.25).check(name, **query)
    for late in (86_401.0, 86_402.0, 1e12):
        with pytest.raises(LinkRefused, match="expired"):
            links_at(late).check(name, **query)


def test_a_clock_set_back_does_not_open_another_link():
    name, query = parts(links_at(5000.0).link(NAME, base_url="", expires_at=9000.0))
    links_at(-1e9).check(name, **query)
    with pytest.raises(LinkRefused):
        links_at(-1e9).check("other.mp4", **query)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other.mp4"},
        {"name": NAME.upper()},
        {"name": f"../videos/{NAME}"},
        {"name": f"{NAME}\n"},
        {"name": ""},
        {"expires": "9001"},
        {"expires": "09000"},
        {"expires": "9000 "},
        {"expires": "+9000"},
        {"expires": "9_000"},
        {"expires": "9000.0"},
        {"expires": "９０００"},
        {"expires": ""},
        {"expires": "9" * 10_000},
        {"expires": f"9000\n{NAME}", "name": ""},
        {"expires": "nan"},
        {"signature": ""},
        {"signature": "A" * 43},
        {"signature": "é"},
        {"signature": "\ud800"},
    ],
)
def test_a_changed_link_is_refused(change):
    name, query = parts(links_at(0.0).link(NAME, base_url="", expires_at=9000.0))
    links_at(0.0).check(name, **query)
    changed = {"name": name, **query, **change}
    with pytest.raises(LinkRefused, match="changed"):
        links_at(0.0).check(
            changed["name"], expires=changed["expires"], signature=changed["signature"]
        )


def test_digits_cannot_be_moved_from_the_name_to_the_expiry():
    _, query = parts(links_at(0.0).link("9a.mp4", base_url="", expires_at=100.0))
    with pytest.raises(LinkRefused, match="changed"):
        links_at(0.0).check("a.mp4", expires="1009", signature=query["signature"])


def test_links_outlive_one_change_of_the_key():
    old, new = b"o" * 32, b"n" * 32
    made = links_at(0.0, SigningKeys(current=old)).link(NAME, base_url="", expires_at=9000.0)
    name, query = parts(made)
    links_at(0.0, SigningKeys(current=new, previous=old)).check(name, **query)
    with pytest.raises(LinkRefused):
        links_at(0.0, SigningKeys(current=new)).check(name, **query)
