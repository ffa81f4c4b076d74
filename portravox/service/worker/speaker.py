"""Texts of strangers, spoken by the provider that the operator chose.

Flow      loop -> speaker -> synthesis.SpeechProvider -> audio in the scratch folder -> child

Here and not in a process of its own: what comes is put into a file and not looked into, a program
runs with limits of its own, and the provider's key stays where the other secrets are. Addresses
that the provider's answers name are called under the rules for addresses of strangers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from portravox import __version__
from portravox.errors import SettingOutOfRange, SpeechRefused, SpeechUnavailable
from portravox.service.errors import InputDownloadFailed
from portravox.service.fetch.addresses import ANYWHERE, AddressPolicy
from portravox.service.fetch.connection import Deadline, Network, Waits
from portravox.service.fetch.http import answer_to, as_refusal
from portravox.service.fetch.urls import FetchUrl, parse_url
from portravox.service.problems import failure_of
from portravox.service.worker.fair import FairTurns
from portravox.service.worker.process import RequestFailed
from portravox.synthesis.opened import open_provider
from portravox.synthesis.provider import Answer, Request, SpeechRequest, speech_request
from portravox.synthesis.settings import SpeechSettings
from portravox.synthesis.transport import seconds_of

AT_ONCE = 4
AT_ONCE_PER_KEY = 2
"""Texts that are spoken at the same time. Our choice: 15 MB of memory each, a provider that is
slow, and a second key that does not wait for the first one's."""

IDLE_S = 10.0
"""The longest silence within an answer; before it a provider may take all the time there is."""

_PIECE_BYTES = 1 << 16
_HEAD_BYTES = 1 << 16


class Speaker:
    """Speaks the texts of tasks. Belongs to one event loop."""

    def __init__(self, settings: SpeechSettings, policy: AddressPolicy | None = None) -> None:
        """policy: for addresses that answers name"""
        self._settings = settings
        self._provider = open_provider(settings, partial(_send, policy or AddressPolicy()))
        self._turns = FairTurns(AT_ONCE, per_key=AT_ONCE_PER_KEY)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="portravox-speech")

    async def speak(self, parameters: Mapping[str, Any], target: Path, *, key: str) -> None:
        """Put the recording of a job's text into a new file.

        Raises RequestFailed, OSError. Where this call is cancelled before its turn, nothing is
        spoken; after that the provider goes on to its end, and keeps its turn until then.
        """
        try:
            speech = speech_request(
                self._settings,
                parameters["text"],
                voice=parameters.get("voice_name"),
                language=parameters.get("language"),
            )
            began = asyncio.Event()
            speaking = asyncio.create_task(self._in_turn(speech, target, key, began))
            speaking.add_done_callback(_forget)
            try:
                await asyncio.shield(speaking)
            except asyncio.CancelledError:
                if not began.is_set():  # a provider may want money for each
                    speaking.cancel()
                raise
        except (SpeechRefused, SpeechUnavailable, SettingOutOfRange) as error:
            raise RequestFailed(failure_of(error), retry=False) from error

    async def _in_turn(
        self, speech: SpeechRequest, target: Path, key: str, began: asyncio.Event
    ) -> None:
        async with self._turns.turn(key):
            began.set()
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, self._provider.speak, speech, target)

    def close(self) -> None:
        """Wait for nothing: what is under way ends by its time limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _forget(speaking: asyncio.Task[None]) -> None:
    """Have seen how it ended, also where nobody waits for it any more."""
    with contextlib.suppress(asyncio.CancelledError):
        speaking.exception()


def _send(policy: AddressPolicy, request: Request, *, time_s: float, max_bytes: int) -> Answer:
    """As `synthesis.Transport`, over a connection to an address that was checked."""
    waits = Waits(first_byte_s=max(time_s, 0.01), idle_s=IDLE_S, total_s=time_s)
    try:
        url = parse_url(request.url)
        answering = answer_to(
            url,
            _written(url, request),
            policy=ANYWHERE if request.by_operator else policy,
            network=Network(waits=waits),
            deadline=Deadline(time_s),
            # Twice the recording for the framing of chunks, and room for headers.
            max_bytes=2 * max_bytes + _HEAD_BYTES,
        )
        with answering as answer:
            coding = answer.getheader("Content-Encoding", "identity").strip().lower()
            if coding != "identity":
                raise SpeechUnavailable(f"the speech provider packs its answer: {coding[:20]!r}")
            pieces, size = [], 0
            while piece := _read(answer):
                size += len(piece)
                if size > max_bytes:
                    raise SpeechUnavailable(f"the speech provider sends over {max_bytes} bytes")
                pieces.append(piece)
            promised = answer.getheader("Content-Length", "")
            if promised.isdecimal() and int(promised) != size:
                raise SpeechUnavailable("the speech provider's answer is cut off", again=True)
            said = answer.getheader("Content-Type", "")
            return Answer(
                status=answer.status,
                content_type=said.split(";")[0].strip().lower(),
                retry_after_s=seconds_of(answer.getheader("Retry-After")),
                body=b"".join(pieces),
            )
    except InputDownloadFailed as error:
        raise SpeechUnavailable(
            f"no answer from the speech provider: {error.reason}", again=True
        ) from error


def _read(answer: Any) -> bytes:
    with as_refusal():
        piece: bytes = answer.read(_PIECE_BYTES)
        return piece


def _written(url: FetchUrl, request: Request) -> bytes:
    lines = {
        "Host": url.host_header,
        "User-Agent": f"portravox/{__version__}",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **request.headers,
    }
    if request.body is not None:
        lines["Content-Length"] = str(len(request.body))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    method = "GET" if request.body is None else "POST"
    return f"{method} {url.target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + (request.body or b"")
