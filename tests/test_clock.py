"""Time is rounded once, from the index, and there and back is where we began."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portravox.clock import (
    duration_of_frames,
    duration_of_samples,
    even_parts,
    frame_count,
    frame_times,
    sample_count,
)

RATES_FPS = st.integers(15, 60)
RATES_HZ = st.sampled_from([8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 192_000])
DURATIONS_S = st.floats(0.0, 3_600.0, allow_nan=False)


@given(DURATIONS_S, RATES_FPS)
def test_the_picture_ends_within_half_a_frame_of_the_sound(duration_s: float, fps: int) -> None:
    shown_s = duration_of_frames(frame_count(duration_s, fps), fps)
    if duration_s >= 0.5 / fps:
        assert abs(shown_s - duration_s) <= 0.5 / fps + 1e-9


def test_the_shortest_sound_still_has_a_picture() -> None:
    assert frame_count(0.0, 24) == 1


def test_half_a_frame_is_rounded_up() -> None:
    assert [frame_count(n / 48, 24) for n in (1, 2, 3, 4, 5)] == [1, 1, 2, 2, 3]


@given(st.integers(1, 200_000), RATES_FPS)
def test_frames_to_seconds_and_back(count: int, fps: int) -> None:
    assert frame_count(duration_of_frames(count, fps), fps) == count


@given(st.integers(0, 100_000_000), RATES_HZ)
def test_samples_to_seconds_and_back(count: int, rate_hz: int) -> None:
    assert sample_count(duration_of_samples(count, rate_hz), rate_hz) == count


@given(DURATIONS_S, DURATIONS_S, RATES_FPS, RATES_HZ)
def test_longer_sound_never_has_fewer_frames_or_samples(
    one_s: float, other_s: float, fps: int, rate_hz: int
) -> None:
    shorter_s, longer_s = sorted((one_s, other_s))
    assert frame_count(shorter_s, fps) <= frame_count(longer_s, fps)
    assert sample_count(shorter_s, rate_hz) <= sample_count(longer_s, rate_hz)


@given(st.integers(1, 10_000), RATES_FPS)
def test_times_do_not_drift(count: int, fps: int) -> None:
    times_s = frame_times(count, fps)
    assert len(times_s) == count
    assert times_s[0] == 0.0
    assert times_s[-1] == (count - 1) / fps
    assert np.all(np.diff(times_s) > 0.0)


@pytest.mark.parametrize(
    ("frames", "part_s", "count"), [(5400, 45.0, 4), (5401, 30.0, 6), (7, 9, 1)]
)
def test_parts_follow_each_other_and_are_alike(frames: int, part_s: float, count: int) -> None:
    parts = even_parts(frames, 30, part_s)
    assert [number for part in parts for number in part] == list(range(frames))
    assert len(parts) == count
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
