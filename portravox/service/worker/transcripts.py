"""Transcripts of strangers: read by a process of their own, before the video is made.

Flow      loop -> write_words: transcript_reader -> words in the scratch folder -> words -> child

The process that decodes pictures and sounds may start no program, and most languages are read by
one, espeak-ng. So the words are read beforehand, in a process that lives for one transcript and
gets no file of a stranger, no address and no setting of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from portravox.articulation.transcript import missing_readers
from portravox.service import problems
from portravox.service.worker import sandbox
from portravox.service.worker.process import RequestFailed
from portravox.service.worker.words import WORDS_NAME, checked_words

TIME_S = 30.0
"""For one transcript; the longest take 2 s. Our choice."""

MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""Of an answer; 20,000 letters give half a megabyte. Our choice."""

_COMMAND = (sys.executable, "-m", "portravox.service.worker.transcript_reader")


async def write_words(
    parameters: Mapping[str, Any],
    folder: Path,
    *,
    command: Sequence[str] = _COMMAND,
    time_s: float = TIME_S,
) -> None:
    """Put the words of a job's transcript, if it has one, into its folder.

    parameters   of the task
    command      what to run instead of our own process, for tests

    A text that was spoken is a transcript, too; one that cannot be read does without.

    Raises RequestFailed, OSError. Cancelling this call ends the process.
    """
    said, language = parameters.get("transcript"), parameters.get("language")
    text = parameters.get("text") if said is None else None
    if said is None and (text is None or missing_readers(text, language)):
        return
    captions = parameters.get("text") or said
    question = json.dumps({"transcript": said or text, "captions": captions, "language": language})
    try:
        answer = await _answer(question.encode(), command, time_s)
    except RequestFailed:
        if said is None:
            return
        raise
    await asyncio.to_thread((folder / WORDS_NAME).write_bytes, json.dumps(answer).encode())


async def _answer(question: bytes, command: Sequence[str], time_s: float) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=sandbox.passed_on(os.environ),
        start_new_session=True,  # so that its program ends along with it
    )
    try:
        async with asyncio.timeout(time_s):
            said = await _exchanged(process, question)
    except TimeoutError as error:
        raise RequestFailed(problems.out_of_definition("transcript"), retry=False) from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    try:
        answer = json.loads(said)
        if isinstance(answer, dict) and "refused" in answer:
            refused = answer["refused"]
            if refused not in ("transcript", "language"):
                raise ValueError("not a refusal")
            raise RequestFailed(problems.out_of_definition(refused), retry=False)
        return checked_words(answer)
    except (ValueError, RecursionError) as error:
        raise RequestFailed(problems.ALGO, retry=False) from error


async def _exchanged(process: asyncio.subprocess.Process, question: bytes) -> bytes:
    """What a process says to a question, cut off where it is too much."""
    assert process.stdin is not None and process.stdout is not None
    with contextlib.suppress(ConnectionError):  # it is dead: reading says so, too
        process.stdin.write(question)
        await process.stdin.drain()
        process.stdin.close()
    pieces, size = [], 0
    while size <= MAX_ANSWER_BYTES and (piece := await process.stdout.read(64 * 1024)):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces) if size <= MAX_ANSWER_BYTES else b""
