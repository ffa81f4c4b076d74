"""Ways out of a worker process, tried one after the other by a program isolated as one is.

Run as `python escapes.py ROLE FOLDER WAY...`, where a way is a function of this file and its
arguments in one word. It prints a line for each: `refused: ERROR`, or what it must not get.
"""
# What is tried are system calls, and `os` has their names.
# ruff: noqa: PTH101, PTH104, PTH123, PTH208, PTH211

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import platform
import resource
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path

from portravox.service.worker import sandbox
from portravox.service.worker.seccomp import ROLES
from portravox.service.worker.syscalls import ARCHITECTURES

LIBC = ctypes.CDLL(None, use_errno=True)
NUMBERS = ARCHITECTURES[platform.machine()].numbers if platform.machine() in ARCHITECTURES else {}


def call(name: str, *arguments: object) -> str:
    """A system call by its name; raises OSError where it is refused."""
    answer = LIBC.syscall(NUMBERS[name], *arguments)
    if answer < 0:
        raise OSError(ctypes.get_errno(), name)
    return f"{name} gave {answer}"


def read(path: str) -> str:
    return f"read {Path(path).read_bytes()[:40]!r}"


def listed(path: str) -> str:
    return f"listed {sorted(os.listdir(path))[:3]}"


def write(path: str) -> str:
    Path(path).write_text("written from inside")
    return f"wrote {path}"


def append(path: str) -> str:
    with Path(path).open("ab") as file:
        file.write(b"x")
    return f"appended to {path}"


def remove(path: str) -> str:
    Path(path).unlink()
    return f"removed {path}"


def rename_away(path: str) -> str:
    os.rename(path, "taken")
    return f"moved {path} here"


def rename_over(path: str) -> str:
    Path("mine").write_text("mine")
    os.rename("mine", path)
    return f"replaced {path}"


def hard_link(path: str) -> str:
    os.link(path, "linked")
    return f"linked {path}"


def symbolic_link(path: str) -> str:
    os.symlink(path, "pointer")
    return f"pointer to {path}"


def through_own_link(path: str) -> str:
    """A link that was there before, planted by somebody else."""
    return read("planted")


def chmod(path: str) -> str:
    os.chmod(path, 0o777)
    return f"opened {path} to all"


def fchmod(path: str) -> str:
    with Path(os.__file__).open() as readable:
        os.fchmod(readable.fileno(), 0o777)
    return "changed a library's mode"


def chown(path: str) -> str:
    os.chown(path, os.getuid(), os.getgid())
    return "changed an owner"


def utime(path: str) -> str:
    os.utime(path)
    return "changed times"


def truncate(path: str) -> str:
    os.truncate(path, 0)
    return f"emptied {path}"


def set_attribute(path: str) -> str:
    os.setxattr(path, "user.x", b"x")
    return "set an attribute"


def tcp(address: str, port: str) -> str:
    socket.create_connection((address, int(port)), timeout=2).close()
    return f"connected to {address}:{port}"


