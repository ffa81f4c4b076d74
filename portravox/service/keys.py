"""API keys: who may use the service, and whose tasks are whose.

Flow      cli.keys -> keys.json in the data folder -> ApiKeys.find -> routes

A small file instead of a table, because the commands change it while the server runs, and the
server's database has one owner. Each change writes it anew in one step; the server notices by the
file's status at the next request, so a revoked key is refused at once. A file that an editor or a
disk has damaged changes nothing for a server that runs: the keys of before go on, and the log and
`damage` say where the file is broken.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import hmac
import json
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from portravox.atomic_file import writing
from portravox.errors import SettingOutOfRange
from portravox.service.errors import KeyUnknown, SecretsUnreadable
from portravox.service.limits import Limits

DEFAULT_GROUP = "default"
"""Keys see each other's tasks and uploads unless they are told apart: one account, as a rule."""

_PREFIX = "sk-"
_SECRET_BYTES = 16
"""DashScope's keys look like that: sk- and 32 hexadecimal digits. 128 random bits cannot be
guessed, which is why a plain SHA-256 protects them: slow hashes are for passwords."""

_MAX_NAME_LENGTH = 64
"""Of a key's name and group, characters; our choice."""

_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What the server knows about a key. The key itself it does not know."""

    key_id: str
    """"1", "2", ...: public, `api_key_id` in lists. Never given twice."""

    name: str
    group: str
    """Keys of one group see the same tasks and uploads."""

    created_at: float
    revoked_at: float | None
    """Seconds since 1970, UTC."""

    limits: Limits
    """Where they are None, the server's general ones hold."""

    sha256: str = field(repr=False)
    """Of the whole key, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What was in the file when it had this status."""

    status: tuple[int, ...]
    by_id: Mapping[str, ApiKey]
    """All keys, the oldest first."""

    valid: Mapping[str, ApiKey]
    """By SHA-256; no revoked ones."""


_NO_KEYS = _Read((), {}, {})

_log = logging.getLogger("portravox.keys")


class Keys(Protocol):
    """Who may use the service, wherever that is kept; see `ApiKeys` for what each method does."""

    @property
    def damage(self) -> str | None: ...

    @property
    def valid_count(self) -> int: ...

    def load(self) -> None: ...

    def find(self, presented: str) -> ApiKey | None: ...

    def by_id(self, key_id: str) -> ApiKey | None: ...

    def is_damaged(self) -> bool: ...

    def all(self) -> tuple[ApiKey, ...]: ...

    def create(
        self, name: str, *, group: str = DEFAULT_GROUP, limits: Limits | None = None
    ) -> tuple[ApiKey, str]: ...

    def revoke(self, key_id: str) -> ApiKey: ...


