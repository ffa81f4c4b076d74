"""The compiled loops of eye and mouth give what the readable ones give, within rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from portravox.arrays import Float32, UInt8
from portravox.render import eyes, mouth, reference
from portravox.render.drawing import Box
from portravox.render.eye_pass import LID_ROWS, EyeLayers, EyeState, draw_eye, fill_tables
from portravox.render.interior import Layer, LipLine, Shades, paint_interior
from portravox.render.scene import Scene
from portravox.rig.deform import Deformer

ROUNDED = 1.0
"""A value is rounded to whole numbers, and computed in single precision."""


def assert_alike(compiled: UInt8, readable: Any) -> None:
    """Equal within rounding; single pixels may fall to the other side of an edge."""
    different = np.abs(compiled - readable).max(axis=-1) > ROUNDED
    assert different.mean() < 1e-3


def random_layers(rng: np.random.Generator, height: int, width: int) -> EyeLayers:
    iris = rng.uniform(0, 1, (height, width, 4))
    iris[..., :3] *= 200 * iris[..., 3:]
    window = np.add.outer(np.arange(height), np.arange(width)) % 256
    return EyeLayers(
        open_skin=rng.integers(0, 256, (height, width, 3)).astype(np.uint8),
        shut_skin=rng.integers(0, 256, (height, width, 3)).astype(np.uint8),
        window=window.astype(np.uint8),
        white=rng.uniform(0, 255, (height, width, 3)).astype(np.float32),
        iris=iris.astype(np.float32),
        glint=rng.uniform(0, 60, (height, width, 3)).astype(np.float32),
        raised=rng.uniform(-0.9, 0.4, (24, width, 3)).astype(np.float32),
        lashes=rng.uniform(0, 1, (24, width)).astype(np.float32),
        lash_colour=rng.uniform(0, 60, 3).astype(np.float32),
    )


def random_state(rng: np.random.Generator, **values: float) -> EyeState:
    drawn = {name: rng.uniform(0.1, 0.9) for name in EyeState._fields}
    drawn |= {
        "mm": 4.0,
        "lash_row": 8.0,
        "root": 3.0,
        "light": 0.9,
        "light_x": 0.002,
        "light_y": -0.001,
    }
    drawn |= {"per_hang": rng.uniform(1, 4), "per_raise": rng.uniform(1, 4)}
    drawn |= {"gaze_x": rng.uniform(-6, 6), "gaze_y": rng.uniform(-6, 6), **values}
    return EyeState(**{name: np.float32(value) for name, value in drawn.items()})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "values", [{}, {"shut_share": 0.0, "lash_share": 0.0}, {"ball_share": 0}, {"raised_share": 0}]
)
def test_an_eye_of_random_numbers_is_drawn_alike(seed: int, values: dict[str, float]) -> None:
    rng = np.random.default_rng(seed)
    height, width = 60, 80
    middle = 30 + 3 * np.sin(np.linspace(0, 3, width)) + rng.normal(0, 0.2, width)
    half = rng.uniform(4, 9) * np.sin(np.linspace(0, np.pi, width))
    upper, lower = middle - half, middle + half
    blink = rng.uniform(-0.1, 1)
    shut = middle + 0.8 * half
    rows = [upper, lower, shut, upper + blink * (shut - upper), lower - 0.1 * half]
    lids = np.empty((LID_ROWS, width), np.float32)
    fill_tables(*(row.astype(np.float32) for row in rows), lids)
    to_view = np.array(
        [[-3.137, 1.3071, 0.1013, 0, 1e-3, 0], [2.213, -0.0517, 1.2039, 5e-4, 0, 1e-3]], np.float32
    )
    before = rng.integers(0, 256, (50, 60, 3)).astype(np.uint8)
    frame = np.zeros((70, 80, 3), np.uint8)
    frame[10:60, 15:75] = before
    state, layers = random_state(rng, **values), random_layers(rng, height, width)
    draw_eye(frame, before, 15, 10, to_view, lids, state, layers)
    drawn = frame[10:60, 15:75]
    assert (drawn != before).any(axis=-1).mean() > 0.1
    assert_alike(drawn, reference.draw_eye(before, to_view, lids, state, layers))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("raised", [0.0, 1.0])
def test_a_mouth_of_random_numbers_is_painted_alike(seed: int, raised: float) -> None:
    rng = np.random.default_rng(seed)
    s = np.arange(-6.0, 67.0)
    open_ = np.clip(np.minimum(s, 60 - s) / 12, 0, 1) * rng.uniform(2, 12)
    table = np.column_stack(
        [-open_, open_, *rng.uniform(0.8, 1.0, (2, len(s))), rng.uniform(0, 0.6, len(s))]
    )
    turn = rng.uniform(-0.2, 0.2)
    along = np.array([np.cos(turn), np.sin(turn)], np.float32)
    lips = LipLine(table.astype(np.float32), np.array([20, 30], np.float32), along, -6.0, 60.0)

    def layer() -> Layer:
        pixels = rng.uniform(0, 1, (40, 70, 4))
        pixels[..., :3] *= 220 * pixels[..., 3:]
        look = np.array([[0.9, 0.05, -12], [-0.05, 0.9, -10]]) + rng.normal(0, 0.01, (2, 3))
        return Layer(pixels.astype(np.float32), look.astype(np.float32))

    shades = Shades(
        cavity=rng.uniform(10, 60, 3).astype(np.float32),
        contact=rng.uniform(30, 90, 3).astype(np.float32),
        falloff=rng.uniform(0, 0.3, 3).astype(np.float32),
        mm=3.0, edge_px=0.8, contact_px=1.0, narrow=0.9, upper=0.7, tongue=0.6,
        tongue_in_front=raised, photographed=rng.uniform(0, 1), gloss=0.15, grain=4.0,
    )  # fmt: skip
    layers = [layer() for _ in range(4)]
    grain = rng.normal(0, 1, (16, 16)).astype(np.float32)
    before = rng.integers(60, 256, (64, 100, 3)).astype(np.uint8)
    frame = before.copy()
    paint_interior(frame, Box(0, 0, 100, 64), lips, shades, *layers, grain)
    assert (frame != before).any(axis=-1).mean() > 0.1
    assert_alike(frame, reference.paint_interior(before, lips, shades, *layers, grain))


POSES = (
    {"blink_left": 0.3, "blink_right": 0.9},
    {"gaze_yaw_deg": 9.0, "gaze_pitch_deg": -4.0, "squint": 0.5},
    {"speech": 1.0, "lip_gap": 0.35, "jaw": 0.6, "tongue_up": 0.7},
    {"speech": 0.3, "lip_gap": 0.1, "jaw": 0.1, "head_roll_deg": 4.0},
)


@pytest.mark.parametrize("pose", POSES)
def test_a_face_is_painted_alike(
    pose: dict[str, float],
    scene: Scene,
    photo: UInt8,
    controls: Callable[..., Float32],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[str] = []

    def eye(frame: UInt8, before: UInt8, x0: int, y0: int, *rest: Any) -> None:
        draw_eye(frame, before, x0, y0, *rest)
        height, width = before.shape[:2]
        drawn = frame[y0 : y0 + height, x0 : x0 + width]
        assert_alike(drawn, reference.draw_eye(before, *rest))
        compared.append("eye")

    def inside(frame: UInt8, box: Box, *rest: Any) -> None:
        before = frame.copy()
        paint_interior(frame, box, *rest)
        readable = reference.paint_interior(before, *rest)
        assert_alike(box.of(frame), readable[box.y0 : box.y1, box.x0 : box.x1])
        compared.append("mouth")

    monkeypatch.setattr(eyes, "draw_eye", eye)
    monkeypatch.setattr(mouth, "paint_interior", inside)
    posed = Deformer(scene.rig).deform(controls(**pose))
    frame = photo.copy()
    for side in scene.eyes:
        eyes.paint_eye(side, posed, frame)
    mouth.paint_mouth(scene.mouth, posed, frame)
    assert compared == (["mouth"] if "speech" in pose else ["eye", "eye"])
