"""No room on the disk, no leave to write, no memory, a clock that jumps: told, and gone through."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.world import Ledger, World
from tests.live import serving

pytestmark = pytest.mark.slow

DISK_MIB = 400
"""Above the 256 that the service leaves free."""


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A small disk in memory, for as long as it is needed."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("no disk can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    with mounted(folder, f"size={DISK_MIB}m,mode=0700"):
        yield folder


def fill(disk: Path, *, leave_mib: int) -> Path:
    """A file that leaves so much."""
    ballast = disk / "ballast"
    while True:
        free = os.statvfs(disk)
        size = free.f_bavail * free.f_frsize - leave_mib * 1024 * 1024
        with contextlib.suppress(OSError), ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
            return ballast
        ballast.unlink()  # the server took some meanwhile


@pytest.mark.usefixtures("only_in_make_faults")
def test_a_full_disk_is_told_and_nothing_accepted_is_lost(
    disk: Path, files: str, ledger: Ledger
) -> None:
    world = World(disk, files)
    with world.server() as server:
        first = world.submit()
        assert world.end(first)["task_status"] == "SUCCEEDED"

        ballast = fill(disk, leave_mib=200)  # less than is to be left free: no video is stored
        refused = world.end(world.submit())
        assert (refused["task_status"], refused["code"]) == ("FAILED", "InternalError.Upload")
        ballast.unlink()

        ballast = fill(disk, leave_mib=0)
        # The log may take some more, the table cannot grow.
        told = {world.post().status_code for _ in range(50)}
        accepted_meanwhile = world.tasks()
        assert told <= {200, 503} and 503 in told
        world.until_not_ready_because("disk_full", "storage_failed")
        assert world.output(first)["task_status"] == "SUCCEEDED"
        ballast.unlink()

        world.until_ready()
        assert world.end(world.submit())["task_status"] == "SUCCEEDED"
        ends = [world.end(task_id)["task_status"] for task_id in accepted_meanwhile]
        assert set(ends) <= {"SUCCEEDED", "FAILED"}
        assert server.process.poll() is None
    ledger.add(
        "disk full",
        2,
        len(ends) + 50,
        "no room for a video: FAILED with InternalError.Upload; no room for the table: 503, "
        "queries go on, /readyz says 503 disk_full; with room again everything goes on without a "
        "restart",
    )


SPOOL_DISK_MIB = 600
RESERVE_BYTES = 256 * 1024 * 1024
SLACK_BYTES = 8 * 1024 * 1024
"""What the table, its log and the pages of files that are being written take beside the spools."""


def test_spools_leave_the_reserve_free_however_many_come(
    tmp_path: Path, files: str, ledger: Ledger
) -> None:
    folder = tmp_path / "disk"
    uploads, size_mib = 16, 60
    with mounted(folder, f"size={SPOOL_DISK_MIB}m,mode=0700"):
        world = World(folder, files)
        with world.server() as server, ThreadPoolExecutor(uploads) as clients:
            lowest = Lowest(folder)
            with lowest:
                told = list(
                    clients.map(lambda _: world.upload(bytes(size_mib << 20)), range(uploads))
                )
            stored = sum(file.stat().st_size for file in (folder / "uploads").iterdir())
            assert world.post().status_code == 200  # the table has room
            assert server.process.poll() is None
    assert set(told) <= {200, 500} and 200 in told and 500 in told
    assert stored == told.count(200) * size_mib << 20
    assert lowest.free_bytes >= RESERVE_BYTES - SLACK_BYTES
    ledger.add(
        f"{uploads} uploads of {size_mib} MiB on {SPOOL_DISK_MIB} MiB",
        1,
        1,
        f"{told.count(200)} stored, the others refused; never less than "
        f"{lowest.free_bytes >> 20} MiB free",
    )


class Lowest:
    """How little was free on a disk while the block ran."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.free_bytes = sys.maxsize

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.005):
            disk = os.statvfs(self._folder)
            self.free_bytes = min(self.free_bytes, disk.f_bavail * disk.f_frsize)


@pytest.mark.usefixtures("only_in_make_faults")
def test_a_folder_that_may_not_be_written_fails_the_task_and_not_the_server(
    tmp_path: Path, files: str, ledger: Ledger
) -> None:
    world = World(tmp_path, files)
    with world.server():
        with mounted(tmp_path / "videos", f"ro,size={DISK_MIB}m"):
            ended = world.end(world.submit())
        assert (ended["task_status"], ended["code"]) == ("FAILED", "InternalError.Upload")
        assert world.end(world.submit())["task_status"] == "SUCCEEDED"
    ledger.add(
        "videos' folder read-only", 1, 2, "FAILED with InternalError.Upload; SUCCEEDED afterwards"
    )


def test_a_data_folder_that_may_not_be_written_is_told_in_a_line(
    tmp_path: Path, ledger: Ledger
) -> None:
    with (
        mounted(tmp_path / "data", "ro"),
        serving(tmp_path / "data", log=tmp_path / "log.txt") as server,
    ):
        assert server.process.wait(20) == 1
        assert server.url == ""  # it does not say that it serves
    said = (tmp_path / "log.txt").read_text()
    last = said.splitlines()[-1]
    assert last.startswith("error: ") and "Read-only file system" in last
    assert "Traceback" not in said
    ledger.add("data folder read-only", 1, 0, "the server does not start, and says why")


@pytest.mark.usefixtures("only_in_make_faults")
def test_a_picture_that_takes_all_memory_costs_its_own_task_only(
    tmp_path: Path, files: str, ledger: Ledger
) -> None:
    world = World(tmp_path, files, PORTRAVOX_RENDER_MEMORY_MIB="768")
    with world.server() as server:
        large = world.end(world.submit("large.jpg"))
        assert (large["task_status"], large["code"]) == ("FAILED", "InternalError.Algo")
        assert world.end(world.submit())["task_status"] == "SUCCEEDED"
        assert server.process.poll() is None
    ledger.add(
        "child out of memory (RLIMIT_DATA)",
        3,
        2,
        "FAILED with InternalError.Algo after three attempts; the next one SUCCEEDED",
    )


@pytest.mark.parametrize("ahead_s", [600.0, -3600.0])
@pytest.mark.usefixtures("only_in_make_faults")
def test_a_clock_that_jumps_during_a_render_costs_no_task(
    tmp_path: Path, files: str, ledger: Ledger, ahead_s: float
) -> None:
    world = World(tmp_path, files)
    with world.server():
        running, waiting = world.submit(), world.submit()
        world.until_running(running)
        world.set_clock(ahead_s)
        time.sleep(6.0)  # the janitor looks every five seconds
        for task_id in (running, waiting, world.submit()):
            assert world.end(task_id)["task_status"] == "SUCCEEDED"
        world.set_clock(max(ahead_s, 0.0))  # a list ends now, and shows nothing of later
        world.require_one_video_each()
    ledger.add(f"clock jumps by {ahead_s:+g} s", 1, 3, "3 SUCCEEDED, one video each")
