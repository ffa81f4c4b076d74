"""Limits hold what they say, and are off unless set."""

from __future__ import annotations

import math

import pytest

from portravox.errors import SettingOutOfRange
from portravox.service.errors import RateReached, VideoLimitReached
from portravox.service.limits import Call, Limits, RateLimiter


class Clock:
    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def accepted(limiter: RateLimiter, limits: Limits, tries: int, call: Call = Call.SUBMIT) -> int:
    """How many of so many requests at one moment pass."""
    passed = 0
    for _ in range(tries):
        try:
            limiter.take("1", call, limits)
            passed += 1
        except RateReached:
            pass
    return passed


def test_nothing_is_limited_unless_set():
    limiter = RateLimiter(Clock())
    for call in Call:
        assert accepted(limiter, Limits(), 10_000, call) == 10_000
    Limits().require_video_left(1e9)
    assert (Limits().in_queue().max_pending, Limits().in_queue().max_running) == (None, None)


def test_polling_is_free_where_requests_are_limited():
    limits = Limits(requests_per_s=1)
    limiter = RateLimiter(Clock())
    assert accepted(limiter, limits, 1000, Call.POLL) == 1000
    assert accepted(limiter, Limits(polls_per_s=20), 1000, Call.POLL) == 20


def test_a_second_brings_what_the_rate_says():
    clock = Clock()
    limiter = RateLimiter(clock)
    limits = Limits(requests_per_s=5)
    assert accepted(limiter, limits, 100) == 5
    clock.now_s += 0.2
    assert accepted(limiter, limits, 100) == 1
    clock.now_s += 3600.0
    assert accepted(limiter, limits, 100) == 5


def test_in_the_long_run_the_rate_is_kept_and_used():
    clock = Clock()
    limiter = RateLimiter(clock)
    limits = Limits(requests_per_s=7)
    passed = 0
    for _ in range(10_000):
        clock.now_s += 0.01
        passed += accepted(limiter, limits, 1)
    assert 700 - 1 <= passed <= 700 + 7  # 100 s, and the bucket that was full at first


def test_less_than_one_a_second_still_lets_one_through():
    clock = Clock()
    limiter = RateLimiter(clock)
    limits = Limits(requests_per_s=0.1)
    assert accepted(limiter, limits, 5) == 1
    clock.now_s += 9.9
    assert accepted(limiter, limits, 5) == 0
    clock.now_s += 0.2
    assert accepted(limiter, limits, 5) == 1


def test_keys_and_calls_do_not_take_from_each_other():
    limiter = RateLimiter(Clock())
    limits = Limits(requests_per_s=1)
    for key_id in ("1", "2"):
        for call in (Call.SUBMIT, Call.DETECT, Call.UPLOAD):
            limiter.take(key_id, call, limits)
            with pytest.raises(RateReached):
                limiter.take(key_id, call, limits)


def test_video_ends_when_it_is_spent():
    limits = Limits(video_s_per_day=60)
    limits.require_video_left(59.9)
    with pytest.raises(VideoLimitReached, match="60 s"):
        limits.require_video_left(60.0)


def test_own_limits_stand_before_general_ones():
    own = Limits(max_running=2)
    both = own.or_else(Limits(max_running=1, max_pending=10))
    assert both == Limits(max_running=2, max_pending=10)
    assert (both.in_queue().max_running, both.in_queue().max_pending) == (2, 10)
    assert Limits().or_else(own) == own


@pytest.mark.parametrize("value", [0, -1, math.nan])
def test_a_limit_of_nothing_is_refused(value):
    with pytest.raises(SettingOutOfRange, match="requests_per_s"):
        Limits(requests_per_s=value)
