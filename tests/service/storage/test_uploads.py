"""Uploads do what the contract says, for those who hold credentials, within what these allow."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import time
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest

from portravox.errors import SettingOutOfRange
from portravox.service.errors import UploadExists, UploadForbidden, UploadTooLarge, UploadUnknown
from portravox.service.storage.local import LocalStorage
from portravox.service.storage.signing import SigningKeys
from portravox.service.storage.uploads import (
    POLICY_LIFE_S,
    UPLOAD_LIFE_S,
    UploadCredentials,
    UploadLimits,
    Uploads,
)

MIB = 1024 * 1024
KEYS = SigningKeys(current=b"k" * 32)


class Clock:
    """Starts now, since files carry the file system's times."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def storage(tmp_path):
    return LocalStorage(tmp_path / "uploads", reserve_bytes=0)


@pytest.fixture
def uploads(storage, clock):
    limits = UploadLimits(file_mib=1, account_mib=3)
    return Uploads(storage, KEYS, limits=limits, clock=clock)


def credentials(uploads: Uploads, group: str = "film") -> UploadCredentials:
    return uploads.credentials(group, upload_host="http://host/upload")


def form(given: UploadCredentials, file_name: str = "cat.png", **changes: str) -> dict[str, str]:
    """The fields that the official package posts."""
    fields = {
        "OSSAccessKeyId": given.oss_access_key_id,
        "Signature": given.signature,
        "policy": given.policy,
        "key": f"{given.upload_dir}/{file_name}",
        "x-oss-object-acl": given.x_oss_object_acl,
        "x-oss-forbid-overwrite": given.x_oss_forbid_overwrite,
        "success_action_status": "200",
        "x-oss-content-type": "image/png",
    }
    return {**fields, **changes}


def content_of(storage: LocalStorage, name: str) -> bytes:
    with storage.open(name)[1] as stream:
        return stream.read()


def test_credentials_have_the_ten_fields_of_the_contract(uploads):
    given = dataclasses.asdict(credentials(uploads))
    texts = {
        "policy",
        "signature",
        "upload_dir",
        "upload_host",
        "oss_access_key_id",
        "x_oss_object_acl",
        "x_oss_forbid_overwrite",
    }
    numbers = {"expire_in_seconds", "max_file_size_mb", "capacity_limit_mb"}
    assert set(given) == texts | numbers
    assert all(isinstance(given[name], str) and given[name] for name in texts)
    assert all(type(given[name]) is int and given[name] > 0 for name in numbers)
    assert given["x_oss_forbid_overwrite"] == "true"
    assert given["upload_host"] == "http://host/upload"
    assert (given["expire_in_seconds"], given["max_file_size_mb"]) == (300, 1)


def test_the_folder_is_new_each_time_and_told_by_chinas_day(uploads, clock):
    clock.now = datetime.fromisoformat("2026-03-01T17:00:00Z").timestamp()
    first, second = (credentials(uploads).upload_dir for _ in range(2))
    assert first != second
    root, account, day, _ = first.split("/")
    assert (root, day) == ("dashscope-instant", "2026-03-02")
    assert second.split("/")[1] == account
    assert "film" not in first


def test_the_policy_is_one_that_object_storages_know(uploads, clock):
    given = credentials(uploads)
    policy = json.loads(base64.b64decode(given.policy))
    expires = datetime.fromisoformat(policy["expiration"])
    assert expires.utcoffset() == timedelta(0)
    assert expires.timestamp() == pytest.approx(clock.now + 300, abs=0.01)
    assert ["content-length-range", 0, MIB] in policy["conditions"]
    assert ["starts-with", "$key", f"{given.upload_dir}/"] in policy["conditions"]


FILE_NAMES = [
    "cat.png",
    "a b.wav",
    "语音 1.wav",
    "Screenshot 9.41\u202fAM.png",
    "100%.png",
    "a?b#c.png",
    "..a",
    "...",
    "a\\b.png",
    "..\\..\\secret",
    "%2e%2e%2fsecret",
    "-rf",
    "a\nb",
    "x" * 255,
    "no ending",
]


@pytest.mark.parametrize("file_name", FILE_NAMES)
def test_any_file_name_comes_back_as_the_link(uploads, storage, tmp_path, file_name):
    fields = form(credentials(uploads), file_name)
    stored = uploads.receive(fields, io.BytesIO(b"picture"))
    name = uploads.files.find(f"oss://{fields['key']}", group="film")
    assert name == stored.name
    assert content_of(storage, name) == b"picture"
    assert [p.name for p in (tmp_path / "uploads").iterdir()] == [name]
    assert [p.name for p in tmp_path.iterdir()] == ["uploads"]


def test_a_stream_that_was_read_is_stored_from_its_beginning(uploads, storage):
    content = io.BytesIO(b"picture")
    content.read(3)
    stored = uploads.receive(form(credentials(uploads)), content)
    assert content_of(storage, stored.name) == b"picture"


