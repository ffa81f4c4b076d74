"""Which server, which key: flags before ours before the official packages' environment."""

from __future__ import annotations

import pytest

from portravox.client.access import find_access
from portravox.errors import FileMissing, SettingOutOfRange


def test_without_a_word_it_is_the_server_on_this_machine():
    access = find_access({})
    assert access.base_url == "http://127.0.0.1:8000/api/v1"
    assert access.api_key is None


@pytest.mark.parametrize(
    "url",
    ["https://h", "https://h/", "https://h/api/v1", "https://h/api/v1/", " https://h/api/v1 "],
)
def test_a_base_url_may_have_the_api_in_it_or_not(url):
    assert find_access({}, base_url=url).base_url == "https://h/api/v1"


def test_a_server_may_live_below_a_path():
    assert find_access({}, base_url="http://h:81/video/").base_url == "http://h:81/video/api/v1"


def test_flags_come_before_ours_before_the_originals_environment(tmp_path):
    file = tmp_path / "key"
    file.write_text("sk-file\n")
    environment = {"DASHSCOPE_HTTP_BASE_URL": "https://original", "DASHSCOPE_API_KEY": "sk-o"}
    access = find_access(environment)
    assert (access.base_url, access.api_key) == ("https://original/api/v1", "sk-o")
    environment |= {"PORTRAVOX_BASE_URL": "http://ours", "PORTRAVOX_API_KEY": "sk-ours"}
    access = find_access(environment)
    assert (access.base_url, access.api_key) == ("http://ours/api/v1", "sk-ours")
    access = find_access(environment, base_url="http://flag", api_key_file=file)
    assert (access.base_url, access.api_key) == ("http://flag/api/v1", "sk-file")


@pytest.mark.parametrize("name", ["PORTRAVOX_API_KEY_FILE", "DASHSCOPE_API_KEY_FILE_PATH"])
def test_the_key_may_lie_in_a_file_that_the_environment_names(tmp_path, name):
    file = tmp_path / "key"
    file.write_text("  sk-file \n")
    assert find_access({name: str(file)}).api_key == "sk-file"


@pytest.mark.parametrize(
    "url", ["h", "ftp://h", "http://", "http://h:port", "http://[::1", "http://h?a=1", "http://h#a"]
)
def test_what_is_no_base_url_is_refused(url):
    with pytest.raises(SettingOutOfRange, match="base_url"):
        find_access({}, base_url=url)


@pytest.mark.parametrize("key", [" \n", "sk-1 sk-2", "sk-1\nsk-2", "sk-é", "sk-\x00"])
def test_what_is_no_key_is_refused_without_being_told(key):
    with pytest.raises(SettingOutOfRange, match="api_key='…'"):
        find_access({"PORTRAVOX_API_KEY": key})


def test_a_key_file_has_to_be_there(tmp_path):
    with pytest.raises(FileMissing):
        find_access({}, api_key_file=tmp_path / "none")
    (tmp_path / "noise").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(FileMissing, match="not a text"):
        find_access({}, api_key_file=tmp_path / "noise")


def test_a_key_is_not_shown_with_the_access():
    assert "sk-1" not in repr(find_access({"PORTRAVOX_API_KEY": "sk-1"}))
