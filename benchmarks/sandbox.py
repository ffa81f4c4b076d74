"""What isolation costs: start and rendering of a worker process with and without it, in one run.

    python -m benchmarks.sandbox [--rounds N] [--side PX]
    python -m benchmarks.sandbox --calls      # what it adds to one call of the system, in seconds
    strace -c -f portravox demo               # how many there are in a render

Two render processes live side by side, one isolated, one not, and make the demo's video in turn, so
that whatever else the machine does falls on both. The ratio is that of the medians. Processor time
tells more than the clock on a machine that does other things too. Where that is not enough, two
figures that no other load moves far say what a render can lose: nanoseconds that the filter adds to
a call, and calls in a render.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import shutil
import statistics
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.machine import this_machine
from portravox.demo import VOICE, demo_portrait
from portravox.service.worker import sandbox
from portravox.service.worker.messages import RenderDone, RenderRequest
from portravox.service.worker.process import WorkerProcess, processor_time_s
from portravox.service.worker.sandbox import SandboxMode, offered

MODES: tuple[SandboxMode, ...] = ("off", "auto")

MEMORY_MIB = 4096
RENDER_TIME_S = 600.0

CALLS, CALL_ROUNDS = 20_000, 10

WANTED_RATIO = 1.03
WANTED_START_S = 0.3
"""At most so much later than without."""


async def start_s(mode: SandboxMode, folder: Path) -> float:
    """How long a render process takes until it is ready."""
    process = WorkerProcess("render", memory_mib=MEMORY_MIB, folders=folder, sandbox_mode=mode)
    began = time.perf_counter()
    await process.warm()
    took_s = time.perf_counter() - began
    await process.close()
    return took_s


async def render_s(process: WorkerProcess, folder: Path, side_px: int) -> tuple[float, float]:
    """How long a request for the demo's video takes, from asking to the file, and how much
    processor time of the process."""
    scratch = folder / "scratch"
    scratch.mkdir()
    shutil.copy(demo_portrait(), scratch / "image")
    shutil.copy(VOICE, scratch / "audio")
    request = RenderRequest(folder=str(scratch), parameters={"max_side": side_px})
    await process.warm()
    assert process.pid is not None
    began, used_s = time.perf_counter(), processor_time_s(process.pid)
    await process.request(request, RenderDone, time_s=RENDER_TIME_S)
    took_s = time.perf_counter() - began
    used_s = processor_time_s(process.pid) - used_s
    shutil.rmtree(scratch)
    return took_s, used_s


async def measure(rounds: int, side_px: int, folder: Path) -> None:
    """Print the table."""
    starts: dict[SandboxMode, list[float]] = {mode: [] for mode in MODES}
    renders: dict[SandboxMode, list[tuple[float, float]]] = {mode: [] for mode in MODES}
    await start_s("auto", folder)  # compiles what is not compiled yet
    for turn in range(rounds):
        for mode in MODES if turn % 2 else reversed(MODES):
            starts[mode].append(await start_s(mode, folder))
    processes = {
        mode: WorkerProcess("render", memory_mib=MEMORY_MIB, folders=folder, sandbox_mode=mode)
        for mode in MODES
    }
    for process in processes.values():
        await render_s(process, folder, side_px)
    for turn in range(rounds):
        for mode in MODES if turn % 2 else reversed(MODES):
            renders[mode].append(await render_s(processes[mode], folder, side_px))
    for process in processes.values():
        await process.close()
    print(f"isolation here: {offered()}; {rounds} rounds\n")
    print("| | without, s | with, s | |")
    print("|---|---|---|---|")
    off_s, on_s = (statistics.median(starts[mode]) for mode in MODES)
    print(f"| start | {off_s:.2f} | {on_s:.2f} | {on_s - off_s:+.2f} s, ≤ {WANTED_START_S} |")
    for index, name in enumerate(("render, by the clock", "render, processor time")):
        off_s, on_s = (statistics.median(one[index] for one in renders[mode]) for mode in MODES)
        print(f"| {name} | {off_s:.2f} | {on_s:.2f} | ratio {on_s / off_s:.3f}, ≤ {WANTED_RATIO} |")


def call_ns(call: Callable[[], object]) -> float:
    """What a call of the system takes of the processor, from Python; the least of several goes."""
    least_s = math.inf
    for _ in range(CALL_ROUNDS):
        began = time.thread_time()
        for _ in range(CALLS):
            call()
        least_s = min(least_s, time.thread_time() - began)
    return 1e9 * least_s / CALLS


def measure_calls(folder: Path) -> None:
    """Print what isolation adds to calls; this process is isolated afterwards."""
    readable = sysconfig.get_paths()["stdlib"] + "/os.py"
    zeros = os.open("/dev/zero", os.O_RDONLY)
    calls: dict[str, Callable[[], object]] = {
        "getppid": os.getppid,
        "sched_yield": os.sched_yield,
        "read a byte": lambda: os.read(zeros, 1),
        "open and close a file": lambda: os.close(os.open(readable, os.O_RDONLY)),
    }
    without = {name: call_ns(call) for name, call in calls.items()}
    sandbox.close_files("render", folder)
    sandbox.close_calls("render")
    print("| call | without, ns | with, ns | more |")
    print("|---|---|---|---|")
    for name, call in calls.items():
        with_ns = call_ns(call)
        print(f"| {name} | {without[name]:.0f} | {with_ns:.0f} | {with_ns - without[name]:+.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--side", type=int, default=512, help="longest side of the picture, px")
    parser.add_argument("--calls", action="store_true", help="what it adds to one call instead")
    arguments = parser.parse_args()
    print(f"Measured {this_machine().sentence()}.")
    if arguments.calls:
        with tempfile.TemporaryDirectory() as folder:
            # In a process of its own: what has been given up does not come back.
            measuring = os.fork()
            if measuring == 0:
                measure_calls(Path(folder))
                sys.stdout.flush()
                os._exit(0)
            os.waitpid(measuring, 0)
        return
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(arguments.rounds, arguments.side, Path(folder)))


if __name__ == "__main__":
    main()
