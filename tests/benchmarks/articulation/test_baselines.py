"""The plainer methods do what their names say."""

import numpy as np

from benchmarks.articulation.baselines import live, loudness, of_phones
from portravox.articulation.phones import PHONE_CLASSES
from portravox.media.waveform import Waveform
from training.utterance import Phone

RATE_HZ = 16_000


def tone(*levels):
    times_s = np.arange(RATE_HZ // 2) / RATE_HZ
    wave = np.sin(2 * np.pi * 300 * times_s)
    samples = np.concatenate([level * wave for level in levels]).astype(np.float32)
    return Waveform(samples[:, np.newaxis], RATE_HZ)


def test_a_mouth_that_follows_loudness_opens_with_the_level_and_shuts_in_silence():
    aperture = loudness(tone(0.5, 0.1, 0.0)).curves["aperture"]
    assert aperture[25] > aperture[75] > 0.3
    assert aperture[125] == 0.0


def test_it_does_not_care_how_loud_the_recording_is():
    loud, quiet = loudness(tone(0.5, 0.1, 0.0)), loudness(tone(0.05, 0.01, 0.0))
    np.testing.assert_allclose(loud.curves["aperture"], quiet.curves["aperture"], atol=1e-3)


def test_digital_silence_opens_nothing():
    assert loudness(tone(0.0)).curves["aperture"].max() == 0.0


def test_phones_become_curves_that_shut_on_m_and_speak_through_short_gaps():
    phones = (
        Phone("ɑ", 0.0, 0.3),
        Phone("m", 0.3, 0.4),
        Phone("sil", 0.4, 0.48),
        Phone("ɑ", 0.48, 1.0),
    )
    answer = of_phones(phones, tone(0.1, 0.1))
    assert answer.curves["closure"][35] == 1.0 and answer.curves["aperture"][35] == 0.0
    assert answer.curves["aperture"][70] > 0.5
    assert answer.curves["activity"].min() == 1.0
    assert answer.classes is not None
    assert PHONE_CLASSES[answer.classes[35]] == "m"


def test_a_recording_that_ends_amid_a_row_has_an_answer_of_live_voices_too():
    voice = tone(0.5, 0.1)
    cut = Waveform(voice.samples[: len(voice.samples) - 75], voice.rate_hz)
    answer = live(cut)
    assert answer.classes is not None
    assert len(answer.classes) == len(answer.curves.values)
