"""A long video in parts: planned once, drawn and encoded by several machines, joined.

Flow      Inputs -> plan_video -> Plan -> render_part, for each part anywhere -> join_video -> MP4

Frames do not depend on each other: those of a part are, to the byte, those of the whole video,
labels and watermark included. What a part needs is the picture, the options and the plan, whose
numbers are 124 bytes a frame; the voice is needed to plan and to join.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from portravox.animation.controls import CONTROLS, ControlTrack
from portravox.engines.base import PlannedAvatar
from portravox.errors import EncodingFailed, EngineUnavailable
from portravox.labels.aigc import PRODUCER, AiLabel
from portravox.media.encode import QUALITIES, VideoWriter
from portravox.media.join import join_parts
from portravox.pipeline import STAGE_STARTS, Progress, prepared, produce_id

if TYPE_CHECKING:
    from portravox.engines.base import Engine
    from portravox.labels.watermark import Watermark
    from portravox.media.encode import Seal
    from portravox.media.picture import Picture
    from portravox.media.waveform import Waveform
    from portravox.options import Direction, JobOptions
    from portravox.pipeline import Inputs, OnFrame, OnProgress

MAX_CONTROL = 1e3
"""Beyond what any control is; a plan with more was not made here."""

_MAX_HEAD = 4096
_MAX_ID = 200


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Plan:
    """What all parts of a video have in common, beside picture and options."""

    track: ControlTrack
    width_px: int
    height_px: int
    content_id: str
    """The video's number in its label."""

    def stored(self) -> bytes:
        """As a file: a line of JSON, then the controls."""
        head = {
            "frames": len(self.track),
            "fps": self.track.fps,
            "width_px": self.width_px,
            "height_px": self.height_px,
            "content_id": self.content_id,
        }
        return json.dumps(head).encode() + b"\n" + self.track.values.astype("<f4").tobytes()


def stored_plan(content: bytes) -> Plan:
    """What `Plan.stored` wrote. Raises EncodingFailed for anything else."""
    try:
        line, _, controls = content.partition(b"\n")
        if len(line) > _MAX_HEAD:
            raise ValueError("a long head")
        head = json.loads(line)
        numbers = [head[name] for name in ("frames", "fps", "width_px", "height_px")]
        if any(type(number) is not int or not 0 < number < 1_000_000 for number in numbers):
            raise ValueError("numbers out of range")
        content_id = head["content_id"]
        if type(content_id) is not str or len(content_id) > _MAX_ID:
            raise ValueError("no number of a video")
        frames, fps, width_px, height_px = numbers
        values = np.frombuffer(controls, "<f4").reshape(frames, len(CONTROLS)).astype(np.float32)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise EncodingFailed(f"a plan that cannot be read: {error}") from error
    if not np.all(np.abs(values) <= MAX_CONTROL):  # so that what is no number is refused, too
        raise EncodingFailed(f"a plan with controls beyond {MAX_CONTROL:g}")
    return Plan(
        track=ControlTrack(values, fps),
        width_px=width_px,
        height_px=height_px,
        content_id=content_id,
    )


@dataclass(frozen=True, slots=True)
class Person:
    """Who is drawn, and how: what costs most of a part's preparation, and may be kept for the
    next one."""

    avatar: PlannedAvatar
    direction: Direction

    @classmethod
    def of(
        cls, picture: Picture, options: JobOptions, backdrop: Picture | None, *, engine: Engine
    ) -> Person:
        """Raises FaceError, SettingOutOfRange, and EngineUnavailable where the engine cannot draw
        a part of a video."""
        avatar, direction = prepared(picture, options, backdrop, engine=engine)
        if not isinstance(avatar, PlannedAvatar):
            raise EngineUnavailable(f"the engine {engine.name!r} draws whole videos only")
        return cls(avatar, direction)


def plan_video(
    inputs: Inputs,
    options: JobOptions,
    *,
    engine: Engine,
    task_id: str = "",
    on_progress: OnProgress | None = None,
) -> tuple[Plan, Person]:
    """All motion of a video, and who is to be drawn.

    Raises FaceError, SettingOutOfRange, ModelUnavailable.
    """
    start = Progress("face", STAGE_STARTS["face"], 0, 0, inputs.picture.pixels[..., 0].size)
    if on_progress is not None:
        on_progress(start)
    person = Person.of(inputs.picture, options, inputs.backdrop, engine=engine)
    width_px, height_px = person.avatar.frame_size(person.direction)
    track = person.avatar.plan(inputs.voice, person.direction, transcript=inputs.transcript)
    if on_progress is not None:
        pixels = width_px * height_px
        on_progress(Progress("listen", STAGE_STARTS["listen"], 0, len(track), pixels))
    plan = Plan(
        track=track,
        width_px=width_px,
        height_px=height_px,
        content_id=produce_id(inputs, options, engine.name, task_id),
    )
    return plan, person


def render_part(
    person: Person,
    plan: Plan,
    options: JobOptions,
    output: Path,
    frames: range,
    *,
    producer: str = PRODUCER,
    watermark: Watermark | None = None,
    on_progress: OnProgress | None = None,
    on_frame: OnFrame | None = None,
) -> None:
    """Draw and encode some frames of a plan, into an MP4 without sound.

    frames   by their numbers from 0, in steps of 1
    watermark   of the whole video

    Raises EncodingFailed where the frames are not of the plan, and what engine and encoder raise.
    """
    avatar, direction = person.avatar, person.direction
    width_px, height_px = avatar.frame_size(direction)
    if (width_px, height_px) != (plan.width_px, plan.height_px):
        wanted = f"{plan.width_px} x {plan.height_px} px"
        raise EncodingFailed(f"frames of {width_px} x {height_px} px; the plan has {wanted}")
    if not 0 <= frames.start < frames.stop <= len(plan.track):
        raise EncodingFailed(f"{frames} of a plan of {len(plan.track)} frames")
    beginning = None
    if watermark is not None and frames.start > 0:
        beginning = next(avatar.draw(plan.track, direction, range(1)))
    with VideoWriter(
        output,
        width_px=width_px,
        height_px=height_px,
        fps=plan.track.fps,
        frames=len(frames),
        voice=None,
        settings=QUALITIES[options.quality].labelled(options),
        label=AiLabel(producer=producer, content_id=plan.content_id),
        watermark=watermark,
        first=frames.start,
        beginning=beginning,
    ) as writer:
        drawn = avatar.draw(plan.track, direction, frames)
        for done, frame in enumerate(drawn, start=1):
            writer.write(frame)
            if on_frame is not None:
                on_frame(frame)
            if on_progress is not None:
                on_progress(Progress("render", done / len(frames), done, len(frames)))


def join_video(
    plan: Plan,
    parts: Sequence[tuple[Path, int]],
    voice: Waveform,
    output: Path,
    *,
    producer: str = PRODUCER,
    seal: Seal | None = None,
) -> None:
    """The whole video of its parts, each with how many frames it has.

    seal   writes into the whole file, last of all

    Raises EncodingFailed where they are not the parts of the plan, OutputNotWritable.
    """
    frames = [count for _, count in parts]
    if sum(frames) != len(plan.track):
        raise EncodingFailed(f"parts of {sum(frames)} frames; the plan has {len(plan.track)}")
    join_parts(
        [path for path, _ in parts],
        output,
        frames=frames,
        fps=plan.track.fps,
        voice=voice,
        label=AiLabel(producer=producer, content_id=plan.content_id),
        seal=seal,
    )
