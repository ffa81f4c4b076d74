"""Every word of a text is there, with its marks, at the time at which it is said."""

from __future__ import annotations

import re
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from portravox.articulation.transcript import read_words
from portravox.captions.words import timed_words, written_words
from portravox.demo import VOICE
from portravox.media.voice_file import read_voice
from portravox.media.waveform import Waveform
from portravox.options import SpokenText
from portravox.synthesis.opened import open_provider
from portravox.synthesis.provider import speech_request
from portravox.synthesis.settings import SpeechSettings

needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="needs the program espeak-ng"
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, world!", ["Hello,", "world!"]),
        ("“Really?” he said — twice.", ["“Really?”", "he", "said —", "twice."]),
        ("¿Qué? (Nada.)", ["¿Qué?", "(Nada.)"]),
        ("早上好，世界！", ["早", "上", "好，", "世", "界！"]),
        ("他说“你好”。", ["他", "说“", "你", "好”。"]),
        ("Python 3.11 很好。", ["Python", "3.11", "很", "好。"]),
        ("- One\n- two", ["- One -", "two"]),
        ("don’t stop", ["don’t", "stop"]),
    ],
)
def test_a_text_is_taken_apart_and_nothing_is_lost(text: str, words: list[str]) -> None:
    found = [word.text for word in written_words(text)]
    assert [word.replace(" ", "") for word in found] == [word.replace(" ", "") for word in words]
    assert re.sub(r"\s", "", "".join(found)) == re.sub(r"\s", "", text)


@needs_espeak
def test_words_are_read_one_by_one_whatever_stands_around_them() -> None:
    words = ["“Really?”", "e.g.", "10", "the", "—", "a.b.c", "你", "好"]
    readings = read_words(words)
    assert len(readings) == len(words)
    assert all(any(reading) for word, reading in zip(words, readings, strict=True) if word != "—")
    assert readings[0] == read_words(["really"])[0]


@needs_espeak
@pytest.mark.parametrize(
    ("text", "pause_after"),
    [("Good morning. My name is Pam.", "morning."), ("早上好。我们去散步吧。", "好。")],
)
def test_a_pause_lies_where_the_sentence_ends(tmp_path: Path, text: str, pause_after: str) -> None:
    settings = SpeechSettings(provider="espeak-ng")
    speech = speech_request(settings, text, voice=None, language=None)
    open_provider(settings).speak(speech, tmp_path / "audio")
    voice = read_voice(tmp_path / "audio")
    words, heard = timed_words(voice, SpokenText(text, None))
    assert heard
    starts = [word.start_s for word in words]
    assert starts == sorted(starts) and words[-1].end_s <= voice.duration_s
    assert all(word.end_s >= word.start_s for word in words)
    pauses = [after.start_s - word.end_s for word, after in pairwise(words)]
    longest = words[int(np.argmax(pauses))]
    assert longest.text == pause_after


def test_words_that_are_not_said_are_spread_over_what_is() -> None:
    voice = read_voice(VOICE)
    said = SpokenText("Quite another text, which nobody has said in there.", None)
    words, heard = timed_words(voice, said)
    assert not heard
    assert words[0].start_s < 1.0 and 0.7 * voice.duration_s < words[-1].end_s <= voice.duration_s
    assert all(a.end_s == b.start_s for a, b in pairwise(words))


def test_in_silence_words_have_times_too() -> None:
    silence = Waveform(np.zeros((16_000, 1), np.float32), 16_000)
    words, heard = timed_words(silence, SpokenText("Nothing at all", None))
    assert not heard and len(words) == 3
