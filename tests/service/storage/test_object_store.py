"""A store that is busy, slow, silent, away or strict costs time and loses nothing; its links are
the store's own and end with the task."""

from __future__ import annotations

import io
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from portravox.errors import SettingOutOfRange
from portravox.service.disk import DiskSpace
from portravox.service.errors import StorageFailed, StorageUnavailable, StoredFileMissing
from portravox.service.storage import object_store
from portravox.service.storage.local import LocalLinks, LocalStorage
from portravox.service.storage.location import parse_location
from portravox.service.storage.object_store import Bucket, ObjectStorage, StoreLinks, open_bucket
from portravox.service.storage.opened import open_storages
from portravox.service.storage.signing import SigningKeys
from tests.service.storage import faulty_proxy
from tests.service.storage.faulty_proxy import FaultyProxy, Mode
from tests.service.storage.swift import ACCESS_KEY_ID, SwiftServer


@pytest.fixture
def proxy(swift_server: SwiftServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    """Before the store; waiting for it is over soon."""
    monkeypatch.setattr(object_store, "REPEATS", 1)
    with faulty_proxy.before(swift_server.endpoint) as running:
        yield running


@pytest.fixture
def bucket(swift_server: SwiftServer, proxy: FaultyProxy, tmp_path: Path) -> Bucket:
    return swift_server.open_bucket(tmp_path.name, endpoint=proxy.endpoint)


@pytest.fixture
def storage(bucket: Bucket) -> ObjectStorage:
    return ObjectStorage(bucket, "videos")


@pytest.mark.parametrize("mode", ["busy", "away"])
def test_a_store_that_does_not_work_is_told_and_works_again_later(
    storage: ObjectStorage, proxy: FaultyProxy, mode: Mode
) -> None:
    storage.put("a.mp4", io.BytesIO(b"video"))
    _, reading = storage.open("a.mp4")
    proxy.mode = mode
    content = io.BytesIO(b"new")
    for call in (
        lambda: storage.put("b.mp4", content),
        lambda: storage.find("a.mp4"),
        lambda: storage.open("a.mp4"),
        lambda: storage.delete("a.mp4"),
        lambda: storage.probe(),
        lambda: reading.read(),
    ):
        with pytest.raises(StorageUnavailable):
            call()
    proxy.mode = "well"
    assert reading.read() == b"video"
    content.seek(0)
    storage.put("b.mp4", content)
    storage.probe()
    assert storage.find("b.mp4") is not None


def test_a_store_that_never_answers_is_waited_for_so_long(
    swift_server: SwiftServer,
    proxy: FaultyProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(object_store, "REQUEST_S", 0.3)
    bucket = swift_server.open_bucket(tmp_path.name, endpoint=proxy.endpoint)
    proxy.mode = "silent"
    with pytest.raises(StorageUnavailable):
        ObjectStorage(bucket, "videos").put("a.mp4", io.BytesIO(b"video"))


def test_a_moment_of_trouble_is_not_noticed(storage: ObjectStorage, proxy: FaultyProxy) -> None:
    storage.put("a.mp4", io.BytesIO(b"video"))
    proxy.break_for(1, "busy")
    assert storage.find("a.mp4") is not None
    proxy.break_for(1, "away")
    assert storage.find("a.mp4") is not None
    assert len(proxy.asked) == 5


def test_who_may_not_list_tells_missing_from_refused(
    storage: ObjectStorage, proxy: FaultyProxy
) -> None:
    proxy.mode = "strict"
    storage.probe()
    assert storage.find("a.mp4") is None
    assert storage.delete("a.mp4") is False
    with pytest.raises(StoredFileMissing):
        storage.open("a.mp4")
    storage.put("a.mp4", io.BytesIO(b"video"))
    assert storage.find("a.mp4") is not None
    proxy.mode = "closed"
    with pytest.raises(StorageUnavailable):
        storage.find("a.mp4")


def test_nothing_is_ever_listed(storage: ObjectStorage, proxy: FaultyProxy) -> None:
    storage.probe()
    storage.put("a.mp4", io.BytesIO(b"video"))
    storage.open("a.mp4")[1].read()
    list(storage.entries())
    storage.remove_older(time.time() + 100.0)
    storage.find("none")
    storage.delete("a.mp4")
    paths = [asked.split(" ", 1)[1] for asked in proxy.asked]
    assert paths
    # A request that lists names the bucket alone, or asks by a query.
    assert all(re.fullmatch(r"/portravox/[^?]+(videos/[^?]+|probe)", path) for path in paths), paths


def test_the_probe_is_written_now_and_then(storage: ObjectStorage, proxy: FaultyProxy) -> None:
    for _ in range(5):
        storage.probe()
    assert len(proxy.asked) == 1


def test_large_files_go_in_pieces_and_a_read_asks_for_its_part_alone(
    storage: ObjectStorage, proxy: FaultyProxy
) -> None:
    size_bytes = object_store.PIECE_BYTES + 1000
    storage.put("a.mp4", io.BytesIO(bytes(size_bytes)))
    pieces = [asked for asked in proxy.asked if "partNumber=" in asked]
    assert len(pieces) == 2
    proxy.asked.clear()
    _, stream = storage.open("a.mp4")
    stream.seek(10)
    assert stream.read(20) == bytes(20)
    assert len(proxy.asked) == 2  # one looks for it, one reads


def test_no_message_has_a_key_in_it(
    swift_server: SwiftServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        SwiftServer,
        "environment",
        {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": "wrong-and-secret",
            "AWS_REGION": "us-east-1",
        },
    )
    bucket = swift_server.open_bucket(tmp_path.name)
    storage = ObjectStorage(bucket, "videos")
    with pytest.raises(StorageUnavailable) as refused:
        storage.put("a.mp4", io.BytesIO(b"video"))
    told = f"{refused.value} {bucket.location} {bucket.store!r}"
    assert "403" in told
    assert ACCESS_KEY_ID not in told
    assert "wrong-and-secret" not in told
    assert "\n" not in told


def fetch(link: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    try:
        with urllib.request.urlopen(
            urllib.request.Request(link, headers=headers), timeout=30
        ) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, b"", {}


def test_a_signed_link_opens_one_video_to_anybody_for_a_while(
    swift_server: SwiftServer, tmp_path: Path
) -> None:
    storage = ObjectStorage(swift_server.open_bucket(tmp_path.name), "videos")
    storage.put("a-1.mp4", io.BytesIO(b"0123456789"))
    storage.put("b-1.mp4", io.BytesIO(b"another"))
    link = StoreLinks(storage).link("a-1.mp4", base_url="http://us", expires_at=time.time() + 60)
    split = urlsplit(link)
    assert split.path.endswith("/videos/a-1.mp4")
    assert 55 <= int(parse_qs(split.query)["X-Amz-Expires"][0]) <= 60
    status, content, headers = fetch(link)
    assert (status, content, headers["Content-Type"]) == (200, b"0123456789", "video/mp4")
    status, content, _ = fetch(link, Range="bytes=2-4")
    assert (status, content) == (206, b"234")
    assert fetch(link.replace("a-1.mp4", "b-1.mp4"))[0] == 403
    assert 400 <= fetch(link.split("?")[0])[0] < 500


def test_a_signed_link_ends_with_its_task(swift_server: SwiftServer, tmp_path: Path) -> None:
    storage = ObjectStorage(swift_server.open_bucket(tmp_path.name), "videos")
    storage.put("a-1.mp4", io.BytesIO(b"video"))
    link = StoreLinks(storage).link("a-1.mp4", base_url="", expires_at=time.time() - 10)
    assert parse_qs(urlsplit(link).query)["X-Amz-Expires"] == ["1"]
    deadline = time.monotonic() + 30
    while fetch(link)[0] != 403 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert fetch(link)[0] == 403


def test_who_asks_every_second_is_given_one_link(swift_server: SwiftServer, tmp_path: Path) -> None:
    storage = ObjectStorage(swift_server.open_bucket(tmp_path.name), "videos")
    now = [1_000_000.0]
    links = StoreLinks(storage, clock=lambda: now[0])
    made = links.link("a.mp4", base_url="", expires_at=1_086_400.0)
    time.sleep(1.1)  # a link signed in another second is another one
    assert links.link("a.mp4", base_url="", expires_at=1_086_400.0) == made
    now[0] += object_store.SAME_LINK_S
    assert links.link("a.mp4", base_url="", expires_at=1_086_400.0) != made


def test_direct_links_need_a_store(tmp_path: Path) -> None:
    served = LocalLinks(SigningKeys(current=b"k" * 32))
    storages = open_storages(None, tmp_path, DiskSpace(reserve_bytes=0))
    assert storages.links(served, direct=False, clock=time.time) is served
    assert storages.previews is None
    with pytest.raises(SettingOutOfRange, match="bucket"):
        storages.links(served, direct=True, clock=time.time)


def test_a_folder_by_url_holds_the_files_of_several_machines(tmp_path: Path) -> None:
    location = parse_location(f"file://{tmp_path}/shared")
    storages = open_storages(location, tmp_path / "own", DiskSpace(reserve_bytes=0))
    assert isinstance(storages.videos, LocalStorage)
    storages.videos.put("a.mp4", io.BytesIO(b"video"))
    assert (tmp_path / "shared" / "videos" / "a.mp4").read_bytes() == b"video"
    assert storages.previews is not None
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize(
    "url",
    [
        "gs://bucket/prefix",
        "az://container/prefix?account=name",
        "s3://bucket?region=eu-central-1&virtual_hosted=true&encryption=aws:kms&kms_key=id",
    ],
)
def test_each_kind_of_store_is_opened_without_asking_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AZURE_STORAGE_ACCOUNT_KEY", "GOOGLE_SERVICE_ACCOUNT_KEY"):
        monkeypatch.delenv(name, raising=False)
    location = parse_location(url)
    bucket = open_bucket(location)
    assert bucket.path("videos", "a.mp4") == "/".join(
        filter(None, (location.prefix, "videos", "a.mp4"))
    )


def test_options_that_do_not_fit_the_store_are_refused() -> None:
    with pytest.raises(SettingOutOfRange):
        open_bucket(parse_location("az://container?account=NOT%20a%20name&endpoint=nonsense"))


def test_a_name_that_is_none_is_not_even_asked_for(
    storage: ObjectStorage, proxy: FaultyProxy
) -> None:
    with pytest.raises(StorageFailed):
        storage.put("../a", io.BytesIO(b"x"))
    assert storage.find("../a") is None
    assert proxy.asked == []
