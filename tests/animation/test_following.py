import numpy as np
import pytest

from portravox.animation.following import Follower


def test_most_of_the_way_is_done_in_time_and_it_never_overshoots():
    follower = Follower(0.0, 0.5)
    way = [float(follower.follow(1.0, 0.01)) for _ in range(100)]
    assert 0.95 < way[49] < 1.0
    assert np.all(np.diff(way) >= 0.0)
    assert max(way) <= 1.0


def test_it_sets_out_without_a_jolt():
    follower = Follower(0.0, 0.5)
    way = np.array([float(follower.follow(1.0, 0.001)) for _ in range(500)])
    assert way[0] < 1e-4
    assert np.abs(np.diff(way, 2)).max() < 2e-4


@pytest.mark.parametrize("fps", [15, 24, 30])
def test_every_frame_rate_goes_the_same_way(fps):
    follower = Follower(0.0, 0.5)
    for _ in range(fps):
        follower.follow(2.0, 1 / fps)
    fine = Follower(0.0, 0.5)
    for _ in range(1000):
        fine.follow(2.0, 0.001)
    assert abs(float(follower.value) - float(fine.value)) < 1e-6


def test_what_is_asked_to_be_zero_becomes_zero():
    follower = Follower(np.array([1.0, 0.3]), 0.2)
    for _ in range(60):
        follower.follow(0.0, 0.04)
    assert np.all(follower.value == 0.0)
