"""Detect calls: fetched by one child, judged by another, refused when too many ask."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from portravox.service import problems
from portravox.service.children import ChildFailed, Children, OnStage, Pool, Workplace
from portravox.service.detector import AT_ONCE, ChildDetector
from portravox.service.problems import Problem, Refusal
from tests.service.conftest import service_in


class Told(Children):
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self, answer: dict[str, Any] | Problem, gate: asyncio.Event | None = None) -> None:
        super().__init__("judge", memory_mib=256)
        self.asked: list[dict[str, Any]] = []
        self._answer = answer
        self._gate = gate

    async def order(
        self,
        order: dict[str, Any],
        *,
        time_s: float,
        on_stage: OnStage = lambda stage, done: None,
    ) -> dict[str, Any]:
        self.asked.append(order)
        if self._gate is not None:
            await self._gate.wait()
        if isinstance(self._answer, Problem):
            raise ChildFailed(self._answer, retry=False)
        return self._answer


SEEN = {"passed": True, "detail": {"reason": "ok"}}


async def detector_of(folder: Path, fetch: Told, judge: Told) -> ChildDetector:
    service = service_in(folder)
    await service.queue.close()
    workplace = Workplace(
        folder=folder / "work", uploads=service.uploads, uploaded=service.videos, allow_nets=""
    )
    fetching = Pool(lambda: fetch, at_once=100)
    return ChildDetector(fetching=fetching, judging=judge, workplace=workplace)


def test_the_picture_is_fetched_then_judged_and_then_gone(tmp_path: Path) -> None:
    async def play() -> None:
        fetch, judge = Told({}), Told(SEEN)
        detector = await detector_of(tmp_path, fetch, judge)
        assert (await detector.judge("http://h/p.png", key_group="default")).passed
        assert [order["image"] for order in fetch.asked] == ["http://h/p.png"]
        [judged] = judge.asked
        assert judged["image"] is None
        assert judged["folder"] == fetch.asked[0]["folder"]
        assert list((tmp_path / "work").iterdir()) == []

    asyncio.run(play())


@pytest.mark.parametrize("problem", [problems.DOWNLOAD_FAILED, problems.TIMEOUT])
def test_what_cannot_be_fetched_is_not_judged(tmp_path: Path, problem: Problem) -> None:
    async def play() -> None:
        judge = Told(SEEN)
        detector = await detector_of(tmp_path, Told(problem), judge)
        with pytest.raises(Refusal) as refused:
            await detector.judge("http://h/p.png", key_group="default")
        assert refused.value.problem == problem
        assert judge.asked == []

    asyncio.run(play())


def test_uploads_that_are_none_are_downloads_that_failed(tmp_path: Path) -> None:
    async def play() -> None:
        detector = await detector_of(tmp_path, Told({}), Told(SEEN))
        with pytest.raises(Refusal) as refused:
            await detector.judge("oss://dashscope-instant/a/b/c.png", key_group="default")
        assert refused.value.problem == problems.DOWNLOAD_FAILED

    asyncio.run(play())


def test_too_many_at_once_are_refused_and_the_next_are_not(tmp_path: Path) -> None:
    async def play() -> None:
        gate = asyncio.Event()
        detector = await detector_of(tmp_path, Told({}, gate), Told(SEEN))
        calls = [
            asyncio.create_task(detector.judge("http://h/p", key_group="default"))
            for _ in range(AT_ONCE + 3)
        ]
        await asyncio.sleep(0.05)
        gate.set()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, Refusal)]
        assert [refusal.problem for refusal in refused] == [problems.CONCURRENCY] * 3
        assert (await detector.judge("http://h/p", key_group="default")).passed

    asyncio.run(play())
