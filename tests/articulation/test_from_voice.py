"""What a recording does to the mouth, by our trained network."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soxr

import portravox
from portravox.articulation.curves import CHANNELS
from portravox.articulation.from_voice import DOES_NOT_FIT, articulate
from portravox.articulation.transcript import Transcript, read_transcript
from portravox.media.voice_file import read_voice
from portravox.media.waveform import Waveform

SHARES = [c for c in CHANNELS if c not in ("loudness", "pitch")]
DEMO = Path(portravox.__file__).parent / "demo" / "voice.wav"
SAID = (
    "Hello! I am a photograph. Give me your voice, and I will say whatever you please, from a poem"
    " to the evening news."
)
BILABIALS = 6
"""am, me, please, from, poem."""


@pytest.fixture(scope="module")
def voice():
    return read_voice(DEMO)


@pytest.fixture(scope="module")
def curves(voice):
    return articulate(voice)


def segment_count(mask):
    """How often it becomes true."""
    return int(np.sum(np.diff(mask.astype(int), prepend=0) == 1))


def test_silence_moves_nothing(mono):
    curves = articulate(mono(np.zeros(16_000)))
    assert not any(curves[channel].any() for channel in SHARES)
    assert not curves["pitch"].any()
    assert np.all(curves["loudness"] == -40.0)


def test_white_noise_moves_nothing(mono):
    curves = articulate(mono(np.random.default_rng(8).normal(0.0, 0.1, 48_000)))
    assert not any(curves[channel].any() for channel in SHARES)


@pytest.mark.parametrize("band_hz", [(400.0, 5000.0), (700.0, 3500.0)])
def test_breath_alone_moves_nothing(mono, band_hz):
    """A second of breath each 2.5 s; lips were apart in an eighth of the time (decision 85)."""
    samples = np.random.default_rng(9).normal(0.0, 1.0, 10 * 16_000)
    spectrum = np.fft.rfft(samples)
    frequency_hz = np.fft.rfftfreq(len(samples), 1.0 / 16_000)
    spectrum[(frequency_hz < band_hz[0]) | (frequency_hz > band_hz[1])] = 0.0
    phase = np.clip(np.arange(len(samples)) / 16_000 % 2.5 - 0.7, 0.0, 1.0)
    breath = 0.05 * np.sin(np.pi * phase) ** 2 * np.fft.irfft(spectrum, len(samples))
    curves = articulate(mono(breath))
    assert np.mean(curves["aperture"] > 0.05) <= 0.02


def test_the_lips_touch_about_as_often_as_the_text_has_p_b_m(curves):
    assert BILABIALS - 3 <= segment_count(curves["closure"] == 1.0) <= BILABIALS + 4


def test_shut_lips_are_never_open(curves):
    shut = curves["closure"] == 1.0
    assert shut.any()
    assert not curves["aperture"][shut].any()
    assert not (curves["labiodental"][shut] > 0.0).any()


def test_every_contact_is_long_enough_to_be_seen(curves):
    edges = np.flatnonzero(np.diff((curves["closure"] == 1.0).astype(int)))
    assert np.all(np.diff(edges)[::2] >= 6)


def test_the_mouth_is_used_between_rest_and_a_loud_vowel(curves):
    active = curves["activity"] > 0.5
    assert 0.65 <= np.percentile(curves["aperture"][active], 90.0) <= 0.85
    assert 0.2 <= np.median(curves["aperture"][active]) <= 0.6


def test_no_opening_takes_less_than_80_ms_and_no_closing_less_than_60(curves):
    steps = np.diff(curves["aperture"])
    assert steps.max() <= 1 / 8 + 1e-5
    assert steps.min() >= -1 / 6 - 1e-5


def test_the_mouth_rests_before_and_after(voice, mono):
    pause = np.zeros(voice.rate_hz)
    curves = articulate(mono(np.concatenate([pause, voice.mono(), pause]), voice.rate_hz))
    assert not curves["aperture"][:90].any()
    assert not curves["aperture"][-50:].any()
    assert not curves["activity"][:90].any()


@pytest.mark.parametrize("gain_db", [-50.0, -30.0, 10.0])
def test_a_quiet_copy_moves_the_mouth_alike(voice, curves, mono, gain_db):
    copy = articulate(mono(10.0 ** (gain_db / 20.0) * voice.mono(), voice.rate_hz))
    assert np.mean(np.abs(copy["aperture"] - curves["aperture"])) < 0.01


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 48_000])
def test_rate_changes_little(voice, curves, mono, rate_hz):
    copy = articulate(mono(soxr.resample(voice.mono(), voice.rate_hz, rate_hz), rate_hz))
    rows = min(len(copy.values), len(curves.values))
    assert abs(len(copy.values) - len(curves.values)) <= 1
    likeness = np.corrcoef(copy["aperture"][:rows], curves["aperture"][:rows])[0, 1]
    assert likeness > (0.99 if rate_hz > 16_000 else 0.85)


def test_two_equal_channels_are_one(voice, curves):
    both = np.repeat(voice.samples, 2, axis=1)
    assert np.allclose(articulate(Waveform(both, voice.rate_hz)).values, curves.values, atol=1e-4)


def test_the_same_voice_gives_the_same_curves(voice, curves):
    assert np.array_equal(articulate(voice).values, curves.values)


@pytest.mark.parametrize("count", [0, 1, 159, 160, 161, 16_001])
def test_curves_end_with_the_sound(mono, count):
    curves = articulate(mono(np.random.default_rng(1).normal(0.0, 0.1, count)))
    assert len(curves.values) == -(-count // 160)
    assert curves.duration_s == count / 16_000
    assert np.isfinite(curves.values).all()


def test_pitch_is_in_semitones_against_the_median(voice, mono):
    # the same recording played faster is higher: by 4 semitones
    faster = soxr.resample(voice.mono(), 2.0 ** (4 / 12), 1.0)
    curves = articulate(mono(np.concatenate([voice.mono(), faster]), voice.rate_hz))
    change = len(voice.mono()) * 100 // voice.rate_hz
    low, high = curves["pitch"][:change], curves["pitch"][change:]
    assert np.median(high[high != 0.0]) - np.median(low[low != 0.0]) == pytest.approx(4.0, abs=0.7)
    assert abs(np.median(curves["pitch"][curves["pitch"] != 0.0])) < 0.1


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_a_transcript_shuts_the_lips_once_for_each_p_b_m(voice):
    curves = articulate(voice, read_transcript(SAID, "en-us"))
    assert not curves.notices
    assert segment_count(curves["closure"] == 1.0) == BILABIALS
    assert segment_count(curves["labiodental"] > 0.9) >= 4


def test_a_transcript_of_something_else_changes_nothing_but_the_notice(voice, curves):
    other = Transcript(
        "other", None, (("m", "u", "b", "er"), ("v", "oe", "zh"), ("p", "y", "g")) * 12
    )
    heedless = articulate(voice, other)
    assert heedless.notices == (DOES_NOT_FIT,)
    assert np.array_equal(heedless.values, curves.values)


def test_every_sample_voice_gives_sensible_curves(samples):
    checked = 0
    for path in sorted((samples / "voices").iterdir()):
        if path.stat().st_size > 500_000 and path.suffix == ".mp3":
            continue  # minutes of speech: the shorter ones say as much
        curves = articulate(read_voice(path))
        assert np.isfinite(curves.values).all(), path.name
        for channel in SHARES:
            assert 0.0 <= curves[channel].min() <= curves[channel].max() <= 1.0, path.name
        active = curves["activity"] > 0.5
        assert active.mean() > 0.25, path.name
        assert 0.5 < np.percentile(curves["aperture"][active], 90.0) < 0.95, path.name
        resting = curves["aperture"][curves["activity"] < 0.05]
        assert resting.mean() < 0.05 if len(resting) else active.all(), path.name
        checked += 1
    assert checked >= 15


def test_noise_without_voice_keeps_the_mouth_shut(samples):
    curves = articulate(read_voice(samples / "bad_audio" / "noise_no_voice.wav"))
    assert not curves["activity"].any()
    assert not curves["aperture"].any()
