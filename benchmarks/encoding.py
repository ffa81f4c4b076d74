"""What x264 takes and gives when it is told other things: time, size and likeness.

Flow      the demo's portrait as a close-up, drawn -> x264 -> a table

    python -m benchmarks.encoding [--side PX] [--frames N] [--rounds N]

All variants encode the very same frames in turns, on one thread; the least processor time of the
turns counts. Likeness is that of luma, of every fourth frame, over all of it and around the mouth,
where it moves; of the mouth also the worst frame.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Iterator
from fractions import Fraction

import av
import cv2
import numpy as np

from benchmarks.machine import this_machine
from benchmarks.speed import FPS, close_up, demo_portrait, demo_voice, looped
from portravox.arrays import UInt8
from portravox.engines.embedded import EmbeddedEngine
from portravox.labels.watermark import Bits, Watermark
from portravox.labels.watermark_key import PUBLIC_KEY
from portravox.media.encode import QUALITIES, describe_pictures, fill_frame, x264_crf, x264_params
from portravox.media.picture import Picture
from portravox.media.planes import Planes
from portravox.options import Direction

STANDARD = QUALITIES["standard"]

LOOKING_AHEAD = "rc-lookahead=3:mbtree=1:ipratio=1.4:pbratio=1.3"
"""What standard quality was before it was steady."""

VARIANTS = {
    "three frames ahead": (18, LOOKING_AHEAD),
    "standard": (x264_crf(STANDARD), ""),
    "coarser": (26, "pbratio=1.6"),
    "coarser, 7 B-frames": (26, "pbratio=1.6:bframes=7"),
    "ahead, without CABAC": (18, f"{LOOKING_AHEAD}:cabac=0"),
    "ahead, without deblocking": (18, f"{LOOKING_AHEAD}:no-deblock=1"),
    "ahead, one size of transform": (18, f"{LOOKING_AHEAD}:8x8dct=0"),
    "ahead, even quantisers": (18, f"{LOOKING_AHEAD}:aq-mode=0"),
    "ahead, wider dead zones": (18, f"{LOOKING_AHEAD}:deadzone-inter=32:deadzone-intra=20"),
}
"""Name -> x264's crf, and what it is told beside what standard quality tells it."""

STEP = 4
"""Likeness is measured on each so-manieth frame."""

MOUTH = (slice(50, 85), slice(25, 75))
"""Rows and columns around it in a close-up, in hundredths of the side."""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    shown = list(drawn(given.side, given.frames))
    least: dict[str, float] = {}
    videos: dict[str, bytes] = {}
    for _ in range(given.rounds):
        for name, (crf, params) in VARIANTS.items():
            videos[name], taken_s = encoded(shown, crf, params)
            least[name] = min(taken_s, least.get(name, taken_s))
    first_s = next(iter(least.values()))
    print(f"Measured {this_machine().sentence()};")
    print(f"{given.frames} frames of {given.side} px, {given.rounds} rounds in turns.\n")
    print("| | ms a frame | ratio | Mbit/s | PSNR | SSIM | mouth PSNR | worst | SSIM |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, video in videos.items():
        bits = len(video) * 8 / (given.frames / FPS) / 1e6
        likeness = " | ".join(f"{value:.4g}" for value in compared(shown, video))
        print(
            f"| {name} | {1000 * least[name] / given.frames:.1f} | {least[name] / first_s:.2f}"
            f" | {bits:.2f} | {likeness} |"
        )


def drawn(side: int, frames: int) -> Iterator[av.VideoFrame]:
    """Frames as the encoder gets them, with their watermark."""
    avatar = EmbeddedEngine().register(Picture(close_up(demo_portrait(), side)))
    voice = looped(demo_voice(), frames / FPS)
    mark = Watermark.of(PUBLIC_KEY, Bits.of("benchmark", "0"))
    levels = None
    for number, planes in enumerate(avatar.speak(voice, Direction(video_fps=FPS))):
        levels = levels or mark.levels(planes.luma)
        height, width = planes.shape
        frame = av.VideoFrame(width, height, "yuv420p")
        fill_frame(frame, Planes(planes.luma, planes.cb, planes.cr), levels)
        frame.pts, frame.time_base = number, Fraction(1, FPS)
        yield frame


def encoded(frames: list[av.VideoFrame], crf: int, params: str) -> tuple[bytes, float]:
    """An MP4, and the processor time of the encoder alone, s."""
    told = x264_params(STANDARD) + (f":{params}" if params else "")
    target, taken_s = io.BytesIO(), 0.0
    with av.open(target, "w", format="mp4") as file:
        options = {"crf": str(crf), "preset": STANDARD.preset, "x264-params": told}
        stream = file.add_stream("libx264", rate=FPS, options=options)
        describe_pictures(stream.codec_context, (frames[0].width, frames[0].height), FPS)
        stream.codec_context.thread_count = 1
        for frame in (*frames, None):
            begun = time.process_time()
            packets = stream.encode(frame)
            taken_s += time.process_time() - begun
            file.mux(packets)
    return target.getvalue(), taken_s


def compared(frames: list[av.VideoFrame], video: bytes) -> tuple[float, ...]:
    """PSNR and SSIM of the whole, of the mouth, and between those the mouth's worst PSNR."""
    errors, alike = [], []
    with av.open(io.BytesIO(video), "r") as file:
        for number, frame in enumerate(file.decode(video=0)):
            if number % STEP:
                continue
            ours, theirs = luma(frames[number]), luma(frame)
            side = len(ours) / 100
            mouth = tuple(slice(int(s.start * side), int(s.stop * side)) for s in MOUTH)
            pairs = ((ours, theirs), (ours[mouth], theirs[mouth]))
            errors.append([float(((a.astype(np.float32) - b) ** 2).mean()) for a, b in pairs])
            alike.append([ssim(a, b) for a, b in pairs])
    whole, around = (10 * np.log10(255**2 / np.mean(each)) for each in np.transpose(errors))
    worst = 10 * np.log10(255**2 / max(mouth_error for _, mouth_error in errors))
    of_whole, of_mouth = np.mean(alike, axis=0)
    return whole, of_whole, around, worst, of_mouth


def luma(frame: av.VideoFrame) -> UInt8:
    """(H, W)"""
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : frame.width]


def ssim(a: UInt8, b: UInt8) -> float:
    """Mean structural similarity, windows of 8 px. Source: Wang et al., IEEE TIP 13(4), 2004."""
    x, y = a.astype(np.float32), b.astype(np.float32)

    def mean(values: cv2.typing.MatLike) -> cv2.typing.MatLike:
        return cv2.blur(values, (8, 8))

    mean_x, mean_y = mean(x), mean(y)
    spread = mean(x * x) - mean_x**2 + mean(y * y) - mean_y**2
    together = mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    found = (2 * mean_x * mean_y + c1) * (2 * together + c2)
    return float((found / ((mean_x**2 + mean_y**2 + c1) * (spread + c2))).mean())


if __name__ == "__main__":
    main()
