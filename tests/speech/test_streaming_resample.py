import numpy as np
import pytest

from portravox.speech.streaming_resample import StreamingResampler


def _tone(frequency_hz, rate_hz, length_s=0.5):
    return np.sin(2 * np.pi * frequency_hz * np.arange(round(length_s * rate_hz)) / rate_hz).astype(
        np.float32
    )


def _resampled(samples, from_hz, to_hz, piece):
    resampler = StreamingResampler(from_hz, to_hz)
    parts = [resampler.push(samples[at : at + piece]) for at in range(0, len(samples), piece)]
    return np.concatenate([*parts, resampler.finish()])


RATES = [(8_000, 48_000), (22_050, 48_000), (44_100, 48_000), (48_000, 16_000), (192_000, 44_100)]


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_a_tone_keeps_its_moment_pitch_and_level(from_hz, to_hz):
    made = _resampled(_tone(440.0, from_hz), from_hz, to_hz, from_hz)
    wanted = _tone(440.0, to_hz)
    assert len(made) == len(wanted)
    inner = slice(to_hz // 50, -to_hz // 50)
    assert np.abs(made - wanted)[inner].max() < 2e-3


@pytest.mark.parametrize(("from_hz", "to_hz"), [*RATES, (44_101, 48_000), (16_000, 16_000)])
@pytest.mark.parametrize("piece", [1, 37, 4096])
def test_pieces_give_the_same_numbers_as_the_whole(from_hz, to_hz, piece):
    samples = np.random.default_rng(0).standard_normal(1500).astype(np.float32)
    whole = _resampled(samples, from_hz, to_hz, len(samples))
    assert np.array_equal(_resampled(samples, from_hz, to_hz, piece), whole)
    assert abs(len(whole) - len(samples) * to_hz / from_hz) <= 0.5


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_no_more_than_two_milliseconds_are_held_back(from_hz, to_hz):
    resampler = StreamingResampler(from_hz, to_hz)
    given = len(resampler.push(np.zeros(from_hz // 10, np.float32)))
    assert 0.1 - given / to_hz <= 0.0025


def test_what_the_lower_rate_cannot_hold_is_left_out():
    made = _resampled(_tone(11_000.0, 48_000), 48_000, 16_000, 4800)
    assert np.abs(made[200:-200]).max() < 2e-3


def test_a_minute_in_pieces_is_a_minute():
    resampler = StreamingResampler(44_100, 16_000)
    second = np.zeros(44_100, np.float32)
    given = sum(len(resampler.push(second)) for _ in range(60))
    given += len(resampler.finish())
    assert given == 60 * 16_000
    assert len(resampler._samples) < 400
