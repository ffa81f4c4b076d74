"""A trace of a smile while speaking, none otherwise."""

from __future__ import annotations

import numpy as np

from portravox.animation.smile import smile_motion
from portravox.animation.styles import STYLES

TIMES_S = np.arange(0.0, 20.0, 0.04)
SPEECH = np.array([[2.0, 9.0], [14.0, 19.5]])


def smiling(template="normal", strength=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return smile_motion(SPEECH, STYLES[template], strength, 20.0, TIMES_S, rng)


def test_a_speaker_smiles_between_the_least_and_the_style():
    smile = smiling().smile
    speaking = (TIMES_S > 2.0) & (TIMES_S < 9.0)
    assert np.all((smile[speaking] >= 0.05) & (smile[speaking] <= STYLES["normal"].smile))


def test_nobody_smiles_in_silence_or_with_a_still_mouth():
    silent = (TIMES_S > 9.8) & (TIMES_S < 13.2)
    assert not smiling().smile[silent].any()
    assert not smiling().skew[silent].any()
    still = smiling(strength=0.0)
    assert not still.smile.any()
    assert not still.skew.any()
    assert not still.squint.any()


def test_lids_smile_too_but_less():
    motion = smiling("active")
    assert np.allclose(motion.squint, 0.5 * motion.smile)


def test_smiles_change_slowly():
    assert np.abs(np.diff(smiling("active").smile) / 0.04).max() < 0.6


def test_the_corners_differ_a_little():
    motion = smiling()
    assert 0.0 < np.abs(motion.skew).max() < 0.5 * STYLES["normal"].smile
