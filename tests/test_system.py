"""What differs between systems gives an answer everywhere."""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portravox import system


@pytest.mark.parametrize(
    ("quota", "wanted"), [("max 100000", 8), ("150000 100000", 2), ("50000 100000", 1)]
)
def test_a_containers_quota_bounds_the_cores(tmp_path, monkeypatch, quota, wanted) -> None:
    monkeypatch.setattr(system.os, "sched_getaffinity", lambda _: set(range(8)))
    (tmp_path / "cpu.max").write_text(f"{quota}\n", encoding="ascii")
    assert system.usable_cores(tmp_path) == wanted


def test_older_control_groups_count_too(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(system.os, "sched_getaffinity", lambda _: set(range(8)))
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1")
    assert system.usable_cores(tmp_path) == 8
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("300000")
    assert system.usable_cores(tmp_path) == 3


def test_a_process_bound_to_one_core_has_one() -> None:
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
    code += "from portravox.system import usable_cores; print(usable_cores())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "1"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what is freed")
def test_a_freed_picture_goes_back_to_the_system_though_something_small_lies_behind_it() -> None:
    code = """
import numpy as np
from pathlib import Path
from portravox.system import return_large_memory

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

return_large_memory()
np.ones(30_000_000, np.uint8)  # glibc would keep pieces up to this size from now on
before = resident_mb()
picture, behind = np.ones(20_000_000, np.uint8), np.ones(100_000, np.uint8)
held = resident_mb() - before
del picture
print(held, resident_mb() - before)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    held_mb, left_mb = map(float, told.stdout.split())
    assert held_mb > 18.0
    assert left_mb < 2.0


def test_a_lock_that_another_process_holds_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    code = (
        "import sys, time; from pathlib import Path; from portravox.system import exclusive_lock\n"
        "with exclusive_lock(Path(sys.argv[1])):\n"
        "    print('held', flush=True); time.sleep(0.5)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        began = time.monotonic()
        with system.exclusive_lock(file):
            assert time.monotonic() - began > 0.3
        assert other.wait() == 0


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    code = (
        "import sys, os; from pathlib import Path; from portravox.system import exclusive_lock\n"
        "with exclusive_lock(Path(sys.argv[1])):\n"
        "    os._exit(1)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(file)]).returncode == 1
    with system.exclusive_lock(file):
        assert file.is_file()


@pytest.mark.parametrize(
    ("platform", "variable", "ending"),
    [
        ("linux", "XDG_CACHE_HOME", "named"),
        ("win32", "LOCALAPPDATA", "named"),
        ("darwin", "", "Library/Caches"),
        ("linux", "", ".cache"),
        ("win32", "", "AppData/Local"),
    ],
)
def test_each_systems_cache_folder(monkeypatch, platform, variable, ending) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "/somewhere/named")
    monkeypatch.setattr(system.sys, "platform", platform)
    assert system.user_cache_folder().as_posix().endswith(ending)


def test_a_job_has_its_share_of_the_cores_and_two_where_there_are_two(monkeypatch) -> None:
    monkeypatch.delenv(system.CORES, raising=False)
    monkeypatch.setattr(system, "_cgroup_quota", lambda _: None)
    for cores, jobs, share in (
        (16, 1, 16),
        (16, 4, 4),
        (16, 12, 2),
        (2, 1, 2),
        (2, 4, 2),
        (1, 3, 1),
    ):
        monkeypatch.setattr(system.os, "sched_getaffinity", lambda _, n=cores: set(range(n)))
        assert system.cores_per_job(jobs) == share


def test_the_environment_may_give_fewer_cores_but_not_more(monkeypatch) -> None:
    monkeypatch.setattr(system.os, "sched_getaffinity", lambda _: set(range(4)))
    monkeypatch.setattr(system, "_cgroup_quota", lambda _: None)
    for said, wanted in (("3", 3), ("64", 4), ("0", 1), ("many", 4), ("", 4)):
        monkeypatch.setenv(system.CORES, said)
        assert system.usable_cores() == wanted


def test_painters_and_encoder_threads_follow_the_cores(monkeypatch) -> None:
    from portravox.engines.embedded import painters_at_once
    from portravox.media.encode import encoder_threads

    monkeypatch.setattr(system, "_cgroup_quota", lambda _: None)
    monkeypatch.delenv(system.CORES, raising=False)
    found = []
    for cores in (1, 2, 4, 16, 64):
        monkeypatch.setattr(system.os, "sched_getaffinity", lambda _, n=cores: set(range(n)))
        found.append((painters_at_once(), encoder_threads()))
    assert found == [(1, 1), (2, 1), (4, 2), (8, 8), (8, 8)]


def test_a_machine_has_some_memory() -> None:
    memory = system.memory_mib()
    assert memory is not None
    assert 128 < memory < 2**26


def test_a_program_ends_with_what_it_started() -> None:
    code = (
        "import subprocess, sys, time;"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(p.pid, flush=True); time.sleep(60)"
    )
    leader = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    )
    assert leader.stdout is not None
    descendant = Path(f"/proc/{int(leader.stdout.readline())}/stat")
    system.end_with_descendants(leader)
    leader.stdout.close()
    deadline_s = time.monotonic() + 5
    while descendant.exists() and descendant.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_a_program_that_runs_is_bounded_from_outside() -> None:
    code = "input(); import resource as r; print(r.getrlimit(r.RLIMIT_CPU)[1], len(bytes(2**28)))"
    program = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    system.limit_program(program.pid, cpu_s=7, memory_bytes=2**27, file_bytes=2**20, open_files=32)
    _, errors = program.communicate(b"\n")
    assert b"MemoryError" in errors
