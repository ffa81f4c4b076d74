"""The filter of system calls that a worker process lives under, and the assembler it is made with.

Flow      worker.syscalls -> worker.seccomp -> sandbox

A filter is a program of classic BPF that the kernel runs before each system call (seccomp(2), Linux
Documentation/userspace-api/seccomp_filter.rst). Ours denies what a process that reads pictures and
sounds has no use for. What is not named is allowed: numpy, FFmpeg, OpenCV and onnxruntime call
what they call. What the kernel got after this table was written does not exist in here.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from portravox.service.worker.syscalls import NEWEST, X32_BIT, Architecture

Role = Literal["render", "judge", "fetch", "live", "peer"]

ROLES: tuple[Role, ...] = get_args(Role)

# linux/bpf_common.h: classes, sizes, modes and conditions of instructions
_LOAD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
_JUMP_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_GREATER = 0x25  # BPF_JMP | BPF_JGT | BPF_K
_JUMP_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

# linux/seccomp.h
ALLOW = 0x7FFF_0000
KILL = 0x8000_0000
_ERRNO = 0x0005_0000
DENY = _ERRNO | errno.EPERM
ABSENT = _ERRNO | errno.ENOSYS
_SET_MODE_FILTER = 1
_GET_ACTION_AVAIL = 2
_FLAG_TSYNC = 1

# offsets in struct seccomp_data
_NUMBER_AT = 0
_ARCHITECTURE_AT = 4
_FIRST_ARGUMENT_AT = 16
_ARGUMENT_BYTES = 8

Instruction = tuple[int, int, int, int]
"""code, how many to skip if true, how many if false, constant"""


@dataclass(frozen=True, slots=True)
class Is:
    """Whether an argument, as far as a mask shows it, is one of some values.

    The lower 32 bits are looked at: every argument asked for here is an int to the kernel. (Numbers
    are little-endian on both architectures.)
    """

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class HasAny:
    """Whether an argument has any of these bits."""

    argument: int
    bits: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of a system call: the answer of the first test that holds, else `otherwise`."""

    call: str
    otherwise: int = DENY
    tests: tuple[tuple[Is | HasAny, int], ...] = ()


def deny(*calls: str) -> tuple[Rule, ...]:
    """Rules that refuse these whatever their arguments are."""
    return tuple(Rule(call) for call in calls)


# Programs and processes. (Mapping memory as executable stays allowed: numba compiles.)
_PROGRAMS = deny("execve", "execveat", "fork", "vfork", "memfd_create", "memfd_secret", "uselib")

_OTHER_PROCESSES = deny(
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease",
    "kcmp", "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "migrate_pages", "move_pages",
    "setpriority", "ioprio_set", "sched_setattr", "sched_setparam", "sched_setscheduler",
    "setpgid", "setsid",
)  # fmt: skip

_MOUNTS_AND_NAMESPACES = deny(
    "mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "mount_setattr", "move_mount",
    "open_tree", "open_tree_attr", "fsopen", "fsconfig", "fsmount", "fspick", "statmount",
    "listmount", "name_to_handle_at", "open_by_handle_at", "lookup_dcookie",
)  # fmt: skip

_KERNEL = deny(
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "keyctl", "add_key", "request_key", "init_module", "finit_module",
    "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "acct",
    "quotactl", "quotactl_fd", "syslog", "sysfs", "ustat", "vhangup", "iopl", "ioperm",
    "modify_ldt", "personality", "fanotify_init", "fanotify_mark", "inotify_init",
    "inotify_init1", "inotify_add_watch", "settimeofday", "clock_settime", "adjtimex",
    "clock_adjtime", "sethostname", "setdomainname", "vmsplice", "splice", "tee",
)  # fmt: skip

