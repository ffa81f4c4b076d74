"""A storage in a bucket of an object store, and links that the store itself answers.

Flow      location -> open_bucket -> Bucket -> ObjectStorage: worker, storage.uploads, previews
                                            -> StoreLinks: routes.tasks -> link -> the client

The store is asked for single objects only: put, get, head and delete of a known name. So whoever
runs the server may leave out the permission to list; what nobody removes goes by the bucket's
life-cycle rules (docs/service/storage.md).

Nothing of ours outlives an error: requests are repeated for REPEATED_S, then StorageUnavailable is
raised, and whoever asked repeats later or is told to.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from portravox.errors import SettingOutOfRange
from portravox.service.errors import StorageFailed, StorageUnavailable, StoredFileMissing
from portravox.service.storage.base import Stored, is_name
from portravox.service.storage.location import StorageLocation

if TYPE_CHECKING:
    from obstore.store import AzureStore, GCSStore, S3Store

CONNECT_S = 3.0
REQUEST_S = 20.0
"""How long a connection and a whole request may take: a piece at 400 kB/s."""

REPEATED_S = 10.0
REPEATS = 3
"""A request that fails is repeated so often, and not after so long. Our choice: callers wait, and
workers come back."""

PIECE_BYTES = 8 * 1024 * 1024
"""Larger files go in pieces of this size (S3 wants 5 MiB at least)."""

PIECES_AT_ONCE = 2
"""Of one file. Our choice: 16 MiB of memory."""

PROBE_NAME = "probe"
"""An object that is there whenever the store can be written to. It tells a missing object from a
refusal: without the permission to list, S3 answers 403 for both."""

PROBE_APART_S = 15.0
"""Between two writes of the probe by one server: 6,000 a day. Our choice."""

SAME_LINK_S = 60.0
"""A signed link is given again for so long: whoever asks every second sees one link, and it is not
much older than what it was signed with. Our choice."""

_SIGNED_S = 7 * 24 * 3600.0
"""The longest that S3 lets a signed link live; where videos are kept longer, whoever asks later
gets another one."""

_LINKS_KEPT = 10_000

_CONTENT_TYPES = {
    "mp4": "video/mp4",
    "jpg": "image/jpeg",
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
}
"""By the ending of a name: the store tells it to browsers."""

_log = logging.getLogger("portravox.storage")


class Bucket:
    """A bucket, or a part of one below a prefix. Threads may share it."""

    def __init__(self, store: S3Store | GCSStore | AzureStore, location: StorageLocation) -> None:
        self.store = store
        self.location = location
        self._probing = threading.Lock()
        self._probed_at = float("-inf")

    def path(self, folder: str, name: str) -> str:
        """Of an object in one of our folders."""
        return "/".join(filter(None, (self.location.prefix, folder, name)))

    def probe(self) -> None:
        """Write the probe, unless that was done a moment ago. Raises StorageUnavailable."""
        import obstore

        with self._probing:
            if time.monotonic() - self._probed_at < PROBE_APART_S:
                return
            with _store_errors(f"write to {self.location}"):
                obstore.put(self.store, self.path("", PROBE_NAME), b"portravox\n")
            self._probed_at = time.monotonic()

    def require_access(self) -> None:
        """Raise StorageUnavailable unless the store lets us read what is there."""
        import obstore

        with _store_errors(f"read {self.location}"):
            obstore.head(self.store, self.path("", PROBE_NAME))


class ObjectStorage:
    """A `Storage` of objects below one folder of a bucket. Threads and processes may share it."""

    can_list = False

    def __init__(self, bucket: Bucket, folder: str) -> None:
        self._bucket = bucket
        self._folder = folder

    def put(self, name: str, content: BinaryIO) -> Stored:
        """See `Storage`. The store shows an object when all of it has come."""
        import obstore

        if not is_name(name):
            raise StorageFailed(f"{name!r} cannot name a stored file")
        counted = _Counted(content)
        kind = _CONTENT_TYPES.get(name.rpartition(".")[2], "application/octet-stream")
        with _store_errors(f"store {name}", source=counted):
            result = obstore.put(
                self._bucket.store,
                self._path(name),
                cast(BinaryIO, counted),
                attributes={"Content-Type": kind},
                chunk_size=PIECE_BYTES,
                max_concurrency=PIECES_AT_ONCE,
            )
        return Stored(
            name=name,
            size_bytes=counted.size_bytes,
            stored_at=time.time(),
            etag=_quoted(result["e_tag"]),
        )

    def find(self, name: str) -> Stored | None:
        """See `Storage`."""
        import obstore

        if not is_name(name):
            return None
        try:
            with self._or_missing(name, f"look for {name}"):
                meta = obstore.head(self._bucket.store, self._path(name))
        except StoredFileMissing:
            return None
        return Stored(
            name=name,
            size_bytes=meta["size"],
            stored_at=meta["last_modified"].timestamp(),
            etag=_quoted(meta["e_tag"]),
        )

    def open(self, name: str) -> tuple[Stored, BinaryIO]:
        """See `Storage`. Each `read` asks the store for as much as it is asked for, under the
        condition that the object is still the same."""
        stored = self.find(name)
        if stored is None:
            raise StoredFileMissing(name)
        return stored, cast(BinaryIO, _Reader(self._bucket, self._path(name), stored))

    def delete(self, name: str) -> bool:
        """See `Storage`."""
        import obstore

        if self.find(name) is None:
            return False
        with self._or_missing(name, f"remove {name}"), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._bucket.store, self._path(name))
        return True

    def entries(self, prefix: str = "") -> Iterator[Stored]:
        """Nothing: see `Storage.can_list`."""
        del prefix
        return iter(())

    def remove_older(self, before: float) -> tuple[str, ...]:
        """Nothing: the bucket's life-cycle rules do it."""
        del before
        return ()

    def probe(self) -> None:
        """See `Storage`."""
        self._bucket.probe()

    def signed_url(self, name: str, life_s: float) -> str:
        """An address at which anyone may fetch a file for so long. Raises StorageUnavailable where
        there is nothing to sign with."""
        import obstore

        with _store_errors(f"sign a link to {name}"):
            return obstore.sign(
                self._bucket.store, "GET", self._path(name), timedelta(seconds=max(life_s, 1.0))
            )

    def _path(self, name: str) -> str:
        return self._bucket.path(self._folder, name)

    @contextlib.contextmanager
    def _or_missing(self, name: str, doing: str) -> Iterator[None]:
        """Raise StoredFileMissing where there is no such object, StorageUnavailable for the
        rest."""
        from obstore.exceptions import PermissionDeniedError

        try:
            with _store_errors(doing):
                try:
                    yield
                except PermissionDeniedError:
                    # Of S3 to who may not list: it is not there, or nothing may be read at all.
                    self._bucket.require_access()
                    raise FileNotFoundError(name) from None
        except FileNotFoundError as error:
            raise StoredFileMissing(name) from error


