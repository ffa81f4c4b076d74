"""The process in which files of strangers are fetched and decoded, with limits of its own.

Flow      children -> orders on stdin -> child: fetch, check, judge or render -> news on stdout

Run as `python -m portravox.service.child ROLE MEMORY_MIB`. Orders and news are lines of JSON. The
child knows no keys, no secrets and no table; all it can do is to write into the folder it is told,
and its parent may kill it at any moment. What an order does not need is not imported: a child that
fetches takes 30 MB and a tenth of a second to start.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from portravox.errors import (
    FileMissing,
    InputTooLarge,
    PictureTooLarge,
    VoiceTooLarge,
)
from portravox.service.fetch.addresses import AddressPolicy
from portravox.service.fetch.download import download
from portravox.service.problems import failure_of

if TYPE_CHECKING:
    from portravox.media.planes import Planes
    from portravox.pipeline import Progress

NEWS_APART_S = 0.2
"""Progress is told at most so often."""

PREVIEWS_APART_S = 1.0
"""Once in so long a frame is shown; it takes 5 ms. Our choice."""

WARM_UP_PX = 256
WARM_UP_S = 0.2
"""The first video a child draws is so small and short: what counts is that all code ran."""

_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


def main() -> None:
    """Warm up, say so, then carry out orders until stdin ends."""
    # Libraries print to stdout; what the parent reads is out of their reach.
    news = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    role, memory_mib = sys.argv[1:]
    _limit(int(memory_mib))
    if role != "fetch":
        _warm_up_to_judge()
    if role == "render":
        _warm_up_to_render()
    _tell(news, {"ready": True})
    for line in sys.stdin:
        _carry_out(json.loads(line), news)


def _limit(memory_mib: int) -> None:
    """Bound what this process may take, and its life to that of its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    memory_bytes = memory_mib * 1024 * 1024
    # Data and not address space: networks map far more than they touch.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _warm_up_to_judge() -> None:
    """Load now what the first picture would wait for: every network that looks at one."""
    import numpy as np

    from portravox.face import models
    from portravox.face.verdict import judge
    from portravox.media.picture import Picture

    nothing = np.zeros((models.MESH_CROP_PX, models.MESH_CROP_PX, 3), np.uint8)
    judge(Picture(nothing))
    models.fit_mesh(nothing)
    models.segment_person(nothing)
    models.find_hands(nothing)


def _warm_up_to_render() -> None:
    """Do now what the first video would wait for: draw a little of the demo's, if it is there.

    Loops that paint are loaded so, and on a new machine compiled, which takes some 15 s.
    """
    import portravox.media.encode  # noqa: F401 - loads the codecs
    from portravox.demo import VOICE, demo_portrait
    from portravox.engines.embedded import EmbeddedEngine
    from portravox.media.picture_file import read_picture
    from portravox.media.voice_file import read_voice
    from portravox.media.waveform import Waveform
    from portravox.options import Direction

    voice = read_voice(VOICE)
    beginning = Waveform(voice.samples[: int(WARM_UP_S * voice.rate_hz)], voice.rate_hz)
    with contextlib.suppress(FileMissing):
        avatar = EmbeddedEngine().register(read_picture(demo_portrait(), max_side_px=WARM_UP_PX))
        for _ in avatar.speak(beginning, Direction()):
            pass


def _carry_out(order: Mapping[str, Any], news: TextIO) -> None:
    """One order, and one line with what came of it."""
    try:
        match order["do"]:
            case "fetch":
                _picture_file(order)
                done: dict[str, Any] = {}
            case "judge":
                done = _judged(order)
            case _:
                done = {"duration_s": _render(order, news)}
        _tell(news, {"done": done})
    except Exception as error:  # whatever it is, the server has to hear of it
        problem = failure_of(error)
        if problem.status >= 500:
            traceback.print_exc()
        told = {"code": problem.code, "message": problem.message, "status": problem.status}
        # Another attempt has another child, with all its memory before it.
        _tell(news, {"failed": {**told, "retry": isinstance(error, (MemoryError, OSError))}})


def _judged(order: Mapping[str, Any]) -> dict[str, Any]:
    """What `service.detector` calls a Judgement."""
    from portravox.face.outlines import OVAL
    from portravox.face.verdict import judge
    from portravox.media.picture_file import PictureLimits, read_picture

    picture = read_picture(_picture_file(order), PictureLimits.service())
    verdict = judge(picture)
    height_px, width_px, _ = picture.pixels.shape
    detail = {
        "reason": verdict.code,
        "explanation": verdict.message,
        "hint": verdict.hint,
        "notices": [*picture.notices, *verdict.notices],
        "width": width_px,
        "height": height_px,
        "faces": [face.landmarks[list(OVAL), :2].round(1).tolist() for face in verdict.faces],
    }
    return {"passed": verdict.passed, "detail": detail}


def _render(order: Mapping[str, Any], news: TextIO) -> float:
    """Fetch both files, check the picture by the service's limits and make the video."""
    from portravox.media.picture_file import PictureLimits, read_picture
    from portravox.pipeline import animate

    _tell(news, {"stage": "download", "progress": 0.0})
    picture, voice = _picture_file(order), _voice_file(order)
    _tell(news, {"stage": "read", "progress": 0.0})
    read_picture(picture, PictureLimits.service())
    last_told = ("", 0.0)

    def tell(progress: Progress) -> None:
        nonlocal last_told
        now = time.monotonic()
        if progress.stage != last_told[0] or now - last_told[1] >= NEWS_APART_S:
            last_told = (progress.stage, now)
            _tell(news, {"stage": progress.stage, "progress": progress.done})

    result = animate(
        picture,
        voice,
        Path(order["output"]),
        on_progress=tell,
        on_frame=_Previewer(Path(order["preview"])),
        **order["parameters"],
    )
    return result.duration_s


class _Previewer:
    """Keeps a picture of the latest frame in a file, now and then."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._next = 0.0

    def __call__(self, frame: Planes) -> None:
        from portravox.media.preview import preview_jpeg

        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PREVIEWS_APART_S
        part = self._file.with_suffix(".part")
        with contextlib.suppress(OSError):  # no video fails for want of a preview
            part.write_bytes(preview_jpeg(frame))
            part.replace(self._file)  # whole, for who reads it meanwhile


def _picture_file(order: Mapping[str, Any]) -> Path:
    from portravox.media.picture_file import PictureLimits

    limit = PictureLimits.service().max_bytes
    try:
        return _fetched(order, "image", limit)
    except InputTooLarge as error:
        raise PictureTooLarge(str(error)) from error


def _voice_file(order: Mapping[str, Any]) -> Path:
    from portravox.media.voice_file import VoiceLimits

    try:
        return _fetched(order, "audio", VoiceLimits().max_bytes)
    except InputTooLarge as error:
        raise VoiceTooLarge(str(error)) from error


def _fetched(order: Mapping[str, Any], what: str, max_bytes: int) -> Path:
    """The file of that name in the order's folder; what was uploaded lies there already."""
    file = Path(order["folder"]) / what
    address = order[what]
    if address is not None:
        policy = AddressPolicy.allowing(order["allow_nets"])
        download(address, file, max_bytes=max_bytes, policy=policy)
    return file


def _tell(news: TextIO, line: Mapping[str, Any]) -> None:
    news.write(json.dumps(line) + "\n")
    news.flush()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):  # the parent is gone
        main()
