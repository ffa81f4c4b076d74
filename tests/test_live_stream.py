"""The pace of a stream, by a clock and a session that are made up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from portravox.arrays import Float32
from portravox.engines.session import RigSession
from portravox.live_stream import FED_S, LiveStream, StreamReport, streamed
from portravox.media.planes import Planes
from portravox.options import Direction

FPS, RATE = 25, 16_000


class Clock:
    """Time that passes when somebody sleeps, or draws."""

    def __init__(self, frame_s: float = 0.0) -> None:
        self.now_s = 100.0
        self.frame_s = frame_s

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, duration_s: float) -> None:
        self.now_s += duration_s


class Words:
    """A source of so many pieces of 100 ms, one whenever it is due."""

    rate_hz = RATE

    def __init__(self, clock: Clock, pieces: int, every_s: float) -> None:
        self._clock, self._left, self._every_s = clock, pieces, every_s
        self._due_s = clock.now_s

    def read(self, wait: bool) -> Float32 | None:
        if not self._left:
            return None
        if not wait and self._clock.now_s < self._due_s - 1e-9:
            return np.zeros(0, np.float32)
        self._left -= 1
        self._due_s += self._every_s
        return np.full(RATE // 10, 0.1, np.float32)


@pytest.fixture
def grey() -> Planes:
    half = np.full((16, 16), 128, np.uint8)
    return Planes(np.full((32, 32), 100, np.uint8), half, half.copy())


def _streamed(
    grey: Planes, clock: Clock, words: Words, **options: Any
) -> tuple[list[bytes], StreamReport, list[float]]:
    moments: list[float] = []

    def draw(_: Float32) -> Planes:
        moments.append(clock.now_s - 100.0)
        clock.now_s += clock.frame_s
        return grey

    session = RigSession(draw, (32, 32), Direction(video_fps=FPS), RATE)
    stream = LiveStream(session)
    made: Iterator[bytes] = streamed(
        session, words, stream, clock=clock, sleep=clock.sleep, **options
    )
    return list(made), stream.report(), moments


def test_frames_come_when_they_are_due(grey):
    clock = Clock(0.01)
    pieces, report, moments = _streamed(grey, clock, Words(clock, 4, 0.1), paced=True)
    assert np.allclose(np.diff(moments), 1 / FPS)
    assert (report.late, report.gaps) == (0, 0)
    assert report.duration_s == pytest.approx(1.5, abs=0.2)
    assert pieces[0][4:8] == b"ftyp"
    assert all(piece[4:8] == b"moof" for piece in pieces[1:-1])


def test_a_machine_too_slow_draws_fewer_frames_and_keeps_the_time(grey):
    clock = Clock(0.09)
    _, report, moments = _streamed(grey, clock, Words(clock, 10, 0.1), paced=True)
    assert report.late > report.frames / 3
    assert abs(clock.now_s - 100.0 - report.duration_s) < 0.2
    assert len(moments) == report.frames - report.late


def test_without_pace_nothing_sleeps(grey):
    clock = Clock()
    _, report, _ = _streamed(grey, clock, Words(clock, 4, 0.1), paced=False)
    assert clock.now_s == 100.0
    assert report.late == 0
    assert report.duration_s == pytest.approx(1.5, abs=0.2)


def test_a_source_that_is_too_fast_is_read_no_further_than_there_is_room(grey):
    clock = Clock()
    words = Words(clock, 1_000, 0.0)
    session = RigSession(lambda _: grey, (32, 32), Direction(video_fps=FPS), RATE)
    stream = LiveStream(session)
    made = streamed(session, words, stream, paced=True, clock=clock, sleep=clock.sleep)
    for _ in range(3):
        next(made)
    assert session.waiting_s <= FED_S + 0.1
    session.close()
    assert len(list(made)) == 1  # what the encoder still had
