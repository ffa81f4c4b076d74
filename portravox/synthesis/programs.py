"""Programs on this machine that speak: espeak-ng and piper, with limits and without a shell.

Flow      SpeechRequest -> a program: text on its stdin, a WAV file in a folder of its own
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from portravox.errors import SettingOutOfRange, SpeechRefused, SpeechUnavailable
from portravox.synthesis.provider import MAX_BYTES, SpeechRequest
from portravox.synthesis.settings import ESPEAK_NAMES, SpeechSettings
from portravox.system import end_with_descendants, limit_program

CPU_S: Final = 60
MEMORY_MIB: Final = {"espeak-ng": 512, "piper": 2048}
OPEN_FILES: Final = 64
FILE_BYTES: Final = 128 * 2**20
"""What a program may take. espeak-ng speaks three minutes in half a second and reserves 64 MB as a
file, for a sound server that it does not use; voices of piper have 20 to 120 MB. Our choice."""

_PASSED_ON: Final = ("PATH", "HOME", "LD_LIBRARY_PATH", "ESPEAK_DATA_PATH")
"""Of the environment: nothing that is secret."""

_WAV_HEAD: Final = 44


@dataclass(frozen=True, slots=True)
class EspeakNg:
    """espeak-ng: a hundred languages, small and quick, and sounds like a machine."""

    settings: SpeechSettings

    def speak(self, speech: SpeechRequest, target: Path) -> None:
        """As `SpeechProvider.speak`."""
        program = _found("espeak-ng")
        voice = ESPEAK_NAMES.get(speech.voice.lower(), speech.voice)
        command = [program, "-b", "1", "-v", voice, "--stdin", "-w"]
        _run(self.settings, command, speech, target)


@dataclass(frozen=True, slots=True)
class Piper:
    """piper: neural voices in files, on the processor."""

    settings: SpeechSettings

    def speak(self, speech: SpeechRequest, target: Path) -> None:
        """As `SpeechProvider.speak`."""
        assert self.settings.models_dir is not None
        model = self.settings.models_dir.absolute() / f"{speech.voice}.onnx"
        if not model.is_file():
            raise SettingOutOfRange("voice_name", speech.voice, "a voice of piper's that is here")
        # The options that its first and its present edition both have.
        command = [_found("piper"), "--model", str(model), "--output_file"]
        _run(self.settings, command, speech, target)


def _found(name: str) -> str:
    program = shutil.which(name)
    if program is None:
        raise SpeechUnavailable(f"the program {name} is not installed")
    return program


def _run(
    settings: SpeechSettings, command: Sequence[str], speech: SpeechRequest, target: Path
) -> None:
    """Run a program that writes the file named last. Raises SpeechRefused, SpeechUnavailable."""
    name = settings.provider
    with tempfile.TemporaryDirectory(prefix="portravox-speech-", dir=target.parent) as folder:
        made = Path(folder).absolute() / "speech.wav"  # the program is in that folder
        environment = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
        try:
            process = subprocess.Popen(
                [*command, str(made)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env={**environment, "LANG": "C.UTF-8"},
                start_new_session=True,  # what it starts ends along with it
            )
        except OSError as error:
            raise SpeechUnavailable(f"{name} does not start: {error}") from error
        try:
            limit_program(  # before it has read anything
                process.pid,
                cpu_s=CPU_S,
                memory_bytes=MEMORY_MIB[name] * 2**20,
                file_bytes=FILE_BYTES,
                open_files=OPEN_FILES,
            )
            process.communicate(f"{speech.text}\n".encode(), timeout=settings.time_s)
        except subprocess.TimeoutExpired as error:
            raise SpeechUnavailable(f"{name} takes longer than {settings.time_s:g} s") from error
        finally:
            end_with_descendants(process)
        if process.returncode < 0:
            raise SpeechUnavailable(f"{name} was ended by signal {-process.returncode}")
        if process.returncode or not made.is_file() or made.stat().st_size <= _WAV_HEAD:
            raise SpeechRefused(
                f"{name} speaks nothing: it may not know the voice {speech.voice!r}"
                f" (status {process.returncode})"
            )
        if made.stat().st_size > MAX_BYTES:
            raise SpeechRefused(f"the recording has more than {MAX_BYTES} bytes: the text is long")
        made.rename(target)
