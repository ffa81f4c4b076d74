"""The one folder that a worker process may write to, and how files get in and out of it.

Flow      worker.process puts inputs in, takes results out; worker.child works in between

Whatever lies in it may have been made by a process that a stranger's file took over: links to files
that it may not read itself, pipes that never end, files without end. So nothing in it is opened by
its path. Files are moved out by a descriptor of the folder, to a place that only the server writes
to, and are looked at there: a plain file, with no second name, no larger than it may be.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import uuid
from pathlib import Path

from portravox.service.worker.messages import ProtocolViolation

_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class ProcessFolder:
    """A folder of one worker process, from before its start until after its end."""

    def __init__(self, parent: Path) -> None:
        """Make it. The parent has to be on the file system of the scratch folders."""
        self.path = parent / f"process-{uuid.uuid4().hex}"
        self.path.mkdir(mode=0o700, parents=True)
        self._descriptor = os.open(self.path, _OPEN_FOLDER)
        self._is_open = True
        self._removing = threading.Lock()  # no number of a descriptor is used after it was closed

    @property
    def compiled_code(self) -> Path:
        """Where the process keeps what numba compiles."""
        return self.path / "compiled"

    def begin(self, number: int) -> RequestFolder:
        """A folder for the files of one request. Raises ProtocolViolation where the process has
        put something in its place."""
        try:
            os.mkdir(str(number), mode=0o700, dir_fd=self._descriptor)
            descriptor = os.open(str(number), _OPEN_FOLDER, dir_fd=self._descriptor)
        except (FileExistsError, FileNotFoundError, NotADirectoryError) as error:
            raise ProtocolViolation(f"its folder is not as it was: {error.strerror}") from error
        return RequestFolder(self.path / str(number), descriptor)

    def forget(self, number: int) -> None:
        """Remove the folder of a request, and what is left in it."""
        with self._removing, contextlib.suppress(OSError):
            if self._is_open:
                _remove(str(number), self._descriptor)

    def close(self) -> None:
        """Remove it; the process has ended."""
        with self._removing:
            if self._is_open:
                os.close(self._descriptor)
            self._is_open = False
        with contextlib.suppress(OSError):
            _remove(str(self.path), None)


class RequestFolder:
    """Where the process finds the files of one request, and leaves its results."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        """For the process. The server opens nothing by it."""

        self._descriptor = descriptor

    def put(self, file: Path) -> None:
        """Move a file in, if it is there: the process says what is missing. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            os.rename(file, file.name, dst_dir_fd=self._descriptor)

    def take(self, name: str, target: Path, *, max_bytes: int) -> bool:
        """Move a file out; False where there is none of that name.

        Raises ProtocolViolation where it is no plain file of at most so many bytes; then it is
        gone. Raises OSError.
        """
        try:
            os.rename(name, target, src_dir_fd=self._descriptor)
        except FileNotFoundError:
            return False
        except (IsADirectoryError, NotADirectoryError) as error:
            raise ProtocolViolation(f"{name} is no file") from error
        found = target.lstat()
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_size <= max_bytes:
            return True
        if stat.S_ISDIR(found.st_mode):
            with contextlib.suppress(OSError):
                _remove(str(target), None)
        else:
            target.unlink()
        raise ProtocolViolation(f"{name} is no plain file of at most {max_bytes} bytes")

    def close(self) -> None:
        """The request is over."""
        os.close(self._descriptor)


def _remove(name: str, parent: int | None) -> None:
    """Remove a folder, however deep it is: shutil.rmtree calls itself for each folder in a folder,
    which Python does a thousand times at most. Here each is lifted to the top before it is opened.

    Raises OSError.
    """
    top = os.open(name, _OPEN_FOLDER, dir_fd=parent)
    try:
        while names := os.listdir(top):  # noqa: PTH208 - of a descriptor
            for entry in names:
                if not _unlinked(entry, top):
                    _lift_and_remove(entry, top)
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=parent)


def _lift_and_remove(name: str, top: int) -> None:
    folder = os.open(name, _OPEN_FOLDER, dir_fd=top)
    try:
        for entry in os.listdir(folder):  # noqa: PTH208
            if not _unlinked(entry, folder):
                os.rename(entry, uuid.uuid4().hex, src_dir_fd=folder, dst_dir_fd=top)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)


def _unlinked(name: str, folder: int) -> bool:
    try:
        os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        return False
    return True
