"""One URL says where files lie, and never who may read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from portravox.errors import SettingOutOfRange
from portravox.service.settings import read_settings
from portravox.service.storage.location import parse_location


def test_a_url_names_scheme_bucket_prefix_and_options() -> None:
    found = parse_location("s3://my-bucket/a/b/?endpoint=http://store:9000&allow_http=true")
    assert (found.scheme, found.bucket, found.prefix) == ("s3", "my-bucket", "a/b")
    assert found.options == {"endpoint": "http://store:9000", "allow_http": "true"}
    assert str(found) == "s3://my-bucket/a/b"
    assert found.folder is None


def test_a_folder_is_named_by_its_whole_path() -> None:
    assert parse_location("file:///mnt/a%20b").folder == Path("/mnt/a b")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "bucket",
        "/folder",
        "s3:bucket",
        "s3://",
        "s3:///prefix",
        "s3://b",
        "s3://key:secret@bucket/prefix",
        "s3://bucket/prefix?access_key_id=AKIA&secret_access_key=hush",
        "s3://bucket/prefix?token=hush",
        "s3://bucket/prefix#fragment",
        "s3://bucket/../other",
        "s3://bucket/a//b",
        "s3://bucket/ä",
        "s3://bucket/a b",
        "s3://bucket?endpoint",
        "s3://bucket?allow_http=yes",
        "s3://bucket?account=azure-s",
        "file://host/folder",
        "file://folder",
        "file:///folder?endpoint=http://x",
        "file:///a%00b",
        "http://bucket.s3.amazonaws.com/",
        "ftp://host/folder",
        "memory:///",
        "S3://[::1",
    ],
)
def test_what_is_no_location_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingOutOfRange) as refused:
        parse_location(url)
    assert "hush" not in str(refused.value)
    assert "secret@" not in str(refused.value)


def test_a_setting_with_a_secret_is_refused_without_repeating_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PORTRAVOX_STORAGE_URL", "s3://AKIA:hush@bucket/prefix")
    with pytest.raises(SettingOutOfRange) as refused:
        read_settings()
    assert "storage_url" in str(refused.value)
    assert "hush" not in str(refused.value)
    assert "environment" in str(refused.value)


def test_the_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTRAVOX_STORAGE_URL", "s3://bucket/prefix?region=eu-central-1")
    monkeypatch.setenv("PORTRAVOX_LINKS", "direct")
    settings = read_settings()
    assert settings.storage is not None
    assert settings.storage.options == {"region": "eu-central-1"}
    assert settings.links == "direct"
    monkeypatch.delenv("PORTRAVOX_STORAGE_URL")
    assert read_settings().storage is None
