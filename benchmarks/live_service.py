"""Live sessions over a WebSocket, in figures: how soon one begins, how many go on at once.

Flow      the demo's portrait and voice -> `portravox serve` -> WebSockets -> benchmarks.live

    python -m benchmarks.live_service [--seconds 60] [--most 4]

A real server and its clients on one machine. What is late is counted by the server's own numbers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.page.driving import Running, serving
from portravox import read_voice
from portravox.demo import VOICE, demo_portrait

FPS = 25
PIECE_S = 0.02
STARTS = 4

REFILL_S = 8.0
"""After a session has taken the process that stood ready, another one is started."""

Int16 = npt.NDArray[np.int16]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--most", type=int, default=4)
    given = parser.parse_args()
    for row in measured(demo_portrait(), given.seconds, given.most):
        print(" | ".join(map(str, row)))
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def measured(
    portrait: Path, seconds: float, most: int
) -> Iterator[tuple[str, str, str, bool | None]]:
    """Rows: measure, goal, what was measured, whether it was met.

    seconds  for which the most sessions go on at once; fewer ones go on for a third of it
    """
    voice = read_voice(VOICE)
    pcm: Int16 = np.rint(np.clip(voice.mono(), -1.0, 1.0) * 32767.0).astype(np.int16)
    picture = portrait.read_bytes()
    with _server(most) as server:
        time.sleep(2 * REFILL_S)  # the first process compiles its loops
        took = []
        for _ in range(STARTS):
            took.append(asyncio.run(_begun(server, picture)))
            time.sleep(REFILL_S)
        p50, worst = float(np.median(took)), max(took)
        yield (
            f"API cold start of a session in a warm server: picture sent to first frame, {STARTS}"
            " times, the middle and the slowest",
            "≤ 1.5 s",
            f"{p50:.2f}, {worst:.2f} s",
            worst <= 1.5,
        )
        free = 0
        told = []
        for count in range(1, most + 1):
            late, frames, answer_s = asyncio.run(
                _at_once(
                    server,
                    picture,
                    pcm,
                    voice.rate_hz,
                    count,
                    seconds / (1 if count == most else 3),
                )
            )
            told.append(f"{count}: {late} of {frames} late, answer {1000 * answer_s:.0f} ms")
            if late == 0 and free == count - 1:
                free = count
            time.sleep(REFILL_S)
        yield (
            f"sessions at once over WebSockets, speaking, for {seconds:g} s without a late frame",
            "≥ 4",
            f"{free} ({'; '.join(told)})",
            free >= 4,
        )


@contextmanager
def _server(sessions: int) -> Iterator[Running]:
    wanted = {"PORTRAVOX_LIVE_SESSIONS": str(sessions), "PORTRAVOX_LIVE_WARM": "true"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            serving(Path(folder) / "data", log=Path(folder) / "log.txt") as server,
        ):
            yield server
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _connected(server: Running) -> Any:
    from websockets.asyncio.client import connect

    return connect(
        server.url.replace("http", "ws") + "api/v1/live",
        additional_headers={"Authorization": f"Bearer {server.key}"},
        max_size=None,
        max_queue=None,
    )


async def _start(socket: Any, picture: bytes, rate_hz: int) -> float:
    """From the picture to the first frame, in seconds."""
    start = {"type": "start", "image_bytes": len(picture), "sample_rate": rate_hz}
    begun = time.monotonic()
    await socket.send(json.dumps({**start, "parameters": {"video_fps": FPS}}))
    await socket.send(picture)
    pieces = 0
    while pieces < 2:
        said = await socket.recv()
        pieces += isinstance(said, bytes)
        if isinstance(said, str) and json.loads(said)["type"] == "error":
            raise SystemExit(said)
    return time.monotonic() - begun


async def _begun(server: Running, picture: bytes) -> float:
    async with _connected(server) as socket:
        return await _start(socket, picture, 24_000)


async def _at_once(
    server: Running, picture: bytes, pcm: Int16, rate_hz: int, count: int, seconds: float
) -> tuple[int, int, float]:
    """Late frames, all frames, and the mean time from sound to the piece in which it is heard."""
    begun: list[asyncio.Event] = [asyncio.Event() for _ in range(count)]
    everybody = asyncio.Event()
    before = ""

    async def one(index: int) -> None:
        async with _connected(server) as socket:
            await _start(socket, picture, rate_hz)
            begun[index].set()
            draining = asyncio.create_task(_drain(socket))
            await everybody.wait()
            await _speak(socket, pcm, rate_hz, seconds)
            draining.cancel()

    async def measure() -> None:
        nonlocal before
        for event in begun:
            await event.wait()
        await asyncio.sleep(3.0)  # who began first was held up by those after him
        before = await asyncio.to_thread(_page, server)
        everybody.set()

    await asyncio.gather(measure(), *(one(index) for index in range(count)))
    await asyncio.sleep(1.0)
    after = await asyncio.to_thread(_page, server)
    late, good = (
        _number(after, f'live_frames_total{{late="{late}"}}')
        - _number(before, f'live_frames_total{{late="{late}"}}')
        for late in ("true", "false")
    )
    answers = _number(after, "live_answer_seconds_count") - _number(
        before, "live_answer_seconds_count"
    )
    took_s = _number(after, "live_answer_seconds_sum") - _number(before, "live_answer_seconds_sum")
    return int(late), int(late + good), took_s / max(answers, 1.0)


async def _speak(socket: Any, pcm: Int16, rate_hz: int, seconds: float) -> None:
    """Over and over, at the pace of life."""
    piece = round(PIECE_S * rate_hz)
    begun = time.monotonic()
    for index in range(round(seconds / PIECE_S)):
        at = index * piece % (len(pcm) - piece)
        await socket.send(pcm[at : at + piece].tobytes())
        await asyncio.sleep(max(0.0, begun + (index + 1) * PIECE_S - time.monotonic()))


async def _drain(socket: Any) -> None:
    while True:
        await socket.recv()


def _page(server: Running) -> str:
    with urllib.request.urlopen(f"{server.url}metrics") as answer:
        page: bytes = answer.read()
        return page.decode()


def _number(page: str, name: str) -> float:
    found = re.search(rf"^portravox_{re.escape(name)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


if __name__ == "__main__":
    main()
