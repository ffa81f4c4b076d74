"""A live session: a person who listens, speaks when there is something to say, and never freezes.

Flow      speech, piece by piece -> engines.session: articulation.live -> animation.live
          -> rig.deform -> render -> LiveFrame
Reads     speech as it comes, Direction, which may change
Gives     frames without end, each with its sound

The caller asks for frames at the pace it shows them; nothing here knows what time it is. Frame n is
shown at n / fps and its sound is what is heard from then on to the next frame. The same calls in
the same order give the same frames.

    with avatar.open(Direction(video_fps=25), sound_rate_hz=24_000) as session:
        session.push(pcm, 24_000)  # as often as some comes, also ahead of time
        session.flush()  # the utterance is whole
        for frame in session:  # one each 40 ms
            show(frame.picture.rgb(), frame.sound)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, Self

import numpy as np
import numpy.typing as npt

from portravox.animation.live import LiveDirector
from portravox.arrays import Float32
from portravox.articulation.curves import CURVE_RATE_HZ
from portravox.articulation.live import LiveArticulation
from portravox.engines.live_sound import AHEAD_S, FADE_S, MOST_AHEAD_S, LiveSound, Utterance
from portravox.errors import SessionClosed, SettingOutOfRange
from portravox.media.planes import Planes
from portravox.options import (
    FIXED_IN_SESSION,
    HIGHEST_RATE_HZ,
    LOWEST_RATE_HZ,
    SOUND_RATES_HZ,
    Direction,
)
from portravox.speech.resample import SAMPLES_PER_ROW, SPEECH_RATE_HZ
from portravox.speech.streaming_resample import StreamingResampler

IDLE_AFTER_S: Final = 3.0
"""After so much silence the mouth is at rest and the network has nothing to look at."""

WINDOW_S: Final = 2
"""Articulation is decided over so much and more before a frame, from a whole second on."""

HEARD_FRAMES: Final = 2
"""Where speech waits, so many frames of it are looked at in one, until as much is known as is
wanted: all at once would make a frame late."""

Int16 = npt.NDArray[np.int16]
Draw = Callable[[Float32], Planes]


@dataclass(frozen=True, slots=True, eq=False)
class LiveFrame:
    """One frame and what is heard while it is shown."""

    number: int
    """From 0; shown at number / fps."""

    picture: Planes
    """Valid until the next frame is asked for: copy it to keep it."""

    sound: Int16
    """(N,) mono, at the session's rate; zeros where nobody speaks. N differs by one from frame to
    frame where the rate is no multiple of the frame rate."""

    utterance: int | None
    """Number, from 1, of the utterance that is heard, the later one if two are; None: nobody
    speaks."""

    position_s: float
    """How much of it was heard when this frame ends; 0 where nobody speaks."""

    ended: tuple[int, ...]
    """Numbers of the utterances whose last sound is in this frame."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The utterance that was being spoken when it was cut off."""

    utterance: int
    position_s: float
    """How much of it was heard."""


