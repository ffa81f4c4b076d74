import itertools

import numpy as np
import pytest

from benchmarks.machine import this_machine
from benchmarks.speed import (
    SAMPLE_JOB,
    Timing,
    enlarged,
    looped,
    markdown,
    peak_memory_mb,
    there_and_back,
)
from portravox.media.waveform import Waveform


def timing(**changes) -> Timing:
    stages_s = dict.fromkeys(("decode", "face", "articulation", "animation"), 0.1)
    values = {
        "name": "512 close-up, 3 s",
        "width_px": 512,
        "height_px": 512,
        "duration_s": 3.0,
        "frames": 75,
        "total_s": 1.5,
        "processor_s": 2.4,
        "first_frame_s": 0.4,
        "peak_mb": 400.0,
        "stages_s": {**stages_s, "render": 1.0, "encode": 0.5},
    }
    return Timing(**{**values, **changes})


def test_a_voice_is_cut_or_repeated_to_the_sample():
    voice = Waveform(np.arange(100, dtype=np.float32)[:, None], 100)
    assert len(looped(voice, 0.3).samples) == 30
    assert looped(voice, 2.5).samples[:, 0].tolist() == [*range(100), *range(100), *range(50)]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_frames_are_gone_through_without_a_jump(count):
    indices = list(there_and_back(count, 23))
    assert len(indices) == 23
    assert set(indices) == set(range(count))
    assert all(abs(b - a) <= 1 for a, b in itertools.pairwise(indices))


def test_an_enlarged_picture_keeps_its_shape_and_gains_grain():
    flat = np.full((20, 30, 3), 128, np.uint8)
    large = enlarged(flat, 90)
    assert large.shape == (60, 90, 3)
    assert 1.5 < large[..., 0].std() < 2.5


def test_the_table_says_what_was_reached():
    short = timing()
    quick = timing(duration_s=30.0, frames=750, total_s=4.2)
    slow = timing(duration_s=30.0, frames=750, total_s=6.0)
    table = markdown(this_machine(), [short, quick, slow], [5.0, 7.0, 5.5])
    assert "| 0.50 | – |" in table  # a short video says nothing of the real-time factor
    assert "| 0.14 | ≤ 0.15: met, ≤ 2.5 × floor: missed |" in table
    assert "| 0.20 | ≤ 0.15: missed, ≤ 2.5 × floor: missed |" in table
    assert "| 3.00 |" in table  # 1.5 s over a floor of 0.5 s
    assert "first frame: 5.5 s" in table


def test_the_sample_job_is_judged_by_its_whole_time():
    name = SAMPLE_JOB[0]
    table = markdown(this_machine(), [timing(name=name, total_s=1.4)], [])
    assert "≤ 1.5 s: met" in table
    assert "≤ 1.5 s: missed" in markdown(this_machine(), [timing(name=name, total_s=1.6)], [])


def test_peak_memory_knows_what_was_held():
    before = peak_memory_mb()
    held = np.ones(120_000_000, np.uint8)
    assert peak_memory_mb() >= before
    assert peak_memory_mb() > held.nbytes / 1e6
