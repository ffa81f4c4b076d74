"""A live session as a stream: speech from somewhere in, a fragmented MP4 out, at the pace of life.

Flow      pieces of speech -> live_stream: engines.session -> media.live_video -> bytes
Reads     a session, a source of speech
Gives     bytes of a video that plays while it is made

The session knows no clock; here is one. A frame that is due before the last one is done is not
drawn: the picture before it is shown once more, the sound goes on, and it is counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from portravox.arrays import Float32
from portravox.engines.session import LiveFrame, Session
from portravox.errors import SessionClosed
from portravox.labels.aigc import AiLabel
from portravox.labels.watermark import Watermark
from portravox.media.encode import VideoSettings
from portravox.media.live_video import LIVE, LiveVideo

FED_S: Final = 10.0
"""So much speech waits in the session at most; the rest waits where it comes from."""

READ_S: Final = 1.0
"""Where nothing sets the pace, so much is read before a frame is made, if there is more."""

LATE_S: Final = 0.06
"""A frame that is later than this is not drawn. Our choice."""

LOST_S: Final = 1.0
"""Who is later than this (a machine that slept) begins anew instead of catching up."""


class Source(Protocol):
    """Where speech comes from."""

    @property
    def rate_hz(self) -> int: ...

    def read(self, wait: bool) -> Float32 | None:
        """(N,) the next piece; nothing (N = 0) if there is none yet, which does not happen to who
        waits; None at the end."""


@dataclass(frozen=True, slots=True)
class StreamReport:
    """What came of a stream."""

    frames: int
    late: int
    """Frames that showed the picture before them once more."""

    gaps: int
    """How many times speech did not come in time in the middle of an utterance."""

    duration_s: float


class LiveStream:
    """A session and the encoder of its frames. Not for two threads at once.

    Raises SettingOutOfRange, EncodingFailed.
    """

    def __init__(
        self,
        session: Session,
        *,
        label: AiLabel | None = None,
        watermark: Watermark | None = None,
        settings: VideoSettings = LIVE,
    ) -> None:
        width_px, height_px = session.frame_size
        self._session = session
        self._video = LiveVideo(
            width_px=width_px,
            height_px=height_px,
            fps=session.fps,
            rate_hz=session.sound_rate_hz,
            settings=settings,
            label=label,
            watermark=watermark,
        )
        self.init_segment = self._video.init_segment
        """Comes before everything else."""

        self.frames = 0
        self.late = 0

    def next(self, *, drawn: bool = True) -> bytes:
        """The next frame with its sound. Raises SessionClosed, EncodingFailed."""
        return self.added(self._session.next_frame(drawn=drawn), drawn=drawn)

    def added(self, frame: LiveFrame, *, drawn: bool = True) -> bytes:
        """The same for a frame that was asked for already. Raises EncodingFailed."""
        self.frames += 1
        self.late += not drawn
        sound = frame.sound[:, np.newaxis].astype(np.float32) / np.float32(32768.0)
        return self._video.add(frame.picture, sound)

    def finish(self) -> bytes:
        """The rest of the sound; nothing comes afterwards."""
        return self._video.finish()

    def report(self) -> StreamReport:
        duration_s = self.frames / self._session.fps
        return StreamReport(self.frames, self.late, self._session.gaps, duration_s)


class Pace:
    """When each frame is due. Not for two threads at once."""

    def __init__(
        self,
        fps: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """The first frame is due now."""
        self._fps, self._clock, self._sleep = fps, clock, sleep
        self._begun_s = clock()

    def wait(self, number: int) -> bool:
        """Wait until a frame is due; False where it is too late for it to be drawn."""
        late_s = self._clock() - self._begun_s - number / self._fps
        if late_s > LOST_S:
            self._begun_s, late_s = self._begun_s + late_s, 0.0
        elif late_s < 0.0:
            self._sleep(-late_s)
        return late_s <= LATE_S


def streamed(
    session: Session,
    source: Source,
    stream: LiveStream,
    *,
    paced: bool,
    linger_s: float = 1.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[bytes]:
    """All of a stream, until its source ends and everything is said.

    paced     a frame when it is due; otherwise as fast as source and machine go
    linger_s  how long it goes on after the last word
    """
    yield stream.init_segment
    pace = Pace(session.fps, clock=clock, sleep=sleep) if paced else None
    ended, left = False, round(linger_s * session.fps)
    number = 0
    while not ended or session.speaking or left > 0:
        ended = ended or _fed(session, source, wait=not paced)
        if ended and not session.speaking:
            left -= 1
        drawn = True
        if pace is not None:
            drawn = pace.wait(number)
            # what came meanwhile is part of this frame's future
            ended = ended or _fed(session, source, wait=False)
        try:
            yield stream.next(drawn=drawn)
        except SessionClosed:
            break
        number += 1
    yield stream.finish()


def _fed(session: Session, source: Source, *, wait: bool) -> bool:
    """Push what has come, as far as there is room; whether the source has ended.

    wait  for READ_S of it, if it comes
    """
    while session.waiting_s < (READ_S if wait else FED_S):
        piece = source.read(wait)
        if piece is None:
            session.flush()
            return True
        if not len(piece):
            break
        session.push(piece, source.rate_hz)
    return False
