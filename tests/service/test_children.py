"""Children are killed when they must end, tell when they died, and know no secrets."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portravox.service import problems
from portravox.service.children import ChildFailed, Children, Pool
from tests.live import files_at

NETS = "127.0.0.0/8"


@pytest.fixture
def silence() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def fetch(folder: Path, url: str) -> dict[str, Any]:
    return {"do": "fetch", "folder": str(folder), "image": url, "allow_nets": NETS}


def pid_of(children: Children) -> int:
    process = children._child
    assert process is not None
    return process.pid


def lives(pid: int) -> bool:
    """Whether a process runs; one that ended and was not asked for is no more than a name."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_what_a_child_did_lies_in_the_folder_it_was_told(tmp_path: Path) -> None:
    (tmp_path / "desk").mkdir()
    (tmp_path / "face.png").write_bytes(b"png")

    async def play(url: str) -> None:
        children = Children("fetch", memory_mib=256)
        for _ in range(2):
            assert await children.order(fetch(tmp_path / "desk", f"{url}/face.png"), time_s=9) == {}
            assert (tmp_path / "desk" / "image").read_bytes() == b"png"
            (tmp_path / "desk" / "image").unlink()
        with pytest.raises(ChildFailed) as failed:
            await children.order(fetch(tmp_path / "desk", f"{url}/none"), time_s=9)
        assert failed.value.problem.code == "InvalidParameter.InputDownloadFailed"
        assert not failed.value.retry
        await children.close()

    with files_at(tmp_path) as url:
        asyncio.run(play(url))


def test_time_that_is_up_and_cancelling_both_kill(tmp_path: Path, silence: str) -> None:
    async def play() -> None:
        children = Children("fetch", memory_mib=256)
        await children.warm()
        first = pid_of(children)
        with pytest.raises(ChildFailed) as failed:
            await children.order(fetch(tmp_path, silence), time_s=0.2)
        assert failed.value.problem == problems.TIMEOUT
        assert not lives(first)
        await children.warm()
        second = pid_of(children)
        under_way = asyncio.create_task(children.order(fetch(tmp_path, silence), time_s=60))
        await asyncio.sleep(0.2)
        started = time.monotonic()
        under_way.cancel()
        with pytest.raises(asyncio.CancelledError):
            await under_way
        assert not lives(second)
        assert time.monotonic() - started < 2.0
        await children.close()

    asyncio.run(play())


def test_a_child_that_dies_is_told_and_replaced(tmp_path: Path, silence: str) -> None:
    async def play() -> None:
        children = Children("fetch", memory_mib=256)
        await children.warm()
        first = pid_of(children)
        under_way = asyncio.create_task(children.order(fetch(tmp_path, silence), time_s=60))
        await asyncio.sleep(0.2)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(ChildFailed) as failed:
            await under_way
        assert (failed.value.problem, failed.value.retry) == (problems.ALGO, True)
        await children.warm()
        assert pid_of(children) != first
        await children.close()

    asyncio.run(play())


def test_settings_are_none_of_a_childs_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTRAVOX_METRICS_TOKEN", "secret")

    async def play() -> bytes:
        children = Children("fetch", memory_mib=256)
        await children.warm()
        environment = Path(f"/proc/{pid_of(children)}/environ").read_bytes()
        await children.close()
        return environment

    environment = asyncio.run(play())
    assert b"PATH=" in environment
    assert b"PORTRAVOX" not in environment


def test_memory_has_a_limit_and_cores_are_not_written() -> None:
    async def play() -> str:
        children = Children("fetch", memory_mib=256)
        await children.warm()
        limits = Path(f"/proc/{pid_of(children)}/limits").read_text()
        await children.close()
        return limits

    limits = {line[:26].strip(): line[26:].split() for line in asyncio.run(play()).splitlines()}
    assert limits["Max data size"][:2] == [str(256 << 20)] * 2
    assert limits["Max core file size"][:2] == ["0", "0"]


PARENT = """
import asyncio
from portravox.service.children import Children
async def main():
    children = Children("fetch", memory_mib=256)
    await children.warm()
    print(children._child.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_no_child_outlives_a_server_that_was_killed() -> None:
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


def test_a_pool_does_several_orders_at_a_time_and_no_more(tmp_path: Path, silence: str) -> None:
    async def play() -> None:
        made: list[Children] = []

        def make() -> Children:
            made.append(Children("fetch", memory_mib=256))
            return made[-1]

        pool = Pool(make, at_once=3)
        orders = [
            asyncio.create_task(pool.order(fetch(tmp_path, silence), time_s=1.0)) for _ in range(5)
        ]
        failures = await asyncio.gather(*orders, return_exceptions=True)
        assert [type(failure) for failure in failures] == [ChildFailed] * 5
        assert 3 <= len(made) <= 5
        await pool.close()
        assert all(children._child is None for children in made)

    asyncio.run(play())
