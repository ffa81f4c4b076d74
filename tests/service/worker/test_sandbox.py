"""From inside a worker process there is no way out: each is tried, in each role, as each user."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from portravox.compiled_code import copy_compiled_code
from portravox.errors import SettingOutOfRange
from portravox.service import app
from portravox.service.worker import sandbox
from portravox.service.worker.sandbox import Isolation, offered
from portravox.service.worker.seccomp import ROLES, Role

ESCAPES = Path(__file__).with_name("escapes.py")
CHECKOUT = Path(__file__).parents[3]

needs_both_walls = pytest.mark.skipif(not offered().is_full, reason=f"isolation here: {offered()}")

SECRET = "what nobody may read"


@dataclass(frozen=True)
class Surroundings:
    """A server's folder, and what else a process may reach for."""

    own: Path
    others: Path
    data: Path
    port: int
    unix: Path
    abstract: str
    user: int | None
    """Run as this user; None is whoever runs the tests."""

    def attempt(self, role: Role, *ways: str) -> list[str]:
        """What came of ways out, tried in one process; their arguments are filled in."""
        filled = [way.format(**self._words()) for way in ways]
        command = [sys.executable, str(ESCAPES), role, str(self.own), *filled]
        if self.user is not None:
            command = [
                "setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups",
                *command,
            ]  # fmt: skip
        told = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        lines = told.stdout.splitlines()
        if told.returncode != 0:
            lines.append(f"died of {told.returncode}: {told.stderr}")
        return lines

    def _words(self) -> dict[str, object]:
        return {
            "data": self.data,
            "others": self.others,
            "port": self.port,
            "unix": self.unix,
            "abstract": self.abstract,
            "server": os.getpid(),
            "true": "/bin/true",
        }


def _users() -> list[object]:
    nobody = 65534
    can_change = os.getuid() == 0 and shutil.which("setpriv") is not None
    reason = "needs root and setpriv, to become nobody"
    return [
        pytest.param(None, id="as-ourselves"),
        pytest.param(
            nobody, id="as-nobody", marks=() if can_change else pytest.mark.skip(reason=reason)
        ),
    ]


@pytest.fixture(params=_users())
def surroundings(request: pytest.FixtureRequest) -> Iterator[Surroundings]:
    user: int | None = request.param
    if user is not None and not _can_run_as(user):
        pytest.skip("this Python cannot be read by nobody")
    # pytest's own folder is shut to other users.
    base = Path(tempfile.mkdtemp(prefix="portravox-test-"))
    request.addfinalizer(lambda: shutil.rmtree(base))
    base.chmod(0o755)
    data = base / "data"
    own, others = data / "work" / "own", data / "work" / "others"
    for folder in (own, others):
        folder.mkdir(parents=True)
    for file in (data / "signing-keys.txt", data / "tasks.db", others / "image"):
        file.write_text(SECRET)
    (own / "planted").symlink_to(data / "signing-keys.txt")
    if user is not None:
        for path in (data, *data.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        by_path = stack.enter_context(socket.socket(socket.AF_UNIX))
        by_path.bind(str(data / "s"))
        (data / "s").chmod(0o777)
        by_path.listen()
        by_name = stack.enter_context(socket.socket(socket.AF_UNIX))
        by_name.bind(f"\0portravox-test-{os.getpid()}")
        by_name.listen()
        yield Surroundings(
            own=own,
            others=others,
            data=data,
            port=tcp.getsockname()[1],
            unix=data / "s",
            abstract=f"@portravox-test-{os.getpid()}",
            user=user,
        )


def _can_run_as(user: int) -> bool:
    command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    code = f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); import portravox.service.worker"
    return (
        subprocess.run([*command, sys.executable, "-c", code], capture_output=True).returncode == 0
    )


WAYS_OUT = (
    "read {data}/signing-keys.txt",
    "read {data}/tasks.db",
    "read {others}/image",
    "read /etc/passwd",
    "read /etc/machine-id",
    "read /proc/{server}/mem",
    "read /proc/{server}/environ",
    "read /proc/{server}/maps",
    "read /proc/self/environ",
    "listed {data}",
    "listed {others}",
    "listed /proc",
    "listed /",
    "listed /root",
    "listed /home",
    "through_own_link {data}",
    "write {data}/new",
    "write {others}/new",
    "write /tmp/escaped-from-a-worker-process",
    "write /dev/shm/escaped-from-a-worker-process",
    "write /proc/self/oom_score_adj",
    "append {data}/tasks.db",
    "remove {data}/tasks.db",
    "rename_away {data}/signing-keys.txt",
    "rename_over {data}/signing-keys.txt",
    "hard_link {data}/signing-keys.txt",
    "symbolic_link {data}/signing-keys.txt",
    "chmod {data}",
    "fchmod {data}",
    "chown {data}",
    "utime {data}",
    "truncate {data}/tasks.db",
    "set_attribute {data}/tasks.db",
    "unix {unix}",
    "unix {abstract}",
    "pair",
    "raw",
    "packet",
    "netlink",
    "vsock",
    "listen",
    "execute {true}",
    "execute_own",
    "execute_from_memory",
    "fork",
    "spawn",
    "clone_process",
    "kill {server}",
    "kill_all",
    "thread_kill {server}",
    "task_kill {server}",
    "queue_signal {server}",
    "signal_by_descriptor {server}",
    "open_process {server}",
    "trace {server}",
    "read_process {server}",
    "limit_process {server}",
    "slow_process {server}",
    "outlive",
    "mount",
    "remount",
    "unshare_user",
    "chroot",
    "by_handle",
    "io_uring",
    "bpf",
    "keys",
    "add_key",
    "performance",
    "fault_handler",
    "shared_memory",
    "message_queue",
    "watch {data}",
    "become_root",
    "clock",
    "device",
    "pipe_file",
    "terminal",
    "personality",
    "own_memory",
    "capabilities",
)