def udp(address: str, port: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(b"x", (address, int(port)))
    return "sent a datagram"


def listen() -> str:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
    return "listens"


def unix(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as out:
        out.connect(path.replace("@", "\0"))
    return f"connected to {path}"


def pair() -> str:
    for end in socket.socketpair():
        end.close()
    return "made a pair"


def raw() -> str:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    return "made a raw socket"


def packet() -> str:
    socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM).close()
    return "made a packet socket"


def netlink() -> str:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()
    return "made a netlink socket"


def vsock() -> str:
    socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close()
    return "made a socket to the host"


def execute(path: str) -> str:
    os.execv(path, [path])


def execute_own() -> str:
    shutil.copyfile("/bin/true", "program")
    os.execv("program", ["program"])


def fork() -> str:
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    return "forked"


def spawn() -> str:
    os.posix_spawn("/bin/true", ["true"], {})
    return "spawned"


def execute_from_memory() -> str:
    memory = os.memfd_create("program")
    os.write(memory, Path("/bin/true").read_bytes())
    os.execve(memory, ["program"], {})


def clone_process() -> str:
    return call("clone", signal.SIGCHLD, 0, 0, 0, 0)


def clone3() -> str:
    arguments = (ctypes.c_uint64 * 8)(0, 0, 0, 0, signal.SIGCHLD)
    return call("clone3", ctypes.byref(arguments), ctypes.sizeof(arguments))


def kill(pid: str) -> str:
    os.kill(int(pid), 0)
    return "may signal its parent"


def kill_all() -> str:
    os.kill(-1, 0)
    return "may signal everybody"


def thread_kill(pid: str) -> str:
    return call("tgkill", int(pid), int(pid), 0)


def task_kill(pid: str) -> str:
    return call("tkill", int(pid), 0)


def queue_signal(pid: str) -> str:
    return call("rt_sigqueueinfo", int(pid), 0, ctypes.create_string_buffer(128))


def signal_by_descriptor(pid: str) -> str:
    import fcntl

    reading, _ = os.pipe()
    fcntl.fcntl(reading, fcntl.F_SETOWN, int(pid))
    return "a descriptor may signal its parent"


def open_process(pid: str) -> str:
    return call("pidfd_open", int(pid), 0)


def trace(pid: str) -> str:
    attach = 16
    return call("ptrace", attach, int(pid), 0, 0)


def read_process(pid: str) -> str:
    local = (ctypes.c_uint64 * 2)()
    return call("process_vm_readv", int(pid), local, 1, local, 1, 0)


def limit_process(pid: str) -> str:
    resource.prlimit(int(pid), resource.RLIMIT_CPU, (1, 1))
    return "limited its parent"


def slow_process(pid: str) -> str:
    os.setpriority(os.PRIO_PROCESS, int(pid), 19)
    return "slowed its parent"


def outlive() -> str:
    if LIBC.prctl(1, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_PDEATHSIG")
    return "would outlive its parent"


def mount() -> str:
    return call("mount", b"none", b".", b"tmpfs", 0, 0)


def remount() -> str:
    return call("open_tree", -100, b"/", 1)


def unshare_user() -> str:
    return call("unshare", 0x1000_0000)


def chroot() -> str:
    os.chroot(".")
    return "changed its root"


def by_handle() -> str:
    return call("open_by_handle_at", -100, ctypes.create_string_buffer(64), 0)


def io_uring() -> str:
    return call("io_uring_setup", 1, ctypes.create_string_buffer(120))


def bpf() -> str:
    return call("bpf", 0, ctypes.create_string_buffer(120), 120)


def keys() -> str:
    return call("keyctl", 0, -3, 0)


def add_key() -> str:
    return call("add_key", b"user", b"x", b"x", 1, -3)


def performance() -> str:
    return call("perf_event_open", ctypes.create_string_buffer(120), 0, -1, -1, 0)


def fault_handler() -> str:
    return call("userfaultfd", 0)


def shared_memory() -> str:
    return call("shmget", 0x1234, 4096, 0o1600)


def message_queue() -> str:
    return call("mq_open", b"x", os.O_CREAT | os.O_RDWR, 0o600, 0)


def watch(path: str) -> str:
    watching = LIBC.inotify_init()
    if watching < 0:
        raise OSError(ctypes.get_errno(), "inotify_init")
    return "may watch files"


def become_root() -> str:
    os.setuid(0)
    return f"is {os.getuid()}"


def clock() -> str:
    import time

    time.clock_settime(time.CLOCK_REALTIME, time.time())
    return "set the clock"


def device() -> str:
    os.mknod("device", 0o600 | 0o020000, os.makedev(1, 1))
    return "made a device"


def pipe_file() -> str:
    os.mkfifo("pipe")
    return "made a pipe"


def terminal() -> str:
    import fcntl

    fcntl.ioctl(0, 0x5412, b"x")
    return "typed into a terminal"


def personality() -> str:
    return call("personality", 0x0040_0000)


def unknown_call() -> str:
    answer = LIBC.syscall(600)
    raise OSError(ctypes.get_errno(), f"answered {answer}")


def other_table() -> str:
    LIBC.syscall(0x4000_0000 | 39)
    return "used the x32 table"


def large_file() -> str:
    with Path("large").open("wb") as file:
        file.truncate(sandbox.MAX_FILE_BYTES + 1)
    return "made a file beyond the limit"


def many_files() -> str:
    opened = []
    while len(opened) < 100_000:
        try:
            opened.append(os.dup(0))
        except OSError as error:
            assert error.errno == errno.EMFILE
            raise OSError(error.errno, f"at {len(opened)}") from error
    return "no limit of descriptors"


def raised_limit() -> str:
    wanted = (ctypes.c_uint64 * 2)(100_000, 100_000)  # struct rlimit
    return call("prlimit64", 0, resource.RLIMIT_NOFILE, ctypes.byref(wanted), 0)


def many_threads() -> str:
    started = threading.Event()
    try:
        for _ in range(20_000):
            threading.Thread(target=started.wait, daemon=True).start()
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, "threads") from error
    return "no limit of threads"


def own_memory() -> str:
    """Writing to code that is mapped read-only, as debuggers do."""
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ)
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(ctypes.addressof(ctypes.c_char.from_buffer_copy(code)))
        memory.write(b"x")
    return "wrote to its own memory"


def capabilities() -> str:
    status = Path("/proc/self/status").read_text()
    held = [line for line in status.splitlines() if line.startswith(("CapEff", "CapPrm", "CapBnd"))]
    if os.getuid() == 0 or any(int(line.split()[1], 16) for line in held[:2]):
        assert all(int(line.split()[1], 16) == 0 for line in held[:2]), held
    raise OSError(errno.EPERM, "none is held")


def main() -> None:
    """Give up what a worker process gives up, then try the ways out."""
    named, folder, *ways = sys.argv[1:]
    role = next(known for known in ROLES if known == named)
    sandbox.close_files(role, Path(folder))
    # As in a real one, there are threads by now: they are bound as well.
    go = threading.Event()

    def attempt_all() -> None:
        go.wait()
        for way in ways:
            name, *arguments = way.split()
            try:
                told = globals()[name](*arguments)
            except OSError as error:
                told = f"refused: {errno.errorcode[error.errno or 0]}"
            os.write(1, f"{told}\n".encode())

    thread = threading.Thread(target=attempt_all)
    thread.start()
    sandbox.close_calls(role)
    go.set()
    thread.join()
    os._exit(0)


if __name__ == "__main__":
    main()
