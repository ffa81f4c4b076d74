from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from portravox.arrays import Float32
from portravox.rig.deform import Deformer
from portravox.rig.fit import Rig
from portravox.rig.shading import SHADE_RANGE, build_shading, shade_factors
from portravox.rig.shapes import SHAPES

Row = Callable[..., Float32]
FOLD_BESIDE_NOSE = 206
LOWER_LIP = 15
UNDER_LOWER_LIP = 18
FOREHEAD = 10


def test_at_rest_the_photograph_keeps_its_brightness(deformer: Deformer, controls: Row) -> None:
    assert np.all(deformer.deform(controls()).shade == 1.0)


def test_a_smile_deepens_the_fold_beside_the_nose(deformer: Deformer, controls: Row) -> None:
    assert deformer.deform(controls(smile=0.8)).shade[FOLD_BESIDE_NOSE] < 0.95


def test_lips_that_come_forward_catch_light_and_throw_a_shadow(
    deformer: Deformer, controls: Row
) -> None:
    shade = deformer.deform(controls(speech=1, lip_gap=0.08, lip_round=1)).shade
    assert shade[LOWER_LIP] > 1.01
    assert shade[UNDER_LOWER_LIP] < 0.98


def test_a_photographed_smile_loses_its_folds_when_it_settles(rig: Rig) -> None:
    points = rig.to_head_mm(rig.rest.astype(np.float64))
    settle = SHAPES.index("settle")
    serious = build_shading(points, points, smiling=0.0)
    smiling = build_shading(points, points, smiling=1.0)
    assert not serious[settle].any()
    assert smiling[settle, FOLD_BESIDE_NOSE] > 0.05


def test_what_is_far_from_mouth_eyes_and_brows_keeps_its_brightness(rig: Rig) -> None:
    mouth_only = [SHAPES.index(name) for name in ("jaw", "wide", "round", "press", "teeth")]
    assert not rig.shading[mouth_only, FOREHEAD].any()
    still = rig.rigid == 0.0
    assert not rig.shading[:, still].any()


@pytest.mark.parametrize("seed", range(5))
def test_however_many_muscles_pull_no_skin_turns_to_dirt_or_grease(rig: Rig, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.uniform(-2.0, 3.0, len(SHAPES)).astype(np.float32)
    factors = shade_factors(rig.shading, weights)
    assert factors.min() >= np.float32(SHADE_RANGE[0])
    assert factors.max() <= np.float32(SHADE_RANGE[1])


def test_both_halves_of_a_face_are_shaded_alike(rig: Rig) -> None:
    smile = rig.shading[SHAPES.index("smile")]
    assert smile[206] == pytest.approx(smile[426], abs=0.03)