class StoreLinks:
    """`Links` that the store answers itself, without a byte through this server."""

    may_wait = True

    def __init__(self, videos: ObjectStorage, *, clock: Callable[[], float] = time.time) -> None:
        self._videos = videos
        self._clock = clock
        self._lock = threading.Lock()
        self._made: OrderedDict[tuple[str, float], tuple[float, str]] = OrderedDict()

    def link(self, name: str, *, base_url: str, expires_at: float) -> str:
        """See `Links`. Ends with `expires_at`, or with the credentials that signed it where those
        are lent for less."""
        del base_url
        now = self._clock()
        with self._lock:
            made_at, link = self._made.get((name, expires_at), (float("-inf"), ""))
        if 0.0 <= now - made_at < SAME_LINK_S and now < expires_at:
            return link
        link = self._videos.signed_url(name, min(expires_at - now, _SIGNED_S))
        with self._lock:
            self._made[name, expires_at] = (now, link)
            while len(self._made) > _LINKS_KEPT:
                self._made.popitem(last=False)
        return link


def open_bucket(location: StorageLocation) -> Bucket:
    """Make a client of the store; it is asked nothing yet.

    Credentials come from the environment, by the names that the stores' own tools use: AWS_…,
    GOOGLE_…, AZURE_…; or from the machine's own identity where a cloud gives it one.

    Raises SettingOutOfRange where the store's options do not fit, or obstore is not installed.
    """
    try:
        from obstore.exceptions import BaseError
        from obstore.store import AzureStore, GCSStore, S3Store
    except ImportError as error:
        raise SettingOutOfRange(
            "storage_url", "…", "file:///folder, or `pip install 'portravox[cluster]'`"
        ) from error
    options = location.options
    shared: dict[str, Any] = {
        "client_options": {
            "allow_http": options.get("allow_http") == "true",
            "connect_timeout": timedelta(seconds=CONNECT_S),
            "timeout": timedelta(seconds=REQUEST_S),
        },
        "retry_config": {
            "max_retries": REPEATS,
            "retry_timeout": timedelta(seconds=REPEATED_S),
            "backoff": {"init_backoff": timedelta(seconds=0.1)},
        },
    }
    config: dict[str, Any]
    store: S3Store | GCSStore | AzureStore
    try:
        match location.scheme:
            case "s3":
                config = {
                    # One request an object: some stores know no other.
                    "disable_bulk_delete": True,
                    **_named(
                        options,
                        endpoint="endpoint",
                        region="region",
                        encryption="server_side_encryption",
                        kms_key="sse_kms_key_id",
                    ),
                }
                if "virtual_hosted" in options:
                    config["virtual_hosted_style_request"] = options["virtual_hosted"] == "true"
                store = S3Store(location.bucket, config=cast(Any, config), **shared)
            case "gs":
                config = _named(options, endpoint="base_url")
                store = GCSStore(location.bucket, config=cast(Any, config) or None, **shared)
            case "az":
                config = _named(options, account="account_name", endpoint="endpoint")
                store = AzureStore(location.bucket, config=cast(Any, config) or None, **shared)
            case "file":
                raise AssertionError("a folder is no bucket")
    except BaseError as error:
        raise SettingOutOfRange("storage_url", str(location), _first_line(error)) from error
    return Bucket(store, location)


