import numpy as np
import pytest

from benchmarks.quality.measures import (
    band_deg,
    find_blinks,
    head_motion,
    jitter,
    jitter_everywhere,
    likeness,
    spread,
    upper_face,
)
from portravox.arrays import Float64

FPS = 25.0
TIMES_S = np.arange(0.0, 10.0, 1.0 / FPS)


def lids_with_blinks(*starts_s: float) -> Float64:
    """(T, 2) eyes 0.3 open that shut to a tenth of it within 80 ms and open again in 160 ms."""
    opening = np.full(len(TIMES_S), 0.3)
    for start_s in starts_s:
        since = TIMES_S - start_s
        shut = np.interp(since, (0.0, 0.08, 0.24), (0.0, 0.9, 0.0))
        opening = np.minimum(opening, 0.3 * (1.0 - shut))
    return np.stack([opening, opening], axis=1)


def test_each_blink_counts_once():
    found = find_blinks(lids_with_blinks(1.0, 4.0, 4.5, 8.0), FPS)
    assert [frame / FPS for frame in found.frames] == pytest.approx(
        [1.08, 4.08, 4.58, 8.08], abs=0.04
    )
    assert found.per_minute == pytest.approx(24.0)
    assert np.all(found.depths < 0.25)


def test_trembling_lids_are_no_blinks():
    tremble = np.random.default_rng(0).normal(0.3, 0.015, (len(TIMES_S), 2))
    assert find_blinks(tremble, FPS).frames == ()


def test_one_closing_that_stops_halfway_is_one_blink():
    opening = np.interp(TIMES_S, (2.0, 2.08, 2.16, 2.24, 2.5), (0.3, 0.12, 0.2, 0.1, 0.3))
    assert len(find_blinks(np.stack([opening, opening], axis=1), FPS).frames) == 1


def test_a_swinging_head_has_the_speed_of_its_swing():
    swing = 5.0 * np.sin(2 * np.pi * 0.3 * TIMES_S)
    motion = head_motion(np.stack([swing, 0 * swing, 0 * swing], axis=1), FPS)
    assert motion.std_deg == pytest.approx((5.0 / np.sqrt(2), 0.0, 0.0), rel=0.03)
    assert motion.speed_p95_deg_s == pytest.approx(5.0 * 2 * np.pi * 0.3, rel=0.05)


def test_a_curve_that_follows_100_ms_later_lags_by_that():
    wave = np.sin(2 * np.pi * 1.3 * TIMES_S) + np.sin(2 * np.pi * 3.1 * TIMES_S)
    alike = likeness(wave, TIMES_S, wave, TIMES_S + 0.1)
    assert alike.lag_s == pytest.approx(0.1, abs=0.011)
    assert alike.best_r > 0.99 > alike.r


def test_what_does_not_move_is_like_nothing():
    assert likeness(np.sin(TIMES_S), TIMES_S, np.ones(len(TIMES_S)), TIMES_S).best_r == 0.0


def test_steady_travel_is_no_trembling_and_noise_is():
    rng = np.random.default_rng(0)
    skull = rng.uniform(-0.5, 0.5, (14, 2))
    travel = np.stack([0.1 * TIMES_S, 0.02 * TIMES_S], axis=1)[:, None]
    assert jitter(skull + travel).place < 1e-6
    noisy = jitter(skull + travel + rng.normal(0.0, 0.001, (len(TIMES_S), 14, 2)))
    # p - (before + after) / 2 has 1.5 times the variance of p, in two dimensions
    assert noisy.place == pytest.approx(np.sqrt(2 * 1.5), rel=0.1)
    assert noisy.shape < noisy.place


def test_a_shaking_head_keeps_its_shape():
    rng = np.random.default_rng(0)
    skull = rng.uniform(-0.5, 0.5, (14, 2))
    shaken = jitter(skull + rng.normal(0.0, 0.002, (len(TIMES_S), 1, 2)))
    assert shaken.place > 1.0
    assert shaken.shape < 1e-6


def test_spread_leaves_out_the_rarest():
    assert spread(np.linspace(0.0, 1.0, 101)) == pytest.approx(0.9)


def test_a_swing_is_found_in_its_band_alone():
    swing = 2.0 * np.sin(2 * np.pi * 1.0 * TIMES_S)
    head_deg = np.stack([swing, 0 * swing, 0 * swing], axis=1)
    assert band_deg(head_deg, FPS, (0.6, 1.8)) == pytest.approx(2.0 / np.sqrt(2), rel=0.02)
    assert band_deg(head_deg, FPS, (1.8, 3.7)) < 0.05


def test_a_slow_turn_is_no_beat():
    turn = np.stack([3.0 * TIMES_S, 0 * TIMES_S, 0 * TIMES_S], axis=1)
    assert band_deg(turn, FPS, (0.6, 1.8)) < 1e-9


def test_every_point_trembles_in_its_own_still_moments():
    moving = np.sin(2 * np.pi * 0.5 * TIMES_S)[:, None] * np.array([0.05, 0.0])
    points = np.stack([np.zeros_like(moving), np.where(TIMES_S[:, None] > 5.0, moving, 0.0)], 1)
    assert jitter_everywhere(points) < 0.1
    rng = np.random.default_rng(0)
    assert jitter_everywhere(points + rng.normal(0.0, 0.001, points.shape)) > 0.5


def test_brows_that_rise_together_have_no_skew():
    lift = 0.02 * np.clip(np.sin(2 * np.pi * 0.25 * TIMES_S), 0.0, 1.0)
    both = np.stack([lift, lift], axis=1)
    face = upper_face(both, lids_with_blinks(2.0, 6.0), FPS)
    assert face.brow_range == pytest.approx(20.0, rel=0.05)
    assert face.brow_skew_std == pytest.approx(0.0, abs=1e-9)
    assert face.brow_speed_p95 == pytest.approx(20.0 * 2 * np.pi * 0.25, rel=0.1)
    one = upper_face(np.stack([0 * lift, lift], axis=1), lids_with_blinks(2.0, 6.0), FPS)
    assert one.brow_skew_std > 1.9 * one.brow_std


def test_blinks_are_no_life_of_the_lids():
    still = np.zeros((len(TIMES_S), 2))
    assert upper_face(still, lids_with_blinks(1.0, 4.0, 8.0), FPS).lid_std < 0.01
    narrowed = lids_with_blinks(1.0, 4.0) * (1.0 + 0.1 * np.sin(TIMES_S))[:, None]
    assert upper_face(still, narrowed, FPS).lid_std > 0.04
