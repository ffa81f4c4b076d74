"""Speed of the compiled loops, and of another checkout's in the same run.

    python -m benchmarks.kernels
    python -m benchmarks.kernels --against ../other    a checkout to compare with
    python -m benchmarks.kernels --side 2048           a close-up so large

Measures a frame of the demo portrait: whole, eyes and mouth alone, and its way into a frame of the
encoder's with a watermark. Other programs disturb either checkout alike, since their processes take
turns; the least processor time of all turns counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

TURNS = 4
"""Processes of each checkout. Our choice."""

CALLS = 60
"""Of each part in a process; the first ones load compiled code and are not counted."""

WARM_UP = 5

POSE = {
    "speech": 1.0, "lip_gap": 0.35, "jaw": 0.5, "head_yaw_deg": 5.0, "blink_left": 0.5,
    "blink_right": 0.5, "gaze_yaw_deg": 8.0, "gaze_pitch_deg": 3.0,
}  # fmt: skip
"""A pose in which everything is painted."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--side", type=int, help="a close-up of so many px, not the whole picture")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--turn", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.turn:
        sys.stdout.write(json.dumps(measured(wanted.side)))
        return
    here = Path(__file__).resolve().parents[1]
    trees = [here, *([wanted.against.resolve()] if wanted.against else [])]
    least: list[dict[str, float]] = [{} for _ in trees]
    for _ in range(wanted.turns):
        for tree, best in zip(trees, least, strict=True):
            for part, seconds in _turn(tree, wanted.side).items():
                best[part] = min(seconds, best.get(part, np.inf))
    for part, seconds in least[0].items():
        line = f"{part:<16}{1e3 * seconds:8.3f} ms"
        if wanted.against:
            other = least[1][part]
            line += f"   {wanted.against.name} {1e3 * other:8.3f} ms   ratio {seconds / other:.3f}"
        sys.stdout.write(line + "\n")


def _turn(tree: Path, side: int | None) -> dict[str, float]:
    """Part -> s, measured in a process that imports a checkout."""
    # -P: this folder is not searched, in which queue.py would hide the standard library's
    command = [sys.executable, "-P", str(Path(__file__).resolve()), "--turn"]
    command += [] if side is None else ["--side", str(side)]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def measured(side: int | None = None) -> dict[str, float]:
    """Part -> least processor time of a call, s; and the time until the first frame's loops have
    run."""
    import av

    from benchmarks.speed import close_up
    from portravox.animation.controls import CONTROLS
    from portravox.demo import demo_portrait
    from portravox.face.matte import person_matte
    from portravox.face.verdict import require_face
    from portravox.labels.watermark import Bits, Watermark
    from portravox.labels.watermark_key import PUBLIC_KEY
    from portravox.media.encode import fill_frame
    from portravox.media.picture import Picture
    from portravox.media.picture_file import read_picture
    from portravox.render.eyes import paint_eye
    from portravox.render.mouth import paint_mouth
    from portravox.render.scene import Painter, prepare_scene
    from portravox.rig.deform import Deformer
    from portravox.rig.fit import fit

    picture = read_picture(demo_portrait())
    if side is not None:
        picture = Picture(close_up(picture.pixels, side))
    face, _ = require_face(picture)
    matte = person_matte(picture.pixels, face)
    scene = prepare_scene(fit(face, matte, picture.pixels), picture.pixels, matte)
    controls = np.zeros(len(CONTROLS), np.float32)
    for name, value in POSE.items():
        controls[CONTROLS.index(name)] = value
    posed = Deformer(scene.rig).deform(controls)
    painter = Painter(scene)
    frame = picture.pixels.copy()

    def paint_eyes() -> None:
        for eye in scene.eyes:
            paint_eye(eye, posed, frame)

    parts: dict[str, Callable[[], object]] = {
        "frame": lambda: painter.draw(posed),
        "both eyes": paint_eyes,
        "mouth": lambda: paint_mouth(scene.mouth, posed, frame),
    }
    started = time.perf_counter()
    drawn = painter.draw(posed)
    first_s = time.perf_counter() - started
    slot = av.VideoFrame(drawn.shape[1], drawn.shape[0], "yuv420p")
    levels = Watermark.of(PUBLIC_KEY, Bits.of("benchmark", "0")).levels(drawn.luma)
    parts["to the encoder"] = lambda: fill_frame(slot, drawn, levels)
    return {"first frame": first_s, **{part: _least_s(call) for part, call in parts.items()}}


def _least_s(call: Callable[[], object]) -> float:
    least = np.inf
    for index in range(CALLS):
        started = time.thread_time()
        call()
        if index >= WARM_UP:
            least = min(least, time.thread_time() - started)
    return float(least)


if __name__ == "__main__":
    main()