def _named(options: Any, **names: str) -> dict[str, str]:
    """Those options that were given, by the names that obstore knows."""
    return {theirs: options[ours] for ours, theirs in names.items() if ours in options}


class _Counted(io.RawIOBase):
    """Reads another stream, counts what came, and keeps what broke it."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.size_bytes = 0
        self.failure: OSError | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._source.seekable()

    def tell(self) -> int:
        return self._source.tell()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._source.seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            piece = self._source.read(-1 if size is None else size)
        except OSError as error:
            self.failure = error
            raise
        self.size_bytes += len(piece)
        return piece


class _Reader(io.RawIOBase):
    """An object as a stream. Not buffered: read in large pieces."""

    def __init__(self, bucket: Bucket, path: str, stored: Stored) -> None:
        self._bucket = bucket
        self._path = path
        self._stored = stored
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._stored.size_bytes}
        at = base[whence] + offset
        if at < 0:
            raise ValueError(f"offset {at} is before the beginning")
        self._at = at
        return at

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        piece = self._piece(len(view))
        view[: len(piece)] = piece
        return len(piece)

    def read(self, size: int | None = -1, /) -> bytes:
        return self._piece(self._stored.size_bytes if size is None or size < 0 else size)

    def readall(self) -> bytes:
        return self.read()

    def _piece(self, size: int) -> bytes:
        import obstore

        end = min(self._at + size, self._stored.size_bytes)
        if end <= self._at:
            return b""
        with _store_errors(f"read {self._stored.name}"):
            try:
                piece = obstore.get(
                    self._bucket.store,
                    self._path,
                    options={"range": (self._at, end), "if_match": self._stored.etag},
                ).bytes()
            except FileNotFoundError as error:
                raise StorageFailed(f"{self._stored.name} was removed") from error
        if len(piece) != end - self._at:
            raise StorageUnavailable(f"cannot read {self._stored.name}: the store sent less")
        self._at = end
        return bytes(piece)


@contextlib.contextmanager
def _store_errors(doing: str, *, source: _Counted | None = None) -> Iterator[None]:
    """Raise our errors for the store's. Lets FileNotFoundError through but for writers.

    doing    what fails then, for the message: "store a.mp4"
    source   what is read from meanwhile
    """
    from obstore.exceptions import BaseError, PreconditionError

    try:
        yield
    except PreconditionError as error:
        raise StorageFailed(f"cannot {doing}: it was replaced meanwhile") from error
    except BaseError as error:
        raise StorageUnavailable(f"cannot {doing}: {_first_line(error)}") from error
    except OSError as error:
        if source is None:
            raise
        if source.failure is not None:
            failed = source.failure
            raise StorageFailed(f"cannot {doing}: {failed.strerror or failed}") from error
        raise StorageUnavailable(f"cannot {doing}: {_first_line(error)}") from error


_TOLD_CHARACTERS = 300


def _first_line(error: Exception) -> str:
    """What the store's library says, less what the server wrote and its inner state: those may hold
    ids of keys."""
    line = str(error).partition("\n")[0].partition("<")[0].strip(" :")
    # Of presigned requests.
    return re.sub(r"\?[^ ]*", "?…", line)[:_TOLD_CHARACTERS] or type(error).__name__


def _quoted(etag: str | None) -> str:
    """As HTTP wants it; stores give quotes, weak marks or neither."""
    told = (etag or "").removeprefix("W/")
    return told if told.startswith('"') else f'"{told}"'
