"""Programs that speak: real espeak-ng; piper as a program that writes what it was told."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from portravox.articulation.acoustic_model import infer
from portravox.articulation.alignment import FITS, align
from portravox.articulation.transcript import read_transcript
from portravox.errors import SettingOutOfRange, SpeechRefused, SpeechUnavailable
from portravox.media.voice_file import read_voice
from portravox.speech.features import speech_features
from portravox.synthesis.opened import open_provider
from portravox.synthesis.provider import speech_request
from portravox.synthesis.settings import SpeechSettings

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")

ESPEAK = SpeechSettings(provider="espeak-ng")


def spoken(settings: SpeechSettings, text: str, target: Path, voice: str | None = None) -> None:
    speech = speech_request(settings, text, voice=voice, language=None)
    open_provider(settings).speak(speech, target)


@needs_espeak
@pytest.mark.parametrize(
    "text", ["Maybe Bob and Pam bought maps.", "妈妈爸爸买了八本书，我们都不怕冒泡。"]
)
def test_what_is_heard_is_the_text(tmp_path: Path, text: str) -> None:
    """In Chinese, too, which the voice called Mandarin reads as English spells pinyin."""
    spoken(ESPEAK, text, tmp_path / "audio")
    heard = infer(speech_features(read_voice(tmp_path / "audio")).log_mel)
    alignment = align(heard.classes, read_transcript(text).words)
    assert alignment is not None and alignment.fit > FITS


@needs_espeak
def test_a_text_is_no_command_and_no_option(tmp_path: Path) -> None:
    text = f"; touch {tmp_path}/made\n--help $(touch {tmp_path}/made) \0 <b>hi</b>"
    spoken(ESPEAK, text, tmp_path / "audio")
    assert [path.name for path in tmp_path.iterdir()] == ["audio"]


@needs_espeak
def test_a_voice_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpeechRefused, match="nobody"):
        spoken(ESPEAK, "Hello", tmp_path / "audio", voice="nobody")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("voice", ["-h", "../en", "/etc/passwd", "", "a" * 65, "a\nb"])
def test_a_voice_is_a_name(voice: str) -> None:
    with pytest.raises(SettingOutOfRange, match="voice_name"):
        speech_request(ESPEAK, "Hello", voice=voice, language=None)


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, script: str) -> None:
    """Put a program in front of all others."""
    folder.mkdir()
    made = folder / name
    made.write_text(f"#!{sys.executable}\nimport os, sys, time\n{script}\n")
    made.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("PORTRAVOX_SPEECH_KEY", "secret")


def piper(folder: Path, *, time_s: float = 20.0) -> SpeechSettings:
    folder.mkdir(exist_ok=True)
    (folder / "en_US-lessac-medium.onnx").write_bytes(b"")
    return SpeechSettings(
        provider="piper", voice="en_US-lessac-medium", models_dir=folder, time_s=time_s
    )


def test_piper_gets_a_model_a_line_and_nothing_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told.json"
    script = (
        "import json\n"
        f"json.dump([sys.argv[1:], sys.stdin.read(), dict(os.environ)], open('{told}', 'w'))\n"
        "open(sys.argv[-1], 'wb').write(b'RIFF' + b'.' * 100)"
    )
    program(tmp_path / "bin", monkeypatch, "piper", script)
    spoken(piper(tmp_path / "voices"), "One\ntwo.", tmp_path / "audio")
    assert (tmp_path / "audio").read_bytes().startswith(b"RIFF")
    arguments, text, environment = json.loads(told.read_text())
    assert arguments[:2] == ["--model", f"{tmp_path}/voices/en_US-lessac-medium.onnx"]
    assert arguments[2] == "--output_file"
    assert text == "One two.\n"
    assert not [name for name in environment if name.startswith("PORTRAVOX")]


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("time.sleep(60)", SpeechUnavailable),
        ("sys.exit(3)", SpeechRefused),
        ("os.kill(os.getpid(), 11)", SpeechUnavailable),
        ("open(sys.argv[-1], 'wb').write(b'x' * 16 * 2**20)", SpeechRefused),
        ("f = open(sys.argv[-1], 'wb')\nwhile True: f.write(b'x' * 2**24)", SpeechRefused),
    ],
    ids=["slow", "refuses", "dies", "too large", "endless"],
)
def test_a_program_that_does_not_speak_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, error: type[Exception]
) -> None:
    program(tmp_path / "bin", monkeypatch, "piper", script)
    settings = piper(tmp_path / "voices", time_s=0.5 if "sleep" in script else 20.0)
    with pytest.raises(error):
        spoken(settings, "Hello", tmp_path / "audio")
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "voices"}
