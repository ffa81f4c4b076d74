"""Worker processes are killed when they must end, are replaced when they died, know no secrets."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from portravox.engines.registry import DEVICE
from portravox.model_files.store import VARIABLE as MODELS_DIR
from portravox.service import problems
from portravox.service.worker import process as process_module
from portravox.service.worker.messages import OPENED, FetchDone, FetchRequest, Ready, encode
from portravox.service.worker.process import ProcessPool, RequestFailed, WorkerProcess
from portravox.system import CORES, ENVIRONMENT
from tests.live import files_at
from tests.service.worker.unstarted import UnstartedProcess

NETS = "127.0.0.0/8"


@pytest.fixture
def silence() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def fetch(folder: Path, url: str) -> FetchRequest:
    return FetchRequest(file="image", folder=str(folder), url=url, allow_nets=NETS)


def pid_of(process: WorkerProcess) -> int:
    assert process.pid is not None
    return process.pid


def lives(pid: int) -> bool:
    """Whether a process runs; one that ended and was not asked for is no more than a name."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_what_a_process_did_lies_in_the_folder_it_was_told(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "face.png").write_bytes(b"png")

    async def play(url: str) -> None:
        process = WorkerProcess("fetch", memory_mib=256)
        for number in (1, 2):
            assert await process.request(
                fetch(tmp_path / "scratch", f"{url}/face.png"), FetchDone, time_s=60
            ) == FetchDone(number=number)
            assert (tmp_path / "scratch" / "image").read_bytes() == b"png"
            (tmp_path / "scratch" / "image").unlink()
        with pytest.raises(RequestFailed) as failed:
            await process.request(fetch(tmp_path / "scratch", f"{url}/none"), FetchDone, time_s=60)
        assert failed.value.problem.code == "InvalidParameter.InputDownloadFailed"
        assert not failed.value.retry
        await process.close()

    with files_at(tmp_path) as url:
        await play(url)


async def test_time_that_is_up_and_cancelling_both_kill(tmp_path: Path, silence: str) -> None:
    process = WorkerProcess("fetch", memory_mib=256)
    await process.warm()
    first = pid_of(process)
    with pytest.raises(RequestFailed) as failed:
        await process.request(fetch(tmp_path, silence), FetchDone, time_s=0.2)
    assert failed.value.problem == problems.TIMEOUT
    assert not lives(first)
    await process.warm()
    second = pid_of(process)
    under_way = asyncio.create_task(process.request(fetch(tmp_path, silence), FetchDone, time_s=60))
    await asyncio.sleep(0.2)
    started = time.monotonic()
    under_way.cancel()
    with pytest.raises(asyncio.CancelledError):
        await under_way
    assert not lives(second)
    assert time.monotonic() - started < 2.0
    await process.close()


async def test_who_is_cancelled_while_a_process_ends_waits_for_its_end(tmp_path: Path) -> None:
    """Else nobody would: the process was killed, and its pipes stayed open for good."""
    process = WorkerProcess("fetch", memory_mib=256, folders=tmp_path)
    await process.warm()
    child = process._child
    assert child is not None and child.returncode is None
    ending = asyncio.create_task(process.close())
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert child.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


async def test_a_process_that_dies_fails_its_request_and_is_replaced(
    tmp_path: Path, silence: str
) -> None:
    process = WorkerProcess("fetch", memory_mib=256)
    await process.warm()
    first = pid_of(process)
    under_way = asyncio.create_task(process.request(fetch(tmp_path, silence), FetchDone, time_s=60))
    await asyncio.sleep(0.2)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(RequestFailed) as failed:
        await under_way
    assert (failed.value.problem, failed.value.retry) == (problems.ALGO, True)
    await process.warm()
    assert pid_of(process) != first
    await process.close()


async def test_a_process_does_not_know_the_servers_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (
        "PORTRAVOX_METRICS_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "AZURE_STORAGE_ACCOUNT_KEY",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        "PGPASSWORD",
        "DASHSCOPE_API_KEY",
    ):
        monkeypatch.setenv(name, "secret")
    process = WorkerProcess("fetch", memory_mib=256)
    await process.warm()
    environment = Path(f"/proc/{pid_of(process)}/environ").read_bytes()
    await process.close()
    names = {entry.partition(b"=")[0].decode() for entry in environment.split(b"\0")}
    assert "PATH" in names
    # Where model files lie, which cores, device and engines it may use, and nothing else.
    ours = {name for name in names if name.startswith(ENVIRONMENT)}
    assert ours <= {MODELS_DIR, CORES, DEVICE, OPENED}
    assert b"secret" not in environment


async def test_memory_has_a_limit_and_cores_are_not_written() -> None:
    process = WorkerProcess("fetch", memory_mib=256)
    await process.warm()
    lines = Path(f"/proc/{pid_of(process)}/limits").read_text().splitlines()
    await process.close()
    limits = {line[:26].strip(): line[26:].split() for line in lines}
    assert limits["Max data size"][:2] == [str(256 << 20)] * 2
    assert limits["Max core file size"][:2] == ["0", "0"]


