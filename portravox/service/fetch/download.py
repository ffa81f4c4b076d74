"""A file from a URL that a stranger wrote, into a file of ours.

Flow      worker.child -> fetch.download -> fetch.http, media
Reads     URL, AddressPolicy, the most bytes to take
Gives     the file, with content that is not checked yet

Runs in a worker process, never in a request, and waits while it works. Whatever goes wrong is one
error to the client: the difference between "refused", "no answer" and "not found" is what strangers
would learn about the network around us. The log has the reason, and the host, and never a path or
query, which may be a signed link.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path

from portravox import __version__
from portravox.service.disk import DiskSpace
from portravox.service.errors import InputDownloadFailed, InputTooLarge
from portravox.service.fetch.addresses import AddressPolicy
from portravox.service.fetch.connection import Deadline, Network
from portravox.service.fetch.content_coding import unpacked
from portravox.service.fetch.http import answer_to, as_refusal
from portravox.service.fetch.urls import FetchUrl, parse_url, redirected

MAX_REDIRECTS = 5
"""Our choice: object stores redirect once or twice."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})

WHOLE = frozenset({200, 203})
"""203 is a 200 that a proxy on the way has changed."""

PIECE_BYTES = 1 << 16

_PART = "its server gave a part of the file for the whole (status 206)"

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15})", re.IGNORECASE)

_log = logging.getLogger(__name__)


def download(
    url: str,
    target: Path,
    *,
    max_bytes: int,
    policy: AddressPolicy | None = None,
    network: Network | None = None,
    space: DiskSpace | None = None,
) -> int:
    """Fetch a file; only the answer that has all of it counts.

    url        http or https, untrusted
    target     is made, must not be there yet, and is gone again whatever is raised
    max_bytes  of the file; more on the line ends the download at once
    policy     which addresses may be called; by default those of the public internet
    space      room on the disk, asked while the file is written
    returns    the size of the file in bytes

    Raises InputTooLarge beyond `max_bytes`, InputDownloadFailed for everything else that lies with
    the URL or its server, StorageFailed where the disk has no room, OSError where `target` cannot
    be written.
    """
    allowed = policy or AddressPolicy()
    world = network or Network()
    deadline = Deadline(world.waits.total_s)
    asked: list[str] = []
    try:
        here = parse_url(url)
        for _ in range(MAX_REDIRECTS + 1):
            asked.append(here.host)
            answering = answer_to(
                here,
                _request(here),
                policy=allowed,
                network=world,
                deadline=deadline,
                # Twice the file for the framing of chunks, and room for headers.
                max_bytes=2 * max_bytes + (1 << 20),
            )
            with answering as answer:
                if answer.status not in REDIRECTS:
                    return _write(target, _body(answer, max_bytes), space or DiskSpace())
                here = redirected(here, _location(answer))
        raise InputDownloadFailed(f"more than {MAX_REDIRECTS} redirects")
    except InputDownloadFailed as error:
        hosts = ", then ".join(asked) or "a URL that cannot be read"
        _log.warning("no file from %s: %s", hosts, error.reason)
        raise


def _request(url: FetchUrl) -> bytes:
    """As it is: what is packed has no size until it is unpacked."""
    return (
        f"GET {url.target} HTTP/1.1\r\n"
        f"Host: {url.host_header}\r\n"
        f"User-Agent: portravox/{__version__}\r\n"
        "Accept: */*\r\n"
        "Accept-Encoding: identity\r\n"
        "Connection: close\r\n"
        "\r\n"
    ).encode("ascii")


def _location(answer: HTTPResponse) -> str:
    """Where a redirect leads. Headers come as Latin-1; what servers put there is UTF-8."""
    location = answer.getheader("Location")
    if location is None:
        raise InputDownloadFailed(f"{answer.status} without a location")
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError as error:
        raise InputDownloadFailed("a location in no known encoding") from error


def _body(answer: HTTPResponse, max_bytes: int) -> Iterator[bytes]:
    """The file, piece by piece, as long as the server said and not longer than allowed."""
    declared = _declared_bytes(answer)
    _require_whole(answer, declared)
    if declared is not None and declared > max_bytes:
        raise InputTooLarge(max_bytes)
    received = 0
    for piece in unpacked(_on_the_line(answer, declared), answer.getheader("Content-Encoding", "")):
        received += len(piece)
        if received > max_bytes:
            raise InputTooLarge(max_bytes)
        yield piece


def _require_whole(answer: HTTPResponse, declared: int | None) -> None:
    """Raise InputDownloadFailed unless the answer has the file, and all of it."""
    if answer.status in WHOLE:
        return
    if answer.status != 206:
        raise InputDownloadFailed(
            f"status {answer.status}", told=f"its server answered with status {answer.status}"
        )
    # We asked for no part. Some caches answer with one all the same that is the whole.
    told = answer.getheader("Content-Range", "")
    part = _CONTENT_RANGE.fullmatch(told.strip())
    if part is None:
        raise InputDownloadFailed(f"status 206 with the range {told!r:.80}", told=_PART)
    first, last, total = (int(number) for number in part.groups())
    if first != 0 or last + 1 != total or declared not in (None, total):
        raise InputDownloadFailed(f"status 206 with a part of the file: {told:.80}", told=_PART)


def _on_the_line(answer: HTTPResponse, declared: int | None) -> Iterator[bytes]:
    """What comes, packed as it is, up to the end that was promised."""
    received = 0
    while piece := _read(answer):
        received += len(piece)
        yield piece
    if declared is not None and received != declared:
        raise InputDownloadFailed(
            f"{received} bytes of {declared}",
            told=f"only {received} of the {declared} bytes that its server promised came",
        )


def _declared_bytes(answer: HTTPResponse) -> int | None:
    """The length the server promises; None where the end is marked on the line."""
    length = answer.getheader("Content-Length")
    coding = answer.getheader("Transfer-Encoding")
    if coding is not None:
        if coding.strip().lower() != "chunked" or length is not None:
            raise InputDownloadFailed(
                "two framings, or one that we do not know",
                told="its server answered in broken HTTP",
            )
        return None
    if length is None:
        return None
    # Several headers come joined by commas, and so are refused.
    if not re.fullmatch(r"[0-9]{1,15}", length.strip()):
        raise InputDownloadFailed(
            "a length that is not a number", told="its server answered in broken HTTP"
        )
    return int(length)


def _read(answer: HTTPResponse) -> bytes:
    with as_refusal():
        return answer.read(PIECE_BYTES)


def _write(target: Path, pieces: Iterator[bytes], space: DiskSpace) -> int:
    """Put pieces into a new file, which is gone again where they do not come to their end."""
    with target.open("xb") as file, space.promise(target.parent, 0) as promise:
        try:
            written = 0
            for piece in pieces:
                promise.write(len(piece))
                written += file.write(piece)
            return written
        except BaseException:
            target.unlink()
            raise
