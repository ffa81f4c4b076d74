"""What a worker process gives up before it touches a stranger's file, and what this kernel offers.

Flow      worker.landlock, worker.seccomp -> sandbox -> worker.child ; cli.doctor, routes.health

A decoder with a hole can be made to do what a file wants. Then it must not find anything to do: no
secret to read, nobody to call, no program to start, no file to change but its own. Two walls, each
of which a kernel may lack:

    files       Landlock, first of all: reads Python, this package and system libraries; writes in a
                folder of this process alone
    the rest    seccomp, once all is loaded: no sockets, programs, processes, signals, mounts, ...

Both are for good, and need no privilege. Decision 0020.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import portravox
from portravox.model_files.store import folders
from portravox.service.worker import landlock, seccomp
from portravox.service.worker.seccomp import Role
from portravox.service.worker.syscalls import ARCHITECTURES, Architecture

SandboxMode = Literal["auto", "require", "off"]
"""What there is; nothing less than all of it; nothing, for debugging."""

MAX_FILE_BYTES = 2 * 1024**3
"""Of one file that a process writes. 180 s of 4096-px video have 0.4 GB; our choice."""

MAX_DESCRIPTORS = 256
"""Open at a time; a render has 25. Our choice."""

SPARE_TASKS = 512
"""Threads that may be started beyond those this user has already; a render has 20. Our choice."""

_SYSTEM_LIBRARIES = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/lib32", "/usr/local/lib", "/nix/store",
    "/gnu/store", "/etc/ld.so.cache", "/etc/ld.so.preload",
)  # fmt: skip

_MACHINE = (
    "/dev/null", "/dev/zero", "/dev/urandom", "/etc/localtime", "/usr/share/zoneinfo",
    "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm/overcommit_memory",
    "/proc/self/maps", "/proc/self/status", "/proc/self/stat", "/proc/self/statm",
    "/proc/self/cgroup", "/proc/self/mountinfo", "/proc/self/task", "/proc/self/auxv",
    "/sys/devices", "/sys/bus/pci/devices",
    "/sys/fs/cgroup",
)  # fmt: skip

_NAMES_AND_CERTIFICATES = (
    "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services",
    "/etc/protocols", "/etc/resolv.conf", "/run/systemd/resolve", "/run/resolvconf",
    "/run/NetworkManager", "/etc/ssl", "/etc/pki", "/etc/ca-certificates",
    "/usr/share/ca-certificates", "/usr/share/pki",
)  # fmt: skip
"""What fetching looks names up with, and checks servers by."""

_PR_SET_NO_NEW_PRIVS = 38
_PR_CAPBSET_DROP = 24
_PR_CAP_AMBIENT, _CLEAR_ALL = 47, 4
_CAPABILITY_VERSION_3 = 0x2008_0522
_CAPABILITIES = 64
"""More than there are; the kernel says no to the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """How far this machine can isolate a worker process."""

    landlock_abi: int
    """Version of Landlock; 0 is none."""

    has_seccomp: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """What this kernel lacks, in words for people; () where nothing is."""
        found = []
        if not self.landlock_abi:
            found.append("Landlock (Linux 5.13, in the kernel's list of security modules)")
        if not self.has_seccomp:
            found.append(f"seccomp filters (Linux on {' or '.join(ARCHITECTURES)})")
        return tuple(found)

    @property
    def is_full(self) -> bool:
        """Whether files and system calls are both bounded."""
        return not self.missing

    @property
    def extent(self) -> Literal["full", "partial", "none"]:
        """In a word."""
        if self.is_full:
            return "full"
        return "partial" if self.landlock_abi or self.has_seccomp else "none"

    def __str__(self) -> str:
        has = [f"Landlock {self.landlock_abi}"] if self.landlock_abi else []
        has += ["seccomp"] if self.has_seccomp else []
        told = " and ".join(has) or "none"
        return told if self.is_full else f"{told}; this kernel lacks {', '.join(self.missing)}"


def offered() -> Isolation:
    """What the kernel offers here. Changes nothing."""
    architecture = _architecture()
    if architecture is None:
        return Isolation(landlock_abi=0, has_seccomp=False)
    libc = _libc()
    return Isolation(
        landlock_abi=landlock.version(libc),
        has_seccomp=seccomp.is_available(libc, architecture),
    )


