"""Files of a hub arrive whole over connections that end, and nothing else is taken for them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from portravox.errors import ModelFetchFailed
from portravox.model_files import catalogue, store
from portravox.model_files.catalogue import HubRepository, ModelFile, ModelSet
from portravox.model_files.fetch import fetch_missing
from portravox.model_files.hub import address_of, fetch_from_hub, part_of_download
from portravox.model_files.terms import are_accepted, remember

CONTENT = np.random.default_rng(1).bytes(3_000_000)
REPOSITORY = HubRepository(name="Somebody/Model", revision="0123abcd", licence="MIT")
FILE = ModelFile(
    name="weights.pth",
    purpose="a test",
    source=REPOSITORY,
    member="base models/weights.pth",
    bytes=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)
PATH = "/Somebody/Model/resolve/0123abcd/base%20models/weights.pth"


@dataclass
class Hub:
    """A hub on this machine, and what it was asked."""

    address: str = ""
    content: bytes = CONTENT
    cut_after: int = 1 << 62
    """Bytes after which each connection ends."""

    takes_ranges: bool = True
    status: int = 0
    """An error that it answers with."""

    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def hub() -> Iterator[Hub]:
    known = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            known.asked.append((self.path, wanted))
            if known.status or self.path != PATH:
                self.send_error(known.status or 404)
                return
            start = 0
            if wanted and known.takes_ranges:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                self.send_response(206)
                total = len(known.content)
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(known.content) - start))
            self.end_headers()
            self.wfile.write(known.content[start:][: known.cut_after])

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    known.address = f"http://127.0.0.1:{server.server_port}"
    yield known
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(hub: Hub | Path, folder: Path) -> list[str]:
    told: list[str] = []
    source = hub.address if isinstance(hub, Hub) else hub
    fetch_from_hub(REPOSITORY, (FILE,), folder, source, told.append, pause_s=0.001)
    return told


def test_a_file_arrives_from_the_address_of_its_revision(hub: Hub, tmp_path: Path) -> None:
    told = fetch(hub, tmp_path)
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT
    assert hub.asked == [(PATH, None)]
    assert address_of(REPOSITORY, FILE, hub.address + "/") == hub.address + PATH
    assert "MIT" in told[0]
    assert [path.name for path in tmp_path.iterdir()] == ["weights.pth"]


def test_what_a_connection_left_out_is_asked_for(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after = 1_300_000
    fetch(hub, tmp_path)
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT
    assert [asked for _, asked in hub.asked] == [None, "bytes=1300000-", "bytes=2600000-"]


def test_another_call_goes_on_where_one_gave_up(hub: Hub, tmp_path: Path) -> None:
    part_of_download(FILE, tmp_path).write_bytes(CONTENT[:2_000_000])
    fetch(hub, tmp_path)
    assert hub.asked == [(PATH, "bytes=2000000-")]
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT


def test_a_hub_without_ranges_sends_all_again(hub: Hub, tmp_path: Path) -> None:
    hub.takes_ranges = False
    part_of_download(FILE, tmp_path).write_bytes(b"x" * 2_000_000)
    fetch(hub, tmp_path)
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT


@pytest.mark.parametrize("wrong", [CONTENT[:-1] + b"x", CONTENT + b"more"])
def test_other_bytes_are_not_put_in_place(hub: Hub, tmp_path: Path, wrong: bytes) -> None:
    hub.content = wrong
    if wrong.startswith(CONTENT):  # no more is read than the file has
        fetch(hub, tmp_path)
        assert (tmp_path / "weights.pth").read_bytes() == CONTENT
        return
    with pytest.raises(ModelFetchFailed, match="other bytes"):
        fetch(hub, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_ends_it_at_once_and_trouble_is_tried_again(hub: Hub, tmp_path: Path) -> None:
    hub.status = 403
    with pytest.raises(ModelFetchFailed, match="403"):
        fetch(hub, tmp_path)
    assert len(hub.asked) == 1
    hub.status = 503
    with pytest.raises(ModelFetchFailed, match="503"):
        fetch(hub, tmp_path)
    assert len(hub.asked) == 1 + 5


def test_nobody_there_and_no_address_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFetchFailed, match="cannot be downloaded"):
        fetch(Hub(address="http://127.0.0.1:9"), tmp_path)
    with pytest.raises(ModelFetchFailed, match="no address"):
        fetch(Hub(address="file:///etc"), tmp_path)


def test_a_folder_gives_files_flat_or_as_the_repository_has_them(tmp_path: Path) -> None:
    source, folder = tmp_path / "downloaded", tmp_path / "models"
    folder.mkdir()
    (source / "base models").mkdir(parents=True)
    with pytest.raises(ModelFetchFailed, match="is not in"):
        fetch(source, folder)
    (source / FILE.member).write_bytes(CONTENT)
    fetch(source, folder)
    assert (folder / "weights.pth").read_bytes() == CONTENT
    (source / FILE.name).write_bytes(b"another")
    with pytest.raises(ModelFetchFailed, match="other bytes"):
        fetch(source, folder)


def test_the_ordinary_fetch_takes_a_mirror_and_finds_what_is_there(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "models"))
    of_hub = ModelSet(name="x", needed_for="a test", required=False, files=(FILE,))
    told: list[str] = []
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    assert fetch_missing((of_hub,), tell=told.append) == (FILE,)
    assert fetch_missing((of_hub,), tell=told.append) == ()
    assert len(hub.asked) == 1


def test_terms_are_asked_for_once_and_again_where_they_changed(tmp_path: Path) -> None:
    assert not are_accepted(catalogue.NEURAL, tmp_path)
    remember(catalogue.NEURAL, tmp_path)
    assert are_accepted(catalogue.NEURAL, tmp_path)
    assert not are_accepted(catalogue.NEURAL_SAFETENSORS, tmp_path)


def test_nothing_non_commercial_is_in_the_catalogue() -> None:
    names = " ".join(
        f"{file.name} {file.member}"
        for each in (*catalogue.SETS, *catalogue.OPTIONAL_SETS)
        for file in each.files
    )
    for word in ("insightface", "buffalo", "det_10g", "2d106", "landmark106", "xpose"):
        assert word not in names.lower()
