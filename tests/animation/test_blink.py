"""Blinks are as many as asked for, shut on a frame, and never at the ends."""

from __future__ import annotations

import numpy as np
import pytest

from portravox.animation.blink import (
    BLINK_S,
    SHALLOW,
    blink_starts,
    blinks,
    draw_shapes,
    lid_opening,
)
from portravox.animation.phrases import spans_of
from portravox.clock import frame_count, frame_times

NO_PHRASES = np.zeros(0)


def lids_at(rate_hz, duration_s, fps, seed=0, ends_s=NO_PHRASES):
    times_s = frame_times(frame_count(duration_s, fps), fps)
    rng = np.random.default_rng(seed)
    return blinks(rate_hz, ends_s, duration_s, times_s, fps, rng)


def shut_count(lid) -> int:
    """Of the blinks that come as far as they would."""
    return len(spans_of(lid >= 0.9 * SHALLOW[0]))


def test_lids_fall_faster_than_they_rise_and_never_turn_back():
    since_s = np.linspace(0.0, BLINK_S, 3201)
    opening = lid_opening(since_s)
    lowest = int(opening.argmin())
    assert opening[lowest] < 1e-6
    assert opening[[0, -1]] == pytest.approx([1.0, 1.0])
    assert np.all(np.diff(opening[: lowest + 1]) <= 1e-12)
    assert np.all(np.diff(opening[lowest:]) >= -1e-12)
    assert since_s[lowest] < 0.5 * (BLINK_S - since_s[lowest])


def test_no_two_blinks_are_alike_and_all_are_as_long_as_blinks_are():
    """100 to 400 ms (Stern 1984), a little more where the last tenth of the way is counted."""
    times_s = np.arange(0.0, 300.0, 0.001)
    lid = blinks(0.3, NO_PHRASES, 300.0, times_s, 30, np.random.default_rng(3)).left
    moving = np.array([(a, b) for a, b in spans_of(lid > 0.05)]) * 0.1  # rows of 1 ms, not 10
    lengths_s = moving[:, 1] - moving[:, 0]
    assert lengths_s.min() > 0.18 and lengths_s.max() < 0.8  # double ones may run together
    assert 0.05 < np.median(np.abs(lengths_s / np.median(lengths_s) - 1.0)) < 0.3
    lowest = [int(a * 1e3) + int(np.argmax(lid[int(a * 1e3) : int(b * 1e3)])) for a, b in moving]
    closing_s = np.array(lowest) * 1e-3 - moving[:, 0]
    assert np.all(closing_s[lengths_s < 0.4] < 0.55 * lengths_s[lengths_s < 0.4])


def test_some_blinks_leave_a_gap_and_none_a_wide_one():
    depths = draw_shapes(2000, np.random.default_rng(0)).depths
    assert 0.15 < np.mean(depths < 1.0) < 0.25
    assert depths.min() >= 0.8


@pytest.mark.parametrize("fps", range(15, 31))
@pytest.mark.parametrize("seed", [0, 1])
def test_each_blink_shuts_both_eyes_on_a_frame_of_every_frame_rate(fps, seed):
    lids = lids_at(0.5, 60.0, fps, seed)
    assert shut_count(lids.left) == shut_count(lids.right) == 30
    assert shut_count(np.minimum(lids.left, lids.right)) == 30


@pytest.mark.parametrize("rate_hz", [0.1, 0.25, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("duration_s", [6.0, 10.0, 61.3, 120.0])
def test_the_count_is_within_a_tenth_or_one_of_what_was_asked(rate_hz, duration_s):
    ends_s = np.arange(2.0, duration_s, 3.1)
    for seed in range(3):
        wanted = rate_hz * duration_s
        count = shut_count(lids_at(rate_hz, duration_s, 24, seed, ends_s).left)
        assert abs(count - wanted) <= max(0.1 * wanted, 0.5)


def test_three_seconds_at_the_default_have_one_or_two():
    for seed in range(20):
        assert 1 <= shut_count(lids_at(0.5, 3.0, 24, seed).left) <= 2


def test_frequency_0_means_none():
    lids = lids_at(0.0, 30.0, 24)
    assert not lids.left.any()
    assert not lids.right.any()


@pytest.mark.parametrize("duration_s", [0.05, 0.4, 0.7, 1.0, 3.03, 9.97])
def test_first_and_last_frame_have_open_eyes(duration_s):
    for fps in range(15, 31):
        for seed in range(3):
            lids = lids_at(1.0, duration_s, fps, seed)
            for lid in (lids.left, lids.right):
                assert (lid[0], lid[-1]) == (0.0, 0.0)


def test_eyes_differ_by_no_more_than_10_ms():
    times_s = np.arange(0.0, 60.0, 0.001)
    lids = blinks(0.5, NO_PHRASES, 60.0, times_s, 24, np.random.default_rng(4))
    for left, right in zip(spans_of(lids.left > 0.5), spans_of(lids.right > 0.5), strict=True):
        # `spans_of` takes rows of 10 ms; these are of 1 ms.
        assert abs(left[0] - right[0]) / 10.0 <= 0.010


def test_frame_rates_agree_to_half_a_frame():
    middles = []
    for fps in (15, 30):
        lids = lids_at(0.4, 60.0, fps, seed=2)
        times_s = frame_times(len(lids.left), fps)
        middles.append(
            [
                times_s[int(a * 100) : int(b * 100 + 0.5)].mean()
                for a, b in spans_of(lids.left >= 0.3)
            ]
        )
    assert np.abs(np.subtract(*middles)).max() < 0.07


def test_intervals_vary_and_leave_time_to_see():
    gaps_s = np.diff(blink_starts(0.35, NO_PHRASES, 180.0, np.random.default_rng(0)))
    assert gaps_s.min() > BLINK_S
    assert 0.25 < gaps_s.std() / gaps_s.mean() < 0.7


def test_blinks_gather_at_the_ends_of_phrases():
    ends_s = np.arange(3.0, 170.0, 4.0)
    near, far = 0, 0
    for seed in range(5):
        pulled_s = blink_starts(0.3, ends_s, 180.0, np.random.default_rng(seed))
        free_s = blink_starts(0.3, NO_PHRASES, 180.0, np.random.default_rng(seed))
        near += np.sum(np.abs(pulled_s[:, None] - ends_s).min(axis=1) < 0.1)
        far += np.sum(np.abs(free_s[:, None] - ends_s).min(axis=1) < 0.1)
        assert len(pulled_s) == len(free_s)
        assert np.all(np.diff(pulled_s) > BLINK_S)
    assert near > 3 * far