def close_files(role: Role, folder: Path) -> None:
    """The first wall: of all files, leave what a role reads and the folder it writes to.

    Call it before there are threads. Where the kernel has no Landlock, the limits and the loss of
    privileges remain. Raises OSError.
    """
    if _architecture() is None:
        return
    libc = _libc()
    _limit(folder)
    _no_new_privileges(libc)
    _drop_capabilities(libc)
    abi = landlock.version(libc)
    if abi:
        ruleset = landlock.Ruleset(
            readable=tuple(readable(role)),
            writable=(folder, Path("/dev/null")),
            may_connect=role == "fetch",
        )
        landlock.restrict(libc, abi, ruleset)


def close_calls(role: Role) -> None:
    """The second wall: leave the system calls that a role needs, to all its threads. Raises
    OSError."""
    libc, architecture = _libc(), _architecture()
    if architecture is not None and seccomp.is_available(libc, architecture):
        program = seccomp.assemble(architecture, seccomp.rules(role, os.getpid()))
        seccomp.install(libc, architecture, program)


def readable(role: Role) -> Iterator[Path]:
    """What a role reads: Python and its packages, system libraries, facts about the machine."""
    yield Path(portravox.__file__).parent
    for name in ("stdlib", "platstdlib", "purelib", "platlib"):
        yield Path(sysconfig.get_path(name))
    for prefix in {sys.prefix, sys.base_prefix}:
        yield Path(prefix) / "lib"
        yield Path(prefix) / "lib64"
    for entry in sys.path:  # packages elsewhere; never the folder that somebody started us in
        if Path(entry).name in ("site-packages", "dist-packages"):
            yield Path(entry)
    yield from folders()  # of trained networks
    yield from map(Path, _SYSTEM_LIBRARIES + _MACHINE)
    if role == "fetch":
        yield from map(Path, _NAMES_AND_CERTIFICATES)
        certificates = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        yield from (Path(named) for named in certificates if named)


PASSED_ON = (
    "CI",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "PATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TZ",
    "USER",
    "VIRTUAL_ENV",
    "XDG_CACHE_HOME",
)
PASSED_ON_PREFIXES = (
    "CUDA_",
    "LC_",
    "LD_",
    "MALLOC_",
    "MKL_",
    "NUMBA_",
    "NVIDIA_",
    "OMP_",
    "OPENBLAS_",
    "PYTHON",
)
"""What processes that touch strangers' files find in their environment; the rest may be secrets:
ours, those of the object store, of the database."""


def passed_on(inherited: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that has no secrets."""
    return {
        name: value
        for name, value in inherited.items()
        if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
    }


def environment(folder: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """For a process whose only folder to write to is this one.

    NumPy, SciPy and OpenCV bring a linear algebra each, which maps 8 MiB and more for each core of
    the machine: on 64 cores that is all that a process may map. The matrices here are small, and
    what comes of them is the same.
    """
    return {
        "OPENBLAS_NUM_THREADS": "1",
        **inherited,
        "TMPDIR": str(folder),
        "NUMBA_CACHE_DIR": str(folder / "compiled"),
        "MPLCONFIGDIR": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ORT_DISABLE_TELEMETRY": "1",
    }


def _limit(folder: Path) -> None:
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for kind, wanted in (
        (resource.RLIMIT_FSIZE, MAX_FILE_BYTES),
        (resource.RLIMIT_NOFILE, MAX_DESCRIPTORS),
        (resource.RLIMIT_NPROC, _tasks_of_this_user() + SPARE_TASKS),
    ):
        _, hard = resource.getrlimit(kind)
        least = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (least, least))


def _tasks_of_this_user() -> int:
    """Threads of all processes of this user, which is what the limit counts."""
    count = 0
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                if process.stat().st_uid == os.getuid():
                    count += sum(1 for _ in (process / "task").iterdir())
            except OSError:  # it has ended, or is none of ours
                continue
    return count


def _no_new_privileges(libc: ctypes.CDLL) -> None:
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS")


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Where the server runs as root: what root may do beyond its own files."""
    for capability in range(_CAPABILITIES):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # refused to who has none to begin with
    libc.prctl(_PR_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    nothing = bytes(24)  # effective, permitted and inheritable, twice 32 of them
    if libc.capset(header, nothing) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _architecture() -> Architecture | None:
    """Where numbers of system calls are known: on Linux, and not on every processor."""
    return ARCHITECTURES.get(platform.machine()) if sys.platform == "linux" else None


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
