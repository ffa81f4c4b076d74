"""What each sound does to the lips."""

import numpy as np
import pytest

from benchmarks.articulation.by_sound import SoundsOfClip, _by_class, _spread
from portravox.articulation.phones import PHONE_CLASSES


def clip_of(named, people, ours):
    """A clip of one sound after the other, spoken throughout."""
    frames = len(named)
    classes = np.zeros((frames, len(PHONE_CLASSES)))
    classes[np.arange(frames), [PHONE_CLASSES.index(name) for name in named]] = 1.0
    people, ours = np.array(people), np.array(ours)
    return SoundsOfClip(people, ours, people - ours, classes, np.ones(frames))


def test_a_sound_has_its_mean_over_all_clips_and_silence_has_no_row():
    first = clip_of(["a"] * 4 + ["sil"], [1.0, 1.0, 0.8, 0.8, 0.0], [0.5] * 5)
    second = clip_of(["a"] * 4 + ["u"] * 4, [0.9] * 4 + [0.2] * 4, [0.7] * 4 + [0.4] * 4)
    rows = {row[0]: row[1:] for row in _by_class([first, second])}
    assert set(rows) == {"a", "u"}
    assert rows["a"] == pytest.approx((8.0, 0.9, 0.6, 0.3))
    assert rows["u"] == pytest.approx((4.0, 0.2, 0.4, -0.2))


def test_a_sound_of_two_frames_says_nothing():
    assert _by_class([clip_of(["a", "a"], [1.0, 1.0], [1.0, 1.0])]) == []


def test_equal_openings_spread_equally():
    openings = np.linspace(0.0, 1.0, 50)
    rows = _spread([clip_of(["a"] * 50, openings, 0.5 * openings)])
    assert [row[4] for row in rows] == pytest.approx([0.0] * 5)
    assert rows[-1][2] == 1.0