REFUSALS = ("refused: EPERM", "refused: EACCES", "refused: EXDEV")


@needs_both_walls
@pytest.mark.parametrize("role", ROLES)
def test_every_way_out_is_shut(surroundings: Surroundings, role: Role):
    told = surroundings.attempt(role, *WAYS_OUT)
    assert len(told) == len(WAYS_OUT), told[-1]
    came = dict(zip(WAYS_OUT, told, strict=True))
    assert {way: answer for way, answer in came.items() if answer not in REFUSALS} == {}
    assert (surroundings.data / "signing-keys.txt").read_text() == SECRET
    assert (surroundings.data / "tasks.db").read_text() == SECRET


@needs_both_walls
@pytest.mark.parametrize("role", ["judge", "render"])
def test_who_decodes_calls_nobody(surroundings: Surroundings, role: Role):
    told = surroundings.attempt(role, "tcp 127.0.0.1 {port}", "udp 127.0.0.1 {port}")
    assert told == ["refused: EPERM", "refused: EPERM"]


@needs_both_walls
def test_who_fetches_calls_and_can_ask_for_names(surroundings: Surroundings):
    told = surroundings.attempt("fetch", "tcp 127.0.0.1 {port}", "udp 127.0.0.1 {port}")
    assert told == [f"connected to 127.0.0.1:{surroundings.port}", "sent a datagram"]


@needs_both_walls
def test_who_holds_a_webrtc_connection_has_no_tcp(surroundings: Surroundings):
    told = surroundings.attempt("peer", "tcp 127.0.0.1 {port}", "udp 127.0.0.1 {port}")
    assert told == ["refused: EPERM", "sent a datagram"]


@needs_both_walls
def test_what_is_unknown_or_of_another_table_does_not_exist(surroundings: Surroundings):
    told = surroundings.attempt("judge", "unknown_call", "clone3")
    assert told == ["refused: ENOSYS", "refused: ENOSYS"]
    if os.uname().machine == "x86_64":
        assert surroundings.attempt("judge", "other_table")[0].startswith("died of -31")  # SIGSYS


@needs_both_walls
def test_what_is_left_is_bounded(surroundings: Surroundings):
    told = surroundings.attempt("judge", "write own", "large_file", "raised_limit", "many_files")
    assert told == ["wrote own", "refused: EFBIG", "refused: EPERM", "refused: EMFILE"]
    if surroundings.user is not None:  # the kernel does not count root's
        assert surroundings.attempt("judge", "many_threads") == ["refused: EAGAIN"]


def test_these_ways_are_open_without_the_walls(tmp_path: Path):
    """What is refused above is refused by the walls, and not by how it is tried."""
    (tmp_path / "secret").write_text(SECRET)
    code = (
        f"import sys; sys.path[:0] = [{str(ESCAPES.parent)!r}, {str(CHECKOUT)!r}];"
        f"import escapes, os; os.chdir({str(tmp_path)!r});"
        "print(escapes.read('secret'), escapes.hard_link('secret'), escapes.fork(),"
        " escapes.pair(), escapes.chmod('secret'), escapes.spawn(), escapes.keys(),"
        " escapes.symbolic_link('secret'), escapes.kill(str(os.getppid())), escapes.listen())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert SECRET[:20] in told.stdout
    assert "refused" not in told.stdout


def test_what_a_kernel_lacks_is_said():
    assert offered().landlock_abi >= 0
    lacking = Isolation(landlock_abi=0, has_seccomp=True)
    assert not lacking.is_full
    assert str(lacking).startswith("seccomp; this kernel lacks Landlock")
    assert str(Isolation(landlock_abi=7, has_seccomp=True)) == "Landlock 7 and seccomp"
    assert str(Isolation(landlock_abi=0, has_seccomp=False)).startswith("none; ")


def test_a_server_that_requires_isolation_does_not_start_without(monkeypatch, caplog):
    monkeypatch.setattr(app, "offered", lambda: Isolation(landlock_abi=0, has_seccomp=True))
    with pytest.raises(SettingOutOfRange, match="Landlock"):
        app._say_how_isolated("require")
    app._say_how_isolated("auto")
    assert "lacks Landlock" in caplog.text
    monkeypatch.setattr(app, "offered", lambda: Isolation(landlock_abi=7, has_seccomp=True))
    app._say_how_isolated("require")


def test_the_folder_somebody_starts_a_server_in_is_not_readable(tmp_path: Path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend("")
    for role in ROLES:
        given = set(sandbox.readable(role))
        assert tmp_path not in given
        assert not given & {Path("/"), Path(), Path("/etc"), Path("/proc"), Path.home()}


def test_a_copy_of_compiled_code_is_no_link(tmp_path: Path):
    copy_compiled_code(tmp_path)
    copies = list(tmp_path.rglob("*.nb?"))
    assert all(file.stat().st_nlink == 1 and not file.is_symlink() for file in copies)
