"""The filter as the kernel would run it, on both architectures, call by call."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from portravox.service.worker.seccomp import (
    ABSENT,
    ALLOW,
    DENY,
    KILL,
    ROLES,
    Instruction,
    Role,
    assemble,
    rules,
)
from portravox.service.worker.syscalls import ARCHITECTURES, NEWEST, Architecture

PID = 4242
MACHINES = sorted(ARCHITECTURES)

HEADERS = {
    "x86_64": (Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), r"__NR_(\w+)\s+(\d+)"),
    "aarch64": (Path("/usr/include/asm-generic/unistd.h"), r"__NR(?:3264)?_(\w+)\s+(\d+)\b"),
}
"""aarch64 takes the generic table as it is."""


def run(program: list[Instruction], *, architecture: int, number: int, arguments=()) -> int:
    """What the program answers; a small machine for classic BPF (Linux, filter.rst)."""
    words = {0: number, 4: architecture}
    for index, value in enumerate(arguments):
        words[16 + 8 * index] = value & 0xFFFF_FFFF
        words[20 + 8 * index] = value >> 32 & 0xFFFF_FFFF
    at, accumulator = 0, 0
    while True:
        code, if_true, if_false, constant = program[at]
        at += 1
        match code:
            case 0x20:
                accumulator = words.get(constant, 0)
            case 0x54:
                accumulator &= constant
            case 0x15:
                at += if_true if accumulator == constant else if_false
            case 0x25:
                at += if_true if accumulator > constant else if_false
            case 0x45:
                at += if_true if accumulator & constant else if_false
            case 0x06:
                return constant
            case _:
                raise AssertionError(f"no such instruction: {code:#x}")


class Filter:
    """The filter of a role on a machine."""

    def __init__(self, machine: str, role: Role) -> None:
        self.architecture: Architecture = ARCHITECTURES[machine]
        self.program = assemble(self.architecture, rules(role, PID))

    def says(self, call: str, *arguments: int) -> int:
        return run(
            self.program,
            architecture=self.architecture.audit_number,
            number=self.architecture.numbers[call],
            arguments=arguments,
        )


@pytest.fixture(params=[(machine, role) for machine in MACHINES for role in ROLES], ids=str)
def filtered(request: pytest.FixtureRequest) -> Filter:
    return Filter(*request.param)


def test_programs_processes_and_the_kernel_are_out_of_reach(filtered: Filter):
    for call in (
        "execve", "execveat", "ptrace", "process_vm_readv", "mount", "bpf", "io_uring_setup",
        "keyctl", "unshare", "setns", "perf_event_open", "userfaultfd", "init_module",
        "finit_module", "reboot", "kexec_load", "chroot", "pivot_root", "open_by_handle_at",
        "pidfd_open", "pidfd_getfd", "memfd_create", "fchmodat", "linkat", "symlinkat", "mknodat",
    ):  # fmt: skip
        assert filtered.says(call) == DENY, call


def test_threads_may_be_started_and_nothing_else(filtered: Filter):
    glibc_thread = 0x003D_0F00
    assert filtered.says("clone", glibc_thread) == ALLOW
    assert filtered.says("clone", 17) == DENY  # SIGCHLD: fork
    assert filtered.says("clone", 0x4111) == DENY  # CLONE_VFORK | CLONE_VM
    assert filtered.says("clone", glibc_thread | 0x1000_0000) == DENY  # a user namespace
    assert filtered.says("clone", glibc_thread | 0x80) == DENY  # a time namespace
    assert filtered.says("clone3") == ABSENT
    assert ABSENT & 0xFFFF == errno.ENOSYS


def test_signals_and_limits_are_for_itself(filtered: Filter):
    for call in ("kill", "tgkill", "rt_sigqueueinfo"):
        assert filtered.says(call, PID) == ALLOW
        for other in (PID + 1, 0, 1, -1 & 0xFFFF_FFFF, -PID & 0xFFFF_FFFF):
            assert filtered.says(call, other) == DENY
    assert filtered.says("prlimit64", 0) == ALLOW
    assert filtered.says("prlimit64", 1) == DENY


@pytest.mark.parametrize("machine", MACHINES)
def test_who_fetches_may_make_tcp_and_udp_sockets_and_no_others(machine: str):
    fetching = Filter(machine, "fetch")
    close_on_exec_nonblocking = 0o2004000
    for family in (2, 10):
        assert fetching.says("socket", family, 1 | close_on_exec_nonblocking, 6) == ALLOW
        assert fetching.says("socket", family, 2, 17) == ALLOW
        assert fetching.says("socket", family, 3, 1) == DENY
    for family in (1, 16, 17, 40, 44):  # unix, netlink, packet, vsock, xdp
        for kind in (1, 2, 3):
            assert fetching.says("socket", family, kind) == DENY
    assert fetching.says("connect") == ALLOW
    for call in ("socketpair", "bind", "listen", "accept", "accept4"):
        assert fetching.says(call) == DENY


@pytest.mark.parametrize("machine", MACHINES)
def test_who_holds_a_webrtc_connection_has_udp_and_connects_nothing(machine: str):
    holding = Filter(machine, "peer")
    close_on_exec_nonblocking = 0o2004000
    for family in (2, 10):
        assert holding.says("socket", family, 2 | close_on_exec_nonblocking, 17) == ALLOW
        for kind in (0, 1, 3, 5):
            assert holding.says("socket", family, kind) == DENY
    for family in (1, 16, 17, 40, 44):
        assert holding.says("socket", family, 2) == DENY
    for call in ("socketpair", "connect", "listen", "accept", "accept4"):
        assert holding.says(call) == DENY
    assert holding.says("bind") == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("role", ["judge", "render", "live"])
def test_who_decodes_has_no_sockets(machine: str, role: Role):
    decoding = Filter(machine, role)
    for call in ("socket", "connect", "sendto", "sendmsg", "recvmsg", "socketpair"):
        assert decoding.says(call, 2, 1) == DENY


def test_descriptors_send_no_signals_and_terminals_take_no_keys(filtered: Filter):
    assert filtered.says("fcntl", 3, 3) == ALLOW  # F_GETFL
    assert filtered.says("fcntl", 3, 8, 1) == DENY  # F_SETOWN
    assert filtered.says("ioctl", 0, 0x5401) == ALLOW  # TCGETS
    assert filtered.says("ioctl", 0, 0x5412) == DENY  # TIOCSTI
    assert filtered.says("ioctl", 0, 0x5412 | 1 << 32) == DENY  # the kernel reads 32 bits
    assert filtered.says("prctl", 15) == ALLOW  # PR_SET_NAME
    assert filtered.says("prctl", 1) == DENY  # PR_SET_PDEATHSIG


def test_another_architecture_or_table_ends_the_process(filtered: Filter):
    own = filtered.architecture.audit_number
    for other in (0x4000_0003, 0x4000_0028, 0xC000_003E, 0xC000_00B7):  # i386, arm, both of ours
        if other != own:
            assert run(filtered.program, architecture=other, number=0) == KILL
    x32_getpid = 0x4000_0000 | 39
    wanted = KILL if filtered.architecture.has_x32 else ABSENT
    assert run(filtered.program, architecture=own, number=x32_getpid) == wanted


def test_calls_newer_than_the_table_do_not_exist(filtered: Filter):
    own = filtered.architecture.audit_number
    assert run(filtered.program, architecture=own, number=NEWEST + 1) == ABSENT
    assert run(filtered.program, architecture=own, number=0) == ALLOW


def test_the_program_is_short_enough_and_jumps_within_it(filtered: Filter):
    assert len(filtered.program) < 4096  # BPF_MAXINSNS
    for at, (_, if_true, if_false, _) in enumerate(filtered.program):
        assert 0 <= max(if_true, if_false) < 256
        assert at + 1 + max(if_true, if_false) <= len(filtered.program)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_rule_names_a_call_that_some_architecture_has(machine: str):
    known = {name for architecture in ARCHITECTURES.values() for name in architecture.numbers}
    for role in ROLES:
        assert {rule.call for rule in rules(role, PID)} <= known


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_those_of_the_kernels_headers(machine: str):
    header, pattern = HEADERS[machine]
    if not header.is_file():
        pytest.skip("needs the kernel's headers (linux-libc-dev)")
    told = {name: int(number) for name, number in re.findall(pattern, header.read_text())}
    shared = told.keys() & ARCHITECTURES[machine].numbers.keys()
    assert len(shared) > 120
    for name in shared:
        assert ARCHITECTURES[machine].numbers[name] == told[name], name
