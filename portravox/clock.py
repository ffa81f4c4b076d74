"""Seconds, samples and frames: the only place that rounds time.

A moment is always computed from its index (n / fps, n / rate) and never added up, so a
180-second video is as much in step at its end as at its beginning.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from portravox.arrays import Float64


def frame_count(duration_s: float, fps: int) -> int:
    """Frames of a video that lasts as long as the sound: duration * fps, half rounded up.

    At least 1, so that the shortest sound still has a picture.
    """
    return max(1, math.floor(duration_s * fps + 0.5))


def even_parts(frames: int, fps: int, part_s: float) -> tuple[range, ...]:
    """The frames of a video in parts of about so many seconds each, none a frame longer than the
    others."""
    count = max(1, min(frames, math.floor(frames / (fps * part_s) + 0.5)))
    ends = [number * frames // count for number in range(count + 1)]
    return tuple(range(*part) for part in itertools.pairwise(ends))


def frame_times(count: int, fps: int) -> Float64:
    """(T,) seconds at which each frame is shown, from 0."""
    return np.arange(count, dtype=np.float64) / fps


def sample_count(duration_s: float, rate_hz: int) -> int:
    """Samples in a stretch of sound, to the nearest."""
    return math.floor(duration_s * rate_hz + 0.5)


def duration_of_samples(count: int, rate_hz: int) -> float:
    """Seconds that so many samples last."""
    return count / rate_hz


def duration_of_frames(count: int, fps: int) -> float:
    """Seconds that so many frames last."""
    return count / fps
