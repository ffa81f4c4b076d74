"""A live voice has the curves of the recording, less what only its end could tell."""

from functools import cache

import numpy as np
import pytest

from portravox.articulation.curves import CURVE_RATE_HZ, ArticulationCurves
from portravox.articulation.from_voice import articulate
from portravox.articulation.live import BEHIND_ROWS, LiveArticulation
from portravox.demo import VOICE
from portravox.media.voice_file import read_voice
from portravox.media.waveform import Waveform
from portravox.speech.resample import SAMPLES_PER_ROW, speech_samples

SPOKEN_S = 4


@cache
def _voice() -> Waveform:
    spoken = read_voice(VOICE)
    quiet = np.zeros((spoken.rate_hz // 2, 1), np.float32)
    words = spoken.samples[: SPOKEN_S * spoken.rate_hz]
    return Waveform(np.concatenate([quiet, words]), spoken.rate_hz)


def _live_rows(live, samples, shift=0, ahead=20):
    """What each row was when it was shown, `ahead` rows behind the sound."""
    shown = []
    for row in range(0, len(samples) // SAMPLES_PER_ROW, 4):
        live.push(samples[row * SAMPLES_PER_ROW : (row + 4) * SAMPLES_PER_ROW])
        now = row + 4 - ahead
        if now < 0:
            continue
        first = max(0, (now + shift) // CURVE_RATE_HZ * CURVE_RATE_HZ - 300)
        curves = live.curves(first, now + shift)
        shown.append(curves.values[now + shift - first : now + shift - first + 4])
    return ArticulationCurves(np.concatenate(shown), len(shown) * 0.04)


@cache
def _shown() -> ArticulationCurves:
    return _live_rows(LiveArticulation(), speech_samples(_voice()))


def test_the_mouth_is_that_of_the_recording():
    live, whole = _shown(), articulate(_voice())
    rows = len(live.values)
    for channel, least in {"aperture": 0.9, "jaw": 0.9, "rounding": 0.8, "activity": 0.8}.items():
        assert np.corrcoef(live[channel], whole[channel][:rows])[0, 1] >= least


def test_before_the_first_word_the_mouth_is_at_rest():
    assert np.all(_shown()["aperture"][:30] == 0.0)
    assert np.all(_shown()["closure"][:30] == 0.0)


def test_a_cut_voice_moves_nothing_any_more():
    live = LiveArticulation()
    live.push(speech_samples(_voice())[: 200 * SAMPLES_PER_ROW])
    assert live.curves(0, 150)["aperture"].max() > 0.2
    live.cut(150, 152)
    assert live.known == 152
    live.push(np.zeros(60 * SAMPLES_PER_ROW, np.float32))
    curves = live.curves(0, 152)
    assert curves["aperture"][150:].max() < 0.05
    assert np.all(curves["activity"][190:] == 0.0)


def test_after_an_hour_of_silence_it_goes_on_with_what_it_knows():
    live = LiveArticulation()
    samples = speech_samples(_voice())
    _live_rows(live, samples)
    level = live._level_dbfs
    hour = 3600 * CURVE_RATE_HZ
    live.silence_until(hour)
    assert live.known == hour
    assert len(live._power) <= BEHIND_ROWS + 2 * CURVE_RATE_HZ
    again = _live_rows(live, samples[: 250 * SAMPLES_PER_ROW], shift=hour)
    assert np.corrcoef(again["aperture"], _shown()["aperture"][: len(again.values)])[0, 1] > 0.9
    assert abs(live._level_dbfs - level) < 3.0


def test_what_is_not_kept_is_not_given():
    live = LiveArticulation()
    live.silence_until(5000)
    with pytest.raises(ValueError, match="not kept"):
        live.curves(0, 0)