def test_credentials_expire(uploads, clock):
    fields = form(credentials(uploads))
    clock.now += POLICY_LIFE_S - 1
    uploads.receive(fields, io.BytesIO(b"1"))
    clock.now += 2
    with pytest.raises(UploadForbidden) as refused:
        uploads.receive({**fields, "key": fields["key"] + "2"}, io.BytesIO(b"2"))
    assert str(refused.value) == "Invalid according to Policy: Policy expired."


@pytest.mark.parametrize(
    "change",
    [
        {"Signature": ""},
        {"Signature": "A" * 43},
        {"Signature": "\ud800"},
        {"policy": ""},
        {"policy": "e30="},
        {"policy": "\ud800"},
        {"policy": "e" * 100_000},
        {"OSSAccessKeyId": ""},
        {"OSSAccessKeyId": "LTAI"},
    ],
)
def test_only_what_we_signed_is_believed(uploads, storage, change):
    fields = form(credentials(uploads), **change)
    for ask in (uploads.allowed_bytes, lambda f: uploads.receive(f, io.BytesIO(b"x"))):
        with pytest.raises(UploadForbidden, match="signature"):
            ask(fields)
    assert list(storage.entries()) == []


@pytest.mark.parametrize("field", ["Signature", "policy", "OSSAccessKeyId", "key"])
def test_a_form_without_one_of_its_fields_is_refused(uploads, storage, field):
    fields = form(credentials(uploads))
    del fields[field]
    with pytest.raises(UploadForbidden):
        uploads.receive(fields, io.BytesIO(b"x"))
    assert list(storage.entries()) == []


def test_a_policy_cannot_be_widened(uploads):
    given = credentials(uploads)
    policy = json.loads(base64.b64decode(given.policy))
    policy["conditions"][0][2] = 10**12
    widened = base64.b64encode(json.dumps(policy).encode()).decode()
    with pytest.raises(UploadForbidden):
        uploads.receive(form(given, policy=widened), io.BytesIO(b"x"))


def test_a_link_signature_is_no_policy_signature(uploads):
    given = credentials(uploads)
    forged = KEYS.sign("link/1", given.policy)
    with pytest.raises(UploadForbidden):
        uploads.receive(form(given, Signature=forged), io.BytesIO(b"x"))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "cat.png",
        "{dir}",
        "{dir}/",
        "{dir}/.",
        "{dir}/..",
        "{dir}/../cat.png",
        "{dir}/../../../../etc/passwd",
        "{dir}/sub/cat.png",
        "{dir}//cat.png",
        "{dir}x/cat.png",
        "{dir}-2/cat.png",
        "/{dir}/cat.png",
        " {dir}/cat.png",
        "./{dir}/cat.png",
        "oss://{dir}/cat.png",
        "{dir}\\cat.png",
        "{other}/cat.png",
        "{dir}/" + "x" * 256,
        "{dir}/" + "语" * 86,
    ],
)
def test_a_key_outside_its_folder_is_refused(uploads, storage, key):
    given, other = credentials(uploads), credentials(uploads, "rival")
    wanted = key.format(dir=given.upload_dir, other=other.upload_dir)
    with pytest.raises(UploadForbidden, match="Policy Condition failed"):
        uploads.receive(form(given, key=wanted), io.BytesIO(b"x"))
    assert list(storage.entries()) == []


def test_a_file_may_be_as_large_as_told_and_not_a_byte_larger(uploads, storage):
    given = credentials(uploads)
    assert uploads.max_file_bytes == given.max_file_size_mb * MIB
    assert uploads.allowed_bytes(form(given)) == MIB
    with pytest.raises(UploadTooLarge):
        uploads.receive(form(given), io.BytesIO(bytes(MIB + 1)))
    assert list(storage.entries()) == []
    assert uploads.receive(form(given), io.BytesIO(bytes(MIB))).size_bytes == MIB


def test_an_account_has_so_much_room_whatever_others_have(uploads):
    for _ in range(3):
        uploads.receive(form(credentials(uploads)), io.BytesIO(bytes(MIB)))
    with pytest.raises(UploadTooLarge, match="3 MB together"):
        uploads.receive(form(credentials(uploads)), io.BytesIO(b"x"))
    uploads.receive(form(credentials(uploads, "rival")), io.BytesIO(bytes(MIB)))


def test_nothing_is_overwritten(uploads, storage):
    fields = form(credentials(uploads))
    stored = uploads.receive(fields, io.BytesIO(b"first"))
    with pytest.raises(UploadExists):
        uploads.receive(fields, io.BytesIO(b"second"))
    assert content_of(storage, stored.name) == b"first"


def test_an_upload_is_its_accounts_alone(uploads):
    fields = form(credentials(uploads))
    uploads.receive(fields, io.BytesIO(b"x"))
    url = f"oss://{fields['key']}"
    uploads.files.find(url, group="film")
    account = fields["key"].split("/")[1]
    stolen = credentials(uploads, "rival").upload_dir.split("/")[1]
    for group, link in (("rival", url), ("", url), ("rival", url.replace(account, stolen))):
        with pytest.raises(UploadUnknown):
            uploads.files.find(link, group=group)


