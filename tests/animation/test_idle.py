"""A face that says nothing is not a photograph: small, slow, uneven, and lips never part."""

from __future__ import annotations

import numpy as np

from portravox.animation.controls import CONTROLS
from portravox.animation.idle import KINDS, MOUTH, PARTS, Idle, with_idle
from portravox.segments import segments

FPS = 25
TIMES_S = np.arange(20 * 60 * FPS) / FPS


def stirred(seed=0, times_s=TIMES_S):
    return Idle(np.random.default_rng(seed)).at(times_s)


def test_read_at_once_or_frame_by_frame_it_is_the_same():
    idle = Idle(np.random.default_rng(5))
    rows = np.concatenate([idle.at(np.array([now_s])) for now_s in TIMES_S[: 60 * FPS]])
    assert np.allclose(rows, stirred(5, TIMES_S[: 60 * FPS]))


def test_all_of_it_is_slight_and_slow():
    rows = stirred()
    largest = dict(zip(PARTS, np.abs(rows).max(axis=0), strict=True))
    assert 0.05 < largest["smile"] < 0.25 and 0.08 < largest["brow_raise"] < 0.35
    assert largest["lip_tight"] < 1.3
    assert np.abs(np.diff(rows, axis=0)).max() * FPS < 5.0  # of a whole movement a second


def test_it_is_uneven_and_leaves_the_face_alone_for_most_of_the_time():
    moving = np.abs(stirred()).max(axis=1) > 0.02
    assert 0.2 < moving.mean() < 0.6
    still_s = np.array([s.stop - s.start for s in segments(~moving)]) / FPS
    assert still_s.std() > 0.4 * still_s.mean()


def test_people_swallow_about_once_a_minute_and_press_their_lips_for_it():
    idle = [Idle(np.random.default_rng(seed)) for seed in range(8)]
    count = 0
    for one in idle:
        one._due_s = np.inf  # nothing else
        count += len(segments(one.at(TIMES_S)[:, PARTS.index("lip_tight")] > 0.2))
    assert 0.8 < count / (8 * 20.0) < 1.15


def test_it_is_added_and_stays_in_range():
    rows = np.zeros((2, len(CONTROLS)), np.float32)
    rows[:, CONTROLS.index("squint")] = 0.95
    amounts = np.zeros((2, len(PARTS)))
    amounts[1, PARTS.index("squint")] = 0.2
    amounts[1, PARTS.index("smile_skew")] = -0.1
    added = with_idle(rows, amounts)
    assert np.array_equal(added[0], rows[0])
    assert added[1, CONTROLS.index("squint")] == 1.0
    assert added[1, CONTROLS.index("smile_skew")] == np.float32(-0.1)


def test_nothing_that_parts_the_lips_is_part_of_it():
    assert not {"lip_gap", "jaw", "speech"} & set(PARTS)
    assert abs(sum(share for share, _ in KINDS) - 1.0) < 1e-9
    assert set(MOUTH) <= set(PARTS)
