from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from portravox.animation.controls import CONTROLS
from portravox.animation.trailing import (
    BODY_DAMPING,
    BODY_HZ,
    HAIR_DAMPING,
    HAIR_FW_PER_YAW_DEG,
    HAIR_HZ,
    HAIR_LIMIT_FW,
    TRAILING,
    Spring,
    Trailing,
    with_trailing,
)
from portravox.arrays import Float32, Float64

FPS = 25


def _rows(count: int, **columns: Float64) -> Float32:
    rows = np.zeros((count, len(CONTROLS)), np.float32)
    for name, values in columns.items():
        rows[:, CONTROLS.index(name)] = values
    return rows


def _column(rows: Float32, name: str) -> Float32:
    column: Float32 = rows[:, CONTROLS.index(name)]
    return column


def _turn_and_stop(fps: int) -> Float32:
    """Ten degrees in half a second, then still for six."""
    times_s = np.arange(int(6.5 * fps)) / fps
    return _rows(len(times_s), head_yaw_deg=10.0 * np.clip(times_s / 0.5, 0.0, 1.0))


@pytest.mark.parametrize(
    ("hz", "damping", "delay_s"), [(BODY_HZ, BODY_DAMPING, 0.30), (HAIR_HZ, HAIR_DAMPING, 0.11)]
)
def test_behind_a_steady_pace_it_lags_by_its_delay(
    hz: float, damping: float, delay_s: float
) -> None:
    spring = Spring(hz, damping, 1 / FPS)
    for frame in range(200):
        place = spring.follow(0.3 * frame / FPS)
    assert 0.3 * 199 / FPS - place == pytest.approx(0.3 * delay_s, rel=0.02)


def test_it_is_the_solution_of_the_equation_of_motion() -> None:
    rng = np.random.default_rng(3)
    goals = np.concatenate([[0.0], rng.normal(0, 0.02, 60)])
    spring = Spring(HAIR_HZ, HAIR_DAMPING, 1 / FPS)
    solved = [spring.follow(float(goal)) for goal in goals]
    w, place, speed, fine = 2 * math.pi * HAIR_HZ, 0.0, 0.0, 1000
    stepped = [0.0]
    for before, after in itertools.pairwise(goals):
        for goal in np.linspace(before, after, fine, endpoint=False):
            speed += (w * w * (goal - place) - 2 * HAIR_DAMPING * w * speed) / (FPS * fine)
            place += speed / (FPS * fine)
        stepped.append(place)
    assert np.abs(np.array(solved) - stepped).max() < 2e-5


def test_hair_stays_behind_then_swings_past_once_and_comes_to_rest_where_it_was() -> None:
    swing = _column(with_trailing(_turn_and_stop(FPS), Trailing(FPS)), "hair_x")
    moving, after = swing[: FPS // 2], swing[FPS // 2 :]
    assert moving.min() < -0.008 and moving[1:].max() < 0.0  # to the right turned, left behind
    assert 0.1 < -after.max() / swing.min() < 0.35  # past it, by a fifth or so
    later = np.abs(swing[FPS // 2 + FPS :])
    assert later.max() < 0.1 * -swing.min()
    assert abs(swing[-1]) < 1e-6  # no drift


def test_the_body_comes_late_and_hardly_swings_past() -> None:
    rows = with_trailing(_turn_and_stop(FPS), Trailing(FPS))
    body = _column(rows, "body_x")
    end = body[-1]
    assert end == pytest.approx(10 * 0.0008, rel=1e-3)
    half = np.flatnonzero(body > end / 2)[0] / FPS
    assert 0.4 < half < 0.7  # the head was half way at .25 s
    assert body.max() < 1.02 * end


def test_a_head_that_leans_leaves_its_hair_hanging() -> None:
    rows = with_trailing(_rows(200, head_roll_deg=np.full(200, 4.0)), Trailing(FPS))
    # what leans clockwise takes the tips to the left; they hang further right than that
    assert _column(rows, "hair_x")[-1] == pytest.approx(4 * 0.0025, rel=1e-3)


def test_a_still_head_has_nothing_that_trails_and_one_that_stopped_neither() -> None:
    still = with_trailing(_rows(50), Trailing(FPS))
    stopped = with_trailing(
        _rows(600, head_yaw_deg=np.where(np.arange(600) < 50, 5.0, 0.0)), Trailing(FPS)
    )
    for name in TRAILING:
        assert not _column(still, name).any()
        assert _column(stopped, name)[-1] == 0.0


def test_frame_by_frame_is_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portravox.animation.trailing.ROWS_AT_ONCE", 33)
    rng = np.random.default_rng(5)
    rows = _rows(80, head_yaw_deg=rng.normal(0, 3, 80), head_shift_y=rng.normal(0, 0.01, 80))
    live = Trailing(FPS)
    one_by_one = np.concatenate([with_trailing(rows[i : i + 1], live) for i in range(80)])
    assert np.array_equal(one_by_one, with_trailing(rows, Trailing(FPS)))


def test_at_15_and_30_frames_a_second_it_is_the_same_motion() -> None:
    def nodding(fps: int) -> Float32:
        times_s = np.arange(8 * fps) / fps
        return _rows(len(times_s), head_yaw_deg=4.0 * np.sin(2 * np.pi * 0.6 * times_s) ** 2)

    slow, fast = (with_trailing(nodding(fps), Trailing(fps)) for fps in (15, 30))
    for name in TRAILING:
        assert _column(slow, name) == pytest.approx(_column(fast, name)[::2], abs=3e-4), name


def test_it_never_goes_further_than_a_photograph_bears() -> None:
    wild = np.where(np.arange(100) % 8 < 4, 12.0, -12.0)
    rows = with_trailing(_rows(100, head_yaw_deg=wild), Trailing(FPS))
    assert 12.0 * HAIR_FW_PER_YAW_DEG > HAIR_LIMIT_FW
    assert np.abs(_column(rows, "hair_x")).max() <= HAIR_LIMIT_FW


def test_away_from_the_photographs_pose_is_how_far_it_may_be() -> None:
    shown = np.linspace(1.0, 0.0, 100)
    rows = _rows(100, head_shift_x=np.linspace(0.0, 0.05, 100))
    free, held = (with_trailing(rows, Trailing(FPS), share) for share in (None, shown))
    for name in ("body_x", "hair_x"):
        assert _column(held, name) == pytest.approx(_column(free, name) * shown, abs=1e-8)
        assert _column(held, name)[-1] == 0.0
