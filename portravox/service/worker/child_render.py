"""Videos in the worker process: whole ones, and long ones in parts.

Flow      child -> child_render: pipeline, parts -> files in the request's folder

A part needs the picture made ready, which takes longer than anything else about it: the process
keeps the last one, for the next part of the same video.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from portravox.atomic_file import writing
from portravox.captions.fonts import FontFile, OpenFont, opened_font
from portravox.clock import frame_count
from portravox.errors import EncodingFailed
from portravox.labels.watermark import Watermark
from portravox.labels.watermark_key import OFF
from portravox.media.picture_file import PictureLimits
from portravox.media.voice_file import VoiceLimits
from portravox.options import JobOptions, is_address
from portravox.parts import Person, join_video, plan_video, render_part, stored_plan
from portravox.pipeline import (
    Inputs,
    animate_inputs,
    burned_captions,
    read_background,
    read_inputs,
    read_picture_of,
    read_sound,
    write_captions,
)
from portravox.service.disk import DiskSpace
from portravox.service.errors import StorageFailed
from portravox.service.worker.messages import (
    CAPTIONS_NAME,
    FONT_NAME,
    NO_FONT,
    PART_NAME,
    PLAN_NAME,
    PREVIEW_NAME,
    STREAM_NAME,
    VIDEO_NAME,
    JoinRequest,
    PartDone,
    PartRequest,
    PlanDone,
    PlanRequest,
    RenderDone,
    RenderRequest,
    StageReached,
    part_name,
)
from portravox.service.worker.words import readings_in, words_in

if TYPE_CHECKING:
    from portravox.engines.base import Engine
    from portravox.media.encode import Seal
    from portravox.media.picture import Picture
    from portravox.media.planes import Planes
    from portravox.pipeline import Progress

EVENTS_APART_S = 0.2
"""Progress is told at most so often."""

PREVIEWS_APART_S = 1.0
"""Once in so long a frame is shown; it takes 5 ms. Our choice."""

Say = Callable[[StageReached], None]
OpenEngine = Callable[[str], "Engine"]


def rendered(request: RenderRequest, say: Say, open_engine: OpenEngine) -> RenderDone:
    """Check the files by the service's limits and make the video."""
    _kept.clear()
    folder = Path(request.folder)
    options = _options(request)
    say(StageReached(number=request.number, stage="read", done=0.0))
    inputs = read_inputs(
        folder / "image",
        folder / "audio",
        options,
        picture_limits=PictureLimits.service(request.picture_formats),
        voice_limits=VoiceLimits.service(request.voice_formats, request.max_voice_s),
        transcript=words_in(folder, options.transcript, options.language, spoken=options.text),
        may_read_text=False,
        background=folder / "background" if is_address(options.background) else None,
    )
    stream = _StreamFile(folder / STREAM_NAME) if request.may_be_watched else None
    font = _captions_font(request, options)
    burned, _ = burned_captions(inputs.voice, options, font, readings=readings_in(folder))
    result = animate_inputs(
        inputs,
        folder / VIDEO_NAME,
        options,
        burned=burned,
        engine=open_engine(options.engine),
        producer=request.producer,
        task_id=request.task_id,
        watermark=_mark(request) or OFF,
        on_progress=_Teller(request.number, say),
        on_frame=_Previewer(folder / PREVIEW_NAME, options),
        on_fragment=None if stream is None else stream.write,
        seal=_manifest_of(request),
    )
    _write_captions(inputs, options, folder)
    return RenderDone(
        number=request.number,
        duration_s=result.duration_s,
        streamed=stream is not None and stream.is_whole,
    )


def planned(request: PlanRequest, say: Say, open_engine: OpenEngine) -> PlanDone:
    """Check the files by the service's limits and plan the video, if it is long enough."""
    _kept.clear()
    folder = Path(request.folder)
    options = _options(request)
    say(StageReached(number=request.number, stage="read", done=0.0))
    limits = VoiceLimits.service(request.voice_formats, request.max_voice_s)
    voice = read_sound(folder / "audio", options, limits)
    duration_s = frame_count(voice.duration_s, options.video_fps) / options.video_fps
    if duration_s <= request.longer_than_s:
        return PlanDone(number=request.number, frames=0, duration_s=duration_s)
    picture, backdrop = _pictures(request, options)
    inputs = Inputs(
        picture=picture,
        backdrop=backdrop,
        voice=voice,
        transcript=words_in(folder, options.transcript, options.language, spoken=options.text),
    )
    plan, person = plan_video(
        inputs,
        options,
        engine=open_engine(options.engine),
        task_id=request.task_id,
        on_progress=_Teller(request.number, say),
    )
    _write_captions(inputs, options, folder)
    (folder / PLAN_NAME).write_bytes(plan.stored())
    _kept[_key_of(request)] = person
    return PlanDone(number=request.number, frames=len(plan.track), duration_s=duration_s)


def part_made(request: PartRequest, say: Say, open_engine: OpenEngine) -> PartDone:
    """Draw and encode a part of a plan."""
    folder = Path(request.folder)
    options = _options(request)
    say(StageReached(number=request.number, stage="read", done=0.0))
    plan = stored_plan((folder / PLAN_NAME).read_bytes())
    key = _key_of(request)
    if key not in _kept:
        _kept.clear()
        picture, backdrop = _pictures(request, options)
        say(StageReached(number=request.number, stage="face", done=0.0))
        engine = open_engine(options.engine)
        _kept[key] = Person.of(picture, options, backdrop, engine=engine)
    say(StageReached(number=request.number, stage="render", done=0.0))
    render_part(
        _kept[key],
        plan,
        options,
        folder / PART_NAME,
        range(request.first, request.stop),
        producer=request.producer,
        watermark=_mark(request),
        on_progress=_Teller(request.number, say),
        on_frame=_Previewer(folder / PREVIEW_NAME, options),
    )
    return PartDone(number=request.number)


