"""Files that appear whole or not at all, and that only the service's own user may read.

Flow      storage.local, storage.signing, keys -> whole_file -> the disk
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

LEFTOVER = ".part"
"""How the hidden name of a file ends that is being written, or was when the machine stopped."""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A stream whose content stands at `path` once the block has ended, in place of what was there.

    If the block raises, nothing has changed. Once it has ended, the file survives a power cut.
    Raises OSError.
    """
    hidden = path.with_name(f".{path.name}.{secrets.token_hex(8)}{LEFTOVER}")
    try:
        # 0600: what lies here are people's faces and voices, and secrets.
        descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        hidden.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            hidden.unlink()
        raise
    _settle(path.parent)


def _settle(folder: Path) -> None:
    """Bring the names in a folder to the disk; a file without its name would be lost."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
