"""Speed, memory and precision of the neural engine, on whatever PORTRAVOX_DEVICE names.

    PORTRAVOX_DEVICE=cuda python -m benchmarks.neural.speed -o out/neural
    PORTRAVOX_DEVICE=cpu  python -m benchmarks.neural.speed -o out/neural --batches 1 --frames 3

One run says all: seconds until networks are ready; milliseconds a frame of each network by batch
and precision, compiled or not; how far half precision is from single; memory; and whole videos with
encoding. Weights are random and of the published sizes, so no download is needed: times are those
of the real ones, pictures are not. Results are written after each measurement, so that a run which
is cut short leaves what it had. On a processor its own time is measured, all threads together,
since a machine may do other things; and of the video only the first frames are drawn.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.neural.random_weights import random_networks
from portravox.demo import VOICE, demo_portrait
from portravox.engines.neural.devices import ComputeDevice, chosen_device
from portravox.engines.neural.engine import NeuralEngine
from portravox.engines.neural.stitch import stitched
from portravox.engines.neural.weights import Networks
from portravox.media.waveform import Waveform
from portravox.options import JobOptions
from portravox.pipeline import Inputs as JobInputs
from portravox.pipeline import animate_inputs, read_inputs

LEAST_S = 1.0
"""Each measurement repeats until so long has passed. Our choice."""

DTYPES = {"half": torch.float16, "single": torch.float32}


def main() -> int:
    """Measure, and print the results as a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("out/neural"))
    parser.add_argument("--batches", default="1,4,8,16")
    parser.add_argument("--precisions", default="", help="half, single; by default the device's")
    parser.add_argument("--frames", type=int, default=250, help="of the whole video; 0: none")
    parser.add_argument("--compiled", action="store_true", help="also with torch.compile")
    chosen = parser.parse_args()
    device = chosen_device()
    usual = "half,single" if device.is_gpu else "single"
    report = Report(chosen.output / "results.json")
    report.add(
        "machine",
        {
            "device": str(device),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "python": platform.python_version(),
        },
    )
    for precision in (chosen.precisions or usual).split(","):
        dtype = DTYPES[precision]
        started = time.perf_counter()
        networks = random_networks()
        report.add(f"{precision}: make networks, s", time.perf_counter() - started)
        started = time.perf_counter()
        networks.to(torch.device(device.name), dtype)
        _wait(device)
        report.add(f"{precision}: move to the device, s", time.perf_counter() - started)
        for batch in (int(each) for each in chosen.batches.split(",")):
            _measure(report, networks, device, dtype, f"{precision}, batch {batch}", batch)
            if chosen.compiled:
                _measure_compiled(
                    report, networks, device, dtype, f"{precision}, batch {batch}", batch
                )
        del networks
    if device.is_gpu:
        _compare_precisions(report, device)
    if chosen.frames:
        _whole_video(report, device, chosen.frames)
    return 0


class Report:
    """Results, on stdout and in a file."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._results: dict[str, Any] = {}
        place.parent.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, value: Any) -> None:
        """Note a result at once."""
        self._results[name] = value
        self._place.write_text(json.dumps(self._results, indent=1) + "\n", encoding="utf-8")
        print(f"{name:44}{value:10.3f}" if isinstance(value, float) else f"{name:44}{value}")
        sys.stdout.flush()


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What the networks are given."""

    picture: Any
    volume: Any
    feature: Any
    kp_source: Any
    kp_driving: Any

    @classmethod
    def of(
        cls, networks: Networks, batch: int, device: ComputeDevice, dtype: torch.dtype
    ) -> Inputs:
        """Random ones, and what the networks make of them."""
        generator = torch.Generator().manual_seed(2)
        picture = torch.rand((1, 3, 256, 256), generator=generator).to(device.name)
        kp_source = 0.3 * torch.randn((1, 21, 3), generator=generator).to(device.name)
        moves = 0.02 * torch.randn((batch, 21, 3), generator=generator).to(device.name)
        with torch.inference_mode():
            volume = networks.appearance(picture.to(dtype))
            source = networks.warp.prepare(volume)
            feature = networks.warp(source, kp_source, kp_source + moves).feature
        return cls(picture, volume, feature, kp_source, kp_source + moves)


