"""Detect calls: fetched by one process, judged by another, refused when too many ask."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, TypeVar

import pytest

from portravox.service import problems
from portravox.service.detector import (
    FETCHERS,
    FETCHERS_PER_KEY,
    PER_KEY,
    Judgement,
    ProcessDetector,
)
from portravox.service.problems import Problem, Refusal
from portravox.service.worker.messages import (
    FetchDone,
    FetchRequest,
    InspectDone,
    InspectRequest,
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
from tests.service.worker.unstarted import UnstartedProcess

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
    face_codes=("ok",),
)


class Scripted(UnstartedProcess):
    """Answers as the test says, and remembers what it was asked."""

    def __init__(
        self,
        answer: FetchDone | JudgeDone | InspectDone | Problem,
        gate: asyncio.Event | None = None,
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


async def detector_of(
    folder: Path, fetch: Scripted, judge: Scripted, **more: str
) -> ProcessDetector:
    service = service_in(folder)
    await service.queue.close()
    scratch = ScratchSpace(root=folder / "work", uploaded=service.uploads.files, allow_nets="")
    fetching = ProcessPool(lambda: fetch, at_once=100, keep=1)
    judging = ProcessPool(lambda: judge, at_once=1, keep=1)
    return ProcessDetector(
        fetching=fetching,
        judging=judging,
        opening=judging,
        scratch=scratch,
        **more,  # type: ignore[arg-type]
    )


async def test_the_picture_is_fetched_then_judged_and_then_gone(tmp_path: Path) -> None:
    fetch, judge = Scripted(FETCHED), Scripted(JUDGED)
    detector = await detector_of(tmp_path, fetch, judge)
    judgement = await detector.judge("http://h/p.png", key="key 1", key_group="default")
    assert judgement.passed
    assert judgement.detail == {
        "reason": "ok",
        "explanation": "a face of 200 px was found",
        "hint": "",
        "notices": [],
        "width": 400,
        "height": 500,
        "faces": [[[1.0, 2.0], [3.0, 4.5]]],
        "face_count": 1,
        "face_reasons": ["ok"],
    }
    [fetched], [judged] = fetch.asked, judge.asked
    assert isinstance(fetched, FetchRequest) and isinstance(judged, JudgeRequest)
    assert (fetched.url, fetched.file) == ("http://h/p.png", "image")
    assert judged.folder == fetched.folder
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("problem", [problems.DOWNLOAD_FAILED, problems.TIMEOUT])
async def test_what_cannot_be_fetched_is_not_judged(tmp_path: Path, problem: Problem) -> None:
    judge = Scripted(JUDGED)
    detector = await detector_of(tmp_path, Scripted(problem), judge)
    with pytest.raises(Refusal) as refused:
        await detector.judge("http://h/p.png", key="key 1", key_group="default")
    assert refused.value.problem == problem
    assert judge.asked == []


async def test_uploads_that_are_none_are_downloads_that_failed(tmp_path: Path) -> None:
    detector = await detector_of(tmp_path, Scripted(FETCHED), Scripted(JUDGED))
    with pytest.raises(Refusal) as refused:
        await detector.judge("oss://dashscope-instant/a/b/c.png", key="key 1", key_group="default")
    assert refused.value.problem == problems.DOWNLOAD_FAILED


async def test_too_many_at_once_are_refused_and_the_next_are_not(tmp_path: Path) -> None:
    gate = asyncio.Event()
    detector = await detector_of(tmp_path, Scripted(FETCHED, gate), Scripted(JUDGED))
    calls = [
        asyncio.create_task(detector.judge("http://h/p", key="key 1", key_group="default"))
        for _ in range(PER_KEY + 3)
    ]
    await asyncio.sleep(0.05)
    gate.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    assert [refusal.problem for refusal in refused] == [problems.CONCURRENCY] * 3
    assert (await detector.judge("http://h/p", key="key 1", key_group="default")).passed


class Dripping(UnstartedProcess):
    """Fetches what comes from /drip for ever, and all else at once."""

    def __init__(self) -> None:
        super().__init__("fetch", memory_mib=256)

    async def request(
        self,
        request: Request,
        done: type[Any],
        *,
        time_s: float,
        on_stage: OnStage = ignore_stage,
    ) -> Any:
        assert isinstance(request, FetchRequest)
        if request.url.endswith("/drip"):
            await asyncio.Event().wait()
        return FETCHED


async def dripping_detector(
    folder: Path, judge: WorkerProcess, opens: WorkerProcess | None = None
) -> ProcessDetector:
    made = await detector_of(folder, Scripted(FETCHED), Scripted(JUDGED))
    return ProcessDetector(
        fetching=ProcessPool(Dripping, at_once=FETCHERS, per_key=FETCHERS_PER_KEY, keep=2),
        judging=ProcessPool(lambda: judge, at_once=1, keep=1),
        opening=ProcessPool(lambda: opens or judge, at_once=1, keep=1),
        scratch=made._scratch,
    )


T = TypeVar("T")


async def end(calls: list[asyncio.Task[T]]) -> list[T | BaseException]:
    for call in calls:
        call.cancel()
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_one_keys_slow_addresses_hold_up_no_other_key(tmp_path: Path) -> None:
    detector = await dripping_detector(tmp_path, Scripted(JUDGED))
    slow = [
        asyncio.create_task(detector.judge("http://h/drip", key="a", key_group="default"))
        for _ in range(64)
    ]
    await asyncio.sleep(0.1)
    refused = [call for call in slow if call.done()]
    assert len(refused) == 64 - PER_KEY
    for key in ("b", "c"):
        async with asyncio.timeout(1.0):
            assert (await detector.judge("http://h/p", key=key, key_group="default")).passed
    await end(slow)
    # And who went away took everything along.
    async with asyncio.timeout(1.0):
        assert (await detector.judge("http://h/p", key="a", key_group="default")).passed
    assert list((tmp_path / "work").iterdir()) == []


async def test_one_keys_many_pictures_are_judged_in_turns_with_those_of_others(
    tmp_path: Path,
) -> None:
    judged: list[str] = []

    class Slow(Scripted):
        async def request(self, request: Request, done: type[Any], **more: Any) -> Any:
            await asyncio.sleep(0.02)
            return await super().request(request, done, **more)

    async def call(detector: ProcessDetector, key: str) -> Judgement:
        judgement = await detector.judge("http://h/p", key=key, key_group="default")
        judged.append(key)
        return judgement

    detector = await dripping_detector(tmp_path, Slow(JUDGED))
    many = [asyncio.create_task(call(detector, "a")) for _ in range(PER_KEY)]
    await asyncio.sleep(0.01)
    await call(detector, "b")
    assert judged.index("b") <= 3
    await asyncio.gather(*many)


async def test_no_picture_waits_for_files_that_are_inspected_or_converted(tmp_path: Path) -> None:
    never = Scripted(JUDGED, gate=asyncio.Event())
    detector = await dripping_detector(tmp_path, Scripted(JUDGED), never)
    slow = [
        asyncio.create_task(detector.inspect("http://h/v", key="a", key_group="default")),
        asyncio.create_task(detector.inspect("http://h/w", key="a", key_group="default")),
    ]
    async with asyncio.timeout(5.0):
        while not never.asked:
            await asyncio.sleep(0.001)
        for key in "ab":
            judgement = await detector.judge("http://h/p", key=key, key_group="default")
            assert judgement.passed
    await end(slow)


async def test_one_deadline_holds_for_waiting_fetching_and_judging(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portravox.service.detector.DETECT_TIME_S", 0.2)
    detector = await dripping_detector(tmp_path, Scripted(JUDGED))
    async with asyncio.timeout(1.0):
        answers = await asyncio.gather(
            *(
                detector.judge("http://h/drip", key="a", key_group="default")
                for _ in range(FETCHERS_PER_KEY + 2)  # two of them wait in line
            ),
            return_exceptions=True,
        )
    assert all(isinstance(answer, Refusal) for answer in answers)
    assert {answer.problem for answer in answers if isinstance(answer, Refusal)} == {
        problems.TIMEOUT
    }


@pytest.mark.parametrize(("key", "kept"), [("off", False), ("a key of our own", True)])
async def test_no_process_is_told_the_operators_key(tmp_path: Path, key: str, kept: bool) -> None:
    done = InspectDone(number=1, file_kind="WAV", is_known=True, marks=())
    fetch, judge = Scripted(FETCHED), Scripted(done)
    detector = await detector_of(tmp_path, fetch, judge, watermark_key=key)
    found = await detector.inspect("http://h/v.wav", key="key 1", key_group="default")
    assert found == done.inspection  # nothing was left to look at
    [inspected] = judge.asked
    assert isinstance(inspected, InspectRequest) and inspected.keeps_light is kept
    assert key not in repr(inspected)


async def test_a_file_is_fetched_then_inspected_and_then_gone(tmp_path: Path) -> None:
    done = InspectDone(number=1, file_kind="MP4", is_known=True, marks=())
    fetch, judge = Scripted(FETCHED), Scripted(done)
    detector = await detector_of(tmp_path, fetch, judge)
    found = await detector.inspect("http://h/v.mp4", key="key 1", key_group="default")
    assert found == done.inspection
    [fetched], [inspected] = fetch.asked, judge.asked
    assert isinstance(fetched, FetchRequest) and isinstance(inspected, InspectRequest)
    assert (fetched.url, fetched.file) == ("http://h/v.mp4", "file")
    assert list((tmp_path / "work").iterdir()) == []
