"""The one doorway to numba, and where it keeps compiled code between runs.

Flow      media.yuv, render.kernels -> compiled_code

Numba writes beside our modules, or into the user's cache folder where it may not. Where it may do
neither (a container with a read-only system and no home) it fails; then we name a third place.

A process that strangers' files may take over gets a copy of its own: what is kept is machine code,
and whoever can write to it decides what all others run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import portravox
from portravox.system import user_number

VARIABLE = "NUMBA_CACHE_DIR"

_COPYING = threading.Lock()

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(*, fastmath: bool = False, inline: bool = False) -> Callable[[Function], Function]:
    """Decorator: compile a loop over arrays to machine code, at its first call or from the cache.

    It runs without Python's lock, so that threads may run beside it.
    fastmath  sums may be reordered
    inline    put the code of a helper where it is called, before types are known: called for each
              pixel it costs nothing then, and is not loaded apart
    """
    keep_compiled_code()
    from numba import njit

    if inline:
        return cast(Callable[[Function], Function], njit(inline="always"))
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


def copy_compiled_code(to: Path) -> None:
    """Give a process that has `to` as its NUMBA_CACHE_DIR a copy of all that is kept."""
    keep_compiled_code()
    with _COPYING:
        for kept, copy in _kept_and_copied(to):
            for file in _code_files(kept):
                copy.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, copy / file.name)


def keep_code_compiled_in(folder: Path) -> int:
    """Keep what a process compiled beyond the copy it was given; returns how many files.

    The process must not have seen a stranger's file yet.
    """
    count = 0
    with _COPYING:
        for kept, copy in _kept_and_copied(folder):
            for file in _code_files(copy):
                if not _is_same(file, kept / file.name):
                    kept.mkdir(parents=True, exist_ok=True)
                    part = kept / f"{file.name}.{os.getpid()}.part"
                    shutil.copy2(file, part)
                    part.replace(kept / file.name)
                    count += 1
    return count


def _kept_and_copied(copies: Path) -> Iterator[tuple[Path, Path]]:
    """For each folder of our modules: where numba keeps their code, and where it would, were it
    told to do so in `copies`."""
    root = Path(portravox.__file__).absolute().parent
    named = os.environ.get(VARIABLE)
    for modules in sorted({file.parent for file in root.rglob("*.py")}):
        beside = modules / "__pycache__"
        if named:
            kept = Path(named) / _name_of(modules)
        elif can_be_written(beside):
            kept = beside
        else:
            kept = _in_the_users_cache() / _name_of(modules)
        yield kept, copies / _name_of(modules)


def _name_of(modules: Path) -> str:
    """As numba names a folder in NUMBA_CACHE_DIR (core/caching.py, get_suitable_cache_subpath)."""
    return f"{modules.name}_{hashlib.sha1(str(modules).encode()).hexdigest()}"


def _code_files(folder: Path) -> list[Path]:
    """Code first, then the indices that speak of it."""
    return [*folder.glob("*.nbc"), *folder.glob("*.nbi")]


def _is_same(file: Path, kept: Path) -> bool:
    try:
        known = kept.stat()
    except FileNotFoundError:
        return False
    found = file.stat()
    return (found.st_mtime_ns, found.st_size) == (known.st_mtime_ns, known.st_size)


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
    shared = Path(tempfile.gettempdir()) / f"portravox-{user_number()}"
    with contextlib.suppress(OSError):
        shared.mkdir(mode=0o700, exist_ok=True)
        found = shared.lstat()
        private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o022
        if private and found.st_uid == user_number():
            return shared
    return Path(tempfile.mkdtemp(prefix="portravox-"))
