"""Who may use the service, whichever machine he comes to."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from portravox.errors import SettingOutOfRange
from portravox.service import logins
from portravox.service.errors import KeyUnknown, RateReached
from portravox.service.limits import Call, Limits
from portravox.service.storage.signing import SigningKeys
from tests.postgres import database_of

pytest.importorskip("psycopg", reason="the extra `cluster` is not installed")

from portravox.service.cluster import keys as cluster_keys
from portravox.service.cluster.keys import (
    SharedKeys,
    SharedLogins,
    SharedRates,
    SignedPasses,
)
from portravox.service.cluster.live_usage import SharedLiveUsage
from portravox.service.database.database import Database
from portravox.service.tasks.migrate import migrate_postgres


@pytest.fixture
def url(tmp_path):
    made = database_of(tmp_path)
    migrate_postgres(Database(made))
    return made


@asynccontextmanager
async def machines(url, count=2):
    databases = [Database(url) for _ in range(count)]
    try:
        yield databases
    finally:
        for database in databases:
            await database.close()


async def test_a_key_made_on_one_machine_works_on_all_within_a_second_and_is_revoked_as_fast(url):
    async with machines(url) as [here, there]:
        mine, other = SharedKeys(here), SharedKeys(there)
        other.start()
        await asyncio.sleep(0.2)
        key, secret = await asyncio.to_thread(mine.create, "shop", limits=Limits(max_running=2))
        assert mine.find(secret) == key
        assert key.key_id == "1" and secret.startswith("sk-")
        await until(lambda: other.find(secret) == key)
        assert other.by_id("1").limits.max_running == 2
        await asyncio.to_thread(mine.revoke, "1")
        await until(lambda: other.find(secret) is None)
        assert (mine.valid_count, len(mine.all())) == (0, 1)
        await other.stop()


async def until(holds, within_s: float = 10.0):
    """A second on a machine that has nothing else to do."""
    ends = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends
        await asyncio.sleep(0.02)


def test_ids_of_keys_are_never_given_twice_and_unknown_ones_are_told(url):
    keys = SharedKeys(Database(url))
    made = [keys.create(name)[0].key_id for name in "abc"]
    assert made == ["1", "2", "3"]
    for nobody in ("4", "x", "", "9" * 40, "1; DROP TABLE api_keys"):
        with pytest.raises(KeyUnknown):
            keys.revoke(nobody)
    with pytest.raises(SettingOutOfRange):
        keys.create(" ")
    assert keys.find("sk-\ud800\0") is None


def test_a_one_time_link_works_once_on_any_machine(url, monkeypatch):
    here, there = SharedLogins(Database(url)), SharedLogins(Database(url))
    token = here.create()
    assert [there.redeem(token), here.redeem(token), here.redeem("nobody's")] == [
        True,
        False,
        False,
    ]
    late = here.create()
    monkeypatch.setattr(cluster_keys, "TOKEN_LIFE_S", -1.0)
    assert not there.redeem(late)


def test_a_pass_of_the_studio_holds_on_every_machine_with_the_same_signing_keys():
    keys = SigningKeys(current=b"k" * 32)
    now = 1000.0
    passes = SignedPasses(keys, lambda: now)
    given = passes.create()
    assert SignedPasses(keys, lambda: now).holds(given)
    assert given.startswith(logins.PASS_PREFIX)
    assert not SignedPasses(SigningKeys(current=b"x" * 32), lambda: now).holds(given)
    later = f"{10**9:x}"
    _, nonce, signature = given.split(".")
    for odd in (f"st-{later}.{nonce}.{signature}", "st-", "st-..", "sk-x", given[:-1], "\ud800"):
        assert not passes.holds(odd)
    now += logins.PASS_LIFE_S + 1
    assert not passes.holds(given)


async def test_a_rate_is_counted_over_all_machines_together(url):
    async with machines(url, 3) as databases:
        rates = [SharedRates(database) for database in databases]
        limits = Limits(requests_per_s=5.0)
        taken = refused = 0
        for number in range(12):
            counting = rates[number % 3].take("1", Call.SUBMIT, limits)
            assert counting is not None
            try:
                await counting
                taken += 1
            except RateReached:
                refused += 1
        assert taken >= 5 and taken + refused == 12
        assert rates[0].take("1", Call.POLL, limits) is None  # no limit asks nobody
        await asyncio.sleep(0.3)
        again = rates[1].take("1", Call.SUBMIT, limits)
        assert again is not None
        await again  # more than one token has come meanwhile


async def test_a_bucket_is_no_fuller_than_a_second_brings(url):
    async with machines(url, 1) as [database]:
        rates = SharedRates(database)
        slow = Limits(requests_per_s=0.001)
        for refused in (False, True, True):
            counting = rates.take("1", Call.DETECT, slow)
            assert counting is not None
            if refused:
                with pytest.raises(RateReached):
                    await counting
            else:
                await counting


async def test_seconds_of_live_sessions_are_counted_over_all_machines_together(url):
    async with machines(url, 2) as databases:
        here, there = (SharedLiveUsage(database) for database in databases)
        here.add("1", 10.0)
        there.add("1", 5.0)
        there.add("2", 1.0)
        assert (here.used_s("1"), there.used_s("1")) == (10.0, 5.0)
        here.write(here.snapshot())
        there.refresh()
        here.refresh()
        assert (here.used_s("1"), there.used_s("1"), here.used_s("2")) == (15.0, 15.0, 1.0)
        here.add("1", 2.5)
        assert here.used_s("1") == 17.5
        with databases[0].connect() as db:
            db.execute("UPDATE live_seconds SET hour = hour - 24 WHERE key_id = '1'")
        here.refresh()
        assert here.used_s("1") == 2.5 and here.used_s("2") == 1.0
