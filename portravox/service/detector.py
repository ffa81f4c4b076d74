"""Whether a picture will do, for callers who wait: what detect calls ask.

Flow      routes.detect -> Detector -> worker processes: one fetches the picture, another judges it

Fetching mostly waits, for as long as a stranger's server likes; judging takes a tenth of a second
and 300 MB. So there are several processes for the one and one for the other, and each key has its
share of all three: calls under way, fetching, judging
(docs/decisions/0019-shares-of-detect.md).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from portravox.errors import UploadUnknown
from portravox.service import problems
from portravox.service.problems import Refusal
from portravox.service.tasks.queue import Json
from portravox.service.worker.fair import Shares
from portravox.service.worker.messages import FetchDone, JudgeDone, JudgeRequest
from portravox.service.worker.process import ProcessPool, RequestFailed
from portravox.service.worker.scratch import ScratchSpace

DETECT_TIME_S = 60.0
"""How long a call may take, with all its waiting: the fetcher's own limit for a file."""

JUDGE_TIME_S = 20.0
"""How long judging may take. A picture of 4096 px takes 0.5 s; our choice."""

AT_ONCE = 256
PER_KEY = 16
"""Detect calls that may be under way, waiting ones included: of all keys, and of one. Our choice:
one key's take two seconds of judging."""

FETCHERS = 16
FETCHERS_PER_KEY = 2
"""Pictures that are fetched for detect calls at the same time. Our choice: seven keys with
addresses that give a byte a second leave room for an eighth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What became of a picture that could be read."""

    passed: bool

    detail: dict[str, Json]
    """Why, where the faces are, and what would help: ours, beyond the contract."""


class Detector(Protocol):
    """Looks at pictures of strangers, elsewhere than in the server's own process."""

    async def judge(self, image_url: str, *, key: str, key_group: str) -> Judgement:
        """Whether the picture shows a face that can be animated. Cancelling ends all work for it.

        key  of whose share this is: an API key, or who calls without one

        Raises Refusal for a picture that cannot be fetched or read or is beyond the limits, where
        no answer came in time, and where too many ask.
        """


class ProcessDetector:
    """A `Detector` with processes of its own, so that callers do not wait for videos."""

    def __init__(
        self, *, fetching: ProcessPool, judging: ProcessPool, scratch: ScratchSpace
    ) -> None:
        self._fetching = fetching
        self._judging = judging
        self._scratch = scratch
        self._shares = Shares(AT_ONCE, per_key=PER_KEY)

    async def judge(self, image_url: str, *, key: str, key_group: str) -> Judgement:
        """See `Detector`."""
        with self._shares.enter(key) as has_room:
            if not has_room:
                raise Refusal(problems.CONCURRENCY)
            # From the first call on: many servers are never asked.
            self._fetching.keep_warm()
            self._judging.keep_warm()
            try:
                async with asyncio.timeout(DETECT_TIME_S):
                    return await self._judged(image_url, key, key_group)
            except TimeoutError as error:
                raise Refusal(problems.TIMEOUT) from error
            except UploadUnknown as error:
                raise Refusal(problems.DOWNLOAD_FAILED) from error
            except RequestFailed as error:
                raise Refusal(error.problem) from error

    async def close(self) -> None:
        """End the processes, whatever they do."""
        await self._fetching.close()
        await self._judging.close()

    async def _judged(self, image_url: str, key: str, key_group: str) -> Judgement:
        async with self._scratch.folder() as folder:
            fetch = await self._scratch.fetch_request(
                "image", image_url, folder, key_group=key_group
            )
            if fetch is not None:
                await self._fetching.request(fetch, FetchDone, key=key, time_s=DETECT_TIME_S)
            done = await self._judging.request(
                JudgeRequest(folder=str(folder)), JudgeDone, key=key, time_s=JUDGE_TIME_S
            )
        return Judgement(passed=done.passed, detail=_detail(done))


def _detail(done: JudgeDone) -> dict[str, Json]:
    return {
        "reason": done.reason,
        "explanation": done.explanation,
        "hint": done.hint,
        "notices": list(done.notices),
        "width": done.width_px,
        "height": done.height_px,
        "faces": [[[x, y] for x, y in outline] for outline in done.faces],
        "face_count": done.face_count,
    }