# Landlock does not look at these: whoever owns a file may change its mode anywhere.
_OWNERS_AND_MODES = deny(
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "utime",
    "utimes", "futimesat", "utimensat", "setxattr", "lsetxattr", "fsetxattr", "setxattrat",
    "removexattr", "lremovexattr", "fremovexattr", "removexattrat", "file_setattr", "truncate",
    "link", "linkat", "symlink", "symlinkat", "mknod", "mknodat",
)  # fmt: skip

_USERS = deny(
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid",
    "setfsgid", "capset",
)  # fmt: skip

_SHARED_BETWEEN_PROCESSES = deny(
    "shmget", "shmat", "shmctl", "shmdt", "msgget", "msgsnd", "msgrcv", "msgctl", "semget",
    "semop", "semctl", "semtimedop", "mq_open", "mq_unlink",
)  # fmt: skip

_SOCKETS = deny(
    "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg",
    "sendmmsg", "recvfrom", "recvmsg", "recvmmsg", "setsockopt", "getsockopt", "getsockname",
    "getpeername", "shutdown",
)  # fmt: skip

_AF_INET, _AF_INET6 = 2, 10
_SOCK_STREAM, _SOCK_DGRAM = 1, 2
_SOCK_TYPE_MASK = 0xF

# TCP and UDP outwards: files and names. Nothing listens.
_SOCKETS_OUTWARDS = (
    Rule(
        "socket",
        tests=(
            (Is(1, (0, 3, 4, 5, 6, 10), _SOCK_TYPE_MASK), DENY),  # raw, packet and the like
            (Is(0, (_AF_INET, _AF_INET6)), ALLOW),
        ),
    ),
    *deny("socketpair", "bind", "listen", "accept", "accept4"),
)

# UDP at its own addresses. Nothing is connected: packets are sent and received one by one.
_SOCKETS_FOR_PACKETS = (
    Rule(
        "socket",
        tests=(
            (Is(1, (0, _SOCK_STREAM, 3, 4, 5, 6, 10), _SOCK_TYPE_MASK), DENY),
            (Is(0, (_AF_INET, _AF_INET6)), ALLOW),
        ),
    ),
    *deny("socketpair", "connect", "listen", "accept", "accept4"),
)

_SOCKETS_OF: Mapping[Role, tuple[Rule, ...]] = {
    "fetch": _SOCKETS_OUTWARDS,
    "peer": _SOCKETS_FOR_PACKETS,
}
"""All others have none."""

_CLONE_THREAD = 0x0001_0000
_CLONE_PTRACE_VFORK = 0x0000_2000 | 0x0000_4000
_CLONE_NEW = 0x7E02_0080
"""New namespaces: mount, cgroup, uts, ipc, user, pid, net, and time (sched.h)."""

# A thread is a task of the same process; the kernel insists on shared memory with it. clone3 keeps
# its flags where a filter cannot look; told that there is none, glibc uses clone.
_THREADS = (
    Rule(
        "clone",
        tests=(
            (HasAny(0, _CLONE_NEW | _CLONE_PTRACE_VFORK), DENY),
            (HasAny(0, _CLONE_THREAD), ALLOW),
        ),
    ),
    Rule("clone3", ABSENT),
)

# fcntl.h: owner and kind of the signal that a descriptor sends, leases and watches on folders
_FCNTL_SIGNALS = (8, 10, 15, 1024, 1026)  # F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE, F_NOTIFY

# ioctls.h: typing into terminals; signals from descriptors; TIOCSTI, TIOCLINUX, TIOCSCTTY,
# FIOSETOWN, SIOCSPGRP, FIOASYNC
_IOCTL_TERMINALS_AND_SIGNALS = (0x5412, 0x541C, 0x540E, 0x8901, 0x8902, 0x5452)

# linux/prctl.h: PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_MM, PR_SET_CHILD_SUBREAPER,
# PR_SET_PTRACER: outliving the server, being traced
_PRCTL_LIFE = (1, 4, 35, 36, 0x5961_6D61)


