"""Detect calls: fetched by one process, judged by another, refused when too many ask."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from portravox.service import problems
from portravox.service.detector import AT_ONCE, ProcessDetector
from portravox.service.problems import Problem, Refusal
from portravox.service.worker.messages import (
    FetchDone,
    FetchRequest,
    JudgeDone,
    JudgeRequest,
    Request,
)
from portravox.service.worker.process import (
    OnStage,
    ProcessPool,
    RequestFailed,
    WorkerProcess,
    ignore_stage,
)
from portravox.service.worker.scratch import ScratchSpace
from tests.service.conftest import service_in

FETCHED = FetchDone(number=1)
JUDGED = JudgeDone(
    number=1,
    passed=True,
    reason="ok",
    explanation="a face of 200 px was found",
    hint="",
    notices=(),
    width_px=400,
    height_px=500,
    faces=(((1.0, 2.0), (3.0, 4.5)),),
    face_count=1,
)


class Scripted(WorkerProcess):
    """Answers as the test says, and remembers what it was asked."""

    def __init__(
        self, answer: FetchDone | JudgeDone | Problem, gate: asyncio.Event | None = None
    ) -> None:
        super().__init__("judge", memory_mib=256)
        self.asked: list[Request] = []
        self._answer = answer
        self._gate = gate

    async def request(
        self,
        request: Request,
        done: type[Any],
        *,
        time_s: float,
        on_stage: OnStage = ignore_stage,
    ) -> Any:
        self.asked.append(request)
        if self._gate is not None:
            await self._gate.wait()
        if isinstance(self._answer, Problem):
            raise RequestFailed(self._answer, retry=False)
        return self._answer


async def detector_of(folder: Path, fetch: Scripted, judge: Scripted) -> ProcessDetector:
    service = service_in(folder)
    await service.queue.close()
    scratch = ScratchSpace(
        root=folder / "work", uploads=service.uploads, uploaded=service.videos, allow_nets=""
    )
    fetching = ProcessPool(lambda: fetch, at_once=100)
    return ProcessDetector(fetching=fetching, judging=judge, scratch=scratch)


def test_the_picture_is_fetched_then_judged_and_then_gone(tmp_path: Path) -> None:
    async def play() -> None:
        fetch, judge = Scripted(FETCHED), Scripted(JUDGED)
        detector = await detector_of(tmp_path, fetch, judge)
        judgement = await detector.judge("http://h/p.png", key_group="default")
        assert judgement.passed
        assert judgement.detail == {
            "reason": "ok",
            "explanation": "a face of 200 px was found",
            "hint": "",
            "notices": [],
            "width": 400,
            "height": 500,
            "faces": [[[1.0, 2.0], [3.0, 4.5]]],
        }
        [fetched], [judged] = fetch.asked, judge.asked
        assert isinstance(fetched, FetchRequest) and isinstance(judged, JudgeRequest)
        assert (fetched.url, fetched.file) == ("http://h/p.png", "image")
        assert judged.folder == fetched.folder
        assert list((tmp_path / "work").iterdir()) == []

    asyncio.run(play())


@pytest.mark.parametrize("problem", [problems.DOWNLOAD_FAILED, problems.TIMEOUT])
def test_what_cannot_be_fetched_is_not_judged(tmp_path: Path, problem: Problem) -> None:
    async def play() -> None:
        judge = Scripted(JUDGED)
        detector = await detector_of(tmp_path, Scripted(problem), judge)
        with pytest.raises(Refusal) as refused:
            await detector.judge("http://h/p.png", key_group="default")
        assert refused.value.problem == problem
        assert judge.asked == []

    asyncio.run(play())


def test_uploads_that_are_none_are_downloads_that_failed(tmp_path: Path) -> None:
    async def play() -> None:
        detector = await detector_of(tmp_path, Scripted(FETCHED), Scripted(JUDGED))
        with pytest.raises(Refusal) as refused:
            await detector.judge("oss://dashscope-instant/a/b/c.png", key_group="default")
        assert refused.value.problem == problems.DOWNLOAD_FAILED

    asyncio.run(play())


def test_too_many_at_once_are_refused_and_the_next_are_not(tmp_path: Path) -> None:
    async def play() -> None:
        gate = asyncio.Event()
        detector = await detector_of(tmp_path, Scripted(FETCHED, gate), Scripted(JUDGED))
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