class Session(Protocol):
    """What `Avatar.open` gives. Methods may be called from several threads; frames are asked
    for by one."""

    @property
    def fps(self) -> int: ...

    @property
    def sound_rate_hz(self) -> int: ...

    @property
    def frame_size(self) -> tuple[int, int]:
        """(width_px, height_px)"""

    @property
    def waiting_s(self) -> float:
        """Speech that was pushed and not heard yet."""

    @property
    def speaking(self) -> bool:
        """Whether there is speech that was not heard yet."""

    @property
    def direction(self) -> Direction:
        """What holds now."""

    @property
    def gaps(self) -> int:
        """How many times speech did not come in time in the middle of an utterance."""

    def push(self, pcm: npt.NDArray[Any], sample_rate: int) -> None:
        """Speech that follows what was pushed before.

        pcm          (N,) or (N, channels), int16 or floats with full scale at 1; what is no number
                     is silence
        sample_rate  8,000 to 192,000; may differ from call to call

        Raises SettingOutOfRange; SessionFull if 60 s wait already (nothing is taken then);
        SessionClosed.
        """

    def flush(self) -> None:
        """The utterance is whole: what is pushed next is another one. Raises SessionClosed."""

    def clear(self) -> Interrupted | None:
        """Interrupt: forget all speech, let the mouth come to rest within 120 ms.

        What was cut off; None if nobody spoke. Raises SessionClosed.
        """

    def listen(self, active: bool) -> None:
        """Somebody begins to speak to the person (True), or pauses or ends (False): meanwhile it
        nods, keeps its eyes on the camera and blinks less. What is said is not needed.

        Raises SessionClosed.
        """

    def change(self, **parameters: Any) -> None:
        """Fields of Direction that are to be others from now on, eased within half a second.

        Raises SettingOutOfRange, also for those that stay: frame rate, picture and seed.
        """

    def next_frame(self, *, drawn: bool = True) -> LiveFrame:
        """The next frame.

        drawn  False: show the picture of the frame before once more, for a caller that is late

        Raises SessionClosed.
        """

    def close(self) -> None:
        """End it. Calls after this one raise SessionClosed; iterators end."""

    def __iter__(self) -> Iterator[LiveFrame]:
        """Frames until the session is closed."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...


class RigSession:
    """A session of an avatar that is drawn from a row of controls."""

    def __init__(
        self,
        draw: Draw,
        frame_size: tuple[int, int],
        direction: Direction,
        sound_rate_hz: int,
        photo_smile: float = 0.0,
    ) -> None:
        """draw: (C,) controls -> frame, valid until the next call; photo_smile: 0..1 how much the
        photograph smiles. Raises SettingOutOfRange, ModelUnavailable."""
        if sound_rate_hz not in SOUND_RATES_HZ:
            wanted = ", ".join(f"{rate}" for rate in SOUND_RATES_HZ)
            raise SettingOutOfRange("sound_rate_hz", sound_rate_hz, f"one of {wanted}")
        self._draw = draw
        self._frame_size = frame_size
        self._direction = direction
        self._fps = direction.video_fps
        self._rate_hz = sound_rate_hz
        self._row_samples = sound_rate_hz // CURVE_RATE_HZ
        self._lock = threading.Lock()
        self._closed = False
        self._number = 0
        self._picture: Planes | None = None
        """As it was drawn last."""
        self._sound = LiveSound(sound_rate_hz, self._fps)
        self._director = LiveDirector(direction, photo_smile)
        self._articulation = LiveArticulation()
        self._listening = False
        """Whether articulation takes in the line; in idleness it is told that there is silence."""
        self._heard = 0
        """Index up to which it has."""
        self._analysis = StreamingResampler(sound_rate_hz, SPEECH_RATE_HZ)

    @property
    def fps(self) -> int:
        return self._fps

    @property
    def sound_rate_hz(self) -> int:
        return self._rate_hz

    @property
    def frame_size(self) -> tuple[int, int]:
        """(width_px, height_px)"""
        return self._frame_size

    @property
    def direction(self) -> Direction:
        return self._direction

    @property
    def waiting_s(self) -> float:
        with self._lock:
            laid = max(0, self._sound.last_sound - self._bound(self._number))
            return (self._sound.waiting + laid) / self._rate_hz

    @property
    def speaking(self) -> bool:
        with self._lock:
            now = self._bound(self._number)
            return self._sound.waiting > 0 or self._sound.last_sound > now

    @property
    def gaps(self) -> int:
        with self._lock:
            return self._sound.gaps

    def push(self, pcm: npt.NDArray[Any], sample_rate: int) -> None:
        """Raises SettingOutOfRange, SessionFull, SessionClosed."""
        samples = _mono(pcm)
        require_rate("sample_rate", sample_rate)
        with self._lock:
            self._check_open()
            self._sound.push(samples, int(sample_rate))

    def flush(self) -> None:
        """Raises SessionFull, SessionClosed."""
        with self._lock:
            self._check_open()
            self._sound.flush()

    def clear(self) -> Interrupted | None:
        """Raises SessionClosed."""
        with self._lock:
            self._check_open()
            now = self._bound(self._number)
            cut = None
            for utterance in self._sound.utterances:
                if utterance.start < now and (utterance.end is None or utterance.end > now):
                    cut = Interrupted(utterance.number, self._position_s(utterance, now))
            if not self._listening:  # nothing of it is laid
                self._sound.clear(self._sound.laid, self._sound.laid)
                return None
            row = -(-(now + round(FADE_S * self._rate_hz)) // self._row_samples)
            self._sound.clear(now, row * self._row_samples)
            self._articulation.cut(now // self._row_samples, row)
            self._director.cut(now / self._rate_hz)
            self._heard = row * self._row_samples
            self._analysis = StreamingResampler(self._rate_hz, SPEECH_RATE_HZ)
            return cut

    def listen(self, active: bool) -> None:
        """Raises SessionClosed."""
        with self._lock:
            self._check_open()
            self._director.listen(active, self._number / self._fps)

    def change(self, **parameters: Any) -> None:
        """Raises SettingOutOfRange, SessionClosed."""
        with self._lock:
            self._check_open()
            for name, value in parameters.items():
                if name not in Direction.__dataclass_fields__:
                    raise SettingOutOfRange(name, value, "a parameter of a session")
                if name in FIXED_IN_SESSION and value != getattr(self._direction, name):
                    wanted = f"{getattr(self._direction, name)!r}, as the session was opened"
                    raise SettingOutOfRange(name, value, wanted)
            self._direction = replace(self._direction, **parameters)
            self._director.change(self._direction, self._number / self._fps)

    def next_frame(self, *, drawn: bool = True) -> LiveFrame:
        """Raises SessionClosed."""
        with self._lock:
            self._check_open()
            controls, frame = self._next()
        if drawn or self._picture is None:
            self._picture = self._draw(controls)
        return replace(frame, picture=self._picture)

    def close(self) -> None:
        with self._lock:
            self._closed = True

    def __iter__(self) -> Iterator[LiveFrame]:
        while True:
            try:
                frame = self.next_frame()
            except SessionClosed:
                return
            yield frame

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def controls(self) -> tuple[Float32, LiveFrame]:
        """The next frame without its picture: (C,) controls, and the frame with a picture of
        nothing. For measurements and tests. Raises SessionClosed."""
        with self._lock:
            self._check_open()
            return self._next()

    def _next(self) -> tuple[Float32, LiveFrame]:
        number, sound = self._number, self._sound
        start, stop = self._bound(number), self._bound(number + 1)
        self._listen(start, stop)
        row = start // self._row_samples
        curves, first = None, 0
        if self._listening:
            first = max(0, row // CURVE_RATE_HZ - WINDOW_S) * CURVE_RATE_HZ
            curves = self._articulation.curves(first, row)
        controls = self._director.row(number, curves, first)
        heard = sound.part(start, stop)
        pcm = np.rint(np.clip(heard, -1.0, 1.0) * 32767.0).astype(np.int16)
        utterance, position_s, ended = None, 0.0, []
        for spoken in sound.utterances:
            if spoken.start < stop:
                last = stop if spoken.end is None else min(stop, spoken.end)
                utterance, position_s = spoken.number, self._position_s(spoken, last)
                if spoken.end is not None and spoken.end <= stop:
                    ended.append(spoken.number)
        sound.forget(min(stop, self._heard))
        self._number += 1
        return controls, LiveFrame(number, _NOTHING, pcm, utterance, position_s, tuple(ended))

    def _listen(self, start: int, stop: int) -> None:
        """Lay the line far enough for a frame, and let articulation take it in."""
        sound = self._sound
        least = stop + round(AHEAD_S * self._rate_hz)
        frames = HEARD_FRAMES * (stop - start)
        most = min(stop + round(MOST_AHEAD_S * self._rate_hz), max(least, sound.laid + frames))
        sound.lay(least, most)
        quiet = sound.last_sound < start - round(IDLE_AFTER_S * self._rate_hz)
        if quiet:
            self._listening = False
            self._heard = stop
            return
        if not self._listening:
            # speech begins somewhere in what was laid now: before it was silence
            row = max(0, (least - frames) // self._row_samples, self._articulation.known)
            self._articulation.silence_until(row)
            self._heard = row * self._row_samples
            self._analysis = StreamingResampler(self._rate_hz, SPEECH_RATE_HZ)
            self._listening = True
        self._articulation.push(self._analysis.push(sound.part(self._heard, sound.laid)))
        self._heard = sound.laid

    def _bound(self, number: int) -> int:
        """The sample with which a frame begins."""
        return number * self._rate_hz // self._fps

    def _position_s(self, utterance: Utterance, now: int) -> float:
        """How much of it is heard before a sample."""
        return max(0, now - utterance.start - utterance.gap) / self._rate_hz

    def _check_open(self) -> None:
        if self._closed:
            raise SessionClosed


def require_rate(name: str, rate_hz: int) -> None:
    """Raise SettingOutOfRange, by this name, for a rate in which no sound can come in."""
    whole = isinstance(rate_hz, int | np.integer) and not isinstance(rate_hz, bool)
    if not whole or not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        wanted = f"a whole number from {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}"
        raise SettingOutOfRange(name, rate_hz, wanted)


def _mono(pcm: npt.NDArray[Any]) -> Float32:
    """(N,) full scale at 1. Raises SettingOutOfRange."""
    if pcm.ndim not in (1, 2) or (pcm.ndim == 2 and not 1 <= pcm.shape[1] <= 8):
        raise SettingOutOfRange("pcm", pcm.shape, "samples, or samples by up to 8 channels")
    if pcm.dtype == np.int16:
        samples = pcm.astype(np.float32) / np.float32(32768.0)
    elif pcm.dtype in (np.float32, np.float64):
        # bounded first: a large float64 is none that float32 has
        samples = np.clip(np.nan_to_num(pcm, nan=0.0), -1.0, 1.0).astype(np.float32)
    else:
        raise SettingOutOfRange("pcm", pcm.dtype.name, "int16, float32 or float64")
    if samples.ndim == 2:
        samples = samples.mean(axis=1, dtype=np.float32)
    return samples


_NOTHING: Final = Planes(
    np.zeros((0, 0), np.uint8), np.zeros((0, 0), np.uint8), np.zeros((0, 0), np.uint8)
)


assert SPEECH_RATE_HZ == SAMPLES_PER_ROW * CURVE_RATE_HZ