@pytest.mark.parametrize("name", ["a face.png", "脸.png", "50%.png", "a%20b.png"])
def test_a_link_may_be_escaped_and_its_scheme_in_capitals(uploads, name):
    given = credentials(uploads)
    key = f"{given.upload_dir}/{name}"
    stored = uploads.receive({**form(given), "key": key}, io.BytesIO(b"x"))
    for link in (f"oss://{key}", f"OSS://{key}", f"oss://{quote(key)}", f"oss://{quote(key, '')}"):
        assert uploads.files.find(link, group="film") == stored.name
        with pytest.raises(UploadUnknown):
            uploads.files.find(link, group="rival")


def test_an_upload_can_be_used_for_48_hours_and_is_removed_then(uploads, storage, clock):
    fields = form(credentials(uploads))
    stored = uploads.receive(fields, io.BytesIO(b"x"))
    url = f"oss://{fields['key']}"
    clock.now = stored.stored_at + UPLOAD_LIFE_S - 1
    uploads.files.find(url, group="film")
    assert uploads.remove_expired() == ()
    clock.now += 2
    with pytest.raises(UploadUnknown):
        uploads.files.find(url, group="film")
    assert uploads.remove_expired() == (stored.name,)
    assert list(storage.entries()) == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "oss://",
        "oss://{dir}",
        "oss://{dir}/",
        "oss://{dir}/dog.png",
        "oss://{dir}/./cat.png",
        "oss://{dir}//cat.png",
        "oss://{dir}/cat.png/",
        "oss://{dir}/cat.png?x=1",
        "oss://bucket/{dir}/cat.png",
        "oss:///{dir}/cat.png",
        "oss://../{dir}/cat.png",
        "oss://dashscope-instant",
        "oss://dashscope-instant/",
        "oss://dashscope-instant/../../etc/passwd",
        "oss:{dir}/cat.png",
        "http://{dir}/cat.png",
        "{dir}/cat.png",
        "oss://{dir}/\ud800",
        "oss://{dir}/\0",
    ],
)
def test_any_other_link_is_unknown(uploads, url):
    given = credentials(uploads)
    uploads.receive(form(given), io.BytesIO(b"x"))
    with pytest.raises(UploadUnknown) as unknown:
        uploads.files.find(url.format(dir=given.upload_dir), group="film")
    assert given.upload_dir not in str(unknown.value)


def test_credentials_outlive_one_change_of_the_key(uploads, storage, clock):
    fields = form(credentials(uploads))
    rotated = SigningKeys(current=b"n" * 32, previous=KEYS.current)
    Uploads(storage, rotated, clock=clock).receive(fields, io.BytesIO(b"x"))


def test_limits_of_nothing_are_refused():
    with pytest.raises(SettingOutOfRange, match="file_mib"):
        UploadLimits(file_mib=0)


def test_empty_files_are_counted_too_and_each_costs_the_same(storage, clock, monkeypatch):
    limits = UploadLimits(account_files=50, total_files=60)
    uploads = Uploads(storage, KEYS, limits=limits, clock=clock)
    reads = []
    entries = storage.entries
    monkeypatch.setattr(storage, "entries", lambda *args: reads.append(1) or entries(*args))
    given = credentials(uploads)
    for number in range(50):
        uploads.receive(form(given, f"{number}"), io.BytesIO())
    with pytest.raises(UploadTooLarge, match="50 files"):
        uploads.receive(form(given, "50"), io.BytesIO())
    assert len(reads) == 1
    other = credentials(uploads, "other")
    for number in range(10):
        uploads.receive(form(other, f"{number}"), io.BytesIO())
    with pytest.raises(UploadTooLarge, match="all accounts may be 60 files"):
        uploads.receive(form(other, "10"), io.BytesIO())
    clock.now += UPLOAD_LIFE_S + 1
    assert len(uploads.remove_expired()) == 60
    uploads.receive(form(credentials(uploads)), io.BytesIO())


def test_all_accounts_together_have_so_much_room(storage, clock):
    limits = UploadLimits(file_mib=1, account_mib=2, total_mib=3)
    uploads = Uploads(storage, KEYS, limits=limits, clock=clock)
    for group in ("a", "b"):
        uploads.receive(form(credentials(uploads, group)), io.BytesIO(bytes(MIB)))
    uploads.receive(form(credentials(uploads, "a")), io.BytesIO(bytes(MIB)))
    with pytest.raises(UploadTooLarge, match=r"all accounts .* 3 MB together"):
        uploads.receive(form(credentials(uploads, "c")), io.BytesIO(b"x"))


def test_ten_accounts_may_have_all_that_one_may():
    limits = UploadLimits()
    assert limits.total_mib == 10 * limits.account_mib
    assert limits.total_files == 10 * limits.account_files
