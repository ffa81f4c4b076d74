"""Frames and sound as they come, without end, into a video that plays at once.

Flow      Planes and samples, frame by frame -> media.live_video -> bytes of a fragmented MP4
Gives     H.264 without B-frames and AAC: what is added comes out in the same call

For a browser's Media Source, a pipe or whatever takes a stream; a video whose length is known and
that ends in a file is written by `media.encode`. Time is counted in frames and samples from the
first one and never measured: whoever adds them decides when. Memory does not grow.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from portravox.arrays import Float32
from portravox.errors import EncodingFailed, SettingOutOfRange
from portravox.labels.aigc import AiLabel
from portravox.labels.watermark import MarkedLevels, Watermark
from portravox.media.encode import (
    AAC_FRAME,
    AAC_OPTIONS,
    VideoSettings,
    describe_pictures,
    describe_sound,
    fill_frame,
    sound_frame,
    x264_params,
)
from portravox.media.fragments import Fragmenter
from portravox.media.planes import Planes

LIVE = VideoSettings(crf=21, b_frames=0, steady=False, threads=1)
"""Nothing waits for a later frame. One thread, since each more cuts frames into slices, and several
sessions share a machine. Our choice."""

RATES_HZ = (16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""That AAC has and speech comes in. A packet of it has 1024 samples: at 48 kHz 21 ms, at 16 kHz
64 ms."""

KEYFRAMES_APART_S = 2.0
"""How long who comes in the middle waits for a frame to begin with. Our choice."""


