"""A live session in the worker process: speech in, frames out, at the pace of life.

Flow      child -> live_child: engines.session -> live_stream | raw frames -> parts on stdout

Two threads: one reads what the server asks and does it at once, the other draws. What both say goes
out in the order of the video. Where the server takes nothing, the drawing waits in the pipe; once
it may go on, frames that are late by then are not drawn.
"""

from __future__ import annotations

import contextlib
import os
import threading
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol

from portravox.errors import SessionFull, SettingOutOfRange
from portravox.service.explanations import told
from portravox.service.problems import failure_of
from portravox.service.worker.live_messages import (
    RAW_HEAD,
    SPOKEN_PREFIX,
    Audio,
    Change,
    Clear,
    Cleared,
    Command,
    Finish,
    Finished,
    Flush,
    Listen,
    LiveEvent,
    Opened,
    Piece,
    Pulse,
    Refused,
    Speak,
    Stopped,
    UtteranceEnded,
    UtteranceStarted,
    encode_live,
    read_command,
)
from portravox.service.worker.messages import Failed, LiveRequest

if TYPE_CHECKING:
    from portravox.arrays import Float32
    from portravox.engines.base import Engine
    from portravox.engines.session import LiveFrame, Session
    from portravox.labels.watermark import MarkedLevels
    from portravox.options import JobOptions

PULSE_S: Final = 1.0
"""How often it says that it lives."""

FED_S: Final = 5.0
"""So much of a recording waits in the session; the rest waits here. Our choice."""

MOST_HELD_S: Final = 60.0
"""Of speech that comes while a recording is spoken, so much waits behind it; as much as a session
takes itself."""

MAX_SPOKEN_S: Final = 600.0
"""Of a recording of a text. Our choice: 4,096 characters, slowly, twice."""

MAX_SPOKEN_BYTES: Final = 15 * 1024 * 1024
"""Of its file."""

FAILURE_NUMBER: Final = 1
"""A process has one request."""


class Output(Protocol):
    """What becomes of frames."""

    mime_type: str

    begin: bytes
    """Comes before everything else."""

    def added(self, frame: LiveFrame, *, drawn: bool) -> bytes: ...

    def finish(self) -> bytes: ...


def hold(
    request: LiveRequest,
    commands: BinaryIO,
    events: BinaryIO,
    open_engine: Callable[[str], Engine],
) -> None:
    """Hold a session until it is told to end, or commands do."""
    lock = threading.Lock()

    def say(said: LiveEvent | Piece) -> None:
        with lock:
            events.write(encode_live(said))
            events.flush()

    try:
        session, options, notices = _opened(request, open_engine)
        output = _output(request, session, options)
    except Exception as error:  # whatever it is, the server has to know of it
        say(_failed(error))
        return
    width_px, height_px = session.frame_size
    opened = Opened(
        width_px=width_px,
        height_px=height_px,
        fps=session.fps,
        sound_rate_hz=session.sound_rate_hz,
        mime_type=output.mime_type,
        notices=notices,
    )
    say(opened)
    live = LiveLoop(session, output, say)
    listener = threading.Thread(
        target=_listen, args=(live, commands, Path(request.folder)), daemon=True
    )
    try:
        if output.begin:
            say(Piece(output.begin))
        listener.start()
        live.run()
    except Exception as error:
        say(_failed(error))


def _opened(
    request: LiveRequest, open_engine: Callable[[str], Engine]
) -> tuple[Session, JobOptions, tuple[str, ...]]:
    """The session, its options, and remarks about the picture."""
    from portravox.media.picture_file import PictureLimits, read_picture
    from portravox.options import JobOptions
    from portravox.staging.stage import reading_side, staged

    values: dict[str, Any] = dict(request.parameters)
    options = JobOptions(**values)
    picture = read_picture(
        Path(request.folder) / "image",
        PictureLimits.service(request.picture_formats),
        max_side_px=reading_side(options),
    )
    ready = staged(picture, options)
    avatar = open_engine(options.engine).register(ready.picture, face=ready.face)
    session = avatar.open(ready.direction, sound_rate_hz=request.sound_rate_hz)
    return session, options, tuple(avatar.notices)


def _output(request: LiveRequest, session: Session, options: JobOptions) -> Output:
    if request.raw:
        return RawFrames(session, options, request.watermark)
    return FragmentedVideo(request, session, options)


class FragmentedVideo:
    """A fragmented MP4, labelled as all our videos are."""

    def __init__(self, request: LiveRequest, session: Session, options: JobOptions) -> None:
        from portravox import __version__
        from portravox.labels.aigc import AiLabel, content_id
        from portravox.labels.watermark import Watermark
        from portravox.live_stream import LiveStream
        from portravox.media.live_video import LIVE

        number = content_id(request.session_id.encode(), __version__.encode(), os.urandom(16))
        told = bytes.fromhex(request.watermark)
        self._stream = LiveStream(
            session,
            watermark=Watermark(told) if told else None,
            label=AiLabel(producer=request.producer, content_id=number),
            settings=LIVE.labelled(options),
        )
        self.begin = self._stream.init_segment
        self.mime_type = mime_type_of(self.begin)

    def added(self, frame: LiveFrame, *, drawn: bool) -> bytes:
        return self._stream.added(frame, drawn=drawn)

    def finish(self) -> bytes:
        return self._stream.finish()


