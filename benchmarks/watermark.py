"""Whether the watermark is found after what happens to videos, and whether it is seen.

    python -m benchmarks.watermark
    python -m benchmarks.watermark --portraits FOLDER --keys 3 --json out.json --sheet sheet.png

For each portrait a clip is drawn once, marked with some keys, written as a video of ours, treated
(encoded again by x264, made smaller, cropped, shown at another frame rate) and read, as `portravox
inspect` reads it. Then: screenshots of single frames; pictures without a mark, against many keys,
for false alarms; PSNR; what a mark costs; and pairs of enlarged details to look at.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from portravox.arrays import Float64, UInt8
from portravox.demo import VOICE, demo_portrait
from portravox.engines.registry import open_engine
from portravox.errors import PortravoxError
from portravox.labels.watermark import Bits, MarkedLevels, Watermark
from portravox.labels.watermark_reading import (
    MAX_FALSE_ALARM,
    WatermarkFound,
    read_watermark,
    smallest_score,
    strongest,
)
from portravox.media.encode import VideoWriter
from portravox.media.mean_luma import mean_luma
from portravox.media.planes import Planes
from portravox.media.waveform import Waveform
from portravox.options import JobOptions
from portravox.pipeline import Inputs, VideoFormat, read_inputs, render

CLIP_S = 5
FPS = 24
SHOWN_FRAME = 61
"""Which frame a screenshot shows."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done to a video of ours."""

    name: str
    crf: int
    scale: float = 1.0
    kept: float = 1.0
    """Of width and height, around the middle."""

    fps: int = FPS


TREATMENTS = (
    Treatment("CRF 23", 23),
    Treatment("CRF 28", 28),
    Treatment("CRF 32", 32),
    Treatment("50 %, CRF 23", 23, scale=0.5),
    Treatment("50 %, CRF 28", 28, scale=0.5),
    Treatment("50 %, CRF 32", 32, scale=0.5),
    Treatment("cropped by 20 %, CRF 23", 23, kept=0.8),
    Treatment("cropped by 20 %, CRF 32", 32, kept=0.8),
    Treatment("24 to 30 frames/s, CRF 28", 28, fps=30),
    Treatment("cropped by 20 %, then 50 %, CRF 23", 23, scale=0.5, kept=0.8),
)


@dataclass(slots=True)
class Tally:
    """Of one treatment."""

    scores: list[float] = field(default_factory=list)
    """0 where nothing, or something else, was read."""

    def add(self, found: WatermarkFound | None, bits: Bits) -> None:
        self.scores.append(found.score if found is not None and found.bits == bits else 0.0)

    def __str__(self) -> str:
        hits = sum(score > 0 for score in self.scores)
        return f"{hits} of {len(self.scores)} | {np.median(self.scores):.0f}"


class Clip:
    """Frames of a portrait that speaks, kept."""

    def __init__(self, portrait: Path, max_side: int) -> None:
        options = JobOptions(max_side=max_side, video_fps=FPS)
        inputs = read_inputs(portrait, VOICE, options)
        voice = inputs.voice
        self.voice = Waveform(voice.samples[: CLIP_S * voice.rate_hz], voice.rate_hz)
        self.frames: list[Planes] = []
        started = time.process_time()
        render(
            Inputs(picture=inputs.picture, voice=self.voice),
            options,
            lambda video: _Kept(self.frames, video),
            engine=open_engine("embedded"),
        )
        self.drawn_s = time.process_time() - started

    def __enter__(self) -> Clip:
        return self

    def written(self, path: Path, mark: Watermark | None) -> bytes:
        """As a video of ours."""
        height, width = self.frames[0].shape
        with VideoWriter(
            path,
            width_px=width,
            height_px=height,
            fps=FPS,
            frames=len(self.frames),
            voice=self.voice,
            watermark=mark,
        ) as writer:
            for frame in self.frames:
                writer.write(frame)
        return path.read_bytes()


class _Kept:
    def __init__(self, frames: list[Planes], video: VideoFormat) -> None:
        self._frames = frames
        del video

    def __enter__(self) -> _Kept:
        return self

    def __exit__(self, *raised: object) -> None:
        del raised

    def write(self, frame: Planes, /) -> None:
        self._frames.append(frame.copy())


