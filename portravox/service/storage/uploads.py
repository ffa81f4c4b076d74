"""Temporary uploads: local files of clients, lent to the server under oss:// names.

Flow      routes.uploads -> credentials -> the client -> its form -> receive -> storage
          an oss:// link in a job -> worker -> UploadedFiles.open

Three steps, as DashScope has them: the client asks for credentials with its API key, posts a form
with the file without a key, and names the file as oss:// and the form's `key`. What it may post is
said in a policy that we sign, so nothing is remembered between the first step and the second.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, BinaryIO
from urllib.parse import unquote

from portravox.errors import SettingOutOfRange
from portravox.service.errors import UploadExists, UploadForbidden, UploadTooLarge, UploadUnknown
from portravox.service.storage.base import Storage, Stored
from portravox.service.storage.signing import SigningKeys
from portravox.service.storage.upload_index import Kept, UploadIndex

SCHEME = "oss://"

UPLOAD_PATH = "/uploads"
"""Where forms are posted; not below /api/v1, since it asks for no key."""

UPLOAD_LIFE_S = 48 * 3600
"""How long an upload can be used: DashScope's."""

POLICY_LIFE_S = 300
"""How long credentials can be used: `expire_in_seconds` of DashScope's samples."""

_MIB = 1024 * 1024

_ROOT = "dashscope-instant"
"""First part of every upload's name: DashScope's, which some clients look for."""

_ACCESS_KEY_ID = "portravox"
"""Names who signed the policy. Not a secret, and nothing depends on it but the form's shape."""

_ACL = "private"

_FORBID_OVERWRITE = "true"

_PURPOSE = "upload-policy/1"
"""To be counted up when the policy's layout changes, so that only policies we can read are ours."""

_MAX_FILE_NAME_BYTES = 255
"""What file systems take, so that no file a client can have is refused."""

_CHINA = timezone(timedelta(hours=8))
"""The days in the names are China's, like all times of the contract."""

_POLICY_EXPIRED = "Invalid according to Policy: Policy expired."
_POLICY_FAILED = "Invalid according to Policy: Policy Condition failed."
_NOT_SIGNED = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your key and signing method."
)
_TOO_LARGE = "Your proposed upload exceeds the maximum allowed size."
"""Texts of the object storage behind the original; clients show them, none branches on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """How much may be uploaded."""

    file_mib: int = 100
    """Of one file: DashScope's. More than any job takes, so that too large a picture is told as
    such by its task, as the original does."""

    account_mib: int = 4096
    """Of all files of one key group that are kept at a time: our choice."""

    account_files: int = 10_000
    """How many those may be. Our choice: one every 17 s for the 48 hours that they live."""

    total_mib: int = 40_960
    total_files: int = 100_000
    """Of all key groups together: ten of them may have all that one may. Our choice."""

    def __post_init__(self) -> None:
        for option in fields(self):
            if getattr(self, option.name) < 1:
                raise SettingOutOfRange(option.name, getattr(self, option.name), "1 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadCredentials:
    """What a client needs for the form: the ten fields of the reply, by their names there."""

    policy: str
    """Base64 of a JSON document in the manner of object storages."""

    signature: str
    upload_dir: str
    """New for each call; no slash at the end."""

    upload_host: str
    expire_in_seconds: int
    max_file_size_mb: int
    capacity_limit_mb: int
    oss_access_key_id: str
    x_oss_object_acl: str
    x_oss_forbid_overwrite: str
    """The text "true", not a boolean."""


@dataclass(frozen=True, slots=True)
class _Policy:
    expires_at: float
    upload_dir: str
    max_bytes: int


class UploadedFiles:
    """What was uploaded, for who makes videos of it: reads, and holds no signing keys."""

    def __init__(self, storage: Storage, *, clock: Callable[[], float] = time.time) -> None:
        self._storage = storage
        self._clock = clock

    def find(self, url: str, *, group: str) -> str:
        """The name in the storage of what an oss:// link of this key group names.

        Raises UploadUnknown, whether it never was, is another group's or older than 48 hours;
        StorageFailed.
        """
        if not is_upload(url):
            raise UploadUnknown
        given = url[len(SCHEME) :]
        # Some clients escape a key as if it were the path of a URL; names may also hold a %.
        for key in dict.fromkeys((given, unquote(given))):
            if not key.startswith(f"{_ROOT}/{_account(group)}/"):
                continue
            stored = self._storage.find(_stored_name(key))
            if stored is not None and stored.stored_at + UPLOAD_LIFE_S > self._clock():
                return stored.name
        raise UploadUnknown

    def open(self, url: str, *, group: str) -> tuple[Stored, BinaryIO]:
        """The file and a stream of it, to be read in large pieces. Raises what `find` raises,
        StoredFileMissing."""
        return self._storage.open(self.find(url, group=group))


class Uploads:
    """The uploads of all accounts, in a storage of their own."""

    def __init__(
        self,
        storage: Storage,
        signing: SigningKeys,
        *,
        limits: UploadLimits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._storage = storage
        self._signing = signing
        self._limits = limits or UploadLimits()
        self._index = UploadIndex(storage, _account_of, clock)
        self._clock = clock
        self.files = UploadedFiles(storage, clock=clock)
        """The same uploads, to be read."""

    @property
    def max_file_bytes(self) -> int:
        """Beyond this a form need not be read to its end."""
        return self._limits.file_mib * _MIB

    def credentials(self, group: str, *, upload_host: str) -> UploadCredentials:
        """What a client of this key group needs for one upload.

        upload_host  the absolute URL to which the client will post the form
        """
        now = self._clock()
        day = datetime.fromtimestamp(now, _CHINA).date().isoformat()
        policy = _Policy(
            expires_at=now + POLICY_LIFE_S,
            upload_dir=f"{_ROOT}/{_account(group)}/{day}/{uuid.uuid4()}",
            max_bytes=self.max_file_bytes,
        )
        written = _written(policy)
        return UploadCredentials(
            policy=written,
            signature=self._signing.sign(_PURPOSE, written),
            upload_dir=policy.upload_dir,
            upload_host=upload_host,
            expire_in_seconds=POLICY_LIFE_S,
            max_file_size_mb=self._limits.file_mib,
            capacity_limit_mb=self._limits.account_mib,
            oss_access_key_id=_ACCESS_KEY_ID,
            x_oss_object_acl=_ACL,
            x_oss_forbid_overwrite=_FORBID_OVERWRITE,
        )

    def allowed_bytes(self, fields: Mapping[str, str]) -> int:
        """How large the file of a form with these fields may be.

        To be asked as soon as the fields have come: they stand before the file, and whoever has
        no policy of ours need not send theirs. Raises UploadForbidden, whose message is what the
        client is told.
        """
        policy = self._require_policy(fields)
        if not _is_file_in(policy.upload_dir, fields.get("key", "")):
            raise UploadForbidden(_POLICY_FAILED)
        return policy.max_bytes

    def account(self, fields: Mapping[str, str]) -> str:
        """Whose a form is that `allowed_bytes` has let through; a name that tells nothing else."""
        return _account_of(_stored_name(fields["key"]))

    def receive(self, fields: Mapping[str, str], content: BinaryIO) -> Stored:
        """Store the file of a form.

        fields    all fields of the form but the file; unknown ones are passed over
        content   the file, a stream that can seek

        Raises what `allowed_bytes` raises, UploadTooLarge, UploadExists, StorageFailed. Then
        nothing was stored.
        """
        max_bytes = self.allowed_bytes(fields)
        size_bytes = content.seek(0, os.SEEK_END)
        content.seek(0)
        if size_bytes > max_bytes:
            raise UploadTooLarge(_TOO_LARGE)
        name = _stored_name(fields["key"])
        if self._storage.find(name) is not None:
            raise UploadExists
        with self._index.adding(_account_of(name), size_bytes, self._require_room):
            return self._storage.put(name, content)

    def remove_expired(self) -> tuple[str, ...]:
        """Remove what no link can name any more; gives the names in the storage."""
        expired = self._clock() - UPLOAD_LIFE_S
        removed = self._storage.remove_older(expired)
        # Also where nothing was removed: somebody else may have.
        self._index.count_anew(expired)
        return removed

    def _require_room(self, own: Kept, everyone: Kept) -> None:
        limits = self._limits
        for kept, mib, files, whose in (
            (own, limits.account_mib, limits.account_files, "this account"),
            (everyone, limits.total_mib, limits.total_files, "all accounts"),
        ):
            if kept.size_bytes > mib * _MIB or kept.files > files:
                raise UploadTooLarge(
                    f"The uploads of {whose} may be {files} files with {mib} MB together; "
                    "each is removed 48 hours after it arrived."
                )

    def _require_policy(self, fields: Mapping[str, str]) -> _Policy:
        """The form's policy, if it is ours and has not expired."""
        written = fields.get("policy", "")
        signed = self._signing.is_signed(_PURPOSE, written, fields.get("Signature", ""))
        if not signed or fields.get("OSSAccessKeyId") != _ACCESS_KEY_ID:
            raise UploadForbidden(_NOT_SIGNED)
        policy = _read(written)
        if policy.expires_at <= self._clock():
            raise UploadForbidden(_POLICY_EXPIRED)
        return policy