PARENT = """
import asyncio
from portravox.service.worker.process import WorkerProcess
async def main():
    process = WorkerProcess("fetch", memory_mib=256)
    await process.warm()
    print(process.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_no_process_outlives_a_server_that_was_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        child = int(parent.stdout.readline())
        assert lives(child)
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 5
    while lives(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _fetcher(made: list[WorkerProcess]) -> WorkerProcess:
    """One more of a pool's processes, kept in the list."""
    made.append(WorkerProcess("fetch", memory_mib=256))
    return made[-1]


async def test_a_pool_does_several_requests_at_a_time_and_no_more(
    tmp_path: Path, silence: str
) -> None:
    made: list[WorkerProcess] = []
    pool = ProcessPool(partial(_fetcher, made), at_once=3, keep=2)
    requests = [
        asyncio.create_task(pool.request(fetch(tmp_path, silence), FetchDone, key="1", time_s=1.0))
        for _ in range(5)
    ]
    failures = await asyncio.gather(*requests, return_exceptions=True)
    assert [type(failure) for failure in failures] == [RequestFailed] * 5
    assert 3 <= len(made) <= 5
    await pool.close()
    assert all(process.pid is None for process in made)


async def test_a_pool_has_processes_ready_beside_those_that_are_busy(
    tmp_path: Path, silence: str
) -> None:
    made: list[WorkerProcess] = []

    async def until_ready(processes: int) -> None:
        async with asyncio.timeout(30.0):
            while len([process for process in made if process.pid is not None]) < processes:
                await asyncio.sleep(0.02)

    pool = ProcessPool(partial(_fetcher, made), at_once=3, keep=2)
    pool.keep_warm()
    pool.keep_warm()
    await until_ready(2)
    requests = [
        asyncio.create_task(pool.request(fetch(tmp_path, silence), FetchDone, key="1", time_s=60.0))
        for _ in range(2)
    ]
    await until_ready(3)  # one more may be needed, and no other after it
    await asyncio.sleep(0.2)
    assert len(made) == 3
    for request in requests:
        request.cancel()
    await asyncio.gather(*requests, return_exceptions=True)
    await pool.close()
    assert all(process.pid is None for process in made)


class Held(UnstartedProcess):
    """Starts, and answers, when it is told to; a start begun after its end is a process that nobody
    ends."""

    def __init__(self) -> None:
        super().__init__("fetch", memory_mib=256)
        self.may_start, self.may_answer = asyncio.Event(), asyncio.Event()
        self.runs = False

    async def warm(self) -> None:
        await self.may_start.wait()
        self.runs = True

    async def request(self, request: Any, done: Any, **_: Any) -> Any:
        await self.may_answer.wait()
        return FetchDone(number=1)

    async def close(self) -> None:
        self.runs = False


async def test_a_process_that_a_pool_let_go_of_amid_its_start_is_ended(tmp_path: Path) -> None:
    made: list[Held] = []

    def make() -> Held:
        made.append(Held())
        return made[-1]

    async def ask() -> FetchDone:
        return await pool.request(fetch(tmp_path, "http://h/"), FetchDone, key="1", time_s=60.0)

    pool = ProcessPool(make, at_once=2, keep=1)
    pool.keep_warm()
    await asyncio.sleep(0)  # the first one is being started
    first, second = asyncio.create_task(ask()), asyncio.create_task(ask())
    await asyncio.sleep(0.01)
    made[1].may_answer.set()  # it is kept: one may wait
    await second
    made[0].may_answer.set()  # which the other one may not, too
    await first
    made[0].may_start.set()
    await asyncio.sleep(0.01)
    assert not made[0].runs
    await pool.close()


async def test_a_start_may_take_its_share_of_the_processor_and_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A machine that does much else does not count: a process that waits goes on, one that
    computes without end does not."""
    monkeypatch.setattr(process_module, "START_CPU_S", 0.3)
    monkeypatch.setattr(process_module, "LOOK_S", 0.05)

    async def started(program: str) -> WorkerProcess:
        process = WorkerProcess(
            "fetch", memory_mib=256, folders=tmp_path, command=(sys.executable, "-Sc", program)
        )
        await process.warm()
        return process

    ready = f"import time; time.sleep(1.0); print({encode(Ready()).decode()!r}, flush=True)"
    patient = await started(f"{ready}; time.sleep(60)")
    assert patient.pid is not None
    await patient.close()
    with pytest.raises(RequestFailed):
        await started("while True: pass")
    assert list(tmp_path.iterdir()) == []


async def test_what_was_compiled_until_a_start_was_ended_is_kept_for_the_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept: list[Path] = []

    def keep(folder: Path) -> int:
        assert folder.parent.is_dir()  # itself there only where something was compiled before
        kept.append(folder)
        return 0

    monkeypatch.setattr(process_module, "START_CPU_S", 0.0)
    monkeypatch.setattr(process_module, "LOOK_S", 0.05)
    monkeypatch.setattr(process_module, "keep_code_compiled_in", keep)
    process = WorkerProcess("judge", memory_mib=4096, folders=tmp_path)
    with pytest.raises(RequestFailed):
        await process.warm()
    assert len(kept) == 1
    assert not kept[0].exists()
