"""The worker process: fetches, judges and renders files of strangers, with limits of its own.

Flow      process -> requests on stdin -> child: fetch, judge, render, talk -> events on stdout
          child_render makes videos, live_child and peer_child hold sessions

Run as `python -m portravox.service.worker.child ROLE MEMORY_MIB FOLDER SANDBOX PARENT`, the last
being the number of the process that reads it; `messages` says what goes in and out. It knows no
keys, no secrets and no table; `sandbox` takes from it what else its user could do, so that all that
is left is to write into its folder; and its parent may kill it at any moment. What a request does
not need is not imported: a process that fetches takes 30 MB and a tenth of a second to start.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import traceback
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from portravox.errors import (
    BackgroundUnfit,
    DeviceMemoryShort,
    FileUnfit,
    PictureTooLarge,
    VoiceTooLarge,
)
from portravox.model_files.required import forbid_fetching
from portravox.service.disk import DiskSpace
from portravox.service.errors import InputDownloadFailed, InputTooLarge
from portravox.service.explanations import told
from portravox.service.fetch.addresses import AddressPolicy
from portravox.service.fetch.download import download
from portravox.service.problems import failure_of
from portravox.service.worker import sandbox
from portravox.service.worker.messages import (
    LIGHT_NAME,
    MAX_FACES_COUNTED,
    MAX_FACES_TOLD,
    MAX_INSPECTED_BYTES,
    OPENED,
    PLAIN_NAME,
    Done,
    Event,
    Failed,
    FetchDone,
    FetchRequest,
    InspectDone,
    InspectRequest,
    JoinRequest,
    JudgeDone,
    JudgeRequest,
    LiveRequest,
    PartDone,
    PartRequest,
    PeerRequest,
    PlainDone,
    PlainRequest,
    PlanDone,
    PlanRequest,
    Ready,
    RenderDone,
    RenderRequest,
    Request,
    StageReached,
    decode_request,
    encode,
)
from portravox.service.worker.seccomp import ROLES, Role

if TYPE_CHECKING:
    from portravox.engines.base import Engine
    from portravox.service.worker.peer_network import PeerLoop

WARM_UP_PX = 256
WARM_UP_S = 0.2
"""The first video a child draws is so small and short: what counts is that all code ran."""

WARM_UP_FRAMES = 4

MAX_PLAIN_S = 600.0
"""Of a recording that is written plainly, to be cut in the page: 115 MB at most. Our choice."""

MAX_PLAIN_BYTES = 15 * 1024 * 1024
"""Of its file: what a recording of a task may have."""

MAX_PLAIN_RATIO = 10.0
"""Of a picture that is, to be cropped in the page. Our choice: the tallest screenshots."""

_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


def main() -> None:
    """Warm up, say so, then carry out requests until stdin ends."""
    # Libraries print to stdout; what the parent reads is out of their reach.
    events = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    named, memory_mib, folder, mode, parent = sys.argv[1:]
    role = next(known for known in ROLES if known == named)
    _limit(int(memory_mib), int(parent))
    if mode != "off":
        sandbox.close_files(role, Path(folder))  # before there are threads
    _warm_up(role)
    if mode != "off":
        sandbox.close_calls(role)
    _send(events, Ready())
    for line in sys.stdin.buffer:
        request = decode_request(line)
        if isinstance(request, LiveRequest):
            from portravox.service.worker.live_child import hold

            hold(request, sys.stdin.buffer, events, _engine)
            return
        if isinstance(request, PeerRequest):
            from portravox.service.worker import peer_child

            peer_child.hold(request, events, _peer_loop())
            return
        _carry_out(request, events)


def _limit(memory_mib: int, parent: int) -> None:
    """Bound what this process may take, and its life to that of its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:  # it died before that
        raise SystemExit
    memory_bytes = memory_mib * 1024 * 1024
    # Data and not address space: networks map far more than they touch.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _warm_up(role: Role) -> None:
    """Do now what the first request of this role would wait for."""
    forbid_fetching()  # the server did, and this process may have no network
    if role == "peer":
        _peer_loop()
    elif role != "fetch":
        _warm_up_to_judge()
    if role in ("render", "live"):
        _warm_up_to_render()
    if role == "live":
        _warm_up_to_live()


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
    import portravox.service.worker.child_render  # noqa: F401 - loads the codecs, too
    from portravox.demo import VOICE, demo_portrait_if_here
    from portravox.engines.embedded import EmbeddedEngine
    from portravox.media.picture_file import read_picture
    from portravox.media.voice_file import read_voice
    from portravox.media.waveform import Waveform
    from portravox.options import Direction

    voice = read_voice(VOICE)
    beginning = Waveform(voice.samples[: int(WARM_UP_S * voice.rate_hz)], voice.rate_hz)
    portrait = demo_portrait_if_here()
    for name in filter(None, os.environ.get(OPENED, "").split(",")):
        _engine(name)
    if portrait is not None:
        avatar = EmbeddedEngine().register(read_picture(portrait, max_side_px=WARM_UP_PX))
        for _ in avatar.speak(beginning, Direction()):
            pass


