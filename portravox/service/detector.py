"""Whether a picture will do, for callers who wait: what detect calls ask.

Flow      routes.detect -> Detector -> worker processes: one fetches the picture, another judges it

Fetching mostly waits, for as long as a stranger's server likes; judging takes a tenth of a second
and 300 MB. So there are several processes for the one and one for the other, and each key has its
share of all three: calls under way, fetching, judging
(docs/decisions/0019-shares-of-detect.md). Files that are not judged, but inspected or written
plainly, are read by a process of their own: the contract's call waits for none of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from portravox.inspection import Inspection
from portravox.labels.watermark_key import OFF, PUBLIC_KEY
from portravox.service import problems
from portravox.service.errors import UploadUnknown
from portravox.service.explanations import explained
from portravox.service.problems import Refusal
from portravox.service.tasks.queue import Json
from portravox.service.worker.fair import Shares
from portravox.service.worker.messages import (
    LIGHT_NAME,
    PLAIN_NAME,
    FetchDone,
    Formats,
    InputFile,
    InspectDone,
    InspectRequest,
    JudgeDone,
    JudgeRequest,
    PlainDone,
    PlainRequest,
)
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

    async def plain(self, file: InputFile, link: str, *, key: str, key_group: str) -> BinaryIO:
        """An upload of any kind that we read, as a WAV or a JPEG, which browsers open.

        link  an oss:// link; nothing is fetched from elsewhere

        Gives a file without a name, open: it is up to 128 MB, which nobody has to hold in memory.

        Raises Refusal as `judge`.
        """

    async def judge(self, image_url: str, *, key: str, key_group: str) -> Judgement:
        """Whether the picture shows a face that can be animated. Cancelling ends all work for it.

        key  of whose share this is: an API key, or who calls without one

        Raises Refusal for a picture that cannot be fetched or read or is beyond the limits, where
        no answer came in time, and where too many ask.
        """

    async def inspect(self, url: str, *, key: str, key_group: str) -> Inspection:
        """Which labels a file carries; likewise."""


class ProcessDetector:
    """A `Detector` with processes of its own, so that callers do not wait for videos."""

    def __init__(
        self,
        *,
        fetching: ProcessPool,
        judging: ProcessPool,
        opening: ProcessPool,
        scratch: ScratchSpace,
        picture_formats: Formats = "original",
        anchors_pem: str = "",
        watermark_key: str = OFF,
    ) -> None:
        """
        opening        reads files for `inspect` and `plain`: up to 100 MB, which may take a hundred
                       times as long as a picture that is judged
        anchors_pem    of authorities whose word on signers is taken
        watermark_key  of the operator's own, whose marks are looked for beside those of the public
                       key; here, since no process that opens a stranger's file may know it
        """
        self._fetching = fetching
        self._judging = judging
        self._opening = opening
        self._scratch = scratch
        self._picture_formats: Formats = picture_formats
        self._anchors_pem = anchors_pem
        self._watermark_key = "" if watermark_key in (OFF, PUBLIC_KEY) else watermark_key
        self._looking = asyncio.Semaphore(1)
        self._shares = Shares(AT_ONCE, per_key=PER_KEY)

    async def judge(self, image_url: str, *, key: str, key_group: str) -> Judgement:
        """See `Detector`."""
        async with self._call(key, self._judging) as folder:
            await self._fetch("image", image_url, folder, key, key_group)
            request = JudgeRequest(folder=str(folder), picture_formats=self._picture_formats)
            done = await self._judging.request(request, JudgeDone, key=key, time_s=JUDGE_TIME_S)
            return Judgement(passed=done.passed, detail=_detail(done))

    async def inspect(self, url: str, *, key: str, key_group: str) -> Inspection:
        """See `Detector`."""
        async with self._call(key, self._opening) as folder:
            await self._fetch("file", url, folder, key, key_group)
            request = InspectRequest(
                folder=str(folder),
                anchors_pem=self._anchors_pem,
                keeps_light=bool(self._watermark_key),
            )
            done = await self._opening.request(request, InspectDone, key=key, time_s=JUDGE_TIME_S)
            if not self._watermark_key:
                return done.inspection
            async with self._looking:
                return await asyncio.to_thread(
                    _with_own_watermark, done.inspection, folder / LIGHT_NAME, self._watermark_key
                )

    async def plain(self, file: InputFile, link: str, *, key: str, key_group: str) -> BinaryIO:
        """See `Detector`."""
        async with self._call(key, self._opening) as folder:
            await self._fetch(file, link, folder, key, key_group)
            request = PlainRequest(folder=str(folder), file=file)
            await self._opening.request(request, PlainDone, key=key, time_s=JUDGE_TIME_S)
            return (folder / PLAIN_NAME).open("rb")  # the server's own by now, and small to open

    async def close(self) -> None:
        """End the processes, whatever they do."""
        await self._fetching.close()
        await self._judging.close()
        await self._opening.close()

    @asynccontextmanager
    async def _call(self, key: str, reading: ProcessPool) -> AsyncIterator[Path]:
        """A scratch folder, within the key's share and one deadline. Raises Refusal."""
        with self._shares.enter(key) as has_room:
            if not has_room:
                raise Refusal(problems.CONCURRENCY)
            # From the first call on: many servers are never asked.
            self._fetching.keep_warm()
            reading.keep_warm()
            try:
                async with asyncio.timeout(DETECT_TIME_S), self._scratch.folder() as folder:
                    yield folder
            except TimeoutError as error:
                raise Refusal(problems.TIMEOUT) from error
            except UploadUnknown as error:
                raise Refusal(problems.DOWNLOAD_FAILED) from error
            except RequestFailed as error:
                raise Refusal(error.problem, explained(error.explanation)) from error

    async def _fetch(
        self, file: InputFile, url: str, folder: Path, key: str, key_group: str
    ) -> None:
        request = await self._scratch.fetch_request(file, url, folder, key_group=key_group)
        if request is not None:
            await self._fetching.request(request, FetchDone, key=key, time_s=DETECT_TIME_S)


def _with_own_watermark(found: Inspection, light: Path, key: str) -> Inspection:
    """The same with a watermark of the operator's own key, if there is one."""
    from portravox.inspection import with_watermark
    from portravox.labels.watermark_reading import loaded  # brings OpenCV in

    try:
        luma = loaded(light.read_bytes())
    except FileNotFoundError:  # there was no picture
        return found
    return with_watermark(found, luma, (key,))


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
        "face_reasons": list(done.face_codes),
    }
