"""Readiness: what fails is told by name, and who asks never waits."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from portravox.service import health
from portravox.service.errors import QueueUnavailable, StorageFailed
from portravox.service.health import (
    Check,
    HealthProbe,
    Trouble,
    checks_of,
    disk_trouble,
    storage_trouble,
)
from portravox.service.routes import health as health_routes
from portravox.service.storage.local import LocalStorage
from portravox.service.worker.sandbox import Isolation

Playing = Callable[..., Any]
FULL = Trouble("disk_full", "1 MiB are free; wanted 256 at least")


async def healthy() -> Trouble | None:
    return None


async def full() -> Trouble | None:
    return FULL


async def broken() -> Trouble | None:
    raise RuntimeError("x")


async def endless() -> Trouble | None:
    await asyncio.Event().wait()
    return None


async def found_by(**checks: Check) -> tuple[Trouble, ...]:
    probe = HealthProbe()
    probe.start(checks)
    await asyncio.sleep(0.05)
    troubles = probe.troubles()
    await probe.stop()
    return troubles


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "ROUND_S", 0.01)
    monkeypatch.setattr(health, "STALE_S", 0.02)


@pytest.mark.usefixtures("quick")
async def test_each_thing_that_fails_is_told_by_its_name() -> None:
    assert await found_by(a=healthy) == ()
    assert await found_by(a=healthy, b=full) == (FULL,)
    assert [told.reason for told in await found_by(a=broken, b=full)] == ["a", "disk_full"]


@pytest.mark.usefixtures("quick")
async def test_a_look_that_does_not_end_is_trouble_and_holds_up_no_other() -> None:
    [told] = await found_by(stuck=endless, well=healthy)
    assert told.reason == "stuck" and told.message.startswith("no answer for")


@pytest.mark.usefixtures("quick")
async def test_what_works_again_is_ready_again() -> None:
    now: list[Trouble | None] = [FULL]

    async def changing() -> Trouble | None:
        return now[0]

    probe = HealthProbe()
    probe.start({"disk": changing})
    await asyncio.sleep(0.05)
    assert probe.troubles() == (FULL,)
    now[0] = None
    await asyncio.sleep(0.05)
    assert probe.troubles() == ()
    await probe.stop()


def test_a_disk_is_written_to_and_nothing_is_left(tmp_path: Path) -> None:
    assert disk_trouble(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=3 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    assert disk_trouble(tmp_path) == Trouble("disk_full", "3 MiB are free; wanted 256 at least")


@pytest.mark.parametrize(
    ("number", "reason"),
    [(28, "disk_full"), (122, "disk_full"), (5, "disk_failed"), (30, "disk_failed")],
)
def test_a_disk_that_takes_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    told = disk_trouble(tmp_path)
    assert told is not None and told.reason == reason
    assert str(tmp_path) not in told.message
    assert list(tmp_path.iterdir()) == []


def test_a_storage_is_written_to_and_nothing_is_left(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path, reserve_bytes=0)
    assert storage_trouble(storage) is None
    assert list(tmp_path.iterdir()) == []


def test_a_storage_that_takes_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, content: Any) -> None:
        raise StorageFailed(f"cannot store {name} in {tmp_path}")

    storage = LocalStorage(tmp_path)
    monkeypatch.setattr(storage, "put", refuse)
    assert storage_trouble(storage) == Trouble("storage_failed", "no video can be stored")


class Loop:
    """Of a worker, as the checks see it."""

    why: str | None = None

    def trouble(self) -> str | None:
        return self.why


@pytest.fixture
def loop() -> Iterator[Loop]:
    yield Loop()


async def test_readyz_tells_what_fails_and_never_waits(playing: Playing, loop: Any) -> None:
    async with playing() as server:
        service = server.service

        async def counts() -> Any:
            raise QueueUnavailable("/secret/tasks.db: damaged")

        checks = checks_of(
            folder=service.settings.data_dir,
            videos=service.videos,
            queue=service.queue,
            worker=loop,
        )
        assert [await check() for check in checks.values()] == [None] * 4
        loop.why = "the worker loop has ended"
        object.__setattr__(service.queue, "counts", counts)
        stuck = {**checks, "stuck": endless}
        service.health.start(stuck)
        await asyncio.sleep(0.3)
        started = time.perf_counter()
        answered = await server.client.get("/readyz")
        assert time.perf_counter() - started < 0.5  # a check that is stuck waits for ever
        assert answered.status_code == 503
        told = answered.json()
        assert (told["code"], told["status"]) == ("ModelUnavailable", "unavailable")
        assert told["reasons"] == [
            {"reason": "table_failed", "message": "the table of tasks cannot be read"},
            {"reason": "worker_failed", "message": "the worker loop has ended"},
        ]
        assert "secret" not in answered.text
        await service.health.stop()


async def test_readyz_says_how_far_worker_processes_are_isolated(
    playing: Playing, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def said(**settings: Any) -> dict[str, Any]:
        async with playing(**settings) as server:
            answered = await server.client.get("/readyz")
            assert answered.status_code == 200
            body: dict[str, Any] = answered.json()
            return body

    def offer(*, landlock_abi: int) -> None:
        offered = Isolation(landlock_abi=landlock_abi, has_seccomp=True)
        monkeypatch.setattr(health_routes, "offered", lambda: offered)

    offer(landlock_abi=7)
    told = await said()
    assert (told["isolation"], told.get("warnings")) == ("full", None)
    offer(landlock_abi=0)
    told = await said()
    assert told["isolation"] == "partial"
    assert [warning["reason"] for warning in told["warnings"]] == ["not_isolated"]
    assert (await said(sandbox="off"))["isolation"] == "off"
