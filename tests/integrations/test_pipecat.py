"""Pipecat's own pipeline and output: sound and pictures in step, interruptions, nothing lost."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.integrations.talking_session import TalkingSession, brightness, speech

pytest.importorskip("pipecat", reason="runs in `make agents`: needs the extra pipecat")

from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputImageRawFrame,
    StartFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner

from portravox.integrations.pipecat import PortraitService

RATE, FPS = 24_000, 25


class Noted(FrameProcessor):
    """Keeps what comes by."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Frame] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        self.frames.append(frame)
        await self.push_frame(frame, direction)


class Shown(BaseOutputTransport):
    """A transport that takes sound at its own pace, as a loudspeaker does, and pictures."""

    def __init__(self) -> None:
        super().__init__(
            TransportParams(
                audio_out_enabled=True,
                audio_out_sample_rate=RATE,
                audio_out_auto_silence=False,
                audio_out_end_silence_secs=0,
                video_out_enabled=True,
                video_out_width=8,
                video_out_height=8,
                video_out_framerate=FPS,
            )
        )
        self.heard = b""
        self.pictures = 0

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        await asyncio.sleep(len(frame.audio) / 2 / frame.sample_rate)
        self.heard += frame.audio
        return True

    async def write_video_frame(self, frame: OutputImageRawFrame) -> bool:
        self.pictures += 1
        return True


def audio(samples: np.ndarray) -> list[Frame]:
    return [
        TTSAudioRawFrame(samples[at : at + RATE // 10].tobytes(), RATE, 1)
        for at in range(0, len(samples), RATE // 10)
    ]


def said(samples: np.ndarray) -> list[Frame]:
    return [TTSStartedFrame(), *audio(samples), TTSStoppedFrame()]


async def played(service: PortraitService, play: Any, *behind: FrameProcessor) -> list[Frame]:
    """What came out of a pipeline into which `play(queue)` put frames, until it was through."""
    noted = Noted()
    worker = PipelineWorker(
        Pipeline([service, noted, *behind]),
        params=PipelineParams(audio_out_sample_rate=RATE),
        cancel_on_idle_timeout=False,
        enable_rtvi=False,
    )
    begun = asyncio.Event()

    @worker.event_handler("on_pipeline_started")
    async def _begun(*_: object) -> None:
        begun.set()

    async def playing() -> None:
        await asyncio.wait_for(begun.wait(), 30.0)
        await play(worker.queue_frame)
        await worker.queue_frame(EndFrame())

    runner = WorkerRunner()
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), playing())
    return noted.frames


def sounds(frames: list[Frame]) -> int:
    return sum(len(frame.audio) // 2 for frame in frames if isinstance(frame, TTSAudioRawFrame))


async def test_what_is_said_is_shown_in_step_and_reaches_the_transport() -> None:
    async def play(queue: Any) -> None:
        for frame in said(speech(1.5)):
            await queue(frame)
        await asyncio.sleep(0.2)

    shown = Shown()
    frames = await played(PortraitService(TalkingSession(FPS, RATE)), play, shown)
    assert sounds(frames) == round(1.5 * RATE)
    for picture, sound in pairwise(frames):
        if isinstance(sound, TTSAudioRawFrame):
            assert isinstance(picture, OutputImageRawFrame)
            assert picture.sync_with_audio
            assert brightness(picture.image) > 20
    kinds = [type(frame) for frame in frames]
    last = max(n for n, kind in enumerate(kinds) if kind is TTSAudioRawFrame)
    assert kinds.index(TTSStoppedFrame) == last + 1
    assert kinds.count(TTSStoppedFrame) == kinds.count(TTSStartedFrame) == 1
    level = np.frombuffer(shown.heard, np.int16)
    assert np.count_nonzero(level) == round(1.5 * RATE)
    assert shown.pictures > 0


async def test_an_interruption_silences_what_was_not_heard() -> None:
    session = TalkingSession(FPS, RATE)
    at_interruption: list[int] = []

    async def play(queue: Any) -> None:
        for frame in said(speech(30.0)):
            await queue(frame)
        await asyncio.sleep(1.0)
        await queue(InterruptionFrame())
        at_interruption.append(session._heard)
        await asyncio.sleep(0.5)
        for frame in said(speech(0.4, level=5000)):
            await queue(frame)
        await asyncio.sleep(0.2)

    frames = await played(PortraitService(session), play)
    cut = next(n for n, frame in enumerate(frames) if isinstance(frame, InterruptionFrame))
    before, after = frames[:cut], frames[cut:]
    assert 0 < sounds(before) < 30 * RATE
    assert sounds(after) == round(0.4 * RATE)
    assert sum(isinstance(frame, TTSStoppedFrame) for frame in frames) == 1
    silent = sum(isinstance(frame, OutputImageRawFrame) for frame in after)
    assert silent > 0.4 * FPS  # it goes on living


async def test_ten_minutes_lose_no_frame_and_no_sample() -> None:
    """With a clock that moves as it is slept: all of it takes seconds."""
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        await asyncio.sleep(0)

    session = TalkingSession(FPS, RATE)
    service = PortraitService(session, clock=lambda: now, sleep=sleep)

    async def play(queue: Any) -> None:
        for turn in range(60):
            while session.waiting_s > 20.0:
                await asyncio.sleep(0.001)
            for frame in said(speech(9.5 + 0.013 * turn, level=3000 + 100 * turn)):
                await queue(frame)
        while session._number < 600 * FPS:
            await asyncio.sleep(0.01)

    frames = await played(service, play)
    assert sounds(frames) == sum(len(speech(9.5 + 0.013 * turn)) for turn in range(60))
    assert sum(isinstance(frame, TTSStoppedFrame) for frame in frames) == 60
    pictures = sum(isinstance(frame, OutputImageRawFrame) for frame in frames)
    assert 0 <= session._number - pictures <= 2  # drawn at the very end, and not wanted any more
    assert now == pytest.approx(session._number / FPS, abs=1.0)


async def test_it_is_told_when_the_user_speaks_and_passes_that_on() -> None:
    session = TalkingSession(FPS, RATE)
    told = (
        VADUserStartedSpeakingFrame,
        UserStartedSpeakingFrame,
        VADUserStoppedSpeakingFrame,
        UserStoppedSpeakingFrame,
    )

    async def play(queue: Any) -> None:
        for kind in told:
            await queue(kind())
        await asyncio.sleep(0.2)

    frames = await played(PortraitService(session), play)
    assert session.listened == [True, True, False, False]
    assert [type(frame) for frame in frames if isinstance(frame, told)] == list(told)
