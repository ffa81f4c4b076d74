"""What is in a video file: for tests, reports and the quality measures.

Flow      video.mp4 -> benchmarks.probe -> VideoInfo, frames, Waveform
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from portravox.arrays import UInt8
from portravox.clock import sample_count
from portravox.errors import FileMissing
from portravox.labels.aigc import read_aigc
from portravox.media.sound_frames import float_samples
from portravox.media.waveform import Waveform

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """A video file, measured by its packets and samples and not by what its header claims."""

    width_px: int
    height_px: int
    fps: float
    frames: int
    duration_s: float
    """From the first frame's start to the last one's end."""

    start_s: float
    """When the first frame is shown."""

    video_codec: str
    profile: str
    level: float
    """Of H.264, as in 4.1; 0 where unknown."""

    pixel_format: str
    color_primaries: int
    color_transfer: int
    color_matrix: int
    """Code points of ISO 23091-2: 1 is BT.709, 2 is not said."""

    limited_range: bool

    sound_codec: str
    """Empty where there is no sound; the fields below are 0 then."""

    sound_rate_hz: int
    sound_channels: int
    sound_duration_s: float
    sound_start_s: float
    """When the first sample is heard."""

    metadata: Mapping[str, str]

    @property
    def aigc(self) -> Mapping[str, str] | None:
        """The label that says it is machine-made; None where there is none."""
        return read_aigc(self.metadata)


def probe_video(path: str | Path) -> VideoInfo:
    """Count what is in a video: every picture packet, every decoded sample.

    Raises FileMissing where there is no file, or none with moving pictures.
    """
    starts_s: list[float] = []
    ends_s: list[float] = []
    with _opened(path) as container:
        video = container.streams.video[0]
        audio = container.streams.audio[0] if container.streams.audio else None
        sound = _SoundSpan(audio)
        for packet in container.demux([video] if audio is None else [video, audio]):
            if packet.stream is audio:
                for frame in audio.decode(packet):
                    sound.add(frame)
            elif packet.pts is not None and packet.size and not packet.is_discard:
                starts_s.append(float(packet.pts * packet.time_base))
                ends_s.append(starts_s[-1] + float((packet.duration or 0) * packet.time_base))
        codec = video.codec_context
        start_s = min(starts_s, default=0.0)
        return VideoInfo(
            width_px=codec.width,
            height_px=codec.height,
            fps=float(video.average_rate or 0),
            frames=len(starts_s),
            duration_s=max(ends_s, default=0.0) - start_s,
            start_s=start_s,
            video_codec=codec.name,
            profile=codec.profile or "",
            level=max(0, codec.level) / 10,
            pixel_format=codec.pix_fmt or "",
            color_primaries=int(codec.color_primaries),
            color_transfer=int(codec.color_trc),
            color_matrix=int(codec.colorspace),
            limited_range=int(codec.color_range) != _FULL_RANGE,
            sound_codec="" if audio is None else audio.codec_context.name,
            sound_rate_hz=sound.rate_hz,
            sound_channels=sound.channels,
            sound_duration_s=sound.heard / sound.rate_hz if sound.samples else 0.0,
            sound_start_s=sound.start_s,
            metadata=dict(container.metadata),
        )


def read_frames(path: str | Path) -> Iterator[UInt8]:
    """The frames of a video in order, each a new (H, W, 3) array, sRGB.

    Raises FileMissing where there is no file, or none with moving pictures.
    """
    from av.video.reformatter import Colorspace, Interpolation

    # The faster default spreads each chroma sample over its block and rounds down.
    careful = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
    with _opened(path) as container:
        for frame in container.decode(video=0):
            # Untagged video is BT.709 from 720 lines on and BT.601 below, as players take it.
            bt709 = frame.colorspace == _BT709 or (
                frame.colorspace == _UNSAID and frame.height >= 720
            )
            pixels = frame.to_ndarray(
                format="rgb24",
                src_colorspace=Colorspace.ITU709 if bt709 else Colorspace.ITU601,
                interpolation=careful,
            )
            yield np.ascontiguousarray(pixels, dtype=np.uint8)


def read_sound(path: str | Path) -> Waveform:
    """The sound of a video as a player plays it: sample 0 is the moment 0 of the video's clock.

    Raises FileMissing where there is no file, no picture or no sound in it.
    """
    with _opened(path) as container:
        if not container.streams.audio:
            raise FileMissing(path, "there is no sound in it")
        stream = container.streams.audio[0]
        sound = _SoundSpan(stream)
        blocks = []
        for frame in container.decode(stream):
            sound.add(frame)
            blocks.append(float_samples(frame))
    if not blocks:
        raise FileMissing(path, "there is no sound in it")
    samples = np.concatenate(blocks)[: sound.heard]  # (N, channels)
    late = round(sound.start_s * sound.rate_hz)
    if late > 0:
        samples = np.concatenate([np.zeros((late, samples.shape[1]), np.float32), samples])
    return Waveform(samples[max(0, -late) :], sound.rate_hz)


_BT709, _UNSAID = 1, 2
"""Code points of ISO 23091-2."""

_FULL_RANGE = 2
"""FFmpeg's number for 0..255."""


class _SoundSpan:
    """Counts decoded sound."""

    def __init__(self, stream: AudioStream | None) -> None:
        self.rate_hz = self.channels = self.samples = 0
        self.start_s = 0.0
        self._end_s: float | None = None
        if stream is not None and stream.duration is not None and stream.time_base is not None:
            # Read now: a stream may not be asked after its file is closed.
            self._end_s = float(stream.duration * stream.time_base)

    def add(self, frame: AudioFrame) -> None:
        """Count one decoded frame."""
        if self.samples == 0:
            self.rate_hz, self.channels = frame.sample_rate, frame.layout.nb_channels
            self.start_s = float(frame.time or 0.0)
        self.samples += frame.samples

    @property
    def heard(self) -> int:
        """Samples that a player plays: the last packet is filled up with silence, and the
        container says where the recording ends."""
        if self._end_s is None:
            return self.samples
        return min(self.samples, sample_count(self._end_s, self.rate_hz))


@contextmanager
def _opened(path: str | Path) -> Iterator[InputContainer]:
    """The file, open, with at least one video stream. Raises FileMissing."""
    import av

    path = Path(path)
    if not path.is_file():
        raise FileMissing(path)
    try:
        # absolute: a name with a colon would be taken for an address
        container = av.open(str(path.absolute()), mode="r", metadata_errors="replace")
    except av.FFmpegError as error:
        raise FileMissing(path, f"not a video ({error.strerror})") from error
    with container:
        if not container.streams.video:
            raise FileMissing(path, "there are no moving pictures in it")
        yield container
