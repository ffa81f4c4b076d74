"""Files in, MP4 out: the whole product on one page.

Flow      portrait, voice -> media -> engine -> media -> video.mp4
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from portravox import __version__
from portravox.animation.direction import Direction
from portravox.clock import duration_of_frames, frame_count
from portravox.errors import EngineUnavailable, OutputNotWritable, SettingOutOfRange

if TYPE_CHECKING:
    from portravox.engines.base import Engine
    from portravox.media.planes import Planes

Stage = Literal["read", "face", "listen", "render", "finish"]

MAX_SIDE_PX = (64, 4096)
"""What `max_side` may be."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a job stands."""

    stage: Stage
    """read the files, find the face, listen to the voice, render frames, finish the file"""

    done: float
    """0..1 of the whole job"""

    frames_done: int
    frames: int
    """0 until the voice has been read"""


@dataclass(frozen=True, slots=True)
class Animation:
    """A finished video."""

    path: Path
    duration_s: float
    frames: int
    fps: int
    width: int
    height: int
    wall_s: float
    """From the call to the finished file."""

    real_time_factor: float
    """wall_s / duration_s"""

    engine: str
    version: str
    notices: tuple[str, ...]
    """What the caller should know: picture scaled down, several faces found, ..."""


OnProgress = Callable[[Progress], None]
OnFrame = Callable[["Planes"], None]


def animate(
    portrait: str | Path,
    voice: str | Path,
    output: str | Path,
    *,
    template_id: str = "normal",
    eye_move_freq: float = 0.5,
    video_fps: int = 24,
    mouth_move_strength: float = 1.0,
    head_move_strength: float = 0.7,
    paste_back: bool = True,
    seed: int = 0,
    engine: str | Engine = "embedded",
    max_side: int | None = None,
    quality: str = "standard",
    visible_label: Literal["zh", "en"] | None = None,
    transcript: str | None = None,
    language: str | None = None,
    on_progress: OnProgress | None = None,
    on_frame: OnFrame | None = None,
) -> Animation:
    """Make the person in a portrait speak a recording.

    portrait            JPEG, PNG, BMP or WebP
    voice               WAV or MP3, 1 to 180 s
    output              the MP4; appears only when whole
    template_id ..      see `Direction`, whose names, ranges and defaults these are
    engine              "embedded", or an engine of your own
    max_side            scale the picture down to this longest side, 64..4096 px
    quality             draft, standard or high
    visible_label       a small "AI" label in the picture, in Chinese or English; the label in the
                        file's metadata is always there
    transcript          what is said in the recording: the lips then shut more surely for p, b, m.
                        One that does not fit is left out, with a notice
    language            of the transcript, as a code (en, fr, pt-br); needed only where its letters
                        do not tell
    on_progress         called now and then from the calling thread; what it raises stops the job
    on_frame            called with each frame, which is good until it returns; likewise

    Raises InputError for what the caller can mend and EngineError for the rest. Whatever is
    raised, no half file is left.
    """
    from portravox.articulation.transcript import read_transcript
    from portravox.media.encode import QUALITIES, VideoWriter, check_writable
    from portravox.media.label import AiLabel, content_id
    from portravox.media.picture_file import read_picture
    from portravox.media.voice_file import read_voice

    started = time.perf_counter()
    tell = on_progress or _tell_nobody
    direction = Direction(
        template_id=template_id,
        eye_move_freq=eye_move_freq,
        video_fps=video_fps,
        mouth_move_strength=mouth_move_strength,
        head_move_strength=head_move_strength,
        paste_back=paste_back,
        seed=seed,
    )
    if max_side is not None and not MAX_SIDE_PX[0] <= max_side <= MAX_SIDE_PX[1]:
        raise SettingOutOfRange("max_side", max_side, "a whole number from 64 to 4096")
    if quality not in QUALITIES:
        raise SettingOutOfRange("quality", quality, ", ".join(QUALITIES))
    settings = replace(QUALITIES[quality], visible_label=visible_label)
    words = None if transcript is None else read_transcript(transcript, language)
    path = Path(output)
    refuse_overwriting(path, Path(portrait), Path(voice))
    check_writable(path)
    chosen = open_engine(engine) if isinstance(engine, str) else engine

    tell(Progress("read", 0.0, 0, 0))
    picture = read_picture(portrait, max_side_px=max_side)
    sound = read_voice(voice)
    frames = frame_count(sound.duration_s, direction.video_fps)
    tell(Progress("face", 0.02, 0, frames))
    avatar = chosen.register(picture)
    tell(Progress("listen", 0.06, 0, frames))
    notices = list(avatar.notices)
    width, height = avatar.frame_size(direction)
    label = AiLabel(content_id=content_id(picture.pixels.tobytes(), sound.samples.tobytes()))
    with VideoWriter(
        path,
        width_px=width,
        height_px=height,
        fps=direction.video_fps,
        frames=frames,
        voice=sound,
        settings=settings,
        label=label,
    ) as writer:
        drawn = avatar.speak(sound, direction, transcript=words, on_notice=notices.append)
        for done, frame in enumerate(drawn, start=1):
            writer.write(frame)
            if on_frame is not None:
                on_frame(frame)
            tell(Progress("render", 0.08 + 0.90 * done / frames, done, frames))
        tell(Progress("finish", 0.98, frames, frames))
    wall_s = time.perf_counter() - started
    duration_s = duration_of_frames(frames, direction.video_fps)
    tell(Progress("finish", 1.0, frames, frames))
    return Animation(
        path=path,
        duration_s=duration_s,
        frames=frames,
        fps=direction.video_fps,
        width=width,
        height=height,
        wall_s=wall_s,
        real_time_factor=wall_s / duration_s,
        engine=chosen.name,
        version=__version__,
        notices=tuple(notices),
    )


def refuse_overwriting(output: Path, *inputs: Path) -> None:
    """Raise OutputNotWritable where the video would take the place of what it is made from."""
    for path in inputs:
        if output.exists() and path.exists() and output.samefile(path):
            raise OutputNotWritable(output, "it is one of the inputs")


def open_engine(name: str) -> Engine:
    """An engine by its name. Raises SettingOutOfRange, EngineUnavailable."""
    if name == "embedded":
        from portravox.engines.embedded import EmbeddedEngine

        return EmbeddedEngine()
    if name == "neural":
        raise EngineUnavailable("the neural engine is not part of this version; use 'embedded'")
    raise SettingOutOfRange("engine", name, "embedded")


def _tell_nobody(progress: Progress) -> None:
    del progress


__all__: list[Any] = ["Animation", "OnProgress", "Progress", "animate", "open_engine"]
