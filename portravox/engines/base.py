"""Two engines, one small interface: a portrait and a voice in, frames out.

Flow      pipeline -> Engine.register -> Avatar.speak -> media.encode

The cut is at the voice and not at the controls, so that an engine may bring its own acoustic model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

from portravox.animation.controls import ControlTrack
from portravox.engines.session import Session
from portravox.media.picture import Picture
from portravox.media.planes import Planes
from portravox.media.waveform import Waveform
from portravox.options import DEFAULT_SOUND_RATE_HZ, Direction, SpokenText

OnNotice = Callable[[str], None]


class Avatar(Protocol):
    """One person, ready to speak. Immutable: two threads may share it.

    >>> from portravox import Direction, EmbeddedEngine, read_picture, read_voice
    >>> avatar = EmbeddedEngine().register(read_picture("face.png"))
    >>> direction = Direction(template_id="active", video_fps=25, seed=7)
    >>> avatar.frame_size(direction)
    (512, 512)
    >>> frames = [frame.rgb() for frame in avatar.speak(read_voice("voice.wav"), direction)]
    >>> len(frames), frames[0].shape
    (25, (512, 512, 3))
    """

    def frame_size(self, direction: Direction) -> tuple[int, int]:
        """(width_px, height_px) of the frames that `speak` will yield; both even."""

    def speak(
        self,
        voice: Waveform,
        direction: Direction,
        *,
        transcript: SpokenText | None = None,
        on_notice: OnNotice | None = None,
    ) -> Iterator[Planes]:
        """Yield the video's frames in order, `clock.frame_count` of them.

        A yielded frame is only valid until the next one is asked for: copy it to keep it.
        `Planes.rgb` makes a picture of it.

        transcript  what is said, where that is known; may be a subclass with more in it, such as
                    words that were read in another process, for the engine that knows it
        on_notice   told, before the first frame, what the caller should know about the voice

        Raises SettingOutOfRange where the engine cannot read the transcript, ModelUnavailable where
        it lacks something to read it with; at once or at the first frame.
        """

    def open(
        self, direction: Direction | None = None, *, sound_rate_hz: int = DEFAULT_SOUND_RATE_HZ
    ) -> Session:
        """Begin a live session: frames without end while speech comes. There may be as many at a
        time as the machine can draw.

        direction      frame rate, picture and seed hold for the whole session; the rest may change
        sound_rate_hz  of the sound that comes with the frames

        Raises SettingOutOfRange, ModelUnavailable.
        """

    @property
    def notices(self) -> tuple[str, ...]:
        """What the caller should know about the picture: several faces, turned head, ..."""


@runtime_checkable
class PlannedAvatar(Avatar, Protocol):
    """An avatar whose motion is known before its frames are drawn, and whose frames do not depend
    on each other: several machines may draw one video.

    `draw` of a plan of `speak`'s arguments gives what `speak` gives. Every engine of the registry
    has such avatars.
    """

    def plan(
        self,
        voice: Waveform,
        direction: Direction,
        *,
        transcript: SpokenText | None = None,
        on_notice: OnNotice | None = None,
    ) -> ControlTrack:
        """The motion of the whole video.

        Raises what `speak` does about voice and transcript.
        """

    def draw(
        self, plan: ControlTrack, direction: Direction, frames: range | None = None
    ) -> Iterator[Planes]:
        """The frames of a plan, in order; each is valid until the next one is asked for.

        frames   which, by their numbers from 0, in steps of 1; None: all
        """


class Engine(Protocol):
    """A way to make a portrait talk. Loading weights happens in the constructor."""

    name: str

    def register(self, portrait: Picture, *, face: str | None = None) -> Avatar:
        """Find the face and prepare it, once per picture.

        face  which of several is meant: the option `face`; None: the largest

        Raises FaceError, and SettingOutOfRange where there is no such face.
        """
