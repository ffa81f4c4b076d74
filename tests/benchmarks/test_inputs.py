from pathlib import Path

import numpy as np

from benchmarks.quality.inputs import CLOSURE_S, Inputs, envelope_db, pa_pa_pa, with_pause
from portravox.media.waveform import Waveform


def level_between(level, times_s, start_s, end_s):
    return level[(times_s >= start_s) & (times_s < end_s)]


def test_pa_pa_pa_is_silent_in_closures_and_loud_in_vowels():
    syllables = pa_pa_pa(count=4)
    level, times_s = envelope_db(syllables.voice)
    for burst_s, vowel_s in zip(syllables.bursts_s, syllables.vowels_s, strict=True):
        closure = level_between(level, times_s, burst_s - CLOSURE_S + 0.03, burst_s - 0.03)
        vowel = level_between(level, times_s, vowel_s - 0.04, vowel_s + 0.04)
        assert closure.max() < vowel.min() - 20.0


def test_loudness_says_when_it_is_loud():
    quiet, loud = np.full((16_000, 1), 0.01, np.float32), np.full((16_000, 1), 0.5, np.float32)
    level, times_s = envelope_db(Waveform(np.concatenate([quiet, loud]), 16_000))
    onset_s = times_s[np.argmax(level > -10.0)]
    assert abs(onset_s - 1.0) <= 0.02


def test_a_pause_lengthens_the_voice_by_itself():
    voice = Waveform(np.full((16_000, 1), 0.3, np.float32), 16_000)
    broken = with_pause(voice, 0.5, 2.0, -60.0)
    assert broken.duration_s == 3.0
    assert np.abs(broken.samples[9_000:39_000]).max() < 0.01


def test_without_samples_the_astronaut_stays(tmp_path: Path):
    inputs = Inputs(tmp_path / "absent", tmp_path)
    assert inputs.portraits() == ("astronaut",)
    assert inputs.steady_portrait() == "astronaut"
