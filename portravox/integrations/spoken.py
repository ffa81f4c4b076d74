"""What is the same for every framework of agents: a session fed from coroutines, and frames whose
sound says which utterance it belongs to.

Flow      a framework's speech -> SpokenSession.push, flush, clear -> engines.session
          engines.session -> SpokenSession.frames -> a framework's pictures and sound

A session draws in a thread of its own, one frame after another, and the event loop goes on
meanwhile. What was cut off is never heard of again: frames that were being drawn while `clear` was
called lose their sound, and utterances that were cut off have no end that is told.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from portravox.engines.session import Session
from portravox.errors import SessionClosed, SessionFull

FULL_S = 0.05
"""Until speech is offered again that a session has no room for. Our choice: about a frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """One frame of a session, ready to be sent."""

    number: int
    """From 0; shown at number / fps."""

    rgb: bytes
    """Rows of the picture from above, three bytes a pixel."""

    sound: npt.NDArray[np.int16]
    """(N,) mono; empty where nobody speaks. From the beginning of the frame on; what comes after an
    utterance's last sample is left out."""

    ended: int
    """How many utterances have been heard to their end with this frame."""


class SpokenSession:
    """A session for one event loop."""

    def __init__(self, session: Session) -> None:
        """session: whoever closes this one closes it, too."""
        self.session = session
        self._drawing = ThreadPoolExecutor(1, thread_name_prefix="portravox-live")
        self._cleared = 0
        self._cut = 0
        """Number of the latest utterance that was cut off."""

        self._position_s = 0.0
        self._utterance: int | None = None
        self._given = self._silenced = -1

    async def push(self, pcm: npt.NDArray[Any], sample_rate: int) -> None:
        """Speech to be spoken; waits while the session has no room for more, and takes nothing of
        it where it was interrupted meanwhile. Raises SettingOutOfRange, SessionClosed."""
        cleared = self._cleared
        while self._cleared == cleared:
            try:
                self.session.push(pcm, sample_rate)
            except SessionFull:
                await asyncio.sleep(FULL_S)
            else:
                return

    async def flush(self) -> None:
        """The utterance is whole. Raises SessionClosed."""
        cleared = self._cleared
        while self._cleared == cleared:
            try:
                self.session.flush()
            except SessionFull:
                await asyncio.sleep(FULL_S)
            else:
                return

    def clear(self) -> None:
        """Interrupt: what was not heard until now never is. Raises SessionClosed."""
        self._cleared += 1
        self._silenced = self._given
        cut = self.session.clear()
        if cut is not None:
            self._cut = cut.utterance

    def listen(self, active: bool) -> None:
        """The user begins to speak, or pauses or ends; nothing where the session is over."""
        with contextlib.suppress(SessionClosed):
            self.session.listen(active)

    async def frames(self) -> AsyncIterator[Spoken]:
        """Frames without end, as fast as they are taken; they end when the session is closed."""
        loop = asyncio.get_running_loop()
        while True:
            cleared = self._cleared
            try:
                spoken = await loop.run_in_executor(self._drawing, self._next)
            except (SessionClosed, RuntimeError):  # RuntimeError: the thread is gone, too
                return
            if cleared != self._cleared:
                spoken = _silent(spoken)
            self._given = spoken.number
            yield spoken

    def current(self, spoken: Spoken) -> Spoken:
        """A frame that was given and waits to be passed on, silent where it was interrupted."""
        return _silent(spoken) if spoken.number <= self._silenced else spoken

    def close(self) -> None:
        """End the session."""
        self.session.close()
        self._drawing.shutdown(wait=False)

    def _next(self) -> Spoken:
        """The next frame, in the thread that draws."""
        frame = self.session.next_frame()
        rgb = frame.picture.rgb().tobytes()
        sound = frame.sound
        ended = tuple(number for number in frame.ended if number > self._cut)
        if frame.utterance is None or frame.utterance <= self._cut:
            sound = sound[:0]
        elif ended and ended[-1] == frame.utterance:
            sound = sound[: self._heard(frame.utterance, frame.position_s, len(sound))]
        self._utterance, self._position_s = frame.utterance, frame.position_s
        return Spoken(frame.number, rgb, sound, len(ended))

    def _heard(self, utterance: int, position_s: float, samples: int) -> int:
        """Up to which sample of its last frame an utterance is heard."""
        if utterance != self._utterance:  # it began in this frame, and we do not know where
            return samples
        return min(samples, round((position_s - self._position_s) * self.session.sound_rate_hz))


def _silent(spoken: Spoken) -> Spoken:
    """Of a frame that was interrupted the mouth may still be seen, its sound not be heard."""
    return replace(spoken, sound=spoken.sound[:0], ended=0)
