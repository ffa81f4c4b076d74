"""Frames and a voice into an MP4 that plays everywhere.

Flow      Planes of each frame, Waveform -> media.encode -> video.mp4
Gives     H.264 High 4:2:0 and AAC; the index at the front, so that it plays while it loads; and,
          for who wants to watch while it is made, the same packets in fragments

Encoding runs in a thread of its own beside the rendering. The file appears under its name only
when it is whole. Memory does not depend on the length: sound goes in along with the frames.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.atomic_file import SHARED, part_of, sync_file
from portravox.errors import EncodingFailed, OutputNotWritable, PortravoxError, SettingOutOfRange
from portravox.labels.aigc import AiLabel
from portravox.labels.carriers import read_carried
from portravox.labels.visible import Overlay, VisibleLabel, visible_label
from portravox.labels.watermark import MarkedLevels, Watermark
from portravox.media.fragments import Fragmenter, OnFragment
from portravox.media.planes import Planes
from portravox.media.waveform import Waveform
from portravox.options import OPTIONS, JobOptions, LabelPlace
from portravox.system import usable_cores

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.frame import AudioFrame
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

PRESETS = (
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
)
"""x264's, from quick and large to slow and small."""


_MOST_THREADS = 8
"""Each of x264's threads holds frames of its own. Our choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSettings:
    """What a caller may choose about the MP4."""

    crf: int = 18
    """x264 quality: 0 is the best, 51 the worst; 18 is hard to tell from the source."""

    preset: str = "veryfast"
    """One of PRESETS."""

    b_frames: int = 3
    """0..16"""

    quick_search: bool = True
    """Look for motion by whole pixels, nearby, in whole macroblocks, and place B-frames evenly
    (x264: subme 0, me dia, merange 4, partitions none, b-adapt 0, b-pyramid none). A head hardly
    moves from frame to frame and nothing is ever cut: at 2048 px this took 30 % off x264's time
    against a search by half pixels and with one B-frame, made the file a tenth smaller and cost
    0.2 dB."""

    steady: bool = True
    """Frames that begin anew are made finer than `crf` says and those between coarser, without
    looking ahead (x264: mbtree 0, ipratio 3, pbratio 1.5, crf + 7). What does not move is copied
    from the fine frame, and a head before a still background hardly does; x264's own way to find
    that out looks ahead. At the same quality that took a seventh to a fifth off x264's time
    (docs/decisions/0074)."""

    lookahead_frames: int = 0
    """0..250 frames that x264 looks ahead. Each costs memory, 6 MB and more at 2048 px."""

    threads: int | None = None
    """Of x264. None: one for every two usable cores, up to eight; more take time from the
    rendering that runs beside it. Another number gives another file of the same quality."""

    visible_label: VisibleLabel | None = None
    """A small label in the corner of every frame, in Chinese or English."""

    label_place: LabelPlace = "bottom-right"

    label_s: int | None = None
    """How long from the beginning the label is seen. None: in all frames."""

    def labelled(self, options: JobOptions) -> VideoSettings:
        """The same, with the visible label that a caller wants."""
        return replace(
            self,
            visible_label=options.visible_label,
            label_place=options.label_place,
            label_s=options.label_s,
        )

    def stamp(self, width_px: int, height_px: int) -> Stamp | None:
        """The visible label for frames of this size."""
        if self.visible_label is None:
            return None
        return Stamp(visible_label(self.visible_label, width_px, height_px, self.label_place))

    def is_labelled(self, frame: int, fps: int) -> bool:
        """Whether this frame has the label, if the video has one."""
        return self.label_s is None or frame < self.label_s * fps

    def __post_init__(self) -> None:
        if isinstance(self.crf, bool) or not isinstance(self.crf, int) or not 0 <= self.crf <= 51:
            raise SettingOutOfRange("crf", self.crf, "a whole number from 0 to 51")
        if self.preset not in PRESETS:
            raise SettingOutOfRange("preset", self.preset, f"one of {', '.join(PRESETS)}")
        for name, most in (("b_frames", 16), ("lookahead_frames", 250)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
                raise SettingOutOfRange(name, value, f"a whole number from 0 to {most}")
        if self.threads is not None and not (
            isinstance(self.threads, int) and 1 <= self.threads <= 128
        ):
            raise SettingOutOfRange("threads", self.threads, "a whole number from 1 to 128")
        for name in ("visible_label", "label_place", "label_s"):
            OPTIONS[name].check(getattr(self, name))


def encoder_threads() -> int:
    """How many threads x264 gets where nobody says: rendering fills the other cores."""
    return min(_MOST_THREADS, max(1, usable_cores() // 2))


QUALITIES: Mapping[str, VideoSettings] = MappingProxyType(
    {
        "draft": VideoSettings(crf=26, preset="superfast", steady=False),
        "standard": VideoSettings(),
        "high": VideoSettings(
            crf=15,
            preset="medium",
            b_frames=3,
            quick_search=False,
            steady=False,
            lookahead_frames=30,
        ),
    }
)
"""Names for the command line. `dataclasses.replace` adds a label to one."""


def check_writable(path: str | Path) -> None:
    """Raise OutputNotWritable unless a file can be made at `path`. Leaves nothing behind."""
    part = create_part(Path(path))
    part.unlink()


Seal = Callable[[Path], None]
"""A whole video -> written into, under the same name."""

FRAGMENT_S = 0.25
"""So long is a fragment, rounded to whole frames: the first of them has to be made before anything
can be watched, and each takes some 500 bytes beside its frames. Our choice."""


class VideoWriter:
    """Writes one MP4, frame by frame. A context manager.

    When the block ends well, the video is at `path`, replacing what was there. When it ends with
    an exception, of any kind, nothing new is left and what was there stays.

    Raises, from any of its methods: OutputNotWritable (no such folder, not allowed, disk full) and
    EncodingFailed (the encoder refused, or the frames are not as announced). Constructing one
    already tells whether the place can be written.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        width_px: int,
        height_px: int,
        fps: int,
        frames: int,
        voice: Waveform | None,
        settings: VideoSettings | None = None,
        label: AiLabel | None = None,
        watermark: Watermark | None = None,
        on_fragment: OnFragment | None = None,
        stamp_at: StampAt | None = None,
        seal: Seal | None = None,
        open_video: OpenVideo | None = None,
        first: int = 0,
        beginning: Planes | None = None,
    ) -> None:
        """
        voice         None: an MP4 without sound
        open_video    what makes the open file; None: an MP4. Another has frames with alpha
        watermark     what nobody sees in the luma of all frames; None: nothing
        on_fragment   is given the video as it is made, which changes nothing about the file
        seal          is given the whole file before it gets its name, to write into it last
        stamp_at      what is written onto a frame beside the label; asked in their order
        first         of a part of a longer video: the number of its first frame there
        beginning     the first frame of that video, by which the watermark of all of it goes; None:
                      the first that comes
        """
        for name, value in (("width_px", width_px), ("height_px", height_px)):
            if value < 2 or value % 2:  # yuv420p halves the chroma planes
                raise SettingOutOfRange(name, value, "an even number, 2 or more")
        for name, value in (("fps", fps), ("frames", frames)):
            if value < 1:
                raise SettingOutOfRange(name, value, "1 or more")
        self._path = Path(path)
        check_writable(self._path)
        self._shape = (height_px, width_px)
        self._fps = fps
        self._frames = frames
        self._voice = voice
        self._settings = settings or VideoSettings()
        self._label = label or AiLabel()
        self._watermark = watermark
        self._levels: MarkedLevels | None = None
        self._on_fragment = on_fragment
        self._stamp_at = stamp_at
        self._seal = seal
        self._open_video = open_video
        self._first = first
        if watermark is not None and beginning is not None:
            self._levels = watermark.levels(beginning.luma)
        self._written = 0

    def __enter__(self) -> Self:
        import av

        height_px, width_px = self._shape
        self._stamp = self._settings.stamp(width_px, height_px)
        self._part = create_part(self._path)
        pixels = "yuv420p" if self._open_video is None else "yuva420p"
        try:
            self._free: queue.SimpleQueue[VideoFrame | None] = queue.SimpleQueue()
            self._full: queue.SimpleQueue[VideoFrame | None] = queue.SimpleQueue()
            for _ in range(_FRAMES_UNDERWAY):
                self._free.put(av.VideoFrame(width_px, height_px, pixels))
            self._failure: BaseException | None = None
            self._abandoned = False
            self._thread = threading.Thread(target=self._run, name="portravox-encode", daemon=True)
            self._thread.start()
        except BaseException:
            self._part.unlink(missing_ok=True)
            raise
        return self

    def write(self, frame: Planes) -> None:
        """Add the next frame. It may be overwritten as soon as this returns.

        Waits while the encoder is behind by more than a few frames.
        """
        if frame.shape != self._shape:
            raise EncodingFailed(
                f"frame {self._written} is {frame.shape} px; wanted {self._shape}, rows first"
            )
        if self._written == self._frames:
            raise EncodingFailed(f"frame {self._frames} arrived; wanted {self._frames} in all")
        if self._open_video is not None and frame.alpha is None:
            raise EncodingFailed("the engine draws no alpha; wanted frames to be seen through")
        self._raise_failure()
        slot = self._free.get()
        if slot is None:  # the encoding thread has ended
            self._raise_failure()
            raise EncodingFailed(f"the encoder stopped before frame {self._written}")
        number = self._first + self._written
        drawn = None if self._stamp_at is None else self._stamp_at(number)
        if self._watermark is not None and self._levels is None:
            self._levels = self._watermark.levels(frame.luma)
        label = self._stamp if self._settings.is_labelled(number, self._fps) else None
        fill_frame(slot, frame, self._levels, label, drawn)
        slot.pts = self._written
        slot.time_base = Fraction(1, self._fps)
        self._full.put(slot)
        self._written += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._abandoned = kind is not None or self._written != self._frames
        try:
            self._full.put(None)
            self._thread.join()
            if kind is not None:
                return
            self._raise_failure()
            if self._written != self._frames:
                raise EncodingFailed(f"{self._written} frames arrived; wanted {self._frames}")
            keep_video(self._part, self._path, label=self._label, seal=self._seal)
        except BaseException:
            self._abandoned = True  # interrupted while waiting: the thread stops by itself
            raise
        finally:
            self._part.unlink(missing_ok=True)

    def _run(self) -> None:
        """The encoding thread: frames from the queue into the file."""
        try:
            video = self._opened()
            try:
                while (frame := self._full.get()) is not None and not self._abandoned:
                    video.add(frame)
                    self._free.put(frame)
                if not self._abandoned:
                    video.finish()
            except BaseException:
                with contextlib.suppress(Exception):  # the first error is the one to tell
                    video.close()
                raise
            if self._abandoned:
                with contextlib.suppress(Exception):
                    video.close()
            else:
                video.close()
                sync_file(self._part)
        except BaseException as error:
            self._failure = error
            # The renderer may be waiting for a slot: let it through, to find the failure.
            for _ in range(_FRAMES_UNDERWAY):
                self._free.put(None)

    def _opened(self) -> OpenedVideo:
        size_px = (self._shape[1], self._shape[0])
        metadata = self._label.metadata()
        if self._open_video is not None:
            if self._voice is None:
                raise EncodingFailed("only an MP4 goes without sound")
            return self._open_video(
                self._part, size_px, self._fps, self._voice, self._settings, metadata
            )
        return _Mp4(
            self._part,
            size_px=size_px,
            fps=self._fps,
            voice=self._voice,
            settings=self._settings,
            metadata=metadata,
            frames=self._frames,
            on_fragment=self._on_fragment,
        )

    def _raise_failure(self) -> None:
        """Raise what went wrong in the encoding thread, as one of our errors."""
        failure = self._failure
        if failure is None:
            return
        if isinstance(failure, PortravoxError):
            raise failure
        raise failure_of_encoder(failure, self._path) from failure


