"""How long a video takes, where the time goes, and how much memory it needs.

Flow      a portrait cut to close-ups, a voice cut and looped -> pipeline -> tables, plot
Gives     OUT/speed.json, speed.md, speed.svg

    python -m benchmarks.speed -o out/bench [--quick] [--portrait FILE] [--voice FILE]

Each case runs in a process of its own, so that its peak memory is its own. It is warm: one short
video of the same picture is rendered first. Then the whole job is timed, as a caller sees it
(rendering and encoding overlap), and after that each stage by itself, one after the other. The
encoder alone, fed with the very frames that were rendered, is the floor: no renderer can make
the job faster than that on one thread of rendering beside it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.machine import Machine, this_machine
from portravox.arrays import UInt8
from portravox.clock import sample_count
from portravox.media.plain_files import write_wav
from portravox.media.waveform import Waveform
from portravox.options import Direction

FPS = 25

SIDES_PX = (512, 1024, 2048)
"""Close-ups."""

WHOLE_SIDE_PX = 4096
"""The portrait as it is, enlarged to the largest picture we take."""

DURATIONS_S = (3.0, 30.0, 180.0)
WHOLE_DURATIONS_S = (3.0, 30.0)
"""Three minutes at the largest size would take longer than all other cases together."""

RTF_TARGETS = {512: 0.15, 1024: 0.30, 2048: 0.75}
OVER_FLOOR_TARGET = 2.5
PEAK_TARGET_MB = {2048: 650.0}
FACE_TARGET_S = {1024: 1.0}
FIRST_FRAME_TARGET_S = 6.0
"""What we set out to reach on two cores in a warm process (a cold one for the first frame): the
real-time factor and its ratio to that of encoding alone, of videos that last; memory; finding and
preparing a face."""

LASTS_FROM_S = 30.0
"""In shorter videos finding the face weighs too much for a real-time factor to be one."""

SAMPLE_JOB = ("1000 close-up, sample job", 1000, 2.8, 30)
"""Size and length of the job that DashScope's documentation shows, at 30 frames per second; there
it took 9.1 s (model "liveportrait", usage and times of its sample answer)."""

SAMPLE_JOB_TARGET_S = 1.5

CLOSE_UP_FACES = 1.75
"""Side of a close-up in heights of the face, brow to chin: the head fills the frame."""

GRAIN = 2.0
"""Standard deviation of the grain added after enlarging, of 255. An enlarged picture is smoother
than a photograph of its size, and too easy for the encoder. Our choice."""

WARM_UP_S = 1.0

STAGED_FRAMES = 250
"""Stages are timed on at most so many frames; a frame in the 180th second costs no more."""

KEPT_BYTES = 500_000_000
"""Frames held in memory for the encoder alone, which goes through them back and forth."""

COLD_RUNS = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table."""

    name: str
    portrait: str
    voice: str
    fps: int = FPS


@dataclass(frozen=True, slots=True)
class Timing:
    """What was measured on one case."""

    name: str
    width_px: int
    height_px: int
    duration_s: float
    frames: int
    total_s: float
    """The whole job, rendering and encoding side by side."""

    processor_s: float
    """Processor time of the whole job, all threads: what matters on a busy machine."""

    first_frame_s: float
    """From the call to the first frame, in the warm process."""

    peak_mb: float
    """Largest resident memory, warm-up included."""

    stages_s: dict[str, float]
    """decode, face, articulation, animation: seconds in all. render, encode: seconds for all
    frames, each as if it ran alone."""

    @property
    def real_time_factor(self) -> float:
        return self.total_s / self.duration_s

    @property
    def floor_s(self) -> float:
        """The same frames only encoded."""
        return self.stages_s["encode"]

    @property
    def over_floor(self) -> float:
        return self.total_s / self.floor_s