def is_upload(address: str) -> bool:
    """Whether an address names a temporary upload."""
    return address[: len(SCHEME)].lower() == SCHEME


def _account(group: str) -> str:
    """A name for a key group that tells nothing about it: 32 hexadecimal digits."""
    return hashlib.sha256(f"account\n{group}".encode()).hexdigest()[:32]


def _account_of(stored_name: str) -> str:
    return stored_name.partition("-")[0]


def _is_file_in(folder: str, key: str) -> bool:
    """Whether a key is that of a file right in a folder."""
    inside, _, name = key.rpartition("/")
    if inside != folder or name in ("", ".", ".."):
        return False
    # Else any name will do, since it becomes a hash.
    return len(_bytes(name)) <= _MAX_FILE_NAME_BYTES


def _stored_name(key: str) -> str:
    """Where a key's file lies: account and hash, so nothing that a client wrote becomes a path."""
    account = key.split("/", 2)[1]
    return f"{account}-{hashlib.sha256(_bytes(key)).hexdigest()}"


def _bytes(text: str) -> bytes:
    """Any text as bytes; JSON can hold lone surrogates, which are no UTF-8."""
    return text.encode("utf-8", "surrogatepass")


def _written(policy: _Policy) -> str:
    """A policy as the client carries it from the credentials to the form."""
    document = {
        "expiration": datetime.fromtimestamp(policy.expires_at, UTC).isoformat(),
        "conditions": [
            ["content-length-range", 0, policy.max_bytes],
            ["starts-with", "$key", f"{policy.upload_dir}/"],
            {"x-oss-object-acl": _ACL},
            {"x-oss-forbid-overwrite": _FORBID_OVERWRITE},
        ],
    }
    return base64.b64encode(json.dumps(document).encode()).decode()


def _read(written: str) -> _Policy:
    """The other way round; only for what we have signed."""
    document: dict[str, Any] = json.loads(base64.b64decode(written))
    (_, _, max_bytes), (_, _, prefix), *_ = document["conditions"]
    return _Policy(
        expires_at=datetime.fromisoformat(document["expiration"]).timestamp(),
        upload_dir=prefix.removesuffix("/"),
        max_bytes=max_bytes,
    )
