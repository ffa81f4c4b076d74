"""Recordings of people become examples only where their sounds can be laid on them."""

import numpy as np

from portravox.articulation.phones import PHONE_CLASSES
from training import real_speech
from training.mandarin import MandarinTake
from training.utterance import SYLLABLES, Phone


def test_the_breath_of_an_aspirated_stop_is_a_sound_of_its_own() -> None:
    assert real_speech.sounds_of((("p", "i"),)) == ("p", "h", "i")
    assert real_speech.sounds_of((("b", "i"),)) == ("p", "i")


def test_a_sound_may_be_what_the_network_takes_it_for() -> None:
    said = np.zeros((2, len(PHONE_CLASSES)), dtype=np.float32)
    said[0, PHONE_CLASSES.index("i")] = 0.9
    said[1, PHONE_CLASSES.index("t")] = 0.8
    heard = real_speech._as_heard(said)
    assert heard[0, PHONE_CLASSES.index("y")] == said[0, PHONE_CLASSES.index("i")]
    assert heard[1, PHONE_CLASSES.index("p")] == said[1, PHONE_CLASSES.index("t")]
    assert heard[0, PHONE_CLASSES.index("i")] == said[0, PHONE_CLASSES.index("i")]
    assert heard.max() <= 1.0
    assert said[0, PHONE_CLASSES.index("y")] == 0.0, "what was given stays as it was"


def test_a_stop_that_begins_a_recording_ends_with_its_burst() -> None:
    phones = [Phone("sil", 0.0, 0.3), Phone("p", 0.3, 0.32), Phone("a", 0.32, 0.8)]
    level_db = np.full(80, -90.0, dtype=np.float32)
    level_db[40:] = -20.0
    silence, stop, vowel = real_speech._from_the_burst(phones, level_db)
    assert stop.end_s == vowel.start_s
    assert abs(stop.end_s - 0.41) < 1e-9
    assert abs(stop.end_s - stop.start_s - real_speech.CLOSED_BEFORE_S) < 1e-9
    assert (silence.start_s, silence.end_s, vowel.end_s) == (0.0, stop.start_s, 0.8)


def test_a_stop_with_nothing_after_it_stays_where_it_was() -> None:
    phones = [Phone("sil", 0.0, 0.3), Phone("p", 0.3, 0.4)]
    assert real_speech._from_the_burst(phones, np.zeros(40, dtype=np.float32)) == phones


def test_what_is_held_out_is_never_taken(tmp_path) -> None:
    names = [f"ba{n}" for n in range(200)]
    takes = [MandarinTake(name, SYLLABLES, (("b", "a"),), b"no sound") for name in names]
    held_out = [take for take in takes if take.held_out]
    assert held_out
    found = real_speech.utterances(iter(held_out), SYLLABLES, tmp_path / "no network")
    assert list(found) == []


def test_each_recording_comes_again_as_another_would_speak_it(tmp_path, monkeypatch) -> None:
    tone = np.sin(2.0 * np.pi * 400.0 * np.arange(12_000) / real_speech.RATE_HZ)
    phones = (Phone("p", 0.0, 0.2), Phone("a", 0.2, 0.7))
    monkeypatch.setattr(MandarinTake, "samples", lambda _: tone.astype(np.float32))
    monkeypatch.setattr(real_speech, "timed", lambda *_: phones)
    takes = [MandarinTake(f"ba{n}", SYLLABLES, (("b", "a"),), b"") for n in range(20)]
    learnt = [take for take in takes if not take.held_out]
    found = list(real_speech.utterances(iter(takes), SYLLABLES, tmp_path))
    assert len(found) == 2 * len(learnt)
    for same, other in zip(found[::2], found[1::2], strict=True):
        slower = len(other.samples) / len(same.samples)
        tempo = 1.0 / slower
        assert real_speech.OTHER_SPEAKER[0] <= tempo * 1.001
        assert tempo <= real_speech.OTHER_SPEAKER[1] * 1.001
        peak_hz = np.abs(np.fft.rfft(other.samples)).argmax() * 16_000 / len(other.samples)
        assert abs(peak_hz - 400.0 * tempo) < 3.0, "pitch and tempo change together"
        assert abs(other.phones[0].end_s - 0.2 * slower) < 1e-3
        assert abs(other.phones[-1].end_s - len(other.samples) / real_speech.RATE_HZ) < 1e-9