def failure_of_encoder(failure: BaseException, path: Path) -> PortravoxError:
    """What went wrong while a file was written, as one of our errors."""
    if isinstance(failure, OSError) and failure.errno in _STORAGE_ERRORS:
        return OutputNotWritable(path, failure.strerror or str(failure))
    return EncodingFailed(f"the encoder failed on {path}: {failure}")


def keep_video(part: Path, path: Path, *, label: AiLabel, seal: Seal | None) -> None:
    """Give a whole file its name, once it is sealed and carries its label.

    Raises OutputNotWritable, EncodingFailed, and what `seal` raises.
    """
    if seal is not None:
        seal(part)
        sync_file(part)
    _require_labels(part, label)
    try:
        part.replace(path)
    except OSError as failed:
        raise OutputNotWritable(path, failed.strerror or str(failed)) from failed


_FRAMES_UNDERWAY = 3
"""Between renderer and encoder: one being filled, one waiting, one being encoded."""

_STORAGE_ERRORS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EIO,
    errno.ENOENT,
    errno.EACCES,
    errno.EPERM,
)
"""Disk full or over quota, file too big, read-only or failing disk, folder taken away."""


def create_part(path: Path) -> Path:
    """Make an empty hidden file beside `path`, to become it later."""
    if path.is_dir():
        raise OutputNotWritable(path, "it is a folder")
    try:
        return part_of(path, mode=SHARED, suffix=".part.mp4")
    except OSError as error:
        reason = f"{error.strerror}: {path.parent}" if error.strerror else str(error)
        refused = OutputNotWritable(path, reason)
        if isinstance(error, FileNotFoundError):
            refused.hint = f"Make the folder first: `mkdir -p {path.parent}`; or mend its name."
        raise refused from error


