"""Landlock: a process gives up files, ports and signals that it does not need, for good.

Flow      sandbox -> worker.landlock -> the kernel

No privilege is needed. Rights are looked up by where a file lies when it is opened; what is open
already stays so. Not looked at by Landlock: names, sizes and modes of files (stat, chmod, chown),
which is why the filter of system calls refuses changing those.

Source: landlock(7); Linux Documentation/userspace-api/landlock.rst and linux/landlock.h. The three
system calls have the same numbers on all architectures.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_RULE_PATH_BENEATH = 1


class Access(IntFlag):
    """LANDLOCK_ACCESS_FS_…"""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


_SINCE = {2: Access.REFER, 3: Access.TRUNCATE, 5: Access.IOCTL_DEV}
"""The version of Landlock that knows a right; all others have been there from the first on."""

READ = Access.READ_FILE | Access.READ_DIR
WRITE = (
    READ
    | Access.WRITE_FILE
    | Access.TRUNCATE
    | Access.MAKE_REG
    | Access.MAKE_DIR
    | Access.REMOVE_FILE
    | Access.REMOVE_DIR
    | Access.REFER
)
"""Plain files and folders: no links, sockets, pipes or devices are made."""

_FILES_ONLY = Access.READ_FILE | Access.WRITE_FILE | Access.EXECUTE | Access.TRUNCATE
"""Rights that a rule about a single file may have."""

NETWORK_SINCE = 4
_BIND_TCP, _CONNECT_TCP = 1, 2

SCOPES_SINCE = 6
_SCOPE_ABSTRACT_UNIX, _SCOPE_SIGNALS = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """What stays allowed."""

    readable: tuple[Path, ...]
    writable: tuple[Path, ...]
    may_connect: bool
    """By TCP, wherever to."""


def version(libc: ctypes.CDLL) -> int:
    """Of Landlock in this kernel; 0 where there is none, or it is switched off."""
    return max(0, int(libc.syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)))


def handled(abi: int) -> Access:
    """All rights over files that this version can take away."""
    unknown = (right for since, right in _SINCE.items() if abi < since)
    every = Access(0)
    for right in Access:
        every |= right
    for right in unknown:
        every &= ~right
    return every


def restrict(libc: ctypes.CDLL, abi: int, ruleset: Ruleset) -> None:
    """Put the calling thread, and all that it starts, under a ruleset. Raises OSError.

    PR_SET_NO_NEW_PRIVS has to be set. Call it before there are other threads.
    """
    files = handled(abi)
    network = (_BIND_TCP | (0 if ruleset.may_connect else _CONNECT_TCP)) * (abi >= NETWORK_SINCE)
    scopes = (_SCOPE_ABSTRACT_UNIX | _SCOPE_SIGNALS) * (abi >= SCOPES_SINCE)
    fields = [int(files)]
    if abi >= NETWORK_SINCE:
        fields.append(network)
    if abi >= SCOPES_SINCE:
        fields.append(scopes)
    attributes = (ctypes.c_uint64 * len(fields))(*fields)  # struct landlock_ruleset_attr
    rules = _checked(
        libc.syscall(_CREATE_RULESET, attributes, ctypes.sizeof(attributes), 0), "create_ruleset"
    )
    try:
        _allow(libc, rules, ruleset.readable, READ & files)
        _allow(libc, rules, ruleset.writable, WRITE & files)
        _checked(libc.syscall(_RESTRICT_SELF, rules, 0), "restrict_self")
    finally:
        os.close(rules)


_PATH_BENEATH = struct.Struct("=Qi")
"""struct landlock_path_beneath_attr, which is packed: what is allowed, and a descriptor."""


def _allow(libc: ctypes.CDLL, rules: int, paths: Iterable[Path], access: Access) -> None:
    """Allow something for paths and what lies in them; those that are not there are left out."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError, PermissionError, NotADirectoryError):
            found = os.open(path, getattr(os, "O_PATH", 0) | os.O_CLOEXEC)
            try:
                is_folder = stat.S_ISDIR(os.fstat(found).st_mode)
                allowed = access if is_folder else access & _FILES_ONLY
                rule = _PATH_BENEATH.pack(allowed, found)
                _checked(libc.syscall(_ADD_RULE, rules, _RULE_PATH_BENEATH, rule, 0), "add_rule")
            finally:
                os.close(found)


def _checked(answer: int, call: str) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"landlock_{call}: {os.strerror(number or errno.EINVAL)}")
    return answer
