from __future__ import annotations

import numpy as np

from portravox.render.light import RANGE, STRENGTH, Light, relight
from portravox.render.scene import Scene
from portravox.rig.deform import head_rotation


def test_a_head_that_does_not_turn_keeps_its_light(scene: Scene) -> None:
    assert np.all(scene.light.factors(np.eye(3)) == 1.0)


def test_skin_that_turns_to_the_lamp_gets_brighter() -> None:
    lamp_on_the_right = np.array([0.5, 0.4, 0.0, 0.0], np.float32)
    facing = np.array([[0.0, 0.0, -1.0]], np.float32)
    light = Light(lamp_on_the_right, facing, np.ones(1, np.float32))
    assert light.factors(head_rotation(8, 0, 0))[0] > 1.02
    assert light.factors(head_rotation(-8, 0, 0))[0] < 0.98


def test_light_stays_within_its_range_and_off_the_background(scene: Scene) -> None:
    factors = scene.light.factors(head_rotation(12, 8, 8))
    assert factors.min() >= RANGE[0] - 1e-6
    assert factors.max() <= RANGE[1] + 1e-6
    assert np.all(factors[scene.rig.rigid == 0] == 1.0)


def test_relighting_is_the_ratio_of_two_lights_on_the_screen() -> None:
    rng = np.random.default_rng(9)
    normals = rng.normal(0, 1, (200, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    reach = rng.uniform(0, 1, 200).astype(np.float32)
    before = np.array([0.4, 0.1, -0.1, -0.2], np.float32)
    after = np.array([0.4, 0.05, -0.12, -0.18], np.float32)
    factors = np.empty(200, np.float32)
    relight(normals, reach, before, after, factors)
    lit = [np.maximum(light[0] + normals @ light[1:], 0.15 * 0.4) for light in (before, after)]
    wanted = np.clip(1 + ((lit[1] / lit[0]) ** (1 / 2.2) - 1) * reach * STRENGTH, *RANGE)
    assert np.allclose(factors, wanted, atol=1e-4)
    assert np.ptp(factors) > 0.05
