"""The one doorway to numba, and where it keeps compiled code between runs.

Flow      media.yuv, render.kernels -> compiled_code

Numba writes beside our modules, or into the user's cache folder where it may not. Where it may do
neither (a container with a read-only system and no home) it fails; then we name a third place.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import portravox

VARIABLE = "NUMBA_CACHE_DIR"


Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(*, fastmath: bool = False) -> Callable[[Function], Function]:
    """Decorator: compile a loop over arrays to machine code, at its first call or from the cache.

    It runs without Python's lock, so that threads may run beside it.
    fastmath  sums may be reordered
    """
    keep_compiled_code()
    from numba import njit

    decorate: Any = njit(cache=True, nogil=True, fastmath=fastmath)
    return cast(Callable[[Function], Function], decorate)


def keep_compiled_code() -> Path:
    """Make sure that numba finds a folder to write to; returns the one it will use."""
    named = os.environ.get(VARIABLE)
    candidates = [Path(named)] if named else []
    candidates += [_beside_the_renderer(), _in_the_users_cache()]
    for folder in candidates:
        if can_be_written(folder):
            return folder
    folder = _in_the_temporary_folder()
    os.environ[VARIABLE] = str(folder)
    return folder


def can_be_written(folder: Path) -> bool:
    """Whether files can be made in a folder, which is made where it is missing."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        return os.access(folder, os.W_OK | os.X_OK)
    return False


def _beside_the_renderer() -> Path:
    return Path(portravox.__file__).parent / "render" / "__pycache__"


def _in_the_users_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "numba"


def _in_the_temporary_folder() -> Path:
    """A folder of this user's own: compiled code that another could write is theirs to run."""
    shared = Path(tempfile.gettempdir()) / f"portravox-{os.getuid()}"
    with contextlib.suppress(OSError):
        shared.mkdir(mode=0o700, exist_ok=True)
        found = shared.lstat()
        private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o022
        if private and found.st_uid == os.getuid():
            return shared
    return Path(tempfile.mkdtemp(prefix="portravox-"))
