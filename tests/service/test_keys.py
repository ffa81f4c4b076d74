"""Keys open the door to those who have them, and their file does not betray them."""

from __future__ import annotations

import json
import re
import stat
import threading
import time

import pytest

from portravox.errors import SettingOutOfRange
from portravox.service.errors import KeyUnknown, SecretsUnreadable
from portravox.service.keys import ApiKeys
from portravox.service.limits import Limits


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "keys.json"


@pytest.fixture
def keys(path):
    return ApiKeys(path, clock=lambda: 1_700_000_000.5)


def test_without_a_file_there_are_no_keys(keys, path):
    assert keys.all() == ()
    assert keys.find("sk-1") is None
    assert keys.by_id("1") is None
    assert not path.exists()


def test_a_key_is_found_as_it_was_made(keys, path):
    made, secret = keys.create("Anna's laptop", group="film", limits=Limits(max_running=1))
    assert re.fullmatch(r"sk-[0-9a-f]{32}", secret)
    for reader in (keys, ApiKeys(path)):
        assert reader.find(secret) == made
        assert reader.by_id("1") == made
    assert (made.key_id, made.name, made.group) == ("1", "Anna's laptop", "film")
    assert (made.created_at, made.revoked_at) == (1_700_000_000.5, None)
    assert made.limits == Limits(max_running=1)


@pytest.mark.parametrize("change", [str.upper, str.strip, lambda s: s[:-1], lambda s: s + "0"])
def test_only_the_very_key_fits(keys, change):
    _, secret = keys.create("a")
    wrong = change(f" {secret}") if change is not str.strip else f"{secret} "
    assert keys.find(wrong) is None
    assert keys.find(secret) is not None


@pytest.mark.parametrize("presented", ["", "sk-", "\ud800", "é", "\0", "sk-" + "0" * 100_000])
def test_anything_may_be_presented(keys, presented):
    keys.create("a")
    assert keys.find(presented) is None


def test_the_hash_of_a_key_is_no_key(keys):
    made, _ = keys.create("a")
    assert keys.find(made.sha256) is None


def test_the_file_holds_no_key_and_is_ours_alone(keys, path):
    made, secret = keys.create("a")
    assert secret not in path.read_text()
    assert secret[3:] not in path.read_text()
    assert made.sha256 not in repr(made)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_running_server_sees_changes_at_once(path):
    server, command = ApiKeys(path), ApiKeys(path)
    assert server.find("sk-1") is None
    made, secret = command.create("a")
    assert server.find(secret) == made
    command.revoke("1")
    assert server.find(secret) is None


def test_revoked_is_for_good_and_stays_listed(path):
    now = [100.0]
    keys = ApiKeys(path, clock=lambda: now[0])
    _, secret = keys.create("a")
    now[0] = 200.0
    assert keys.revoke("1").revoked_at == 200.0
    now[0] = 300.0
    assert keys.revoke("1").revoked_at == 200.0
    assert keys.find(secret) is None
    assert [key.revoked_at for key in keys.all()] == [200.0]
    after, _ = keys.create("b")
    assert after.key_id == "2"  # the id of a revoked key still owns tasks
    assert [key.key_id for key in keys.all()] == ["1", "2"]


def test_only_known_keys_can_be_revoked(keys, path):
    keys.create("a")
    before = path.read_bytes()
    with pytest.raises(KeyUnknown, match="'7'"):
        keys.revoke("7")
    assert path.read_bytes() == before


def test_no_key_is_lost_when_many_are_made_at_once(path):
    def make_five():
        for _ in range(5):
            ApiKeys(path).create("a")

    threads = [threading.Thread(target=make_five) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [key.key_id for key in ApiKeys(path).all()] == [str(n) for n in range(1, 21)]
    assert {p.name for p in path.parent.iterdir()} == {"keys.json", "keys.lock"}


@pytest.mark.parametrize("name", ["", " ", "a" * 65, "a\nb", "\x1b[31m", "\ud800"])
def test_a_name_can_be_read(keys, name):
    with pytest.raises(SettingOutOfRange):
        keys.create(name)
    with pytest.raises(SettingOutOfRange):
        keys.create("a", group=name)
    assert keys.all() == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"version": 2, "keys": []}',
        b'{"version": 1, "keys": [{}]}',
        b'{"version": 1, "keys": [5]}',
        b'{"version": 1}',
    ],
)
def test_a_damaged_file_is_told_and_left_as_it_is(keys, path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    for act in (lambda: keys.find("sk-1"), keys.all, lambda: keys.create("a")):
        with pytest.raises(SecretsUnreadable, match=r"keys\.json"):
            act()
    assert path.read_bytes() == content


def test_a_limit_that_is_none_in_the_file_is_told(keys, path):
    keys.create("a", limits=Limits(max_running=1))
    document = json.loads(path.read_text())
    document["keys"][0]["limits"]["max_running"] = -1
    path.write_text(json.dumps(document))
    with pytest.raises(SecretsUnreadable):
        keys.all()


def test_looking_a_key_up_is_cheap(keys):
    secrets = [keys.create("a")[1] for _ in range(20)]
    started = time.perf_counter()
    for _ in range(100):
        for secret in secrets:
            assert keys.find(secret) is not None
    assert (time.perf_counter() - started) / 2000 < 200e-6  # measured: a few microseconds


def test_a_server_goes_on_with_the_keys_of_before_while_the_file_is_damaged(path, caplog):
    writer = ApiKeys(path)
    _, secret = writer.create("a")
    good = path.read_bytes()
    server = ApiKeys(path)
    server.load()
    assert server.find(secret) is not None and server.damage is None
    path.write_bytes(good[: len(good) // 2])
    for _ in range(3):
        assert server.find(secret) is not None
        assert server.by_id("1") is not None and server.valid_count == 1
    assert server.damage is not None and str(path) in server.damage and "line" in server.damage
    told = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 1 and "portravox restore" in told[0].getMessage()
    with pytest.raises(SecretsUnreadable):
        server.create("b")  # what is damaged is never written over
    assert path.read_bytes() == good[: len(good) // 2]
    path.write_bytes(good)
    assert server.find(secret) is not None
    assert server.damage is None
    writer.revoke("1")
    assert server.find(secret) is None


def test_a_damaged_file_is_read_once_and_not_with_every_request(path, monkeypatch):
    ApiKeys(path).create("a")
    server = ApiKeys(path)
    server.load()
    path.write_bytes(b"{")
    reads = []
    loads = json.loads
    monkeypatch.setattr(json, "loads", lambda content: reads.append(1) or loads(content))
    for _ in range(100):
        server.find("sk-1")
    assert len(reads) == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{\n "version": 1,\n "keys": [}\n', "line 3, column 11: expecting value"),
        (b'{"version": 1, "keys": ["\xff"]}', "byte 26 is no text"),
        (b'{"version": 2, "keys": []}', "its version is 2; wanted 1"),
        (b'{"version": 1, "keys": [{"key_id": "1"}]}', "entry 1 of its keys"),
    ],
)
def test_where_a_file_is_damaged_is_told_without_what_stands_there(path, content, told):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(SecretsUnreadable) as refused:
        ApiKeys(path).load()
    assert told in str(refused.value)