def _measure(
    report: Report,
    networks: Networks,
    device: ComputeDevice,
    dtype: torch.dtype,
    name: str,
    batch: int,
) -> None:
    given = Inputs.of(networks, batch, device, dtype)
    picture = given.picture
    _forget_peak(device)
    with torch.inference_mode():
        source = networks.warp.prepare(given.volume)
        kp_source, kp_driving = given.kp_source, given.kp_driving
        if batch == 1:
            motion = _ms(lambda: networks.motion(picture), device)
            report.add(f"{name}: M, ms once", motion)
            appearance = _ms(lambda: networks.appearance(picture.to(dtype)), device)
            report.add(f"{name}: F, ms once", appearance)
        parts: dict[str, Callable[[], Any]] = {
            "S": lambda: stitched(networks.shoulders, kp_source, kp_driving),
            "W": lambda: networks.warp(source, kp_source, kp_driving),
            "G": lambda: networks.decode(given.feature),
        }
        total = 0.0
        for part, run in parts.items():
            each = _ms(run, device) / batch
            total += each
            report.add(f"{name}: {part}, ms a frame", each)
        report.add(f"{name}: frames/s", 1000.0 / total)
    if device.name.startswith("cuda"):
        report.add(f"{name}: memory, MiB", torch.cuda.max_memory_allocated() / 2**20)


def _measure_compiled(
    report: Report,
    networks: Networks,
    device: ComputeDevice,
    dtype: torch.dtype,
    name: str,
    batch: int,
) -> None:
    given = Inputs.of(networks, batch, device, dtype)
    with torch.inference_mode():
        source = networks.warp.prepare(given.volume)

        def both(kp_driving: Any) -> Any:
            return networks.decode(networks.warp(source, given.kp_source, kp_driving).feature)

        compiled = torch.compile(both, dynamic=False)
        started = time.perf_counter()
        compiled(given.kp_driving)
        _wait(device)
        report.add(f"{name}: compile, s", time.perf_counter() - started)
        each = _ms(lambda: compiled(given.kp_driving), device) / batch
        report.add(f"{name}: W and G compiled, ms a frame", each)


def _compare_precisions(report: Report, device: ComputeDevice) -> None:
    """How far pictures in half precision are from those in single precision."""
    pictures = []
    for dtype in (torch.float32, torch.float16):
        networks = random_networks()
        networks.to(torch.device(device.name), dtype)
        given = Inputs.of(networks, 4, device, dtype)
        with torch.inference_mode():
            source = networks.warp.prepare(given.volume)
            bent = networks.warp(source, given.kp_source, given.kp_driving)
            pictures.append(networks.decode(bent.feature).float().cpu().numpy())
    error = float(np.mean((pictures[0] - pictures[1]) ** 2))
    report.add("half against single, dB", float(-10.0 * np.log10(max(error, 1e-12))))


def _whole_video(report: Report, device: ComputeDevice, frames: int) -> None:
    """The demo's portrait and voice to an MP4, as users have it."""
    options = JobOptions(max_side=512)
    inputs = read_inputs(demo_portrait(), VOICE, options)
    if not device.is_gpu:
        _first_frames(report, device, inputs, options, frames)
        return
    count = round(frames / options.video_fps * inputs.voice.rate_hz)
    samples = np.resize(inputs.voice.samples, (count, inputs.voice.samples.shape[1]))
    inputs = replace(inputs, voice=Waveform(samples, inputs.voice.rate_hz))
    engine = NeuralEngine(random_networks(), device)
    with tempfile.TemporaryDirectory() as folder:
        for again in ("first", "second"):
            started = time.perf_counter()
            made = animate_inputs(inputs, Path(folder) / "out.mp4", options, engine=engine)
            wall_s = time.perf_counter() - started
            report.add(f"video of {made.frames} frames, {again}: s", wall_s)
            report.add(f"video of {made.frames} frames, {again}: frames/s", made.frames / wall_s)


def _first_frames(
    report: Report, device: ComputeDevice, inputs: JobInputs, options: JobOptions, frames: int
) -> None:
    """Register the portrait and draw a few frames, without encoding."""
    engine = NeuralEngine(random_networks(), device)
    started, cpu = time.perf_counter(), time.process_time()
    avatar = engine.register(inputs.picture)
    report.add("register, processor s", time.process_time() - cpu)
    report.add("register, s", time.perf_counter() - started)
    started, cpu = time.perf_counter(), time.process_time()
    drawn = sum(1 for _ in islice(avatar.speak(inputs.voice, options.direction), frames))
    report.add(f"{drawn} frames: processor s a frame", (time.process_time() - cpu) / drawn)
    report.add(f"{drawn} frames: s a frame", (time.perf_counter() - started) / drawn)


def _ms(run: Callable[[], Any], device: ComputeDevice) -> float:
    """Milliseconds of a call, the middle of several after one that warms up."""
    run()
    _wait(device)
    taken: list[float] = []
    clock = time.perf_counter if device.is_gpu else time.process_time
    while not taken or (sum(taken) < LEAST_S and len(taken) < 1000):
        started = clock()
        run()
        _wait(device)
        taken.append(clock() - started)
    return 1000.0 * float(np.median(taken))


def _wait(device: ComputeDevice) -> None:
    if device.name.startswith("cuda"):
        torch.cuda.synchronize()
    elif device.name == "mps":
        torch.mps.synchronize()


def _forget_peak(device: ComputeDevice) -> None:
    if device.name.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()


if __name__ == "__main__":
    sys.exit(main())
