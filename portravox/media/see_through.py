"""Frames with a person and nothing behind, and a voice, into a file that video editors take.

Flow      Planes with alpha, Waveform -> media.encode (VideoWriter) -> media.see_through -> a file
Gives     by the file's ending: .webm (VP9 with alpha, Opus), .mov (ProRes 4444, uncompressed sound)

MP4 has no transparency that players know. Colours are not multiplied by alpha, as both kinds have
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

import numpy as np

from portravox.arrays import Float32
from portravox.errors import SettingOutOfRange
from portravox.media.encode import (
    OpenVideo,
    SoundBlocks,
    VideoSettings,
    describe_pictures,
    encoder_threads,
)
from portravox.media.waveform import Waveform

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

OPUS_RATE_HZ = 48_000
"""Opus knows no other of those that recordings have."""

CRF_OF_X264 = 12
"""VP9's scale of quality goes to 63 and x264's to 51: so much more looks alike. Our choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of file with transparency."""

    container: str
    codec: str
    pixel_format: str
    options: Mapping[str, str]
    sound_codec: str
    sound_format: str
    block_samples: int
    """Of a frame of sound."""

    rate_hz: int | None
    """Of the sound; None: the voice's own."""


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        ".webm": Kind(
            container="webm",
            codec="libvpx-vp9",
            pixel_format="yuva420p",
            # libvpx makes no alternate reference frames of pictures with alpha
            options={"b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1",
                     "auto-alt-ref": "0"},
            sound_codec="libopus",
            sound_format="flt",
            block_samples=960,
            rate_hz=OPUS_RATE_HZ,
        ),
        ".mov": Kind(
            container="mov",
            codec="prores_ks",
            pixel_format="yuva444p10le",
            options={"profile": "4444", "alpha_bits": "8", "vendor": "apl0"},
            sound_codec="pcm_s16le",
            sound_format="s16",
            block_samples=1024,
            rate_hz=None,
        ),
    }
)  # fmt: skip
"""By the file's ending."""

WANTED = f"a name that ends in {' or '.join(KINDS)}: an MP4 has no transparency"
"""Of a file for a transparent background."""


def opener(path: Path) -> OpenVideo:
    """What `VideoWriter` makes a file with transparency by; its ending says of which kind.

    Raises SettingOutOfRange for another ending.
    """
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise SettingOutOfRange("output", path.name, WANTED)

    def opened(
        part: Path,
        size_px: tuple[int, int],
        fps: int,
        voice: Waveform,
        settings: VideoSettings,
        metadata: Mapping[str, str],
    ) -> SeeThroughFile:
        return SeeThroughFile(
            part,
            kind,
            size_px=size_px,
            fps=fps,
            voice=voice,
            settings=settings,
            metadata=metadata,
        )

    return opened


class SeeThroughFile:
    """The open file: two encoders and the container. Used by one thread only."""

    def __init__(
        self,
        path: Path,
        kind: Kind,
        *,
        size_px: tuple[int, int],
        fps: int,
        voice: Waveform,
        settings: VideoSettings,
        metadata: Mapping[str, str],
    ) -> None:
        import av

        self._kind = kind
        self._fps = fps
        self._frames = 0
        self._rate_hz = kind.rate_hz or voice.rate_hz
        self._sound = SoundBlocks(voice, self._rate_hz)
        self._sound_at = 0
        self._file = av.open(
            str(path.absolute()),  # absolute: a name with a colon would be taken for an address
            mode="w",
            format=kind.container,
            options={"movflags": "+use_metadata_tags"} if kind.container == "mov" else {},
        )
        self._file.metadata.update(metadata)
        options = dict(kind.options)
        if kind.codec == "libvpx-vp9":
            options["crf"] = str(min(settings.crf + CRF_OF_X264, 63))
        self._video = cast("VideoStream", self._file.add_stream(kind.codec, fps, options))
        video = self._video.codec_context
        describe_pictures(video, size_px, fps)
        video.pix_fmt = kind.pixel_format
        video.thread_count = settings.threads or encoder_threads()
        self._audio = cast("AudioStream", self._file.add_stream(kind.sound_codec, self._rate_hz))
        audio = self._audio.codec_context
        audio.layout = "mono" if self._sound.channels == 1 else "stereo"
        audio.format = kind.sound_format
        audio.time_base = Fraction(1, self._rate_hz)

    def add(self, frame: VideoFrame) -> None:
        """Encode the next frame and the sound up to its end. The frame is free afterwards."""
        if frame.format.name != self._kind.pixel_format:
            at, base = frame.pts, frame.time_base
            frame = frame.reformat(format=self._kind.pixel_format)
            frame.pts, frame.time_base = at, base
        self._file.mux(self._video.encode(frame))
        self._frames += 1
        self._add_sound(until=self._frames * self._rate_hz // self._fps)

    def finish(self) -> None:
        """Encode what is left of the sound and empty both encoders."""
        self._file.mux(self._video.encode(None))
        self._add_sound(until=None)
        self._file.mux(self._audio.encode(None))

    def close(self) -> None:
        """Write the index and close the file."""
        self._file.close()

    def _add_sound(self, until: int | None) -> None:
        """Encode whole blocks until `until` is reached, None: all; the last may be short."""
        while until is None or self._sound_at < until:
            block = self._sound.take(self._kind.block_samples)
            if not len(block):
                return
            self._file.mux(self._audio.encode(self._sound_frame(block)))
            self._sound_at += len(block)

    def _sound_frame(self, block: Float32) -> AudioFrame:
        import av

        samples = np.ascontiguousarray(block).reshape(1, -1)
        if self._kind.sound_format == "s16":
            samples = np.rint(samples * 32767.0).astype(np.int16)
        layout = "mono" if block.shape[1] == 1 else "stereo"
        frame = av.AudioFrame.from_ndarray(samples, self._kind.sound_format, layout)
        frame.sample_rate = self._rate_hz
        frame.time_base = Fraction(1, self._rate_hz)
        frame.pts = self._sound_at
        return frame