def fill_frame(
    slot: VideoFrame, frame: Planes, levels: MarkedLevels | None, *stamps: Stamp | None
) -> None:
    """Copy what is drawn into a frame of FFmpeg's, of the same size, with a watermark, and stamps
    onto it."""
    planes = [
        np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        for plane in slot.planes
    ]
    luma, cb, cr, *alpha = planes
    drawn: list[UInt8 | None] = [frame.luma, frame.cb, frame.cr, frame.alpha]
    if levels is not None:
        drawn[0] = None  # copied by that
        levels.add(frame.luma, luma[:, : frame.luma.shape[1]])
    for plane, copied in zip(planes, drawn, strict=False):
        if copied is not None:
            plane[:, : copied.shape[1]] = copied
    for stamp in stamps:
        if stamp is not None:
            stamp.blend(luma, cb, cr)
            if alpha:
                stamp.cover(alpha[0])


class Stamp:
    """A label or a caption, made ready to be blended into planes of YUV."""

    def __init__(self, overlay: Overlay) -> None:
        height, width = overlay.grey.shape
        self._rows = slice(overlay.top_px, overlay.top_px + height)
        self._cols = slice(overlay.left_px, overlay.left_px + width)
        self._half_rows = slice(overlay.top_px // 2, (overlay.top_px + height) // 2)
        self._half_cols = slice(overlay.left_px // 2, (overlay.left_px + width) // 2)
        opacity = overlay.opacity
        half_opacity = opacity.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        # Grey has no chroma (128) and a luma of 16 to 235 (BT.709, limited range).
        self._luma_keep, self._luma_add = 1 - opacity, opacity * (16 + 219 * overlay.grey) + 0.5
        self._chroma_keep, self._chroma_add = 1 - half_opacity, half_opacity * 128 + 0.5

    def blend(self, luma: UInt8, cb: UInt8, cr: UInt8) -> None:
        """Draw onto the three planes of a frame, in place."""
        corner = luma[self._rows, self._cols]
        corner[:] = (corner * self._luma_keep + self._luma_add).astype(np.uint8)
        for plane in (cb, cr):
            corner = plane[self._half_rows, self._half_cols]
            corner[:] = (corner * self._chroma_keep + self._chroma_add).astype(np.uint8)

    def cover(self, alpha: UInt8) -> None:
        """Let nothing be seen through the plane of alpha, 0..255, where this is, in place."""
        corner = alpha[self._rows, self._cols]
        corner[:] = (corner * self._luma_keep + (1 - self._luma_keep) * 255 + 0.5).astype(np.uint8)


class OpenedVideo(Protocol):
    """A file that is being written, by one thread."""

    def add(self, frame: VideoFrame) -> None:
        """Encode the next frame and the sound up to its end. The frame is free afterwards."""

    def finish(self) -> None:
        """Encode what is left of the sound and empty both encoders."""

    def close(self) -> None:
        """Write the index and close the file."""


OpenVideo = Callable[
    [Path, tuple[int, int], int, Waveform, VideoSettings, Mapping[str, str]], OpenedVideo
]
"""Path, (width, height) px, frames per second, voice, settings and metadata -> a file."""

StampAt = Callable[[int], Stamp | None]
"""Number of a frame, from 0 -> what is written onto it."""

_AAC_RATES_HZ = (44_100, 48_000)
"""Kept as they are; any other rate becomes 48 kHz, which every player knows."""

_AAC_BIT_RATES = {1: 128_000, 2: 160_000}
"""By channels; beyond what speech needs, our choice."""

AAC_FRAME = 1024
"""Samples that an AAC-LC packet holds (ISO 14496-3)."""


def _aac_rate(voice: Waveform) -> int:
    """One of _AAC_RATES_HZ."""
    return voice.rate_hz if voice.rate_hz in _AAC_RATES_HZ else _AAC_RATES_HZ[-1]


class SoundBlocks:
    """A voice for an encoder, block by block: at its rate, within -1..1.

    Resampled while it is asked for, so that an hour of it is never held twice. Float files and MP3s
    may go beyond full scale: turned down as a whole, nothing is clipped.
    """

    def __init__(self, voice: Waveform, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.channels = int(voice.samples.shape[1])
        self._voice = voice
        loudest = [max(float(part.max()), -float(part.min())) for part in self._parts()]
        self._peak = np.float32(max(loudest, default=0.0))
        self._left = self._parts()
        self._held = np.zeros((0, self.channels), np.float32)
        self._ended = False

    def take(self, count: int) -> Float32:
        """The next samples, (count, channels); fewer only at the end."""
        while len(self._held) < count and not self._ended:
            part = next(self._left, None)
            if part is None:
                self._ended = True
            else:
                self._held = np.concatenate([self._held, part])
        block, self._held = self._held[:count], self._held[count:]
        return block if self._peak <= 1.0 else block / self._peak

    def _parts(self) -> Iterator[Float32]:
        rate_hz = self._voice.rate_hz
        if rate_hz == self.rate_hz:
            yield from self._voice.pieces()
            return
        import soxr

        stream = soxr.ResampleStream(rate_hz, self.rate_hz, self.channels, dtype="float32")
        left = len(self._voice.samples)
        for piece in self._voice.pieces():
            left -= len(piece)
            part = stream.resample_chunk(piece, last=left == 0)
            if len(part):
                yield part


def _require_labels(file: Path, label: AiLabel) -> None:
    """Raise EncodingFailed where a finished file, read back, does not carry its label: then nobody
    gets it."""
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        carried = read_carried(whole)
        entries = dict(carried.entries) if carried is not None else {}
    missing = [name for name, text in label.metadata().items() if entries.get(name) != text]
    if missing:
        raise EncodingFailed(f"the video does not carry {' and '.join(missing)}; it was not kept")


class _Mp4:
    """The open file: two encoders and the container. Used by one thread only."""

    def __init__(
        self,
        path: Path,
        *,
        size_px: tuple[int, int],
        fps: int,
        voice: Waveform | None,
        settings: VideoSettings,
        metadata: Mapping[str, str],
        frames: int,
        on_fragment: OnFragment | None,
    ) -> None:
        self._fps = fps
        self._frames = 0
        self._file = open_mp4(path, metadata)
        options = {
            "crf": str(x264_crf(settings)),
            "preset": settings.preset,
            "profile": "high",
            "x264-params": x264_params(settings),
        }
        self._video = self._file.add_stream("libx264", rate=fps, options=options)
        video = self._video.codec_context
        describe_pictures(video, size_px, fps)
        video.thread_count = settings.threads or encoder_threads()
        # PyAV asks for threads within a frame, which cuts frames into slices and costs quality.
        video.thread_type = "FRAME"

        self._sound = None if voice is None else SoundTrack(self._file, voice)
        self._fragmenter: Fragmenter | None = None
        if on_fragment is not None and self._sound is not None:
            audio = self._sound.encoder
            video.open(strict=False)  # from here on they tell what the init segment has to say
            audio.open(strict=False)
            self._fragmenter = Fragmenter(
                video,
                audio,
                metadata=metadata,
                frames=frames,
                frames_per_fragment=max(1, round(FRAGMENT_S * fps)),
                on_fragment=on_fragment,
            )

    def add(self, frame: VideoFrame) -> None:
        """Encode the next frame and the sound up to its end. The frame is free afterwards."""
        self._add_pictures(frame)
        self._frames += 1
        if self._sound is not None:
            for packets in self._sound.until(self._frames, self._fps):
                self._mux_sound(packets)

    def finish(self) -> None:
        """Encode what is left of the sound and empty both encoders."""
        self._add_pictures(None)
        if self._sound is not None:
            for packets in self._sound.rest():
                self._mux_sound(packets)
        if self._fragmenter is not None:
            self._fragmenter.cut()

    def close(self) -> None:
        """Write the index and close the file."""
        self._file.close()

    def _add_pictures(self, frame: VideoFrame | None) -> None:
        packets = self._video.encode(frame)
        if self._fragmenter is not None:
            self._fragmenter.add_pictures(packets)  # the file gives them times of its own
        self._file.mux(packets)

    def _mux_sound(self, packets: list[Packet[Any]]) -> None:
        if self._fragmenter is not None:
            self._fragmenter.add_sounds(packets)
        self._file.mux(packets)


def open_mp4(path: Path, metadata: Mapping[str, str]) -> OutputContainer:
    """A new file that plays while it loads, with its labels."""
    import av

    file = av.open(
        str(path.absolute()),  # absolute: a name with a colon would be taken for an address
        mode="w",
        format="mp4",
        # use_metadata_tags: keys under their own names, which the AIGC label needs.
        options={"movflags": "+faststart+use_metadata_tags"},
    )
    file.metadata.update(metadata)
    return file


class SoundTrack:
    """The sound of an open file, encoded along with its pictures."""

    def __init__(self, file: OutputContainer, voice: Waveform) -> None:
        self._blocks = SoundBlocks(voice, _aac_rate(voice))
        self._rate_hz = self._blocks.rate_hz
        self._at = 0
        stream = file.add_stream("aac", rate=self._rate_hz, options=dict(AAC_OPTIONS))
        self.encoder = stream.codec_context
        describe_sound(self.encoder, self._blocks.channels, self._rate_hz)
        self._stream = stream

    def until(self, frames: int, fps: int) -> Iterator[list[Packet[Any]]]:
        """Packets up to the end of so many pictures, whole ones."""
        yield from self._encoded(frames * self._rate_hz // fps)

    def rest(self) -> Iterator[list[Packet[Any]]]:
        """What is left; the last packet may be short."""
        yield from self._encoded(None)
        yield self._stream.encode(None)

    def _encoded(self, until: int | None) -> Iterator[list[Packet[Any]]]:
        while until is None or self._at < until:
            block = self._blocks.take(AAC_FRAME)
            if not len(block):
                return
            yield self._stream.encode(sound_frame(block, self._rate_hz, at=self._at))
            self._at += len(block)


def describe_pictures(video: VideoCodecContext, size_px: tuple[int, int], fps: int) -> None:
    """Tell an encoder what `Planes` are, and how many of them a second has."""
    video.width, video.height = size_px
    video.pix_fmt = "yuv420p"
    video.time_base = Fraction(1, fps)
    video.color_primaries = video.color_trc = video.colorspace = _BT709
    video.color_range = _LIMITED


AAC_OPTIONS = MappingProxyType({"aac_coder": "fast"})
"""The "fast" search takes a third of the time of the default one and, at these bit rates, came out
closer to the recording on every sample we measured (1 to 30 dB less error)."""


def describe_sound(audio: AudioCodecContext, channels: int, rate_hz: int) -> None:
    """Tell an encoder of AAC what it will get."""
    audio.layout = "mono" if channels == 1 else "stereo"
    audio.format = "fltp"
    audio.bit_rate = _AAC_BIT_RATES[channels]
    audio.time_base = Fraction(1, rate_hz)


def sound_frame(block: Float32, rate_hz: int, *, at: int) -> AudioFrame:
    """Sound for an encoder of AAC.

    block  (N, channels) -1..1; AAC_FRAME samples, the last of all may be shorter
    at     how many samples came before
    """
    import av

    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(block.T, dtype=np.float32),
        "fltp",
        "mono" if block.shape[1] == 1 else "stereo",
    )
    frame.sample_rate = rate_hz
    frame.time_base = Fraction(1, rate_hz)
    frame.pts = at
    return frame


KEY_RATIO, B_RATIO = 3.0, 1.5
"""Quantisers of frames that lean on one frame and on two, over those of frames that begin anew and
lean on one. x264's own are 1.4 and 1.3."""

STEADY_CRF = 7
"""So much coarser is what stands between, for the same quality on the whole. All three by
`python -m benchmarks.encoding`."""


def x264_crf(settings: VideoSettings) -> int:
    """What x264 is told about quality."""
    return min(settings.crf + STEADY_CRF, 51) if settings.steady else settings.crf


def x264_params(settings: VideoSettings) -> str:
    """What x264 is told beside quality and preset."""
    params = (
        "chromaloc=1"  # chroma lies in the middle of each 2x2 block
        f":bframes={settings.b_frames}"
        f":rc-lookahead={settings.lookahead_frames}"
        ":sync-lookahead=0"  # a buffer of its own for a thread that we do not need
    )
    if settings.quick_search:
        params += ":subme=0:me=dia:merange=4:partitions=none:b-adapt=0:b-pyramid=none:scenecut=0"
    if settings.steady:
        params += f":mbtree=0:ipratio={KEY_RATIO:g}:pbratio={B_RATIO:g}"
    try:
        has_avx512 = "avx512" in Path("/proc/cpuinfo").read_text()
    except OSError:
        has_avx512 = False
    # x264's AVX-512 code reads memory it has not filled when the width in macroblocks does not
    # fit its vectors: of 50 encodings of one 424x512 clip, 45 differed. With AVX2, none of 50.
    # Only said where AVX-512 is there: x264 takes our word for it and would crash without AVX2.
    return f"{params}:asm=avx2" if has_avx512 else params


_BT709, _LIMITED = 1, 1
"""Code points of ISO 23091-2, and FFmpeg's number for 16..235."""