def rules(role: Role, pid: int) -> tuple[Rule, ...]:
    """All that is not simply allowed.

    pid  of the process: signals and limits reach no other
    """
    to_itself = ((Is(0, (pid,)), ALLOW),)
    return (
        *_PROGRAMS,
        *_OTHER_PROCESSES,
        *_MOUNTS_AND_NAMESPACES,
        *_KERNEL,
        *_OWNERS_AND_MODES,
        *_USERS,
        *_SHARED_BETWEEN_PROCESSES,
        *_SOCKETS_OF.get(role, _SOCKETS),
        *_THREADS,
        Rule("kill", tests=to_itself),
        Rule("tgkill", tests=to_itself),  # abort() is one
        Rule("rt_sigqueueinfo", tests=to_itself),
        Rule("rt_tgsigqueueinfo", tests=to_itself),
        Rule("tkill"),
        Rule("prlimit64", tests=((Is(0, (0, pid)), ALLOW),)),
        Rule("fcntl", ALLOW, ((Is(1, _FCNTL_SIGNALS), DENY),)),
        Rule("ioctl", ALLOW, ((Is(1, _IOCTL_TERMINALS_AND_SIGNALS), DENY),)),
        Rule("prctl", ALLOW, ((Is(0, _PRCTL_LIFE), DENY),)),
    )


def assemble(architecture: Architecture, wanted: Iterable[Rule]) -> list[Instruction]:
    """The program of these rules.

    Each block begins with the number of the call loaded, and either passes it on or returns.
    """
    program: list[Instruction] = [
        (_LOAD_WORD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_EQUAL, 1, 0, architecture.audit_number),
        (_RETURN, 0, 0, KILL),
        (_LOAD_WORD, 0, 0, _NUMBER_AT),
    ]
    if architecture.has_x32:
        program += [(_JUMP_ANY_BIT, 0, 1, X32_BIT), (_RETURN, 0, 0, KILL)]
    program += [(_JUMP_GREATER, 0, 1, NEWEST), (_RETURN, 0, 0, ABSENT)]
    for rule in wanted:
        number = architecture.numbers.get(rule.call)
        if number is not None:
            block = _block(rule)
            program += [(_JUMP_EQUAL, 0, len(block), number), *block]
    program.append((_RETURN, 0, 0, ALLOW))
    return program


def _block(rule: Rule) -> list[Instruction]:
    block: list[Instruction] = []
    for test, answer in rule.tests:
        block.append((_LOAD_WORD, 0, 0, _FIRST_ARGUMENT_AT + _ARGUMENT_BYTES * test.argument))
        if isinstance(test, HasAny):
            block += [(_JUMP_ANY_BIT, 0, 1, test.bits), (_RETURN, 0, 0, answer)]
            continue
        block.append((_AND, 0, 0, test.mask))
        for value in test.values:
            block += [(_JUMP_EQUAL, 0, 1, value), (_RETURN, 0, 0, answer)]
    return [*block, (_RETURN, 0, 0, rule.otherwise)]


def is_available(libc: ctypes.CDLL, architecture: Architecture) -> bool:
    """Whether this kernel takes such filters, and from this process."""
    action = ctypes.c_uint32(_ERRNO)
    number = architecture.numbers["seccomp"]
    return bool(libc.syscall(number, _GET_ACTION_AVAIL, 0, ctypes.byref(action)) == 0)


def install(libc: ctypes.CDLL, architecture: Architecture, program: Sequence[Instruction]) -> None:
    """Put all threads of this process under a program, for good. Raises OSError.

    PR_SET_NO_NEW_PRIVS has to be set.
    """
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    code = ctypes.create_string_buffer(packed, len(packed))

    class Program(ctypes.Structure):  # struct sock_fprog
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    wanted = Program(len(program), ctypes.cast(code, ctypes.c_void_p))
    number = architecture.numbers["seccomp"]
    refused = libc.syscall(number, _SET_MODE_FILTER, _FLAG_TSYNC, ctypes.byref(wanted))
    if refused < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    if refused > 0:
        raise OSError(errno.EBUSY, f"seccomp: thread {refused} has a filter of its own")
