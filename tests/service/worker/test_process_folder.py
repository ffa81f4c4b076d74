"""What a worker process leaves is looked at where it cannot reach any more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from portravox.service.worker.messages import ProtocolViolation
from portravox.service.worker.process_folder import ProcessFolder, RequestFolder


@pytest.fixture
def folder(tmp_path: Path):
    made = ProcessFolder(tmp_path / "work")
    yield made
    made.close()
    assert not made.path.exists()


@pytest.fixture
def request_folder(folder: ProcessFolder):
    begun = folder.begin(1)
    yield begun
    begun.close()


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    made = tmp_path / "scratch"
    made.mkdir()
    return made


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "signing-keys.txt"
    file.write_text("secret")
    return file


def take(request_folder: RequestFolder, scratch: Path, max_bytes: int = 100) -> bool:
    return request_folder.take("video.mp4", scratch / "video.mp4", max_bytes=max_bytes)


def test_files_go_in_and_come_out(request_folder: RequestFolder, scratch: Path):
    (scratch / "image").write_bytes(b"picture")
    request_folder.put(scratch / "image")
    assert (request_folder.path / "image").read_bytes() == b"picture"
    assert not (scratch / "image").exists()
    (request_folder.path / "video.mp4").write_bytes(b"video")
    assert take(request_folder, scratch)
    assert (scratch / "video.mp4").read_bytes() == b"video"
    assert not take(request_folder, scratch)


def test_a_file_that_is_not_there_is_the_processs_to_miss(
    request_folder: RequestFolder, scratch: Path
):
    request_folder.put(scratch / "image")
    assert list(request_folder.path.iterdir()) == []


@pytest.mark.parametrize("kind", ["symlink", "hard link", "pipe", "folder", "too long"])
def test_what_is_no_plain_file_of_its_own_is_not_taken(
    request_folder: RequestFolder, scratch: Path, secret: Path, kind: str
):
    planted = request_folder.path / "video.mp4"
    match kind:
        case "symlink":
            planted.symlink_to(secret)
        case "hard link":
            planted.hardlink_to(secret)
        case "pipe":
            os.mkfifo(planted)
        case "folder":
            (planted / "deep").mkdir(parents=True)
        case _:
            planted.write_bytes(b"x" * 101)
    with pytest.raises(ProtocolViolation):
        take(request_folder, scratch)
    assert not (scratch / "video.mp4").exists()
    assert secret.read_text() == "secret"


def test_a_folder_exchanged_for_a_link_leads_nowhere(
    folder: ProcessFolder, scratch: Path, tmp_path: Path
):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "video.mp4").write_text("of somebody else")
    begun = folder.begin(1)
    begun.path.rename(folder.path / "moved")
    begun.path.symlink_to(elsewhere)
    assert not take(begun, scratch)
    begun.close()
    folder.forget(1)
    assert (elsewhere / "video.mp4").exists()
    (folder.path / "2").symlink_to(elsewhere)
    with pytest.raises(ProtocolViolation):
        folder.begin(2)


def test_folders_in_folders_without_end_are_no_exception(tmp_path: Path):
    made = ProcessFolder(tmp_path / "work")
    deep = os.open(made.path, os.O_RDONLY)
    for _ in range(1500):  # more than Python calls itself
        os.mkdir("x", dir_fd=deep)
        deeper = os.open("x", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = deeper
    os.close(deep)
    made.close()
    made.close()
    made.forget(1)
