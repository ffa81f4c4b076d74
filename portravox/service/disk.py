"""Room on the disk: some is left free, and what is promised to one writer is not given to another.

Flow      storage.local, routes.uploads, worker -> disk.DiskSpace -> the file system

The table of tasks usually lies on the same disk as videos and uploads, and has to be written while
there is no room for those. So every writer asks before it writes and again while it writes, and
what others were promised and have not written yet counts as taken.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from portravox.service.errors import StorageFailed

RESERVE_BYTES = 256 * 1024 * 1024
"""Left free on every disk. Our choice."""


class DiskSpace:
    """What is free and what is promised, for each disk. Threads may share it."""

    def __init__(self, *, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._reserve_bytes = reserve_bytes
        self._promised: Counter[int] = Counter()
        """Bytes that are promised and not written yet, by the disk's number."""

        self._lock = threading.Lock()

    def free_bytes(self, folder: Path) -> int:
        """What may still be promised on a folder's disk; below 0 where the reserve is touched.
        Raises StorageFailed."""
        with self._lock:
            return self._free_bytes(folder, _disk_of(folder))

    def require(self, folder: Path, size_bytes: int = 0) -> None:
        """Raise StorageFailed unless so many bytes may be written into a folder."""
        free_bytes = self.free_bytes(folder)
        if free_bytes < size_bytes:
            raise _no_room(folder, size_bytes, free_bytes)

    @contextlib.contextmanager
    def promise(self, folder: Path, size_bytes: int) -> Iterator[Promise]:
        """Keep room for a writer until the block ends. Raises StorageFailed where there is none."""
        promise = Promise(self, folder)
        promise.grow(size_bytes)
        try:
            yield promise
        finally:
            promise.end()

    @contextlib.contextmanager
    def spool(self, folder: Path) -> Iterator[Spool]:
        """A file without a name for what comes from outside. Raises StorageFailed, and OSError
        where the file cannot be made."""
        with (
            self.promise(folder, 0) as promise,
            tempfile.TemporaryFile(dir=folder) as file,
        ):
            yield Spool(file, promise)

    def _change(self, folder: Path, disk: int, size_bytes: int) -> None:
        """Promise more, or less. Raises StorageFailed, and then nothing has changed."""
        with self._lock:
            if size_bytes > 0:
                free_bytes = self._free_bytes(folder, disk)
                if free_bytes < size_bytes:
                    raise _no_room(folder, size_bytes, free_bytes)
            self._promised[disk] += size_bytes

    def _free_bytes(self, folder: Path, disk: int) -> int:
        with storage_errors(f"look at {folder}"):
            status = os.statvfs(folder)
        return status.f_bavail * status.f_frsize - self._promised[disk] - self._reserve_bytes


class Promise:
    """Room that is kept for one writer."""

    def __init__(self, space: DiskSpace, folder: Path) -> None:
        self._space = space
        self._folder = folder
        self._disk = _disk_of(folder)
        self._open_bytes = 0
        """Promised and not written yet."""

    def grow(self, size_bytes: int) -> None:
        """Ask for more. Raises StorageFailed."""
        self._space._change(self._folder, self._disk, size_bytes)
        self._open_bytes += size_bytes

    def write(self, size_bytes: int) -> None:
        """So much is about to be written, within what was promised or beyond. Raises StorageFailed
        where there is no room, or somebody else has taken it."""
        if size_bytes > self._open_bytes:
            self.grow(size_bytes - self._open_bytes)
        # What is written from now on is no longer free; until then it stays promised.
        self._space.require(self._folder)
        self._give_back(size_bytes)

    def end(self) -> None:
        """Nothing more is written."""
        self._give_back(self._open_bytes)

    def _give_back(self, size_bytes: int) -> None:
        self._space._change(self._folder, self._disk, -size_bytes)
        self._open_bytes -= size_bytes


class Spool:
    """A file that has room for each piece before it is written."""

    def __init__(self, file: BinaryIO, promise: Promise) -> None:
        self.file = file
        self._promise = promise

    def expect(self, size_bytes: int) -> None:
        """Keep room for what whoever sends it has announced. Raises StorageFailed."""
        self._promise.grow(size_bytes)

    def write(self, piece: bytes | bytearray) -> int:
        """Raises StorageFailed where there is no room, and OSError."""
        self._promise.write(len(piece))
        return self.file.write(piece)


@contextlib.contextmanager
def storage_errors(doing: str) -> Iterator[None]:
    """Raise StorageFailed for what the operating system refuses in the block.

    doing  what fails then, for the message: "store a.mp4"
    """
    try:
        yield
    except OSError as error:
        raise StorageFailed(f"cannot {doing}: {error.strerror or error}") from error


def _disk_of(folder: Path) -> int:
    with storage_errors(f"look at {folder}"):
        return folder.stat().st_dev


def _no_room(folder: Path, size_bytes: int, free_bytes: int) -> StorageFailed:
    return StorageFailed(
        f"no room in {folder} for {size_bytes} bytes: {max(0, free_bytes)} bytes are free that are "
        "neither promised nor kept in reserve"
    )