class LiveVideo:
    """A fragmented MP4 that goes on until `finish`. Not for two threads at once.

    Raises SettingOutOfRange, and EncodingFailed from any of its methods.
    """

    def __init__(
        self,
        *,
        width_px: int,
        height_px: int,
        fps: int,
        rate_hz: int = 48_000,
        channels: int = 1,
        settings: VideoSettings = LIVE,
        label: AiLabel | None = None,
        watermark: Watermark | None = None,
        frames_per_fragment: int = 1,
    ) -> None:
        """
        width_px, height_px  even
        rate_hz              of the sound, one of RATES_HZ
        channels             1 or 2
        settings             without B-frames and without frames to look ahead
        watermark            what nobody sees in the luma of all frames
        frames_per_fragment  so many frames are handed out together; each fragment takes some 250
                             bytes beside its frames
        """
        for name, value in (("width_px", width_px), ("height_px", height_px)):
            if value < 2 or value % 2:  # yuv420p halves the chroma planes
                raise SettingOutOfRange(name, value, "an even number, 2 or more")
        for name, value in (("fps", fps), ("frames_per_fragment", frames_per_fragment)):
            if value < 1:
                raise SettingOutOfRange(name, value, "1 or more")
        if rate_hz not in RATES_HZ:
            rates = ", ".join(map(str, RATES_HZ))
            raise SettingOutOfRange("rate_hz", rate_hz, f"one of {rates}")
        if channels not in (1, 2):
            raise SettingOutOfRange("channels", channels, "1 or 2")
        for name in ("b_frames", "lookahead_frames"):
            if getattr(settings, name):
                raise SettingOutOfRange(name, getattr(settings, name), "0")
        self._shape = (height_px, width_px)
        self._fps, self._rate_hz, self._channels = fps, rate_hz, channels
        self._frames = self._samples = 0
        self._waiting = np.zeros((0, channels), np.float32)
        """Sound that does not fill a packet yet."""

        self._settings = settings
        self._stamp = settings.stamp(width_px, height_px)
        self._watermark = watermark
        self._levels: MarkedLevels | None = None
        self._out: list[bytes] = []
        self._open(settings, label or AiLabel(), frames_per_fragment)
        self.init_segment = b"".join(self._out)
        """Comes before everything else; what carries the label."""

        self._out.clear()

    def _open(self, settings: VideoSettings, label: AiLabel, frames_per_fragment: int) -> None:
        import av
        from av.codec.context import Flags

        height_px, width_px = self._shape
        try:
            self._video = av.VideoCodecContext.create("libx264", "w")
            describe_pictures(self._video, (width_px, height_px), self._fps)
            self._video.framerate = Fraction(self._fps)
            self._video.thread_count = settings.threads or 1
            self._video.thread_type = "SLICE"  # else each thread holds a frame back
            keyframes = round(KEYFRAMES_APART_S * self._fps)
            self._video.options = {
                "crf": str(settings.crf),
                "preset": settings.preset,
                "profile": "high",
                "x264-params": f"{x264_params(settings)}:keyint={keyframes}:force-cfr=1",
            }
            self._audio = av.AudioCodecContext.create("aac", "w")
            self._audio.sample_rate = self._rate_hz
            describe_sound(self._audio, self._channels, self._rate_hz)
            self._audio.options = dict(AAC_OPTIONS)
            for codec in (self._video, self._audio):
                codec.flags |= Flags.global_header
                codec.open()
            self._slot = av.VideoFrame(width_px, height_px, "yuv420p")
        except av.FFmpegError as error:
            raise EncodingFailed(f"the encoder did not start: {error}") from error
        self._fragmenter = Fragmenter(
            self._video,
            self._audio,
            metadata=label.metadata(),
            frames=None,
            frames_per_fragment=frames_per_fragment,
            on_fragment=self._out.append,
        )

    def add(self, frame: Planes, samples: Float32) -> bytes:
        """The next frame and the sound that goes with it; what can be sent now.

        samples  (N, channels) -1..1, what is beyond is clipped. Any number: the sound's time is
                 counted by its samples, so a caller that gives `rate_hz / fps` of them a frame, on
                 average, keeps both in step.
        returns  fragments, or nothing until there are as many frames as one has
        """
        import av

        if frame.shape != self._shape:
            raise EncodingFailed(
                f"frame {self._frames} is {frame.shape} px; wanted {self._shape}, rows first"
            )
        if samples.ndim != 2 or samples.shape[1] != self._channels:
            raise EncodingFailed(f"sound of shape {samples.shape}; wanted (N, {self._channels})")
        try:
            # Sound first: what goes with the frame is in its fragment, but for the encoder's delay.
            self._add_sound(samples)
            slot = self._slot
            slot.make_writable()  # the encoder may still look at what it was given last
            if self._watermark is not None and self._levels is None:
                self._levels = self._watermark.levels(frame.luma)
            is_labelled = self._settings.is_labelled(self._frames, self._fps)
            fill_frame(slot, frame, self._levels, self._stamp if is_labelled else None)
            slot.pts, slot.time_base = self._frames, Fraction(1, self._fps)
            self._frames += 1
            self._fragmenter.add_pictures(self._video.encode(slot))
        except av.FFmpegError as error:
            raise EncodingFailed(f"the encoder failed at frame {self._frames}: {error}") from error
        return self._taken()

    def finish(self) -> bytes:
        """The rest of the sound; nothing may be added afterwards."""
        import av

        try:
            if len(self._waiting):
                self._encode_sound(self._waiting)
            self._fragmenter.add_sounds(self._audio.encode(None))
            self._fragmenter.add_pictures(self._video.encode(None))
        except av.FFmpegError as error:
            raise EncodingFailed(f"the encoder failed at the end: {error}") from error
        self._fragmenter.cut()
        return self._taken()

    def _add_sound(self, samples: Float32) -> None:
        held = np.concatenate([self._waiting, np.clip(samples, -1.0, 1.0).astype(np.float32)])
        whole = len(held) // AAC_FRAME * AAC_FRAME
        for at in range(0, whole, AAC_FRAME):
            self._encode_sound(held[at : at + AAC_FRAME])
        self._waiting = held[whole:]

    def _encode_sound(self, block: Float32) -> None:
        sound = sound_frame(block, self._rate_hz, at=self._samples)
        self._samples += len(block)
        self._fragmenter.add_sounds(self._audio.encode(sound))

    def _taken(self) -> bytes:
        taken = b"".join(self._out)
        self._out.clear()
        return taken
