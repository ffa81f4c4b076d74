"""A process that reads for too long or falls silent is ended, and the next request is not."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from portravox.service import problems
from portravox.service.problems import Problem
from portravox.service.worker import process as limits
from portravox.service.worker.process import RequestFailed, processor_time_s
from tests.service.worker.test_odd_answers import rendered_s, talker

BUSY = """
import threading
for _ in range(2):  # of all threads together
    threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
time.sleep(60)
"""
STAGE = r"""say(b'{"kind":"stage","number":1,"stage":"%s","done":0.5,"frames":0,"pixels":0}\n')"""


@pytest.mark.parametrize(
    ("instead", "problem", "retry"),
    [
        (BUSY, problems.FILE_FORMAT, False),
        ("time.sleep(60)", problems.TIMEOUT, True),
        (STAGE % "read" + "; time.sleep(60)", problems.TIMEOUT, True),
        (STAGE % "render" + "; time.sleep(60)", problems.TIMEOUT, True),
    ],
    ids=["reads for long", "silent", "silent while it reads", "silent while it renders"],
)
async def test_what_takes_too_long_is_ended_and_the_next_request_gets_its_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instead: str, problem: Problem, retry: bool
) -> None:
    monkeypatch.setattr(limits, "LOOK_S", 0.05)
    monkeypatch.setattr(limits, "READ_CPU_S", 0.3)
    # Silence must not be what ends the busy one.
    monkeypatch.setattr(limits, "SILENCE_S", 20.0 if instead is BUSY else 0.4)
    monkeypatch.setattr(limits, "RENDER_SILENCE_S", 0.8)
    async with asyncio.timeout(20.0):
        process = talker(tmp_path, instead=instead)
        await process.warm()
        started = time.monotonic()
        with pytest.raises(RequestFailed) as failed:
            await rendered_s(process, 2.0)
        assert time.monotonic() - started < 5.0
        assert (failed.value.problem, failed.value.retry) == (problem, retry)
        assert await rendered_s(process, 3.0) == 3.0
        await process.close()


async def test_rendering_may_take_more_processor_time_than_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LOOK_S", 0.02)
    monkeypatch.setattr(limits, "READ_CPU_S", 0.2)
    work = "\nend = time.process_time() + 0.6\nwhile time.process_time() < end: pass\n"
    async with asyncio.timeout(20.0):
        process = talker(tmp_path, instead=STAGE % "face" + work + "rendered(number, 2.0)")
        assert await rendered_s(process, 2.0) == 2.0
        await process.close()


def test_processor_time_is_that_of_the_whole_process() -> None:
    import os

    before = processor_time_s(os.getpid())
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
    assert 0.25 <= processor_time_s(os.getpid()) - before < 2.0
    assert processor_time_s(2**22 + 1) == 0.0  # beyond the largest id there can be