class ApiKeys:
    """The API keys in a file. Threads and processes may share it."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """The file may be missing: then there are no keys."""
        self._path = path
        self._clock = clock
        self._latest = _NO_KEYS
        self._broken: tuple[tuple[int, ...], str] = ((), "")
        """The status of a file that could not be read, and why: it is not read again."""

        self.damage: str | None = None
        """Where the file is broken, for as long as it is and the keys of before are used."""

    def load(self) -> None:
        """Read the file now. Raises SecretsUnreadable, which says where it is broken."""
        self._read(strict=True)

    def find(self, presented: str) -> ApiKey | None:
        """The valid key that a client presents, if it is one. Raises SecretsUnreadable.

        Takes no longer for a key that is nearly right: what is looked up is a hash, of which
        nobody can choose even the first digit without trying, and the last comparison takes
        constant time.
        """
        sha256 = sha256_of(presented)
        key = self._read().valid.get(sha256)
        if key is None or not hmac.compare_digest(key.sha256, sha256):
            return None
        return key

    def by_id(self, key_id: str) -> ApiKey | None:
        """The key with an id, also if it was revoked. Raises SecretsUnreadable."""
        return self._read().by_id.get(key_id)

    def is_damaged(self) -> bool:
        """Look whether the file cannot be read as it stands."""
        try:
            self._read()
        except SecretsUnreadable:
            return True
        return self.damage is not None

    @property
    def valid_count(self) -> int:
        """How many keys could use the service when the file was looked at last. Asked with every
        submission and claim beside `by_id`, which looks."""
        return len(self._latest.valid)

    def all(self) -> tuple[ApiKey, ...]:
        """All keys, revoked ones too, the oldest first. Raises SecretsUnreadable."""
        return tuple(self._read().by_id.values())

    def create(
        self, name: str, *, group: str = DEFAULT_GROUP, limits: Limits | None = None
    ) -> tuple[ApiKey, str]:
        """A new key: what is kept, and the key itself, which can never be shown again.

        Raises SettingOutOfRange for a name or group that is empty, longer than 64 characters or
        holds what cannot be printed; SecretsUnreadable.
        """
        require_printable(name=name, group=group)
        secret = new_secret()
        with self._changing() as keys:
            key = ApiKey(
                key_id=str(1 + max((int(key.key_id) for key in keys), default=0)),
                name=name,
                group=group,
                created_at=self._clock(),
                revoked_at=None,
                limits=limits or Limits(),
                sha256=sha256_of(secret),
            )
            keys.append(key)
        return key, secret

    def revoke(self, key_id: str) -> ApiKey:
        """Refuse a key from now on; its tasks stay. Revoking it again changes nothing.

        Raises KeyUnknown, SecretsUnreadable.
        """
        with self._changing() as keys:
            for place, key in enumerate(keys):
                if key.key_id == key_id:
                    if key.revoked_at is None:
                        key = dataclasses.replace(key, revoked_at=self._clock())
                        keys[place] = key
                    return key
            raise KeyUnknown(key_id)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[list[ApiKey]]:
        """The keys, to be changed by one at a time; written when the block ends."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The lock is a file of its own, since the other one is replaced.
            with self._path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                keys = list(self._read(strict=True).by_id.values())
                yield keys
                with writing(self._path) as stream:
                    stream.write(_to_json(keys))
        except OSError as error:
            raise SecretsUnreadable(self._path, error.strerror or str(error)) from error

    def _read(self, *, strict: bool = False) -> _Read:
        """What stands in the file; read again only if it was replaced.

        Where it cannot be read any more, what stood there before; with `strict`, or if nothing was
        ever read, raises SecretsUnreadable.
        """
        try:
            latest = self._read_file()
        except SecretsUnreadable as error:
            if strict or self._latest is _NO_KEYS:
                raise
            if self.damage != str(error):
                self.damage = str(error)
                _log.error("%s; the keys of before go on. %s", error, error.hint)
            return self._latest
        if self.damage is not None:
            self.damage = None
            _log.info("%s can be used again", self._path)
        return latest

    def _read_file(self) -> _Read:
        try:
            status = _status(self._path.stat())
            if status == self._latest.status:
                return self._latest
            if status == self._broken[0]:
                raise SecretsUnreadable(self._path, self._broken[1])
            with self._path.open("rb") as stream:
                # Of the file that was opened: it may not be the one that was looked at.
                status = _status(os.fstat(stream.fileno()))
                content = stream.read()
        except FileNotFoundError:
            return _NO_KEYS
        except OSError as error:
            raise SecretsUnreadable(self._path, error.strerror or str(error)) from error
        try:
            keys = _from_json(content)
        except (ValueError, KeyError, TypeError, SettingOutOfRange) as error:
            self._broken = (status, _where(error))
            raise SecretsUnreadable(self._path, _where(error)) from error
        valid = {key.sha256: key for key in keys if key.revoked_at is None}
        self._latest = _Read(status, {key.key_id: key for key in keys}, valid)
        return self._latest


def _status(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)


def new_secret() -> str:
    """A key that nobody has."""
    return _PREFIX + secrets.token_hex(_SECRET_BYTES)


def require_printable(**options: str) -> None:
    """Raise SettingOutOfRange for a name or group that is empty, longer than 64 characters or holds
    what cannot be printed."""
    for option, value in options.items():
        if not (value.strip() and value.isprintable() and len(value) <= _MAX_NAME_LENGTH):
            wanted = f"1 to {_MAX_NAME_LENGTH} characters that can be printed"
            raise SettingOutOfRange(option, value, wanted)


def sha256_of(presented: str) -> str:
    """What is kept of a secret, in hexadecimal."""
    # Clients may send anything, also what is no UTF-8.
    return hashlib.sha256(presented.encode("utf-8", "surrogatepass")).hexdigest()


def _to_json(keys: list[ApiKey]) -> bytes:
    entries = [dataclasses.asdict(key) for key in keys]
    return json.dumps({"version": _VERSION, "keys": entries}, indent=1).encode() + b"\n"


def _from_json(content: bytes) -> tuple[ApiKey, ...]:
    """Raises ValueError, KeyError, TypeError or SettingOutOfRange where it is not what we write."""
    document: Any = json.loads(content)
    if document["version"] != _VERSION:
        raise _NotOurs(f"its version is {document['version']!r:.20}; wanted {_VERSION}")
    return tuple(_entry(number, entry) for number, entry in enumerate(document["keys"], start=1))


def _entry(number: int, entry: Any) -> ApiKey:
    try:
        key = ApiKey(**{**entry, "limits": Limits(**entry["limits"])})
        int(key.key_id)  # ids are counted on from here
    except (ValueError, KeyError, TypeError, SettingOutOfRange) as error:
        raise _NotOurs(f"entry {number} of its keys is not what we write") from error
    return key


class _NotOurs(ValueError):
    """Says itself what is wrong, without what stands there."""


def _where(error: Exception) -> str:
    """Where a file of keys is broken, and how."""
    match error:
        case json.JSONDecodeError():
            return f"line {error.lineno}, column {error.colno}: {error.msg.lower()}"
        case UnicodeDecodeError():
            return f"byte {error.start + 1} is no text"
        case _NotOurs():
            return str(error)
        case _:
            return "it is damaged, or of a later version"