def _warm_up_to_live() -> None:
    """Hear and show a little, if the demo's portrait is there: a session loads other code than a
    video."""
    import numpy as np

    from portravox.demo import demo_portrait_if_here
    from portravox.live_stream import LiveStream
    from portravox.media.picture_file import read_picture
    from portravox.options import Direction

    portrait = demo_portrait_if_here()
    if portrait is None:
        return
    avatar = _engine("embedded").register(read_picture(portrait, max_side_px=WARM_UP_PX))
    with avatar.open(Direction()) as session:
        stream = LiveStream(session)
        session.push(np.zeros(16_000, np.int16), 16_000)
        for _ in range(WARM_UP_FRAMES):
            stream.next()


@cache
def _peer_loop() -> PeerLoop:
    """What a peer process does its work in, made before it gives up what that takes."""
    from portravox.service.worker.peer_child import warm_up

    return warm_up()


@cache
def _engine(name: str) -> Engine:
    """An engine, opened once: its networks stay where they are for the next video."""
    from portravox.engines.registry import open_engine

    return open_engine(name)


def _carry_out(request: Request, events: BinaryIO) -> None:
    """One request, and one event with what came of it."""
    event: Event
    try:
        event = _done(request, events)
    except Exception as error:  # whatever it is, the server has to know of it
        problem = failure_of(error)
        reason, explanation = told(error)
        if problem.status >= 500:
            traceback.print_exc()
        event = Failed(
            number=request.number,
            status=problem.status,
            code=problem.code,
            message=problem.message,
            # Another attempt has another process, with all its memory before it.
            retry=isinstance(error, (MemoryError, OSError, DeviceMemoryShort)),
            reason=reason,
            explanation=explanation,
        )
    _send(events, event)


def _done(request: Request, events: BinaryIO) -> Done:
    match request:
        case FetchRequest():
            return _fetched(request)
        case JudgeRequest():
            return _judged(request)
        case InspectRequest():
            return _inspected(request)
        case PlainRequest():
            return _written_plainly(request)
        case RenderRequest() | PlanRequest() | PartRequest() | JoinRequest():
            return _made(request, events)


def _made(
    request: RenderRequest | PlanRequest | PartRequest | JoinRequest, events: BinaryIO
) -> RenderDone | PlanDone | PartDone:
    from portravox.service.worker import child_render

    def say(event: StageReached) -> None:
        _send(events, event)

    match request:
        case RenderRequest():
            return child_render.rendered(request, say, _engine)
        case PlanRequest():
            return child_render.planned(request, say, _engine)
        case PartRequest():
            return child_render.part_made(request, say, _engine)
        case JoinRequest():
            return child_render.joined(request, say)


