"""Clients that submit all the time, ask what became of it, and repeat what fails, as clients do.

Flow      clients -> nginx -> servers
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import av
import httpx

from benchmarks.cluster.hosts import HERE
from benchmarks.cluster.whole import BALANCER_PORT

SUBMIT = "/api/v1/services/aigc/image2video/video-synthesis"
CLIENTS = 4
"""That have one video each made after another: two workers keep up with that on any machine."""

PATIENCE_S = 150.0
"""How long a client repeats a request. Beyond: it failed."""


@dataclass
class Clients:
    """Who submits all the time, and asks what became of it."""

    key: str
    files: str
    """Where pictures and voices lie: `small`, and `large`, whose each step takes a while."""

    acknowledged: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    mended: int = 0
    failed: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def __post_init__(self) -> None:
        self.client = httpx.AsyncClient(
            base_url=f"http://{HERE}:{BALANCER_PORT}",
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=25.0,
        )

    async def asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        """An answer other than a failure, asked for again and again."""
        began, tries, why = time.monotonic(), 0, ""
        while time.monotonic() - began < PATIENCE_S:
            tries += 1
            try:
                answer = await self.client.request(method, path, **more)
            except httpx.HTTPError as error:
                why = type(error).__name__
            else:
                if answer.status_code < 500:
                    self.mended += tries > 1
                    self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                    return answer
                why = str(answer.status_code)
                if answer.status_code == 503 and "retry-after" not in answer.headers:
                    why = "503 without a time"
            self.answers[why] += 1
            await asyncio.sleep(min(0.2 * 2**tries, 2.0))
        self.failed.append(f"{method} {path}: {why}")
        raise TimeoutError(why)

    def inputs(self, size: str, *, late_s: float = 0.0) -> dict[str, str]:
        """Addresses of a portrait and a voice, which comes so much later."""
        picture, voice = (f"{self.files}/{size}/{name}" for name in ("face.png", "voice.wav"))
        return {"image_url": picture, "audio_url": f"{voice}?{late_s}" if late_s else voice}

    async def submit(self, size: str = "small", *, late_s: float = 0.0) -> str:
        number = f"{os.getpid()}-{time.monotonic_ns()}"
        answer = await self.asked(
            "POST",
            SUBMIT,
            json={
                "model": "liveportrait",
                "input": self.inputs(size, late_s=late_s),
                "parameters": {"video_fps": 15},
            },
            headers={"X-DashScope-Async": "enable", "Idempotency-Key": number},
        )
        answer.raise_for_status()
        task_id: str = answer.json()["output"]["task_id"]
        self.acknowledged.append(task_id)
        return task_id

    @asynccontextmanager
    async def going_on(
        self, clients: int = CLIENTS, size: str = "small", *, late_s: float = 0.0
    ) -> AsyncIterator[None]:
        """While this lasts, tasks are submitted and asked for."""

        async def one_after_another() -> None:
            while True:
                with contextlib.suppress(TimeoutError):
                    await self.made(await self.submit(size, late_s=late_s))

        going = [asyncio.create_task(one_after_another()) for _ in range(clients)]
        try:
            yield
        finally:
            for each in going:
                each.cancel()
            await asyncio.gather(*going, return_exceptions=True)

    async def made(self, task_id: str) -> None:
        """Ask for a task until it has ended."""
        while True:
            answer = await self.asked("GET", f"/api/v1/tasks/{task_id}")
            if answer.status_code != 200:
                self.failed.append(f"task {task_id} is not known: {answer.status_code}")
                return
            if answer.json()["output"]["task_status"] not in ("PENDING", "RUNNING"):
                return
            await asyncio.sleep(1.0)


def frames_of(video: bytes) -> int:
    """How many pictures can be seen."""
    try:
        with av.open(io.BytesIO(video), mode="r") as file:
            return sum(1 for _ in file.decode(video=0))
    except av.FFmpegError:
        return 0
