"""Files that appear whole or not at all: written under a hidden name, then renamed.

Flow      media.encode, client, service -> atomic_file -> the disk
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

LEFTOVER = ".part"
"""How the hidden name of a file ends that is being written, or was when the machine stopped."""

PRIVATE = 0o600
"""Of people's faces and voices, and of secrets."""

SHARED = 0o666
"""What the user's own umask makes of it, as for any file that a program writes for its user."""

_NOT_INHERITED: int = getattr(os, "O_CLOEXEC", 0)
"""Windows hands no open file on to new processes unless told to."""

_NAME_CHARS = 40
"""Enough of a name to recognise it by; the whole stays below the 255 bytes of a name on disk."""


@contextlib.contextmanager
def writing(path: Path, *, mode: int = PRIVATE, durable: bool = True) -> Iterator[BinaryIO]:
    """A stream whose content stands at `path` once the block has ended, in place of what was there.

    mode     who may read it
    durable  whether it survives a power cut once the block has ended; that waits for the disk

    If the block raises, nothing has changed. Raises OSError.
    """
    part = part_of(path, mode=mode)
    try:
        with part.open("wb") as stream:
            yield stream
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    if durable:
        sync_folder(path.parent)


def part_of(path: Path, *, mode: int, suffix: str = LEFTOVER) -> Path:
    """Make an empty hidden file beside `path`, to become it later. Raises OSError."""
    part = path.with_name(f".{path.name[:_NAME_CHARS]}.{secrets.token_hex(8)}{suffix}")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOT_INHERITED, mode))
    return part


def sync_file(path: Path) -> None:
    """Wait until a file's content is on the disk, so that a power cut can't leave a hollow one."""
    _sync(path, os.O_RDWR)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk; a file without its name would be lost.

    Windows does so by itself, and opens no folders.
    """
    if sys.platform != "win32":
        _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