def _fetched(request: FetchRequest) -> FetchDone:
    """Fetch a file, whose name in the folder says which of the two it is."""
    from portravox.media.picture_file import PictureLimits
    from portravox.media.voice_file import VoiceLimits

    max_bytes = {
        "image": PictureLimits.service().max_bytes,
        "audio": VoiceLimits.service(max_s=request.max_voice_s).max_bytes,
        "background": PictureLimits.service().max_bytes,
        "file": MAX_INSPECTED_BYTES,
    }[request.file]
    try:
        download(
            request.url,
            Path(request.folder) / request.file,
            max_bytes=max_bytes,
            policy=AddressPolicy.allowing(request.allow_nets, ports=request.allow_ports),
        )
    except InputTooLarge as error:
        if request.file == "file":
            raise FileUnfit(f"the file has {error}") from error
        kinds = {"audio": VoiceTooLarge, "background": BackgroundUnfit}
        kind = kinds.get(request.file, PictureTooLarge)
        raise kind(f"the file has {error.reason}") from error
    except InputDownloadFailed as error:
        if request.allow_nets or request.allow_ports:
            error.told = ""  # what answered may have been a server of the operator's own
        raise
    return FetchDone(number=request.number)


def _judged(request: JudgeRequest) -> JudgeDone:
    from portravox.face.outlines import OVAL
    from portravox.face.verdict import judge
    from portravox.media.picture_file import PictureLimits, read_picture

    picture = read_picture(
        Path(request.folder) / "image", PictureLimits.service(request.picture_formats)
    )
    verdict = judge(picture)
    height_px, width_px, _ = picture.pixels.shape
    outlines = (
        face.landmarks[list(OVAL), :2].astype(float).round(1).tolist()
        for face in verdict.faces[:MAX_FACES_TOLD]
    )
    return JudgeDone(
        number=request.number,
        passed=verdict.passed,
        reason=verdict.code,
        explanation=verdict.message,
        hint=verdict.hint,
        notices=(*picture.notices, *verdict.notices),
        width_px=width_px,
        height_px=height_px,
        faces=tuple(tuple((x, y) for x, y in outline) for outline in outlines),
        face_count=min(len(verdict.faces), MAX_FACES_COUNTED),
        face_codes=verdict.codes[:MAX_FACES_TOLD],
    )


def _inspected(request: InspectRequest) -> InspectDone:
    from portravox.inspection import inspect, with_watermark
    from portravox.labels.watermark_key import PUBLIC_KEY
    from portravox.labels.watermark_reading import stored
    from portravox.media.files import read_bytes
    from portravox.media.mean_luma import mean_luma

    file = Path(request.folder) / "file"
    content = read_bytes(file, MAX_INSPECTED_BYTES, empty=FileUnfit, too_large=FileUnfit)
    luma = mean_luma(file, content)
    if request.keeps_light and luma is not None:
        (file.parent / LIGHT_NAME).write_bytes(stored(luma))
    found = with_watermark(inspect(content, anchors_pem=request.anchors_pem), luma, (PUBLIC_KEY,))
    return InspectDone(
        number=request.number, file_kind=found.kind, is_known=found.is_known, marks=found.marks
    )


def _written_plainly(request: PlainRequest) -> PlainDone:
    """A file that a browser could not open, as one that it can."""
    from portravox.media import plain_files
    from portravox.media.picture_file import PictureLimits, read_picture
    from portravox.media.voice_file import VoiceLimits, read_voice

    folder = Path(request.folder)
    if request.file == "image":
        picture = read_picture(folder / "image", PictureLimits(max_ratio=MAX_PLAIN_RATIO))
        DiskSpace().require(folder, picture.pixels.nbytes)
        plain_files.write_jpeg(folder / PLAIN_NAME, picture.pixels)
    else:
        voice = read_voice(
            folder / "audio", VoiceLimits(max_bytes=MAX_PLAIN_BYTES, max_s=MAX_PLAIN_S)
        )
        voice = plain_files.at_most_48_khz(voice)
        DiskSpace().require(folder, voice.samples.nbytes)
        plain_files.write_wav(folder / PLAIN_NAME, voice)
    return PlainDone(number=request.number)


def _send(events: BinaryIO, event: Event) -> None:
    events.write(encode(event))
    events.flush()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):  # the parent is gone
        main()
