"""A session that keeps the promises of a real one and draws nothing: a picture is as bright as its
sound is loud, so that a test sees whether both belong together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from portravox.engines.session import Interrupted, LiveFrame
from portravox.errors import SessionClosed, SessionFull
from portravox.media.planes import Planes
from portravox.options import Direction

MOST_S = 60.0


class TalkingSession:
    """See `portravox.engines.session.Session`. Speech begins with a frame."""

    def __init__(self, fps: int = 25, sound_rate_hz: int = 24_000, size: int = 8) -> None:
        # Compiles what turns planes into pixels, which a frame in a session's time must not do.
        Planes.of(np.zeros((size, size, 3), np.uint8)).rgb()
        self.fps, self.sound_rate_hz = fps, sound_rate_hz
        self.frame_size = (size, size)
        self.direction = Direction(video_fps=fps)
        self.gaps = 0
        self.listened: list[bool] = []
        self._lock = threading.Lock()
        self._waiting: deque[np.ndarray] = deque()
        """Utterances that are whole."""

        self._pieces: list[np.ndarray] = []
        self._utterance, self._heard, self._number, self._closed = 0, 0, 0, False
        self._begun = False

    @property
    def waiting_s(self) -> float:
        pieces = [*self._waiting, *self._pieces]
        heard = self._heard if self._begun else 0
        return (sum(map(len, pieces)) - heard) / self.sound_rate_hz

    @property
    def speaking(self) -> bool:
        return bool(self._waiting or self._pieces)

    def push(self, pcm: np.ndarray, sample_rate: int) -> None:
        """Takes one channel at its own rate alone."""
        assert sample_rate == self.sound_rate_hz
        with self._lock:
            self._check()
            if self.waiting_s + len(pcm) / self.sound_rate_hz > MOST_S:
                raise SessionFull(MOST_S)
            self._pieces.append(np.array(pcm).reshape(-1))

    def flush(self) -> None:
        with self._lock:
            self._check()
            if self._pieces:
                self._waiting.append(np.concatenate(self._pieces))
                self._pieces = []

    def clear(self) -> Interrupted | None:
        with self._lock:
            self._check()
            was = Interrupted(self._utterance, self._heard / self.sound_rate_hz)
            cut = was if self._begun else None
            self._waiting.clear()
            self._pieces, self._begun, self._heard = [], False, 0
            return cut

    def listen(self, active: bool) -> None:
        self._check()
        self.listened.append(active)

    def change(self, **parameters: Any) -> None:
        del parameters

    def next_frame(self) -> LiveFrame:
        with self._lock:
            self._check()
            number = self._number
            self._number += 1
            start = number * self.sound_rate_hz // self.fps
            samples = (number + 1) * self.sound_rate_hz // self.fps - start
            sound = np.zeros(samples, np.int16)
            utterance, position_s, ended = None, 0.0, ()
            if self._waiting:
                whole = self._waiting[0]
                if not self._begun:
                    self._begun, self._heard = True, 0
                    self._utterance += 1
                said = whole[self._heard : self._heard + samples]
                sound[: len(said)] = said
                self._heard += len(said)
                utterance, position_s = self._utterance, self._heard / self.sound_rate_hz
                if self._heard == len(whole):
                    self._waiting.popleft()
                    self._begun, ended = False, (self._utterance,)
            loud = 16 + min(200, int(np.abs(sound.astype(int)).max(initial=0)) // 100)
            width, height = self.frame_size
            half = np.full((height // 2, width // 2), 128, np.uint8)
            picture = Planes(np.full((height, width), loud, np.uint8), half, half)
        return LiveFrame(number, picture, sound, utterance, position_s, ended)

    def close(self) -> None:
        self._closed = True

    def __iter__(self) -> Iterator[LiveFrame]:
        while not self._closed:
            yield self.next_frame()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _check(self) -> None:
        if self._closed:
            raise SessionClosed


def speech(seconds: float, rate_hz: int = 24_000, level: int = 8000) -> np.ndarray:
    """(N,) int16, never silent."""
    return np.full(round(seconds * rate_hz), level, np.int16)


def brightness(rgb: bytes) -> int:
    """Of a picture: 0 while nobody speaks."""
    return rgb[0]