class RawFrames:
    """Frames and samples as they are, with the visible label where one is asked for, and the
    watermark where they are shown to people by an encoder of ours."""

    mime_type = ""
    begin = b""

    def __init__(self, session: Session, options: JobOptions, watermark: str = "") -> None:
        from portravox.labels.watermark import Watermark
        from portravox.media.live_video import LIVE

        told = bytes.fromhex(watermark)
        self._watermark = Watermark(told) if told else None
        self._levels: MarkedLevels | None = None

        self._settings = LIVE.labelled(options)
        self._stamp = self._settings.stamp(*session.frame_size)
        self._fps = options.video_fps
        self._shown: bytes = b""

    def added(self, frame: LiveFrame, *, drawn: bool) -> bytes:
        height_px, width_px = frame.picture.shape
        if drawn or not self._shown:
            self._shown = self._pixels(frame)
        head = RAW_HEAD.pack(frame.number, width_px, height_px, len(frame.sound), not drawn)
        return head + self._shown + frame.sound.astype("<i2").tobytes()

    def finish(self) -> bytes:
        return b""

    def _pixels(self, frame: LiveFrame) -> bytes:
        is_labelled = self._settings.is_labelled(frame.number, self._fps)
        stamp = self._stamp if is_labelled else None
        picture = frame.picture
        if stamp is not None or self._watermark is not None:
            picture = picture.copy()
        if self._watermark is not None:
            self._levels = self._levels or self._watermark.levels(picture.luma)
            self._levels.add(picture.luma, picture.luma)
        if stamp is not None:
            stamp.blend(picture.luma, picture.cb, picture.cr)
        return picture.luma.tobytes() + picture.cb.tobytes() + picture.cr.tobytes()


def mime_type_of(init_segment: bytes) -> str:
    """What Media Source has to be told: profile, constraints and level as the decoder's
    configuration has them (ISO 14496-15, 5.3.3.1; RFC 6381)."""
    at = init_segment.index(b"avcC") + 5  # behind the version
    return f'video/mp4; codecs="avc1.{init_segment[at : at + 3].hex()}, mp4a.40.2"'


