"""A storage that is a folder, and the signed links to what lies in it.

Flow      LocalStorage: worker, storage.uploads -> a folder -> routes.files
          LocalLinks: routes.tasks -> link -> the client -> routes.files -> check
"""

from __future__ import annotations

import contextlib
import errno
import io
import math
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from portravox.atomic_file import LEFTOVER, writing
from portravox.service.disk import RESERVE_BYTES, DiskSpace, storage_errors
from portravox.service.errors import LinkRefused, StorageFailed, StoredFileMissing
from portravox.service.storage.base import Stored, is_name
from portravox.service.storage.signing import SigningKeys
from portravox.system import open_strangers_file

FILES_PATH = "/files/"
"""Where the server answers links, below the base URL."""

_COPIED_AT_ONCE_BYTES = 1024 * 1024

_PURPOSE = "link/1"

_PROBE_BYTES = 4096
"""The smallest piece that file systems keep."""


class LocalStorage:
    """A `Storage` in a folder of its own. Holds no state, so threads and processes may share it."""

    can_list = True

    def __init__(
        self,
        folder: Path,
        *,
        space: DiskSpace | None = None,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        """Make the folder, readable by us alone. Raises StorageFailed.

        space          shared by all that write to this disk
        reserve_bytes  left free, where no space is shared
        """
        self._folder = folder
        self._space = space or DiskSpace(reserve_bytes=reserve_bytes)
        with storage_errors(f"make {folder}"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, name: str, content: BinaryIO) -> Stored:
        """See `Storage`. Refuses what would touch the reserve, before and while it is written."""
        if not is_name(name):
            raise StorageFailed(f"{name!r} cannot name a stored file")
        with (
            storage_errors(f"store {name}"),
            self._space.promise(self._folder, _bytes_left(content)) as promise,
            writing(self._folder / name) as stream,
        ):
            while piece := content.read(_COPIED_AT_ONCE_BYTES):
                promise.write(len(piece))
                stream.write(piece)
            stream.flush()
            # Taken from what was written: the name may be another's again a moment later.
            return _stored(name, os.fstat(stream.fileno()))

    def find(self, name: str) -> Stored | None:
        """See `Storage`."""
        if not is_name(name):
            return None
        with storage_errors(f"look for {name}"):
            try:
                status = (self._folder / name).lstat()
            except FileNotFoundError:
                return None
        return _stored(name, status) if stat.S_ISREG(status.st_mode) else None

    def open(self, name: str) -> tuple[Stored, BinaryIO]:
        """See `Storage`."""
        if not is_name(name):
            raise StoredFileMissing(name)
        with storage_errors(f"open {name}"):
            try:
                stream = os.fdopen(open_strangers_file(self._folder / name), "rb")
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.ELOOP, errno.EISDIR):
                    raise StoredFileMissing(name) from error
                raise
            status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            stream.close()
            raise StoredFileMissing(name)
        return _stored(name, status), stream

    def delete(self, name: str) -> bool:
        """See `Storage`."""
        if self.find(name) is None:
            return False
        with storage_errors(f"remove {name}"):
            try:
                (self._folder / name).unlink()
            except FileNotFoundError:
                return False
        return True

    def entries(self, prefix: str = "") -> Iterator[Stored]:
        """See `Storage`."""
        with storage_errors(f"list {self._folder}"), os.scandir(self._folder) as found:
            for entry in found:
                if not entry.name.startswith(prefix) or not is_name(entry.name):
                    continue
                # Removed since the folder was read: not there, then.
                with contextlib.suppress(FileNotFoundError):
                    if entry.is_file(follow_symlinks=False):
                        yield _stored(entry.name, entry.stat(follow_symlinks=False))

    def remove_older(self, before: float) -> tuple[str, ...]:
        """See `Storage`."""
        old = tuple(stored.name for stored in self.entries() if stored.stored_at < before)
        with storage_errors(f"clean {self._folder}"):
            for leftover in self._folder.glob(f".*{LEFTOVER}"):
                with contextlib.suppress(FileNotFoundError):
                    if leftover.lstat().st_mtime < before:
                        leftover.unlink()
        return tuple(name for name in old if self.delete(name))

    def probe(self) -> None:
        """See `Storage`."""
        name = f"health-{uuid.uuid4().hex}"
        self.put(name, io.BytesIO(bytes(_PROBE_BYTES)))
        self.delete(name)


class LocalLinks:
    """`Links` that this server answers itself."""

    may_wait = False

    def __init__(self, signing: SigningKeys, clock: Callable[[], float] = time.time) -> None:
        self._signing = signing
        self._clock = clock

    def link(self, name: str, *, base_url: str, expires_at: float) -> str:
        """See `Links`. Rounded up to whole seconds; the same moment gives the same link."""
        expires = str(math.ceil(expires_at))
        signature = self._signing.sign(_PURPOSE, _signed_text(name, expires))
        return f"{base_url}{FILES_PATH}{name}?Expires={expires}&Signature={signature}"

    def check(self, name: str, *, expires: str, signature: str) -> None:
        """Whether a link with these parts is one of ours and still valid.

        All three as the client sent them, or empty where it sent none. Raises LinkRefused.
        """
        if not self._signing.is_signed(_PURPOSE, _signed_text(name, expires), signature):
            raise LinkRefused("the link was changed or is not ours")
        # Signed by us, hence a number.
        if self._clock() >= int(expires):
            raise LinkRefused("the link has expired")


def _signed_text(name: str, expires: str) -> str:
    # The expiry first, up to a line break that no expiry of ours has: no other name and expiry
    # give the same text.
    return f"{expires}\n{name}"


def _bytes_left(content: BinaryIO) -> int:
    """How many bytes a stream still holds; 0 where that is unknown."""
    if not content.seekable():
        return 0
    here = content.tell()
    end = content.seek(0, os.SEEK_END)
    content.seek(here)
    return max(0, end - here)


def _stored(name: str, status: os.stat_result) -> Stored:
    return Stored(
        name=name,
        size_bytes=status.st_size,
        stored_at=status.st_mtime,
        etag=f'"{status.st_mtime_ns:x}-{status.st_size:x}"',
    )
