"""Where files lie, as one URL says it.

Flow      settings.storage_url -> parse_location -> StorageLocation -> storage.opened

| URL | what it names |
|---|---|
| `file:///mnt/shared/portravox` | a folder, which several machines may mount |
| `s3://bucket/prefix` | Amazon S3, or whatever speaks its protocol at `?endpoint=` |
| `gs://bucket/prefix` | Google Cloud Storage |
| `az://container/prefix?account=name` | Azure Blob Storage |

Secrets stand in the environment, under the names that each store's own tools use, and a URL with
one in it is refused: URLs are logged, listed and copied.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from portravox.errors import SettingOutOfRange

Scheme = Literal["file", "s3", "gs", "az"]

OPTIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "file": frozenset(),
        "s3": frozenset(
            ("endpoint", "region", "allow_http", "virtual_hosted", "encryption", "kms_key")
        ),
        "gs": frozenset(("endpoint", "allow_http")),
        "az": frozenset(("account", "endpoint", "allow_http")),
    }
)
"""What may stand behind the question mark, by scheme.

endpoint        of a store that is not the provider's own: https://store.example.com
region          of the bucket; else AWS_REGION
allow_http      true: the endpoint may be http://, for tests and networks of one's own
virtual_hosted  true: the bucket's name is part of the host name
encryption      at rest, if not the bucket's default: AES256 or aws:kms
kms_key         with aws:kms, the key's id
account         of Azure's storage; else AZURE_STORAGE_ACCOUNT_NAME
"""

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_PART = re.compile(r"[A-Za-z0-9._-]+")
"""Of a prefix: what needs no quoting in any URL."""

_WANTED = "file:///folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageLocation:
    """A folder or a bucket. Holds no secrets."""

    scheme: Scheme
    bucket: str = ""
    """Of `file`, nothing."""

    prefix: str = ""
    """Without a slash at either end; of `file`, the folder's path."""

    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path | None:
        """None where it is a bucket."""
        return Path(self.prefix) if self.scheme == "file" else None

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}{'/' if self.bucket else ''}{self.prefix}"


def parse_location(url: str) -> StorageLocation:
    """Read a URL. Raises SettingOutOfRange, whose message repeats none of it: it may hold a secret
    by mistake."""
    try:
        split = urlsplit(url)
        pairs = parse_qsl(split.query, keep_blank_values=True, strict_parsing=bool(split.query))
        options = dict(pairs)
    except ValueError:
        raise _refused(f"{_WANTED}, then perhaps ?name=value&…") from None
    scheme = split.scheme
    _require_known(scheme, split, options)
    if scheme == "file":
        folder = unquote(split.path)
        if split.netloc or not folder.startswith("/") or "\0" in folder:
            raise _refused("file:/// and the whole path of a folder")
        return StorageLocation(scheme="file", prefix=folder)
    prefix = split.path.strip("/")
    parts = prefix.split("/") if prefix else []
    if not _BUCKET.fullmatch(split.netloc):
        raise _refused(_WANTED)
    if any(not _PART.fullmatch(part) or part in (".", "..") for part in parts):
        raise _refused("a prefix of letters, digits, dots, - and _ between slashes")
    return StorageLocation(
        scheme=cast(Scheme, scheme), bucket=split.netloc, prefix="/".join(parts), options=options
    )


def _require_known(scheme: str, split: SplitResult, options: Mapping[str, str]) -> None:
    """Raise SettingOutOfRange for a scheme or an option that is none, or for secrets in the URL."""
    if scheme not in ("file", "s3", "gs", "az"):
        raise _refused(_WANTED)
    if "@" in split.netloc or split.fragment:
        raise _refused(f"{_WANTED}; secrets belong in the environment")
    allowed = OPTIONS[scheme]
    if unknown := sorted(set(options) - allowed):
        known = ", ".join(sorted(allowed)) or "nothing"
        raise _refused(
            f"after the question mark {known}, not {unknown[0][:40]!r}; secrets belong in the"
            " environment"
        )
    for name in ("allow_http", "virtual_hosted"):
        if options.get(name, "true") not in ("true", "false"):
            raise _refused(f"{name}=true or {name}=false")


def _refused(wanted: str) -> SettingOutOfRange:
    return SettingOutOfRange("storage_url", "…", wanted)
