"""Requests of the command line and the library to a speech provider that their user chose.

Flow      synthesis.servers -> transport.send -> the network

A server of ours sends its requests in another way, by `service.speaker`: there the address may have
been named by somebody else.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from email.message import Message
from typing import IO, Any, Final

from portravox import __version__
from portravox.errors import SpeechUnavailable
from portravox.synthesis.provider import Answer, Request

IDLE_S: Final = 30.0
"""The longest silence on the line: a model may take that long before its first byte. Our choice."""

_PIECE_BYTES: Final = 1 << 16


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A key goes where it was meant to go."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> None:
        del req, fp, code, msg, headers, newurl


def send(request: Request, *, time_s: float, max_bytes: int) -> Answer:
    """As `Transport`, by the proxies of the environment."""
    ends_at = time.monotonic() + time_s
    asking = urllib.request.Request(  # http or https: that was checked
        request.url,
        data=request.body,
        headers={**request.headers, "User-Agent": f"portravox/{__version__}"},
    )
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        try:
            answer = opener.open(asking, timeout=min(IDLE_S, max(time_s, 0.01)))
        except urllib.error.HTTPError as error:
            answer = error  # is an answer, too
        with answer:
            body = _read(answer, ends_at, max_bytes)
            promised = answer.headers.get("Content-Length", "")
            if promised.isdecimal() and int(promised) != len(body):
                raise SpeechUnavailable("the speech provider's answer is cut off", again=True)
            typed = "Content-Type" in answer.headers  # else text/plain would be assumed
            return Answer(
                status=answer.status,
                content_type=answer.headers.get_content_type() if typed else "",
                retry_after_s=seconds_of(answer.headers.get("Retry-After")),
                body=body,
            )
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise SpeechUnavailable(
            f"no answer from the speech provider: {reason}", again=True
        ) from error


def _read(answer: Any, ends_at: float, max_bytes: int) -> bytes:
    pieces, size = [], 0
    while piece := answer.read1(_PIECE_BYTES):  # `read` would wait for a whole piece
        size += len(piece)
        if size > max_bytes:
            raise SpeechUnavailable(f"the speech provider sends more than {max_bytes} bytes")
        if time.monotonic() > ends_at:
            raise SpeechUnavailable("the speech provider takes too long")
        pieces.append(piece)
    return b"".join(pieces)


def seconds_of(retry_after: str | None) -> float:
    """0 where nothing is asked for, or a date is."""
    asked = (retry_after or "").strip()
    return float(asked) if asked.isdecimal() and len(asked) < 6 else 0.0
