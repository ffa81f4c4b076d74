"""LiveKit's own runner and queues, without a server: what was said is shown, counted and ended."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from tests.integrations.talking_session import TalkingSession, brightness, speech

pytest.importorskip("livekit.agents", reason="runs in `make agents`: needs the extra livekit")

from livekit import rtc
from livekit.agents import AgentSession, UserStateChangedEvent
from livekit.agents.voice.avatar import AudioSegmentEnd, AvatarRunner, QueueAudioOutput

from portravox.integrations.livekit import PortraitVideo

RATE, FPS = 24_000, 25


def audio(samples: np.ndarray) -> rtc.AudioFrame:
    return rtc.AudioFrame(samples.tobytes(), RATE, 1, len(samples))


class Publication:
    async def wait_for_subscription(self) -> None:
        """Somebody has."""


class Room:
    """A room that is connected and takes tracks."""

    @property
    def local_participant(self) -> Room:
        return self

    def isconnected(self) -> bool:
        return True

    def on(self, *_: object) -> None:
        """Nothing happens in it."""

    off = on

    async def publish_track(self, *_: object) -> Publication:
        return Publication()


class Stage:
    """An agent's output and the runner, with what went out."""

    def __init__(self) -> None:
        self.output = QueueAudioOutput(sample_rate=RATE, wait_playback_start=True)
        self.video = PortraitVideo(TalkingSession(FPS, RATE))
        self.runner = AvatarRunner(
            Room(),  # type: ignore[arg-type]
            audio_recv=self.output,
            video_gen=self.video,
            options=self.video.options,
        )
        self.sent: list[Any] = []
        self.finished: asyncio.Queue[Any] = asyncio.Queue()
        self.started = 0
        push = self.runner.av_sync.push

        async def noted(frame: Any, timestamp: float | None = None) -> None:
            self.sent.append(frame)
            await push(frame, timestamp)

        self.runner.av_sync.push = noted  # type: ignore[method-assign]
        self.output.on("playback_finished", self.finished.put_nowait)
        self.output.on("playback_started", self._count)

    def _count(self, *_: object) -> None:
        self.started += 1

    async def say(self, samples: np.ndarray) -> None:
        for at in range(0, len(samples), RATE // 10):
            await self.output.capture_frame(audio(samples[at : at + RATE // 10]))

    async def close(self) -> None:
        self.video.close()
        await self.runner.aclose()

    def sounds(self) -> int:
        return sum(
            frame.samples_per_channel for frame in self.sent if isinstance(frame, rtc.AudioFrame)
        )


async def test_the_runner_ends_each_utterance_at_the_right_position() -> None:
    stage = Stage()
    await stage.runner.start()
    for said_s in (1.5, 0.62):
        await stage.say(speech(said_s))
        stage.output.flush()
        ended = await asyncio.wait_for(stage.finished.get(), 30.0)
        assert not ended.interrupted
        assert abs(ended.playback_position - said_s) < 1e-3
    assert stage.started == 2
    assert stage.sounds() == round((1.5 + 0.62) * RATE)
    for picture, sound in zip(stage.sent, stage.sent[1:], strict=False):
        if isinstance(sound, rtc.AudioFrame):  # each sound comes behind the picture of its mouth
            assert isinstance(picture, rtc.VideoFrame)
            assert brightness(bytes(picture.data[:1])) > 20
    await stage.close()


async def test_an_interruption_tells_how_much_was_heard_and_silences_the_rest() -> None:
    stage = Stage()
    await stage.runner.start()
    await stage.say(speech(20.0))
    stage.output.flush()
    while stage.sounds() < RATE:
        await asyncio.sleep(0.02)
    before = stage.sounds()
    stage.output.clear_buffer()
    ended = await asyncio.wait_for(stage.finished.get(), 30.0)
    assert ended.interrupted
    pictures = len(stage.sent)
    await asyncio.sleep(0.5)
    heard = stage.sounds()  # all that went into LiveKit's queue, which nothing empties
    assert heard - before <= RATE // FPS  # nothing but what was on its way
    assert round(ended.playback_position * RATE) == heard
    assert len(stage.sent) > pictures  # it goes on living
    await stage.say(speech(0.5))
    stage.output.flush()
    ended = await asyncio.wait_for(stage.finished.get(), 30.0)
    assert (ended.interrupted, round(ended.playback_position, 3)) == (False, 0.5)
    assert stage.started == 2  # once each
    await stage.close()


async def test_positions_of_many_interruptions_add_up_to_what_was_heard() -> None:
    """At any moment, the last sound of an utterance among them, with the next words at once."""
    stage = Stage()
    await stage.runner.start()
    told = 0.0
    for turn in range(12):
        await stage.say(speech(0.4))
        stage.output.flush()
        await asyncio.sleep(0.23 + 0.011 * turn)
        stage.output.clear_buffer()
        ended = await asyncio.wait_for(stage.finished.get(), 30.0)
        told += ended.playback_position
    await asyncio.sleep(0.2)
    assert round(told * RATE) == stage.sounds()
    assert stage.output._pending_playback_count == 0
    await stage.close()


async def test_ten_minutes_lose_no_frame_and_no_sample() -> None:
    """As fast as it goes: the session's time is counted in frames."""
    video = PortraitVideo(TalkingSession(FPS, RATE))
    frames, said, heard, ends = 0, 0, 0, 0
    before: Any = None

    async def agent() -> None:
        nonlocal said
        for turn in range(60):
            utterance = speech(7.0 + 0.013 * turn, level=3000 + 100 * turn)
            for at in range(0, len(utterance), RATE // 10):
                await video.push_audio(audio(utterance[at : at + RATE // 10]))
            said += len(utterance)
            await video.push_audio(AudioSegmentEnd())

    speaking = asyncio.create_task(agent())
    async for frame in video:
        if isinstance(frame, rtc.VideoFrame):
            frames += 1
        elif isinstance(frame, rtc.AudioFrame):
            heard += frame.samples_per_channel
            level = int(np.frombuffer(frame.data, np.int16)[0]) // 100
            assert isinstance(before, rtc.VideoFrame)
            assert abs(bytes(before.data[:1])[0] - round(level * 255 / 219)) < 3
        else:
            ends += 1
        before = frame
        if frames == 600 * FPS:
            break
    await asyncio.wait_for(speaking, 5.0)
    assert (heard, ends) == (said, 60)
    video.close()


async def test_it_is_told_when_the_user_speaks() -> None:
    session = TalkingSession(FPS, RATE)
    video = PortraitVideo(session)
    agent = AgentSession()
    video.follow(agent)
    for old, new in (("listening", "speaking"), ("speaking", "listening"), ("listening", "away")):
        agent.emit("user_state_changed", UserStateChangedEvent(old_state=old, new_state=new))
    assert session.listened == [True, False, False]
    session.close()
    agent.emit(
        "user_state_changed", UserStateChangedEvent(old_state="away", new_state="speaking")
    )  # is no error where the session is over
    video.close()