def joined(request: JoinRequest, say: Say) -> RenderDone:
    """Make one video of its parts and the sound."""
    _kept.clear()
    folder = Path(request.folder)
    say(StageReached(number=request.number, stage="read", done=0.0))
    plan = stored_plan((folder / PLAN_NAME).read_bytes())
    limits = VoiceLimits.service(request.voice_formats, request.max_voice_s)
    voice = read_sound(folder / "audio", _options(request), limits)
    fps = plan.track.fps
    if frame_count(voice.duration_s, fps) != len(plan.track):
        raise EncodingFailed(f"a plan of {len(plan.track)} frames for {voice.duration_s:.3f} s")
    say(StageReached(number=request.number, stage="finish", done=0.98))
    join_video(
        plan,
        [(folder / part_name(number), count) for number, count in enumerate(request.frames)],
        voice,
        folder / VIDEO_NAME,
        producer=request.producer,
        seal=_manifest_of(request),
    )
    return RenderDone(number=request.number, duration_s=len(plan.track) / fps)


_kept: dict[str, Person] = {}
"""Who was drawn last, by what they were made from. One at most, and none once another video is
asked for: a large picture takes a hundred megabytes."""


def _key_of(request: PlanRequest | PartRequest) -> str:
    """Of all that a person is made from."""
    folder = Path(request.folder)
    key = hashlib.sha256()
    for name in ("image", "background"):
        content = (folder / name).read_bytes() if (folder / name).is_file() else b""
        key.update(len(content).to_bytes(8, "big") + content)
    key.update(json.dumps([request.parameters, request.picture_formats], sort_keys=True).encode())
    return key.hexdigest()


def _options(request: RenderRequest | PlanRequest | PartRequest | JoinRequest) -> JobOptions:
    values: dict[str, Any] = dict(request.parameters)
    return JobOptions(**values)


def _mark(request: RenderRequest | PartRequest) -> Watermark | None:
    return Watermark(bytes.fromhex(request.watermark)) if request.watermark else None


def _pictures(
    request: PlanRequest | PartRequest, options: JobOptions
) -> tuple[Picture, Picture | None]:
    """The portrait, and what is to stand behind it."""
    folder = Path(request.folder)
    limits = PictureLimits.service(request.picture_formats)
    backdrop = None
    if is_address(options.background):
        backdrop = read_background(folder / "background", limits)
    return read_picture_of(folder / "image", options, limits), backdrop


def _write_captions(inputs: Inputs, options: JobOptions, folder: Path) -> None:
    if options.text is not None or options.transcript is not None:
        captions = folder / CAPTIONS_NAME
        write_captions(inputs.voice, options, captions, readings=readings_in(folder))


def _captions_font(request: RenderRequest, options: JobOptions) -> OpenFont | None:
    """What captions in the picture are written with; None where there are none."""
    if options.captions != "burned":
        return None
    path, index = Path(request.folder) / FONT_NAME, request.font_index
    return opened_font(None if index == NO_FONT else FontFile(path, index))


class _Teller:
    """Says how far a video is, not too often."""

    def __init__(self, number: int, say: Say) -> None:
        self._number, self._say = number, say
        self._last = ("", 0.0)

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.stage != self._last[0] or now - self._last[1] >= EVENTS_APART_S:
            self._last = (progress.stage, now)
            self._say(
                StageReached(
                    number=self._number,
                    stage=progress.stage,
                    done=min(progress.done, 1.0),
                    frames=progress.frames if progress.pixels else 0,
                    pixels=progress.pixels,
                )
            )


def _manifest_of(request: RenderRequest | JoinRequest) -> Seal | None:
    """Puts a manifest into the video that the server will sign; None where none is wanted."""
    wanted = request.seal
    if wanted is None:
        return None
    from portravox.inspection import ingredients_of
    from portravox.labels.origin import Origin
    from portravox.labels.seal import Placeholder, prepare

    folder = Path(request.folder)
    background = folder / "background"
    origin = Origin(
        ingredients=ingredients_of(
            folder / "image", folder / "audio", background if background.is_file() else None
        ),
        made_at=wanted.made_at,
        producer=request.producer,
        task_id=request.task_id,
    )
    placeholder = Placeholder(
        chain_pem=wanted.chain_pem,
        algorithm=wanted.algorithm,
        content=bytes.fromhex(wanted.placeholder_hex),
    )
    return lambda video: prepare(video, origin, placeholder)


class _Previewer:
    """Keeps a picture of the latest frame in a file, now and then."""

    def __init__(self, file: Path, options: JobOptions) -> None:
        from portravox.media.encode import VideoSettings

        self._file = file
        self._settings = VideoSettings().labelled(options)
        self._next = 0.0

    def __call__(self, frame: Planes) -> None:
        from portravox.media.preview import preview_jpeg

        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PREVIEWS_APART_S
        # No video fails for want of a preview.
        with contextlib.suppress(OSError, StorageFailed):
            DiskSpace().require(self._file.parent)
            with writing(self._file, durable=False) as stream:  # whole, for who reads it meanwhile
                stream.write(preview_jpeg(frame, self._settings))


class _StreamFile:
    """Where a video's fragments are written as they are made, for who watches."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self.is_whole = True
        """Whether all that came until now is in it."""

    def write(self, fragment: bytes) -> None:
        """Add one. Raises nothing: no video fails for want of a stream."""
        if not self.is_whole:
            return
        try:
            if self._file is None:
                self._file = self._path.open("xb", buffering=0)
            DiskSpace().require(self._path.parent)
            self._file.write(fragment)
        except (OSError, StorageFailed):
            self.is_whole = False
