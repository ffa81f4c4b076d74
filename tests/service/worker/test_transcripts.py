"""A stranger's transcript is read apart, within limits, and nothing but phones comes of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import matplotlib
import pytest

from benchmarks.probe import read_frames
from portravox.articulation.phones import PHONE_CLASSES
from portravox.articulation.transcript import missing_readers, read_transcript, read_words
from portravox.captions.fonts import FontFile
from portravox.demo import VOICE, demo_portrait
from portravox.options import MAX_TRANSCRIPT_CHARACTERS
from portravox.service import problems
from portravox.service.worker import fonts, transcript_reader
from portravox.service.worker.fonts import copy_font
from portravox.service.worker.messages import (
    CAPTIONS_NAME,
    NO_FONT,
    VIDEO_NAME,
    RenderDone,
    RenderRequest,
)
from portravox.service.worker.process import RequestFailed, WorkerProcess
from portravox.service.worker.transcripts import write_words
from portravox.service.worker.words import WORDS_NAME, readings_in, words_in

needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="needs the program espeak-ng"
)


async def write(folder: Path, text: str | None, language: str | None = None, **more: Any) -> None:
    await write_words({"transcript": text, "language": language}, folder, **more)


def saying(line: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import sys; sys.stdin.read(); {line}")


@needs_espeak
@pytest.mark.parametrize(("text", "language"), [("Papa, give me the map.", None), ("Maman", "fr")])
async def test_the_words_are_those_that_are_read_at_home(
    tmp_path: Path, text: str, language: str | None
) -> None:
    await write(tmp_path, text, language)
    assert words_in(tmp_path, text, language) == read_transcript(text, language)


async def test_without_a_transcript_nothing_is_started_and_nothing_is_there(tmp_path: Path) -> None:
    await write(tmp_path, None, command=("/no/such/program",))
    assert list(tmp_path.iterdir()) == []
    assert words_in(tmp_path, None, None) is None


@needs_espeak
async def test_a_language_that_nobody_speaks_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(RequestFailed) as failed:
        await write(tmp_path, "words", "qqq")
    assert failed.value.problem == problems.out_of_definition("language")
    assert not failed.value.retry


@needs_espeak
async def test_the_longest_transcript_that_is_taken_is_read_in_time(tmp_path: Path) -> None:
    text = ("rhubarb " * MAX_TRANSCRIPT_CHARACTERS)[:MAX_TRANSCRIPT_CHARACTERS]
    began = time.monotonic()
    await write(tmp_path, text)
    assert time.monotonic() - began < 20.0
    transcript = words_in(tmp_path, text, None)
    assert transcript is not None
    assert len(transcript.words) == MAX_TRANSCRIPT_CHARACTERS // 8


@pytest.mark.parametrize(
    "line",
    [
        "print('[]')",
        "print('nonsense')",
        "print('[[' * 100000)",
        """print('{"words": [["p", "../../etc"]], "captions": []}')""",
        """print('{"words": [["p", 1]], "captions": []}')""",
        """print('{"words": [], "captions": []}')""",
        """print('{"words": [["p"]]}')""",
        """print('{"words": [["p"]], "captions": [["p"]]}')""",
        """print('{"words": [["p"]], "captions": [[["p", "none"]]]}')""",
        """print('{"refused": "image"}')""",
        """print('{"refused": ["transcript"]}')""",
        "import json; print(json.dumps({'words': [['p']] * 50001, 'captions': []}))",
        "import json; print(json.dumps({'words': [['p']], 'captions': [[['p']]] * 50001}))",
        "print('[' + ' ' * 5_000_000)",
        "sys.exit(3)",
    ],
)
async def test_an_answer_that_is_none_fails_the_task_and_writes_nothing(
    tmp_path: Path, line: str
) -> None:
    with pytest.raises(RequestFailed) as failed:
        await write(tmp_path, "words", command=saying(line))
    assert failed.value.problem == problems.ALGO
    assert list(tmp_path.iterdir()) == []


async def test_a_process_that_hangs_ends_with_all_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    hang = saying(
        "import subprocess, time;"
        f" p = subprocess.Popen(['sleep', '60']); open({str(note)!r}, 'w').write(str(p.pid));"
        " time.sleep(60)"
    )
    with pytest.raises(RequestFailed) as failed:
        await write(tmp_path, "words", command=hang, time_s=2.0)
    assert failed.value.problem == problems.out_of_definition("transcript")
    state = Path(f"/proc/{note.read_text()}/stat")
    deadline = time.monotonic() + 5.0
    while state.exists() and state.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_process_gets_no_more_room_and_memory_than_it_may_have(tmp_path: Path) -> None:
    file_bytes = transcript_reader.FILE_BYTES
    check = (
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from portravox.service.worker.transcript_reader import _limit; _limit()\n"
        f"file = open({str(tmp_path / 'file')!r}, 'wb', buffering=0)\n"
        f"print(file.write(bytes({2 * file_bytes})))\n"
        f"try: bytearray({transcript_reader.MEMORY_MIB} * 2**20)\n"
        "except MemoryError: print('no room')\n"
    )
    told = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert told.stdout.split() == [str(file_bytes), "no", "room"]


def test_words_in_the_folder_are_checked_once_more(tmp_path: Path) -> None:
    wrong = {"words": [[PHONE_CLASSES[1]], ["none"]], "captions": []}
    (tmp_path / WORDS_NAME).write_text(json.dumps(wrong))
    with pytest.raises(ValueError, match="word"):
        words_in(tmp_path, "text", None)
    with pytest.raises(ValueError, match="word"):
        readings_in(tmp_path)


@needs_espeak
async def test_captions_are_read_word_by_word_of_the_text(tmp_path: Path) -> None:
    said = {"text": "It is 10 past 3.", "transcript": "It is ten past three."}
    await write_words(said, tmp_path)
    assert readings_in(tmp_path) == read_words(["It", "is", "10", "past", "3."])
    assert readings_in(tmp_path / "nothing") == ()


def test_what_a_text_needs_is_known_without_reading_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert missing_readers("hello") == ("espeak-ng",)
    assert missing_readers("你好") == ("pypinyin",)
    assert missing_readers("你好 ok") == ("pypinyin", "espeak-ng")
    assert missing_readers("漢字かな", None) == ("espeak-ng",)
    assert missing_readers("漢字", "ja") == ()


@needs_espeak
async def test_a_process_that_may_start_no_program_renders_with_a_transcript_and_draws_captions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(demo_portrait(), tmp_path / "image")
    shutil.copy(VOICE, tmp_path / "audio")
    font = FontFile(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"))
    monkeypatch.setattr(fonts, "font_file_for", lambda _: font)  # one that it may not read itself
    parameters = {
        "transcript": "Papa, Mama.",
        "captions": "burned",
        "max_side": 256,
        "video_fps": 15,
    }
    process = WorkerProcess("render", memory_mib=4096, folders=tmp_path)
    try:
        await write_words(parameters, tmp_path)
        index = await copy_font(parameters, tmp_path)
        request = RenderRequest(folder=str(tmp_path), parameters=parameters, font_index=index)
        await process.request(request, RenderDone, time_s=60.0)
    finally:
        await process.close()
    first, *others = (
        frame[212:246, 80:176].astype(int) for frame in read_frames(tmp_path / VIDEO_NAME)
    )
    changed = [float((abs(frame - first) > 60).mean()) for frame in others]
    assert max(changed) > 0.2 > 0.01 > changed[0]  # a dark plate; there is none before the words
    assert "Papa, Mama." in (tmp_path / CAPTIONS_NAME).read_text()


async def test_captions_that_no_font_can_write_fail_the_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)  # no fontconfig
    said = {"transcript": "早上好", "captions": "burned"}
    with pytest.raises(RequestFailed) as failed:
        await copy_font(said, tmp_path)
    assert failed.value.problem == problems.out_of_definition("captions")
    assert await copy_font({**said, "transcript": "Hello"}, tmp_path) == NO_FONT
    assert await copy_font({"transcript": "早上好"}, tmp_path) == NO_FONT


@needs_espeak
async def test_a_text_that_was_spoken_is_a_transcript(tmp_path: Path) -> None:
    await write_words({"text": "Papa, give me the map."}, tmp_path)
    words = words_in(tmp_path, None, None, spoken="Papa, give me the map.")
    assert words == read_transcript("Papa, give me the map.")


async def test_a_text_that_cannot_be_read_does_without(tmp_path: Path) -> None:
    await write_words({"text": "Hi"}, tmp_path, command=saying("print('nonsense')"))
    assert words_in(tmp_path, None, None, spoken="Hi") is None
