"""Ten minutes of one side of a conversation: what a viewer would call mechanical, in figures.

Flow      voices, the demo's portrait -> engines.session -> figures, curves and sheets in out/

    python -m benchmarks.live_conversation [--voices FILE…] [--minutes 10] [-o FOLDER]

A session speaks for 2 to 12 s, some of it as it comes, is interrupted in a sixth of its turns, and
listens for 1 to 15 s in between, in which the other side speaks, as the session is told, but for a
moment at both ends. What is measured, apart for speaking and for listening:

    still    share of the time in which the head turns by less than STILL_DEG_S, and the holds:
             how many a minute that last HOLD_S and longer, and how long
    nods     a minute: the head goes down by NOD_DEG at least, and up again, within NOD_S
    brows    share of the turns in whose first 1.5 s they rise by RAISED, lifts a minute of speech
    blinks   a minute, deviation / mean of the time between them, the shortest

`curves.png` is the first two minutes of sound, head, gaze, brows and lids; `sheet.png` shows the
portrait in equal steps of the whole.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.signal import find_peaks

from portravox import Direction, EmbeddedEngine, read_picture, read_voice
from portravox.animation.controls import CONTROLS
from portravox.arrays import Bool, Float32, Float64
from portravox.demo import VOICE, demo_portrait
from portravox.engines.session import RigSession
from portravox.segments import segments

FPS = 25
RATE_HZ = 24_000

TURNS_S = (2.0, 12.0)
LISTENS_S = (1.0, 15.0)
INTERRUPTED = 1 / 6
AS_SPOKEN = 0.5
"""Lengths, the share of turns that are cut off, and of those that come as they are spoken."""

STILL_DEG_S = 1.0
"""A head that turns slower is seen to stand: it takes a second for a pixel in a face of 512 px."""

HOLD_S = 0.4
STANDING_DEG_S = 0.25
RAISED = 0.15
ONSET_S = 1.5

UNTOLD_S = 0.4
"""Between the two sides nobody speaks for so long."""

NOD_DEG, NOD_S = 1.0, 1.0

MOVED = 6.0
"""Deviation of a pixel, of 255, from which it counts as part of who moves."""

PLOTTED_S = 120.0
PLOTTED = ("head_yaw_deg", "head_pitch_deg", "head_roll_deg", "gaze_yaw_deg", "brow", "lids")
SPANS = (6.0, 6.0, 6.0, 8.0, 1.0, 1.0)

Int16 = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Conversation:
    """What was seen of it."""

    rows: Float32
    """(T, C) controls."""

    loud: Float64
    """(T,) root mean square of the sound, 0..1."""

    heard: Bool
    """(T,) whether the session speaks."""

    turns: tuple[int, ...]
    """Frames in which the turns begin."""


def held(session: RigSession, voices: list[tuple[Int16, int]], frames: int) -> Conversation:
    """A conversation of so many frames."""
    chance = np.random.default_rng(0)
    rows: list[Float32] = []
    louds: list[float] = []
    heard: list[bool] = []
    turns: list[int] = []

    def pull() -> None:
        row, frame = session.controls()
        if frame.utterance is not None and (not heard or not heard[-1]) and frame.position_s < 0.1:
            turns.append(len(rows))
        rows.append(row)
        louds.append(float(np.sqrt(np.mean((frame.sound / 32768.0) ** 2))))
        heard.append(frame.utterance is not None)

    places = [0] * len(voices)
    number = 0
    while len(rows) < frames:
        pause = round(chance.uniform(*LISTENS_S) * FPS)
        untold = round(UNTOLD_S * FPS)
        for frame in range(pause):
            if frame in (untold, pause - untold):
                session.listen(frame == untold)
            pull()
        voice, rate_hz = voices[number % len(voices)]
        length = round(chance.uniform(*TURNS_S) * rate_hz)
        place = places[number % len(voices)]
        if place + length > len(voice):
            place = 0
        said = voice[place : place + length]
        places[number % len(voices)] = place + length
        number += 1
        cut = chance.uniform(0.3, 0.9) * length / rate_hz
        interrupted, as_spoken = chance.random() < INTERRUPTED, chance.random() < AS_SPOKEN
        step = rate_hz // FPS if as_spoken else len(said)
        began, at = len(rows), 0
        while at < len(said) or session.speaking:
            if at < len(said):
                session.push(said[at : at + step], rate_hz)
                at += step
                if at >= len(said):
                    session.flush()
            pull()
            if interrupted and (len(rows) - began) / FPS > cut:
                session.clear()
                break
    count = slice(0, frames)
    return Conversation(
        np.array(rows)[count],
        np.array(louds)[count],
        np.array(heard)[count],
        tuple(turn for turn in turns if turn < frames),
    )


def speed_deg_s(rows: Float32) -> Float64:
    """(T, C) -> (T,) how fast the head turns, all axes together; the first as the second."""
    first = CONTROLS.index("head_yaw_deg")
    speed = np.linalg.norm(np.diff(rows[:, first : first + 3].astype(np.float64), axis=0), axis=1)
    return np.concatenate([speed[:1], speed]) * FPS


def figures(seen: Conversation) -> dict[str, Any]:
    """As the module says."""
    speed = speed_deg_s(seen.rows)
    still = speed < STILL_DEG_S
    told: dict[str, Any] = {"turns": len(seen.turns)}
    for name, during in (("speaking", seen.heard), ("listening", ~seen.heard)):
        holds = [(s.stop - s.start) / FPS for s in segments(still & during)]
        long = [hold for hold in holds if hold >= HOLD_S]
        minutes = during.sum() / FPS / 60
        told[name] = {
            "minutes": round(float(minutes), 2),
            "nods_per_minute": round(int(_nods(seen)[during].sum()) / float(minutes), 1),
            "still": round(float(still[during].mean()), 3),
            "standing": round(float((speed < STANDING_DEG_S)[during].mean()), 3),
            "holds_per_minute": round(len(long) / float(minutes), 1),
            "hold_s_10_50_90": [
                round(float(q), 2) for q in np.percentile(long or [0], [10, 50, 90])
            ],
            "speed_deg_s_50_95": [
                round(float(q), 2) for q in np.percentile(speed[during], [50, 95])
            ],
        }
    return told | {"brows": _brows(seen), "blinks": _blinks(seen)}


def _nods(seen: Conversation) -> Bool:
    """(T,) the frames in which the head is lowest in a nod."""
    raised_deg = _column(seen, "head_pitch_deg")
    lowest = np.zeros(len(raised_deg), bool)
    peaks, _ = find_peaks(-raised_deg, prominence=NOD_DEG, wlen=round(NOD_S * FPS) | 1)
    lowest[peaks] = True
    return lowest


def _brows(seen: Conversation) -> dict[str, float]:
    raised = _column(seen, "brow_raise") - _column(seen, "brow_lower")
    risen = [
        turn
        for turn in seen.turns
        if raised[turn : turn + round(ONSET_S * FPS)].max()
        > raised[max(0, turn - FPS // 5)] + RAISED
    ]
    wide = _column(seen, "eye_wide") > RAISED / 3  # which go along with lifts alone
    lifts = segments(wide & seen.heard)
    return {
        "turns_with_a_rise": round(len(risen) / max(1, len(seen.turns)), 2),
        "lifts_per_minute_of_speech": round(len(lifts) / float(seen.heard.sum() / FPS / 60), 1),
        "time_up": round(float(np.mean(_column(seen, "brow_raise")[seen.heard] > RAISED)), 2),
    }


def _blinks(seen: Conversation) -> dict[str, float]:
    shut = _column(seen, "blink_left") > 0.5
    gaps_s = np.diff(np.flatnonzero(shut[1:] & ~shut[:-1])) / FPS
    return {
        "per_minute": round((len(gaps_s) + 1) / (len(shut) / FPS / 60), 1),
        "deviation_by_mean": round(float(gaps_s.std() / gaps_s.mean()), 2),
        "shortest_s": round(float(gaps_s.min()), 2),
        "longest_s": round(float(gaps_s.max()), 2),
    }


def _column(seen: Conversation, name: str) -> Float64:
    return seen.rows[:, CONTROLS.index(name)].astype(np.float64)


def curves_drawn(seen: Conversation, width_px: int = 2400, band_px: int = 130) -> Any:
    """The first PLOTTED_S, a band for each curve; grey where the session speaks."""
    count = min(len(seen.rows), round(PLOTTED_S * FPS))
    lines = {name: _column(seen, name) for name in CONTROLS}
    lines["brow"] = lines["brow_raise"] - lines["brow_lower"]
    lines["lids"] = lines["blink_left"]
    canvas = np.full((band_px * (len(PLOTTED) + 1), width_px, 3), 255, np.uint8)
    at = (np.arange(count) * (width_px - 1) / count).astype(np.int32)
    for segment in segments(seen.heard[:count]):
        canvas[:, at[segment.start] : at[segment.stop - 1]] = 225
    names = ("sound", *PLOTTED)
    values = (seen.loud, *(lines[name] for name in PLOTTED))
    for band, (name, value, span) in enumerate(zip(names, values, (0.3, *SPANS), strict=True)):
        middle = band * band_px + band_px // 2
        cv2.line(canvas, (0, middle), (width_px, middle), (200, 200, 200), 1)
        y = middle - np.clip(value[:count] / span, -1, 1) * band_px / 2
        points = np.stack([at, y.astype(np.int32)], axis=1)
        cv2.polylines(canvas, [points], False, (160, 60, 0), 1, cv2.LINE_AA)
        text = f"{name} +-{span:g}"
        cv2.putText(canvas, text, (6, band * band_px + 16), 0, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return canvas


def sheet_drawn(session: RigSession, seen: Conversation, columns: int = 12, rows: int = 8) -> Any:
    """The portrait in equal steps of the whole; a red edge where it speaks."""
    picked = np.linspace(FPS, len(seen.rows) - 1, columns * rows).astype(int)
    frames = np.array([session._draw(seen.rows[index]).rgb() for index in picked])
    moved = frames.mean(axis=3).std(axis=0) > MOVED
    across, down = np.flatnonzero(moved.any(axis=0)), np.flatnonzero(moved.any(axis=1))
    frames = frames[:, down[0] : down[-1] + 1, across[0] : across[-1] + 1, ::-1]
    size = (200, round(200 * frames.shape[1] / frames.shape[2]))
    tiles = []
    for frame, index in zip(frames, picked, strict=True):
        tile = cv2.resize(frame, size)
        if seen.heard[index]:
            tile[:4] = (0, 0, 200)
        tiles.append(tile)
    lines = [
        np.concatenate(tiles[at : at + columns], axis=1) for at in range(0, len(tiles), columns)
    ]
    return np.concatenate(lines)


def main() -> None:
    """Hold it, print the figures, write all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--voices", type=Path, nargs="+", default=[VOICE])
    parser.add_argument("--portrait", type=Path, default=demo_portrait())
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, default=Path("out/live-conversation"))
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    voices = []
    for path in given.voices:
        voice = read_voice(path)
        pcm = np.rint(np.clip(voice.mono(), -1.0, 1.0) * 32767.0).astype(np.int16)
        voices.append((pcm, voice.rate_hz))
    picture = read_picture(given.portrait, max_side_px=512)
    direction = Direction(video_fps=FPS, seed=given.seed)
    session = EmbeddedEngine().register(picture).open(direction, sound_rate_hz=RATE_HZ)
    assert isinstance(session, RigSession)
    seen = held(session, voices, round(given.minutes * 60 * FPS))
    told = json.dumps(figures(seen), indent=1)
    (given.output / "figures.json").write_text(told)
    np.savez_compressed(given.output / "rows.npz", rows=seen.rows, loud=seen.loud, heard=seen.heard)
    cv2.imwrite(str(given.output / "curves.png"), curves_drawn(seen))
    cv2.imwrite(str(given.output / "sheet.png"), sheet_drawn(session, seen))
    print(told)


if __name__ == "__main__":
    main()