def close_up(pixels: UInt8, side_px: int) -> UInt8:
    """(side, side, 3) the head alone, filling the frame, enlarged and with grain."""
    from portravox.face.find import find_face
    from portravox.media.picture import Picture

    box = find_face(Picture(pixels))[0].box
    height, width = pixels.shape[:2]
    side = int(min(box.height * CLOSE_UP_FACES, height, width))
    x0 = int(np.clip((box.x0 + box.x1 - side) / 2, 0, width - side))
    y0 = int(np.clip((box.y0 + box.y1 - side) / 2 - 0.05 * side, 0, height - side))
    return enlarged(pixels[y0 : y0 + side, x0 : x0 + side], side_px)


def enlarged(pixels: UInt8, longest_px: int) -> UInt8:
    """The picture at another size, with the grain of a photograph."""
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = longest_px / max(height, width)
    size = (round(width * scale), round(height * scale))
    large = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS), np.float32)
    grain = np.random.default_rng(0).normal(0.0, GRAIN, large.shape[:2]).astype(np.float32)
    grained: UInt8 = np.clip(np.rint(large + grain[..., None]), 0, 255).astype(np.uint8)
    return grained


def looped(voice: Waveform, duration_s: float) -> Waveform:
    """The voice cut or repeated to last exactly so long."""
    wanted = sample_count(duration_s, voice.rate_hz)
    times = -(-wanted // len(voice.samples))
    return Waveform(np.tile(voice.samples, (times, 1))[:wanted], voice.rate_hz)


def there_and_back(count: int, total: int) -> Iterator[int]:
    """`total` indices below `count` without a jump: 0 1 2 1 0 1 ..."""
    cycle = [*range(count), *range(count - 2, 0, -1)] or [0]
    for i in range(total):
        yield cycle[i % len(cycle)]


def measure(case: Case) -> Timing:
    """Run one case in this process, which should be a fresh one."""
    from portravox.pipeline import Progress, animate

    direction = Direction(video_fps=case.fps)
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "video.mp4"
        voice = _read_any_voice(Path(case.voice))
        short = Path(folder) / "short.wav"
        write_wav(short, looped(voice, WARM_UP_S))
        animate(case.portrait, short, video, video_fps=case.fps)

        first: list[float] = []

        def note(progress: Progress) -> None:
            if progress.frames_done and not first:
                first.append(time.perf_counter())

        started, processor = time.perf_counter(), time.process_time()
        done = animate(case.portrait, case.voice, video, video_fps=case.fps, on_progress=note)
        total_s = time.perf_counter() - started
        processor_s = time.process_time() - processor
        peak_mb = peak_memory_mb()
        stages_s = _stages(case, direction, done.frames, video)
    return Timing(
        name=case.name,
        width_px=done.width,
        height_px=done.height,
        duration_s=done.duration_s,
        frames=done.frames,
        total_s=total_s,
        processor_s=processor_s,
        first_frame_s=first[0] - started,
        peak_mb=peak_mb,
        stages_s=stages_s,
    )


def _stages(case: Case, direction: Direction, frames: int, video: Path) -> dict[str, float]:
    """Seconds of each stage by itself; `Timing.stages_s`."""
    from portravox.animation.direct import direct
    from portravox.articulation.from_voice import articulate
    from portravox.engines.embedded import EmbeddedEngine
    from portravox.media.encode import VideoWriter
    from portravox.media.picture_file import read_picture
    from portravox.media.planes import Planes
    from portravox.media.voice_file import read_voice

    watch = _Watch()
    picture = read_picture(case.portrait)
    voice = read_voice(case.voice)
    watch.lap("decode")
    avatar = EmbeddedEngine().register(picture)
    avatar.prepare(direction)
    watch.lap("face")
    curves = articulate(voice)
    watch.lap("articulation")
    direct(curves, direction)
    watch.lap("animation")

    staged = min(frames, STAGED_FRAMES)
    part = looped(voice, staged / case.fps)
    width, height = avatar.frame_size(direction)
    kept_count = max(3, min(staged, KEPT_BYTES // (width * height * 3 // 2)))
    kept = [Planes.of(np.zeros((height, width, 3), np.uint8)) for _ in range(kept_count)]
    drawn = avatar.speak(part, direction)
    kept[0].overwrite(next(drawn))  # with it come articulation and animation, timed above
    begun = time.perf_counter()
    aside_s = 0.0
    for i, frame in enumerate(drawn, start=1):
        copy_s = time.perf_counter()
        kept[i % kept_count].overwrite(frame)
        aside_s += time.perf_counter() - copy_s
    render_s = time.perf_counter() - begun - aside_s

    # the ring's oldest frame first, so that consecutive frames are consecutive in time
    oldest = staged % kept_count if staged > kept_count else 0
    kept = kept[oldest:] + kept[:oldest]
    begun = time.perf_counter()
    with VideoWriter(
        video, width_px=width, height_px=height, fps=case.fps, frames=staged, voice=part
    ) as writer:
        for i in there_and_back(kept_count, staged):
            writer.write(kept[i])
    encode_s = time.perf_counter() - begun
    return {
        **watch.laps_s,
        "render": render_s / (staged - 1) * frames,
        "encode": encode_s / staged * frames,
    }


class _Watch:
    """Seconds between calls of `lap`, by name."""

    def __init__(self) -> None:
        self.laps_s: dict[str, float] = {}
        self._begun = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps_s[name] = now - self._begun
        self._begun = now


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far.

    VmHWM and not getrusage: on Linux ru_maxrss of a new process starts from its parent's.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError("/proc/self/status has no VmHWM; the memory is only measured on Linux")


def cold_first_frame_s(portrait: str, voice: str) -> float:
    """Seconds from starting a new process until its first frame is drawn and handed on.

    The compiled code is on the disk already, as in every run but a machine's first.
    """
    command = [sys.executable, "-m", "benchmarks.speed", "--first-frame", portrait, voice]
    begun = time.time()
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(answer.stdout.split()[-1]) - begun


def _first_frame(portrait: str, voice: str) -> float:
    """The moment (seconds since 1970) at which the first frame went to the encoder."""
    import portravox
    from portravox.errors import Cancelled

    moment: list[float] = []

    def stop(progress: portravox.Progress) -> None:
        if progress.frames_done:
            moment.append(time.time())
            raise Cancelled("the first frame is all we wanted")

    with tempfile.TemporaryDirectory() as folder:
        try:
            portravox.animate(portrait, voice, Path(folder) / "video.mp4", on_progress=stop)
        except Cancelled:
            return moment[0]
    raise AssertionError("a video without frames")


def run_case(case: Case, python: str = sys.executable, root: Path | None = None) -> Timing:
    """Measure in a fresh process, of another version where its interpreter and folder are given."""
    command = [python, "-m", "benchmarks.speed", "--case", json.dumps(asdict(case))]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=root)
    return Timing(**json.loads(answer.stdout.splitlines()[-1]))


def write_cases(
    folder: Path, portrait: Path | None = None, voice: Path | None = None, quick: bool = False
) -> list[Case]:
    """The cases, their pictures and voices written to FOLDER."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    pixels = demo_portrait() if portrait is None else _read_picture(portrait)
    sound = demo_voice() if voice is None else _read_any_voice(voice)
    pictures: dict[str, Path] = {}
    for side in SIDES_PX[:2] if quick else SIDES_PX:
        pictures[f"{side} close-up"] = folder / f"close_up_{side}.jpg"
        Image.fromarray(close_up(pixels, side)).save(pictures[f"{side} close-up"], quality=92)
    if not quick:
        name = f"{WHOLE_SIDE_PX} whole"
        pictures[name] = folder / f"whole_{WHOLE_SIDE_PX}.jpg"
        Image.fromarray(enlarged(pixels, WHOLE_SIDE_PX)).save(pictures[name], quality=92)
    voices: dict[float, Path] = {}
    for duration_s in DURATIONS_S[:1] if quick else DURATIONS_S:
        voices[duration_s] = folder / f"voice_{duration_s:.0f}s.wav"
        write_wav(voices[duration_s], looped(sound, duration_s))

    cases = [
        Case(f"{name}, {duration_s:.0f} s", str(picture), str(wav))
        for name, picture in pictures.items()
        for duration_s, wav in voices.items()
        if not name.endswith("whole") or duration_s in WHOLE_DURATIONS_S
    ]
    name, side, duration_s, fps = SAMPLE_JOB
    picture, wav = folder / "sample_job.jpg", folder / "sample_job.wav"
    Image.fromarray(close_up(pixels, side)).save(picture, quality=92)
    write_wav(wav, looped(sound, duration_s))
    cases.append(Case(name, str(picture), str(wav), fps))
    return cases


def run(
    machine: Machine, out: Path, portrait: Path | None, voice: Path | None, quick: bool
) -> None:
    """All cases, written to OUT as they come."""
    cases = write_cases(out / "inputs", portrait, voice, quick)
    rows: list[Timing] = []
    for case in cases:
        row = run_case(case)
        print(
            f"{row.name:26s} {row.total_s:7.1f} s  RTF {row.real_time_factor:5.2f}"
            f"  {row.over_floor:5.2f} x floor  {row.peak_mb:5.0f} MB",
            flush=True,
        )
        rows.append(row)
        write_report(out, machine, rows, [])
    first = cases[0]
    cold_s = [cold_first_frame_s(first.portrait, first.voice) for _ in range(COLD_RUNS)]
    write_report(out, machine, rows, cold_s)


def write_report(out: Path, machine: Machine, rows: list[Timing], cold_s: list[float]) -> None:
    """JSON, Markdown and plot."""
    facts: dict[str, Any] = {
        "machine": machine.facts(),
        "fps": FPS,
        "cases": [
            {
                **asdict(row),
                "real_time_factor": row.real_time_factor,
                "floor_s": row.floor_s,
                "over_floor": row.over_floor,
            }
            for row in rows
        ],
        "cold_first_frame_s": cold_s,
    }
    (out / "speed.json").write_text(json.dumps(facts, indent=1) + "\n")
    (out / "speed.md").write_text(markdown(machine, rows, cold_s))
    plot(rows, out / "speed.svg")


def markdown(machine: Machine, rows: list[Timing], cold_s: list[float]) -> str:
    """The tables."""
    from portravox.engines.embedded import painters_at_once
    from portravox.media.encode import encoder_threads

    lines = [
        f"Measured {machine.sentence()}; {FPS} frames per second, standard quality;"
        f" {painters_at_once()} painters, {encoder_threads()} threads of x264.",
        "",
        "| picture, video | frames | whole job s | real-time factor | wanted | processor s per s"
        " | cores busy | only encoded s | job ÷ encoding | peak MB | first frame s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row.name} | {row.frames} | {row.total_s:.1f} | {row.real_time_factor:.2f}"
            f" | {_verdict(row)} | {row.processor_s / row.duration_s:.2f}"
            f" | {row.processor_s / row.total_s:.1f} of {machine.cores} | {row.floor_s:.1f}"
            f" | {row.over_floor:.2f} | {row.peak_mb:.0f} | {row.first_frame_s:.2f} |"
        )
    lines += [
        "",
        "Each stage by itself (in the whole job, render and encode overlap):",
        "",
        "| picture, video | decode s | face s | articulation s | animation s"
        " | render ms/frame | encode ms/frame |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        once = [row.stages_s[name] for name in ("decode", "face", "articulation", "animation")]
        each = [1000 * row.stages_s[name] / row.frames for name in ("render", "encode")]
        numbers = [*(f"{seconds:.2f}" for seconds in once), *(f"{ms:.1f}" for ms in each)]
        lines.append(f"| {row.name} | {' | '.join(numbers)} |")
    if not cold_s:
        return "\n".join(lines) + "\n"
    runs = ", ".join(f"{seconds:.1f}" for seconds in cold_s)
    met = "met" if median(cold_s) <= FIRST_FRAME_TARGET_S else "missed"
    lines += [
        "",
        f"Cold process to its first frame: {median(cold_s):.1f} s (runs: {runs} s;"
        f" wanted ≤ {FIRST_FRAME_TARGET_S:.0f} s: {met}).",
    ]
    return "\n".join(lines) + "\n"


def _verdict(row: Timing) -> str:
    """Each of our aims for this case, and whether it was reached."""
    side = max(row.width_px, row.height_px)
    aims: list[tuple[str, float, float]] = []
    if row.name == SAMPLE_JOB[0]:
        aims.append((f"≤ {SAMPLE_JOB_TARGET_S:g} s", row.total_s, SAMPLE_JOB_TARGET_S))
    elif side in RTF_TARGETS:
        if row.duration_s >= LASTS_FROM_S:
            aims.append((f"≤ {RTF_TARGETS[side]:g}", row.real_time_factor, RTF_TARGETS[side]))
            aims.append((f"≤ {OVER_FLOOR_TARGET:g} × floor", row.over_floor, OVER_FLOOR_TARGET))
        if side in FACE_TARGET_S:
            aims.append(
                (f"face ≤ {FACE_TARGET_S[side]:g} s", row.stages_s["face"], FACE_TARGET_S[side])
            )
        if side in PEAK_TARGET_MB:
            aims.append((f"≤ {PEAK_TARGET_MB[side]:.0f} MB", row.peak_mb, PEAK_TARGET_MB[side]))
    said = (f"{aim}: {'met' if value <= limit else 'missed'}" for aim, value, limit in aims)
    return ", ".join(said) or "–"


def plot(rows: list[Timing], path: Path) -> None:
    """Real-time factor of the whole job beside that of the encoder alone, and the stages."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "portravox"  # the same picture gives the same file
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 0.9 + 0.36 * len(rows)), sharey=True)
    places = np.arange(len(rows))
    left.barh(places - 0.2, [row.real_time_factor for row in rows], 0.4, label="whole job")
    left.barh(
        places + 0.2, [row.floor_s / row.duration_s for row in rows], 0.4, label="only encoded"
    )
    left.axvline(1.0, color="black", linewidth=0.8)
    left.set_yticks(places, [row.name for row in rows])
    left.invert_yaxis()
    left.set_xlabel("seconds of work per second of video")
    left.legend(frameon=False)
    start = np.zeros(len(rows))
    for stage in ("decode", "face", "articulation", "animation", "render", "encode"):
        widths = np.array([row.stages_s[stage] / row.duration_s for row in rows])
        right.barh(places, widths, 0.6, left=start, label=stage)
        start += widths
    right.set_xlabel("the same by stages, one after the other")
    right.legend(frameon=False, fontsize="small")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def demo_portrait() -> UInt8:
    """(512, 512, 3) the demo's own portrait."""
    from portravox import demo

    return _read_picture(demo.demo_portrait())


def demo_voice() -> Waveform:
    """The demo's own voice."""
    return _read_any_voice(Path(__file__).parents[1] / "portravox" / "demo" / "voice.wav")


def _read_picture(path: Path) -> UInt8:
    from portravox.media.picture_file import read_picture

    return read_picture(path).pixels


def _read_any_voice(path: Path) -> Waveform:
    from portravox.media.voice_file import read_voice

    return read_voice(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--quick", action="store_true", help="3 s at 512 and 1024 px only")
    parser.add_argument("--portrait", type=Path, help="instead of the demo's")
    parser.add_argument("--voice", type=Path, help="instead of the demo's")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--first-frame", nargs=2, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.case:
        print(json.dumps(asdict(measure(Case(**json.loads(wanted.case))))))
        return
    if wanted.first_frame:
        print(_first_frame(*wanted.first_frame))
        return
    run(this_machine(), wanted.out, wanted.portrait, wanted.voice, wanted.quick)
    print("\n" + (wanted.out / "speed.md").read_text())


if __name__ == "__main__":
    main()
