"""Hours of a live session, as fast as the machine goes: memory, lips against sound, life.

Flow      the demo's portrait and voice -> engines.session, media.live_video -> out/live-endurance

    python -m benchmarks.live_endurance [--hours 12] [--side 256] [--minutes 120] [--every 5]

The session knows no clock, so an hour of it takes as long as its 90,000 frames take to plan and
every so many of them to draw and to encode: some minutes. Somebody speaks in it, as it is spoken
or ahead of time, is interrupted, and is silent for minutes. What is measured, hour by hour:

    memory     of the process, MB, and its slope after the first hour, MB an hour
    lips       by how much the opening of the lips lies behind the loudness of the sound that goes
               out with it; what counts is how far that wanders from the first hour
    delay      from speech that is pushed at once to its first sound
    life       blinks a minute of idling, and the bounds of head and gaze
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portravox import Direction, EmbeddedEngine, read_picture, read_voice
from portravox.animation.controls import CONTROLS
from portravox.arrays import Float32
from portravox.demo import VOICE, demo_portrait
from portravox.engines.session import LiveFrame, RigSession
from portravox.media.live_video import LiveVideo

FPS = 25
RATE_HZ = 48_000
HOUR_FRAMES = 3600 * FPS

SPOKEN_S = (2.5, 4.0, 6.5)
"""Utterances: so much of the voice's beginning."""

PAUSES_S = (1.0, 3.0, 8.0, 20.0, 45.0)
LONG_PAUSE_S = 300.0
"""After each LONG_EVERY utterances."""

LONG_EVERY = 40
INTERRUPTED = 0.15
"""Share of the utterances."""

MOST_LAG = 8
"""Frames by which lips may lie behind or before, where the best is looked for."""

WATCHED = ("head_yaw_deg", "head_pitch_deg", "head_roll_deg", "gaze_yaw_deg", "gaze_pitch_deg")

Int16 = npt.NDArray[np.int16]


@dataclass(slots=True)
class Hour:
    """What is noted in one."""

    lags_ms: list[float] = field(default_factory=list)
    delays_ms: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    rows: list[Float32] = field(default_factory=list)
    idle_frames: int = 0
    idle_blinks: int = 0
    utterances: int = 0
    interrupted: int = 0

    def told(self) -> dict[str, Any]:
        rows = np.concatenate(self.rows) if self.rows else np.zeros((1, len(WATCHED)), np.float32)
        bounds = {
            name: [round(float(value), 2) for value in np.percentile(column, [0, 1, 50, 99, 100])]
            for name, column in zip(WATCHED, rows.T, strict=True)
        }
        minutes = self.idle_frames / FPS / 60.0
        return {
            "lag_ms": _median(self.lags_ms),
            "lag_spread_ms": round(float(np.std(self.lags_ms)), 1) if self.lags_ms else None,
            "delay_ms": [min(self.delays_ms), max(self.delays_ms)] if self.delays_ms else None,
            "memory_mb": round(self.memory_mb[-1], 1) if self.memory_mb else None,
            "blinks_per_idle_minute": round(self.idle_blinks / minutes, 2) if minutes else None,
            "utterances": self.utterances,
            "interrupted": self.interrupted,
            "bounds": bounds,
        }


class Speaker:
    """Says what is to be pushed before each frame; seeded."""

    def __init__(self, voice: Int16, rate_hz: int) -> None:
        self._voice, self._rate_hz = voice, rate_hz
        self._chance = np.random.default_rng(0)

    def turns(self) -> Iterator[tuple[Int16, bool, float | None, float]]:
        """(speech, whether it comes as it is spoken, after how much of it it is interrupted or
        None, pause behind it in s) without end."""
        number = 0
        while True:
            number += 1
            spoken_s = float(self._chance.choice(SPOKEN_S))
            cut = float(self._chance.uniform(0.3, spoken_s - 0.5))
            is_cut = self._chance.random() < INTERRUPTED
            pause_s = LONG_PAUSE_S if number % LONG_EVERY == 0 else self._chance.choice(PAUSES_S)
            speech = self._voice[: round(spoken_s * self._rate_hz)]
            live = bool(self._chance.random() < 0.5)
            yield speech, live, cut if is_cut else None, float(pause_s)


