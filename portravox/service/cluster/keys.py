"""API keys in the database that machines share, and the other things that let somebody in.

Flow      cli.keys -> api_keys -> NOTIFY -> SharedKeys.find -> routes

Requests are answered from a copy of the table in memory, which is read anew as soon as anything in
it changes: the database calls that out. While it is away the keys of before go on.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hmac
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from portravox.service.database.database import Database
from portravox.service.errors import KeyUnknown, QueueUnavailable, RateReached
from portravox.service.keys import (
    DEFAULT_GROUP,
    ApiKey,
    new_secret,
    require_printable,
    sha256_of,
)
from portravox.service.limits import Call, Limits
from portravox.service.logins import PASS_LIFE_S, PASS_PREFIX, TOKEN_LIFE_S
from portravox.service.storage.signing import SigningKeys

_ALL_KEYS = "SELECT * FROM api_keys ORDER BY key_id"

_ADD_KEY = """
INSERT INTO api_keys (key_id, name, key_group, created_at, limits, sha256)
SELECT 1 + coalesce(max(key_id), 0), %(name)s, %(group)s,
    extract(epoch FROM clock_timestamp()), %(limits)s, %(sha256)s
FROM api_keys
RETURNING *
"""

_REVOKE_KEY = """
UPDATE api_keys SET revoked_at = coalesce(revoked_at, extract(epoch FROM clock_timestamp()))
WHERE key_id = %(key_id)s RETURNING *
"""

_FORGET_LOGINS = """
DELETE FROM login_tokens WHERE created_at < extract(epoch FROM clock_timestamp()) - %(life_s)s
"""

_ADD_LOGIN = """
INSERT INTO login_tokens VALUES (%(sha256)s, extract(epoch FROM clock_timestamp()))
"""

_REDEEM_LOGIN = "DELETE FROM login_tokens WHERE sha256 = %(sha256)s RETURNING created_at"

_TAKE_TOKEN = """
INSERT INTO buckets AS b (key_id, call, tokens, filled_at)
VALUES (%(key_id)s, %(call)s, %(capacity)s::float8 - 1.0, extract(epoch FROM clock_timestamp()))
ON CONFLICT (key_id, call) DO UPDATE SET
    tokens = least(
        b.tokens + greatest(excluded.filled_at - b.filled_at, 0.0) * %(per_s)s::float8,
        %(capacity)s
    ) - 1.0,
    filled_at = excluded.filled_at
