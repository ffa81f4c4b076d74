"""A live session in figures: how soon, how constant, how like the offline engine, at what cost.

Flow      the demo's portrait and voice, or files -> engines.session -> a table in out/live

    python -m benchmarks.live [--voice FILE] [--portrait FILE] [--seconds 20] [--minutes 8]
                              [-o out/live]

Delays are read from the session's own clock, on which a caller at the pace of life hears and sees
it; what a frame costs is processor time, since wall time says little on a busy machine: the 50th
and the 99th percentile, and how many sessions two cores bear. A part that has not begun when the
minutes are over is left out, and the table says so; on two free cores all takes six.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.live_service import measured
from portravox import Direction, EmbeddedEngine, Waveform, read_picture, read_voice
from portravox.animation.controls import CONTROLS
from portravox.animation.phrases import speech_spans
from portravox.arrays import Float32
from portravox.articulation.from_voice import articulate
from portravox.demo import VOICE, demo_portrait
from portravox.engines.performance import perform
from portravox.engines.session import LiveFrame, RigSession
from portravox.media.picture import Picture
from portravox.media.planes import Planes
from portravox.speech.streaming_resample import StreamingResampler

FPS = 25
RATE_HZ = 48_000
PIECE_S = 0.02
"""A voice that comes as it is spoken comes in pieces of this length."""

GAP, YAW = CONTROLS.index("lip_gap"), CONTROLS.index("head_yaw_deg")
MOVING = 0.01
"""Mouth widths from which the lips count as parted."""

WIDE = 0.1
"""Mouth widths at which a mouth is interrupted, where it comes to that."""

CORES = 2

Int16 = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table."""

    measure: str
    goal: str
    measured: str
    met: bool | None
    """None: nothing was asked for."""


Part = Callable[[], Iterable[Figure]]


