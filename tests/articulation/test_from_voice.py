import numpy as np
import pytest
import soxr

from portravox.articulation.curves import CHANNELS
from portravox.articulation.from_voice import articulate
from portravox.media.voice_file import read_voice
from portravox.media.waveform import Waveform

SHARES = [c for c in CHANNELS if c not in ("loudness", "pitch")]


@pytest.fixture(scope="module")
def papapa_curves(papapa, mono):
    return articulate(mono(papapa.samples))


def test_silence_moves_nothing(mono):
    curves = articulate(mono(np.zeros(16_000)))
    assert not any(curves[channel].any() for channel in SHARES)
    assert not curves["pitch"].any()
    assert np.all(curves["loudness"] == -40.0)


def test_white_noise_moves_nothing(mono):
    curves = articulate(mono(np.random.default_rng(8).normal(0.0, 0.1, 48_000)))
    assert not any(curves[channel].any() for channel in SHARES)


def test_lips_touch_before_each_release_and_part_after_it(papapa, papapa_curves):
    aperture, closure = papapa_curves["aperture"], papapa_curves["closure"]
    for release_s in papapa.releases_s:
        release = round(100 * release_s)
        assert np.all(closure[release - 5 : release - 1] == 1.0)
        assert np.all(aperture[release - 5 : release - 1] == 0.0)
        assert aperture[release + 10] > 0.6


def test_shut_lips_are_never_open(papapa_curves):
    assert np.all(papapa_curves["aperture"][papapa_curves["closure"] == 1.0] == 0.0)


def test_the_mouth_rests_before_and_after(papapa, papapa_curves):
    aperture = papapa_curves["aperture"]
    assert not aperture[:35].any()
    assert not aperture[-28:].any()
    assert papapa_curves["activity"][:40].max() == 0.0


def test_a_held_vowel_stays_open(vowel, mono):
    pause = np.zeros(8_000)
    curves = articulate(mono(np.concatenate([pause, vowel("a", 3.0), pause])))
    assert curves["aperture"][70:330].min() > 0.7
    assert np.ptp(curves["aperture"][70:330]) < 0.05


@pytest.mark.parametrize("gain_db", [-40.0, -30.0, 10.0])
def test_a_quiet_copy_moves_the_mouth_alike(papapa, papapa_curves, mono, gain_db):
    curves = articulate(mono(10.0 ** (gain_db / 20.0) * papapa.samples))
    assert np.allclose(curves.values, papapa_curves.values, atol=0.02)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_rate_changes_little(papapa, papapa_curves, mono, rate_hz):
    samples = soxr.resample(papapa.samples, 16_000, rate_hz)
    curves = articulate(mono(samples, rate_hz))
    rows = min(len(curves.values), len(papapa_curves.values))
    assert abs(len(curves.values) - len(papapa_curves.values)) <= 1
    for channel in ("aperture", "jaw", "closure"):
        difference = np.abs(curves[channel][:rows] - papapa_curves[channel][:rows])
        assert difference.mean() < 0.05, channel


def test_two_equal_channels_are_one(papapa, papapa_curves):
    both = np.stack([papapa.samples, papapa.samples], axis=1).astype(np.float32)
    assert np.allclose(articulate(Waveform(both, 16_000)).values, papapa_curves.values, atol=1e-4)


def test_the_same_voice_gives_the_same_curves(papapa, papapa_curves, mono):
    assert np.array_equal(articulate(mono(papapa.samples)).values, papapa_curves.values)


@pytest.mark.parametrize("count", [0, 1, 159, 160, 161, 16_001])
def test_curves_end_with_the_sound(mono, count):
    curves = articulate(mono(np.random.default_rng(1).normal(0.0, 0.1, count)))
    assert len(curves.values) == -(-count // 160)
    assert curves.duration_s == count / 16_000
    assert np.isfinite(curves.values).all()


def test_pitch_is_in_semitones_against_the_median(vowel, mono):
    low, high = vowel("a", 0.6, 100.0), vowel("a", 0.4, 200.0)
    pause = np.zeros(4_000)
    curves = articulate(mono(np.concatenate([pause, low, pause, high, pause])))
    assert np.allclose(curves["pitch"][35:75], 0.0, atol=0.5)
    assert np.allclose(curves["pitch"][120:140], 12.0, atol=0.5)
    assert not curves["pitch"][:20].any()


def test_every_sample_voice_gives_sensible_curves(samples_folder):
    checked = 0
    for path in sorted((samples_folder / "voices").iterdir()):
        if path.stat().st_size > 500_000 and path.suffix == ".mp3":
            continue  # minutes of speech: the shorter ones say as much
        curves = articulate(read_voice(path))
        assert np.isfinite(curves.values).all(), path.name
        for channel in SHARES:
            assert 0.0 <= curves[channel].min() <= curves[channel].max() <= 1.0, path.name
        active = curves["activity"] > 0.5
        assert active.mean() > 0.35, path.name
        assert 0.5 < np.percentile(curves["aperture"][active], 90.0) < 0.95, path.name
        resting = curves["aperture"][curves["activity"] < 0.05]
        assert resting.mean() < 0.05 if len(resting) else active.all(), path.name
        checked += 1
    assert checked >= 15


def test_noise_without_voice_keeps_the_mouth_shut(samples_folder):
    curves = articulate(read_voice(samples_folder / "bad_audio" / "noise_no_voice.wav"))
    assert not curves["activity"].any()
    assert not curves["aperture"].any()