WHERE least(
    b.tokens + greatest(excluded.filled_at - b.filled_at, 0.0) * %(per_s)s::float8, %(capacity)s
) >= 1.0
RETURNING tokens
"""

_log = logging.getLogger("portravox.keys")


class SharedKeys:
    """The API keys of all machines. What `ApiKeys` is for one."""

    def __init__(self, database: Database) -> None:
        """Read them once. Raises QueueUnavailable."""
        self._database = database
        self._by_id: Mapping[str, ApiKey] = {}
        self._valid: Mapping[str, ApiKey] = {}
        self._hearing: asyncio.Task[None] | None = None
        self.load()

    damage: str | None = None
    """None: a table is whole, or its database says so."""

    def start(self) -> None:
        """Hear of changes from now on."""
        hearing = self._database.listen("portravox_keys", self._heard)
        self._hearing = asyncio.create_task(hearing, name="keys")

    async def stop(self) -> None:
        if self._hearing is not None:
            self._hearing.cancel()
            await asyncio.gather(self._hearing, return_exceptions=True)

    def load(self) -> None:
        """Read them now. Raises QueueUnavailable."""
        with self._database.connect() as db:
            self._take(db.execute(_ALL_KEYS).fetchall())

    def find(self, presented: str) -> ApiKey | None:
        """The valid key that a client presents, if it is one."""
        sha256 = sha256_of(presented)
        key = self._valid.get(sha256)
        if key is None or not hmac.compare_digest(key.sha256, sha256):
            return None
        return key

    def by_id(self, key_id: str) -> ApiKey | None:
        """The key with an id, also if it was revoked."""
        return self._by_id.get(key_id)

    def is_damaged(self) -> bool:
        return False

    @property
    def valid_count(self) -> int:
        """How many keys could use the service when they were read last."""
        return len(self._valid)

    def all(self) -> tuple[ApiKey, ...]:
        """All keys, revoked ones too, the oldest first."""
        return tuple(self._by_id.values())

    def create(
        self, name: str, *, group: str = DEFAULT_GROUP, limits: Limits | None = None
    ) -> tuple[ApiKey, str]:
        """A new key: what is kept, and the key itself, which can never be shown again. Raises
        SettingOutOfRange, QueueUnavailable."""
        require_printable(name=name, group=group)
        secret = new_secret()
        asked = {
            "name": name,
            "group": group,
            "limits": json.dumps(dataclasses.asdict(limits or Limits())),
            "sha256": sha256_of(secret),
        }
        with self._database.connect() as db, db.transaction():
            db.execute("LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE")
            [row] = db.execute(_ADD_KEY, asked).fetchall()
        self.load()
        return _key_of(row), secret

    def revoke(self, key_id: str) -> ApiKey:
        """Refuse a key from now on, on all machines; its tasks stay. Raises KeyUnknown,
        QueueUnavailable."""
        if not (key_id.isascii() and key_id.isdecimal() and len(key_id) < 18):
            raise KeyUnknown(key_id)
        with self._database.connect() as db:
            rows = db.execute(_REVOKE_KEY, {"key_id": int(key_id)}).fetchall()
        if not rows:
            raise KeyUnknown(key_id)
        self.load()
        return _key_of(rows[0])

    async def _heard(self, _: str | None) -> None:
        try:
            self._take(await self._database.fetch(_ALL_KEYS, {}))
        except QueueUnavailable as error:
            _log.warning("the keys of before go on: %s", error)

    def _take(self, rows: list[dict[str, Any]]) -> None:
        keys = [_key_of(row) for row in rows]
        self._valid = {key.sha256: key for key in keys if key.revoked_at is None}
        self._by_id = {key.key_id: key for key in keys}


def _key_of(row: Mapping[str, Any]) -> ApiKey:
    return ApiKey(
        key_id=str(row["key_id"]),
        name=row["name"],
        group=row["key_group"],
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
        limits=Limits(**json.loads(row["limits"])),
        sha256=row["sha256"],
    )


class SharedLogins:
    """Tokens of one-time links that work on whichever machine the browser comes to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self) -> str:
        """A token that works once, for TOKEN_LIFE_S. Raises QueueUnavailable."""
        token = secrets.token_hex(16)
        with self._database.connect() as db:
            db.execute(_FORGET_LOGINS, {"life_s": TOKEN_LIFE_S})
            db.execute(_ADD_LOGIN, {"sha256": sha256_of(token)})
        return token

    def redeem(self, token: str) -> bool:
        """Whether a token is good; it never is again."""
        with self._database.connect() as db:
            rows = db.execute(_REDEEM_LOGIN, {"sha256": sha256_of(token)}).fetchall()
        return bool(rows) and self._database.now() - rows[0]["created_at"] <= TOKEN_LIFE_S


class SignedPasses:
    """Temporary keys of the studio that every machine knows by the server's signing keys.

    Signed instead of kept: a pass is presented a moment after it was given, as a rule to another
    machine, and each request would have to ask the database for it.
    """

    def __init__(self, signing: SigningKeys, clock: Callable[[], float]) -> None:
        """
        clock  that all machines share, seconds since 1970
        """
        self._signing = signing
        self._clock = clock

    def create(self) -> str:
        """A new pass."""
        said = f"{int(self._clock() + PASS_LIFE_S):x}.{secrets.token_hex(8)}"
        return f"{PASS_PREFIX}{said}.{self._signing.sign('studio pass', said)}"

    def holds(self, presented: str) -> bool:
        """Whether somebody presents a pass that has not ended."""
        if not presented.startswith(PASS_PREFIX):
            return False
        said, _, signature = presented.removeprefix(PASS_PREFIX).rpartition(".")
        if not self._signing.is_signed("studio pass", said, signature):
            return False
        return int(said.partition(".")[0], 16) > self._clock()


class SharedRates:
    """A bucket of tokens for every key and kind of call, of all machines together.

    As `RateLimiter`, which is one machine's. Asked only where a key has a limit.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, key_id: str, call: Call, limits: Limits) -> Awaitable[None] | None:
        """Count a request; what is given raises RateReached, and then it was not counted."""
        per_s = limits.per_s(call)
        return None if per_s is None else self._take(key_id, call, per_s)

    async def _take(self, key_id: str, call: Call, per_s: float) -> None:
        asked = {"key_id": key_id, "call": call, "per_s": per_s, "capacity": max(per_s, 1.0)}
        # While the database is away nobody is held up here: the task itself could not be asked for.
        with suppress(QueueUnavailable):
            if not await self._database.fetch(_TAKE_TOKEN, asked):
                raise RateReached(per_s)