class LiveLoop:
    """Draws frames when they are due, and tells what is heard in them."""

    def __init__(
        self, session: Session, output: Output, say: Callable[[LiveEvent | Piece], None]
    ) -> None:
        self._session = session
        self._output = output
        self._say = say
        self._taking = threading.Lock()
        """Held from asking for a frame until what begins in it is told: an interruption comes
        before or after that."""

        self._lock = threading.Lock()
        self._waiting: deque[tuple[Float32 | None, int]] = deque()
        """What is to be pushed once there is room, with its rate; None is a flush."""

        self._waiting_s = 0.0
        self._behind_s = 0.0
        """Of it, what came as sound while a recording waited."""

        self._finished = threading.Event()
        self._number = 0
        self._begun = 0
        """Number of the latest utterance that was told."""

        self._position_s = 0.0
        """How much of it was heard."""

        self._spoke = False
        self._late = self._frames = self._gaps = 0

    def run(self) -> None:
        """Until `finish`. Raises EncodingFailed and whatever else breaks."""
        from portravox.live_stream import Pace

        pace = Pace(self._session.fps)
        while not self._finished.is_set():
            drawn = pace.wait(self._number)
            self._feed()
            with self._taking:
                frame = self._session.next_frame(drawn=drawn)
                self._number += 1
                self._tell_beginning(frame)
            piece = self._output.added(frame, drawn=drawn)
            if piece:
                self._say(Piece(piece))
            self._tell_end(frame)
            self._frames += 1
            self._late += not drawn
            if self._number % max(1, round(PULSE_S * self._session.fps)) == 0:
                self._tell_pulse()
        self._tell_pulse()
        rest = self._output.finish()
        if rest:
            self._say(Piece(rest))
        self._say(Finished())

    def finish(self) -> None:
        """End after the frame that is being drawn."""
        self._finished.set()

    def push(self, samples: Float32, rate_hz: int) -> None:
        """Speech that follows what came before. Raises SessionFull, SettingOutOfRange."""
        with self._lock:
            if not self._waiting:
                self._session.push(samples, rate_hz)
                return
            behind_s = self._behind_s + len(samples) / rate_hz
            if behind_s > MOST_HELD_S:
                raise SessionFull(MOST_HELD_S)
            self._hold(samples, rate_hz)
            self._behind_s = behind_s

    def flush(self) -> None:
        """The utterance is whole. Raises SessionFull."""
        with self._lock:
            if self._waiting:
                self._waiting.append((None, 0))
            else:
                self._session.flush()

    def speak(self, samples: Float32, rate_hz: int) -> None:
        """A recording that is an utterance of its own, of any length. Raises SessionFull where much
        waits before it."""
        with self._lock:
            if self._waiting_s > MOST_HELD_S:
                raise SessionFull(MOST_HELD_S)
            for at in range(0, len(samples), rate_hz):
                self._hold(samples[at : at + rate_hz], rate_hz)
            self._waiting.append((None, 0))

    def clear(self) -> None:
        """Interrupt, and say so."""
        with self._taking, self._lock:
            self._waiting.clear()
            self._waiting_s = self._behind_s = 0.0
            cut = self._session.clear()
            self._say(
                Cleared(
                    utterance=0 if cut is None else cut.utterance,
                    position_s=0.0 if cut is None else cut.position_s,
                    at_s=self._number / self._session.fps,
                )
            )

    def listen(self, active: bool) -> None:
        """Somebody begins to speak to the person, or pauses or ends."""
        self._session.listen(active)

    def change(self, parameters: dict[str, Any]) -> None:
        """Raises SettingOutOfRange."""
        self._session.change(**parameters)

    def _hold(self, samples: Float32, rate_hz: int) -> None:
        self._waiting.append((samples, rate_hz))
        self._waiting_s += len(samples) / rate_hz

    def _feed(self) -> None:
        """Push what waits, as far as there is room."""
        with self._lock:
            while self._waiting and self._session.waiting_s < FED_S:
                samples, rate_hz = self._waiting.popleft()
                if samples is None:
                    self._session.flush()
                else:
                    self._waiting_s -= len(samples) / rate_hz
                    self._session.push(samples, rate_hz)
            if not self._waiting:
                self._behind_s = 0.0

    def _tell_beginning(self, frame: LiveFrame) -> None:
        if frame.utterance is None:
            return
        for number in sorted({*frame.ended, frame.utterance}):
            if number > self._begun:
                self._begun = number
                at_s = frame.number / self._session.fps
                self._say(UtteranceStarted(utterance=number, at_s=at_s))
        self._spoke = True

    def _tell_end(self, frame: LiveFrame) -> None:
        at_s = (frame.number + 1) / self._session.fps
        for number in frame.ended:
            is_last = number == frame.utterance
            position_s = frame.position_s if is_last else self._position_s
            self._say(UtteranceEnded(utterance=number, position_s=position_s, at_s=at_s))
        if frame.utterance is not None:
            self._position_s = frame.position_s
        with self._lock:
            if self._spoke and not self._waiting and not self._session.speaking:
                self._spoke = False
                self._say(Stopped(at_s=at_s))

    def _tell_pulse(self) -> None:
        gaps = self._session.gaps
        pulse = Pulse(
            frames=self._frames, late=self._late, gaps=min(gaps - self._gaps, self._frames)
        )
        self._frames = self._late = 0
        self._gaps = gaps
        self._say(pulse)

    def refuse(self, error: Exception) -> None:
        """Say that what was asked for was not done."""
        self._say(Refused(failed=_failed(error)))


def _listen(live: LiveLoop, commands: BinaryIO, folder: Path) -> None:
    """Do what is asked until it is to end."""
    while True:
        command = read_command(commands)
        if command is None or isinstance(command, Finish):
            live.finish()
            return
        try:
            _do(live, command, folder)
        except Exception as error:  # the session goes on
            live.refuse(error)


def _do(live: LiveLoop, command: Command | Audio, folder: Path) -> None:
    import numpy as np

    match command:
        case Audio():
            whole = command.pcm[: len(command.pcm) // 2 * 2]
            samples = np.frombuffer(whole, "<i2").astype(np.float32) / np.float32(32768.0)
            live.push(samples, command.rate_hz)
        case Flush():
            live.flush()
        case Clear():
            live.clear()
        case Listen():
            live.listen(command.active)
        case Change():
            live.change(dict(command.parameters))
        case Speak():
            live.speak(*_recording(folder, command.file))


def _recording(folder: Path, name: str) -> tuple[Float32, int]:
    from portravox.media.voice_file import VoiceLimits, read_voice

    file = folder / Path(name).name
    if not name.startswith(SPOKEN_PREFIX):
        raise SettingOutOfRange("file", name, f"a name that begins with {SPOKEN_PREFIX}")
    try:
        voice = read_voice(
            file, VoiceLimits(max_bytes=MAX_SPOKEN_BYTES, min_s=0.0, max_s=MAX_SPOKEN_S)
        )
    finally:
        with contextlib.suppress(OSError):
            file.unlink()
    return voice.mono(), voice.rate_hz


def _failed(error: Exception) -> Failed:
    problem = failure_of(error)
    reason, explanation = told(error)
    if problem.status >= 500:
        traceback.print_exc()
    return Failed(
        number=FAILURE_NUMBER,
        status=problem.status,
        code=problem.code,
        message=problem.message,
        retry=False,
        reason=reason,
        explanation=explanation,
    )
