import numpy as np
import pytest

from portravox.articulation.acoustic_model import infer
from portravox.articulation.streaming import (
    AHEAD_ROWS,
    HOP_ROWS,
    LOOK_AHEAD_S,
    StreamingAcoustic,
    infer_live,
)
from portravox.demo import VOICE
from portravox.media.voice_file import read_voice
from portravox.speech.log_mel import RunningLogMel, normalized_log_mel
from portravox.speech.mel import BANDS, mel_power
from portravox.speech.resample import SAMPLES_PER_ROW, SPEECH_RATE_HZ, speech_samples


def _voice(length_s: float, seed: int = 0) -> np.ndarray:
    """Something between speech and noise: syllables of a buzz, 4 a second."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(length_s * SPEECH_RATE_HZ)) / SPEECH_RATE_HZ
    buzz = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 30))
    swell = np.clip(np.sin(2 * np.pi * 4 * t), 0.05, 1.0)
    return (0.1 * swell * buzz + 0.001 * rng.standard_normal(len(t))).astype(np.float32)


@pytest.mark.parametrize("piece", [37, 160, 1024, 7001])
def test_pieces_give_the_same_numbers_as_the_whole(piece):
    samples = _voice(1.3137)
    whole = infer_live(samples)
    live = StreamingAcoustic()
    parts = [live.push(samples[at : at + piece]) for at in range(0, len(samples), piece)]
    parts.append(live.finish())
    for name in ("curves", "classes", "speech"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert np.array_equal(joined, getattr(whole, name))
    assert len(whole.curves) == 132


@pytest.mark.parametrize("count", [0, 1, 159, 161, 500, 3000])
def test_a_voice_of_any_length_has_a_row_each_begun_10_ms(count):
    assert len(infer_live(_voice(1.0)[:count]).curves) == -(-count // 160)


def test_no_row_waits_for_more_than_150_ms():
    assert LOOK_AHEAD_S <= 0.150
    samples = _voice(1.0)
    live, given = StreamingAcoustic(), 0
    for at in range(0, len(samples), 160):
        given += len(live.push(samples[at : at + 160]).curves)
        arrived_s = (at + 160) / SPEECH_RATE_HZ
        # the next row begins less than the look-ahead and a piece of 10 ms ago
        assert given / 100.0 > arrived_s - LOOK_AHEAD_S - 0.01


def test_what_comes_later_changes_nothing():
    samples = _voice(1.5)
    other = samples.copy()
    other[SPEECH_RATE_HZ:] = np.random.default_rng(1).standard_normal(8000).astype(np.float32)
    rows = 100 - HOP_ROWS - AHEAD_ROWS - 1
    a, b = infer_live(samples), infer_live(other)
    assert np.array_equal(a.curves[:rows], b.curves[:rows])


def test_running_statistics_come_near_the_clips_own_after_seconds():
    power = mel_power(_voice(8.0), 800)
    whole = normalized_log_mel(power)

    def apart(rows: int) -> float:
        running = RunningLogMel()
        running.hear(power[:rows])
        return float(np.abs(running.by_now(power[:rows]) - whole[:rows]).mean())

    assert apart(800) < 0.9 * apart(100)


def test_running_statistics_do_not_depend_on_pieces():
    power = mel_power(_voice(2.0), 200)
    whole, pieces = RunningLogMel(), RunningLogMel()
    whole.hear(power)
    for at in range(0, 200, 7):
        pieces.hear(power[at : at + 7])
        pieces.hear(np.zeros((0, BANDS), np.float32))
    assert np.array_equal(pieces.by_now(power), whole.by_now(power))


def test_a_soft_sound_before_a_loud_one_is_known_to_be_soft():
    """The first sound of a voice is its loudest so far; a moment later it is not."""
    power = np.full((30, BANDS), 1e-7, np.float32)
    power[20:] = 1e-4
    running = RunningLogMel()
    running.hear(power[:20])
    at_once = running.by_now(power[10:20])
    running.hear(power[20:])
    later = running.by_now(power)
    assert later[25].mean() - at_once.mean() < 1.0
    assert later[25].mean() - later[10].mean() > 3.0


def test_a_voice_begins_live_as_in_the_recording():
    samples = speech_samples(read_voice(VOICE))[6 * SPEECH_RATE_HZ : 8 * SPEECH_RATE_HZ]
    begun = int(np.flatnonzero(np.abs(samples) > 0.02)[0]) // SAMPLES_PER_ROW
    first_second = slice(begun, begun + 100)
    whole = infer(normalized_log_mel(mel_power(samples, len(samples) // SAMPLES_PER_ROW)))
    live = infer_live(samples)
    for channel, least in {"aperture": 0.82, "jaw": 0.9, "closure": 0.85}.items():
        r = np.corrcoef(live[channel][first_second], whole[channel][first_second])[0, 1]
        assert r >= least


def test_nothing_speaks_in_digital_silence():
    live = infer_live(np.zeros(2 * SPEECH_RATE_HZ, np.float32))
    assert live.speech.max() < 0.3
    assert infer(np.zeros((0, BANDS), np.float32)).curves.shape == (0, 7)
