"""A pipeline with a face, without a network: lines in, espeak-ng speaks them, an MP4 comes out.

    pip install 'portravox[pipecat]'    # and Debian's espeak-ng
    python examples/pipecat_espeak.py face.jpg video.mp4 "Good morning." "I am a portrait."

Where an agent has a model and a transport, this has a list of sentences and a file.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import numpy as np
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    OutputImageRawFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from portravox.engines.embedded import EmbeddedEngine
from portravox.integrations.pipecat import PortraitService
from portravox.media.live_video import LiveVideo
from portravox.media.picture_file import read_picture
from portravox.media.planes import Planes
from portravox.options import Direction

RATE_HZ, FPS = 24_000, 25
ESPEAK_RATE_HZ = 22_050
"""What espeak-ng writes."""

BETWEEN_S = 1.0
"""Between two sentences."""


def spoken(sentence: str) -> list[Frame]:
    """What a service of speech would bring."""
    asked = ["espeak-ng", "--stdout", sentence]
    wav = subprocess.run(asked, capture_output=True, check=True).stdout
    pcm = wav[44:]  # after the header
    pieces = [pcm[at : at + ESPEAK_RATE_HZ // 5] for at in range(0, len(pcm), ESPEAK_RATE_HZ // 5)]
    sounds = [TTSAudioRawFrame(piece, ESPEAK_RATE_HZ, 1) for piece in pieces]
    return [TTSStartedFrame(), *sounds, TTSStoppedFrame()]


class Film(FrameProcessor):
    """Writes pictures and the sound behind each into a file."""

    def __init__(self, video: LiveVideo, path: Path) -> None:
        super().__init__()
        self._video, self._file = video, path.open("wb")
        self._file.write(video.init_segment)
        self._picture: OutputImageRawFrame | None = None
        self._frames = 0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Takes what is shown; passes on everything."""
        await super().process_frame(frame, direction)
        if isinstance(frame, OutputImageRawFrame):
            self._write(b"")
            self._picture = frame
        elif isinstance(frame, TTSAudioRawFrame):
            self._write(frame.audio)
        elif isinstance(frame, EndFrame):
            self._write(b"")
            self._file.write(self._video.finish())
            self._file.close()
        await self.push_frame(frame, direction)

    def _write(self, audio: bytes) -> None:
        if self._picture is None:
            return
        width, height = self._picture.size
        pixels = np.frombuffer(self._picture.image, np.uint8).reshape(height, width, 3)
        start = self._frames * RATE_HZ // FPS
        self._frames += 1
        sound = np.zeros((self._frames * RATE_HZ // FPS - start, 1), np.float32)
        heard = np.frombuffer(audio, np.int16)
        sound[: len(heard), 0] = heard / np.float32(32768)
        self._file.write(self._video.add(Planes.of(pixels), sound))
        self._picture = None


async def main(face: Path, path: Path, sentences: list[str]) -> None:
    """Make the video."""
    avatar = EmbeddedEngine().register(read_picture(face, max_side_px=512))
    session = avatar.open(Direction(video_fps=FPS), sound_rate_hz=RATE_HZ)
    width_px, height_px = session.frame_size
    video = LiveVideo(width_px=width_px, height_px=height_px, fps=FPS, rate_hz=RATE_HZ)
    pipeline = Pipeline([PortraitService(session), Film(video, path)])
    worker = PipelineWorker(
        pipeline,
        params=PipelineParams(audio_out_sample_rate=RATE_HZ),
        cancel_on_idle_timeout=False,
        enable_rtvi=False,
    )
    begun = asyncio.Event()

    @worker.event_handler("on_pipeline_started")
    async def _begun(*_: object) -> None:
        begun.set()

    async def talk() -> None:
        await begun.wait()
        for sentence in sentences:
            for frame in spoken(sentence):
                await worker.queue_frame(frame)
            while session.speaking:
                await asyncio.sleep(0.1)
            await asyncio.sleep(BETWEEN_S)
        await worker.queue_frame(EndFrame())

    runner = WorkerRunner()
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), talk())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
