"""Who speaks is chosen by who runs it; who asks chooses among what is offered."""

from __future__ import annotations

from pathlib import Path

import pytest

from portravox.errors import SettingOutOfRange, SpeechNotSetUp
from portravox.synthesis.provider import speech_request
from portravox.synthesis.settings import SpeechSettings, speech_of_environment


def test_the_environment_names_provider_key_and_voices(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-9\n")
    said = speech_of_environment(
        {
            "PORTRAVOX_SPEECH": "openai",
            "PORTRAVOX_SPEECH_URL": "http://127.0.0.1:8880/",
            "PORTRAVOX_SPEECH_KEY_FILE": str(tmp_path / "key"),
            "PORTRAVOX_SPEECH_VOICES": "af_heart, bf_emma",
        }
    )
    assert (said.base_url, said.key) == ("http://127.0.0.1:8880", "sk-9")
    assert said.default_voice("en") == "af_heart"
    assert "sk-9" not in repr(said)


def test_dashscope_takes_the_key_that_its_users_have() -> None:
    said = {"PORTRAVOX_SPEECH": "dashscope", "DASHSCOPE_API_KEY": "sk-3"}
    assert speech_of_environment(said).key == "sk-3"


def test_nothing_is_set_up_where_nothing_is_said_or_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SpeechNotSetUp) as told:
        speech_of_environment({})
    assert "apt-get install espeak-ng" in told.value.hint


@pytest.mark.parametrize(
    "wrong",
    [
        {"provider": "nobody"},
        {"provider": "openai"},
        {"provider": "openai", "url": "file:///etc/passwd"},
        {"provider": "openai", "url": "http://"},
        {"provider": "piper"},
        {"provider": "espeak-ng", "time_s": 0.0},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingOutOfRange):
        SpeechSettings(**wrong)  # type: ignore[arg-type]


def test_strangers_choose_among_the_voices_that_are_offered() -> None:
    one = SpeechSettings(provider="openai", url="http://h", voice="af_heart")
    two = SpeechSettings(provider="openai", url="http://h", voices=("a", "b"))
    any_voice = SpeechSettings(provider="openai", url="http://h", any_voice=True)
    assert [one.offers(name) for name in ("af_heart", "cloned")] == [True, False]
    assert [two.offers(name) for name in ("a", "b", "c")] == [True, True, False]
    assert any_voice.offers("cloned")
    with pytest.raises(SettingOutOfRange, match="voice_name"):
        speech_request(two, "Hello", voice="c", language=None)


@pytest.mark.parametrize("text", ["", "?!", "x" * 41, "\n \n"])
def test_a_text_has_words_and_no_more_than_may_be(text: str) -> None:
    with pytest.raises(SettingOutOfRange, match="text"):
        speech_request(
            SpeechSettings(provider="espeak-ng", max_characters=40), text, voice=None, language=None
        )


def test_a_voice_follows_the_script_of_the_text() -> None:
    espeak = SpeechSettings(provider="espeak-ng")
    for text, voice in (("Hello", "en-us"), ("你好", "cmn-latn-pinyin"), ("Привет", "ru")):
        assert speech_request(espeak, text, voice=None, language=None).voice == voice
    assert speech_request(espeak, "Hallo", voice=None, language="de").voice == "de"