class Endurance:
    """A session and what is noted of it."""

    def __init__(self, side_px: int, every: int) -> None:
        voice = read_voice(VOICE)
        samples = np.rint(np.clip(voice.mono(), -1.0, 1.0) * 32767.0).astype(np.int16)
        self._rate_hz = voice.rate_hz
        picture = read_picture(demo_portrait(), max_side_px=side_px)
        session = (
            EmbeddedEngine().register(picture).open(Direction(video_fps=FPS), sound_rate_hz=RATE_HZ)
        )
        assert isinstance(session, RigSession)
        self._session = session
        width_px, height_px = session.frame_size
        self._every = every
        self._video = LiveVideo(width_px=width_px, height_px=height_px, fps=FPS, rate_hz=RATE_HZ)
        self._turns = Speaker(samples, self._rate_hz).turns()
        self._row: Float32 = np.zeros(len(CONTROLS), np.float32)
        self.hours: list[Hour] = [Hour()]
        self.frames = self.samples = self.bytes = 0
        self._was_shut = False

    def turn(self) -> None:
        """One utterance and the pause behind it."""
        speech, live, cut_s, pause_s = next(self._turns)
        hour = self.hours[-1]
        hour.utterances += 1
        session, began = self._session, self.frames
        step = self._rate_hz // FPS
        if not live:
            session.push(speech, self._rate_hz)
            session.flush()
        first: int | None = None
        gaps: list[float] = []
        louds: list[float] = []
        at = 0
        while (live and at < len(speech)) or session.speaking:
            if live and at < len(speech):
                session.push(speech[at : at + step], self._rate_hz)
                at += step
                if at >= len(speech):
                    session.flush()
            frame = self._frame()
            if frame.utterance is not None and first is None:
                first = self.frames - 1
                if not live:
                    hour.delays_ms.append(1000.0 * (first - began) / FPS)
            gaps.append(float(self._row[CONTROLS.index("lip_gap")]))
            louds.append(float(np.sqrt(np.mean(np.square(frame.sound.astype(np.float64))))))
            if cut_s is not None and frame.position_s > cut_s:
                session.clear()
                hour.interrupted += 1
                break
        else:
            lag = lag_frames(np.array(gaps), np.array(louds))
            if lag is not None:
                hour.lags_ms.append(1000.0 * lag / FPS)
        for _ in range(round(pause_s * FPS)):
            self._frame(is_idle=True)

    def _frame(self, *, is_idle: bool = False) -> LiveFrame:
        self._row, frame = self._session.controls()
        self.frames += 1
        self.samples += len(frame.sound)
        if self.frames % self._every == 0:
            sound = frame.sound[:, np.newaxis].astype(np.float32) / np.float32(32768.0)
            self.bytes += len(self._video.add(self._session._draw(self._row), sound))
        hour = self.hours[-1]
        shut = self._row[CONTROLS.index("blink_left")] > 0.5
        if is_idle:
            hour.idle_frames += 1
            hour.idle_blinks += bool(shut and not self._was_shut)
        self._was_shut = bool(shut)
        if self.frames % 5 == 0:
            hour.rows.append(self._row[[CONTROLS.index(name) for name in WATCHED]][np.newaxis])
        if self.frames % (600 * FPS) == 0:
            hour.memory_mb.append(memory_mb())
        if self.frames % HOUR_FRAMES == 0:
            hour.rows = [np.concatenate(hour.rows)]
            self.hours.append(Hour())
        return frame


def lag_frames(gaps: npt.NDArray[np.float64], louds: npt.NDArray[np.float64]) -> float | None:
    """By how many frames one curve lies behind another, where they are most alike; between frames
    by the parabola through the best three. None where nothing was said."""
    if len(gaps) < 4 * MOST_LAG or louds.max() < 100.0 or gaps.std() == 0.0:
        return None
    inner = slice(MOST_LAG, len(gaps) - MOST_LAG)
    scores = []
    for shift in range(-MOST_LAG, MOST_LAG + 1):
        moved = louds[inner.start - shift : inner.stop - shift]
        scores.append(float(np.corrcoef(gaps[inner], moved)[0, 1]))
    best = int(np.argmax(scores))
    if not 0 < best < len(scores) - 1:
        return None
    before, peak, after = scores[best - 1 : best + 2]
    between = 0.5 * (before - after) / (before - 2.0 * peak + after)
    return best - MOST_LAG + between


def memory_mb() -> float:
    """Of this process, what it holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def slope_mb_per_hour(hours: list[Hour]) -> float | None:
    """Of the memory, after the first hour."""
    points = [
        (hour + (part + 1) / len(noted.memory_mb), mb)
        for hour, noted in enumerate(hours)
        for part, mb in enumerate(noted.memory_mb)
        if hour >= 1
    ]
    if len(points) < 3:
        return None
    at, mb = np.array(points).T
    return round(float(np.polyfit(at, mb, 1)[0]), 3)


def report(run: Endurance, took_s: float) -> dict[str, Any]:
    """All of it, as far as it went."""
    lags = [_median(hour.lags_ms) for hour in run.hours]
    known = [lag for lag in lags if lag is not None]
    return {
        "session_hours": round(run.frames / HOUR_FRAMES, 2),
        "took_s": round(took_s),
        "frames": run.frames,
        "sound_lags_by_samples": run.samples - run.frames * RATE_HZ // FPS,
        "encoded_mb": round(run.bytes / 1e6, 1),
        "memory_slope_mb_per_hour": slope_mb_per_hour(run.hours),
        "lips_wander_ms": round(max(abs(lag - known[0]) for lag in known), 1) if known else None,
        "hours": [hour.told() for hour in run.hours],
    }


def _median(values: list[float]) -> float | None:
    return round(float(np.median(values)), 1) if values else None


def main() -> None:
    """Run, and write down after each hour how it stands."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", type=float, default=12.0, help="of the session")
    parser.add_argument("--minutes", type=float, default=120.0, help="that it may take")
    parser.add_argument("--side", type=int, default=256, help="of the picture, px")
    parser.add_argument(
        "--every", type=int, default=5, help="frames of which one is drawn and encoded"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("out/live-endurance"))
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    run = Endurance(given.side, given.every)
    written = 0
    while run.frames < given.hours * HOUR_FRAMES:
        run.turn()
        took_s = time.monotonic() - began
        is_over = took_s > 60.0 * given.minutes
        if is_over or len(run.hours) > written:
            written = len(run.hours)
            told = json.dumps(report(run, took_s), indent=1)
            (given.output / "endurance.json").write_text(told)
        if is_over:
            break
    told = json.dumps(report(run, time.monotonic() - began), indent=1)
    (given.output / "endurance.json").write_text(told)
    print(told)


if __name__ == "__main__":
    main()
