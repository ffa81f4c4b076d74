import numpy as np
import pytest

from portravox.engines.live_sound import MOST_UTTERANCES, MOST_WAITING_S, LiveSound
from portravox.errors import SessionFull

RATE = 16_000


def _ones(length_s):
    return np.ones(round(length_s * RATE), np.float32)


def test_speech_is_laid_where_the_silence_ends_and_as_long_as_it_is():
    sound = LiveSound(RATE, 25)
    sound.lay(1000, 2000)
    sound.push(_ones(0.1), RATE)
    sound.flush()
    sound.lay(1500, 5000)
    assert np.array_equal(sound.part(0, 2600), np.repeat([0.0, 1.0], [1000, 1600]))
    assert [(u.start, u.end) for u in sound.utterances] == [(1000, 2600)]


def test_less_than_a_cushion_waits_for_more_or_a_while():
    sound = LiveSound(RATE, 25)
    sound.push(_ones(0.01), RATE)
    for index in range(1, 4):
        sound.lay(index * 640, index * 640)
        assert not sound.part(0, sound.laid).any()
    sound.lay(4 * 640, 5 * 640)
    assert sound.part(0, sound.laid).sum() == 160


def test_speech_that_comes_late_leaves_a_gap_that_is_counted():
    sound = LiveSound(RATE, 25)
    sound.push(_ones(0.05), RATE)
    sound.lay(800, 2400)
    sound.lay(2400, 2400)
    sound.push(_ones(0.05), RATE)
    sound.flush()
    sound.lay(3200, 4800)
    assert sound.gaps == 1
    assert sound.utterances[0].gap == 2400 - 2080
    assert (sound.utterances[0].start, sound.utterances[0].end) == (1280, 3200)


def test_a_voice_that_comes_as_it_is_spoken_begins_so_late_that_it_does_not_break_off():
    sound = LiveSound(RATE, 25)
    for index in range(20):
        if index % 2 == 0:
            sound.push(_ones(0.08), RATE)
        sound.lay(2560 + index * 640, 9600 + index * 640)
    assert sound.gaps == 0
    assert sound.utterances[0].start == 2560 + 640 + 640 - 1280
    assert sound.part(2560, sound.laid).all()


def test_what_is_cleared_dies_away_within_12_ms():
    sound = LiveSound(RATE, 25)
    sound.push(_ones(1.0), RATE)
    sound.lay(3200, 3200)
    sound.clear(1000, 1280)
    assert sound.laid == 1280
    tail = sound.part(1000, 1280)
    assert np.all(np.diff(tail) <= 0.0)
    assert not tail[192:].any()
    assert sound.waiting == 0
    sound.lay(3200, 3200)
    assert not sound.part(1280, 3200).any()


def test_no_more_waits_than_may():
    sound = LiveSound(RATE, 25)
    sound.push(_ones(MOST_WAITING_S - 1), RATE)
    with pytest.raises(SessionFull):
        sound.push(_ones(2.0), RATE)
    assert sound.waiting == (MOST_WAITING_S - 1) * RATE
    sound.clear(0, 0)
    with pytest.raises(SessionFull):
        for _ in range(MOST_UTTERANCES + 1):
            sound.push(_ones(0.001), RATE)
            sound.flush()


def test_ends_without_a_beginning_are_none():
    sound = LiveSound(RATE, 25)
    sound.flush()
    sound.flush()
    sound.lay(1600, 1600)
    assert not sound.utterances
    sound.push(_ones(0.05), RATE)
    sound.flush()
    sound.flush()
    sound.lay(3200, 3200)
    assert len(sound.utterances) == 1


def test_another_rate_goes_on_where_the_first_stopped():
    sound = LiveSound(RATE, 25)
    sound.push(_ones(0.1), RATE)
    sound.push(np.ones(4_410, np.float32), 44_100)
    sound.flush()
    sound.lay(4000, 4000)
    assert sound.utterances[0].end == 3200
