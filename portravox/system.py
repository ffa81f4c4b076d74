"""What differs between operating systems, behind one name each.

Flow      model_files, engines, media, service, cli -> system

Each function works on Linux, macOS and Windows, or says on which it has nothing to offer. Nothing
else in the package asks which system it runs on.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_RETRY_S = 0.1
"""Between two tries to take a lock where the system cannot wait for it."""

ENVIRONMENT = "PORTRAVOX_"
"""How the names of all our environment variables begin."""

CORES = "PORTRAVOX_CORES"
"""Environment variable: how many cores this process may use, if fewer than there are."""

_CGROUP = Path("/sys/fs/cgroup")


def give_back_memory() -> None:
    """Return to the system what was freed: preparing and drawing need much for a while.

    glibc keeps freed pieces of up to 32 MB for itself; elsewhere there is nothing to do.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""glibc's numbers for `mallopt` (malloc.h)."""

_LARGE_BYTES = 8 * 2**20
_SPARE_BYTES = 16 * 2**20
"""A plane of luma of 2048 px has half of the first: what each frame needs is kept for the next. Our
choice: the smaller they are, the more time goes into handing out pages and taking them back."""


def return_large_memory() -> None:
    """From now on let large arrays, as preparing a picture needs them, go back to the system as
    soon as they are freed.

    Left alone, glibc keeps pieces of up to 32 MB once one of that size was freed. Elsewhere there
    is nothing to do.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        set_option = ctypes.CDLL(None).mallopt
        set_option(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        set_option(_M_TRIM_THRESHOLD, _SPARE_BYTES)


def forget_pages(mapped: mmap.mmap) -> None:
    """Keep nothing in memory of a mapped file; what is looked at comes from it again. Windows has
    no call for it, and does so when memory is short."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            mapped.madvise(mmap.MADV_DONTNEED)


def usable_cores(cgroup: Path = _CGROUP) -> int:
    """How many cores this process may keep busy, at least 1.

    The machine's cores, fewer where the process is bound to some of them (affinity), where a
    container's quota gives less time than they have (control groups, version 2 or 1, rounded up),
    or where PORTRAVOX_CORES says so.
    """
    if sys.platform == "linux":
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = _cgroup_quota(cgroup)
    if quota is not None:
        cores = min(cores, max(1, -int(-quota // 1)))
    share = os.environ.get(CORES, "")
    if share.isdecimal():
        cores = min(cores, int(share))
    return max(1, cores)


def cores_per_job(jobs: int) -> int:
    """Each job's share of the usable cores where several run at a time.

    Two at least, where there are two: with fewer a job that happens to run alone, as most do, would
    take twice as long.
    """
    cores = usable_cores()
    return max(min(2, cores), cores // jobs)


def _cgroup_quota(cgroup: Path) -> float | None:
    """Cores' worth of time that control groups give; None where they set no limit."""
    with contextlib.suppress(OSError, ValueError):
        allowed, period = (cgroup / "cpu.max").read_text(encoding="ascii").split()
        return None if allowed == "max" else int(allowed) / int(period)
    with contextlib.suppress(OSError, ValueError):
        allowed = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text(encoding="ascii").strip()
        period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text(encoding="ascii").strip()
        return int(allowed) / int(period) if int(allowed) > 0 else None
    return None


def user_cache_folder() -> Path:
    """Where this user's programs keep what can be made again, by each system's custom."""
    if sys.platform == "win32":
        base, usual = os.environ.get("LOCALAPPDATA"), Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base, usual = None, Path.home() / "Library" / "Caches"
    else:
        base, usual = os.environ.get("XDG_CACHE_HOME"), Path.home() / ".cache"
    return Path(base) if base else usual


def memory_mib() -> int | None:
    """All memory of the machine; None where the system does not say."""
    if sys.platform == "win32":
        return None
    else:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20


def user_number() -> int:
    """Who runs this process, as files name their owners; 0 for everybody on Windows."""
    if sys.platform == "win32":
        return 0
    else:
        return os.getuid()


def open_strangers_file(file: Path) -> int:
    """A descriptor, to read, of a file that somebody else may have put there: no link is followed
    and no pipe waited for. Whether it is a plain file is to be asked of the descriptor. Raises
    OSError."""
    strict = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # POSIX has them
    return os.open(file, os.O_RDONLY | strict)


def allow_many_open_files() -> None:
    """Ask for all the open files that the system lets us have."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def limit_program(
    process_id: int, *, cpu_s: int, memory_bytes: int, file_bytes: int, open_files: int
) -> None:
    """Bound what a program that runs may take, where a system does that from outside: Linux."""
    if sys.platform == "linux":
        import resource

        with contextlib.suppress(ProcessLookupError):
            for kind, most in (
                (resource.RLIMIT_CPU, cpu_s),
                (resource.RLIMIT_DATA, memory_bytes),
                (resource.RLIMIT_FSIZE, file_bytes),
                (resource.RLIMIT_NOFILE, open_files),
                (resource.RLIMIT_CORE, 0),
            ):
                resource.prlimit(process_id, kind, (most, most))


def end_with_descendants(leader: subprocess.Popen[bytes]) -> None:
    """End a program that leads a session of its own (`start_new_session`), and wait for it.

    What it started ends with it, but on Windows, which has no sessions.
    """
    if sys.platform == "win32":
        leader.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader.pid, signal.SIGKILL)
    leader.wait()


def can_serve() -> bool:
    """Whether the server's processes can be started and bounded on this system."""
    return sys.platform != "win32"


@contextlib.contextmanager
def exclusive_lock(file: Path) -> Iterator[None]:
    """Hold a lock that one process at a time can have; the system frees it when a process ends.

    file  made where it is missing, and left there
    """
    with file.open("a+b") as held:
        if sys.platform == "win32":
            import msvcrt

            while True:
                held.seek(0)
                try:
                    msvcrt.locking(held.fileno(), msvcrt.LK_NBLCK, 1)
                    break
                except OSError:
                    time.sleep(_RETRY_S)
            try:
                yield
            finally:
                held.seek(0)
                msvcrt.locking(held.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            fcntl.flock(held, fcntl.LOCK_EX)
            yield  # closing the file frees the lock
