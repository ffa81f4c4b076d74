"""The mean brightness of some frames of a video, or that of a picture: where a mark is looked for.

Flow      bytes of a file -> media.mean_luma -> labels.watermark_reading
Gives     (H, W) luma; None where a file has no pictures that are decoded here

A mark is the same in all frames, and what an encoder loses of it differs from frame to frame. As
with sound (`decoded_sound`), reader and decoders are named, and no others may be opened; frames,
pixels and time are bounded, since a file says nothing true about them.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from portravox.arrays import Float32, UInt8
from portravox.errors import InputError
from portravox.media.planes import Planes, even_sides

READERS: Mapping[bytes, str] = {b"ftyp": "mov", b"\x1aE\xdf\xa3": "matroska"}
"""What a file has in its first eight bytes, and FFmpeg's demuxer."""

_CODECS = "h264,hevc,vp8,vp9,libdav1d,av1,mpeg4"

PLACES = (0.0, 0.4, 0.8)
"""Parts of the duration where frames are taken from, so that a beginning of others' does not hide
what follows. Our choice."""

FRAMES_AT_EACH, ONE_OF = 40, 4
"""Frames decoded at each place, and which of them count. Our choice."""

MIN_SIDE_PX = 64
"""What is smaller holds no mark; our choice."""

MAX_PIXELS = 4096 * 4096
"""Of a frame; our choice."""

MAX_PACKETS = 2_000
"""Read of a file; our choice."""

MAX_S = 8.0
"""After which no further frame is decoded. Our choice."""


def mean_luma(path: Path, content: bytes) -> Float32 | UInt8 | None:
    """The luma of a picture, or the mean of some frames of a video.

    content  of the file at `path`, which a picture is read from once more
    """
    kind = next((kind for start, kind in READERS.items() if start in content[:8]), None)
    if kind is not None and content[8:12] not in (b"heic", b"heix", b"mif1", b"avif"):
        return _mean_of_frames(content, kind)
    return _luma_of_picture(path)


def _luma_of_picture(path: Path) -> UInt8 | None:
    from portravox.media.picture_file import read_picture

    with contextlib.suppress(InputError):
        pixels = read_picture(path).pixels
        if min(pixels.shape[:2]) >= MIN_SIDE_PX:
            return Planes.of(even_sides(pixels)).luma
    return None


def _mean_of_frames(content: bytes, kind: str) -> Float32 | None:
    import av

    options = {
        "format_whitelist": kind,
        "codec_whitelist": _CODECS,
        "protocol_whitelist": "none",  # there is none of this name: what a file names is not opened
        "probesize": "1000000",
    }
    total: Float32 | None = None
    count = 0
    with (
        contextlib.suppress(av.FFmpegError, ValueError),
        av.open(
            io.BytesIO(content), mode="r", format=kind, options=options, metadata_errors="replace"
        ) as container,
    ):
        for luma in _frames(container):
            if total is None:
                total = np.zeros(luma.shape, np.float32)
            if luma.shape == total.shape:
                total += luma
                count += 1
    return None if total is None else total / np.float32(count)


def _frames(container: Any) -> Iterator[UInt8]:
    """Luma of frames of the first video stream, from some places in it; less where a file breaks
    off."""
    if not container.streams.video:
        return
    stream = container.streams.video[0]
    codec = stream.codec_context
    if codec is None or codec.name not in _CODECS.split(",") or not _fits(codec):
        return
    ends = time.monotonic() + MAX_S
    packets = MAX_PACKETS
    for place in PLACES:
        if place > 0:
            if not stream.duration:
                return
            container.seek(int(stream.duration * place), stream=stream)
        decoded = 0
        for packet in container.demux(stream):
            packets -= 1
            for frame in packet.decode():
                if decoded % ONE_OF == 0 and (luma := _luma(frame)) is not None:
                    yield luma
                decoded += 1
            if decoded >= FRAMES_AT_EACH or packets <= 0 or time.monotonic() > ends:
                break


def _fits(picture: Any) -> bool:
    width, height = int(picture.width), int(picture.height)
    return min(width, height) >= MIN_SIDE_PX and width * height <= MAX_PIXELS


def _luma(frame: Any) -> UInt8 | None:
    """(H, W) a copy of a frame's luma; None for formats that have none of 8 bits."""
    if not _fits(frame):
        return None
    if not frame.format.name.startswith(("yuv4", "yuvj4", "nv12", "gray")) or (
        frame.format.components[0].bits != 8
    ):
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    luma: UInt8 = rows[: plane.height, : plane.width].copy()
    return luma
