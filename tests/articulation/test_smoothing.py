import numpy as np
import pytest

from portravox.articulation.smoothing import (
    CLOSING_ROWS,
    OPENING_ROWS,
    READY_APERTURE,
    closure_curve,
    followed,
    smoothed,
    with_rest,
)


@pytest.fixture
def jagged():
    return np.random.default_rng(6).random(300).astype(np.float32)


def test_smoothing_delays_nothing():
    pulse = np.zeros(101, dtype=np.float32)
    pulse[50] = 1.0
    smooth = smoothed(pulse, 7)
    assert smooth.argmax() == 50
    assert np.allclose(smooth, smooth[::-1])
    assert abs(smooth.sum() - 1.0) < 1e-6


def test_smoothing_keeps_what_is_constant():
    assert np.allclose(smoothed(np.full(20, 0.4, np.float32), 15), 0.4)
    assert len(smoothed(np.zeros(0, np.float32), 15)) == 0


def test_lips_never_move_faster_than_lips(jagged):
    steps = np.diff(followed(jagged))
    assert steps.max() <= 1.0 / OPENING_ROWS + 1e-6
    assert steps.min() >= -1.0 / CLOSING_ROWS - 1e-6


def test_following_only_lowers_and_what_is_slow_stays(jagged):
    assert np.all(followed(jagged) <= jagged + 1e-6)
    slow = (0.5 + 0.5 * np.sin(np.arange(300) / 20.0)).astype(np.float32)
    assert np.allclose(followed(slow), slow, atol=1e-6)
    assert np.allclose(followed(followed(jagged)), followed(jagged), atol=1e-6)


def test_a_closure_is_full_from_its_first_row_to_its_release():
    curve = closure_curve([(20, 27), (60, 69)], 100)
    assert np.flatnonzero(curve == 1.0).tolist() == [*range(20, 27), *range(60, 69)]
    assert curve[:16].max() == 0.0
    assert curve[30:56].max() == 0.0
    assert np.all(np.diff(curve[16:21]) > 0.0)


def test_a_closure_at_the_edge_is_cut_not_shifted():
    curve = closure_curve([(0, 3), (97, 100)], 100)
    assert curve[0] == curve[2] == curve[97] == curve[99] == 1.0


def test_lips_part_before_speech_and_rest_after_it():
    sounding = np.zeros(200, dtype=np.bool_)
    sounding[50:100] = True
    shaped = with_rest(np.where(sounding, 0.6, 0.0).astype(np.float32), sounding)
    assert np.flatnonzero(shaped)[0] in range(50 - 10, 50 - 5)
    assert abs(shaped[49] - READY_APERTURE) < 0.03
    # 120-200 ms until the mouth is at rest
    assert shaped[111] > 0.0
    assert shaped[117:].max() == 0.0
    assert np.all(np.diff(shaped[100:120]) <= 0.0)


def test_a_short_gap_is_no_pause():
    sounding = np.ones(100, dtype=np.bool_)
    sounding[40:60] = False
    aperture = np.where(sounding, 0.5, 0.0).astype(np.float32)
    assert np.array_equal(with_rest(aperture, sounding)[40:60], aperture[40:60])


@pytest.mark.parametrize("span", [slice(0, 3), slice(0, 100), slice(97, 100), slice(0, 0)])
def test_sound_at_the_edges(span):
    sounding = np.zeros(100, dtype=np.bool_)
    sounding[span] = True
    shaped = with_rest(np.where(sounding, 0.5, 0.0).astype(np.float32), sounding)
    assert len(shaped) == 100
    assert np.all(shaped[span] == 0.5)
