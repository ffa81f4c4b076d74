"""Pipecat: our portrait as the face of a pipeline, drawn in the pipeline's own process.

Flow      a speech synthesiser's frames -> PortraitService -> engines.session
          engines.session -> PortraitService -> pictures and their sound -> a transport

Needs the extra `pipecat`. Stands behind the synthesiser and before the transport's output:

    Pipeline([transport.input(), stt, llm, tts, PortraitService(session), transport.output()])

Source: Pipecat 1.14, `pipecat.services.ai_service` and `pipecat.transports.base_output`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    OutputImageRawFrame,
    StartFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.ai_service import AIService

from portravox.engines.session import Session
from portravox.integrations.spoken import Spoken, SpokenSession

LATE_S = 0.5
"""A picture that is later than this moves all that come after it: a machine that stood still must
not make up for it in a rush. Our choice."""

Sleep = Callable[[float], Awaitable[None]]


class PortraitService(AIService):
    """A session in a pipeline: takes the synthesiser's sound away and gives it back with pictures.

    The transport wants `video_out_enabled`, `video_out_width`, `video_out_height` and
    `video_out_framerate` as the session has them, and `video_out_is_live=False`.
    """

    def __init__(
        self,
        session: Session,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        **named: Any,
    ) -> None:
        """
        session       closed at the pipeline's end
        clock, sleep  seconds that pass, for tests
        named         as AIService has it
        """
        super().__init__(**named)
        self._spoken = SpokenSession(session)
        self._clock = clock
        self._sleep = sleep
        self._drawing: asyncio.Task[None] | None = None
        self._stopping: deque[TTSStoppedFrame] = deque()
        """Wait until what they end was heard."""

        self._has_speech = False
        """Whether there is speech that nobody has said the end of."""

    async def start(self, frame: StartFrame) -> None:
        """Begin to show the person."""
        await super().start(frame)
        if self._drawing is None:
            self._drawing = self.create_task(self._show())

    async def stop(self, frame: EndFrame) -> None:
        """Once all is said."""
        session = self._spoken.session
        while session.speaking:
            await self._sleep(1.0 / session.fps)
        await self._sleep(1.0 / session.fps)  # the last frame is on its way
        await super().stop(frame)
        await self._end()

    async def cancel(self, frame: CancelFrame) -> None:
        """At once."""
        await super().cancel(frame)
        await self._end()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Takes in speech; passes on everything else."""
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame):
            samples = np.frombuffer(frame.audio, np.int16).reshape(-1, frame.num_channels)
            self._has_speech = True
            await self._spoken.push(samples, frame.sample_rate)
            return
        if isinstance(frame, TTSStoppedFrame) and self._has_speech:
            self._has_speech = False
            self._stopping.append(frame)
            await self._spoken.flush()
            return
        if isinstance(frame, VADUserStartedSpeakingFrame | UserStartedSpeakingFrame):
            self._spoken.listen(True)
        if isinstance(frame, VADUserStoppedSpeakingFrame | UserStoppedSpeakingFrame):
            self._spoken.listen(False)
        if isinstance(frame, InterruptionFrame):
            self._stopping.clear()
            self._has_speech = False
            self._spoken.clear()
        await self.push_frame(frame, direction)

    async def _show(self) -> None:
        """Frames at the pace at which they are shown, until the session ends."""
        fps = self._spoken.session.fps
        begun: float | None = None
        async for spoken in self._spoken.frames():
            if begun is None:
                begun = self._clock() - spoken.number / fps
            early_s = begun + spoken.number / fps - self._clock()
            if early_s > 0.0:
                await self._sleep(early_s)
            elif early_s < -LATE_S:
                begun -= early_s
            await self._send(self._spoken.current(spoken))

    async def _send(self, spoken: Spoken) -> None:
        session = self._spoken.session
        picture = OutputImageRawFrame(image=spoken.rgb, size=session.frame_size, format="RGB")
        # Behind the sound before it, which the transport plays at its own pace.
        picture.sync_with_audio = len(spoken.sound) > 0
        await self.push_frame(picture)
        spoken = self._spoken.current(spoken)
        if len(spoken.sound):
            await self.push_frame(
                TTSAudioRawFrame(
                    audio=spoken.sound.tobytes(),
                    sample_rate=session.sound_rate_hz,
                    num_channels=1,
                )
            )
        for _ in range(spoken.ended):
            if self._stopping:
                await self.push_frame(self._stopping.popleft())

    async def _end(self) -> None:
        self._spoken.close()
        if self._drawing is not None:
            await self.cancel_task(self._drawing)
            self._drawing = None