def decoded(video: bytes) -> list[Planes]:
    """All frames of a video."""
    import av

    frames = []
    with av.open(io.BytesIO(video), mode="r") as container:
        for frame in container.decode(video=0):
            pixels = np.asarray(frame.to_ndarray(format="yuv420p"), np.uint8)
            height, width = frame.height, frame.width
            half = height // 2 * (width // 2)
            cb, cr = pixels[height:].reshape(-1)[: 2 * half].reshape(2, height // 2, width // 2)
            frames.append(Planes(pixels[:height], cb, cr))
    return frames


def treated(frames: Sequence[Planes], treatment: Treatment) -> bytes:
    """Cropped, scaled, shown at another rate and encoded by x264's usual preset."""
    import av

    height, width = frames[0].shape
    kept_h, kept_w = (round(side * treatment.kept / 2) * 2 for side in (height, width))
    top, left = (height - kept_h) // 4 * 2, (width - kept_w) // 4 * 2
    out_h, out_w = (round(side * treatment.scale / 2) * 2 for side in (kept_h, kept_w))
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=treatment.fps)
        stream.width, stream.height, stream.pix_fmt = out_w, out_h, "yuv420p"
        stream.options = {"crf": str(treatment.crf), "preset": "medium"}
        stream.codec_context.thread_count = 2
        for number in range(len(frames) * treatment.fps // FPS):
            part = frames[number * FPS // treatment.fps]
            part = part.part(left, top, left + kept_w, top + kept_h)
            planes = [
                cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
                for plane, size in (
                    (part.luma, (out_w, out_h)),
                    (part.cb, (out_w // 2, out_h // 2)),
                    (part.cr, (out_w // 2, out_h // 2)),
                )
            ]
            flat = np.concatenate([plane.reshape(-1) for plane in planes])
            frame = av.VideoFrame.from_ndarray(flat.reshape(-1, out_w), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, treatment.fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def screenshots(frame: Planes) -> Iterator[tuple[str, UInt8]]:
    """(name, luma) of what people keep of a frame."""
    yield "screenshot, PNG", frame.luma
    shown = cv2.resize(frame.rgb(), None, fx=0.7, fy=0.7, interpolation=cv2.INTER_LINEAR)
    _, jpeg = cv2.imencode(".jpg", shown[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    yield "screenshot at 70 %, JPEG 85", cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE)


def psnr_db(frames: Sequence[Planes], levels: MarkedLevels) -> float:
    """Of marked luma against unmarked, of some frames."""
    errors = []
    for frame in frames[::24]:
        marked = np.empty_like(frame.luma)
        levels.add(frame.luma, marked)
        errors.append(float(np.mean((marked.astype(np.float32) - frame.luma) ** 2)))
    return 10 * math.log10(255**2 / float(np.mean(errors)))


def null_scores(pictures: Sequence[UInt8], keys: int) -> Float64:
    """What chance gives: the best score of each unmarked picture for each of some keys."""
    return np.array(
        [
            strongest(picture, f"a key for chance, {key}")
            for picture in pictures
            for key in range(keys)
        ]
    )


def pair(frame: Planes, levels: MarkedLevels, side_px: int = 128) -> UInt8:
    """The flattest part of the picture's middle without and with the mark, four times as large."""
    height, width = frame.shape
    fine = np.abs(cv2.Laplacian(frame.luma, cv2.CV_32F))
    busy = cv2.blur(fine, (side_px, side_px))
    h, w = height // 4, width // 4
    inner = busy[h : height - h, w : width - w]
    row, col = np.unravel_index(int(inner.argmin()), inner.shape)
    top = min(max(0, h + int(row) - side_px // 2), height - side_px) // 2 * 2
    left = min(max(0, w + int(col) - side_px // 2), width - side_px) // 2 * 2
    marked = frame.copy()
    levels.add(frame.luma, marked.luma)
    parts = [
        cv2.resize(
            picture.rgb()[top : top + side_px, left : left + side_px],
            None,
            fx=4,
            fy=4,
            interpolation=cv2.INTER_CUBIC,
        )
        for picture in (frame, marked)
    ]
    both: UInt8 = np.concatenate(parts, axis=1)
    return both


@dataclass(slots=True)
class Measured:
    """Of all clips."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    psnr: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    """Processor time of marking a clip over that of drawing it."""

    growth: list[float] = field(default_factory=list)
    """Size of the file with the mark over that without."""

    unmarked: list[UInt8] = field(default_factory=list)
    pairs: list[UInt8] = field(default_factory=list)

    def tally(self, name: str) -> Tally:
        return self.tallies.setdefault(name, Tally())


def measure(
    clip: Clip, keys: int, label: str, treatments: Sequence[Treatment], measured: Measured
) -> None:
    """Mark a clip with some keys, treat it, read it."""
    frames = clip.frames
    measured.unmarked.append(frames[0].luma)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.mp4"
        plain = len(clip.written(path, None))
        for index in range(keys):
            key, bits = f"benchmark, key {index}", Bits.of(label, str(index))
            mark = Watermark.of(key, bits)
            started = time.process_time()
            levels = mark.levels(frames[0].luma)
            out = np.empty_like(frames[0].luma)
            for frame in frames:
                levels.add(frame.luma, out)
            measured.shares.append((time.process_time() - started) / clip.drawn_s)
            measured.psnr.append(psnr_db(frames, levels))
            if not index:
                measured.pairs.append(pair(frames[0], levels))
            video = clip.written(path, mark)
            measured.growth.append(len(video) / plain)
            shown = decoded(video)
            measured.tally("as published").add(_read(video, key), bits)
            for name, luma in screenshots(shown[SHOWN_FRAME]):
                measured.tally(name).add(read_watermark(luma, (key,)), bits)
            for treatment in treatments:
                again = treated(shown, treatment)
                measured.tally(treatment.name).add(_read(again, key), bits)
                one = decoded(again)[SHOWN_FRAME].luma
                measured.tally(f"one frame of {treatment.name}").add(
                    read_watermark(one, (key,)), bits
                )


def _read(video: bytes, key: str) -> WatermarkFound | None:
    luma = mean_luma(Path("video.mp4"), video)
    return None if luma is None else read_watermark(luma, (key,))


def told(measured: Measured, chance: Float64) -> list[str]:
    """The table."""
    lines = ["| what was done | found | median score |", "|---|---|---|"]
    lines += [f"| {name} | {tally} |" for name, tally in measured.tallies.items()]
    lines += [
        "",
        f"a mark counts from a score of {smallest_score():.2f} on: false alarms in fewer than"
        f" {MAX_FALSE_ALARM:g} of pictures",
        f"unmarked pictures and keys: {len(chance)}; the best scores have a mean of"
        f" {chance.mean():.2f}, a standard deviation of {chance.std():.2f}, a maximum of"
        f" {chance.max():.2f}",
        f"PSNR of marked luma: {min(measured.psnr):.1f} to {max(measured.psnr):.1f} dB",
        f"marking takes {100 * float(np.mean(measured.shares)):.1f} % of the processor time of"
        f" drawing, {100 * max(measured.shares):.1f} % at most",
        f"files grow by {100 * (float(np.mean(measured.growth)) - 1):.1f} %",
    ]
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--portraits", type=Path, help="a folder; without, the demo's portrait")
    parser.add_argument("--keys", type=int, default=2, help="for each portrait")
    parser.add_argument("--max-side", type=int, default=1024)
    parser.add_argument("--least-side", type=int, default=0, help="pass over smaller frames")
    parser.add_argument("--treatments", default="", help="names of those to do, with semicolons")
    parser.add_argument("--chance-keys", type=int, default=40, help="for each unmarked picture")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sheet", type=Path, help="enlarged details without and with the mark")
    asked = parser.parse_args()
    names = [name.strip() for name in asked.treatments.split(";") if name.strip()]
    treatments = [t for t in TREATMENTS if not names or t.name in names]
    portraits = sorted(asked.portraits.iterdir()) if asked.portraits else [demo_portrait()]
    measured = Measured()
    for portrait in portraits:
        try:
            clip = Clip(portrait, asked.max_side)
        except PortravoxError as error:
            print(f"{portrait.name}: {error}")
            continue
        if min(clip.frames[0].shape) < asked.least_side:
            print(f"{portrait.name}: {clip.frames[0].shape} px, passed over")
            continue
        measure(clip, asked.keys, portrait.stem, treatments, measured)
        print(portrait.name, clip.frames[0].shape, f"{measured.psnr[-1]:.1f} dB", flush=True)
        for name, tally in measured.tallies.items():
            print(f"    {name}: {' '.join(f'{s:.0f}' for s in tally.scores[-asked.keys :])}")
    chance = null_scores(measured.unmarked, asked.chance_keys)
    print("\n".join(told(measured, chance)))
    if asked.sheet:
        cv2.imwrite(str(asked.sheet), np.concatenate(measured.pairs)[..., ::-1])
    if asked.json:
        scores = {name: tally.scores for name, tally in measured.tallies.items()}
        asked.json.write_text(json.dumps({"scores": scores, "chance": chance.tolist()}))


if __name__ == "__main__":
    main()