def main() -> None:
    """Measure, print the table, write it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--voice", type=Path, default=VOICE)
    parser.add_argument("--portrait", type=Path, default=demo_portrait())
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--sides", type=int, nargs="*", default=[512, 1024])
    parser.add_argument("--minutes", type=float, default=8.0, help="after which nothing begins")
    parser.add_argument("--without-service", action="store_true", help="no server, no WebSockets")
    parser.add_argument("-o", "--output", type=Path, default=Path("out/live"))
    given = parser.parse_args()
    voice = read_voice(given.voice)
    samples = voice.mono()[: round(given.seconds * voice.rate_hz)]
    figures = within(60.0 * given.minutes, _parts(given, samples, voice.rate_hz))
    lines = ["| measure | goal | measured | |", "|---|---|---|---|"]
    marks = {True: "met", False: "missed", None: ""}
    lines += [f"| {f.measure} | {f.goal} | {f.measured} | {marks[f.met]} |" for f in figures]
    given.output.mkdir(parents=True, exist_ok=True)
    (given.output / "live.md").write_text("\n".join(lines) + "\n")
    (given.output / "live.json").write_text(json.dumps([asdict(f) for f in figures], indent=1))
    print("\n".join(lines))
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _parts(given: argparse.Namespace, samples: Float32, rate_hz: int) -> dict[str, Part]:
    """What is measured, by name, in order."""
    parts: dict[str, Part] = {
        "lips and delays": lambda: lips_and_delays(samples, rate_hz),
        "interruptions": lambda: interruptions(samples, rate_hz),
    }
    if not given.without_service:
        parts["sessions over WebSockets"] = lambda: (
            Figure(*row) for row in measured(given.portrait, 60.0, 4)
        )
    for side_px in given.sides:
        parts[f"costs at {side_px} px"] = partial(costs, given.portrait, side_px, samples, rate_hz)
    return parts | {
        "another face": lambda: another_face(given.portrait),
        "idleness": idleness,
    }


def within(limit_s: float, parts: dict[str, Part]) -> list[Figure]:
    """The figures of all parts that begin in time, and the names of the others."""
    begun = time.monotonic()
    figures: list[Figure] = []
    for name, part in parts.items():
        took_s = time.monotonic() - begun
        if took_s < limit_s:
            figures += part()
        else:
            figures.append(Figure(name, "", f"left out after {took_s:.0f} s", None))
    return figures


def _undrawn(seed: int = 0) -> RigSession:
    """A session of which only controls and sound are asked."""

    def draw(_: Float32) -> Planes:
        raise NotImplementedError

    return RigSession(draw, (2, 2), Direction(video_fps=FPS, seed=seed), RATE_HZ)


def _pcm(samples: Float32) -> Int16:
    pcm: Int16 = np.rint(np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16)
    return pcm


def lips_and_delays(samples: Float32, rate_hz: int) -> list[Figure]:
    """Against the offline engine, for a voice that comes as it is spoken and for one at once."""
    voice = Waveform(samples[:, np.newaxis], rate_hz)
    offline = perform(voice, Direction(video_fps=FPS))["lip_gap"]
    sounds = float(speech_spans(articulate(voice)["activity"])[0, 0])
    resampler = StreamingResampler(rate_hz, RATE_HZ)
    said = np.concatenate([resampler.push(samples), resampler.finish()])
    figures = []
    for kind, at_once in (("as it is spoken", False), ("at once", True)):
        session = _undrawn()
        rows, frames = _pulled(session, FPS)
        if at_once:
            session.push(_pcm(samples[: 50 * rate_hz]), rate_hz)
            session.flush()
            more = _pulled(session, round(len(samples) / rate_hz * FPS) + FPS)
        else:
            more = _spoken_live(session, samples, rate_hz)
        rows, frames = np.concatenate([rows, more[0]]), frames + more[1]
        line = np.concatenate([frame.sound for frame in frames]).astype(np.float32)
        lags_s = np.array(_lags_s(line[RATE_HZ:], said))
        # a frame is asked for when its time has come; what is pushed before it came a frame sooner
        shift = round(float(np.median(lags_s)) * FPS) + FPS
        shown = rows[shift : shift + len(offline), GAP]
        r = float(np.corrcoef(shown, offline[: len(shown)])[0, 1])
        first = np.flatnonzero(rows[FPS:, GAP] > MOVING)[0] / FPS
        # both from when the samples were pushed to when the frame is shown, its first moment
        p50, p99 = np.percentile(lags_s, [50, 99]) * 1000.0
        frame_ms = 0.0 if at_once else 1000.0 / FPS
        figures += [
            Figure(
                f"first moving frame after the first sound, {kind}",
                "≤ 300 ms",
                f"{(first - sounds) * 1000 + frame_ms:.0f} ms",
                bool((first - sounds) * 1000 + frame_ms <= 300),
            ),
            Figure(
                f"sound in to sound out, {kind}: 50th, 99th percentile of seconds",
                "≤ 250 ms, ± 20 ms",
                f"{p50 + frame_ms:.0f}, {p99 + frame_ms:.0f} ms; gaps {session.gaps}",
                bool(p99 + frame_ms <= 250 and p99 - p50 <= 20),
            ),
            Figure(
                f"lips against the offline engine, r of the opening, {kind}",
                "≥ .90",
                f"{r:.3f}",
                r >= 0.9,
            ),
        ]
    return figures


def _pulled(session: RigSession, count: int) -> tuple[Float32, list[LiveFrame]]:
    rows, frames = zip(*(session.controls() for _ in range(count)), strict=True)
    return np.array(rows), list(frames)


def _spoken_live(
    session: RigSession, samples: Float32, rate_hz: int
) -> tuple[Float32, list[LiveFrame]]:
    """Pieces of PIECE_S, a frame whenever its time has come."""
    piece = round(PIECE_S * rate_hz)
    rows: list[Float32] = []
    frames: list[LiveFrame] = []
    for index in range(len(samples) // piece + FPS * 2):
        part = samples[index * piece : (index + 1) * piece]
        if len(part):
            session.push(_pcm(part), rate_hz)
        while (len(frames) + 1) / FPS <= (index + 1) * PIECE_S + 1e-9:
            row, frame = session.controls()
            rows.append(row)
            frames.append(frame)
    return np.array(rows), frames


def _lags_s(line: Float32, said: Float32) -> list[float]:
    """By how much each second of speech comes later in the line."""
    lags = []
    for start in range(0, len(said) - RATE_HZ + 1, RATE_HZ):
        part = said[start : start + RATE_HZ]
        if float(np.abs(part).max()) < 0.02:
            continue
        near = line[start : start + 2 * RATE_HZ]
        size = 4 * RATE_HZ
        product = np.fft.rfft(near, size) * np.conj(np.fft.rfft(part, size))
        lags.append(int(np.argmax(np.fft.irfft(product)[: len(near)])) / RATE_HZ)
    return lags


def interruptions(samples: Float32, rate_hz: int) -> list[Figure]:
    """In the middle of words."""
    took, jumps = [], []
    for at in range(30, 60, 5):
        session = _undrawn()
        session.push(_pcm(samples[: 5 * rate_hz]), rate_hz)
        before, _ = _pulled(session, at)
        for _ in range(3 * FPS):
            if before[-1, GAP] > WIDE:
                break
            before, _ = _pulled(session, 1)
        session.clear()
        after, _ = _pulled(session, 15)
        gap = np.concatenate([before[-1:, GAP], after[:, GAP]])
        took.append(int(np.flatnonzero(gap > MOVING)[-1]) + 1 if gap.max() > MOVING else 0)
        jumps.append(float(np.abs(np.diff(gap)).max()))
    ms = max(took) * 1000.0 / FPS
    return [
        Figure(
            "interruption to closed mouth, the slowest of six",
            "≤ 120 ms + a frame",
            f"{max(took)} frames, {ms:.0f} ms; at most {max(jumps):.2f} mouth widths a frame",
            ms <= 120.0 + 1000.0 / FPS,
        )
    ]


def idleness(minutes: float = 3.0) -> list[Figure]:
    """Where the head is on the whole, how far it goes, whether it ever stands."""
    session = _undrawn(seed=5)
    rows, _ = _pulled(session, round(minutes * 60 * FPS))
    angles = rows[:, YAW : YAW + 3]
    still = float(np.mean(np.abs(np.diff(rows, axis=0)).max(axis=1) < 1e-6))
    mean, largest = np.abs(angles.mean(axis=0)).max(), np.abs(angles).max()
    blink = rows[:, CONTROLS.index("blink_left")] > 0.5
    rate_hz = float(np.sum(blink[1:] & ~blink[:-1])) / minutes / 60
    return [
        Figure(
            f"{minutes:g} minutes of idleness: mean and largest angle, blinks, frames that stand",
            "never frozen, never drifting",
            f"{mean:.1f}°, {largest:.1f}°, {rate_hz:.2f} a second, {still:.0%}",
            bool(mean < 1.0 and still < 0.01),
        )
    ]


def another_face(portrait: Path, side_px: int = 512) -> list[Figure]:
    """Registered in a thread, while a session goes on at the pace of life."""
    avatar = _registered(portrait, side_px)
    session = avatar.open(Direction(video_fps=FPS))
    session.next_frame()
    registering = threading.Thread(target=_registered, args=(portrait, side_px))
    late = frames = 0
    begun = time.monotonic()
    registering.start()
    while registering.is_alive():
        frames += 1
        session.next_frame()
        over_s = time.monotonic() - begun - frames / FPS
        late += over_s > 1.0 / FPS
        time.sleep(max(0.0, -over_s))
    took_s = time.monotonic() - begun
    return [
        Figure(
            f"registering another face of {side_px} px while a session goes on: until it is there,"
            " late frames",
            "≤ 1 s, in the background",
            f"{took_s:.2f} s, {late} of {frames}",
            took_s <= 1.0 and late == 0,
        )
    ]


def costs(portrait: Path, side_px: int, samples: Float32, rate_hz: int) -> list[Figure]:
    """Processor time of one session of this size, speaking and idle, encoded or not."""
    from portravox.live_stream import LiveStream

    avatar, registering_s = _timed(lambda: _registered(portrait, side_px))
    direction = Direction(video_fps=FPS)
    figures = []
    speaking, idle = 0.0, 0.0
    for encoded in (False, True):
        session, opening_s = _timed(lambda: avatar.open(direction))
        draw: Any = LiveStream(session).next if encoded else session.next_frame
        for _ in range(FPS):
            draw()
        spent = _spent(draw, 4 * FPS)
        idle = float(np.sum(spent)) / 4
        session.push(_pcm(samples[: 8 * rate_hz]), rate_hz)
        session.flush()
        spent = _spent(draw, 8 * FPS)
        speaking = float(np.sum(spent)) / 8
        p50, p99 = np.percentile(spent, [50, 99]) * 1000.0
        name = "with H.264 and AAC" if encoded else "frames and sound"
        width_px, height_px = avatar.frame_size(direction)
        goal = "≥ 4 sessions" if side_px <= 512 else "≥ 1 session"
        sessions = int(CORES / speaking)
        figures.append(
            Figure(
                f"{width_px} x {height_px} px at {FPS} a second, {name}: processor time a second",
                goal,
                f"{speaking:.2f} s speaking (a frame {p50:.0f}, {p99:.0f} ms), {idle:.2f} s idle:"
                f" {sessions} sessions on {CORES} cores",
                sessions >= (4 if side_px <= 512 else 1),
            )
        )
    figures.append(
        Figure(
            f"registering a face, opening a session, {side_px} px: processor time",
            "≤ 1 s, ≤ 1.5 s",
            f"{registering_s:.2f}, {opening_s:.3f} s",
            registering_s <= 1.0 and opening_s <= 1.5,
        )
    )
    return figures


def _registered(portrait: Path, side_px: int) -> Any:
    picture = read_picture(portrait, max_side_px=side_px)
    larger = side_px / max(picture.pixels.shape[:2])
    if larger > 1.0:  # what it shows does not matter, but how many pixels it has
        pixels = cv2.resize(picture.pixels, None, fx=larger, fy=larger)
        picture = Picture(np.asarray(pixels, np.uint8))
    return EmbeddedEngine().register(picture)


def _timed(act: Any) -> tuple[Any, float]:
    """What comes of it, and the processor time it took."""
    act()  # networks are loaded and loops compiled
    begun = time.process_time()
    made = act()
    return made, time.process_time() - begun


def _spent(act: Any, times: int) -> list[float]:
    """Processor time of each call."""
    spent = []
    for _ in range(times):
        begun = time.process_time()
        act()
        spent.append(time.process_time() - begun)
    return spent


if __name__ == "__main__":
    main()
