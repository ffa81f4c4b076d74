import numpy as np
import pytest
import soxr

from portravox.media.waveform import Waveform
from portravox.speech.resample import (
    SPEECH_RATE_HZ,
    framed,
    row_count,
    spans,
    speech_pieces,
    speech_samples,
)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_length_is_kept_at_every_rate(rate_hz):
    voice = Waveform(np.zeros((int(1.2345 * rate_hz), 1), dtype=np.float32), rate_hz)
    assert abs(len(speech_samples(voice)) / SPEECH_RATE_HZ - voice.duration_s) < 1e-4


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000])
def test_a_click_stays_where_it_was(rate_hz):
    samples = np.zeros((rate_hz, 1), dtype=np.float32)
    samples[rate_hz // 4] = 1.0
    resampled = speech_samples(Waveform(samples, rate_hz))
    assert abs(np.abs(resampled).argmax() / SPEECH_RATE_HZ - 0.25) < 0.0005


def test_channels_that_cancel_out_are_still_heard():
    left = np.sin(np.arange(16_000, dtype=np.float32) * 0.1)
    resampled = speech_samples(Waveform(np.stack([left, -left], axis=1), 16_000))
    assert np.allclose(np.abs(resampled), np.abs(left), atol=1e-6)


def test_rows_cover_the_recording_to_its_end():
    rows = {n: row_count(Waveform(np.zeros((n, 1), np.float32), 44_100)) for n in (0, 1, 441, 442)}
    assert rows == {0: 0, 1: 1, 441: 1, 442: 2}


def test_a_frame_is_centred_on_its_row():
    samples = np.arange(1, 1_601, dtype=np.float32)
    (span,) = spans([samples], 10, 10, 400)
    frames = framed(span, 400, 400)
    assert np.array_equal(frames[5, 120:280], samples[800:960])
    assert not frames[0, :120].any()
    assert not frames[9, 280:].any()


def test_spans_show_the_same_whatever_their_length_and_that_of_the_pieces():
    samples = np.arange(1.0, 160 * 23 + 38, dtype=np.float32)
    (whole,) = spans([samples], 24, 24, 240)
    together = framed(whole, 640, 240)
    pieces = [samples[at : at + 111] for at in range(0, len(samples), 111)]
    parts = [framed(span, 640, 240) for span in spans(pieces, 24, 7, 240)]
    assert [len(part) for part in parts] == [7, 7, 7, 3]
    assert np.array_equal(np.concatenate(parts), together)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_pieces_are_the_recording(rate_hz):
    sound = np.random.default_rng(0).normal(0.0, 0.1, (5 * rate_hz, 2)).astype(np.float32)
    pieces = list(speech_pieces(Waveform(sound, rate_hz)))
    assert len(pieces) > 1
    whole = soxr.resample(sound.mean(axis=1, dtype=np.float32), rate_hz, 16_000, quality="HQ")
    assert np.array_equal(np.concatenate(pieces), whole)
