"""LiveKit Agents: our portrait as an agent's face, drawn in the agent's own process.

Flow      AgentSession -> QueueAudioOutput -> AvatarRunner -> PortraitVideo -> engines.session
          engines.session -> PortraitVideo -> AvatarRunner -> tracks of the room

Needs the extra `livekit`. No server of ours and no key of anybody's takes part.

Source: LiveKit Agents 1.8, `livekit.agents.voice.avatar`: what `AvatarRunner` expects of a
`VideoGenerator`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import AgentSession, UserStateChangedEvent
from livekit.agents.voice.avatar import AudioSegmentEnd, AvatarOptions, VideoGenerator

from portravox.engines.session import Session
from portravox.integrations.spoken import Spoken, SpokenSession


class PortraitVideo(VideoGenerator):
    """A session as what `AvatarRunner` takes. Closing it closes the session.

    Each picture goes out before the sound that is heard while it is shown. There is no sound while
    nobody speaks, so that the position that LiveKit counts is that of the speech; it may be up to a
    frame longer, since speech begins within one.
    """

    def __init__(self, session: Session) -> None:
        self._spoken = SpokenSession(session)
        self._passed_on = asyncio.Event()
        """Whether no sound is on its way into the runner's queue."""

        self._passed_on.set()
        width_px, height_px = session.frame_size
        self.options = AvatarOptions(
            video_width=width_px,
            video_height=height_px,
            video_fps=session.fps,
            audio_sample_rate=session.sound_rate_hz,
            audio_channels=1,
        )
        """For `AvatarRunner`."""

    async def push_audio(self, frame: rtc.AudioFrame | AudioSegmentEnd) -> None:
        """Speech, or the end of an utterance. Waits where a minute of it is waiting already."""
        if isinstance(frame, AudioSegmentEnd):
            await self._spoken.flush()
            return
        samples = np.frombuffer(frame.data, np.int16).reshape(-1, frame.num_channels)
        await self._spoken.push(samples, frame.sample_rate)

    async def clear_buffer(self) -> None:
        """Interrupt. What lies in the runner's own queue, up to 100 ms, is heard all the same.

        Returns once the sound that was on its way there has arrived. The runner counts it only
        then, and tells the position when this returns: earlier, it would be missing there, and be
        counted as the first sound of what is said next.
        """
        self._spoken.clear()
        await self._passed_on.wait()

    def follow(self, agent: AgentSession[Any]) -> None:
        """Listen while the user speaks: nods, eyes that stay on the camera."""
        agent.on("user_state_changed", self._on_user_state)

    def _on_user_state(self, event: UserStateChangedEvent) -> None:
        self._spoken.listen(event.new_state == "speaking")

    async def __aiter__(self) -> AsyncIterator[rtc.VideoFrame | rtc.AudioFrame | AudioSegmentEnd]:
        width_px, height_px = self._spoken.session.frame_size
        async for spoken in self._spoken.frames():
            yield rtc.VideoFrame(width_px, height_px, rtc.VideoBufferType.RGB24, spoken.rgb)
            spoken = self._spoken.current(spoken)
            if len(spoken.sound):
                self._passed_on.clear()
                yield self._audio(spoken)
                self._passed_on.set()
            for _ in range(self._spoken.current(spoken).ended):
                yield AudioSegmentEnd()

    def close(self) -> None:
        """End the session: frames end."""
        self._spoken.close()
        self._passed_on.set()

    def _audio(self, spoken: Spoken) -> rtc.AudioFrame:
        return rtc.AudioFrame(
            spoken.sound.tobytes(),
            self._spoken.session.sound_rate_hz,
            num_channels=1,
            samples_per_channel=len(spoken.sound),
        )
