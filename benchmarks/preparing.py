"""How long a portrait takes to prepare, alone and several at once.

Flow      the demo's portrait as a close-up -> engines.embedded -> a table

    python -m benchmarks.preparing [--side PX] [--rounds N] [--portrait FILE]

One portrait, four one after the other and four in four threads, in turns, in a warm process. Beside
seconds by the clock stands processor time, which a busy machine changes less.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from benchmarks.machine import this_machine
from benchmarks.speed import close_up, demo_portrait
from portravox.engines.embedded import EmbeddedEngine
from portravox.media.picture import Picture
from portravox.media.picture_file import read_picture
from portravox.options import Direction
from portravox.system import usable_cores

AT_ONCE = 4
TARGET_S = 0.30
TARGET_GAIN = 1.6
"""What we set out to reach on two cores at 1024 px."""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--portrait", type=Path)
    given = parser.parse_args()
    pixels = read_picture(given.portrait).pixels if given.portrait else demo_portrait()
    picture = Picture(close_up(pixels, given.side))
    engine = EmbeddedEngine()

    def prepare(portrait: Picture) -> None:
        engine.register(portrait).prepare(Direction())

    prepare(picture)  # compiled code and networks are loaded

    def one() -> None:
        prepare(picture)

    def in_turn() -> None:
        for _ in range(AT_ONCE):
            prepare(picture)

    def at_once() -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(prepare, [picture] * AT_ONCE))

    jobs = {"one portrait": one, "four in turn": in_turn, "four at once": at_once}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    for _ in range(given.rounds):
        for name, job in jobs.items():
            taken[name].append(_timed(job))
    print(f"Measured {this_machine().sentence()}; {usable_cores()} usable cores;")
    print(f"{given.side} px; {given.rounds} rounds in turns.\n")
    print("| | median s | fastest s | processor s, median |\n|---|---|---|---|")
    for name, rounds in taken.items():
        seconds, processor = zip(*rounds, strict=True)
        print(f"| {name} | {median(seconds):.2f} | {min(seconds):.2f} | {median(processor):.2f} |")
    gains = [
        turn[0] / once[0]
        for turn, once in zip(taken["four in turn"], taken["four at once"], strict=True)
    ]
    print(f"\nWanted at 1024 px on two cores: one ≤ {TARGET_S:.2f} s; four at once ≥ {TARGET_GAIN}")
    print(f"times as fast as in turn. Found: {median(gains):.2f} (median of {len(gains)} rounds).")


def _timed(job: Callable[[], None]) -> tuple[float, float]:
    """Seconds by the clock, seconds of processor time."""
    begun, processor = time.perf_counter(), time.process_time()
    job()
    return time.perf_counter() - begun, time.process_time() - processor


if __name__ == "__main__":
    main()
